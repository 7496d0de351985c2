//! The input: Telnet taken out, kept until it makes a reply, never more than the limits allow.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use super::PeerFault;
use super::config::Settings;
use super::context::Context;
use crate::Instant;
use crate::buffer::Buffer;
use crate::wire::{ReplyError, ReplyErrorKind, ReplyParser, ReplyRef, Status, TelnetFilter};

/// Room beyond the longest reply: its end and blank lines before it.
const SLACK: usize = 16;
/// How many Telnet options are refused in a connection's life, or between two TLS switches. There are
/// some fifty options, and FTP uses none; a count that nothing else sets back keeps the output the
/// same for any chunking.
const MOST_REFUSALS: usize = 64;
/// Most bytes of a malformed line that are shown.
const EXCERPT: usize = 80;

/// What is at the front of the input.
pub(super) enum Found<'b> {
    Reply {
        reply: ReplyRef<'b>,
        /// The position of its first byte in the stream.
        start: u64,
        /// How many bytes it takes from the front of the input.
        length: usize,
    },
    Nothing,
    Fault {
        fault: PeerFault,
        /// The position in the stream of the byte that decided it.
        at: u64,
    },
}

/// Refusals of Telnet options, each with the position in the input before which it was asked for.
/// They are sent in the order of the stream, so that the output does not depend on chunking.
#[derive(Debug)]
pub(super) struct Refusals {
    pending: VecDeque<(u64, [u8; 3])>,
    left: usize,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            left: MOST_REFUSALS,
        }
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        self.pending.shrink_to_fit();
    }

    fn push(&mut self, position: u64, refusal: [u8; 3]) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.pending.push_back((position, refusal));
        }
    }

    /// Sends those that were asked for before `end`.
    pub(super) fn write_before(&mut self, end: u64, context: &mut Context) {
        while let Some((position, refusal)) = self.pending.pop_front() {
            if position >= end {
                self.pending.push_front((position, refusal));
                return;
            }
            context.write(&refusal);
        }
    }
}

/// The bytes from the server and how far they were understood.
#[derive(Debug)]
pub(super) struct Incoming {
    filter: TelnetFilter,
    buffer: Buffer,
    parser: ReplyParser,
    settings: Arc<Settings>,
    /// The last byte received was (part of) a Telnet sequence.
    ends_in_telnet: bool,
    /// Not all that was offered last could be taken.
    withheld: bool,
    last_data: Instant,
    /// Nothing followed a possible foreign end for as long as that takes.
    silent: bool,
    ended: bool,
    /// How many bytes of Telnet came since the last command was sent.
    telnet: usize,
    /// It is too much: nothing is taken any more.
    has_too_much: bool,
    /// How many bytes of blank lines were dropped since the last reply.
    blank: usize,
}

impl Incoming {
    pub(super) fn new(settings: Arc<Settings>, now: Instant) -> Self {
        Self {
            filter: TelnetFilter::new(),
            buffer: Buffer::new(),
            parser: ReplyParser::new(&settings.limits, &settings.lenience),
            settings,
            ends_in_telnet: false,
            withheld: false,
            last_data: now,
            silent: false,
            ended: false,
            telnet: 0,
            has_too_much: false,
            blank: 0,
        }
    }

    /// Stores what fits and returns how many bytes that was.
    pub(super) fn received(
        &mut self,
        now: Instant,
        bytes: &[u8],
        refusals: &mut Refusals,
    ) -> usize {
        if self.has_too_much {
            return bytes.len();
        }
        let limits = &self.settings.limits;
        let room = limits
            .reply_bytes
            .saturating_add(SLACK)
            .saturating_sub(self.buffer.len());
        let most = limits.filler_bytes;
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.withheld = taken.len() < bytes.len();
        let Some((last, front)) = taken.split_last() else {
            return 0;
        };
        // Where the limit is near, byte by byte: it is passed at a byte that the stream decides.
        let size = if self.telnet.saturating_add(taken.len()) > most {
            1
        } else {
            front.len().max(1)
        };
        for piece in front.chunks(size) {
            self.filter(now, piece, refusals);
            if self.telnet > most {
                self.stop();
                return bytes.len();
            }
        }
        // By itself, to know whether it is data.
        let end = self.buffer.end_position();
        self.filter(now, &[*last], refusals);
        self.ends_in_telnet = self.buffer.end_position() == end;
        if self.telnet > most {
            self.stop();
            return bytes.len();
        }
        taken.len()
    }

    fn filter(&mut self, now: Instant, bytes: &[u8], refusals: &mut Refusals) {
        let buffer = core::cell::RefCell::new(&mut self.buffer);
        let mut plain: usize = 0;
        self.filter.filter(
            bytes,
            |data| {
                buffer.borrow_mut().extend(data);
                // A doubled 0xFF is data, both of it.
                let escaped = usize::from(data == [0xFF]);
                plain = plain.saturating_add(data.len()).saturating_add(escaped);
            },
            |refusal| refusals.push(buffer.borrow().end_position(), refusal),
        );
        // An 0xFF counts before it is known what it is, and is given back then.
        self.telnet = self
            .telnet
            .saturating_add(bytes.len())
            .saturating_sub(plain);
        if plain > 0 {
            self.last_data = now;
            self.silent = false;
        }
    }

    /// Takes no more: there was too much that says nothing.
    fn stop(&mut self) {
        self.has_too_much = true;
        self.ends_in_telnet = true;
    }

