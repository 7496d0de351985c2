//! Replies (RFC 959 §4.2): reading them in place, and building them.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use thiserror::Error;

use super::foreign::{self, ForeignProtocol, Signature};
use super::{Code, InvalidText, Status, check_text, encode_telnet, escape};
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
        }
    }

    /// Looks for a reply at the start of `bytes`.
    ///
    /// # Errors
    /// [`ReplyError`] as soon as the bytes cannot become a reply within the limits. The stream has
    /// no recoverable position after that; the same error is returned for the same bytes.
    pub fn parse<'b>(
        &mut self,
        bytes: &'b [u8],
    ) -> Result<Status<ReplyRef<'b>>, ReplyError> {
        if self.progress.open.is_none() {
            self.skip_blank_lines(bytes);
            check_first_line(bytes, self.progress.start)?;
        }
        while let Some(end) = self.line_end(bytes) {
            self.check_limits(bytes, end)?;
            let line = bytes.get(self.progress.line..end).unwrap_or_default();
            let code = code_at(line);
            let last = match self.progress.open {
                None => line.get(3) != Some(&b'-'),
                Some(open) => {
                    code == Some(open)
                        && matches!(line.get(3..), Some([b' ', ..] | b"\r\n" | b"\n"))
                }
            };
            self.progress.lines = self.progress.lines.saturating_add(1);
            self.progress.previous_line = self.progress.line;
            self.progress.line = end;
            if self.progress.open.is_none() {
                self.progress.open = code;
            }
            if last {
                return Ok(self.complete(bytes, false).unwrap_or(Status::Partial));
            }
            if self.progress.lines >= self.lines_limit {
                return Err(ReplyError { kind: ReplyErrorKind::TooManyLines, at: end });
            }
        }
        self.check_limits(bytes, bytes.len())?;
        Ok(Status::Partial)
    }

    /// After [`Status::Partial`]: whether the last line received *might* be the end of this
    /// multi-line reply although its code is another one (`230-…` ended by `200 …`), and nothing
    /// follows it yet. Only time can tell: see [`Lenience::foreign_end_after`].
    pub fn has_foreign_end(&self, bytes: &[u8]) -> bool {
        self.foreign_end_code(bytes).is_some()
    }

    /// The code of the line that might be a foreign end.
    pub(crate) fn foreign_end_code(&self, bytes: &[u8]) -> Option<Code> {
        let open = self.progress.open?;
        if self.progress.line != bytes.len() || self.progress.lines < 2 {
            return None;
        }
        let line = bytes.get(self.progress.previous_line..)?;
        let code = code_at(line)?;
        (code != open && line.get(3) == Some(&b' ')).then_some(code)
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
        let Progress { start, line, lines, open, .. } = core::mem::take(&mut self.progress);
        let reply = ReplyRef {
            raw: bytes.get(start..line)?,
            code: open?,
            multiline: lines > 1,
            irregular,
        };
        Some(Status::Complete(reply, line))
    }

    /// The offset behind the end of the unfinished line, if it is there.
    #[inline]
    fn line_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let rest = bytes.get(self.progress.searched..)?;
            match memchr::memchr(b'\n', rest) {
                None => {
                    self.progress.searched = bytes.len();
                    return None;
                }
                Some(at) => {
                    let newline = self.progress.searched.saturating_add(at);
                    self.progress.searched = newline.saturating_add(1);
                    if self.bare_lf || bytes.get(..newline).is_some_and(|b| b.ends_with(b"\r")) {
                        return Some(self.progress.searched);
                    }
                }
            }
        }
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
        let at = if kind == ReplyErrorKind::LineTooLong { long } else { many };
        Err(ReplyError { kind, at })
    }
}

/// The code that a line starts with.
#[inline]
fn code_at(line: &[u8]) -> Option<Code> {
    match line {
        [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            let digit = |byte: u8| u16::from(byte & 0x0f);
            let tens = digit(*a).wrapping_mul(10).wrapping_add(digit(*b));
            Code::new(tens.wrapping_mul(10).wrapping_add(digit(*c)))
        }
        _ => None,
    }
}

