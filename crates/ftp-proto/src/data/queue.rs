//! The bytes of a data connection that wait.

use alloc::vec::Vec;
use core::fmt;

/// Bytes go in at the back and out at the front. At most [`LIMIT`](Self::LIMIT) of them wait.
#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of `bytes` are gone.
    head: usize,
}

impl Queue {
    pub(super) const LIMIT: usize = 64 * 1024;

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

    /// How many more may be put in.
    pub(super) fn room(&self) -> usize {
        Self::LIMIT.saturating_sub(self.len())
    }

    /// Where more are put in.
    pub(super) fn back(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Takes up to `count` out, and returns how many.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        let count = count.min(self.len());
        self.head = self.head.saturating_add(count);
        // What is left moves to the front only after as much was taken out: the work stays linear.
        if self.is_empty() || self.head >= Self::LIMIT {
            self.bytes.drain(..self.head);
            self.head = 0;
        }
        count
    }
}

/// Files are not shown.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} bytes)", self.len())
    }
}
