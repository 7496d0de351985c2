//! How long a loop may run before it yields to others.

/// How many reads, writes and events are in a turn: a few hundred microseconds, and more than a
/// login needs.
const STEPS: u32 = 64;

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
}
