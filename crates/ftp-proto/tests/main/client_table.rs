//! Holds `src/client/transitions.md` against the machine: every state × every code, driving with
//! bytes alone and looking at bytes, events and errors alone.

use std::collections::BTreeSet;

use crate::common::table::{CLIENT, Row, can_answer, find, outcome, rows};
use crate::common::{Dialogue, known, password, username};
use ftp_proto::client::{Config, DataProtection, Error, Login, PeerFault, Phase, Security, Utf8};

/// Codes with which the state after a transition is told from all others.
const PROBES: [u16; 14] = [
    120, 200, 202, 220, 230, 234, 331, 332, 336, 421, 500, 503, 530, 532,
];

/// The verb of the command that is answered in this state, where its codes are looked at.
fn verb_of(state: &str) -> &'static str {
    match state {
        "PWD" => "PWD",
        "QUIT" => "QUIT",
        state if state.contains("keep-alive") => "NOOP",
        _ => "SITE",
    }
}

/// The one row that says what happens.
fn look_up(rows: &[Row], state: &str, code: u16) -> Row {
    let number = code.to_string();
    let class = format!("{}yz", code / 100);
    let order = [
        (state, "all"),
        (state, &*number),
        ("any", &*number),
        (
            state,
            if can_answer(verb_of(state), code) {
                &*class
            } else {
                "out of step"
            },
        ),
        (state, &*class),
        ("any", "other"),
    ];
    find(rows, &order).unwrap_or_else(|| panic!("no row for {state} and {code}"))
}

fn in_clear(login: Login) -> Dialogue {
    Dialogue::plain(login)
}

fn explicit(protection: DataProtection, pipelining: bool) -> Dialogue {
    Dialogue::secured(
        Config::new(known())
            .data_protection(protection)
            .pipelining(pipelining),
    )
}

fn nothing_known() -> Login {
    Login::user(username())
}

fn implicit() -> Dialogue {
    let mut dialogue = Dialogue::new(Config::new(known()).security(Security::ImplicitTls));
    dialogue.start_tls();
    dialogue
}

fn after_ccc() -> Dialogue {
    let config = Config::new(known()).data_protection(DataProtection::Clear);
    let mut dialogue = Dialogue::secured(config.clear_command_channel(true));
    dialogue.hear("230 Welcome.\r\n");
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue
}

