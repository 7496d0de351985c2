//! A byte queue that wipes what leaves it, for input and output of both machines.

use alloc::vec::Vec;

use zeroize::Zeroize;

/// Capacity up to which an empty buffer is kept; a larger one is given back.
const KEPT_CAPACITY: usize = 512;

/// Bytes go in at the back and out at the front. Whatever leaves, by being consumed, by the
/// buffer growing or by its being dropped, is wiped from memory first.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// Start of what has not been consumed. Bytes before it are already wiped.
    head: usize,
    /// How many bytes were consumed in all.
    consumed: u64,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            head: 0,
            consumed: 0,
        }
    }

    /// What has not been consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.head)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position in the whole stream of the first byte that was not consumed.
    pub(crate) fn position(&self) -> u64 {
        self.consumed
    }

    /// The position in the whole stream behind the last byte that was pushed.
    pub(crate) fn end_position(&self) -> u64 {
        self.consumed.saturating_add(self.len() as u64)
    }

    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let room = self.bytes.capacity().saturating_sub(self.bytes.len());
        if bytes.len() > room {
            self.make_room(bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops `count` bytes from the front, wiping them.
    pub(crate) fn consume(&mut self, count: usize) {
        let end = self.head.saturating_add(count).min(self.bytes.len());
        let start = self.head;
        if let Some(gone) = self.bytes.get_mut(start..end) {
            gone.zeroize();
        }
        self.consumed = self
            .consumed
            .saturating_add(end.saturating_sub(start) as u64);
        self.head = end;
        if self.head == self.bytes.len() {
            self.head = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        }
    }

    /// Drops everything, wiping it.
    pub(crate) fn clear(&mut self) {
        self.consume(self.len());
    }

    /// Gives the memory back, if nothing is in it.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
            self.head = 0;
        }
    }

    /// Makes room for `additional` bytes. `Vec` would leave copies of the old bytes behind when it
    /// grows; this wipes them.
    #[cold]
    fn make_room(&mut self, additional: usize) {
        let needed = self.len().saturating_add(additional);
        if needed <= self.bytes.capacity() / 2 {
            // Room enough once the consumed front is gone; moving costs no more than was consumed.
            let len = self.len();
            self.bytes.copy_within(self.head.., 0);
            if let Some(stale) = self.bytes.get_mut(len..) {
                stale.zeroize();
            }
            self.bytes.truncate(len);
            self.head = 0;
            return;
        }
        let capacity = needed.max(self.bytes.capacity().saturating_mul(2)).max(128);
        let mut grown = Vec::with_capacity(capacity);
        grown.extend_from_slice(self.unread());
        self.bytes.zeroize();
        self.bytes = grown;
        self.head = 0;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl core::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests;
