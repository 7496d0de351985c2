//! Time, which the caller passes in: the guard has no clock.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: the duration since a start that the caller chooses once for each guard. In
/// whole nanoseconds, up to 584 years.
///
/// ```
/// use core::time::Duration;
/// use ftp_guard::Instant;
///
/// let later = Instant::START + Duration::from_secs(3);
/// assert_eq!(later - Instant::START, Duration::from_secs(3));
/// assert_eq!(Instant::START - later, Duration::ZERO); // never negative
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start that the caller chose.
    pub const START: Self = Self(0);

    /// The point `elapsed` after the start; the latest point if that overflows.
    pub fn from_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The duration since the start.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the latest point.
    fn add(self, duration: Duration) -> Self {
        Self::from_start(self.since_start().saturating_add(duration))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero if `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        self.since_start().saturating_sub(earlier.since_start())
    }
}
