//! Finding replies in a stream (RFC 959 §4.2).

use super::reply::{ReplyRef, code_at};
use super::reply_error::{ReplyError, ReplyErrorKind, begins_reply};
use super::{Code, Status, scan};
use crate::{Lenience, Limits};

/// Finds replies in bytes that the caller keeps.
///
/// Call [`parse`](Self::parse) with all unconsumed bytes; after [`Status::Partial`] call it again
/// with the same bytes and more after them. The parser remembers how far it searched, so the work
/// is linear however the bytes arrive. After a complete reply it is ready for the next.
///
/// ```
/// use ftp_proto::wire::{Code, ReplyParser, Status};
///
/// let mut parser = ReplyParser::default();
/// let mut bytes = b"220-Welcome\r\n220 Rea".to_vec();
/// assert_eq!(parser.parse(&bytes), Ok(Status::Partial));
/// bytes.extend_from_slice(b"dy\r\n331 ...");
/// let Ok(Status::Complete(reply, length)) = parser.parse(&bytes) else { panic!() };
/// assert_eq!(reply.code(), Code::READY);
/// assert_eq!(reply.lines().collect::<Vec<_>>(), [b"Welcome".as_slice(), b"Ready"]);
/// assert_eq!(&bytes[length..], b"331 ...");
/// ```
#[derive(Debug, Clone)]
pub struct ReplyParser {
    line_limit: usize,
    lines_limit: usize,
    bytes_limit: usize,
    bare_lf: bool,
    progress: Progress,
    failure: Option<ReplyError>,
}

/// The progress in the current reply, as offsets in the caller's bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Where the reply starts, after blank lines.
    start: usize,
    /// Where the unfinished line starts.
    line: usize,
    /// Where the line before it starts.
    previous_line: usize,
    /// Up to here there is no end of line.
    searched: usize,
    /// How many lines are complete.
    lines: usize,
    /// The code, once the reply has begun.
    open: Option<Code>,
}

/// The lines of a reply that were not read yet.
struct UnreadLines<'b> {
    /// The bytes from the start of the next line, up to the longest allowed end of the reply.
    rest: &'b [u8],
    /// Up to here in `rest` there is no end of line.
    searched: usize,
    /// How many more lines the reply may have.
    left: usize,
    /// The length of the line before.
    previous: usize,
}

impl Default for ReplyParser {
    #[inline]
    fn default() -> Self {
        Self::new(&Limits::default(), &Lenience::default())
    }
}

impl ReplyParser {
    /// A parser with these limits. [`Lenience::foreign_end_after`] is up to the caller, who has the
    /// clock: see [`foreign_end`](Self::foreign_end).
    #[inline]
    pub fn new(limits: &Limits, lenience: &Lenience) -> Self {
        Self {
            line_limit: limits.reply_line,
            lines_limit: limits.reply_lines.max(1),
            bytes_limit: limits.reply_bytes,
            bare_lf: lenience.bare_lf,
            progress: Progress::default(),
            failure: None,
        }
    }

