//! The login, row by row: what the client sends, tells and refuses on the way to being logged in.

use crate::common::{Dialogue, account, known, password, username};
use ftp_proto::client::{
    ChallengeKind, Config, DataProtection, Error, LoggedInBy, Login, Misuse, PeerFault, Phase,
    Protection, Security,
};
use ftp_proto::wire::Code;
use ftp_proto::{Account, Password};

fn plain_config(login: Login) -> Config {
    Config::new(login).security(Security::DangerousPlaintext)
}

#[test]
fn name_and_password_log_in_in_clear_by_choice() {
    let mut dialogue = Dialogue::new(plain_config(Login::new("anna", " two spaces ").unwrap()));
    assert_eq!(
        dialogue.take_sent(),
        "",
        "nothing is sent before the greeting"
    );
    dialogue.hear("220-Welcome\r\n230 this is inside\r\n\r\n220 Ready.\r\n");
    assert_eq!(dialogue.take_sent(), "USER anna\r\n");
    dialogue.hear("331 Password.\r\n");
    assert_eq!(dialogue.take_sent(), "PASS  two spaces \r\n");
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.event_names(), ["LoggedIn"]);
    let session = dialogue.session();
    assert_eq!(session.logged_in_by, LoggedInBy::Password);
    assert_eq!(session.logged_in_with.text(), b"Welcome.");
    assert_eq!(session.greeting.as_ref().unwrap().text(), b"Welcome");
    assert_eq!(session.protection, Protection::Clear);
    assert!(session.tls.is_none() && !session.irregular);
}

#[test]
fn explicit_tls_comes_before_any_credentials() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("230 You are in already.\r\n");
    assert_eq!(dialogue.take_sent(), "AUTH TLS\r\n");
    dialogue.hear("234 Go ahead.\r\n");
    assert_eq!(dialogue.event_names(), ["StartTls"]);
    assert!(dialogue.waits);
    dialogue.start_tls();
    assert_eq!(dialogue.take_sent(), "PBSZ 0\r\n");
    dialogue.hear("200 PBSZ=0\r\n");
    assert_eq!(dialogue.take_sent(), "PROT P\r\n");
    dialogue.hear("200 Private.\r\n");
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
    dialogue.hear("232 Your certificate suffices.\r\n");
    assert_eq!(
        dialogue.event_names(),
        ["StartTls", "TlsEstablished", "LoggedIn"]
    );
    assert_eq!(dialogue.session().logged_in_by, LoggedInBy::User);
    assert_eq!(dialogue.session().protection, Protection::Private);
    assert_eq!(
        dialogue.session().tls.as_deref(),
        Some(&crate::common::tls())
    );
}

#[test]
fn implicit_tls_is_asked_for_before_the_greeting() {
    let mut dialogue = Dialogue::new(Config::new(known()).security(Security::ImplicitTls));
    assert_eq!(dialogue.event_names(), ["StartTls"]);
    dialogue.start_tls();
    dialogue.hear("220 Ready.\r\n");
    assert_eq!(dialogue.take_sent(), "PBSZ 0\r\n");
}

#[test]
fn a_230_greeting_logs_in_under_implicit_tls_once_data_is_protected() {
    let mut dialogue = Dialogue::new(Config::new(known()).security(Security::ImplicitTls));
    dialogue.start_tls();
    dialogue.forget();
    for reply in ["230 You are in.\r\n", "200 Okay.\r\n"] {
        dialogue.hear(reply);
        assert!(dialogue.events.is_empty());
    }
    assert_eq!(dialogue.take_sent(), "PBSZ 0\r\nPROT P\r\n");
    dialogue.hear("200 Private.\r\n");
    assert_eq!(dialogue.event_names(), ["LoggedIn"]);
    assert_eq!(dialogue.session().logged_in_by, LoggedInBy::Greeting);
    assert_eq!(dialogue.session().protection, Protection::Private);
}