    /// A command was handed to the transport.
    pub(super) fn command_sent(&mut self) {
        self.telnet = 0;
    }

    /// When data last came.
    pub(super) fn last_data(&self) -> Instant {
        self.last_data
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink();
    }

    /// Behind the last byte received.
    pub(super) fn end_position(&self) -> u64 {
        self.buffer.end_position()
    }

    /// Whether nothing at all has come since the last reply was consumed, Telnet included.
    pub(super) fn is_clean(&self) -> bool {
        self.buffer.is_empty() && !self.ends_in_telnet && !self.withheld
    }

    /// Whether the input ends within a reply.
    pub(super) fn is_mid_reply(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Looks for the next reply. Cheap when nothing was received since the last call.
    pub(super) fn next_reply(&mut self) -> Found<'_> {
        let bytes = self.buffer.unread();
        let found = match self.parser.parse(bytes) {
            Ok(Status::Complete(reply, length)) => Some((reply, length)),
            Ok(Status::Partial) => {
                let is_lenient = self.settings.lenience.foreign_end_after.is_some();
                let foreign_end = if self.silent || (self.ended && is_lenient) {
                    self.parser.foreign_end(bytes)
                } else {
                    None
                };
                match foreign_end {
                    None if self.ended => self.parser.cut_off_421(bytes),
                    found => found,
                }
            }
            Err(error) => {
                let at = self.deciding_byte(error, bytes) as u64;
                let at = self.buffer.position().saturating_add(at);
                return Found::Fault {
                    fault: fault(error, bytes),
                    at,
                };
            }
        };
        let most = self.settings.limits.filler_bytes;
        let Some((reply, length)) = found else {
            let blank = self.blank.saturating_add(self.parser.blank());
            return if self.has_too_much {
                Found::Fault {
                    fault: PeerFault::TooMuchFiller,
                    at: self.buffer.end_position(),
                }
            } else if blank > most {
                self.too_many_blank_lines()
            } else {
                Found::Nothing
            };
        };
        let before = length.saturating_sub(reply.raw().len());
        if self.blank.saturating_add(before) > most {
            return self.too_many_blank_lines();
        }
        let start = self.buffer.position().saturating_add(before as u64);
        Found::Reply {
            reply,
            start,
            length,
        }
    }

    fn too_many_blank_lines(&self) -> Found<'static> {
        let left = self.settings.limits.filler_bytes.saturating_sub(self.blank);
        Found::Fault {
            fault: PeerFault::TooMuchFiller,
            at: self.buffer.position().saturating_add(left as u64),
        }
    }

    /// The first byte with which the bytes up to there are at fault. The offending byte may stand
    /// a little before or behind it: an `SSH` is at fault from its first letter, but only what
    /// follows shows that it is not another protocol's greeting.
    fn deciding_byte(&self, error: ReplyError, bytes: &[u8]) -> usize {
        let is_at_fault = |last: &usize| {
            let upto = bytes.get(..=*last).unwrap_or(bytes);
            ReplyParser::new(&self.settings.limits, &self.settings.lenience)
                .parse(upto)
                .is_err()
        };
        (error.at.saturating_sub(1)..bytes.len())
            .find(is_at_fault)
            .unwrap_or(error.at)
    }

    /// To be called when there is no reply: drops blank lines, so that they cannot fill the
    /// buffer.
    pub(super) fn drop_blank_lines(&mut self) {
        let blank = self.parser.skip_blank();
        self.blank = self.blank.saturating_add(blank);
        self.buffer.consume(blank);
    }

    /// A reply was taken.
    pub(super) fn consume(&mut self, length: usize) {
        self.blank = 0;
        self.buffer.consume(length);
    }

    /// When a line with a foreign code will be taken as the end of the present reply.
    pub(super) fn foreign_end_deadline(&self) -> Option<Instant> {
        let after = self.settings.lenience.foreign_end_after?;
        if self.silent {
            return None;
        }
        self.parser
            .has_foreign_end(self.buffer.unread())
            .then(|| self.last_data + after)
    }

    /// That deadline has passed.
    pub(super) fn fell_silent(&mut self) {
        self.silent = true;
    }

    /// Forgets whatever was received: the transport below changes.
    pub(super) fn reset(&mut self) {
        self.filter = TelnetFilter::new();
        self.parser = ReplyParser::new(&self.settings.limits, &self.settings.lenience);
        self.buffer.clear();
        self.ends_in_telnet = false;
        self.withheld = false;
        self.silent = false;
        self.telnet = 0;
        self.has_too_much = false;
        self.blank = 0;
    }
}

fn fault(error: ReplyError, bytes: &[u8]) -> PeerFault {
    if let ReplyErrorKind::Foreign(protocol) = error.kind {
        return PeerFault::ForeignProtocol(protocol);
    }
    // One line too many is noticed at the line's end, all else at a byte inside the line.
    let last = match error.kind {
        ReplyErrorKind::TooManyLines => error.at.saturating_sub(1),
        _ => error.at,
    };
    let before = bytes.get(..last).unwrap_or(bytes);
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1));
    let line = bytes.get(start..=last).unwrap_or_default();
    let excerpt = line.get(..EXCERPT).unwrap_or(line).to_vec();
    PeerFault::Malformed {
        kind: error.kind,
        excerpt,
    }
}
