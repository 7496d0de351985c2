//! The bytes of a data connection that wait.

use alloc::vec::Vec;
use core::fmt;

use super::Direction;

/// How much of what came may wait: as much as is read at once.
const CAME: usize = 64 * 1024;
/// How much of what was written may wait. A transfer that stalls holds it, so it is little; and whole records
/// of TLS, so that none is cut in two.
const WRITTEN: usize = 48 * 1024;

/// Bytes go in at the back and out at the front. No more of them wait than its limit, and no more memory than
/// that is taken. Or they go past, and are only counted.
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of `bytes` are gone.
    head: usize,
    limit: usize,
    /// How many go past, and are not out.
    passing: usize,
}

impl Queue {
    const LITTLE: usize = 16 * 1024;

    /// For bytes that go this way.
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            bytes: Vec::new(),
            head: 0,
            limit: match direction {
                Direction::Receive => CAME,
                Direction::Send => WRITTEN,
            },
            passing: 0,
        }
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.head)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head >= self.bytes.len() && !self.is_passing()
    }

    /// Whether bytes go past.
    #[inline]
    pub(super) fn is_passing(&self) -> bool {
        self.passing > 0
    }

    /// So many go past it, which must be empty.
    pub(super) fn pass(&mut self, count: usize) {
        self.passing = count;
    }

    /// How many more may be put in. None, while some go past; at least one, while no more than half of the limit
    /// waits.
    pub(super) fn room(&self) -> usize {
        if self.is_passing() {
            return 0;
        }
        self.limit.saturating_sub(self.bytes.len())
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
            let more = self.limit.max(needed).saturating_sub(self.bytes.len());
            self.bytes.reserve_exact(more);
        }
        &mut self.bytes
    }

    /// Takes up to `count` out, and returns how many.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        if self.is_passing() {
            let count = count.min(self.passing);
            self.passing = self.passing.saturating_sub(count);
            return count;
        }
        let count = count.min(self.len());
        self.head = self.head.saturating_add(count);
        if self.is_empty() {
            // Freed at once, so that connections share the memory.
            (self.bytes, self.head) = (Vec::new(), 0);
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
        write!(
            f,
            "Queue({} bytes)",
            self.len().saturating_add(self.passing)
        )
    }
}