#[test]
fn a_refused_auth_never_goes_on_in_clear() {
    let mut dialogue = Dialogue::new(Config::new(known()).auth_ssl_fallback(true));
    dialogue.hear("220 Ready.\r\n");
    dialogue.hear("534 No.\r\n");
    dialogue.hear("504 Not that either.\r\n");
    assert_eq!(dialogue.take_sent(), "AUTH TLS\r\nAUTH SSL\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::Refused { phase: Phase::Security, reply, .. } if reply.code().get() == 504
    ));
}

#[test]
fn protection_put_off_before_login_is_asked_for_again_before_the_event() {
    let mut dialogue = Dialogue::secured(Config::new(known()));
    dialogue.hear("200 PBSZ=0\r\n");
    dialogue.hear("503 Log in first.\r\n");
    dialogue.hear("331 Password.\r\n");
    dialogue.hear("230 Welcome.\r\n");
    assert!(dialogue.events.is_empty());
    dialogue.hear("200 PBSZ=0\r\n");
    dialogue.hear("200 Private.\r\n");
    assert_eq!(
        dialogue.take_sent(),
        "PROT P\r\nUSER developer\r\nPASS correct horse\r\nPBSZ 0\r\nPROT P\r\n"
    );
    assert_eq!(dialogue.event_names(), ["LoggedIn"]);
    assert_eq!(dialogue.session().protection, Protection::Private);
    assert_eq!(dialogue.session().logged_in_with.text(), b"Welcome.");
}

#[test]
fn preferred_protection_that_is_refused_is_reported_as_it_is() {
    let config = Config::new(known()).data_protection(DataProtection::Preferred);
    let mut dialogue = Dialogue::secured(config);
    dialogue.hear("200 PBSZ=0\r\n");
    dialogue.hear("534 Clear only.\r\n");
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.session().protection, Protection::Clear);
}

#[test]
fn the_safe_group_goes_out_in_one_write_and_its_replies_may_come_at_once() {
    let config = Config::new(known())
        .pipelining(true)
        .host("ftp.example.com")
        .unwrap();
    let mut dialogue = Dialogue::new(config);
    dialogue.hear("220 Ready.\r\n");
    dialogue.hear("234 Go ahead.\r\n");
    dialogue.forget();
    dialogue.start_tls();
    assert_eq!(
        dialogue.take_sent(),
        "PBSZ 0\r\nPROT P\r\nHOST ftp.example.com\r\nUSER developer\r\n"
    );
    dialogue.hear("200 PBSZ=0\r\n200 Private.\r\n220 Host.\r\n331 Password.\r\n");
    assert_eq!(dialogue.take_sent(), "PASS correct horse\r\n");
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.session().protection, Protection::Private);
}

#[test]
fn no_password_follows_a_fatal_refusal_within_the_safe_group() {
    for refusal in [
        "534 No.\r\n200 x\r\n331 x\r\n",
        "200 x\r\n534 No.\r\n331 x\r\n",
    ] {
        let mut dialogue = Dialogue::secured(Config::new(known()).pipelining(true));
        dialogue.forget();
        dialogue.hear(refusal);
        assert_eq!(dialogue.take_sent(), "");
        assert!(matches!(
            dialogue.error(),
            Error::Refused {
                phase: Phase::Security,
                ..
            }
        ));
    }
}

#[test]
fn a_pipelined_331_that_answers_pbsz_gets_no_password() {
    let mut dialogue = Dialogue::secured(Config::new(known()).pipelining(true));
    dialogue.hear("331 Password.\r\n");
    assert_eq!(dialogue.take_sent(), "");
    assert!(matches!(
        dialogue.error(),
        Error::PeerFault {
            fault: PeerFault::UnexpectedCode { .. },
            ..
        }
    ));
}

