//! Laws that hold for any input and any order of calls.

use std::sync::{Arc, Mutex};

use ftp_proto::server::{Config, Event, Security};
use ftp_proto::wire::{Code, Reply};
use ftp_proto::{Action, Dialogue, Instant, Machine, Securable};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::dialogue::plain;
use super::harness::{Pause, Server, seconds, tls_session};

const SENTINEL: &str = "sentinel-5f3a";

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"USER anna\r\n",
        b"PASS right\r\n",
        b"PASS wrong\r\n",
        b"PASS account\r\n",
        b"ACCT main\r\n",
        b"ACCT \r\n",
        b"NOOP\n",
        b"PWD\r\n",
        b"RETR notes\r\n",
        b"REIN\r\n",
        b"HOST ftp.example.com\r\n",
        b"OPTS UTF8 ON\r\n",
        b"XYZZY\r\n",
        b"\r\n",
        b"\xff\xfd\x01",
        b"\xff\xf1",
        b"\xff\xff",
        b"no line end",
        b"\r",
        b"\0",
        b"GET / HTTP/1.1\r\n",
        b"QUIT\r\n",
    ];
    let long = (500..530_usize).prop_map(|length| [vec![b'x'; length], b"\r\n".to_vec()].concat());
    prop_oneof![
        20 => select(known).prop_map(<[u8]>::to_vec),
        1 => long,
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn config() -> Config {
    plain()
        .max_attempts(4)
        .hosts(["ftp.example.com"])
        .takes_accounts(true)
}

/// Output, events and the end, for bytes that arrive in these chunks.
fn outcome<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<String>, Pause) {
    let mut server = Server::new(config());
    server.said();
    for chunk in chunks {
        server.receive(chunk);
    }
    let pause = server.sleep(seconds(20));
    (server.output, server.events, pause)
}

#[derive(Debug, Clone)]
enum Call {
    Poll,
    Received(Vec<u8>),
    Eof,
    Wrote(usize),
    TimedOut(u64),
    TlsStarted,
    TlsStopped,
    Decide(u8),
    Account(bool),
    Preliminary,
    Reply(u16),
    NotImplemented,
    Ready,
    Shutdown,
}

fn call() -> impl Strategy<Value = Call> {
    let commands: Vec<&[u8]> = vec![
        b"AUTH TLS\r\n",
        b"PBSZ 0\r\nPROT P\r\n",
        b"USER anna\r\n",
        b"PASS sentinel-5f3a\r\n",
        b"ACCT sentinel-5f3a\r\n",
        b"CCC\r\n",
        b"PWD\r\n",
        b"SITE PSWD old sentinel-5f3a\r\n",
        b"CHPWD sentinel-5f3a\r\n",
        b"PASSsentinel-5f3a\r\n",
        b"REIN\r\n",
        b"PASS sentinel-5f3a",
    ];
    prop_oneof![
        12 => Just(Call::Poll),
        10 => select(commands).prop_map(|bytes| Call::Received(bytes.to_vec())),
        1 => vec(any::<u8>(), 0..40).prop_map(Call::Received),
        1 => Just(Call::Eof),
        10 => (1..200_usize).prop_map(Call::Wrote),
        1 => (0..80_u64).prop_map(Call::TimedOut),
        4 => Just(Call::TlsStarted),
        2 => Just(Call::TlsStopped),
        5 => (0..5_u8).prop_map(Call::Decide),
        2 => any::<bool>().prop_map(Call::Account),
        1 => Just(Call::Preliminary),
        3 => (100..600_u16).prop_map(Call::Reply),
        1 => Just(Call::NotImplemented),
        1 => Just(Call::Ready),
        1 => Just(Call::Shutdown),
    ]
}

