//! What may be tried again: once any of a password or an account was handed to the transport, only
//! what ended with 421.

use crate::common::{Dialogue, known, password, username};
use ftp_proto::client::{Config, DataProtection, Error, Login, Security};
use ftp_proto::wire::Code;
use ftp_proto::{Action, Instant, Machine};

/// Ways through a login, each reply on its own.
const PLAIN: &[&[&str]] = &[
    &["220", "331", "230"],
    &["220", "331", "332", "230"],
    &["220", "332", "230"],
    &["220", "332", "503", "331", "230"],
    &["220", "230"],
    &["220", "331", "202"],
];
const SECURED: &[&[&str]] = &[
    &["220", "234", "200", "200", "331", "230"],
    &["220", "234", "530", "331", "230", "200", "200"],
    &["220", "234", "530", "331", "332", "230", "200", "200"],
    &["220", "234", "530", "230", "200", "200"],
];

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
enum Failure {
    Code(u16),
    Closed,
    ClosedWithinReply,
    Silence,
}

fn failures() -> impl Iterator<Item = Failure> {
    let others = [
        Failure::Closed,
        Failure::ClosedWithinReply,
        Failure::Silence,
    ];
    (100..600).map(Failure::Code).chain(others)
}

fn fail(dialogue: &mut Dialogue, failure: Failure) {
    match failure {
        Failure::Code(code) => dialogue.hear(format!("{code} Text.\r\n")),
        Failure::Closed => dialogue.hear_end(),
        Failure::ClosedWithinReply => {
            dialogue.hear("530-Te");
            dialogue.hear_end();
        }
        Failure::Silence => {
            for _ in 0..20 {
                dialogue.pass(60);
            }
        }
    }
}

/// Along this way as far as `steps`; what was sent so far is in the dialogue.
fn walk(config: &Config, way: &[&str], steps: usize) -> Dialogue {
    let mut dialogue = Dialogue::new(config.clone());
    for code in &way[..steps] {
        dialogue.hear(format!("{code} Text.\r\n"));
        if dialogue.waits && *code == "234" {
            dialogue.start_tls();
        }
    }
    dialogue
}

fn expected(error: &Error, sent: &str) -> bool {
    let unavailable = matches!(error, Error::ServiceUnavailable { .. });
    let secret_sent = sent.contains("PASS") || sent.contains("ACCT");
    let may_pass = match error {
        Error::Refused { reply, .. } => (400..500).contains(&reply.code().get()),
        Error::TimedOut { .. } | Error::ConnectionClosed { .. } => true,
        _ => false,
    };
    unavailable || (may_pass && !secret_sent)
}

#[test]
fn after_the_password_was_sent_only_a_421_is_transient_in_any_state() {
    let login = known();
    let plain = Config::new(login.clone()).security(Security::DangerousPlaintext);
    let secured = |protection| Config::new(login.clone()).data_protection(protection);
    let configs = [
        (plain, PLAIN),
        (secured(DataProtection::Required), SECURED),
        (secured(DataProtection::Preferred), SECURED),
        (secured(DataProtection::Required).pipelining(true), SECURED),
    ];
    let mut seen = [0; 2];
    for (config, ways) in &configs {
        for way in *ways {
            for steps in 0..=way.len() {
                for failure in failures() {
                    let mut dialogue = walk(config, way, steps);
                    fail(&mut dialogue, failure);
                    let Some(Err(error)) = &dialogue.end else {
                        continue;
                    };
                    let sent = String::from_utf8_lossy(&dialogue.sent);
                    let expected = expected(error, &sent);
                    assert_eq!(
                        error.is_transient(),
                        expected,
                        "{error} after {:?}, then {failure:?}",
                        &way[..steps]
                    );
                    seen[usize::from(expected)] += 1;
                }
            }
        }
    }
    assert!(seen[0] > 1000 && seen[1] > 1000, "{seen:?}");
}

/// The server has asked for a password, and so much of the answer is taken.
fn written(count: usize) -> Dialogue {
    let mut dialogue = Dialogue::plain(known());
    dialogue.store("331 Password.\r\n");
    assert!(matches!(dialogue.client.poll(), Ok(Action::Write { bytes, .. }) if bytes.len() > 1));
    dialogue.client.wrote(dialogue.now, count);
    dialogue
}

#[test]
fn part_of_a_password_counts_as_sent_and_nothing_of_it_does_not() {
    for count in 0..3 {
        let mut silent = written(count);
        let later = Instant::START + std::time::Duration::from_secs(1000);
        silent.client.timed_out(later);
        silent.drive();
        let mut closed = written(count);
        closed.hear_end();
        for error in [silent.error(), closed.error()] {
            assert_eq!(error.is_transient(), count == 0, "{count}: {error}");
        }
    }
}

#[test]
fn an_open_question_for_the_password_is_no_password_sent() {
    for (answers, transient) in [(false, true), (true, false)] {
        let mut dialogue = Dialogue::plain(Login::user(username()).ask());
        dialogue.hear("331 Password.\r\n");
        if answers {
            let answer = dialogue.take_challenge().password(password());
            dialogue.client.answer(dialogue.now, answer).unwrap();
            dialogue.drive();
        }
        assert_eq!(dialogue.client.is_secret_sent(), answers);
        dialogue.hear_end();
        assert_eq!(dialogue.error().is_transient(), transient);
    }
}

#[test]
fn what_was_sent_once_stays_sent() {
    let mut dialogue = Dialogue::ready();
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.hear("220 Again.\r\n");
    dialogue.hear("430 No.\r\n");
    assert_eq!(dialogue.error().code(), Code::new(430));
    assert!(!dialogue.error().is_transient());
}
