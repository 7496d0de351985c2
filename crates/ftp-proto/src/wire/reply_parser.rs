//! Finding replies in a stream (RFC 959 §4.2).

use super::reply::{ReplyRef, code_at};
use super::reply_error::{ReplyError, ReplyErrorKind, begins_reply};
use super::{Code, Status, scan};
use crate::{Lenience, Limits};

/// Finds replies in bytes that the caller keeps.
///
/// Call [`parse`](Self::parse) with all unconsumed bytes; on [`Status::Partial`] call it again with
/// the same bytes and more behind them. The parser remembers how far it looked, so the work is
/// linear in total however the bytes arrive. After a complete reply it is ready for the next.
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

/// How far a parser has come in the present reply. Offsets into the caller's bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Where the reply starts: behind the blank lines before it.
    start: usize,
    /// Where the unfinished line starts.
    line: usize,
    /// Where the line before it starts.
    previous_line: usize,
    /// Up to where no end of line was found.
    searched: usize,
    /// Lines finished so far.
    lines: usize,
    /// The code, once the reply has begun.
    open: Option<Code>,
}

/// The lines of a reply that were not taken yet.
struct UnreadLines<'b> {
    /// From the start of the next line on, no further than the reply may reach.
    rest: &'b [u8],
    /// Up to where in `rest` no end of line was found.
    searched: usize,
    /// How many lines the reply may still have.
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
    /// A parser with these bounds. [`Lenience::foreign_end_after`] is left to the caller, who has
    /// the clock: see [`foreign_end`](Self::foreign_end).
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
    /// [`ReplyError`] as soon as the bytes cannot become a reply within the limits, at the same byte
    /// however they were split. The stream has no recoverable position after that: the parser
    /// returns the same error from then on.
    pub fn parse<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if self.progress.searched == 0
            && self.failure.is_none()
            && let Some(reply) = self.whole_reply(bytes)
        {
            return Ok(Status::Complete(reply, reply.raw.len()));
        }
        self.find(bytes)
    }

    /// The common case, a reply without oddities that is all there, without touching the progress.
    /// `None` says nothing about the bytes.
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

    /// Takes lines that are not the end of the reply and keep the limits. The first finished line that
    /// is not like that, and whether it is the last of the reply and keeps the limits.
    ///
    /// Where replies are long, this loop is where the time goes: it has one search and a handful of
    /// comparisons for each line.
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
            // Almost no inner line gets beyond the first comparison.
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

    /// Whether a finished line is within the limits for lines, and ends as it should.
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

    /// Takes the lines that are finished: whether the last one taken ends the reply.
    #[inline]
    fn take_lines(&mut self, bytes: &[u8]) -> Result<bool, ReplyError> {
        if self.progress.open.is_none() {
            self.skip_blank_lines(bytes);
            self.progress.open = begins_reply(bytes, self.progress.start)?;
            if self.progress.open.is_none() {
                // A handful of bytes at most: no limit counts before it is known what they are.
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

    /// The end of the first finished line that needs a closer look; takes the lines before it.
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
            // Where the reply becomes too long there may be a line's end all the same.
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

    /// Takes the finished line that reaches to `end`: whether it is the last of the reply.
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

    /// After [`Status::Partial`]: whether the last line received *might* be the end of this
    /// multi-line reply although its code is another one of the same kind (`230-…` ended by `200 …`)
    /// or 421, and nothing follows it yet. Only time can tell: see [`Lenience::foreign_end_after`].
    pub fn has_foreign_end(&self, bytes: &[u8]) -> bool {
        self.foreign_end_code(bytes).is_some()
    }

    /// The code of the line that might be a foreign end.
    fn foreign_end_code(&self, bytes: &[u8]) -> Option<Code> {
        let open = self.progress.open?;
        if self.progress.line != bytes.len() || self.progress.lines < 2 {
            return None;
        }
        let line = bytes.get(self.progress.previous_line..)?;
        let code = code_at(line)?;
        // An end of another kind leaves open what was meant, and must not let anyone in.
        let agrees = code.class() == open.class() || code == Code::SERVICE_UNAVAILABLE;
        (code != open && agrees && ends_multiline(line)).then_some(code)
    }

    /// Takes the line that [`has_foreign_end`](Self::has_foreign_end) speaks of as the end. The
    /// reply is marked [irregular](ReplyRef::is_irregular) and has the code of its first line,
    /// unless it was ended by a 421, which is always taken for what it says.
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

    /// After [`Status::Partial`], when the stream has ended: a 421 that was cut off, as servers do
    /// that go down in a hurry. It is taken for what it says, whether it is the reply itself or stands
    /// at the end of another one.
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

    /// After [`Status::Partial`]: how many bytes at the front are blank lines and belong to no
    /// reply. The caller must drop that many before the next call.
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

    /// The reply from its start to the unfinished line, and a fresh start for the next.
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

    /// Moves the start of the reply behind blank lines.
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

    /// Checks the line that starts at `progress.line` and reaches to `end`, finished or not.
    ///
    /// Each limit is passed at a byte that depends on the stream alone; if this line passes both,
    /// the one passed first counts, so that the error is the same for any chunking.
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

/// Whether a line with a code has what follows the code of a last line.
#[inline]
fn ends_multiline(line: &[u8]) -> bool {
    matches!(
        line,
        [_, _, _, b' ', ..] | [_, _, _, b'\r', b'\n'] | [_, _, _, b'\n']
    )
}