/// Refuses the first byte that cannot stand in the first line's `ddd SP`, `ddd-` or `ddd` CRLF.
#[inline]
fn check_first_line(bytes: &[u8], start: usize) -> Result<(), ReplyError> {
    let line = bytes.get(start..).unwrap_or_default();
    let wrong = match line {
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-' | b'\n', ..] => return Ok(()),
        [] | [b'\r'] => return Ok(()),
        [b'1'..=b'5'] | [b'1'..=b'5', b'0'..=b'9'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b'\r'] => return Ok(()),
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b'\r', b'\n', ..] => return Ok(()),
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
    Err(ReplyError { kind, at: start.saturating_add(wrong) })
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

/// A reply in someone else's buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReplyRef<'b> {
    raw: &'b [u8],
    code: Code,
    multiline: bool,
    irregular: bool,
}

impl<'b> ReplyRef<'b> {
    /// The code of its first line.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether it has more than one line.
    pub fn is_multiline(&self) -> bool {
        self.multiline
    }

    /// Whether it was ended by a line with another code
    /// ([`Lenience::foreign_end_after`](crate::Lenience::foreign_end_after)).
    pub fn is_irregular(&self) -> bool {
        self.irregular
    }

    /// The text of each line, without line ends. Lines that carry the reply's own code are given
    /// without code and separator, other lines whole.
    pub fn lines(&self) -> Lines<'b> {
        Lines { rest: self.raw, code: self.code }
    }

    /// The text of the first line.
    pub fn text(&self) -> &'b [u8] {
        self.lines().next().unwrap_or_default()
    }

    /// All its bytes as received, line ends included.
    pub fn raw(&self) -> &'b [u8] {
        self.raw
    }

    /// A copy that owns its bytes.
    pub fn to_reply(&self) -> Reply {
        Reply {
            raw: Bytes::copy_from_slice(self.raw),
            code: self.code,
            multiline: self.multiline,
            irregular: self.irregular,
        }
    }
}

/// The lines of a reply: see [`ReplyRef::lines`].
#[derive(Debug, Clone)]
pub struct Lines<'b> {
    rest: &'b [u8],
    code: Code,
}

impl<'b> Iterator for Lines<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest)
            .map_or(self.rest.len(), |newline| newline.saturating_add(1));
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if code_at(line) != Some(self.code) {
            return Some(line);
        }
        Some(match line.get(3..) {
            Some([b' ' | b'-', text @ ..]) => text,
            Some([]) => &[],
            _ => line,
        })
    }
}

impl fmt::Display for ReplyRef<'_> {
    /// The code and all lines, escaped, separated by ` / `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for (index, line) in self.lines().enumerate() {
            let separator = if index == 0 { " " } else { " / " };
            write!(f, "{separator}{}", escape(line))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ReplyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

/// A reply that owns its bytes.
///
/// ```
/// use ftp_proto::wire::{Code, Reply};
///
/// let reply = Reply::multiline(Code::READY, ["Welcome.", "Mind the gap."])?;
/// let mut out = Vec::new();
/// reply.encode(&mut out);
/// assert_eq!(out, b"220-Welcome.\r\n220 Mind the gap.\r\n");
/// assert!(Reply::new(Code::OKAY, "two\r\nlines").is_err());
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    raw: Bytes,
    code: Code,
    multiline: bool,
    irregular: bool,
}

impl Reply {
    /// A reply of one line. The text may be empty.
    ///
    /// # Errors
    /// [`InvalidText`] if the text holds CR, LF or NUL.
    pub fn new(code: Code, text: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        Self::multiline(code, [text])
    }

