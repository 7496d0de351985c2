//! Failures, lockouts, waiting, and forgiveness, on virtual time.

use std::time::Duration;

use crate::common::*;
use ftp_guard::{
    Admission, AttemptDecision, CheckResult, GuardConfig, Instant, Lockout, Rule, Ruling, Scope,
};

const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.7";

/// Three failures in 70 s lock for 10 s, then 20, 40, at most 60. One is forgiven in 100 s.
fn short() -> Rule {
    Rule::within(seconds(70)).lockout(
        Lockout::after(3)
            .lasting(seconds(10), seconds(60))
            .forgiven_every(seconds(100)),
    )
}

#[test]
fn five_failures_lock_a_name_at_an_address_and_nowhere_else() {
    let mut guard = guard(GuardConfig::new());
    for guess in 1..=5 {
        assert!(!is_locked(&mut guard, at(guess), ip(HOME), "alice"));
        let locked_out = fail(&mut guard, at(guess), ip(HOME), "alice");
        assert_eq!(locked_out, (guess == 5).then_some(Scope::UserAtAddress));
    }
    assert!(is_locked(&mut guard, at(6), ip(HOME), "alice"));
    assert!(!is_locked(&mut guard, at(6), ip(HOME), "bob"));
    assert!(!is_locked(&mut guard, at(6), ip(ELSEWHERE), "alice"));
    // Bytes as given: another spelling is another name.
    assert!(!is_locked(&mut guard, at(6), ip(HOME), "Alice"));
    assert_eq!(guard.statistics().lockouts, 1);
}

#[test]
fn a_locked_name_is_refused_the_right_password_as_if_it_were_wrong() {
    let mut guard = guard(GuardConfig::new());
    for _ in 0..5 {
        fail(&mut guard, at(0), ip(HOME), "alice");
    }
    for found in [
        CheckResult::Success,
        CheckResult::Failure,
        CheckResult::Incomplete,
    ] {
        let answer = login(&mut guard, at(1), ip(HOME), "alice", found);
        assert_eq!(answer.result, CheckResult::Failure);
    }
    assert_eq!(guard.statistics().rejected, 3);
    assert_eq!(guard.statistics().successes, 0);
    // Trying on does not keep the lockout alive.
    assert!(is_locked(&mut guard, at(59), ip(HOME), "alice"));
    assert!(!is_locked(&mut guard, at(60), ip(HOME), "alice"));
}

#[test]
fn lockouts_double_up_to_the_longest_and_are_forgiven_one_by_one() {
    let mut guard = guard(GuardConfig::new().user_at_address(short()));
    let mut now = 1000;
    let mut locked_for = |guard: &mut _, failures: u64, pause: u64| {
        now += pause;
        for _ in 0..failures {
            fail(guard, at(now), ip(HOME), "alice");
        }
        let start = now;
        while is_locked(guard, at(now), ip(HOME), "alice") {
            now += 1;
        }
        now - start
    };
    assert_eq!(locked_for(&mut guard, 3, 0), 10);
    // The old failures are still in the window: one more is enough.
    assert_eq!(locked_for(&mut guard, 1, 0), 20);
    assert_eq!(locked_for(&mut guard, 1, 0), 40);
    // The window has passed, the repetitions are remembered.
    assert_eq!(locked_for(&mut guard, 2, 80), 0);
    assert_eq!(locked_for(&mut guard, 1, 0), 60);
    assert_eq!(locked_for(&mut guard, 3, 80), 60);
    // Counting stops where the longest is reached: two of four are forgiven after 200 s.
    assert_eq!(locked_for(&mut guard, 3, 200), 40);
    assert_eq!(locked_for(&mut guard, 3, 1000), 10);
}

#[test]
fn failures_leave_with_the_window() {
    let mut guard = guard(GuardConfig::new().user_at_address(short()));
    fail(&mut guard, at(1000), ip(HOME), "alice");
    fail(&mut guard, at(1000), ip(HOME), "alice");
    fail(&mut guard, at(1081), ip(HOME), "alice");
    assert!(!is_locked(&mut guard, at(1081), ip(HOME), "alice"));
    fail(&mut guard, at(1081), ip(HOME), "alice");
    // Counted for at least the window.
    fail(&mut guard, at(1081 + 69), ip(HOME), "alice");
    assert!(is_locked(&mut guard, at(1081 + 69), ip(HOME), "alice"));
}

