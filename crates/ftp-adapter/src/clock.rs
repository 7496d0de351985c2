//! The adapter's clock.

use std::time::{Instant, SystemTime};

use ftp_proto::DateTime;

/// The clock of an adapter. It is a type, not a value: a program has one for each runtime. Tests
/// may stop it.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now() -> Instant;
}

/// The operating system's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now() -> Instant {
        Instant::now()
    }
}

/// The date and time of the operating system, in UTC: listings leave out the year of what is new.
pub fn date_and_time() -> DateTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    DateTime::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}
