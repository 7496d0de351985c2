//! The space that reads fill.

use std::cell::Cell;
use std::mem::take;
use std::thread::panicking;

use zeroize::Zeroize;

thread_local! {
    static READ_BUFFER: Cell<Box<[u8]>> = Cell::default();
}

/// The space that a read fills, lent by the thread: clearing it before each read would be most of a
/// driver's work. The code that fills it wipes it where there may be a password.
pub(super) struct ReadBuffer {
    pub(super) bytes: Box<[u8]>,
    /// How much of it is lent.
    size: usize,
}

impl ReadBuffer {
    pub(super) fn lend(size: usize) -> Self {
        // There is none at first, within a read of another state, and while the thread ends.
        let mut bytes = READ_BUFFER.try_with(Cell::take).unwrap_or_default();
        if bytes.len() < size {
            bytes = vec![0; size].into_boxed_slice();
        }
        Self { bytes, size }
    }

    pub(super) fn room(&mut self) -> &mut [u8] {
        self.filled(self.size)
    }

    pub(super) fn filled(&mut self, count: usize) -> &mut [u8] {
        let (filled, _) = self.bytes.split_at_mut(count.min(self.size));
        filled
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        if panicking() {
            self.bytes.zeroize();
        }
        let bytes = take(&mut self.bytes);
        let _not_while_the_thread_ends = READ_BUFFER.try_with(|space| space.set(bytes));
    }
}
