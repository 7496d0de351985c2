//! After the login: commands and their replies, REIN, CCC, QUIT.

use crate::common::{Dialogue, account, known};
use ftp_proto::client::{
    Config, DataProtection, Error, Event, Login, Misuse, PeerFault, Phase, Protection,
};
use ftp_proto::wire::{Command, Verb};
use ftp_proto::{Action, Limits, Machine, Securable};

fn command(line: &str) -> Command {
    Command::from_line(line).unwrap()
}

fn protected(config: Config) -> Dialogue {
    let mut dialogue = Dialogue::secured(config.clear_command_channel(true));
    for reply in ["200 x\r\n", "200 x\r\n", "331 x\r\n", "230 Welcome.\r\n"] {
        dialogue.hear(reply);
    }
    assert_eq!(dialogue.session().protection, Protection::Private);
    dialogue.forget();
    dialogue
}

#[test]
fn replies_answer_the_commands_in_their_order() {
    let mut dialogue = Dialogue::ready();
    let now = dialogue.now;
    let first = dialogue.client.send(now, command("RETR notes")).unwrap();
    let second = dialogue.client.send(now, command("NOOP")).unwrap();
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "RETR notes\r\nNOOP\r\n");
    dialogue.hear("150 Here it comes.\r\n226 Done.\r\n200 Okay.\r\n200 More.\r\n");
    let told: Vec<_> = dialogue
        .events
        .iter()
        .map(|event| match event {
            Event::Reply { command, reply } => (Some(*command), reply.code().get()),
            Event::Unsolicited(reply) => (None, reply.code().get()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(first), 150),
            (Some(first), 226),
            (Some(second), 200),
            (None, 200)
        ]
    );
}

#[test]
fn a_command_is_unanswered_until_its_final_reply_is_given() {
    let mut dialogue = Dialogue::ready();
    let now = dialogue.now;
    let retr = dialogue.client.send(now, command("RETR notes")).unwrap();
    let noop = dialogue.client.send(now, command("NOOP")).unwrap();
    dialogue.drive();
    dialogue.store("150 Here it comes.\r\n226 Done.\r\n");
    for is_more_to_come in [true, false] {
        assert!(dialogue.client.is_unanswered(retr));
        let action = dialogue.client.poll().unwrap();
        assert!(matches!(action, Action::Event(Event::Reply { command, .. }) if command == retr));
        assert_eq!(dialogue.client.is_unanswered(retr), is_more_to_come);
    }
    assert!(dialogue.client.is_unanswered(noop));
}

#[test]
fn rein_and_ccc_are_unanswered_until_they_are_refused() {
    for verb in [Verb::Rein, Verb::Ccc] {
        let mut dialogue = protected(Config::new(known()));
        let now = dialogue.now;
        let sent = match verb {
            Verb::Rein => dialogue.client.reinitialize(now, known()),
            _ => dialogue.client.clear_command_channel(now),
        };
        let sent = sent.unwrap();
        assert!(dialogue.client.is_unanswered(sent));
        dialogue.drive();
        dialogue.hear("502 No.\r\n");
        assert_eq!(dialogue.event_names(), ["Reply"]);
        assert!(!dialogue.client.is_unanswered(sent));
    }
}

#[test]
fn a_reply_that_came_before_its_command_is_unsolicited() {
    let mut dialogue = Dialogue::ready();
    let id = dialogue.client.send(dialogue.now, command("PWD")).unwrap();
    dialogue.store("200 Nobody asked.\r\n");
    dialogue.drive();
    dialogue.hear("257 \"/\"\r\n");
    assert!(matches!(&dialogue.events[0], Event::Unsolicited(reply) if reply.code().get() == 200));
    assert!(matches!(&dialogue.events[1], Event::Reply { command, .. } if *command == id));
}

#[test]
fn an_account_can_be_sent_long_after_the_login() {
    let mut dialogue = Dialogue::ready();
    dialogue.send("STOR notes");
    dialogue.hear("532 Account for storing.\r\n");
    assert_eq!(dialogue.event_names(), ["NeedAccount"]);
    let account = Command::with_argument(Verb::Acct, account().expose()).unwrap();
    dialogue.client.send(dialogue.now, account).unwrap();
    dialogue.drive();
    dialogue.hear("230 Switched.\r\n");
    assert_eq!(dialogue.event_names(), ["NeedAccount", "Reply"]);
}

#[test]
fn a_530_after_a_202_login_says_that_there_is_no_login() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331 x\r\n");
    dialogue.hear("202 Not needed.\r\n");
    dialogue.forget();
    dialogue.send("PWD");
    dialogue.hear("530 Log in.\r\n");
    assert_eq!(dialogue.event_names(), ["NotLoggedIn"]);
}

