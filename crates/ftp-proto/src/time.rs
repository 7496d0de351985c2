//! Time as the machines see it: handed in by the caller, never asked for.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: the duration since a start that the caller picks once per machine. In whole
/// nanoseconds; time ends 584 years after its start.
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::Instant;
///
/// let start = Instant::START;
/// let later = start + Duration::from_secs(3);
/// assert_eq!(later - start, Duration::from_secs(3));
/// assert_eq!(start - later, Duration::ZERO); // never negative
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The caller's start of time.
    pub const START: Self = Self(0);

    /// The point that lies `elapsed` after the start.
    pub const fn from_start(elapsed: Duration) -> Self {
        Self(nanoseconds(elapsed))
    }

    /// How long after the start this is.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// Saturates at the end of time.
const fn nanoseconds(duration: Duration) -> u64 {
    let nanoseconds = duration.as_nanos();
    if nanoseconds > u64::MAX as u128 {
        return u64::MAX;
    }
    nanoseconds as u64
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero if `earlier` is in fact later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
