//! How much is handed to the system at once.

use std::time::{Duration, Instant};

const FIRST: usize = 64 * 1024;
const LARGEST: usize = 1024 * 1024;

/// Little at first, and more while the peer keeps up: a call with much takes long if the peer is slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk(usize);

impl Default for Chunk {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Chunk {
    /// How many bytes the next call gets.
    pub(crate) fn size(self) -> usize {
        self.0
    }

    /// A call began then, and ends now. It was to take no longer than this.
    pub(crate) fn sent(&mut self, begun: Instant, longest: Duration) {
        self.0 = if begun.elapsed() < longest {
            (self.0 * 2).min(LARGEST)
        } else {
            FIRST
        };
    }
}