    /// A reply of several lines, each written with the code in front, so that every parser in the
    /// field agrees on where it ends. One line gives a one-line reply.
    ///
    /// # Errors
    /// [`InvalidText`] if there is no line, or one holds CR, LF or NUL.
    pub fn multiline<T: AsRef<[u8]>>(
        code: Code,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidText> {
        let mut writer = ReplyWriter::new(code);
        for line in lines {
            writer.line(line.as_ref())?;
        }
        writer.finish()
    }

    /// A reply whose inner lines start with a space instead of the code, as RFC 2389 §3.2 wants
    /// for `FEAT` and RFC 959 allows for `STAT`.
    ///
    /// # Errors
    /// [`InvalidText`] if any line holds CR, LF or NUL.
    pub fn listing<T: AsRef<[u8]>>(
        code: Code,
        head: impl AsRef<[u8]>,
        inner: impl IntoIterator<Item = T>,
        tail: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidText> {
        let mut writer = ReplyWriter::new(code);
        writer.line(head.as_ref())?;
        for line in inner {
            writer.indented(line.as_ref())?;
        }
        writer.line(tail.as_ref())?;
        writer.finish()
    }

    /// One of this crate's own one-line replies: code, text and CRLF as on the wire.
    pub(crate) const fn from_static(code: Code, raw: &'static [u8]) -> Self {
        Self { raw: Bytes::from_static(raw), code, multiline: false, irregular: false }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The same reply, borrowed.
    pub fn borrow(&self) -> ReplyRef<'_> {
        ReplyRef {
            raw: &self.raw,
            code: self.code,
            multiline: self.multiline,
            irregular: self.irregular,
        }
    }

    /// The text of each line: see [`ReplyRef::lines`].
    pub fn lines(&self) -> Lines<'_> {
        self.borrow().lines()
    }

    /// The text of the first line.
    pub fn text(&self) -> &[u8] {
        self.borrow().text()
    }

    /// Whether it has more than one line.
    pub fn is_multiline(&self) -> bool {
        self.multiline
    }

    /// See [`ReplyRef::is_irregular`].
    pub fn is_irregular(&self) -> bool {
        self.irregular
    }

    /// Appends the reply as it goes over the wire, every 0xFF doubled (RFC 854).
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_telnet(&self.raw, out);
        if self.irregular {
            // It came without a proper end of its own.
            out.extend_from_slice(alloc::format!("{} \r\n", self.code).as_bytes());
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.borrow(), f)
    }
}

/// Lays out the lines of a reply.
struct ReplyWriter {
    raw: Vec<u8>,
    code: Code,
    lines: usize,
    /// Where the separator of the latest line with a code stands.
    separator: usize,
}

impl ReplyWriter {
    fn new(code: Code) -> Self {
        Self { raw: Vec::new(), code, lines: 0, separator: 0 }
    }

    fn line(&mut self, text: &[u8]) -> Result<(), InvalidText> {
        check_text(text)?;
        let digit = |value: u16| b'0'.wrapping_add(u8::try_from(value % 10).unwrap_or_default());
        let number = self.code.get();
        self.raw.extend_from_slice(&[digit(number / 100), digit(number / 10), digit(number)]);
        self.separator = self.raw.len();
        self.raw.push(b'-');
        self.end(text);
        Ok(())
    }

    fn indented(&mut self, text: &[u8]) -> Result<(), InvalidText> {
        check_text(text)?;
        self.raw.push(b' ');
        self.end(text);
        Ok(())
    }

    fn end(&mut self, text: &[u8]) {
        self.raw.extend_from_slice(text);
        self.raw.extend_from_slice(b"\r\n");
        self.lines = self.lines.saturating_add(1);
    }

    fn finish(mut self) -> Result<Reply, InvalidText> {
        let separator = self.raw.get_mut(self.separator).ok_or(InvalidText::Empty)?;
        *separator = b' ';
        Ok(Reply {
            raw: self.raw.into(),
            code: self.code,
            multiline: self.lines > 1,
            irregular: false,
        })
    }
}
