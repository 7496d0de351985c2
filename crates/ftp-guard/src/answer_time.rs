//! When an answer may be sent, so that its time does not show what its text hides.

use core::time::Duration;

use crate::Instant;

/// The least time of an answer, and steps above it.
///
/// A check that ends before the floor is answered at the floor. So an unknown name (no hash to
/// compute) and a wrong password (a slow hash) look the same. A check that takes longer than the
/// floor is answered at the next whole step after it. So a client sees only which step it was.
/// Choose a floor above the slowest check under load.
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
    /// A floor of 500 ms, several times the duration of a password hash of the recommended cost,
    /// and steps of 250 ms.
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_millis(250))
    }
}

impl AnswerFloor {
    /// With this floor and these steps. With a step of zero, a check that takes longer than the
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

    /// When to answer an attempt that started at `started` and whose check ended at `finished`.
    /// Never before `finished` or the floor.
    pub fn reply_not_before(self, started: Instant, finished: Instant) -> Instant {
        let earliest = started + self.floor;
        let late = (finished - earliest).as_nanos();
        let step = self.step.as_nanos().max(1);
        let steps = late.div_ceil(step).saturating_mul(step);
        earliest + Duration::from_nanos(u64::try_from(steps).unwrap_or(u64::MAX))
    }
}
