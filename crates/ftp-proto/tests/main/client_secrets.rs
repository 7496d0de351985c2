//! A secret is never shown: not by the machine in any state, nor by what comes out of it, nor to
//! an observer that formats what it is told.

use std::sync::{Arc, Mutex};

use crate::common::Dialogue;
use ftp_proto::client::{Config, Login, Misuse, Security, TransferError};
use ftp_proto::wire::{Code, Command, Reply, Verb};
use ftp_proto::{
    Account, Action, Instant, Machine, Password, TlsSession, TlsVersion, Username, data,
};

const SENTINEL: &str = "s3ntinel";

fn secret_login() -> Login {
    Login::user(Username::new("anna").unwrap())
        .password(Password::new(format!("{SENTINEL}-password")).unwrap())
        .account(Account::new(format!("{SENTINEL}-account")).unwrap())
}

fn check(dialogue: &Dialogue, config: &Config) {
    let shown = format!(
        "{:?} {:#?} {config:?} {:?} {:?} {:?}",
        dialogue.client,
        dialogue.client,
        dialogue.events,
        dialogue.end,
        dialogue.client.session(),
    );
    assert!(!shown.contains(SENTINEL), "{shown}");
    // As a list of bytes it would be as readable.
    let bytes: Vec<_> = SENTINEL.bytes().map(|byte| byte.to_string()).collect();
    assert!(
        !shown.replace([' ', '\n'], "").contains(&bytes.join(",")),
        "{shown}"
    );
    if let Some(Err(error)) = &dialogue.end {
        assert!(!error.to_string().contains(SENTINEL));
    }
}

#[test]
fn no_state_event_error_or_observed_line_shows_a_secret() {
    let courses: [&[&str]; 6] = [
        &["220", "331", "332", "230"],
        &["220", "332", "503", "332", "530"],
        &["220", "331", "331"],
        &["220", "331", "999"],
        &["220", "331", "421"],
        &["220", "331", "202"],
    ];
    let lines = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&lines);
    let observer = move |_: Instant, step: ftp_proto::Dialogue<'_>| {
        kept.lock().unwrap().push_str(&format!("{step:?}\n"));
        if let ftp_proto::Dialogue::Command(command) = step {
            kept.lock().unwrap().push_str(&format!("{command}\n"));
        }
    };
    let observer = Arc::new(observer);
    for login in [secret_login(), secret_login().ask()] {
        for course in courses {
            let config = Config::new(login.clone())
                .security(Security::DangerousPlaintext)
                .observer(observer.clone());
            let mut dialogue = Dialogue::new(config.clone());
            check(&dialogue, &config);
            for code in course {
                dialogue.hear(format!("{code} x\r\n"));
                check(&dialogue, &config);
                if dialogue.client.session().is_some() {
                    let line = format!("ACCT {SENTINEL}");
                    let account = Command::from_line(line).unwrap();
                    dialogue.client.send(dialogue.now, account).unwrap();
                    check(&dialogue, &config);
                }
            }
        }
    }
    let lines = lines.lock().unwrap();
    assert!(
        lines.contains("PASS ****") && lines.contains("ACCT ****"),
        "{lines}"
    );
    assert!(!lines.contains(SENTINEL), "{lines}");
}

#[test]
fn an_action_shows_how_much_is_to_be_written_and_not_what() {
    let mut dialogue = Dialogue::plain(secret_login());
    dialogue.store("331 Password.\r\n");
    let action = dialogue.client.poll().unwrap();
    assert!(matches!(action, Action::Write { bytes, .. } if bytes.starts_with(b"PASS ")));
    let shown = format!("{action:?}");
    assert!(shown.starts_with("Write { bytes: 24, "), "{shown}");
}