#[test]
fn verbs_that_change_the_connection_are_not_sent_by_hand() {
    let mut dialogue = Dialogue::ready();
    for line in [
        "USER x", "PASS x", "auth TLS", "ADAT x", "CCC", "REIN", "QUIT", "HOST x",
    ] {
        let verb = command(line).verb();
        let result = dialogue.client.send(dialogue.now, command(line));
        assert_eq!(result, Err(Misuse::DedicatedMethod(verb)));
    }
    for line in [
        "ACCT x",
        "PBSZ 0",
        "PROT P",
        "PORT 1,2,3,4,5,6",
        "SITE HELP",
        "XYZZY",
    ] {
        assert!(
            dialogue.client.send(dialogue.now, command(line)).is_ok(),
            "{line}"
        );
    }
}

#[test]
fn commands_wait_for_the_login_and_are_bounded_in_number() {
    let mut dialogue = Dialogue::plain(known());
    assert_eq!(
        dialogue.client.send(dialogue.now, command("PWD")),
        Err(Misuse::NotReady)
    );
    assert_eq!(
        dialogue.client.reinitialize(dialogue.now, known()),
        Err(Misuse::NotReady)
    );

    let mut dialogue = Dialogue::ready();
    for _ in 0..Limits::default().outstanding_commands {
        dialogue.send("NOOP");
    }
    let result = dialogue.client.send(dialogue.now, command("NOOP"));
    assert_eq!(result, Err(Misuse::TooManyOutstanding));
    dialogue.hear("200 Okay.\r\n");
    dialogue.send("NOOP");
}

#[test]
fn protection_changed_by_hand_is_reported() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.send("PROT C");
    assert_eq!(
        dialogue.session().protection,
        Protection::Private,
        "not yet"
    );
    dialogue.hear("200 Clear.\r\n");
    assert_eq!(dialogue.session().protection, Protection::Clear);
    dialogue.send("PROT P");
    dialogue.hear("534 No.\r\n");
    assert_eq!(dialogue.session().protection, Protection::Clear);
}

#[test]
fn a_consent_to_prot_without_any_tls_protects_nothing() {
    let mut dialogue = Dialogue::ready();
    dialogue.send("PROT P");
    dialogue.hear("200 As you like.\r\n");
    assert_eq!(dialogue.session().protection, Protection::Clear);
}

#[test]
fn rein_logs_in_with_other_credentials_and_agrees_protection_anew() {
    let mut dialogue = protected(Config::new(known()));
    let other = Login::new("otto", "other").unwrap();
    dialogue.client.reinitialize(dialogue.now, other).unwrap();
    dialogue.drive();
    assert_eq!(
        dialogue.client.send(dialogue.now, command("PWD")),
        Err(Misuse::CommandsOutstanding)
    );
    dialogue.hear("120 In a moment.\r\n");
    dialogue.hear("220 Again.\r\n");
    assert!(dialogue.client.session().is_none());
    for reply in ["200 x\r\n", "200 x\r\n", "331 x\r\n", "230 Otto.\r\n"] {
        dialogue.hear(reply);
    }
    assert_eq!(
        dialogue.take_sent(),
        "REIN\r\nPBSZ 0\r\nPROT P\r\nUSER otto\r\nPASS other\r\n"
    );
    assert_eq!(dialogue.event_names(), ["Delayed", "LoggedIn"]);
    assert_eq!(dialogue.session().logged_in_with.text(), b"Otto.");
    assert_eq!(
        dialogue.session().greeting.as_ref().unwrap().text(),
        b"Again."
    );
    assert!(dialogue.session().tls.is_some());
}

#[test]
fn a_refused_rein_leaves_the_session_as_it_was() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.hear("502 Not here.\r\n");
    assert_eq!(dialogue.event_names(), ["Reply"]);
    assert_eq!(dialogue.session().protection, Protection::Private);
    dialogue.send("NOOP");
}

#[test]
fn rein_and_ccc_are_sent_alone() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.send("NOOP");
    let now = dialogue.now;
    assert_eq!(
        dialogue.client.reinitialize(now, known()),
        Err(Misuse::CommandsOutstanding)
    );
    assert_eq!(
        dialogue.client.clear_command_channel(now),
        Err(Misuse::CommandsOutstanding)
    );
}

#[test]
fn ccc_closes_tls_and_goes_on_in_clear() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 Clear.\r\n");
    assert_eq!(dialogue.event_names(), ["StopTls"]);
    assert!(dialogue.waits);
    dialogue.stop_tls();
    assert_eq!(dialogue.event_names(), ["StopTls", "ClearCommandChannel"]);
    assert!(dialogue.session().tls.is_none());
    dialogue.send("PWD");
    dialogue.hear("257 \"/\"\r\n");
    assert_eq!(dialogue.take_sent(), "CCC\r\nPWD\r\n");
}

#[test]
fn ccc_needs_leave_and_tls() {
    let config = Config::new(known()).data_protection(DataProtection::Clear);
    let mut forbidden = Dialogue::secured(config);
    forbidden.hear("230 x\r\n");
    let result = forbidden.client.clear_command_channel(forbidden.now);
    assert_eq!(result, Err(Misuse::NotAllowed));

    let mut dialogue = protected(Config::new(known()));
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 Clear.\r\n");
    dialogue.stop_tls();
    assert_eq!(
        dialogue.client.clear_command_channel(dialogue.now),
        Err(Misuse::NoTls)
    );
}

