//! When a failed login is tried again: bounded in number and in time, with delays that grow.

use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::connect::Retry;
use proptest::prelude::*;

fn at(second: u64) -> Instant {
    Instant::from_start(Duration::from_secs(second))
}

#[test]
fn no_retries_means_none() {
    let mut retrying = Retry::new().retries(0).start(at(5));
    assert_eq!(retrying.failed(at(5), true, 0), None);
    assert_eq!(retrying.attempts(), 1);
}

#[test]
fn what_is_not_transient_is_never_tried_again() {
    let mut retrying = Retry::new().start(at(0));
    assert!(retrying.failed(at(0), true, 0).is_some());
    assert_eq!(retrying.failed(at(1), false, 0), None);
    // It has given up, whatever it is told later.
    assert_eq!(retrying.failed(at(2), true, 0), None);
    assert_eq!(retrying.attempts(), 2);
}

#[test]
fn the_defaults_are_as_documented() {
    let mut retrying = Retry::default().start(at(0));
    let mut delays = Vec::new();
    let mut now = at(0);
    while let Some(next) = retrying.failed(now, true, 0) {
        delays.push((next - now).as_millis());
        now = next;
    }
    assert_eq!(delays, [500, 1000, 2000]);
    let retry = Retry::new().retries(u32::MAX);
    let mut retrying = retry.start(at(0));
    assert_eq!(retrying.failed(at(600), true, 0), None);
    let mut retrying = retry.start(at(0));
    for _ in 0..20 {
        assert!(retrying.failed(at(0), true, 0).is_some());
    }
    assert_eq!(retrying.failed(at(0), true, 0), Some(at(15)));
}

#[test]
fn the_total_time_is_kept_to_the_moment() {
    let retry = Retry::new().total_time(Duration::from_millis(500));
    assert!(retry.start(at(1)).failed(at(1), true, 0).is_some());
    assert_eq!(retry.start(at(1)).failed(at(1), true, 1), None);
}

#[test]
fn extreme_settings_neither_overflow_nor_panic() {
    let retry = Retry::new()
        .retries(u32::MAX)
        .first_delay(Duration::MAX)
        .longest_delay(Duration::MAX)
        .total_time(Duration::MAX);
    let mut retrying = retry.start(Instant::from_start(Duration::MAX));
    for random in [0, 1, u64::MAX] {
        assert_eq!(
            retrying.failed(at(0), true, random),
            Some(Instant::from_start(Duration::MAX))
        );
    }
    let zero = Retry::new().first_delay(Duration::ZERO);
    assert_eq!(zero.start(at(3)).failed(at(3), true, 9), Some(at(3)));
}

proptest! {
    #[test]
    fn delays_grow_within_bounds_and_their_number_and_time_are_bounded(
        retries in 0_u32..40,
        first in 0_u64..5_000,
        longest in 0_u64..60_000,
        total in 0_u64..1_000_000,
        failures in prop::collection::vec((0_u64..20_000, any::<u64>()), 1..60),
    ) {
        let ms = Duration::from_millis;
        let retry = Retry::new()
            .retries(retries)
            .first_delay(ms(first))
            .longest_delay(ms(longest))
            .total_time(ms(total));
        let mut retrying = retry.start(at(7));
        let mut now = at(7);
        let mut granted = 0_u32;
        for (took, random) in failures {
            now = now + ms(took);
            let Some(next) = retrying.failed(now, true, random) else {
                prop_assert_eq!(retrying.failed(now, true, random), None);
                break;
            };
            let most = ms(first).saturating_mul(1 << granted.min(20)).min(ms(longest));
            prop_assert!(next - now >= most / 2 && next - now <= most);
            prop_assert!(next - at(7) <= ms(total));
            granted += 1;
            prop_assert_eq!(retrying.attempts(), granted + 1);
            now = next;
        }
        prop_assert!(granted <= retries);
    }

    #[test]
    fn time_that_runs_backwards_is_ignored(later in 0_u64..500, earlier in 0_u64..500, random: u64) {
        let retry = Retry::new().retries(5);
        let mut straight = retry.start(at(later));
        let mut back = retry.start(at(later));
        prop_assert_eq!(
            straight.failed(at(later), true, random),
            back.failed(at(later.min(earlier)), true, random)
        );
    }
}
