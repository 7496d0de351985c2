//! The parser: tries formats on a line until one fits.

use alloc::vec::Vec;

use super::clock::Order;
use super::entry::Entry;
use super::format::{Format, Reading};
use super::{Context, Header, noise, vms};
use crate::datetime::DateTime;

/// The longest line, in bytes without its end, unless [`Parser::with_line_limit`] says otherwise: far
/// more than the longest path of any system, with facts.
pub const DEFAULT_LINE_LIMIT: usize = 16 * 1024;

/// A first half of an entry that is longer is no name of VMS.
const LONGEST_FIRST_HALF: usize = 1024;

/// How many entries of one format settle it.
const ENOUGH: u8 = 3;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line<'a> {
    /// An entry.
    Entry(Entry<'a>),
    /// No entry.
    Skipped(Reason),
    /// The first half of an entry over two lines. It is lost if the second does not follow.
    Continued,
}

/// Why a line is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is nothing in it.
    Blank,
    /// The sum of blocks in front of `ls -l`.
    Total,
    /// Names of columns, a ruler, or the name of the directory.
    Header,
    /// Sums behind the entries, or a reply of the server.
    Trailer,
    /// A message, mostly an error.
    Message,
    /// What is left of the entry in front of it.
    Continuation,
    /// It is longer than the line limit.
    TooLong,
    /// No known format.
    Unrecognized,
}

impl Reason {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Total => "total",
            Self::Header => "header",
            Self::Trailer => "trailer",
            Self::Message => "message",
            Self::Continuation => "continuation",
            Self::TooLong => "too long",
            Self::Unrecognized => "unrecognized",
        }
    }
}

/// Reads the lines of one listing, one after another. See the [module](super) for the formats.
///
/// The format is guessed for each line. Once three entries agree, their format is tried first; a line
/// that it cannot read is still tried with the others, since there are listings that mix them.
#[derive(Debug, Clone)]
pub struct Parser {
    context: Context,
    line_limit: usize,
    guess: Option<Format>,
    /// How far the entries agree with the guess.
    votes: u8,
    /// The first half of an entry, and then all of it.
    halves: Vec<u8>,
    has_first_half: bool,
    /// A name that is in two columns of the line.
    joined: Vec<u8>,
}

impl Parser {
    /// For one listing, received at this time. Dates without a year are in the latest year in which
    /// they exist and are not later than a day from now. The time zone of `now` matters little: UTC
    /// will do.
    pub const fn new(now: DateTime) -> Self {
        Self {
            context: Context {
                limit: now.plus_seconds(86_400),
                order: Order::MonthDay,
                header: Header::None,
            },
            line_limit: DEFAULT_LINE_LIMIT,
            guess: None,
            votes: 0,
            halves: Vec::new(),
            has_first_half: false,
            joined: Vec::new(),
        }
    }

    /// Sets the longest line that is looked at, in bytes without its end.
    #[must_use]
    pub const fn with_line_limit(mut self, limit: usize) -> Self {
        self.line_limit = limit;
        self
    }

    /// The longest line that is looked at.
    pub const fn line_limit(&self) -> usize {
        self.line_limit
    }

    /// Reads a line, given without its end. CR and NUL at either end are left out.
    pub fn line<'a>(&'a mut self, line: &'a [u8]) -> Line<'a> {
        let line = strip(line);
        if line.len() > self.line_limit {
            self.has_first_half = false;
            return Line::Skipped(Reason::TooLong);
        }
        if core::mem::take(&mut self.has_first_half) && vms::is_second_half(line) {
            return self.second_half(line);
        }
        let settled = self.guess.filter(|_| self.votes >= ENOUGH);
        if let Some(format) = settled
            && let Some(reading) = format.read(line, &mut self.context)
            && reading.has_name()
        {
            self.vote(format);
            return Line::Entry(self.finished(reading, line));
        }
        if let Some((format, reading)) = Format::guess(line, &mut self.context) {
            self.vote(format);
            return Line::Entry(self.finished(reading, line));
        }
        self.no_entry(line)
    }

    /// Each entry is a vote for its format; three more than all others make a guess hold.
    fn vote(&mut self, format: Format) {
        if self.guess == Some(format) {
            self.votes = self.votes.saturating_add(1).min(ENOUGH.saturating_mul(2));
        } else if self.votes <= 1 {
            self.guess = Some(format);
            self.votes = 1;
        } else {
            self.votes = self.votes.saturating_sub(1);
        }
    }

    /// Adds what no format knows: the raw line, and a name that is in two columns.
    #[inline]
    fn finished<'a>(&'a mut self, reading: Reading<'a>, line: &'a [u8]) -> Entry<'a> {
        let mut entry = reading.entry;
        entry.raw = line;
        if !reading.rest.is_empty() {
            entry.raw = line.strip_suffix(reading.rest).unwrap_or(line);
            entry.rest = reading.rest;
        }
        if !reading.extension.is_empty() {
            self.joined.clear();
            self.joined.extend_from_slice(entry.name);
            self.joined.push(b'.');
            self.joined.extend_from_slice(reading.extension);
            entry.name = &self.joined;
        }
        entry
    }

    fn no_entry(&mut self, line: &[u8]) -> Line<'_> {
        let is_vms = self.guess == Some(Format::Vms) || self.context.header == Header::Vms;
        if line.len() <= LONGEST_FIRST_HALF && vms::is_first_half(line, is_vms) {
            self.halves.clear();
            self.halves.extend_from_slice(line);
            self.has_first_half = true;
            return Line::Continued;
        }
        if is_vms && vms::is_protection_alone(line) {
            return Line::Skipped(Reason::Continuation);
        }
        Line::Skipped(noise::classify(line, &mut self.context))
    }

    fn second_half(&mut self, line: &[u8]) -> Line<'_> {
        self.halves.push(b'\n');
        self.halves.extend_from_slice(line);
        self.vote(Format::Vms);
        match vms::parse_two_lines(&self.halves) {
            Some(mut entry) if !entry.name.is_empty() => {
                entry.raw = &self.halves;
                Line::Entry(entry)
            }
            _ => Line::Skipped(Reason::Unrecognized),
        }
    }
}

/// Takes off what is left of the end of the line.
#[inline]
fn strip(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n' | 0] = line {
        line = rest;
    }
    while let [0, rest @ ..] = line {
        line = rest;
    }
    line
}
