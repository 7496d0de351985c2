//! Knowledge that is kept and shared: the laws of merging, and what garbage does.

use std::time::Duration;

use crate::common::*;
use ftp_guard::{
    Admission, CheckResult, Guard, GuardConfig, Instant, Lockout, Rule, Seed, SnapshotError,
};
use proptest::prelude::*;

fn config() -> GuardConfig {
    let lockout = |after| {
        Lockout::after(after)
            .lasting(seconds(10), seconds(60))
            .forgiven_every(seconds(100))
    };
    light()
        .user_at_address(Rule::within(seconds(70)).lockout(lockout(3)))
        .address(Rule::within(seconds(140)).lockout(lockout(9)))
        .network(
            Rule::within(seconds(70))
                .delay_after(6)
                .lockout(lockout(14)),
        )
        .known_for(seconds(200))
}

type Step = (u64, u8, u8, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        (0_u64..20, 0_u8..5, 0_u8..3, prop::bool::weighted(0.1)),
        0..60,
    )
}

fn host(number: u8) -> std::net::IpAddr {
    [192, 0, number / 2, number].into()
}

/// Lives through the steps and returns the time at their end.
fn live(guard: &mut Guard, mut now: u64, steps: &[Step]) -> u64 {
    for (pause, address, name, right) in steps {
        now += pause;
        let admission = guard.accept(at(now), host(*address)).connected();
        let Some((mut connected, _)) = admission else {
            continue;
        };
        let attempt = begin(guard, at(now), &mut connected, &format!("user{name}"));
        let found = if *right {
            CheckResult::Success
        } else {
            CheckResult::Failure
        };
        let _ = guard.settle(at(now), &mut connected, attempt, found);
        guard.release(at(now), connected);
    }
    now
}

const END: u64 = 5000;

/// What a guard that lived through the steps knows shortly after.
fn knowledge(steps: &[Step]) -> Vec<u8> {
    let mut guard = guard(config());
    let total: u64 = steps.iter().map(|(pause, ..)| pause).sum();
    live(&mut guard, END - total - 1, steps);
    guard.snapshot(at(END))
}

/// What a new guard knows after taking these in, in order.
fn merged<'a>(snapshots: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let mut guard = guard(config());
    for snapshot in snapshots {
        let merged = guard.merge(at(END), snapshot).unwrap();
        assert_eq!(merged.untracked, 0);
    }
    guard.snapshot(at(END))
}

