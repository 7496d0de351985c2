//! What an attacker gains by filling the tables: nothing is forgotten, and unknown addresses wait.

use std::net::IpAddr;

use crate::common::*;
use ftp_guard::{Admission, CheckResult, Guard, GuardConfig, Lockout, Rule};
use proptest::prelude::*;

/// Small tables: 64 places for each of address, network, user, and user at an address.
fn small() -> GuardConfig {
    GuardConfig::new().entries(256)
}

/// A failure from another address with another name each time, for many times what fits.
fn spray(guard: &mut Guard, second: u64, from: u32, count: u32) {
    for n in from..from + count {
        if let Some((mut connected, _)) = guard.accept(at(second), scattered(n)).connected() {
            let attempt = begin(guard, at(second), &mut connected, &format!("nobody{n}"));
            let _ = guard.settle(at(second), &mut connected, attempt, CheckResult::Failure);
            guard.release(at(second), connected);
        }
    }
}

#[test]
fn a_guesser_one_failure_from_lockout_is_not_forgotten_by_spraying() {
    let mut guard = guard(small());
    let guesser = ip("192.0.2.1");
    for _ in 0..4 {
        fail(&mut guard, at(0), guesser, "alice");
    }
    spray(&mut guard, 1, 0, 5_000);
    assert!(guard.statistics().untracked > 10_000);
    fail(&mut guard, at(2), guesser, "alice");
    assert!(is_locked(&mut guard, at(3), guesser, "alice"));
}

#[test]
fn a_single_old_failure_survives_any_number_of_fresh_ones() {
    let rule = Rule::within(seconds(900)).lockout(Lockout::after(2));
    let mut guard = guard(small().user_at_address(rule));
    fail(&mut guard, at(0), ip("192.0.2.1"), "alice");
    for round in 0..20 {
        spray(&mut guard, round * 40, round as u32 * 1_000, 1_000);
    }
    fail(&mut guard, at(899), ip("192.0.2.1"), "alice");
    assert!(is_locked(&mut guard, at(899), ip("192.0.2.1"), "alice"));
}

#[test]
fn lockouts_and_their_repetitions_survive_spraying() {
    let mut guard = guard(small());
    let guesser = ip("192.0.2.1");
    for _ in 0..5 {
        fail(&mut guard, at(0), guesser, "alice");
    }
    // Two more repetitions, as soon as each ends: 1 + 2 + 4 minutes.
    fail(&mut guard, at(60), guesser, "alice");
    fail(&mut guard, at(180), guesser, "alice");
    spray(&mut guard, 181, 0, 5_000);
    assert!(is_locked(&mut guard, at(419), guesser, "alice"));
    assert!(!is_locked(&mut guard, at(420), guesser, "alice"));
    // Long after the window, but before all is forgiven: the next is the third again.
    let later = 420 + 3600 + 10;
    spray(&mut guard, later, 10_000, 5_000);
    for _ in 0..5 {
        fail(&mut guard, at(later), guesser, "alice");
    }
    assert!(is_locked(&mut guard, at(later + 239), guesser, "alice"));
    assert!(!is_locked(&mut guard, at(later + 240), guesser, "alice"));
}

#[test]
fn an_address_that_is_locked_out_cannot_be_freed_from_others() {
    let mut guard = guard(small());
    for guess in 0..20 {
        fail(&mut guard, at(0), ip("192.0.2.1"), &format!("user{guess}"));
    }
    spray(&mut guard, 1, 0, 5_000);
    assert!(is_refused(&mut guard, at(299), ip("192.0.2.1")));
}

