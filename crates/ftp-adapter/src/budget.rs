//! How long a loop may go on while others wait for their turn.

/// So many reads, writes and events: a few hundred microseconds, and more than a login takes.
const STEPS: u32 = 64;

/// Counts the steps of a loop that a peer could keep going: one that always has something to read
/// would keep the thread, and with it every other task that the thread runs.
///
/// It is kept where the loop begins again, such as in a driver: a loop that ends with each event and
/// is begun again at once is still one.
#[derive(Debug, Default)]
pub struct Budget(u32);

impl Budget {
    /// Counts one step more. Whether it is time to let others go on; then it counts from the start.
    pub fn is_spent(&mut self) -> bool {
        self.0 += 1;
        if self.0 <= STEPS {
            return false;
        }
        self.0 = 0;
        true
    }
}
