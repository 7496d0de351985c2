//! Splits the bytes of a data connection into lines.

use alloc::vec::Vec;

use super::parser::{Line, Parser, Reason};
use crate::datetime::DateTime;

/// Splits a stream of bytes into lines and passes them to a [`Parser`].
///
/// The pieces of the stream may have any size. A line ends with LF. Any number of CR before it, and
/// NUL at either end of the line, are ignored. The last line needs no end. At most one line is kept
/// in memory, and nothing of a line that is too long.
#[derive(Debug, Clone)]
pub struct Reader {
    parser: Parser,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// Further entries on the line that was returned last.
    rest: Vec<u8>,
    /// `held` is a complete line.
    is_line_held: bool,
    /// `held` was returned, and must be dropped before the next line.
    is_done: bool,
    /// The line is too long: its rest is skipped.
    is_skipping: bool,
}

impl Reader {
    /// A reader for one listing; see [`Parser::new`].
    pub const fn new(now: DateTime) -> Self {
        Self::with_parser(Parser::new(now))
    }

    /// A reader with this parser, for example with another line limit.
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

    /// Removes the next line from the front of `input`. `None` if there is no complete line; then
    /// `input` is empty, and the reader keeps the rest.
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

    /// Call this after the end of the stream: returns the remaining lines, then `None`.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.forget_what_is_done();
        let is_nothing_left = self.held.is_empty() && !self.is_skipping;
        (!is_nothing_left).then(|| self.held_line())
    }

    /// The held line, which is complete.
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

    /// Keeps a piece of a line, unless the line is too long.
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

    /// Ignored bytes at the ends of a line do not count for the limit, but are bounded.
    fn has_room_for(&self, piece: &[u8]) -> bool {
        let limit = self.parser.line_limit().saturating_add(SLACK);
        self.held.len().saturating_add(piece.len()) <= limit
    }
}

/// Parses a line, and keeps its further entries.
fn read<'a>(parser: &'a mut Parser, line: &'a [u8], rest: &mut Vec<u8>) -> Line<'a> {
    let read = parser.line(line);
    if let Line::Entry(entry) = read {
        rest.extend_from_slice(entry.rest);
    }
    read
}

/// Room for CR and NUL around the longest line.
const SLACK: usize = 64;