#[test]
fn with_pipelining_the_name_is_still_asked_for_when_it_is_not_known() {
    let mut dialogue = Dialogue::secured(Config::new(Login::interactive()).pipelining(true));
    dialogue.hear("200 x\r\n200 x\r\n");
    let challenge = dialogue.take_challenge();
    dialogue
        .client
        .answer(dialogue.now, challenge.username(username(), None))
        .unwrap();
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}

#[test]
fn an_account_is_sent_after_user_and_the_password_first_if_that_was_too_early() {
    let mut dialogue = Dialogue::plain(known());
    for reply in [
        "332 Account.\r\n",
        "503 Password first.\r\n",
        "332 Account.\r\n",
    ] {
        dialogue.hear(reply);
    }
    assert_eq!(
        dialogue.take_sent(),
        "USER developer\r\nACCT research\r\nPASS correct horse\r\nACCT research\r\n"
    );
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.session().logged_in_by, LoggedInBy::Account);
}

#[test]
fn a_missing_account_is_named_in_the_error() {
    let mut dialogue = Dialogue::plain(Login::new("anna", "secret").unwrap());
    dialogue.hear("331 Password.\r\n");
    dialogue.hear("332 Account for billing.\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::AccountNeeded {
            phase: Phase::Password,
            ..
        }
    ));
    let message = dialogue.error().to_string();
    assert!(
        message.contains("ACCT") && message.contains("Account for billing"),
        "{message}"
    );
}

#[test]
fn everything_can_be_asked_for() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    let challenge = dialogue.take_challenge();
    assert_eq!(
        (challenge.kind(), challenge.reply()),
        (ChallengeKind::Username, None)
    );
    dialogue
        .client
        .answer(dialogue.now, challenge.username(username(), None))
        .unwrap();
    dialogue.drive();
    dialogue.hear("336 otp-md5 99 ke1234\r\n");
    let challenge = dialogue.take_challenge();
    assert_eq!(challenge.kind(), ChallengeKind::Password);
    assert_eq!(challenge.reply().unwrap().text(), b"otp-md5 99 ke1234");
    dialogue
        .client
        .answer(dialogue.now, challenge.password(password()))
        .unwrap();
    dialogue.drive();
    dialogue.hear("332 Account.\r\n");
    let challenge = dialogue.take_challenge();
    assert_eq!(challenge.kind(), ChallengeKind::Account);
    dialogue
        .client
        .answer(dialogue.now, challenge.account(account()))
        .unwrap();
    dialogue.drive();
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(
        dialogue.take_sent(),
        "USER developer\r\nPASS correct horse\r\nACCT research\r\n"
    );
}

#[test]
fn a_one_time_challenge_is_shown_even_if_a_password_is_known() {
    for reply in [
        "331 otp-sha1 12 seed1\r\n",
        "331 [s/key 99 ke1234]\r\n",
        "336 12 seed\r\n",
    ] {
        let mut dialogue = Dialogue::plain(known().ask());
        dialogue.hear(reply);
        assert_eq!(dialogue.take_sent(), "USER developer\r\n");
        assert_eq!(dialogue.event_names(), ["Challenge"], "{reply}");
    }
}

#[test]
fn a_password_asked_for_again_is_a_new_challenge_or_a_fault_but_never_a_loop() {
    let mut fixed = Dialogue::plain(known());
    fixed.hear("331 Password.\r\n");
    fixed.hear("331 Password.\r\n");
    assert!(matches!(
        fixed.error(),
        Error::PeerFault {
            fault: PeerFault::AskedAgain,
            ..
        }
    ));

    let mut asking = Dialogue::plain(known().ask());
    asking.hear("331 Password.\r\n");
    asking.forget();
    asking.hear("331 Wrong, again.\r\n");
    let challenge = asking.take_challenge();
    let other = Password::new("another").unwrap();
    asking
        .client
        .answer(asking.now, challenge.password(other))
        .unwrap();
    asking.drive();
    assert_eq!(asking.take_sent(), "PASS another\r\n");
}

