//! Both real machines, joined in memory: how bytes are cut changes nothing.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, Login};
use ftp_proto::server::{self, ClosedWhy};
use ftp_proto::{Instant, Machine};
use ftp_testkit::chunks::{self, Chunks};
use ftp_testkit::{Happened, Pair, VirtualClock};

type Both = Pair<client::Connection, server::Connection>;

fn joined(password: &str, server: server::Config) -> Both {
    let login = Login::new("developer", password).unwrap();
    let client = client::Config::new(login).security(client::Security::DangerousPlaintext);
    let server = server.security(server::Security::DangerousPlaintext);
    Pair::new(
        client::Connection::new(client, Instant::START),
        server::Connection::new(Arc::new(server), Instant::START),
    )
}

/// Logs in, leaves, and tells what both sides said and how the server ended.
fn dialogue(mut pair: Both) -> (Vec<u8>, Vec<u8>, Option<ClosedWhy>, String) {
    let (mut why, mut ends) = (None, 0);
    let mut outcome = String::new();
    while ends < 2 {
        let now = pair.now();
        match pair.next() {
            Happened::Server(server::Event::Authenticate(attempt)) => {
                let right = attempt
                    .password()
                    .is_some_and(|p| p.expose() == b"correct horse");
                let verdict = if right {
                    attempt.accept()
                } else {
                    attempt.reject()
                };
                pair.server().decide(now, verdict).unwrap();
            }
            Happened::Server(server::Event::Closed(reason)) => why = Some(reason),
            Happened::Client(client::Event::LoggedIn(_)) => pair.client().quit(now).unwrap(),
            Happened::ClientEnded(end) => {
                outcome = format!("{end:?}");
                ends += 1;
            }
            Happened::ServerEnded(end) => {
                end.unwrap();
                ends += 1;
            }
            Happened::Idle => panic!("nothing goes on"),
            _ => {}
        }
    }
    (
        pair.client_sent().to_vec(),
        pair.server_sent().to_vec(),
        why,
        outcome,
    )
}

#[test]
fn chunking_changes_nothing_of_the_dialogue() {
    for password in ["correct horse", "wrong"] {
        let whole = dialogue(joined(password, server::Config::new()));
        let cuts: Vec<fn() -> (Chunks, Chunks)> = vec![
            || (chunks::of_size(1), chunks::of_size(1)),
            || (chunks::of_size(0), chunks::whole()),
            || (chunks::in_turn([3, 1, 8]), chunks::in_turn([])),
            || (chunks::cut_at(5), chunks::cut_at(2)),
            || (chunks::scattered(7, 9), chunks::scattered(8, 4)),
        ];
        for cut in cuts {
            let (to_client, to_server) = cut();
            let pair = joined(password, server::Config::new()).chunked(to_client, to_server);
            assert_eq!(dialogue(pair), whole);
        }
    }
}

#[test]
fn a_dialogue_ends_as_it_must() {
    let (said, heard, why, outcome) = dialogue(joined("correct horse", server::Config::new()));
    assert_eq!(said, b"USER developer\r\nPASS correct horse\r\nQUIT\r\n");
    assert!(heard.starts_with(b"220 ") && heard.windows(5).any(|part| part == b"\n221 "));
    assert_eq!((why, outcome.as_str()), (Some(ClosedWhy::Quit), "Ok(())"));
}

#[test]
fn a_missing_answer_runs_into_the_login_deadline() {
    let mut pair = joined("correct horse", server::Config::new());
    let mut open = Vec::new();
    loop {
        match pair.next() {
            Happened::Server(server::Event::Authenticate(attempt)) => open.push(attempt),
            Happened::Server(server::Event::Closed(why)) => {
                assert_eq!(why, ClosedWhy::LoginTimeout);
                break;
            }
            Happened::Idle => panic!("nothing goes on"),
            _ => {}
        }
    }
    assert_eq!(open.len(), 1);
    assert_eq!(pair.now().since_start(), Duration::from_secs(60));
}

#[test]
fn on_a_distant_wire_everything_takes_its_time_and_the_end_too() {
    let latency = Duration::from_secs(1);
    let mut pair = joined("correct horse", server::Config::new()).distant(latency);
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let now = pair.now();
        let what = match pair.next() {
            Happened::Server(server::Event::Authenticate(attempt)) => {
                pair.server().decide(now, attempt.accept()).unwrap();
                "asked"
            }
            Happened::Client(client::Event::LoggedIn(_)) => {
                pair.client().quit(now).unwrap();
                "logged in"
            }
            Happened::Server(server::Event::Closed(_)) => "left",
            Happened::ServerEnded(Ok(())) => "server ended",
            Happened::ClientEnded(Ok(())) => "client ended",
            Happened::Client(_) | Happened::Server(_) => continue,
            other => panic!("{other:?}"),
        };
        seen.push((what, pair.now().since_start().as_secs()));
    }
    // SYN, SYN-ACK, ACK; greeting, USER, 331, PASS arrives at 7.
    let expected = [
        ("asked", 7),
        ("logged in", 8),
        ("left", 9),
        ("server ended", 9),
        ("client ended", 10),
    ];
    assert_eq!(seen, expected);
    assert!(matches!(pair.next(), Happened::Idle));
}

#[test]
fn scattered_cuts_are_the_same_for_the_same_seed_and_within_bounds() {
    let sizes = |seed| chunks::scattered(seed, 5).take(100).collect::<Vec<_>>();
    assert_eq!(sizes(1), sizes(1));
    assert_ne!(sizes(1), sizes(2));
    assert!(sizes(3).iter().all(|size| (1..=5).contains(size)));
    assert_eq!(chunks::scattered(1, 0).next(), Some(1));
}

#[test]
fn a_virtual_clock_never_goes_back() {
    let mut clock = VirtualClock::default();
    clock.advance(Duration::from_secs(2));
    clock.advance_to(Instant::START);
    assert_eq!(clock.now() - Instant::START, Duration::from_secs(2));
}

#[test]
fn injected_bytes_reach_the_other_side() {
    let mut pair = joined("correct horse", server::Config::new());
    pair.inject_to_client(b"\x16\x03\x01");
    loop {
        match pair.next() {
            Happened::ClientEnded(end) => {
                assert!(end.unwrap_err().to_string().contains("TLS"));
                break;
            }
            Happened::Idle => panic!("nothing goes on"),
            _ => {}
        }
    }
    assert!(pair.client().poll().is_err());
}
