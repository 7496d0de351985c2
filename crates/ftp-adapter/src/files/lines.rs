//! Items from the bytes of a listing.

use std::mem::take;

use ftp_proto::DateTime;
use ftp_proto::listing::{DEFAULT_LINE_LIMIT, Kind, Line, OwnedEntry, Reader, Reason};

/// Makes items of the bytes of a listing. How these are cut never matters; an item comes only of a whole
/// line.
pub trait ListingReader {
    /// What the listing is made of.
    type Item;

    /// Takes the next item from the front of `input`. `None`: there is no whole one left, and `input` is
    /// empty.
    fn next(&mut self, input: &mut &[u8]) -> Option<Self::Item>;

    /// The listing has ended, and is whole: gives what is left, one after the other.
    fn finish(&mut self) -> Option<Self::Item>;

    /// How many lines were neither items nor what servers put around them: blank lines, sums, headers.
    fn skipped(&self) -> u64;

    /// Whether the last line so far has no end: it may be half of one.
    fn is_unfinished(&self) -> bool;
}

/// Reads `LIST` and `MLSD`. The entries for the directory itself and for the one above it are left out.
#[derive(Debug)]
pub struct EntryReader {
    reader: Reader,
    skipped: u64,
    is_unfinished: bool,
}

impl EntryReader {
    /// `now` tells the year of times without one.
    pub fn new(now: DateTime) -> Self {
        Self {
            reader: Reader::new(now),
            skipped: 0,
            is_unfinished: false,
        }
    }
}

/// Whether a line is an item.
fn sort(line: Line<'_>, skipped: &mut u64) -> Option<OwnedEntry> {
    match line {
        Line::Entry(entry) => match entry.kind {
            Kind::CurrentDirectory | Kind::ParentDirectory => None,
            _ => Some(entry.to_owned_entry()),
        },
        Line::Skipped(Reason::Message | Reason::TooLong | Reason::Unrecognized) => {
            *skipped = skipped.saturating_add(1);
            None
        }
        _ => None,
    }
}

impl ListingReader for EntryReader {
    type Item = OwnedEntry;

    fn next(&mut self, input: &mut &[u8]) -> Option<OwnedEntry> {
        if let Some(last) = input.last() {
            self.is_unfinished = *last != b'\n';
        }
        loop {
            let line = self.reader.next(input)?;
            if let Some(entry) = sort(line, &mut self.skipped) {
                return Some(entry);
            }
        }
    }

    fn finish(&mut self) -> Option<OwnedEntry> {
        loop {
            let line = self.reader.finish()?;
            if let Some(entry) = sort(line, &mut self.skipped) {
                return Some(entry);
            }
        }
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }

    fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }
}

/// Reads `NLST`: a name on each line, as the server wrote it, with CR and NUL left out at its end. `.` and
/// `..` are left out, and names longer than [`DEFAULT_LINE_LIMIT`].
#[derive(Debug, Default)]
pub struct NameReader {
    held: Vec<u8>,
    /// The name is too long: leave out what comes up to its end.
    is_skipping: bool,
    skipped: u64,
    is_unfinished: bool,
}

impl NameReader {
    fn hold(&mut self, piece: &[u8]) {
        if self.is_skipping || self.held.len().saturating_add(piece.len()) > DEFAULT_LINE_LIMIT {
            self.is_skipping = true;
            self.held.clear();
        } else {
            self.held.extend_from_slice(piece);
        }
    }

    /// The line is whole.
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = take(&mut self.held);
        if take(&mut self.is_skipping) {
            self.skipped = self.skipped.saturating_add(1);
            return None;
        }
        while let Some(b'\r' | 0) = name.last() {
            name.pop();
        }
        Some(name).filter(|name| !matches!(name.as_slice(), b"" | b"." | b".."))
    }
}

impl ListingReader for NameReader {
    type Item = Vec<u8>;

    fn next(&mut self, input: &mut &[u8]) -> Option<Vec<u8>> {
        if let Some(last) = input.last() {
            self.is_unfinished = *last != b'\n';
        }
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            self.hold(&input[..end]);
            *input = &input[end + 1..];
            if let Some(name) = self.name() {
                return Some(name);
            }
        }
        self.hold(take(input));
        None
    }

    fn finish(&mut self) -> Option<Vec<u8>> {
        self.name()
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }

    fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }
}
