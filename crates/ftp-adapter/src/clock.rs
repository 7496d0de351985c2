//! The adapter's clock.

use std::time::Instant;

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
