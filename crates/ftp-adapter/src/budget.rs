//! How long a loop may run before it yields to others.

/// How many reads, writes and events are in a turn: a few hundred microseconds, or a few milliseconds where all
/// move many bytes, and more than a login needs.
const STEPS: u32 = 64;
/// How many bytes one of them moves.
const STEP_BYTES: usize = 64 * 1024;

/// Counts the steps of a loop that a peer could keep running. A peer that always has something to
/// read would keep the thread, and stop every other task on it.
///
/// It is kept outside the loop, for example in a driver: a loop that ends with each event and starts
/// again at once is still one loop.
#[derive(Debug, Default)]
pub struct Budget(u32);

impl Budget {
    /// Counts a step. True if it is time to yield; then the count starts again.
    pub fn is_spent(&mut self) -> bool {
        self.0 += 1;
        if self.0 <= STEPS {
            return false;
        }
        self.0 = 0;
        true
    }

    /// The step that was counted moved so many bytes: if these are many, it was more than one.
    pub fn moved(&mut self, bytes: usize) {
        let more = bytes.div_ceil(STEP_BYTES).saturating_sub(1);
        let more = u32::try_from(more).unwrap_or(STEPS);
        self.0 = self.0.saturating_add(more).min(STEPS);
    }
}
