//! What a machine has received: Telnet is taken out, the rest is kept until it was looked at.

use alloc::collections::VecDeque;

use super::telnet::{Piece, TelnetFilter};
use crate::buffer::Buffer;

/// How many Telnet options are refused in a connection's life, or between two TLS switches. There are
/// some fifty options, and FTP uses none. A count that nothing else sets back keeps the output the
/// same for any chunking.
const MOST_REFUSALS: usize = 64;

/// The input of a machine, on either side.
///
/// How the bytes are chunked changes nothing here: not what is kept, not where a refusal stands,
/// not the byte at which there is too much Telnet.
#[derive(Debug)]
pub(crate) struct TelnetInput {
    filter: TelnetFilter,
    buffer: Buffer,
    /// Most bytes that are kept.
    capacity: usize,
    refusals: Refusals,
    /// The last byte that arrived was data, not part of a Telnet sequence.
    ends_in_data: bool,
    /// Not all that was offered last could be taken.
    withheld: bool,
    /// How many bytes of Telnet came since the count was set back.
    telnet: usize,
    most_telnet: usize,
    /// It was too much: nothing is taken any more.
    has_too_much: bool,
}

impl TelnetInput {
    /// Keeps at most `capacity` bytes, and takes no more than `most_telnet` bytes of Telnet before the
    /// count is [set back](Self::restart_telnet_count).
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

    /// Stores what fits and returns how many bytes that was. Takes all and keeps nothing once there
    /// was too much Telnet.
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
        // Where the limit is near, byte by byte: it is passed at a byte that the stream decides.
        let is_near = self.telnet.saturating_add(taken.len()) > self.most_telnet;
        let size = if is_near { 1 } else { front.len().max(1) };
        // The last byte by itself, to know whether it is data.
        for piece in front.chunks(size).chain([core::slice::from_ref(last)]) {
            self.ends_in_data = self.filter(piece);
            if self.telnet > self.most_telnet {
                self.has_too_much = true;
                return offered.len();
            }
        }
        taken.len()
    }

    /// Takes Telnet out of `bytes` and keeps the rest. Returns whether there was a rest.
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
                // A doubled 0xFF is data, both of it.
                let escaped = usize::from(data == [0xFF]);
                plain = plain.saturating_add(data.len()).saturating_add(escaped);
            }
            Piece::Refusal(refusal) => refusals.push(buffer.end_position(), refusal),
        });
        // An 0xFF counts before it is known what it is, and is given back then.
        self.telnet = self
            .telnet
            .saturating_add(bytes.len())
            .saturating_sub(plain);
        plain > 0
    }

    /// What is there to look at, and the refusals that are due.
    pub(crate) fn parts(&mut self) -> (&[u8], &mut Refusals) {
        (self.buffer.unread(), &mut self.refusals)
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Whether anything arrived behind the first `length` bytes, Telnet included.
    pub(crate) fn is_followed(&self, length: usize) -> bool {
        length < self.buffer.len() || self.withheld || !self.ends_in_data
    }

    /// Whether there was too much Telnet.
    pub(crate) fn has_too_much(&self) -> bool {
        self.has_too_much
    }

    pub(crate) fn restart_telnet_count(&mut self) {
        // What is held is given back later, if it is data.
        self.telnet = self.filter.held();
    }

    /// The position in the stream, Telnet taken out, of the first byte that was not consumed.
    pub(crate) fn position(&self) -> u64 {
        self.buffer.position()
    }

    /// The position behind the last byte that arrived.
    pub(crate) fn end_position(&self) -> u64 {
        self.buffer.end_position()
    }

    pub(crate) fn consume(&mut self, length: usize) {
        self.buffer.consume(length);
    }

    /// Drops the refusals that are not sent, and counts them from the start.
    pub(crate) fn drop_refusals(&mut self) {
        self.refusals = Refusals::new();
    }

    /// Forgets what was not looked at, wiping it, but for the position in the stream.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        *self = Self {
            buffer: core::mem::take(&mut self.buffer),
            ..Self::new(self.capacity, self.most_telnet)
        };
    }

    /// Gives memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.buffer.shrink();
        self.refusals.pending.shrink_to_fit();
    }
}

/// Refusals of Telnet options, each with the position in the input before which it was asked for.
/// They are sent in the order of the stream, so that the output does not depend on chunking.
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

    /// Sends those that were asked for before `end`.
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