/// Brings a machine into the state of this name.
fn reach(state: &str) -> Dialogue {
    use DataProtection::{Preferred, Required};
    let heard = |mut dialogue: Dialogue, replies: &[&str]| {
        for reply in replies {
            dialogue.hear(format!("{reply} Text.\r\n"));
        }
        assert_eq!(dialogue.end, None, "on the way to {state}");
        dialogue.forget();
        dialogue
    };
    let fallback = || Config::new(known()).auth_ssl_fallback(true);
    match state {
        "greeting (in clear)" => {
            Dialogue::new(Config::new(known()).security(Security::DangerousPlaintext))
        }
        "greeting (explicit TLS)" => Dialogue::new(Config::new(known())),
        "greeting (implicit TLS)" => heard(implicit(), &[]),
        "AUTH TLS" => heard(Dialogue::new(Config::new(known())), &["220"]),
        "AUTH TLS (fallback)" => heard(Dialogue::new(fallback()), &["220"]),
        "AUTH SSL" => heard(Dialogue::new(fallback()), &["220", "504"]),
        "handshake" => heard(Dialogue::new(Config::new(known())), &["220", "234"]),
        "PBSZ (required)" => explicit(Required, false),
        "PBSZ (preferred)" => explicit(Preferred, false),
        "PBSZ (required, pipelined)" => explicit(Required, true),
        "PBSZ (preferred, pipelined)" => explicit(Preferred, true),
        "PROT (required)" => heard(explicit(Required, false), &["200"]),
        "PROT (preferred)" => heard(explicit(Preferred, false), &["200"]),
        "PROT (required, pipelined)" => heard(explicit(Required, true), &["200"]),
        "PROT (preferred, pipelined)" => heard(explicit(Preferred, true), &["200"]),
        "PROT (put off, pipelined)" => heard(explicit(Required, true), &["530"]),
        "PROT (refused, pipelined)" => heard(explicit(Preferred, true), &["500"]),
        "HOST" => {
            let config = Config::new(known()).security(Security::DangerousPlaintext);
            heard(
                Dialogue::new(config.host("ftp.example.com").unwrap()),
                &["220"],
            )
        }
        "FEAT (nothing of UTF8)" | "FEAT (UTF8 listed)" => before_user(Utf8::IfAnnounced),
        "OPTS" => before_user(Utf8::Always),
        "asking for a name" => heard(in_clear(Login::interactive()), &[]),
        "USER (known)" => heard(in_clear(known()), &[]),
        "USER (asking)" => heard(in_clear(nothing_known().ask()), &[]),
        "USER (nothing known)" => heard(in_clear(nothing_known()), &[]),
        "USER (put off)" => heard(explicit(Required, false), &["530"]),
        "asking for a password" => heard(in_clear(nothing_known().ask()), &["331"]),
        "PASS (known)" => heard(in_clear(known()), &["331"]),
        "PASS (asking)" => heard(
            in_clear(nothing_known().password(password()).ask()),
            &["331"],
        ),
        "PASS (no account)" => heard(in_clear(nothing_known().password(password())), &["331"]),
        "PASS (put off)" => heard(explicit(Required, false), &["530", "331"]),
        "asking for an account" => heard(in_clear(nothing_known().ask()), &["332"]),
        "ACCT after USER (known)" => heard(in_clear(known()), &["332"]),
        "ACCT after USER (asking)" => heard(
            in_clear(nothing_known().account(crate::common::account()).ask()),
            &["332"],
        ),
        "ACCT after USER (no password)" => heard(
            in_clear(nothing_known().account(crate::common::account())),
            &["332"],
        ),
        "ACCT after USER (put off)" => heard(explicit(Required, false), &["530", "332"]),
        "ACCT after PASS" => heard(in_clear(known()), &["331", "332"]),
        "ACCT (put off)" => heard(explicit(Required, false), &["530", "331", "332"]),
        "PBSZ again (required)" => heard(explicit(Required, false), &["530", "230"]),
        "PBSZ again (preferred)" => heard(explicit(Preferred, false), &["530", "230"]),
        "PROT again (required)" => heard(explicit(Required, false), &["530", "230", "200"]),
        "PROT again (preferred)" => heard(explicit(Preferred, false), &["530", "230", "200"]),
        "ready" => Dialogue::ready(),
        "ready (after 202)" => heard(in_clear(known()), &["331", "202"]),
        "command" | "command (after 202)" => {
            let mut dialogue = reach(&state.replace("command", "ready"));
            dialogue.send("SITE CHECK");
            dialogue.forget();
            dialogue
        }
        "PWD" => {
            let mut dialogue = Dialogue::ready();
            dialogue.send("PWD");
            dialogue.forget();
            dialogue
        }
        "keep-alive" => kept_alive("230", false),
        "keep-alive (after 202)" => kept_alive("202", false),
        "command, behind keep-alive" => {
            let mut dialogue = kept_alive("230", false);
            dialogue.send("SITE CHECK");
            dialogue
        }
        "REIN, behind keep-alive" => reinitializing(kept_alive("230", false)),
        "CCC, behind keep-alive" => {
            let mut dialogue = kept_alive("230", true);
            dialogue.client.clear_command_channel(dialogue.now).unwrap();
            dialogue.drive();
            dialogue
        }
        "QUIT, behind keep-alive" => leaving("keep-alive"),
        "REIN (in clear)" => reinitializing(Dialogue::ready()),
        "REIN (under TLS)" => {
            reinitializing(heard(explicit(Required, false), &["200", "200", "230"]))
        }
        "REIN (after CCC)" => {
            let mut dialogue = after_ccc();
            dialogue.hear("200 Clear.\r\n");
            dialogue.stop_tls();
            reinitializing(dialogue)
        }
        "CCC" => heard(after_ccc(), &[]),
        "closing TLS" => heard(after_ccc(), &["200"]),
        "leaving, reply under way" => leaving("USER (known)"),
        "leaving, AUTH or CCC under way" => leaving("AUTH TLS"),
        "QUIT" => leaving("ready"),
        other => panic!("no way to {other} is known"),
    }
}

/// In clear, and greeted.
fn before_user(utf8: Utf8) -> Dialogue {
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut dialogue = Dialogue::new(config.utf8(utf8));
    dialogue.hear("220 Ready.\r\n");
    dialogue.forget();
    dialogue
}

/// Logged in with this code, and silent until the machine's own NOOP is sent.
fn kept_alive(code: &str, under_tls: bool) -> Dialogue {
    let config = Config::new(known()).keep_alive(Some(std::time::Duration::from_secs(60)));
    let mut dialogue = if under_tls {
        let config = config.data_protection(DataProtection::Clear);
        Dialogue::secured(config.clear_command_channel(true))
    } else {
        let mut dialogue = Dialogue::new(config.security(Security::DangerousPlaintext));
        dialogue.hear("220 Ready.\r\n");
        dialogue
    };
    dialogue.hear("331 Password.\r\n");
    dialogue.hear(format!("{code} Welcome.\r\n"));
    dialogue.forget();
    dialogue.pass(60);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    dialogue
}

fn reinitializing(mut dialogue: Dialogue) -> Dialogue {
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.forget();
    dialogue
}

fn leaving(state: &str) -> Dialogue {
    let mut dialogue = reach(state);
    dialogue.quit();
    dialogue.forget();
    dialogue
}