#[test]
fn after_ccc_other_credentials_go_out_under_tls_only() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 Clear.\r\n");
    dialogue.stop_tls();
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.hear("220 Again.\r\n");
    assert_eq!(dialogue.take_sent(), "CCC\r\nREIN\r\nAUTH TLS\r\n");
}

#[test]
fn after_ccc_no_account_goes_out_in_clear() {
    let mut dialogue = protected(Config::new(known()));
    dialogue.send("ACCT research");
    dialogue.hear("230 Under TLS it may.\r\n");
    assert_eq!(dialogue.take_sent(), "ACCT research\r\n");
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 Clear.\r\n");
    dialogue.stop_tls();
    let account = Command::from_line("ACCT research").unwrap();
    let result = dialogue.client.send(dialogue.now, account);
    assert_eq!(result, Err(Misuse::NoTls));
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "CCC\r\n");
}

#[test]
fn quit_closes_on_221_and_when_the_server_just_leaves() {
    for says_so in [true, false] {
        let mut dialogue = Dialogue::ready();
        dialogue.send("NOOP");
        dialogue.quit();
        assert_eq!(dialogue.take_sent(), "NOOP\r\nQUIT\r\n");
        assert_eq!(dialogue.client.phase(), Phase::Closing);
        dialogue.hear("200 Okay.\r\n");
        assert_eq!(dialogue.event_names(), ["Reply"]);
        if says_so {
            dialogue.hear("221 Bye.\r\n");
        } else {
            dialogue.hear_end();
        }
        assert!(dialogue.is_closed());
        assert_eq!(
            dialogue.client.send(dialogue.now, command("PWD")),
            Err(Misuse::Closed)
        );
        assert_eq!(dialogue.client.quit(dialogue.now), Err(Misuse::Closed));
    }
}

#[test]
fn quit_before_login_waits_for_the_reply_under_way() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.take_sent();
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("331 Password.\r\n");
    assert_eq!(dialogue.take_sent(), "QUIT\r\n", "and no password");
    dialogue.hear("221 Bye.\r\n");
    assert!(dialogue.is_closed());
}

#[test]
fn quit_before_the_greeting_waits_for_it() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.quit();
    dialogue.hear("120 Wait.\r\n");
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("220 Ready.\r\n");
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
}

#[test]
fn quit_within_the_safe_group_waits_for_all_of_its_replies() {
    let mut dialogue = Dialogue::secured(Config::new(known()).pipelining(true));
    dialogue.quit();
    dialogue.hear("200 x\r\n200 x\r\n");
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("331 x\r\n");
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
}

#[test]
fn quit_during_a_challenge_goes_out_at_once() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    let answer = dialogue
        .take_challenge()
        .username(crate::common::username(), None);
    assert_eq!(
        dialogue.client.answer(dialogue.now, answer),
        Err(Misuse::Closed)
    );
}

#[test]
fn quit_takes_back_the_question_that_was_not_told_yet_and_nothing_else() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    let wrong = dialogue.take_challenge().account(account());
    let result = dialogue.client.answer(dialogue.now, wrong);
    assert_eq!(result, Err(Misuse::WrongAnswer));
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    assert_eq!(dialogue.event_names(), [""; 0]);

    let config = Config::new(Login::interactive()).data_protection(DataProtection::Clear);
    let mut dialogue = Dialogue::new(config);
    dialogue.hear("220 Ready.\r\n");
    dialogue.hear("234 Go ahead.\r\n");
    dialogue.forget();
    dialogue
        .client
        .tls_started(dialogue.now, crate::common::tls());
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    assert_eq!(dialogue.event_names(), ["TlsEstablished"]);
}

#[test]
fn quit_while_tls_is_switched_just_closes() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("220 x\r\n");
    dialogue.hear("234 x\r\n");
    dialogue.quit();
    assert!(dialogue.is_closed());
}

#[test]
fn the_service_may_become_unavailable_at_any_time() {
    let mut dialogue = Dialogue::ready();
    dialogue.hear("421 Idle for too long.\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::ServiceUnavailable {
            phase: Phase::Ready,
            ..
        }
    ));
}

#[test]
fn a_connection_closed_within_a_reply_is_told_so() {
    let mut dialogue = Dialogue::ready();
    dialogue.send("PWD");
    dialogue.hear("257 \"/");
    dialogue.hear_end();
    assert!(matches!(
        dialogue.error(),
        Error::ConnectionClosed {
            phase: Phase::Ready,
            mid_reply: true,
            ..
        }
    ));
}

#[test]
fn bytes_behind_the_reply_to_ccc_are_refused_at_every_split_point() {
    let stream = b"200 Clear.\r\n257 injected\r\n";
    for split in 0..=stream.len() {
        let mut dialogue = protected(Config::new(known()));
        dialogue.client.clear_command_channel(dialogue.now).unwrap();
        dialogue.drive();
        dialogue.hear(&stream[..split]);
        dialogue.hear(&stream[split..]);
        assert!(matches!(
            dialogue.error(),
            Error::PeerFault {
                phase: Phase::Ready,
                fault: PeerFault::BytesBeforeTlsSwitch
            }
        ));
    }
}
