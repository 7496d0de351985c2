//! When an answer may be given, so that its time does not tell what its text hides.

use core::time::Duration;

use crate::Instant;

/// A floor under the answer time, and steps above it.
///
/// A check that is done before the floor is answered at the floor, so that an unknown name (no
/// hash to compute) and a wrong password (a slow hash) look the same. A check that takes longer
/// than the floor is answered at the next whole step behind it, so that what is left to see is
/// which step, not how long. Choose the floor above what the slowest check takes under load.
///
/// ```
/// use core::time::Duration;
/// use ftp_guard::{AnswerFloor, Instant};
///
/// let at = |milliseconds| Instant::from_start(Duration::from_millis(milliseconds));
/// let floor = AnswerFloor::new(Duration::from_millis(500), Duration::from_millis(250));
/// assert_eq!(floor.reply_not_before(at(1000), at(1003)), at(1500)); // unknown name
/// assert_eq!(floor.reply_not_before(at(1000), at(1180)), at(1500)); // wrong password
/// assert_eq!(floor.reply_not_before(at(1000), at(1501)), at(1750)); // a busy moment
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerFloor {
    floor: Duration,
    step: Duration,
}

impl Default for AnswerFloor {
    /// 500 ms, several times what a password hash of the recommended cost takes, and steps of
    /// 250 ms.
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_millis(250))
    }
}

impl AnswerFloor {
    /// This floor and these steps. A step of zero means that a check which takes longer than the
    /// floor is answered when it is done, and shows its time.
    pub const fn new(floor: Duration, step: Duration) -> Self {
        Self { floor, step }
    }

    /// The floor.
    pub const fn floor(self) -> Duration {
        self.floor
    }

    /// The steps above it.
    pub const fn step(self) -> Duration {
        self.step
    }

    /// When an attempt that started at `started`, and whose check was done at `finished`, may be
    /// answered. Never before `finished`, nor before the floor.
    pub fn reply_not_before(self, started: Instant, finished: Instant) -> Instant {
        let earliest = started + self.floor;
        let late = (finished - earliest).as_nanos();
        let step = self.step.as_nanos().max(1);
        let steps = late.div_ceil(step).saturating_mul(step);
        earliest + Duration::from_nanos(u64::try_from(steps).unwrap_or(u64::MAX))
    }
}