#[test]
fn an_answer_of_the_wrong_kind_leaves_the_challenge_open() {
    let mut dialogue = Dialogue::plain(Login::user(username()).ask());
    dialogue.hear("331 Password.\r\n");
    let answer = dialogue
        .take_challenge()
        .account(Account::new("x").unwrap());
    assert_eq!(
        dialogue.client.answer(dialogue.now, answer),
        Err(Misuse::WrongAnswer)
    );
    dialogue.drive();
    let challenge = dialogue.take_challenge();
    assert_eq!(challenge.reply().unwrap().text(), b"Password.");
    dialogue
        .client
        .answer(dialogue.now, challenge.password(password()))
        .unwrap();
    dialogue.drive();
    assert!(dialogue.take_sent().ends_with("PASS correct horse\r\n"));
}

#[test]
fn a_name_answered_with_a_password_is_not_asked_for_one() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    let answer = dialogue
        .take_challenge()
        .username(username(), Some(password()));
    dialogue.client.answer(dialogue.now, answer).unwrap();
    dialogue.drive();
    dialogue.hear("331 Password.\r\n");
    assert_eq!(
        dialogue.take_sent(),
        "USER developer\r\nPASS correct horse\r\n"
    );
    assert_eq!(dialogue.event_names(), [""; 0]);
}

#[test]
fn an_account_that_came_too_early_is_sent_again_without_another_question() {
    let mut dialogue = Dialogue::plain(Login::user(username()).password(password()).ask());
    dialogue.hear("332 Account.\r\n");
    let answer = dialogue.take_challenge().account(account());
    dialogue.client.answer(dialogue.now, answer).unwrap();
    dialogue.drive();
    dialogue.hear("503 Password first.\r\n");
    dialogue.hear("332 Account.\r\n");
    assert_eq!(
        dialogue.take_sent(),
        "USER developer\r\nACCT research\r\nPASS correct horse\r\nACCT research\r\n"
    );
    assert_eq!(dialogue.event_names(), [""; 0]);
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.session().logged_in_by, LoggedInBy::Account);
}

#[test]
fn an_answer_meant_for_another_connection_is_refused() {
    let mut ready = Dialogue::ready();
    let mut asking = Dialogue::plain(Login::interactive());
    for other in [&mut ready, &mut asking] {
        let stale = Dialogue::plain(Login::interactive()).take_challenge();
        let answer = stale.username(username(), Some(password()));
        assert_eq!(
            other.client.answer(other.now, answer),
            Err(Misuse::WrongAnswer)
        );
    }
}

#[test]
fn while_a_challenge_is_open_the_server_is_still_heard() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    assert!(!dialogue.waits);
    dialogue.hear("421 Too slow.\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::ServiceUnavailable {
            phase: Phase::User,
            ..
        }
    ));

    let mut dialogue = Dialogue::plain(Login::interactive());
    dialogue.hear_end();
    assert!(matches!(
        dialogue.error(),
        Error::ConnectionClosed {
            phase: Phase::User,
            mid_reply: false,
            ..
        }
    ));
}

#[test]
fn a_reply_glued_to_the_one_that_makes_us_send_is_no_answer() {
    for (extra, to_hear) in [
        ("230 Welcome.\r\n", "331 Password.\r\n"),
        ("220 x\r\n", "331 x\r\n"),
    ] {
        let mut dialogue = Dialogue::plain(known());
        dialogue.hear(format!("{to_hear}{extra}"));
        assert!(dialogue.events.is_empty(), "no login by injection");
        assert!(matches!(
            dialogue.error(),
            Error::PeerFault {
                fault: PeerFault::UnsolicitedReply(_),
                phase: Phase::Password
            }
        ));
    }
}

#[test]
fn a_reply_that_began_before_the_command_was_sent_is_no_answer() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331 Password.\r\n2");
    dialogue.hear("30 Welcome.\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::PeerFault {
            fault: PeerFault::UnsolicitedReply(_),
            ..
        }
    ));
}

