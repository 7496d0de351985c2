//! When verdicts are told: the time that they name, and whole steps behind the delay.

use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::server::{Attempt, Outcome, Phase, Verdict};

use super::dialogue::plain;
use super::harness::{Server, seconds};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Turns an attempt into a verdict.
type Judge = fn(Attempt) -> Verdict;

/// A server with an attempt under way since the start of time.
fn attempted() -> (Server, Attempt) {
    let mut server = Server::new(plain());
    server.answers = false;
    server.send("USER anna");
    server.receive(b"PASS right\r\nNOOP\r\n");
    server.said();
    let attempt = server.held.attempt.take().unwrap();
    (server, attempt)
}

fn at(time: u64) -> Instant {
    Instant::START + seconds(time)
}

#[test]
fn a_verdict_of_any_kind_is_held_back_until_its_time() {
    let verdicts: [(Judge, &str); 5] = [
        (Attempt::accept, "230 "),
        (Attempt::accept_superfluous, "202 "),
        (Attempt::need_account, "332 "),
        (Attempt::reject, "530 "),
        (Attempt::unavailable, "421 "),
    ];
    for (verdict, code) in verdicts {
        let (mut server, attempt) = attempted();
        server.happened();
        let verdict = verdict(attempt).not_before(at(7)).not_before(at(3));
        server.connection.decide(server.now, verdict).unwrap();
        server.sleep(seconds(7) - NANOSECOND);
        assert_eq!(server.said(), "", "{code}");
        assert_eq!(server.happened(), [""; 0], "{code}");
        assert_eq!(server.connection.phase(), Phase::Verifying);
        server.sleep(NANOSECOND);
        assert!(server.said().starts_with(code), "{code}");
    }
}

#[test]
fn a_time_before_the_delay_of_a_failure_does_not_shorten_it() {
    let (mut server, attempt) = attempted();
    let verdict = attempt.reject().not_before(at(0));
    server.connection.decide(server.now, verdict).unwrap();
    server.sleep(seconds(1) - NANOSECOND);
    assert_eq!(server.said(), "");
    server.sleep(NANOSECOND);
    assert!(server.said().starts_with("530 "));
}

#[test]
fn a_slow_check_that_fails_is_answered_at_a_whole_step_behind_the_delay() {
    for (took, answered) in [(999, 1000), (1000, 1000), (1001, 1250), (1251, 1500)] {
        let (mut server, attempt) = attempted();
        server.sleep(Duration::from_millis(took));
        server
            .connection
            .decide(server.now, attempt.reject())
            .unwrap();
        let rest = Duration::from_millis(answered - took);
        if !rest.is_zero() {
            server.sleep(rest - NANOSECOND);
            assert_eq!(server.said(), "", "{took}");
            server.sleep(NANOSECOND);
        }
        assert!(server.said().starts_with("530 "), "{took}");
    }
}

#[test]
fn a_verdict_held_too_long_meets_the_login_deadline() {
    let (mut server, attempt) = attempted();
    let verdict = attempt.accept().not_before(at(61));
    server.connection.decide(server.now, verdict).unwrap();
    server.sleep(seconds(60));
    assert_eq!(server.said(), "421 Not logged in in time.\r\n");
    server.sleep(seconds(5));
    assert!(!server.happened().contains(&"LoggedIn".to_owned()));
}

#[test]
fn a_client_that_leaves_while_its_verdict_is_held_is_not_logged_in() {
    use ftp_proto::Machine;

    let (mut server, attempt) = attempted();
    let verdict = attempt.accept().not_before(at(5));
    server.connection.decide(server.now, verdict).unwrap();
    server.connection.received_eof(server.now);
    server.sleep(seconds(6));
    assert_eq!(server.said(), "");
    assert!(!server.happened().contains(&"LoggedIn".to_owned()));
}

#[test]
fn an_overruled_verdict_is_never_better_than_the_check_found() {
    let outcomes = [
        Outcome::Success,
        Outcome::Failure,
        Outcome::NeedsAccount,
        Outcome::Unavailable,
    ];
    let verdicts: [Judge; 4] = [
        Attempt::accept,
        Attempt::reject,
        Attempt::need_account,
        Attempt::unavailable,
    ];
    for verdict in verdicts {
        for outcome in outcomes {
            let (_, attempt) = attempted();
            let found = verdict(attempt);
            let was = found.outcome();
            let is = found.overruled(outcome).outcome();
            let expected = match outcome {
                outcome if outcome == was => was,
                Outcome::Unavailable => Outcome::Unavailable,
                _ => Outcome::Failure,
            };
            assert_eq!(is, expected, "{was:?} {outcome:?}");
        }
    }
}