/// The line that a cell of the column "sends" stands for.
fn line(command: &str) -> String {
    let line = match command {
        "—" => return String::new(),
        "PBSZ" => "PBSZ 0",
        "PROT" => "PROT P",
        "USER" => "USER developer",
        "PASS" => "PASS correct horse",
        "ACCT" => "ACCT research",
        "SITE" => "SITE CHECK",
        "OPTS" => "OPTS UTF8 ON",
        other => other,
    };
    format!("{line}\r\n")
}

/// Feeds one reply and holds what comes out against its row.
fn check(row: &Row, dialogue: &mut Dialogue, code: u16, context: &str) {
    let phase = dialogue.client.phase();
    dialogue.hear(match row.state {
        "FEAT (UTF8 listed)" => format!("{code}-Text:\r\n UTF8\r\n{code} End.\r\n"),
        _ => format!("{code} Text.\r\n"),
    });
    assert_eq!(dialogue.take_sent(), line(row.sends), "sent in {context}");
    assert_eq!(outcome(dialogue), row.outcome, "outcome in {context}");
    assert_eq!(
        dialogue.end.is_some(),
        row.next == "end",
        "end in {context}"
    );
    if let Some(Err(error)) = &dialogue.end {
        let password_phase = matches!(error, Error::PasswordNeeded { .. });
        let expected = if password_phase {
            Phase::Password
        } else {
            phase
        };
        assert_eq!(error.phase(), expected, "phase in {context}");
        if let Error::PeerFault {
            fault: PeerFault::UnexpectedCode { code: found },
            ..
        } = error
        {
            assert_eq!(found.get(), code);
        }
        assert!(error.reply().is_none_or(|reply| reply.code().get() == code));
    }
}

#[test]
fn every_state_does_with_every_code_what_the_table_says() {
    let rows = rows(CLIENT);
    let states: BTreeSet<_> = rows
        .iter()
        .map(|row| row.state)
        .filter(|state| *state != "any")
        .collect();
    assert!(states.len() > 40);
    for state in states {
        for code in 100..=699 {
            let row = look_up(&rows, state, code);
            let context = format!("{state} × {code}");
            check(&row, &mut reach(state), code, &context);
        }
    }
}

#[test]
fn the_next_state_behaves_as_its_own_rows_say() {
    let rows = rows(CLIENT);
    for row in rows
        .iter()
        .filter(|row| row.state != "any" && row.next != "end")
    {
        for pattern in &row.codes {
            let code = match pattern.strip_suffix("yz") {
                Some("2") if row.state == "PWD" => 257,
                Some(class) => class.parse::<u16>().unwrap() * 100 + 99,
                None => pattern.parse().unwrap(),
            };
            for probe in PROBES {
                let context = format!("{}, after {} × {code}, × {probe}", row.next, row.state);
                let mut dialogue = reach(row.state);
                check(row, &mut dialogue, code, &context);
                assert_eq!(
                    dialogue.client.phase(),
                    reach(row.next).client.phase(),
                    "{context}"
                );
                dialogue.forget();
                check(
                    &look_up(&rows, row.next, probe),
                    &mut dialogue,
                    probe,
                    &context,
                );
            }
        }
    }
}

#[test]
fn every_state_can_be_reached_and_every_next_state_has_rows() {
    let rows = rows(CLIENT);
    let states: BTreeSet<_> = rows.iter().map(|row| row.state).collect();
    for row in &rows {
        assert!(
            row.next == "end" || states.contains(row.next),
            "no rows for {}",
            row.next
        );
    }
}

#[test]
fn a_reply_can_answer_a_command_where_the_second_table_says_so() {
    let own_methods = [
        "USER", "PASS", "AUTH", "ADAT", "CCC", "REIN", "HOST", "QUIT",
    ];
    let verbs = ftp_proto::wire::Verb::ALL
        .iter()
        .filter_map(|verb| verb.name())
        .chain(["XYZZY"])
        .filter(|verb| !own_methods.contains(verb));
    for verb in verbs {
        for code in (100..=599).filter(|code| *code != 421) {
            for any_reply_code in [false, true] {
                let mut lenience = ftp_proto::Lenience::default();
                lenience.any_reply_code = any_reply_code;
                let config = Config::new(known()).lenience(lenience);
                let mut dialogue = Dialogue::new(config.security(Security::DangerousPlaintext));
                dialogue.hear("220 x\r\n");
                dialogue.hear("230 x\r\n");
                dialogue.send(verb);
                dialogue.forget();
                dialogue.hear(format!("{code} x\r\n"));
                let is_out_of_step = outcome(&dialogue) == "OutOfStep";
                assert_eq!(
                    is_out_of_step,
                    !any_reply_code && !can_answer(verb, code),
                    "{verb} × {code}"
                );
                assert_eq!(dialogue.end.is_some(), is_out_of_step);
            }
        }
    }
}
