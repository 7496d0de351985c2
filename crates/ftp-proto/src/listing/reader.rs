//! From the bytes of a data connection to lines.

use alloc::vec::Vec;

use super::parser::{Line, Parser, Reason};
use crate::datetime::DateTime;

/// Cuts a stream of bytes into lines and gives them to a [`Parser`].
///
/// How the stream is cut into pieces never matters. A line ends with LF; CR in front of it, any
/// number, and NUL at either end of the line are left out. The last line needs no end. At most one
/// line is held, and of a line that is longer than the limit nothing.
#[derive(Debug, Clone)]
pub struct Reader {
    parser: Parser,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// Further entries on the line that was given out last.
    rest: Vec<u8>,
    /// What is in `held` is a whole line.
    is_line_held: bool,
    /// What is in `held` was given out, and has to go before the next line.
    is_done: bool,
    /// The line is too long: leave out what comes up to its end.
    is_skipping: bool,
}

impl Reader {
    /// For one listing; see [`Parser::new`].
    pub const fn new(now: DateTime) -> Self {
        Self::with_parser(Parser::new(now))
    }

    /// With a parser of one's own, as for another line limit.
    pub const fn with_parser(parser: Parser) -> Self {
        Self {
            parser,
            held: Vec::new(),
            rest: Vec::new(),
            is_line_held: false,
            is_done: false,
            is_skipping: false,
        }
    }

    /// Takes the next line from the front of `input`. `None` when no whole line is left in it; then
    /// `input` is empty, and its rest is kept.
    pub fn next<'a, 'input: 'a>(&'a mut self, input: &mut &'input [u8]) -> Option<Line<'a>> {
        self.forget_what_is_done();
        if self.is_line_held {
            return Some(self.held_line());
        }
        let Some(end) = memchr::memchr(b'\n', input) else {
            let rest = core::mem::take(input);
            self.hold(rest);
            return None;
        };
        let (piece, rest) = input.split_at_checked(end)?;
        *input = rest.get(1..)?;
        if !self.is_skipping && self.held.is_empty() && self.has_room_for(piece) {
            return Some(read(&mut self.parser, piece, &mut self.rest));
        }
        self.hold(piece);
        Some(self.held_line())
    }

    /// The stream has ended: gives what is left, line by line; `None` when that is nothing.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.forget_what_is_done();
        let is_nothing_left = self.held.is_empty() && !self.is_skipping;
        (!is_nothing_left).then(|| self.held_line())
    }

    /// The line that is held, which is whole now.
    fn held_line(&mut self) -> Line<'_> {
        if core::mem::take(&mut self.is_skipping) {
            return Line::Skipped(Reason::TooLong);
        }
        self.is_done = true;
        self.is_line_held = false;
        read(&mut self.parser, &self.held, &mut self.rest)
    }

    fn forget_what_is_done(&mut self) {
        if core::mem::take(&mut self.is_done) {
            self.held.clear();
        }
        if !self.rest.is_empty() {
            core::mem::swap(&mut self.held, &mut self.rest);
            self.is_line_held = true;
        }
    }

    /// Keeps a piece of a line, as long as the line is not too long.
    fn hold(&mut self, piece: &[u8]) {
        if self.is_skipping {
            return;
        }
        if self.has_room_for(piece) {
            self.held.extend_from_slice(piece);
        } else {
            self.is_skipping = true;
            self.held = Vec::new();
        }
    }

    /// What is left out at the ends of a line does not count against the limit, but must not let it
    /// grow without bound.
    fn has_room_for(&self, piece: &[u8]) -> bool {
        let limit = self.parser.line_limit().saturating_add(SLACK);
        self.held.len().saturating_add(piece.len()) <= limit
    }
}

/// Reads a line, and keeps what it leaves.
fn read<'a>(parser: &'a mut Parser, line: &'a [u8], rest: &mut Vec<u8>) -> Line<'a> {
    let read = parser.line(line);
    if let Line::Entry(entry) = read {
        rest.extend_from_slice(entry.rest);
    }
    read
}

/// Room for CR and NUL around a line of the greatest length.
const SLACK: usize = 64;
