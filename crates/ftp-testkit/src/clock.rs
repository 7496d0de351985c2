//! Time that passes only when told to.

use std::time::Duration;

use ftp_proto::Instant;

/// A clock that stands still until it is moved.
#[derive(Debug, Clone, Copy, Default)]
pub struct VirtualClock {
    now: Instant,
}

impl VirtualClock {
    /// The present.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    /// Moves on to `then`; never back.
    pub fn advance_to(&mut self, then: Instant) {
        self.now = self.now.max(then);
    }
}