#[test]
fn success_forgives_the_name_at_the_address_but_not_the_address() {
    let config = GuardConfig::new().user_at_address(short()).address(short());
    let mut guard = guard(config);
    fail(&mut guard, at(0), ip(HOME), "alice");
    fail(&mut guard, at(0), ip(HOME), "alice");
    succeed(&mut guard, at(0), ip(HOME), "alice");
    let locked_out = fail(&mut guard, at(0), ip(HOME), "alice");
    assert_eq!(locked_out, Some(Scope::Address));
}

#[test]
fn own_successes_do_not_reset_the_count_of_an_address() {
    let mut guard = guard(GuardConfig::new());
    let mut guesses = 0;
    while !is_refused(&mut guard, at(guesses), ip(HOME)) {
        fail(
            &mut guard,
            at(guesses),
            ip(HOME),
            &format!("victim{guesses}"),
        );
        if !is_refused(&mut guard, at(guesses), ip(HOME)) {
            succeed(&mut guard, at(guesses), ip(HOME), "mallory");
        }
        guesses += 1;
    }
    assert_eq!(guesses, 20);
}

#[test]
fn an_address_is_refused_for_failures_with_any_names() {
    let mut guard = guard(GuardConfig::new());
    for guess in 0..20 {
        assert!(!is_refused(&mut guard, at(0), ip(HOME)));
        fail(&mut guard, at(0), ip(HOME), &format!("user{guess}"));
    }
    assert!(is_refused(&mut guard, at(299), ip(HOME)));
    assert!(!is_refused(&mut guard, at(299), ip("192.0.2.2")));
    assert!(!is_refused(&mut guard, at(300), ip(HOME)));
}

#[test]
fn a_connection_that_is_open_when_its_address_is_locked_out_is_ruled_out() {
    let mut guard = guard(GuardConfig::new());
    let mut open = connect(&mut guard, at(0), ip(HOME));
    for guess in 0..20 {
        fail(&mut guard, at(0), ip(HOME), &format!("user{guess}"));
    }
    let attempt = begin(&mut guard, at(1), &mut open, "alice");
    assert_eq!(attempt.ruling(), Ruling::CheckAndReject);
}

#[test]
fn guesses_from_all_over_a_network_lock_its_unknown_addresses_out_and_spare_known_ones() {
    for (attacker, known, neighbour) in [
        ("192.0.2", "192.0.2.250", "192.0.2.251"),
        ("2001:db8:7", "2001:db8:7:ffff::1", "2001:db8:7:fffe::1"),
    ] {
        let mut guard = guard(GuardConfig::new());
        succeed(&mut guard, at(0), ip(known), "alice");
        for guess in 0..100 {
            let address = if attacker.contains(':') {
                format!("{attacker}:{guess:x}::1")
            } else {
                format!("{attacker}.{guess}")
            };
            assert!(!is_refused(&mut guard, at(1), ip(&address)));
            fail(&mut guard, at(1), ip(&address), &format!("user{guess}"));
        }
        assert!(is_refused(&mut guard, at(2), ip(neighbour)));
        assert!(!is_refused(&mut guard, at(2), ip(known)));
        assert!(!is_locked(&mut guard, at(2), ip(known), "alice"));
        assert!(!is_refused(&mut guard, at(302), ip(neighbour)));
    }
}

#[test]
fn an_attacker_cannot_lock_the_owner_out_unless_so_configured() {
    for global in [false, true] {
        let rule = Rule::within(seconds(3600)).delay_after(25);
        let rule = if global {
            rule.lockout(Lockout::after(50))
        } else {
            rule
        };
        let mut guard = guard(GuardConfig::new().user(rule));
        succeed(&mut guard, at(0), ip(HOME), "alice");
        for n in 0..500 {
            fail(&mut guard, at(1), scattered(n), "alice");
        }
        assert_eq!(is_locked(&mut guard, at(2), ip(HOME), "alice"), global);
        assert!(!is_locked(&mut guard, at(2), ip(HOME), "bob"));
    }
}

