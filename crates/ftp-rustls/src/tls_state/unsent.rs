//! What is to be sent to the peer.

/// Bytes for the peer that the transport has not taken, and how much of the machine's write they hold.
pub(super) struct Unsent {
    /// It was written to up to its length.
    space: Vec<u8>,
    /// How much of it is for the peer.
    filled: usize,
    /// How much of that has been sent.
    sent: usize,
    /// How much of the rest the transport was offered last.
    offered: usize,
    /// How many bytes of the machine's write are in the rest.
    encrypted: usize,
    /// They are those of a file that a client sends, in large pieces.
    is_large: bool,
}

impl Unsent {
    /// If it is large, its space is kept for the next piece, and the bytes of one count as they go. All else counts
    /// when the last byte is gone: the peer cannot use less than a record.
    pub(super) fn new(is_large: bool) -> Self {
        Self {
            space: Vec::new(),
            filled: 0,
            sent: 0,
            offered: 0,
            encrypted: 0,
            is_large,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.space.get(self.sent..self.filled).unwrap_or_default()
    }

    pub(super) fn offer(&mut self) -> &[u8] {
        self.offered = self.bytes().len();
        self.bytes()
    }

    /// So many bytes of the machine's write were appended, which is all there is of it.
    pub(super) fn encrypted(&mut self, count: usize) {
        self.encrypted = count;
    }

    /// The transport took this many of the bytes offered. How many more of the machine's write it has.
    pub(super) fn sent(&mut self, count: usize) -> usize {
        let count = count.min(self.offered);
        self.offered = self.offered.saturating_sub(count);
        self.sent = self.sent.saturating_add(count);
        let left = match self.bytes().len() {
            // Each holds one of the write at most.
            left @ 1.. if self.is_large => self.encrypted.min(left),
            1.. => self.encrypted,
            0 => 0,
        };
        let completed = self.encrypted.saturating_sub(left);
        self.encrypted = left;
        if self.bytes().is_empty() {
            (self.sent, self.filled) = (0, 0);
            if !self.is_large {
                // An idle connection needs none.
                self.space = Vec::new();
            }
        }
        completed
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.space.truncate(self.filled);
        self.space.extend_from_slice(bytes);
        self.filled = self.space.len();
    }

    /// Only so many bytes remain.
    pub(super) fn truncate(&mut self, count: usize) {
        self.filled = self.filled.min(self.sent.saturating_add(count));
    }

    /// Appends what `write` writes into the space that it gets. It says how much it needs, if that is not
    /// enough.
    pub(super) fn append(
        &mut self,
        room: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
    ) -> Result<(), rustls::Error> {
        let mut room = room;
        loop {
            let end = self.filled.saturating_add(room);
            if let more @ 1.. = end.saturating_sub(self.space.len()) {
                // Not as much more as a vector takes by itself.
                self.space.reserve_exact(more);
                self.space.resize(end, 0);
            }
            let space = self.space.get_mut(self.filled..).unwrap_or_default();
            match write(space) {
                Ok(count) => {
                    self.filled = self.filled.saturating_add(count);
                    return Ok(());
                }
                Err(Some(needed)) if needed > room => room = needed,
                Err(_) => return Err(rustls::Error::EncryptError),
            }
        }
    }

    /// Gives back what the bytes do not need.
    pub(super) fn shrink(&mut self) {
        self.space.truncate(self.filled);
        self.space.drain(..self.sent);
        self.space.shrink_to_fit();
        (self.sent, self.filled) = (0, self.space.len());
    }
}