#[test]
fn when_full_the_guard_makes_unknown_addresses_wait_and_lets_known_ones_pass() {
    let mut guard = guard(small());
    let home = ip("192.0.2.1");
    succeed(&mut guard, at(0), home, "alice");
    spray(&mut guard, 1, 0, 5_000);
    // No address of the spray's size is tracked now, and none is unguarded either.
    let unknown = 50_000..50_100;
    let delayed = unknown
        .clone()
        .filter(|n| match guard.accept(at(70), scattered(*n)) {
            Admission::Delay { until, connected } => {
                guard.release(at(70), connected);
                until == at(78)
            }
            Admission::Admit(connected) => {
                guard.release(at(70), connected);
                false
            }
            Admission::Refuse { .. } => false,
        })
        .count();
    assert_eq!(delayed, unknown.count());
    let Admission::Admit(mut connected) = guard.accept(at(70), home) else {
        panic!("the known address was made to wait");
    };
    let attempt = begin(&mut guard, at(70), &mut connected, "alice");
    assert_eq!(attempt.earliest_reply(), at_ms(70_500));
    guard.release(at(70), connected);
    // When the spray has left the window, all is as before.
    assert!(matches!(
        guard.accept(at(2_000), scattered(60_000)),
        Admission::Admit(_)
    ));
}

#[test]
fn only_right_passwords_can_push_out_a_known_address() {
    let mut guard = guard(small());
    let home = ip("192.0.2.1");
    succeed(&mut guard, at(0), home, "alice");
    for n in 0..20_000 {
        fail(&mut guard, at(1), scattered(n % 50_000), "alice");
    }
    assert!(matches!(guard.accept(at(1), home), Admission::Admit(_)));
    assert!(matches!(
        guard.accept(at(1), ip("203.0.113.1")),
        Admission::Delay { .. }
    ));
}

/// An attacker with every /64 of a /48 tries one password per address.
#[test]
fn hopping_through_a_network_is_stopped_at_the_bound_of_the_network() {
    let mut guard = guard(GuardConfig::new());
    let addresses = (0..65_536_u32).map(|n| IpAddr::from([0x2001, 0xdb8, 7, n as u16, 0, 0, 0, 1]));
    let checked = addresses
        .filter(|address| {
            let open = !is_refused(&mut guard, at(0), *address);
            if open {
                fail(&mut guard, at(0), *address, "alice");
            }
            open
        })
        .count();
    assert_eq!(checked, 100);
}

/// How many guesses at one name a botnet gets checked in a day, each address as often as it may.
#[test]
fn guesses_in_a_day_are_bounded_by_the_number_of_addresses() {
    let mut guard = guard(GuardConfig::new());
    let bots = 20;
    let mut checked = 0;
    for minute in 0..24 * 60 {
        for bot in 0..bots {
            let now = at(minute * 60);
            if is_locked(&mut guard, now, scattered(bot), "alice") {
                continue;
            }
            checked += 1;
            fail(&mut guard, now, scattered(bot), "alice");
        }
    }
    // 5, then one per lockout while the window lasts, then some per hour.
    assert!(checked < bots * 24 * 7, "{checked}");
}

#[test]
fn the_default_memory_is_as_documented_and_does_not_grow() {
    let mut guard = guard(GuardConfig::new());
    let bytes = guard.bytes();
    assert!((5 << 20..6 << 20).contains(&bytes), "{bytes}");
    spray(&mut guard, 0, 0, 60_000);
    assert_eq!(guard.bytes(), bytes);
    assert!(guard.statistics().untracked > 0);
    // An entry costs the same whatever the name.
    let long = "n".repeat(500);
    fail(&mut guard, at(0), ip("192.0.2.1"), &long);
    assert_eq!(guard.bytes(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is sprayed in between, the fifth failure within the window locks.
    #[test]
    fn no_spray_changes_when_a_guesser_is_locked_out(
        sprays in prop::collection::vec((0_u32..60_000, 0_u32..400), 4),
        entries in 64_usize..512,
    ) {
        let mut guard = guard(GuardConfig::new().entries(entries));
        for (guess, (from, count)) in (0..).zip(sprays) {
            prop_assert!(!is_locked(&mut guard, at(guess), ip("192.0.2.1"), "alice"));
            fail(&mut guard, at(guess), ip("192.0.2.1"), "alice");
            spray(&mut guard, guess, from, count);
        }
        fail(&mut guard, at(9), ip("192.0.2.1"), "alice");
        prop_assert!(is_locked(&mut guard, at(9), ip("192.0.2.1"), "alice"));
    }
}
