//! The input of a machine: Telnet is removed, and the rest is kept until it is parsed.

use alloc::collections::VecDeque;

use super::telnet::{Piece, TelnetFilter};
use crate::buffer::Buffer;

/// How many Telnet options are refused on a connection, or between two TLS switches. There are
/// about fifty options, and FTP uses none. Only a TLS switch resets the count, so the output is the
/// same for any chunking.
const MOST_REFUSALS: usize = 64;

/// The input of a machine, on either side.
///
/// The chunking does not matter: what is kept, the place of a refusal, and the byte at which there
/// is too much Telnet are the same.
#[derive(Debug)]
pub(crate) struct TelnetInput {
    filter: TelnetFilter,
    buffer: Buffer,
    /// The most bytes that are kept.
    capacity: usize,
    refusals: Refusals,
    /// The last byte that arrived was data, not part of a Telnet sequence.
    ends_in_data: bool,
    /// Not all bytes of the last call could be taken.
    withheld: bool,
    /// How many bytes of Telnet came since the count was reset.
    telnet: usize,
    most_telnet: usize,
    /// There was too much Telnet: no more bytes are kept.
    has_too_much: bool,
}

impl TelnetInput {
    /// Keeps at most `capacity` bytes, and accepts at most `most_telnet` bytes of Telnet until the
    /// count is [reset](Self::restart_telnet_count).
    pub(crate) fn new(capacity: usize, most_telnet: usize) -> Self {
        Self {
            filter: TelnetFilter::new(),
            buffer: Buffer::new(),
            capacity,
            refusals: Refusals::new(),
            ends_in_data: true,
            withheld: false,
            telnet: 0,
            most_telnet,
            has_too_much: false,
        }
    }

    /// Stores what fits, and returns how many bytes that was. After too much Telnet it takes all
    /// and keeps nothing.
    pub(crate) fn store(&mut self, offered: &[u8]) -> usize {
        if self.has_too_much {
            return offered.len();
        }
        let kept = self.buffer.len().saturating_add(self.filter.held());
        let room = self.capacity.saturating_sub(kept);
        let (taken, rest) = offered.split_at_checked(room).unwrap_or((offered, &[]));
        self.withheld = !rest.is_empty();
        let Some((last, front)) = taken.split_last() else {
            return 0;
        };
        if self.filter.passes(taken) {
            self.buffer.extend(taken);
            self.ends_in_data = true;
            return taken.len();
        }
        // Near the limit, byte by byte, so that the byte that exceeds it depends only on the
        // stream.
        let is_near = self.telnet.saturating_add(taken.len()) > self.most_telnet;
        let size = if is_near { 1 } else { front.len().max(1) };
        // The last byte separately, to know whether it is data.
        for piece in front.chunks(size).chain([core::slice::from_ref(last)]) {
            self.ends_in_data = self.filter(piece);
            if self.telnet > self.most_telnet {
                self.has_too_much = true;
                return offered.len();
            }
        }
        taken.len()
    }

    /// Removes Telnet from `bytes` and keeps the rest. Returns whether there was a rest.
    fn filter(&mut self, bytes: &[u8]) -> bool {
        let Self {
            filter,
            buffer,
            refusals,
            ..
        } = self;
        let mut plain: usize = 0;
        filter.pieces(bytes, |piece| match piece {
            Piece::Data(data) => {
                buffer.extend(data);
                // Both bytes of a doubled 0xFF are data.
                let escaped = usize::from(data == [0xFF]);
                plain = plain.saturating_add(data.len()).saturating_add(escaped);
            }
            Piece::Refusal(refusal) => refusals.push(buffer.end_position(), refusal),
        });
        // An 0xFF counts as Telnet until the next byte shows that it is data.
        self.telnet = self
            .telnet
            .saturating_add(bytes.len())
            .saturating_sub(plain);
        plain > 0
    }

    /// The bytes to parse, and the refusals to send.
    pub(crate) fn parts(&mut self) -> (&[u8], &mut Refusals) {
        (self.buffer.unread(), &mut self.refusals)
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Whether anything arrived after the first `length` bytes, Telnet included.
    pub(crate) fn is_followed(&self, length: usize) -> bool {
        length < self.buffer.len() || self.withheld || !self.ends_in_data
    }

    /// Whether there is nothing to parse, and nothing to say about Telnet.
    pub(crate) fn is_quiet(&self) -> bool {
        self.buffer.is_empty() && self.refusals.pending.is_empty() && !self.has_too_much
    }

    /// Whether there was too much Telnet.
    pub(crate) fn has_too_much(&self) -> bool {
        self.has_too_much
    }

    pub(crate) fn restart_telnet_count(&mut self) {
        // Held bytes are subtracted later if they are data.
        self.telnet = self.filter.held();
    }

    /// The position in the stream without Telnet of the first byte not consumed.
    pub(crate) fn position(&self) -> u64 {
        self.buffer.position()
    }

    /// The position after the last byte that arrived.
    pub(crate) fn end_position(&self) -> u64 {
        self.buffer.end_position()
    }

    pub(crate) fn consume(&mut self, length: usize) {
        self.buffer.consume(length);
    }

    /// Drops unsent refusals, and resets their count.
    pub(crate) fn drop_refusals(&mut self) {
        self.refusals = Refusals::new();
    }

    /// Drops and wipes what was not parsed. The position in the stream stays.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        *self = Self {
            buffer: core::mem::take(&mut self.buffer),
            ..Self::new(self.capacity, self.most_telnet)
        };
    }

    /// Frees unused memory.
    pub(crate) fn shrink(&mut self) {
        self.buffer.shrink();
        self.refusals.pending.shrink_to_fit();
    }
}

/// Refusals of Telnet options, each with the position in the input before which the option was
/// requested. They are sent in the order of the stream, so that the output does not depend on
/// chunking.
#[derive(Debug)]
pub(crate) struct Refusals {
    pending: VecDeque<(u64, [u8; 3])>,
    left: usize,
}

impl Refusals {
    fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            left: MOST_REFUSALS,
        }
    }

    fn push(&mut self, position: u64, refusal: [u8; 3]) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.pending.push_back((position, refusal));
        }
    }

    /// Sends the refusals of options requested before `end`.
    pub(crate) fn send_before(&mut self, end: u64, mut send: impl FnMut(&[u8])) {
        while let Some((position, refusal)) = self.pending.front()
            && *position < end
        {
            send(refusal);
            self.pending.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