/// How long the answer to a wrong guess waits.
fn wait(guard: &mut ftp_guard::Guard, now: u64, address: &str, name: &str) -> Duration {
    let mut connected = connect(guard, at(now), ip(address));
    let attempt = begin(guard, at(now), &mut connected, name);
    let wait = attempt.earliest_reply() - at(now);
    let _ = guard.settle(at(now), &mut connected, attempt, CheckResult::Unavailable);
    guard.release(at(now), connected);
    wait
}

#[test]
fn a_name_under_attack_makes_unknown_addresses_wait_and_not_known_ones() {
    let mut guard = guard(GuardConfig::new());
    succeed(&mut guard, at(0), ip(HOME), "alice");
    let floor = Duration::from_millis(500);
    for n in 0..28 {
        fail(&mut guard, at(1), scattered(n), "alice");
    }
    assert_eq!(wait(&mut guard, 2, HOME, "alice"), floor);
    assert_eq!(wait(&mut guard, 2, ELSEWHERE, "alice"), seconds(4));
    assert_eq!(wait(&mut guard, 2, ELSEWHERE, "bob"), floor);
    for n in 100..200 {
        fail(&mut guard, at(3), scattered(n), "alice");
    }
    assert_eq!(wait(&mut guard, 4, ELSEWHERE, "alice"), seconds(8));
    assert_eq!(wait(&mut guard, 4, HOME, "alice"), floor);
    // The address is no longer known; the attack ends, too.
    let fortnight = 14 * 24 * 3600;
    for n in 0..28 {
        fail(&mut guard, at(fortnight), scattered(n), "alice");
    }
    assert_eq!(wait(&mut guard, fortnight, HOME, "alice"), seconds(4));
    assert_eq!(wait(&mut guard, fortnight + 2 * 3600, HOME, "alice"), floor);
}

#[test]
fn failures_from_an_address_make_it_wait_longer_and_longer() {
    let mut guard = guard(GuardConfig::new());
    let mut waits = Vec::new();
    for guess in 0..12 {
        waits.push(wait(&mut guard, 0, HOME, "alice").as_millis());
        fail(&mut guard, at(0), ip(HOME), &format!("user{guess}"));
    }
    let expected = [
        500, 500, 500, 500, 500, 500, 1000, 2000, 4000, 8000, 8000, 8000,
    ];
    assert_eq!(waits, expected);
}

#[test]
fn a_flood_of_failures_delays_the_greeting_of_unknown_addresses_only() {
    let mut guard = guard(GuardConfig::new());
    succeed(&mut guard, at(0), ip(HOME), "alice");
    for n in 0..600 {
        fail(&mut guard, at(1), scattered(n), &format!("user{n}"));
    }
    let Admission::Delay { until, .. } = guard.accept(at(2), ip(ELSEWHERE)) else {
        panic!("greeted at once");
    };
    assert_eq!(until - at(2), Duration::from_millis(500));
    assert!(matches!(guard.accept(at(2), ip(HOME)), Admission::Admit(_)));
}

#[test]
fn guesses_on_many_connections_at_once_are_not_checked_before_the_first_is_counted() {
    let mut guard = guard(GuardConfig::new());
    let mut open: Vec<_> = (0..40)
        .map(|_| connect(&mut guard, at(0), ip(HOME)))
        .collect();
    let mut checked = Vec::new();
    for connected in &mut open {
        match guard.attempt(at(0), connected, b"alice") {
            AttemptDecision::Check(attempt) => checked.push((connected, attempt)),
            AttemptDecision::AskAgain { at: when } => assert!(when > at(0)),
        }
    }
    assert_eq!(checked.len(), 5);
    for (connected, attempt) in checked {
        let _ = guard.settle(at(1), connected, attempt, CheckResult::Failure);
    }
    let attempt = begin(&mut guard, at(1), &mut open[39], "alice");
    assert_eq!(attempt.ruling(), Ruling::CheckAndReject);
}

