//! Whether the client is still there when all of an upload came in clear.
//!
//! The end of a client's process closes both connections, and that of the data looks like the end of the file. An
//! unexpected end of the control connection aborts the transfer (RFC 959 §4.1.1, `QUIT`), but it may come later:
//! Linux closes the newer connection first.

use std::time;
use std::time::Duration;

use super::FileSession;

/// Both ends are sent at once.
const LONGEST: Duration = Duration::from_millis(10);
/// An upload is to take little longer for it.
const PART: u32 = 50;

/// How long to wait for the end of the control connection after a transfer that took so long.
pub(super) fn time(transfer: Duration) -> Duration {
    (transfer / PART).min(LONGEST)
}

impl FileSession {
    /// For how long the control connection is still to be read, if at all, before an upload is kept. When that is no
    /// time any more, and it has nothing more, call [`looked`](Self::looked).
    pub fn must_look(&self, clock: time::Instant) -> Option<Duration> {
        let until = self.transfer.as_ref()?.looks_until?;
        Some(until.saturating_duration_since(clock))
    }

    /// The control connection had nothing more. Call [`next_job`](Self::next_job) next.
    pub fn looked(&mut self) {
        if let Some(moving) = &mut self.transfer {
            moving.looks_until = None;
        }
    }
}