#[test]
fn a_redacted_error_shows_nothing_that_the_server_repeated() {
    let courses: [&[&str]; 8] = [
        &["331 x", "530 s3ntinel"],
        &["331 x", "430-s3ntinel\r\n430 x"],
        &["331 x", "421 s3ntinel"],
        &["331 x", "332 x", "530 s3ntinel"],
        &["331 x", "300 s3ntinel"],
        &["331 x\r\n230 s3ntinel"],
        &["331 x", "s3ntinel"],
        &["332 x", "503 x", "530 s3ntinel"],
    ];
    for course in courses {
        let mut dialogue = Dialogue::plain(secret_login());
        for reply in course {
            dialogue.hear(format!("{reply}\r\n"));
        }
        let error = dialogue.error();
        let redacted = error.redacted();
        let shown = format!("{redacted} {redacted:?} {redacted:#?}");
        assert!(!shown.contains(SENTINEL), "{shown}");
        assert_eq!(redacted.code(), error.code());
        assert_eq!(redacted.phase(), error.phase());
        assert_eq!(redacted.is_transient(), error.is_transient());
    }
    // Without an account, the one that asks for it.
    let mut dialogue = Dialogue::plain(Login::new("anna", SENTINEL).unwrap());
    dialogue.hear("331 x\r\n");
    dialogue.hear(format!("332 {SENTINEL}\r\n"));
    let redacted = dialogue.error().redacted();
    assert!(!format!("{redacted} {redacted:?}").contains(SENTINEL));
}

#[test]
fn a_redacted_error_of_a_transfer_shows_nothing_that_the_server_repeated() {
    let reply = || Reply::new(Code::CANNOT_OPEN_DATA_CONNECTION, SENTINEL).unwrap();
    let verb = Verb::Retr;
    let tls = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
    for error in [
        TransferError::Refused {
            verb,
            reply: reply(),
        },
        TransferError::UnusableReply {
            verb,
            reply: reply(),
        },
        TransferError::Failed {
            reply: reply(),
            bytes: 7,
            tls: Some(Box::new(tls)),
        },
        TransferError::CutOff {
            bytes: 7,
            error: data::Error::CutOff,
            reply: Some(reply()),
        },
        TransferError::LengthDiffers {
            bytes: 7,
            expected: 8,
            reply: reply(),
        },
    ] {
        assert!(error.to_string().contains(SENTINEL), "{error}");
        let redacted = error.redacted();
        let shown = format!("{redacted} {redacted:?} {redacted:#?}");
        assert!(!shown.contains(SENTINEL), "{shown}");
        assert_eq!(redacted.reply().unwrap().code(), reply().code());
        assert_eq!(redacted.wants_resumption(), error.wants_resumption());
    }
    for error in [
        TransferError::NotBegun,
        TransferError::Unknown,
        TransferError::Aborted,
    ] {
        assert_eq!(error.redacted(), error);
    }
}

#[test]
fn no_command_that_carries_a_secret_goes_in_clear_after_ccc() {
    let config = Config::new(crate::common::known()).clear_command_channel(true);
    let mut dialogue = Dialogue::secured(config);
    for reply in ["200 x\r\n", "200 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 x\r\n");
    dialogue.stop_tls();
    dialogue.forget();
    for line in ["ACCT x", "SITE PSWD old new", "CHPWD new", "SITE GPASS x"] {
        let command = Command::from_line(line).unwrap();
        let sent = dialogue.client.send(dialogue.now, command);
        assert_eq!(sent, Err(Misuse::NoTls), "{line}");
    }
    dialogue.send("SITE IDLE 60");
    assert_eq!(dialogue.take_sent(), "SITE IDLE 60\r\n");
}

#[test]
fn answers_show_no_secret() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    let password = Password::new(SENTINEL).unwrap();
    let answer = dialogue
        .take_challenge()
        .username(crate::common::username(), Some(password));
    assert!(!format!("{answer:?}").contains(SENTINEL));
}

#[test]
fn the_observer_is_told_everything_in_order() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let observer = move |_: Instant, step: ftp_proto::Dialogue<'_>| {
        let line = match step {
            ftp_proto::Dialogue::Command(command) => format!("> {command}"),
            ftp_proto::Dialogue::Reply(reply) => format!("< {}", reply.code()),
            ftp_proto::Dialogue::TlsStarted(session) => format!("= {}", session.version),
            ftp_proto::Dialogue::TlsStopped => "= clear".to_owned(),
            other => panic!("{other:?}"),
        };
        kept.lock().unwrap().push(line);
    };
    let config = Config::new(crate::common::known()).observer(Arc::new(observer));
    let mut dialogue = Dialogue::secured(config.clear_command_channel(true));
    for reply in ["200 x\r\n", "200 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.hear("200 x\r\n");
    dialogue.stop_tls();
    assert_eq!(
        lines.lock().unwrap().join("\n"),
        "< 220\n> AUTH TLS\n< 234\n= TLS 1.3\n> PBSZ 0\n< 200\n> PROT P\n< 200\n\
         > USER developer\n< 331\n> PASS ****\n< 230\n> CCC\n< 200\n= clear"
    );
}
