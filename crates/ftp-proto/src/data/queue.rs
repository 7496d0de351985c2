//! The bytes of a data connection that wait.

use alloc::vec::Vec;
use core::fmt;

/// Bytes go in at the back and out at the front. At most [`LIMIT`](Self::LIMIT) of them wait, and no more
/// memory than that is taken.
#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of `bytes` are gone.
    head: usize,
}

impl Queue {
    pub(super) const LIMIT: usize = 64 * 1024;
    const LITTLE: usize = 16 * 1024;

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.head)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head >= self.bytes.len()
    }

    /// How many more may be put in. At least one, while no more than half of the limit waits.
    pub(super) fn room(&self) -> usize {
        Self::LIMIT.saturating_sub(self.bytes.len())
    }

    /// Frees what is not needed for the bytes that wait.
    pub(super) fn shrink(&mut self) {
        self.compact();
        self.bytes.shrink_to_fit();
    }

    /// Where so many more, or a few more than that, are put in.
    pub(super) fn back(&mut self, count: usize) -> &mut Vec<u8> {
        // Little, or all that it may take: each size between would be one that the allocator keeps.
        let needed = self.bytes.len().saturating_add(count);
        if needed > self.bytes.capacity() && needed > Self::LITTLE {
            let more = Self::LIMIT.max(needed).saturating_sub(self.bytes.len());
            self.bytes.reserve_exact(more);
        }
        &mut self.bytes
    }

    /// Takes up to `count` out, and returns how many.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        let count = count.min(self.len());
        self.head = self.head.saturating_add(count);
        if self.is_empty() {
            // Freed at once, so that connections share the memory.
            *self = Self::default();
        } else if self.head >= self.len() {
            // What is left moves to the front only after as much was taken out: the work stays linear.
            self.compact();
        }
        count
    }

    fn compact(&mut self) {
        self.bytes.drain(..self.head);
        self.head = 0;
    }
}

/// Files are not shown.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} bytes)", self.len())
    }
}
