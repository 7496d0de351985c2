//! The parser: tries formats on a line until one fits.

use alloc::vec::Vec;

use super::clock::Order;
use super::entry::Entry;
use super::format::{Format, Reading};
use super::{Context, Header, noise, vms};
use crate::datetime::DateTime;

/// The default of [`Parser::with_line_limit`], in bytes without the line's end: far more than the
/// longest path of any system, with facts.
pub const DEFAULT_LINE_LIMIT: usize = 16 * 1024;

/// The longest first half of an entry: longer than any name of VMS.
const LONGEST_FIRST_HALF: usize = 1024;

/// After how many entries of one format it is tried first.
const ENOUGH: u8 = 3;

/// The contents of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line<'a> {
    /// An entry.
    Entry(Entry<'a>),
    /// Not an entry.
    Skipped(Reason),
    /// The first half of an entry over two lines. It is lost if the second half does not follow.
    Continued,
}

/// Why a line is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// An empty line.
    Blank,
    /// The sum of blocks before `ls -l`.
    Total,
    /// Names of columns, a ruler, or the name of the directory.
    Header,
    /// Sums after the entries, or a reply of the server.
    Trailer,
    /// A message, usually an error.
    Message,
    /// The rest of the entry before it.
    Continuation,
    /// The line is longer than the limit.
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

/// Parses the lines of one listing in order. The [module](super) lists the formats.
///
/// The format is guessed for each line. After three entries of one format, that format is tried
/// first. The others are still tried, since some listings mix formats.
#[derive(Debug, Clone)]
pub struct Parser {
    context: Context,
    line_limit: usize,
    guess: Option<Format>,
    /// How many more entries had the guessed format than others.
    votes: u8,
    /// The first half of an entry, and later both halves.
    halves: Vec<u8>,
    has_first_half: bool,
    /// A name that was in two columns of the line.
    joined: Vec<u8>,
}

impl Parser {
    /// A parser for one listing that was received at `now`. A date without a year gets the latest
    /// year in which it exists and is at most a day after `now`. UTC is good enough for `now`.
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

    /// Sets the longest line that is parsed, in bytes without its end.
    #[must_use]
    pub const fn with_line_limit(mut self, limit: usize) -> Self {
        self.line_limit = limit;
        self
    }

    /// The longest line that is parsed.
    pub const fn line_limit(&self) -> usize {
        self.line_limit
    }

    /// Parses a line, given without its end. CR and NUL at either end are ignored.
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
            && let Some(mut reading) = format.read(line, &mut self.context)
            && reading.has_name()
        {
            self.vote(format);
            self.finish(&mut reading, line);
            return Line::Entry(reading.entry);
        }
        if let Some((format, mut reading)) = Format::guess(line, &mut self.context) {
            self.vote(format);
            self.finish(&mut reading, line);
            return Line::Entry(reading.entry);
        }
        self.no_entry(line)
    }

    /// Each entry is a vote for its format. A format with three more votes than all others is kept.
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

    /// Adds the raw line, and joins a name from two columns.
    #[inline]
    fn finish<'a>(&'a mut self, reading: &mut Reading<'a>, line: &'a [u8]) {
        let entry = &mut reading.entry;
        entry.raw = line;
        if !entry.rest.is_empty() {
            entry.raw = line.strip_suffix(entry.rest).unwrap_or(line);
        }
        if !reading.extension.is_empty() {
            self.joined.clear();
            self.joined.extend_from_slice(entry.name);
            self.joined.push(b'.');
            self.joined.extend_from_slice(reading.extension);
            entry.name = &self.joined;
        }
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

/// Removes the rest of the line's end.
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
