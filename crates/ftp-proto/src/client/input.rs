//! What the server has sent: replies are found in it, never more kept than the limits allow.

use alloc::sync::Arc;

use super::PeerFault;
use super::config::Settings;
use crate::Instant;
use crate::wire::telnet_input::{Refusals, TelnetInput};
use crate::wire::{ReplyError, ReplyErrorKind, ReplyParser, ReplyRef, Status};

/// Room beyond the longest reply: its end and blank lines before it.
const SLACK: usize = 16;
/// Most bytes of a malformed line that are shown.
const EXCERPT: usize = 80;

/// What is at the front of the input.
pub(super) enum Found<'b> {
    Reply {
        reply: ReplyRef<'b>,
        /// The position of its first byte in the stream.
        start: u64,
        /// To be consumed.
        length: usize,
        /// Those of options that were asked for before its end are due.
        refusals: &'b mut Refusals,
    },
    Nothing,
    Fault {
        fault: PeerFault,
        /// The position in the stream of the byte that decided it.
        at: u64,
    },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Input {
    telnet: TelnetInput,
    parser: ReplyParser,
    settings: Arc<Settings>,
    last_data: Instant,
    /// Nothing followed a possible foreign end for as long as that takes.
    silent: bool,
    ended: bool,
    /// How many bytes of blank lines were dropped since the last reply.
    blank: usize,
}

impl Input {
    pub(super) fn new(settings: Arc<Settings>, now: Instant) -> Self {
        let limits = &settings.limits;
        let capacity = limits.reply_bytes.saturating_add(SLACK);
        Self {
            telnet: TelnetInput::new(capacity, limits.filler_bytes),
            parser: ReplyParser::new(limits, &settings.lenience),
            settings,
            last_data: now,
            silent: false,
            ended: false,
            blank: 0,
        }
    }

    /// Stores what fits and returns how many bytes that was.
    pub(super) fn store(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let end = self.telnet.end_position();
        let taken = self.telnet.store(bytes);
        if self.telnet.end_position() > end {
            self.last_data = now;
            self.silent = false;
        }
        taken
    }

    /// A command was handed to the transport.
    pub(super) fn command_sent(&mut self) {
        self.telnet.restart_telnet_count();
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
        self.telnet.shrink();
    }

    /// Behind the last byte received.
    pub(super) fn end_position(&self) -> u64 {
        self.telnet.end_position()
    }

    /// Whether nothing at all has come since the last reply was consumed, Telnet included.
    pub(super) fn is_clean(&self) -> bool {
        !self.telnet.is_followed(0)
    }

    /// Whether nothing is there to be looked at, and the input has not ended.
    pub(super) fn is_quiet(&self) -> bool {
        !self.ended && self.telnet.is_quiet()
    }

    /// Whether the input ends within a reply.
    pub(super) fn is_mid_reply(&self) -> bool {
        !self.telnet.unread().is_empty()
    }

    /// Sends the refusals of options that were asked for before this position.
    pub(super) fn refuse_before(&mut self, end: u64, send: impl FnMut(&[u8])) {
        self.telnet.parts().1.send_before(end, send);
    }

    /// Drops all refusals, and counts them from the start.
    pub(super) fn drop_refusals(&mut self) {
        self.telnet.drop_refusals();
    }

    /// Looks for the next reply. Cheap when nothing was received since the last call.
    pub(super) fn next_reply(&mut self) -> Found<'_> {
        let (position, end) = (self.telnet.position(), self.telnet.end_position());
        let has_too_much = self.telnet.has_too_much();
        let most_blank = self.settings.limits.filler_bytes;
        let blank_left = most_blank.saturating_sub(self.blank);
        let too_many_blank_lines = Found::Fault {
            fault: PeerFault::TooMuchFiller,
            at: position.saturating_add(blank_left as u64),
        };
        let (bytes, refusals) = self.telnet.parts();
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
                let at = deciding_byte(&self.settings, error, bytes) as u64;
                return Found::Fault {
                    fault: fault(error, bytes),
                    at: position.saturating_add(at),
                };
            }
        };
        let Some((reply, length)) = found else {
            let blank = self.blank.saturating_add(self.parser.blank());
            return if has_too_much {
                Found::Fault {
                    fault: PeerFault::TooMuchFiller,
                    at: end,
                }
            } else if blank > most_blank {
                too_many_blank_lines
            } else {
                Found::Nothing
            };
        };
        let before = length.saturating_sub(reply.raw().len());
        if self.blank.saturating_add(before) > most_blank {
            return too_many_blank_lines;
        }
        Found::Reply {
            reply,
            start: position.saturating_add(before as u64),
            length,
            refusals,
        }
    }

    /// To be called when there is no reply: drops blank lines, so that they cannot fill the
    /// buffer.
    pub(super) fn drop_blank_lines(&mut self) {
        let blank = self.parser.skip_blank();
        self.blank = self.blank.saturating_add(blank);
        self.telnet.consume(blank);
    }

    /// A reply was taken.
    pub(super) fn consume(&mut self, length: usize) {
        self.blank = 0;
        self.telnet.consume(length);
    }

    /// When a line with a foreign code will be taken as the end of the present reply.
    pub(super) fn foreign_end_deadline(&self) -> Option<Instant> {
        let after = self.settings.lenience.foreign_end_after?;
        if self.silent {
            return None;
        }
        self.parser
            .has_foreign_end(self.telnet.unread())
            .then(|| self.last_data + after)
    }

    /// That deadline has passed.
    pub(super) fn fell_silent(&mut self) {
        self.silent = true;
    }

    /// Forgets whatever was received: the transport below changes.
    pub(super) fn reset(&mut self) {
        self.telnet.reset();
        self.parser = ReplyParser::new(&self.settings.limits, &self.settings.lenience);
        self.silent = false;
        self.blank = 0;
    }
}

/// The first byte with which the bytes up to there are at fault. The offending byte may stand
/// a little before or behind it: an `SSH` is at fault from its first letter, but only what
/// follows shows that it is not another protocol's greeting.
fn deciding_byte(settings: &Settings, error: ReplyError, bytes: &[u8]) -> usize {
    let is_at_fault = |last: &usize| {
        let upto = bytes.get(..=*last).unwrap_or(bytes);
        ReplyParser::new(&settings.limits, &settings.lenience)
            .parse(upto)
            .is_err()
    };
    (error.at.saturating_sub(1)..bytes.len())
        .find(is_at_fault)
        .unwrap_or(error.at)
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
