//! Finding replies in a stream (RFC 959 §4.2).

use thiserror::Error;

use super::foreign::{self, ForeignProtocol, Signature};
use super::reply::{ReplyRef, code_at};
use super::{Code, Status};
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
    /// The code, once the first line of a multi-line reply is finished.
    open: Option<Code>,
}

impl Default for ReplyParser {
    fn default() -> Self {
        Self::new(&Limits::default(), &Lenience::default())
    }
}

impl ReplyParser {
    /// A parser with these bounds. [`Lenience::foreign_end_after`] is left to the caller, who has
    /// the clock: see [`foreign_end`](Self::foreign_end).
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
    #[inline]
    pub fn parse<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if let Some(found) = self.find_single(bytes) {
            return Ok(found);
        }
        let found = self.find(bytes);
        if let Err(error) = found {
            self.failure = Some(error);
        }
        found
    }

    fn find<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if self.progress.open.is_none() {
            self.skip_blank_lines(bytes);
            if !begins_reply(bytes, self.progress.start)? {
                // A handful of bytes at most: no limit counts before it is known what they are.
                return Ok(Status::Partial);
            }
        }
        let searched = self.progress.searched;
        let unsearched = bytes.get(searched..).unwrap_or_default();
        for newline in memchr::memchr_iter(b'\n', unsearched) {
            let end = searched.saturating_add(newline).saturating_add(1);
            if self.take_line(bytes, end)? {
                return Ok(self.complete(bytes, false).unwrap_or(Status::Partial));
            }
        }
        self.progress.searched = bytes.len();
        self.check_limits(bytes, bytes.len())?;
        Ok(Status::Partial)
    }

    /// The common case, a reply of one line that is all there, without touching the progress.
    /// `None` says nothing about the bytes.
    #[inline]
    fn find_single<'b>(&self, bytes: &'b [u8]) -> Option<Status<ReplyRef<'b>>> {
        if self.progress.searched != 0 || bytes.get(3) != Some(&b' ') {
            return None;
        }
        let code = code_at(bytes)?;
        let newline = memchr::memchr(b'\n', bytes)?;
        let length = newline.saturating_add(1);
        let fits = newline <= self.line_limit && length <= self.bytes_limit;
        let (raw, _) = bytes.split_at_checked(length)?;
        if !fits || !(self.bare_lf || raw.ends_with(b"\r\n")) {
            return None;
        }
        let reply = ReplyRef {
            raw,
            code,
            multiline: false,
            irregular: false,
        };
        Some(Status::Complete(reply, length))
    }

    /// Takes the finished line that reaches to `end`: whether it is the last of the reply.
    #[inline]
    fn take_line(&mut self, bytes: &[u8], end: usize) -> Result<bool, ReplyError> {
        self.check_limits(bytes, end)?;
        let line = bytes.get(self.progress.line..end).unwrap_or_default();
        if !self.bare_lf && !line.ends_with(b"\r\n") {
            let at = end.saturating_sub(1);
            return Err(ReplyError {
                kind: ReplyErrorKind::BareLineFeed,
                at,
            });
        }
        let last = match self.progress.open {
            None => {
                self.progress.open = code_at(line);
                line.get(3) != Some(&b'-')
            }
            Some(open) => ends_multiline(line) && code_at(line) == Some(open),
        };
        self.progress.lines = self.progress.lines.saturating_add(1);
        self.progress.previous_line = self.progress.line;
        self.progress.line = end;
        if !last && self.progress.lines >= self.lines_limit {
            return Err(ReplyError {
                kind: ReplyErrorKind::TooManyLines,
                at: end,
            });
        }
        Ok(last)
    }

    /// After [`Status::Partial`]: whether the last line received *might* be the end of this
    /// multi-line reply although its code is another one (`230-…` ended by `200 …`), and nothing
    /// follows it yet. Only time can tell: see [`Lenience::foreign_end_after`].
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
        // An end that says the opposite leaves open what was meant, and must not let anyone in.
        let agrees = code.is_negative() == open.is_negative() || code == Code::SERVICE_UNAVAILABLE;
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
    #[inline]
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

/// Whether a line with a code has what follows the code of a last line.
#[inline]
fn ends_multiline(line: &[u8]) -> bool {
    matches!(
        line,
        [_, _, _, b' ', ..] | [_, _, _, b'\r', b'\n'] | [_, _, _, b'\n']
    )
}

/// Whether the first line begins with `ddd SP`, `ddd-` or `ddd` and its end; `false` if more bytes
/// must tell. Refuses the first byte that cannot stand there.
#[inline]
fn begins_reply(bytes: &[u8], start: usize) -> Result<bool, ReplyError> {
    match bytes.get(start..).unwrap_or_default() {
        [
            b'1'..=b'5',
            b'0'..=b'9',
            b'0'..=b'9',
            b' ' | b'-' | b'\n',
            ..,
        ]
        | [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b'\r', b'\n', ..] => Ok(true),
        line => refuse_beginning(line, start).map(|()| false),
    }
}

#[cold]
fn refuse_beginning(line: &[u8], start: usize) -> Result<(), ReplyError> {
    let wrong = match line {
        [] | [b'\r'] => return Ok(()),
        [b'\r', ..] => 1,
        [b'1'..=b'5'] | [b'1'..=b'5', b'0'..=b'9'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b'\r'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b'\r', ..] => 4,
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', ..] => 3,
        [b'1'..=b'5', b'0'..=b'9', ..] => 2,
        [b'1'..=b'5', ..] => 1,
        _ => 0,
    };
    let kind = match foreign::of_server(line) {
        Signature::Undecided => return Ok(()),
        Signature::Is(protocol) => ReplyErrorKind::Foreign(protocol),
        Signature::None => ReplyErrorKind::NotAReply,
    };
    Err(ReplyError {
        kind,
        at: start.saturating_add(wrong),
    })
}

/// Why bytes are not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct ReplyError {
    /// What is wrong.
    pub kind: ReplyErrorKind,
    /// The offset of the offending byte in the bytes given to the parser.
    pub at: usize,
}

/// What is wrong with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyErrorKind {
    /// The line does not begin with a code in 100–599 and a space, hyphen or line end.
    #[error("a reply must begin with a code from 100 to 599 and a space or hyphen")]
    NotAReply,
    /// Another protocol is spoken.
    #[error("the peer speaks {0}, not FTP")]
    Foreign(ForeignProtocol),
    /// A line ends in LF alone, which [`Lenience::bare_lf`] does not allow.
    #[error("a line of the reply ends in a line feed without a carriage return")]
    BareLineFeed,
    /// A line is longer than [`Limits::reply_line`].
    #[error("a line of the reply is longer than the limit")]
    LineTooLong,
    /// The reply has more lines than [`Limits::reply_lines`].
    #[error("the reply has more lines than the limit")]
    TooManyLines,
    /// The reply is longer than [`Limits::reply_bytes`].
    #[error("the reply has more bytes than the limit")]
    TooManyBytes,
}