proptest! {
    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        a in steps(), b in steps(), c in steps(),
    ) {
        let (a, b, c) = (knowledge(&a), knowledge(&b), knowledge(&c));
        prop_assert_eq!(merged([&a]), a.clone());
        prop_assert_eq!(merged([&a, &a]), a.clone());
        prop_assert_eq!(merged([&a, &b]), merged([&b, &a]));
        let left = merged([&merged([&a, &b]), &c]);
        let right = merged([&a, &merged([&b, &c])]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&merged([&left, &a, &b, &c, &left]), &left);
        prop_assert_eq!(&merged([&c, &a, &b, &a]), &left);
    }

    /// A guard restored from bytes decides as the one they were taken from.
    #[test]
    fn a_restored_guard_goes_on_as_before(before in steps(), after in steps()) {
        let mut original = guard(config());
        let now = live(&mut original, 1000, &before);
        let bytes = original.snapshot(at(now));
        // In another process, whose clock started 700 s later.
        let shifted = config().clock_start(seconds(700));
        let mut restored = Guard::restore(shifted, seed(), at(now - 700), &bytes).unwrap();
        live(&mut original, now, &after);
        let end = live(&mut restored, now - 700, &after);
        prop_assert_eq!(original.snapshot(at(end + 700)), restored.snapshot(at(end)));
        for address in 0..5 {
            let refused = is_refused(&mut original, at(end + 700), host(address));
            prop_assert_eq!(is_refused(&mut restored, at(end), host(address)), refused);
        }
    }

    /// Guards that keep telling each other what they know, old news included, do not keep
    /// failures or lockouts alive by it.
    #[test]
    fn echoes_fade(steps in steps(), pauses in prop::collection::vec(1_u64..30, 1..40)) {
        let mut alone = guard(config());
        let mut now = live(&mut alone, 1000, &steps);
        let first = alone.snapshot(at(now));
        let mut left = Guard::restore(config(), seed(), at(now), &first).unwrap();
        let mut right = Guard::restore(config(), seed(), at(now), &first).unwrap();
        let mut late = first;
        for pause in pauses {
            let news = left.snapshot(at(now));
            now += pause;
            right.merge(at(now), &news).unwrap();
            left.merge(at(now), &right.snapshot(at(now))).unwrap();
            left.merge(at(now), &late).unwrap();
            late = news;
            prop_assert_eq!(left.snapshot(at(now)), alone.snapshot(at(now)));
        }
    }

    #[test]
    fn garbage_is_an_error_and_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut guard = guard(config());
        let before = guard.snapshot(at(END));
        prop_assert!(guard.merge(at(END), &bytes).is_err());
        prop_assert_eq!(&guard.snapshot(at(END)), &before);
    }

    #[test]
    fn a_damaged_snapshot_is_an_error_or_harmless(
        steps in steps(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = knowledge(&steps);
        for (place, value) in damage {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        let mut guard = guard(config());
        let before = guard.snapshot(at(END));
        if guard.merge(at(END), &bytes).is_err() {
            prop_assert_eq!(&guard.snapshot(at(END)), &before);
        }
        // Whatever was taken in, nobody is locked out for ever.
        let later = END + 10_000;
        for address in 0..5 {
            prop_assert!(!is_refused(&mut guard, at(later), host(address)));
            prop_assert!(!is_locked(&mut guard, at(later), host(address), "user0"));
        }
        prop_assert_eq!(guard.snapshot(at(later)).len(), before.len());
    }

    #[test]
    fn every_snapshot_that_is_cut_short_is_refused(steps in steps(), cut in any::<prop::sample::Index>()) {
        let bytes = knowledge(&steps);
        let short = &bytes[..cut.index(bytes.len())];
        let expected = if short.len() < 4 { SnapshotError::NotASnapshot } else { SnapshotError::Truncated };
        prop_assert_eq!(guard(config()).merge(at(END), short), Err(expected));
    }
}

#[test]
fn a_lockout_on_one_front_end_holds_on_the_other() {
    let (mut left, mut right) = (guard(GuardConfig::new()), guard(GuardConfig::new()));
    for _ in 0..5 {
        fail(&mut left, at(10), ip("192.0.2.1"), "alice");
    }
    succeed(&mut left, at(10), ip("198.51.100.1"), "bob");
    let _open = connect(&mut left, at(10), ip("203.0.113.1"));
    let merged = right.merge(at(11), &left.snapshot(at(11))).unwrap();
    // The pair, the address, the network, the user; bob's success, and the address that it made known.
    assert_eq!((merged.entries, merged.untracked), (6, 0));
    assert!(is_locked(&mut right, at(12), ip("192.0.2.1"), "alice"));
    assert!(!is_locked(&mut right, at(70), ip("192.0.2.1"), "alice"));
    assert_eq!(right.connections(), 0);
}

#[test]
fn a_success_forgives_on_the_other_front_end_too() {
    for right_knows in [true, false] {
        let (mut left, mut right) = (guard(light()), guard(light()));
        for _ in 0..4 {
            fail(&mut left, at(10), ip("192.0.2.1"), "alice");
        }
        let old = left.snapshot(at(10));
        if right_knows {
            right.merge(at(10), &old).unwrap();
        }
        succeed(&mut right, at(11), ip("192.0.2.1"), "alice");
        left.merge(at(12), &right.snapshot(at(12))).unwrap();
        left.merge(at(12), &old).unwrap();
        fail(&mut left, at(13), ip("192.0.2.1"), "alice");
        assert!(!is_locked(&mut left, at(13), ip("192.0.2.1"), "alice"));
    }
}

#[test]
fn front_ends_with_different_clocks_agree_by_their_clock_start() {
    let config = |start| GuardConfig::new().clock_start(seconds(start));
    let mut left = guard(config(1_700_000_000));
    let mut right = guard(config(1_700_005_000));
    for _ in 0..5 {
        fail(&mut left, at(5100), ip("192.0.2.1"), "alice");
    }
    right.merge(at(101), &left.snapshot(at(5101))).unwrap();
    assert!(is_locked(&mut right, at(159), ip("192.0.2.1"), "alice"));
    assert!(!is_locked(&mut right, at(160), ip("192.0.2.1"), "alice"));
}

#[test]
fn what_does_not_fit_is_named() {
    let mut guard = guard(config());
    let error = |guard: &mut Guard, now, bytes: &[u8]| guard.merge(now, bytes).unwrap_err();
    fail(&mut guard, at(100), host(1), "alice");
    let good = guard.snapshot(at(100));

    assert_eq!(
        error(&mut guard, at(100), b"HTTP/1.1 200 OK"),
        SnapshotError::NotASnapshot
    );
    let mut version = good.clone();
    version[4] = 9;
    assert_eq!(
        error(&mut guard, at(100), &version),
        SnapshotError::UnknownVersion(9)
    );

    let mut other = Guard::new(config(), Seed::new([7; 16]));
    assert_eq!(
        error(&mut other, at(100), &good),
        SnapshotError::DifferentSeed
    );
    let mut other = Guard::new(config().ipv6_prefixes(56, 48), seed());
    assert_eq!(
        error(&mut other, at(100), &good),
        SnapshotError::DifferentRules
    );
    let mut other = Guard::new(config().user(Rule::within(seconds(1))), seed());
    assert_eq!(
        error(&mut other, at(100), &good),
        SnapshotError::DifferentRules
    );
    // How long a lockout lasts may change over a restart.
    let longer = Rule::within(seconds(70)).lockout(Lockout::after(4));
    let mut other = Guard::new(config().user_at_address(longer), seed());
    assert!(other.merge(at(100), &good).is_ok());

    let mut early = Guard::new(config(), seed());
    let ahead = SnapshotError::FromTheFuture {
        by: Duration::from_secs(61),
    };
    assert_eq!(error(&mut early, at(39), &good), ahead);
    assert!(early.merge(at(40), &good).is_ok());

    let mut trailing = good.clone();
    trailing.push(0);
    let at_end = SnapshotError::Damaged { at: good.len() };
    assert_eq!(error(&mut early, at(100), &trailing), at_end);
    // The count of entries promises more than any memory holds; nothing is allocated for it.
    let mut huge = good.clone();
    huge[29..33].fill(0xff);
    assert_eq!(error(&mut early, at(100), &huge), SnapshotError::Truncated);
}

#[test]
fn neither_names_nor_addresses_nor_the_seed_are_in_a_snapshot() {
    let mut guard = Guard::new(GuardConfig::new(), Seed::new(*b"sentinel-seed-16"));
    fail(
        &mut guard,
        at(0),
        [0xc1, 0xc2, 0xc3, 0xc4].into(),
        "sentinel-name",
    );
    let bytes = guard.snapshot(at(0));
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(b"sentinel"));
    assert!(!holds(&[0xc1, 0xc2, 0xc3]));
    assert!(!format!("{guard:?}").contains("sentinel"));
    assert!(!format!("{:?}", Seed::new(*b"sentinel-seed-16")).contains("115, 101"));
}

#[test]
fn a_full_guard_fits_into_the_documented_size_and_into_a_smaller_guard() {
    let mut full = guard(GuardConfig::new().entries(4096));
    for n in 0..3000 {
        fail(&mut full, at(1), scattered(n), &format!("nobody{n}"));
    }
    let bytes = full.snapshot(at(1));
    assert!(bytes.len() < 4096 * 24, "{}", bytes.len());
    let small = GuardConfig::new().entries(256);
    let mut small = Guard::new(small, seed());
    let merged = small.merge(at(1), &bytes).unwrap();
    assert!(merged.untracked > 0);
    // What had no place makes unknown addresses wait.
    let waits = (9000..9100)
        .filter(|n| matches!(small.accept(at(90), scattered(*n)), Admission::Delay { .. }))
        .count();
    assert_eq!(waits, 100);
}

#[test]
fn the_end_of_time_can_be_told() {
    let end = Instant::from_start(Duration::MAX);
    let mut last = guard(config());
    for _ in 0..5 {
        fail(&mut last, end, host(1), "alice");
    }
    let bytes = last.snapshot(end);
    assert!(guard(config()).merge(end, &bytes).is_ok());
}