/// Makes one call; what it shows must not show the secret.
fn make(server: &mut Server, call: &Call) {
    let now = server.now;
    let Server {
        connection, held, ..
    } = server;
    match call {
        Call::Poll => match connection.poll() {
            Ok(Action::Event(event)) => {
                assert!(!format!("{event:?}").contains(SENTINEL));
                match event {
                    Event::Authenticate(attempt) => held.attempt = Some(attempt),
                    Event::Account(attempt) => held.account = Some(attempt),
                    Event::Command(request) => held.request = Some(request),
                    _ => {}
                }
            }
            Ok(Action::Read { deadline } | Action::Wait { deadline }) => {
                // Neither side may leave the connection to itself.
                assert!(deadline.is_some());
            }
            Ok(Action::Write { bytes, deadline }) => {
                assert!(!bytes.is_empty());
                assert!(deadline.is_some());
                assert!(!String::from_utf8_lossy(bytes).contains(SENTINEL));
            }
            Ok(_) | Err(_) => {}
        },
        Call::Received(bytes) => assert!(connection.received(now, bytes) <= bytes.len()),
        Call::Eof => connection.received_eof(now),
        Call::Wrote(count) => connection.wrote(now, *count),
        Call::TimedOut(second) => connection.timed_out(Instant::START + seconds(*second)),
        Call::TlsStarted => connection.tls_started(now, tls_session()),
        Call::TlsStopped => connection.tls_stopped(now),
        Call::Decide(kind) => {
            if let Some(attempt) = held.attempt.take() {
                let verdict = match kind {
                    0 => attempt.accept(),
                    1 => attempt.accept_superfluous(),
                    2 => attempt.need_account(),
                    3 => attempt.unavailable(),
                    _ => attempt.reject(),
                };
                assert!(!format!("{verdict:?}").contains(SENTINEL));
                let _late_or_not = connection.decide(now, verdict);
            }
        }
        Call::Account(accepted) => {
            if let Some(attempt) = held.account.take() {
                let verdict = if *accepted {
                    attempt.accept()
                } else {
                    attempt.reject()
                };
                let _late_or_not = connection.decide_account(now, verdict);
            }
        }
        Call::Preliminary | Call::Reply(_) | Call::NotImplemented => {
            if let Some(id) = held.request.as_ref().map(|request| request.id()) {
                let number = if let Call::Reply(number) = call {
                    *number
                } else {
                    150
                };
                let reply = Reply::new(Code::new(number).unwrap(), "Any.").unwrap();
                let _fits_or_not = match call {
                    Call::Preliminary => connection.preliminary(now, id, &reply),
                    Call::Reply(_) => connection.reply(now, id, &reply),
                    _ => connection.not_implemented(now, id),
                };
            }
        }
        Call::Ready => connection.ready(now),
        Call::Shutdown => connection.shutdown(now, "Going down."),
    }
    assert!(!format!("{:?}", server.connection).contains(SENTINEL));
}

proptest! {
    #[test]
    fn how_bytes_are_split_never_matters(
        parts in vec(lines(), 1..12),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let bytes = parts.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let whole = outcome(std::iter::once(bytes.as_slice()));
        let split = outcome(cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]));
        prop_assert_eq!(&whole, &split);
        let single = outcome(bytes.chunks(1));
        prop_assert_eq!(&whole, &single);
    }

    #[test]
    fn any_call_is_legal_in_any_state_shows_no_secret_and_leaves_a_deadline(calls in vec(call(), 1..200)) {
        let config = Config::new()
            .security(Security::DangerousOptionalTls)
            .clear_command_channel(true)
            .takes_accounts(true);
        let mut server = Server::new(config);
        for call in &calls {
            make(&mut server, call);
        }
    }

    #[test]
    fn a_poll_that_is_not_acted_on_repeats_itself(parts in vec(lines(), 0..6)) {
        let mut server = Server::new(config());
        for part in parts {
            server.receive(&part);
            let before = format!("{:?}", server.connection.poll());
            prop_assert_eq!(before, format!("{:?}", server.connection.poll()));
        }
    }
}

#[test]
fn the_transcript_of_an_observer_shows_no_secret() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let observer = move |_: Instant, dialogue: Dialogue<'_>| {
        sink.lock().unwrap().push(format!("{dialogue:?}"));
    };
    let mut server = Server::new(config().observer(Arc::new(observer)));
    server.said();
    server.send("USER anna");
    server.send(&format!("PASS {SENTINEL}"));
    server.sleep(seconds(1));
    server.send("USER anna");
    server.send("PASS account");
    server.send(&format!("ACCT {SENTINEL}"));
    for line in ["SITE PSWD old", "chpwd", "PASSWD", "SITE GPASS"] {
        server.send(&format!("{line} {SENTINEL}"));
    }
    let seen = seen.lock().unwrap().join("\n");
    assert!(!seen.contains(SENTINEL), "{seen}");
    assert_eq!(seen.matches("PASS ****").count(), 2);
    assert!(seen.contains("ACCT ****") && seen.contains("530 Login incorrect."));
}
