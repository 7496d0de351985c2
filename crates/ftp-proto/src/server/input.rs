//! What has arrived and was not looked at yet: Telnet is taken out, commands are found.

use alloc::collections::VecDeque;
use core::cell::Cell;

use super::Config;
use crate::buffer::Buffer;
use crate::wire::TelnetFilter;
use crate::wire::foreign::{self, Signature};
use crate::wire::{CommandErrorKind, CommandParser, CommandRef, ForeignProtocol, Status};

/// How many Telnet options are refused on one connection. A real client asks for a handful; the
/// rest is removed without an answer.
const MOST_REFUSALS: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Input {
    buffer: Buffer,
    /// Most bytes that are kept. More than a whole line, so that an over-long one can be told.
    capacity: usize,
    filter: TelnetFilter,
    parser: CommandParser,
    /// Refusals of Telnet options, and the position in the stream that each is due at.
    refusals: VecDeque<(u64, [u8; 3])>,
    refused: usize,
    /// The last byte that arrived was plain data, not part of a Telnet sequence.
    ends_in_data: bool,
    /// Not all that was offered last could be taken.
    withheld: bool,
    /// No line has come on this transport yet, blank ones aside: another protocol can be told by
    /// its first bytes.
    fresh: bool,
    /// A bare LF ends a line.
    bare_lf: bool,
}

/// What stands at the front of the input.
pub(super) enum Next<'b> {
    /// A command.
    Command {
        command: CommandRef<'b>,
        /// To be consumed.
        length: usize,
        /// Something arrived behind it, be it a lone line end or a Telnet command.
        followed: bool,
    },
    /// A line that is none, of which so much is to be consumed.
    Bad {
        kind: CommandErrorKind,
        length: usize,
    },
    /// Another protocol.
    Foreign(ForeignProtocol),
    /// Nothing whole, only so much to be consumed that belongs to no command.
    Nothing { length: usize },
}

impl Input {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        let line = limits.command_line.max(limits.command_line_before_login);
        Self {
            buffer: Buffer::new(),
            capacity: limits.backlog.max(line.saturating_add(4)),
            filter: TelnetFilter::new(),
            parser: CommandParser::new(limits.command_line_before_login, &config.lenience),
            refusals: VecDeque::new(),
            refused: 0,
            ends_in_data: true,
            withheld: false,
            fresh: true,
            bare_lf: config.lenience.bare_lf,
        }
    }

    /// Other protocols are no longer looked for.
    pub(super) fn expect_no_foreign_protocol(&mut self) {
        self.fresh = false;
    }

    pub(super) fn set_line_limit(&mut self, limit: usize) {
        self.parser.set_line_limit(limit);
    }

    /// Forgets what was not looked at, wiping it.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.refusals.clear();
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink();
        self.refusals.shrink_to_fit();
    }

    pub(super) fn consume(&mut self, length: usize) {
        self.buffer.consume(length);
    }

    /// Takes as many bytes as there is room for.
    pub(super) fn store(&mut self, offered: &[u8]) -> usize {
        let room = self.capacity.saturating_sub(self.buffer.len());
        let (taken, rest) = offered.split_at_checked(room).unwrap_or((offered, &[]));
        self.withheld = !rest.is_empty();
        // The last byte goes alone, to learn whether it was data.
        if let Some((last, front)) = taken.split_last() {
            self.filter(front);
            self.ends_in_data = self.filter(core::slice::from_ref(last));
        }
        taken.len()
    }

    /// Takes Telnet out of `bytes` and keeps the rest; whether there was a rest.
    fn filter(&mut self, bytes: &[u8]) -> bool {
        let Self {
            buffer,
            filter,
            refusals,
            refused,
            ..
        } = self;
        let start = buffer.end_position();
        let end = Cell::new(start);
        filter.filter(
            bytes,
            |data| {
                buffer.extend(data);
                end.set(buffer.end_position());
            },
            |refusal| {
                if *refused < MOST_REFUSALS {
                    *refused = refused.saturating_add(1);
                    refusals.push_back((end.get(), refusal));
                }
            },
        );
        end.get() > start
    }

    /// Looks for the next command. The refusals of options that were asked for before its end are
    /// handed to `refuse` first, so that their place among the replies does not depend on how the
    /// bytes arrived.
    pub(super) fn next(&mut self, mut refuse: impl FnMut(&[u8])) -> Next<'_> {
        let unread = self.buffer.unread();
        let blank = blank_lines(unread, self.bare_lf);
        let start = unread
            .get(blank..)
            .filter(|_| self.fresh)
            .unwrap_or_default();
        // With one byte more than a line may have it is too long, whatever it goes on to say.
        let most = self.parser.line_limit().saturating_add(1);
        let start = start.get(..most).unwrap_or(start);
        if let Some((protocol, length)) = foreign_start(start) {
            let length = blank.saturating_add(length);
            let end = self.buffer.position().saturating_add(length as u64);
            refuse_before(end, &mut self.refusals, refuse);
            return Next::Foreign(protocol);
        }
        let Self {
            buffer,
            parser,
            refusals,
            ..
        } = self;
        let position = buffer.position();
        let next = match parser.parse(buffer.unread()) {
            Ok(Status::Complete(command, length)) => Next::Command {
                command,
                length,
                followed: length < buffer.len()
                    || self.withheld
                    || !self.ends_in_data
                    || self.filter.is_inside_sequence(),
            },
            Err(error) => {
                let decided = position.saturating_add(parser.decided_by() as u64);
                refuse_before(decided, refusals, &mut refuse);
                self.fresh = false;
                return Next::Bad {
                    kind: error.kind,
                    length: error.length,
                };
            }
            Ok(Status::Partial) => {
                refuse_before(u64::MAX, refusals, refuse);
                return Next::Nothing {
                    length: parser.skip_blank(),
                };
            }
        };
        if let Next::Command { length, .. } = &next {
            refuse_before(position.saturating_add(*length as u64), refusals, refuse);
        }
        self.fresh = false;
        next
    }
}

/// Hands out the refusals that are due before this position.
fn refuse_before(end: u64, refusals: &mut VecDeque<(u64, [u8; 3])>, mut refuse: impl FnMut(&[u8])) {
    while let Some((position, refusal)) = refusals.front() {
        if *position >= end {
            return;
        }
        refuse(refusal);
        refusals.pop_front();
    }
}

/// How many bytes at the front are whole blank lines. Whether these were dropped already must not
/// matter.
fn blank_lines(bytes: &[u8], bare_lf: bool) -> usize {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [b'\n', rest @ ..] if bare_lf => rest,
            _ => return bytes.len().saturating_sub(rest.len()),
        };
    }
}

/// The protocol that the first bytes belong to, if it is not FTP, and how many of them say so.
fn foreign_start(start: &[u8]) -> Option<(ForeignProtocol, usize)> {
    let Signature::Is(protocol) = foreign::of_client(start) else {
        return None;
    };
    let is_enough = |length: &usize| {
        let prefix = start.get(..*length).unwrap_or_default();
        matches!(foreign::of_client(prefix), Signature::Is(_))
    };
    Some((
        protocol,
        (1..start.len()).find(is_enough).unwrap_or(start.len()),
    ))
}