    /// Looks for a reply at the start of `bytes`.
    ///
    /// # Errors
    /// [`ReplyError`] as soon as the bytes cannot become a reply within the limits. The byte is the
    /// same however they were split. The rest of the stream cannot be parsed: the parser returns
    /// the same error from then on.
    pub fn parse<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if self.progress.searched == 0
            && self.failure.is_none()
            && let Some(reply) = self.whole_reply(bytes)
        {
            return Ok(Status::Complete(reply, reply.raw.len()));
        }
        self.find(bytes)
    }

    /// The fast path for a complete, regular reply. It does not change the progress. `None` leaves
    /// everything to the slow path.
    #[inline]
    fn whole_reply<'b>(&self, bytes: &'b [u8]) -> Option<ReplyRef<'b>> {
        let code = code_at(bytes)?;
        let multiline = bytes.get(3) == Some(&b'-');
        let raw = if multiline {
            let mut lines = UnreadLines {
                rest: bytes.get(..self.bytes_limit).unwrap_or(bytes),
                searched: 0,
                left: self.lines_limit,
                previous: 0,
            };
            let all = lines.rest.len();
            let (last, true) = self.take_inner_lines(&mut lines, code_digits(bytes))? else {
                return None;
            };
            let before = all.wrapping_sub(lines.rest.len());
            bytes.get(..before.wrapping_add(last.len()))?
        } else {
            let line = bytes.get(..scan::line_feed(bytes)?.wrapping_add(1))?;
            let fits = self.keeps_limits(line) && line.len() <= self.bytes_limit;
            (fits && line.get(3) == Some(&b' ')).then_some(line)?
        };
        Some(ReplyRef {
            raw,
            code,
            multiline,
            irregular: false,
        })
    }

    /// Reads lines that are within the limits and do not end the reply. Returns the first complete
    /// line for which this is not so, and whether it is the last line and within the limits.
    ///
    /// Long replies spend their time in this loop: it has one search and a few comparisons for each
    /// line.
    #[inline]
    fn take_inner_lines<'b>(
        &self,
        lines: &mut UnreadLines<'b>,
        digits: [u8; 3],
    ) -> Option<(&'b [u8], bool)> {
        loop {
            let newline = memchr::memchr(b'\n', lines.rest.get(lines.searched..)?)?;
            let length = lines.searched.wrapping_add(newline).wrapping_add(1);
            let (line, rest) = lines.rest.split_at_checked(length)?;
            if !self.keeps_limits(line) {
                return Some((line, false));
            }
            // Almost every inner line fails the first comparison.
            let ends = line.get(3).is_some_and(|byte| *byte <= b' ')
                && line.starts_with(&digits)
                && ends_multiline(line);
            if ends || lines.left <= 1 {
                return Some((line, ends));
            }
            *lines = UnreadLines {
                rest,
                searched: 0,
                left: lines.left.wrapping_sub(1),
                previous: length,
            };
        }
    }

    /// Whether a complete line is within the limits for lines, and has a valid end.
    #[inline]
    fn keeps_limits(&self, line: &[u8]) -> bool {
        line.len() <= self.line_limit && (self.bare_lf || line.ends_with(b"\r\n"))
    }

    #[inline(never)]
    fn find<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let found = self.take_lines(bytes);
        self.failure = found.err();
        match found? {
            true => Ok(self.complete(bytes, false).unwrap_or(Status::Partial)),
            false => Ok(Status::Partial),
        }
    }

    /// Reads the complete lines. Returns whether the last one read ends the reply.
    #[inline]
    fn take_lines(&mut self, bytes: &[u8]) -> Result<bool, ReplyError> {
        if self.progress.open.is_none() {
            self.skip_blank_lines(bytes);
            self.progress.open = begins_reply(bytes, self.progress.start)?;
            if self.progress.open.is_none() {
                // A few bytes at most: no limit applies before their meaning is known.
                return Ok(false);
            }
        }
        let digits = code_digits(bytes.get(self.progress.start..).unwrap_or_default());
        while let Some(end) = self.next_line(bytes, digits) {
            if self.take_line(bytes, end, digits)? {
                return Ok(true);
            }
        }
        self.check_limits(bytes, bytes.len())?;
        Ok(false)
    }

    /// Skips ordinary inner lines. Returns the end of the first complete line that must be checked.
    fn next_line(&mut self, bytes: &[u8], digits: [u8; 3]) -> Option<usize> {
        let newline = |from: usize| memchr::memchr(b'\n', bytes.get(from..)?);
        let Some(at) = newline(self.progress.searched) else {
            self.progress.searched = bytes.len();
            return None;
        };
        let Progress { start, line, .. } = self.progress;
        let reach = start.saturating_add(self.bytes_limit).min(bytes.len());
        let mut lines = UnreadLines {
            rest: bytes.get(line..reach).unwrap_or_default(),
            searched: self
                .progress
                .searched
                .saturating_add(at)
                .saturating_sub(line),
            left: self.lines_limit.saturating_sub(self.progress.lines),
            previous: line.saturating_sub(self.progress.previous_line),
        };
        let found = self.take_inner_lines(&mut lines, digits);
        let line = reach.saturating_sub(lines.rest.len());
        let end = match found {
            Some((found, _)) => Some(line.saturating_add(found.len())),
            // A line may end exactly where the reply becomes too long.
            None => newline(reach).map(|at| reach.saturating_add(at).saturating_add(1)),
        };
        self.progress = Progress {
            line,
            previous_line: line.saturating_sub(lines.previous),
            searched: end.unwrap_or(bytes.len()),
            lines: self.lines_limit.saturating_sub(lines.left),
            ..self.progress
        };
        end
    }

    /// Reads the complete line up to `end`. Returns whether it is the last of the reply.
    #[inline]
    fn take_line(&mut self, bytes: &[u8], end: usize, digits: [u8; 3]) -> Result<bool, ReplyError> {
        self.check_limits(bytes, end)?;
        let line = bytes.get(self.progress.line..end).unwrap_or_default();
        if !self.bare_lf && !line.ends_with(b"\r\n") {
            let kind = ReplyErrorKind::BareLineFeed;
            let at = end.saturating_sub(1);
            return Err(ReplyError { kind, at });
        }
        let last = line.starts_with(&digits) && ends_multiline(line);
        self.progress.lines = self.progress.lines.saturating_add(1);
        self.progress.previous_line = self.progress.line;
        self.progress.line = end;
        if !last && self.progress.lines >= self.lines_limit {
            let kind = ReplyErrorKind::TooManyLines;
            return Err(ReplyError { kind, at: end });
        }
        Ok(last)
    }

    /// After [`Status::Partial`]: whether the last received line *may* end this multi-line reply
    /// with another code. That code is of the same class (`230-…` ended by `200 …`) or 421, and
    /// nothing follows the line yet. Only time can decide: see [`Lenience::foreign_end_after`].
    pub fn has_foreign_end(&self, bytes: &[u8]) -> bool {
        self.foreign_end_code(bytes).is_some()
    }

    /// The code of the line that may be a foreign end.
    fn foreign_end_code(&self, bytes: &[u8]) -> Option<Code> {
        let open = self.progress.open?;
        if self.progress.line != bytes.len() || self.progress.lines < 2 {
            return None;
        }
        let line = bytes.get(self.progress.previous_line..)?;
        let code = code_at(line)?;
        // With another class the meaning is unclear, and it must not log anyone in.
        let agrees = code.class() == open.class() || code == Code::SERVICE_UNAVAILABLE;
        (code != open && agrees && ends_multiline(line)).then_some(code)
    }

    /// Ends the reply at the line found by [`has_foreign_end`](Self::has_foreign_end). The reply is
    /// [irregular](ReplyRef::is_irregular). It has the code of its first line, or 421 if a 421
    /// ended it.
    pub fn foreign_end<'b>(&mut self, bytes: &'b [u8]) -> Option<(ReplyRef<'b>, usize)> {
        let code = self.foreign_end_code(bytes)?;
        if code == Code::SERVICE_UNAVAILABLE {
            self.progress.open = Some(code);
        }
        match self.complete(bytes, true) {
            Some(Status::Complete(reply, length)) => Some((reply, length)),
            _ => None,
        }
    }

    /// After [`Status::Partial`], when the stream has ended: a 421 that was cut off, as from
    /// servers that stop suddenly. It counts as a 421, alone or at the end of another reply.
    pub(crate) fn cut_off_421<'b>(&mut self, bytes: &'b [u8]) -> Option<(ReplyRef<'b>, usize)> {
        let Progress {
            start,
            line,
            previous_line,
            lines,
            open,
            ..
        } = self.progress;
        let says_so = |from: usize| {
            let line = bytes.get(from..).unwrap_or_default();
            let ends_code = matches!(line.get(3), None | Some(b' ' | b'-' | b'\r' | b'\n'));
            ends_code && code_at(line) == Some(Code::SERVICE_UNAVAILABLE)
        };
        let is_open = open == Some(Code::SERVICE_UNAVAILABLE);
        if !(is_open || says_so(line) || says_so(previous_line)) {
            return None;
        }
        self.progress = Progress::default();
        let reply = ReplyRef {
            raw: bytes.get(start..)?,
            code: Code::SERVICE_UNAVAILABLE,
            multiline: lines.saturating_add(usize::from(line < bytes.len())) > 1,
            irregular: true,
        };
        Some((reply, bytes.len()))
    }

    /// After [`Status::Partial`]: how many bytes at the front are blank lines before a reply. The
    /// caller must drop that many before the next call.
    pub fn skip_blank(&mut self) -> usize {
        let skipped = self.progress.start;
        let progress = &mut self.progress;
        for offset in [
            &mut progress.start,
            &mut progress.line,
            &mut progress.previous_line,
            &mut progress.searched,
        ] {
            *offset = offset.saturating_sub(skipped);
        }
        skipped
    }

    /// After [`Status::Partial`]: how many bytes [`skip_blank`](Self::skip_blank) would skip.
    pub(crate) fn blank(&self) -> usize {
        self.progress.start
    }

    /// Returns the reply from its start to the unfinished line, and resets the progress.
    fn complete<'b>(&mut self, bytes: &'b [u8], irregular: bool) -> Option<Status<ReplyRef<'b>>> {
        let Progress {
            start,
            line,
            lines,
            open,
            ..
        } = core::mem::take(&mut self.progress);
        let reply = ReplyRef {
            raw: bytes.get(start..line)?,
            code: open?,
            multiline: lines > 1,
            irregular,
        };
        Some(Status::Complete(reply, line))
    }

    /// Moves the start of the reply past blank lines.
    fn skip_blank_lines(&mut self, bytes: &[u8]) {
        loop {
            let length = match bytes.get(self.progress.start..) {
                Some([b'\r', b'\n', ..]) => 2,
                Some([b'\n', ..]) if self.bare_lf => 1,
                _ => return,
            };
            let start = self.progress.start.saturating_add(length);
            self.progress.start = start;
            self.progress.line = start;
            self.progress.searched = self.progress.searched.max(start);
        }
    }

    /// Checks the line from `progress.line` to `end`, complete or not.
    ///
    /// Each limit is exceeded at a byte that depends only on the stream. If this line exceeds both,
    /// the first counts, so that the error is the same for any chunking.
    fn check_limits(&self, bytes: &[u8], end: usize) -> Result<(), ReplyError> {
        let Progress { start, line, .. } = self.progress;
        if end.saturating_sub(line) <= self.line_limit
            && end.saturating_sub(start) <= self.bytes_limit
        {
            return Ok(());
        }
        let long = line.saturating_add(self.line_limit);
        let line_passed = match bytes.get(long..end).unwrap_or_default() {
            [] | [b'\r'] | [b'\n'] | [b'\r', b'\n'] => None,
            [b'\r', ..] => Some(long.saturating_add(2)),
            _ => Some(long.saturating_add(1)),
        };
        let many = start.saturating_add(self.bytes_limit);
        let bytes_passed = (end > many).then(|| many.saturating_add(1));
        let kind = match (line_passed, bytes_passed) {
            (None, None) => return Ok(()),
            (Some(line), Some(all)) if line > all => ReplyErrorKind::TooManyBytes,
            (None, Some(_)) => ReplyErrorKind::TooManyBytes,
            (Some(_), _) => ReplyErrorKind::LineTooLong,
        };
        let at = if kind == ReplyErrorKind::LineTooLong {
            long
        } else {
            many
        };
        Err(ReplyError { kind, at })
    }
}

/// The first three bytes of a reply.
#[inline]
fn code_digits(reply: &[u8]) -> [u8; 3] {
    reply.first_chunk().copied().unwrap_or_default()
}

/// Whether the byte after a line's code is that of a last line.
#[inline]
fn ends_multiline(line: &[u8]) -> bool {
    matches!(
        line,
        [_, _, _, b' ', ..] | [_, _, _, b'\r', b'\n'] | [_, _, _, b'\n']
    )
}