#[test]
fn blank_lines_and_telnet_before_the_command_do_not_make_its_answer_unsolicited() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear(b"331 Password.\r\n\r\n\r\n\xff\xf1");
    dialogue.hear("230 Welcome.\r\n");
    assert_eq!(dialogue.event_names(), ["LoggedIn"]);
}

#[test]
fn telnet_options_are_refused_and_the_refusals_are_bounded() {
    let mut dialogue = Dialogue::new(plain_config(known()));
    dialogue.hear(b"2\xff\xfd\x0120 \xff\xfb\x03Ready.\r\n");
    assert_eq!(dialogue.sent, b"\xff\xfc\x01\xff\xfe\x03USER developer\r\n");
    dialogue.forget();
    for _ in 0..1000 {
        dialogue.hear(b"\xff\xfd\x01");
    }
    assert!(dialogue.sent.len() <= 64 * 3);
}

#[test]
fn an_error_does_not_overtake_what_is_still_to_be_sent() {
    let mut dialogue = Dialogue::new(plain_config(known()));
    dialogue.hear(b"\xff\xfd\x01530 Go away.\r\n");
    assert_eq!(dialogue.sent, b"\xff\xfc\x01");
    assert!(matches!(dialogue.error(), Error::Refused { .. }));
}

#[test]
fn nothing_is_sent_to_a_server_that_has_closed() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.forget();
    dialogue.store("331 Password.\r\n");
    dialogue.hear_end();
    assert_eq!(dialogue.take_sent(), "");
    assert!(matches!(
        dialogue.error(),
        Error::ConnectionClosed {
            phase: Phase::Password,
            ..
        }
    ));
}

#[test]
fn host_is_sent_before_user_and_need_not_be_known() {
    for (reply, goes_on) in [
        ("220 x", true),
        ("500 x", true),
        ("502 x", true),
        ("504 x", false),
    ] {
        let config = plain_config(known()).host("ftp.example.com").unwrap();
        let mut dialogue = Dialogue::new(config);
        dialogue.hear("220 Ready.\r\n");
        assert_eq!(dialogue.take_sent(), "HOST ftp.example.com\r\n");
        dialogue.hear(format!("{reply}\r\n"));
        assert_eq!(
            dialogue.take_sent(),
            if goes_on { "USER developer\r\n" } else { "" }
        );
        assert_eq!(dialogue.end.is_some(), !goes_on);
    }
}

#[test]
fn a_host_that_cannot_be_sent_cannot_be_configured() {
    for name in ["", "ftp.example.com\r\nDELE notes", "ftp\0"] {
        assert!(plain_config(known()).host(name).is_err(), "{name:?}");
    }
}

#[test]
fn what_may_be_retried_is_told_apart() {
    for (reply, transient) in [
        ("530 No.", false),
        ("450 Later.", true),
        ("421 Later.", true),
    ] {
        let mut dialogue = Dialogue::plain(known());
        dialogue.hear(format!("{reply}\r\n"));
        assert_eq!(dialogue.error().is_transient(), transient, "{reply}");
        assert_eq!(dialogue.error().phase(), Phase::User);
        assert_ne!(
            dialogue.error().reply().map(|reply| reply.code()),
            Code::new(200)
        );
    }
}

#[test]
fn errors_stay_and_later_calls_change_nothing() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("530 No.\r\n");
    let first = dialogue.error().clone();
    dialogue.hear("230 Welcome.\r\n");
    dialogue.hear_end();
    dialogue.pass(1000);
    dialogue.start_tls();
    assert_eq!(dialogue.error(), &first);
    assert_eq!(dialogue.client.quit(dialogue.now), Err(Misuse::Closed));
    assert_eq!(dialogue.client.phase(), Phase::Closing);
}
