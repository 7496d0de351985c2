//! Addresses that the operator named: what they are spared, and what not.

use crate::common::*;
use ftp_guard::{CheckResult, Guard, GuardConfig, RefusedWhy, Rule, Ruling, Scope};
use proptest::prelude::*;

const OFFICE: &str = "192.0.2.0/28";

fn with_office(config: GuardConfig) -> Guard {
    guard(config.allow(OFFICE.parse().unwrap()))
}

/// How long the answer to an attempt waits, which then counts as nothing.
fn wait(guard: &mut Guard, second: u64, address: &str, name: &str) -> std::time::Duration {
    let mut connected = connect(guard, at(second), ip(address));
    let attempt = begin(guard, at(second), &mut connected, name);
    assert_eq!(attempt.ruling(), Ruling::CheckAndObey);
    let waits = attempt.earliest_reply().since_start() - at(second).since_start();
    let _ = guard.settle(
        at(second),
        &mut connected,
        attempt,
        CheckResult::Unavailable,
    );
    guard.release(at(second), connected);
    waits
}

#[test]
fn one_fool_in_an_office_locks_nobody_else_out() {
    let mut guard = with_office(GuardConfig::new());
    let floor = GuardConfig::new().configured_answer_floor().floor();
    for (n, form) in ["192.0.2.1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1"]
        .into_iter()
        .cycle()
        .take(150)
        .enumerate()
    {
        // A name of his own for each, and one that he tries again and again.
        fail(&mut guard, at(0), ip(form), &format!("user{n}"));
        fail(&mut guard, at(0), ip(form), "anna");
    }
    for address in ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"] {
        assert!(
            !is_locked(&mut guard, at(1), ip(address), "bob"),
            "{address}"
        );
        assert_eq!(wait(&mut guard, 1, address, "bob"), floor, "{address}");
    }
    // Who guesses one name is stopped as everywhere, and only he, and only there.
    assert!(is_locked(&mut guard, at(1), ip("192.0.2.1"), "anna"));
    assert!(!is_locked(&mut guard, at(1), ip("192.0.2.2"), "anna"));
    // Those beside the office pay nothing for it.
    assert!(!is_locked(&mut guard, at(1), ip("192.0.2.99"), "bob"));
    assert_eq!(wait(&mut guard, 1, "192.0.2.99", "bob"), floor);
}

#[test]
fn a_name_with_a_global_lock_is_locked_from_there_too() {
    let user = Rule::within(seconds(3600)).lockout(ftp_guard::Lockout::after(7));
    let mut guard = with_office(GuardConfig::new().user(user));
    let mut widest = None;
    for host in 1..=7 {
        widest = fail(&mut guard, at(0), [192, 0, 2, host].into(), "anna");
    }
    assert_eq!(widest, Some(Scope::User));
    assert!(is_locked(&mut guard, at(1), ip("192.0.2.9"), "anna"));
}

#[test]
fn many_checks_at_once_from_there_are_not_held_back_for_the_address() {
    let mut guard = with_office(GuardConfig::new());
    let mut held: Vec<_> = (0..60)
        .map(|_| connect(&mut guard, at(0), ip("192.0.2.1")))
        .collect();
    let attempts: Vec<_> = held
        .iter_mut()
        .enumerate()
        .map(|(n, connected)| begin(&mut guard, at(0), connected, &format!("user{n}")))
        .collect();
    for (mut connected, attempt) in held.into_iter().zip(attempts) {
        let _ = guard.settle(at(1), &mut connected, attempt, CheckResult::Failure);
        guard.release(at(1), connected);
    }
    assert_eq!(guard.connections(), 0);
}

#[test]
fn the_bounds_for_connections_hold() {
    let config = GuardConfig::new()
        .connections_per_address(2)
        .connections_per_network(3);
    let mut guard = with_office(config);
    let mut held = Vec::new();
    let mut why = |address: &str| match guard.accept(at(0), ip(address)) {
        ftp_guard::Admission::Refuse { why } => Some(why),
        admitted => {
            held.extend(admitted.connected());
            None
        }
    };
    assert_eq!(why("192.0.2.1"), None);
    assert_eq!(why("192.0.2.1"), None);
    assert_eq!(why("192.0.2.1"), Some(RefusedWhy::TooManyFromAddress));
    assert_eq!(why("192.0.2.2"), None);
    assert_eq!(why("192.0.2.3"), Some(RefusedWhy::TooManyFromNetwork));
}

#[test]
fn room_is_kept_for_them_even_before_they_logged_in() {
    let config = GuardConfig::new()
        .connections(16)
        .known_for(std::time::Duration::ZERO);
    let mut guard = with_office(config);
    let flood: Vec<_> = (0..99)
        .filter_map(|n| guard.accept(at(0), scattered(n)).connected())
        .collect();
    assert_eq!(flood.len(), 14);
    let _office = connect(&mut guard, at(0), ip("192.0.2.1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever fails in the office, those outside are treated as if it had not.
    #[test]
    fn what_fails_in_an_allowed_place_changes_nothing_for_others(
        failures in prop::collection::vec((0_u8..16, 0_u8..40, 0_u64..30), 0..120),
        own in 0_u8..19,
    ) {
        let mut with = with_office(light());
        let mut without = guard(light());
        let mut now = 0;
        for (host, name, pause) in failures {
            now += pause;
            fail(&mut with, at(now), [192, 0, 2, host].into(), &format!("of-office{name}"));
        }
        for n in 0..own {
            for guard in [&mut with, &mut without] {
                fail(guard, at(now), ip("192.0.2.200"), &format!("other{n}"));
            }
        }
        prop_assert_eq!(
            wait(&mut with, now, "192.0.2.200", "bob"),
            wait(&mut without, now, "192.0.2.200", "bob")
        );
        prop_assert!(!is_refused(&mut with, at(now), ip("192.0.2.1")));
    }
}
