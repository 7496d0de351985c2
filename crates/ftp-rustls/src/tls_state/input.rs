//! What the peer sent.

use rustls::InvalidMessage;
use zeroize::Zeroize;

/// The most that is kept of a handshake message, which may come in several records.
const MOST_INPUT: usize = 64 * 1024;
/// Of a data connection, 64 KiB are read at a time, behind the beginning of a record.
const ROOM: usize = 82 * 1024;

/// What the peer sent and rustls has not done with. It decrypts in place.
pub(super) struct Input {
    /// It was written to up to its length.
    bytes: Vec<u8>,
    /// How much of it rustls has done with.
    used: usize,
    /// How much has come.
    filled: usize,
    /// Wiped before it is given back: there are no passwords among a file's bytes.
    wipes: bool,
}

impl Input {
    pub(super) fn new(wipes: bool) -> Self {
        Self {
            bytes: Vec::new(),
            used: 0,
            filled: 0,
            wipes,
        }
    }

    pub(super) fn waiting(&mut self) -> &mut [u8] {
        let waiting = self.bytes.get_mut(self.used..self.filled);
        waiting.unwrap_or_default()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), rustls::Error> {
        let waiting = self.filled.saturating_sub(self.used);
        if waiting.saturating_add(bytes.len()) > MOST_INPUT {
            return Err(InvalidMessage::HandshakePayloadTooLarge.into());
        }
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(bytes);
        self.filled = self.bytes.len();
        Ok(())
    }

    pub(super) fn use_up(&mut self, count: usize) {
        self.used = self.used.saturating_add(count).min(self.filled);
        if self.used == self.filled {
            self.wipe();
            (self.used, self.filled) = (0, 0);
        }
    }

    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.used..self.filled, 0);
        self.filled = self.filled.saturating_sub(self.used);
        self.used = 0;
        self.bytes.resize(ROOM, 0);
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    pub(super) fn filled(&mut self, count: usize) -> &[u8] {
        let start = self.filled;
        self.filled = start.saturating_add(count).min(self.bytes.len());
        self.bytes.get(start..self.filled).unwrap_or_default()
    }

    /// Gives the memory back, if nothing waits: an idle connection needs none.
    pub(super) fn free(&mut self) {
        if self.filled == 0 {
            self.bytes = Vec::new();
        }
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.truncate(self.filled);
        self.bytes.shrink_to_fit();
    }

    fn wipe(&mut self) {
        if self.wipes {
            self.bytes.as_mut_slice().zeroize();
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.wipe();
    }
}
