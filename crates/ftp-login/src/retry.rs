//! When to try again. Values only: no clock, no sleep, no randomness of its own.

use std::time::Duration;

/// How often, and after what delays, a login that failed for a transient reason is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// Most tries after the first.
    pub(crate) retries: u32,
    /// The longest first delay; each later one may be twice as long.
    pub(crate) first: Duration,
    /// The longest delay of all.
    pub(crate) most: Duration,
    /// No try begins later than this after the first began.
    pub(crate) total: Duration,
}

impl RetryPolicy {
    /// One second, then two, then four, up to half a minute; ten minutes in all.
    pub(crate) fn new(retries: u32) -> Self {
        Self {
            retries,
            first: Duration::from_secs(1),
            most: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }

    /// How long to wait after `failures` tries failed and `elapsed` went by since the first began;
    /// `None` to give up.
    ///
    /// `random` spreads the delay over the upper half of its range, so that many clients of one
    /// server that went down do not all come back at once.
    pub(crate) fn delay(&self, failures: u32, elapsed: Duration, random: u64) -> Option<Duration> {
        if failures == 0 || failures > self.retries {
            return None;
        }
        let doublings = 2_u32.saturating_pow(failures - 1);
        let longest = self.first.saturating_mul(doublings).min(self.most);
        let half = longest / 2;
        let spread = u64::try_from(half.as_nanos())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let delay = half + Duration::from_nanos(random % spread);
        (elapsed.saturating_add(delay) <= self.total).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_retries_means_none() {
        assert_eq!(RetryPolicy::new(0).delay(1, Duration::ZERO, 0), None);
    }

    #[test]
    fn the_total_time_is_bounded() {
        let policy = RetryPolicy::new(u32::MAX);
        assert_eq!(policy.delay(1, policy.total, 0), None);
    }

    proptest! {
        #[test]
        fn delays_grow_within_bounds(failures in 1_u32..100, random: u64) {
            let policy = RetryPolicy::new(1000);
            let delay = policy.delay(failures, Duration::ZERO, random).unwrap();
            let longest = policy.first.saturating_mul(1 << (failures - 1).min(20)).min(policy.most);
            prop_assert!(delay >= longest / 2 && delay <= longest);
        }

        #[test]
        fn the_number_of_tries_is_bounded(retries in 0_u32..50, over in 1_u32..50, random: u64) {
            let policy = RetryPolicy::new(retries);
            prop_assert_eq!(policy.delay(retries + over, Duration::ZERO, random), None);
        }
    }
}