#[test]
fn right_passwords_on_many_connections_at_once_all_get_in() {
    let mut guard = guard(GuardConfig::new());
    let mut waiting: Vec<_> = (0..40)
        .map(|_| connect(&mut guard, at(0), ip(HOME)))
        .collect();
    let mut rounds = 0;
    while !waiting.is_empty() {
        let mut checked = Vec::new();
        let mut asked_to_wait = Vec::new();
        for mut connected in waiting {
            match guard.attempt(at(rounds), &mut connected, b"alice") {
                AttemptDecision::Check(attempt) => checked.push((connected, attempt)),
                AttemptDecision::AskAgain { .. } => asked_to_wait.push(connected),
            }
        }
        for (mut connected, attempt) in checked {
            let answer = guard.settle(at(rounds), &mut connected, attempt, CheckResult::Success);
            assert_eq!(answer.result, CheckResult::Success);
        }
        waiting = asked_to_wait;
        rounds += 1;
    }
    assert_eq!(rounds, 8);
}

#[test]
fn leaving_before_the_answer_counts_as_a_failure() {
    let mut guard = guard(GuardConfig::new());
    for _ in 0..5 {
        let mut connected = connect(&mut guard, at(0), ip(HOME));
        drop(begin(&mut guard, at(0), &mut connected, "alice"));
        guard.release(at(0), connected);
    }
    assert!(is_locked(&mut guard, at(0), ip(HOME), "alice"));

    // The same within one connection.
    let mut connected = connect(&mut guard, at(0), ip(ELSEWHERE));
    let stale = begin(&mut guard, at(0), &mut connected, "alice");
    let _present = begin(&mut guard, at(0), &mut connected, "alice");
    let answer = guard.settle(at(0), &mut connected, stale, CheckResult::Success);
    assert_eq!(answer.result, CheckResult::Failure);
    assert_eq!(guard.statistics().failures, 6);
}

#[test]
fn what_could_not_be_checked_counts_as_nothing() {
    let mut guard = guard(GuardConfig::new());
    for found in [CheckResult::Unavailable, CheckResult::Incomplete].repeat(50) {
        let answer = login(&mut guard, at(0), ip(HOME), "alice", found);
        assert_eq!(answer.result, found);
    }
    assert_eq!(guard.statistics().failures, 0);
}

#[test]
fn the_operator_can_forgive() {
    let mut guard = guard(GuardConfig::new());
    for name in ["alice", "bob"].repeat(10) {
        fail(&mut guard, at(0), ip(HOME), name);
    }
    assert!(is_refused(&mut guard, at(1), ip(HOME)));
    guard.forgive(at(1), ip(HOME), Some(b"alice"));
    assert!(!is_locked(&mut guard, at(1), ip(HOME), "alice"));
    assert!(is_locked(&mut guard, at(1), ip(HOME), "bob"));
}

#[test]
fn time_that_runs_backwards_is_ignored() {
    let mut guard = guard(GuardConfig::new());
    for _ in 0..5 {
        fail(&mut guard, at(1000), ip(HOME), "alice");
    }
    assert!(is_locked(&mut guard, at(0), ip(HOME), "alice"));
    let mut connected = connect(&mut guard, at(0), ip(ELSEWHERE));
    let attempt = begin(&mut guard, at(0), &mut connected, "alice");
    assert_eq!(attempt.earliest_reply(), at_ms(1_000_500));
    assert!(!is_locked(&mut guard, at(1060), ip(HOME), "alice"));
}

#[test]
fn the_end_of_time_is_survived() {
    let end = Instant::from_start(Duration::MAX);
    let config = GuardConfig::new()
        .clock_start(Duration::MAX)
        .user_at_address(
            Rule::within(Duration::MAX).lockout(
                Lockout::after(0)
                    .lasting(Duration::MAX, Duration::ZERO)
                    .forgiven_every(seconds(0)),
            ),
        )
        .address(Rule::within(Duration::ZERO).delay_after(0))
        .delays(Duration::MAX, Duration::ZERO)
        .known_for(Duration::MAX);
    let mut guard = guard(config);
    for found in [CheckResult::Failure, CheckResult::Success].repeat(3) {
        let answer = login(&mut guard, end, ip(HOME), "alice", found);
        assert_eq!(answer.not_before, end);
    }
}
