//! The small values that the machines are made of: time, credentials, limits, TLS versions.

use core::time::Duration;

use ftp_proto::client::{Config, Login};
use ftp_proto::wire::{Command, TextKind, TextProblem, Verb};
use ftp_proto::{Account, Instant, Lenience, Limits, Password, TlsVersion, Username};
use proptest::prelude::*;

/// Of any size, and one that time lasts for as likely as one that it does not.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        any::<Duration>(),
        any::<u64>().prop_map(Duration::from_nanos)
    ]
}

proptest! {
    #[test]
    fn time_saturates_and_is_never_negative(a in duration(), b in duration()) {
        let end = Duration::from_nanos(u64::MAX);
        let (a_at, b_at) = (Instant::from_start(a), Instant::from_start(b));
        prop_assert_eq!(a_at.since_start(), a.min(end));
        prop_assert_eq!(a_at - b_at, a.min(end).saturating_sub(b.min(end)));
        prop_assert_eq!((a_at + b).since_start(), a.min(end).saturating_add(b).min(end));
        prop_assert!(a_at + b >= a_at);
    }

    #[test]
    fn credentials_take_what_can_be_sent_and_nothing_else(bytes: Vec<u8>) {
        let at = bytes.iter().position(|byte| matches!(byte, 0 | b'\r' | b'\n'));
        let problem = at.map(|at| TextProblem::Control { byte: bytes[at], at });
        let expected = |kind, problem| match problem {
            Some(problem) => Err((kind, problem)),
            None => Ok(bytes.clone()),
        };
        let said = |error: ftp_proto::wire::InvalidText| (error.kind, error.problem);
        let password = Password::new(&bytes).map(|password| password.expose().to_vec());
        prop_assert_eq!(password.map_err(said), expected(TextKind::Password, problem));
        let account = Account::new(&bytes).map(|account| account.expose().to_vec());
        prop_assert_eq!(account.map_err(said), expected(TextKind::Account, problem));
        let username = Username::new(&bytes).map(|username| username.as_bytes().to_vec());
        let problem = if bytes.is_empty() { Some(TextProblem::Empty) } else { problem };
        prop_assert_eq!(username.map_err(said), expected(TextKind::Username, problem));
    }
}

#[test]
fn secrets_are_never_shown() {
    let password = Password::new("sesame").unwrap();
    let account = Account::new("sesame").unwrap();
    let command = Command::with_argument(Verb::Pass, password.expose()).unwrap();
    let shown = format!("{password:?} {account:?} {command} {command:?}");
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(!format!("{:?}", Password::new("ses\name")).contains("sesa"));
}

#[test]
fn an_invalid_value_is_named_and_never_shown() {
    let errors = [
        ("user name", Username::new("ses\name").unwrap_err()),
        ("password", Password::new("ses\name").unwrap_err()),
        ("account", Account::new("ses\name").unwrap_err()),
        ("user name", Login::new("ses\name", "b").unwrap_err()),
        ("password", Login::new("a", "ses\name").unwrap_err()),
    ];
    for (value, error) in errors {
        let text = format!("the {value} holds a line feed at byte 3");
        assert_eq!(error.to_string(), text);
        assert!(!format!("{error:?}").contains("ses"), "{error:?}");
    }
    let host = Config::new(Login::anonymous()).host("").unwrap_err();
    assert_eq!(host.to_string(), "the host name must not be empty");
}

#[test]
fn a_user_name_cannot_forge_a_log_line() {
    let name = Username::new("anna\u{1b}[2J\t\u{202e}").unwrap();
    assert_eq!(name.to_string(), "anna\\u{1b}[2J\\t\\u{202e}");
}

#[test]
fn the_default_limits_fit_into_each_other() {
    let limits = Limits::default();
    assert!(limits.reply_line <= limits.reply_bytes);
    assert!(limits.command_line_before_login <= limits.command_line);
    assert!(limits.command_line <= limits.backlog);
}

#[test]
fn leniency_is_on_by_default_and_can_be_switched_off() {
    let lenience = Lenience::default();
    assert!(lenience.bare_lf && lenience.foreign_end_after == Some(Duration::from_secs(3)));
    assert!(!Lenience::STRICT.bare_lf && Lenience::STRICT.foreign_end_after.is_none());
    for lenience in [lenience, Lenience::STRICT] {
        assert!(!lenience.any_reply_code && lenience.repeated_greetings == 0);
    }
}

#[test]
fn tls_versions_are_named_as_people_name_them() {
    assert_eq!(TlsVersion::Tls13.to_string(), "TLS 1.3");
    assert_eq!(TlsVersion::Other(0x0302).to_string(), "TLS 0x0302");
}
