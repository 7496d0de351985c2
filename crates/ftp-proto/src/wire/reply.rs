//! Replies (RFC 959 §4.2): borrowed and owned. [`super::reply_parser`] finds them in a stream.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use thiserror::Error;

use super::masking::MASK;
use super::telnet::put_telnet;
use super::{Class, Code, InvalidText, TextKind, TextProblem, check_text, escape};

/// A reply borrowed from a buffer.
///
/// Two replies are equal if they have the same code and lines, and both or neither have an
/// irregular end. Line ends and the marks of inner lines do not matter.
#[derive(Clone, Copy)]
pub struct ReplyRef<'b> {
    pub(super) raw: &'b [u8],
    pub(super) code: Code,
    pub(super) multiline: bool,
    pub(super) irregular: bool,
}

impl<'b> ReplyRef<'b> {
    /// The code of its first line; 421 if a line with 421 ended an unfinished reply.
    #[inline]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether it has more than one line.
    #[inline]
    pub fn is_multiline(&self) -> bool {
        self.multiline
    }

    /// Whether a line with another code ended it
    /// ([`Lenience::foreign_end_after`](crate::Lenience::foreign_end_after)), or it is a 421 that
    /// the end of the stream cut off.
    #[inline]
    pub fn is_irregular(&self) -> bool {
        self.irregular
    }

    /// The text of each line, without line ends. Lines with the reply's own code are without code
    /// and separator; other lines are whole.
    pub fn lines(&self) -> Lines<'b> {
        Lines {
            rest: self.raw,
            code: self.code,
        }
    }

    /// The text of the first line.
    pub fn text(&self) -> &'b [u8] {
        self.lines().next().unwrap_or_default()
    }

    /// All its bytes as received, line ends included.
    #[inline]
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
        let line = next_line(&mut self.rest)?;
        Some(own_text(line, self.code).unwrap_or(line))
    }
}

impl core::iter::FusedIterator for Lines<'_> {}

/// Removes the next line from the front, and returns it without its end.
fn next_line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline.saturating_add(1));
    let (line, after) = rest.split_at(end);
    *rest = after;
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The text after code and separator on a line with `code`.
fn own_text(line: &[u8], code: Code) -> Option<&[u8]> {
    if code_at(line) != Some(code) {
        return None;
    }
    match line.get(3..) {
        Some([b' ' | b'-', text @ ..]) => Some(text),
        Some([]) => Some(&[]),
        _ => None,
    }
}

/// The code that a line starts with.
#[inline]
pub(super) fn code_at(line: &[u8]) -> Option<Code> {
    match line {
        [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            let digit = |byte: u8| u16::from(byte & 0x0f);
            let tens = digit(*a).wrapping_mul(10).wrapping_add(digit(*b));
            Code::new(tens.wrapping_mul(10).wrapping_add(digit(*c)))
        }
        _ => None,
    }
}

impl PartialEq for ReplyRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
            && self.irregular == other.irregular
            && (self.raw == other.raw || self.lines().eq(other.lines()))
    }
}

impl Eq for ReplyRef<'_> {}

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
#[derive(Clone)]
pub struct Reply {
    raw: Bytes,
    code: Code,
    multiline: bool,
    irregular: bool,
}

/// A negative reply: 4yz or 5yz. Returned by [`Reply::ok`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the server refused: {0}")]
pub struct NegativeReply(Reply);

impl NegativeReply {
    /// The reply.
    pub fn reply(&self) -> &Reply {
        &self.0
    }

    /// Takes the reply out.
    pub fn into_reply(self) -> Reply {
        self.0
    }

    /// Whether the same command may work later (4yz).
    pub fn is_transient(&self) -> bool {
        self.0.code.class() == Class::TransientNegative
    }
}

impl Reply {
    /// A reply of one line. The text may be empty.
    ///
    /// # Errors
    /// [`InvalidText`] if the text holds CR, LF or NUL.
    pub fn new(code: Code, text: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        Self::multiline(code, [text])
    }

    /// A reply of several lines, each with the code in front, so that all parsers agree where it
    /// ends. One line gives a one-line reply.
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

    /// A reply whose inner lines start with a space instead of the code, as RFC 2389 §3.2 requires
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

    /// One of this crate's own one-line replies: `raw` is code, text and CRLF as on the wire.
    pub(crate) const fn from_static(code: Code, raw: &'static [u8]) -> Self {
        Self {
            raw: Bytes::from_static(raw),
            code,
            multiline: false,
            irregular: false,
        }
    }

    /// A one-line reply whose text is known to hold no CR, LF or NUL.
    pub(super) fn from_display(code: Code, text: impl fmt::Display) -> Self {
        Self {
            raw: format!("{code} {text}\r\n").into(),
            code,
            multiline: false,
            irregular: false,
        }
    }

    /// Its code.
    #[inline]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The reply itself if it is 1yz, 2yz or 3yz. So `reply.ok()?` continues only after these.
    ///
    /// # Errors
    /// [`NegativeReply`] for 4yz and 5yz.
    pub fn ok(self) -> Result<Self, NegativeReply> {
        if self.code.is_negative() {
            Err(NegativeReply(self))
        } else {
            Ok(self)
        }
    }

    /// The same reply, borrowed.
    #[inline]
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
    #[inline]
    pub fn is_multiline(&self) -> bool {
        self.multiline
    }

    /// See [`ReplyRef::is_irregular`].
    #[inline]
    pub fn is_irregular(&self) -> bool {
        self.irregular
    }

    /// All bytes as received or built, line ends included: see [`ReplyRef::raw`].
    #[inline]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// A copy with `****` in place of all its text: for logs. The code stays.
    ///
    /// The text comes from the peer. A server may repeat a secret in it, for example the password
    /// in the reply to `PASS`. This crate does not hide that by itself.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let [a, b, c] = self.code.digits();
        let mut raw = Vec::from([a, b, c, b' ']);
        raw.extend_from_slice(MASK.as_bytes());
        raw.extend_from_slice(b"\r\n");
        Self {
            raw: raw.into(),
            code: self.code,
            multiline: false,
            irregular: self.irregular,
        }
    }

    /// Appends the reply's bytes on the wire, with every 0xFF doubled (RFC 854).
    ///
    /// A reply from a peer is normalised, so that it can be passed on. Every line ends in CRLF and
    /// starts with the code, unless it starts with a space. The last line has a space after the
    /// code. A CR or NUL inside a line becomes a space. Parsing the result gives the same code and
    /// lines, with a regular end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.raw.len());
        self.put(|bytes| out.extend_from_slice(bytes));
    }

    /// Passes the bytes of [`encode`](Self::encode) to `put`, piece by piece.
    pub(crate) fn put(&self, mut put: impl FnMut(&[u8])) {
        let mut rest: &[u8] = &self.raw;
        let mut first = true;
        while let Some(line) = next_line(&mut rest) {
            let last = rest.is_empty();
            let own = own_text(line, self.code);
            let indented = own.is_none() && !first && !last && line.starts_with(b" ");
            if !indented {
                let [a, b, c] = self.code.digits();
                put(&[a, b, c, if last { b' ' } else { b'-' }]);
            }
            put_line(own.unwrap_or(line), &mut put);
            first = false;
        }
    }
}

/// Writes the text of a line and CRLF. A byte that would end the line early becomes a space.
fn put_line(text: &[u8], put: &mut impl FnMut(&[u8])) {
    let mut rest = text;
    while let Some(at) = memchr::memchr3(b'\r', b'\n', 0, rest) {
        let (upto, after) = rest.split_at(at);
        put_telnet(upto, put);
        put(b" ");
        rest = after.get(1..).unwrap_or_default();
    }
    put_telnet(rest, put);
    put(b"\r\n");
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        self.borrow() == other.borrow()
    }
}

impl Eq for Reply {}

impl From<ReplyRef<'_>> for Reply {
    fn from(reply: ReplyRef<'_>) -> Self {
        reply.to_reply()
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

/// Writes the lines of a reply.
struct ReplyWriter {
    raw: Vec<u8>,
    code: Code,
    lines: usize,
    /// The offset of the separator in the last line with a code.
    separator: usize,
}

impl ReplyWriter {
    fn new(code: Code) -> Self {
        Self {
            raw: Vec::new(),
            code,
            lines: 0,
            separator: 0,
        }
    }

    fn line(&mut self, text: &[u8]) -> Result<(), InvalidText> {
        check_text(TextKind::ReplyText, text)?;
        self.raw.extend_from_slice(&self.code.digits());
        self.separator = self.raw.len();
        self.raw.push(b'-');
        self.end(text);
        Ok(())
    }

    fn indented(&mut self, text: &[u8]) -> Result<(), InvalidText> {
        check_text(TextKind::ReplyText, text)?;
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
        let separator = self
            .raw
            .get_mut(self.separator)
            .ok_or(TextProblem::Empty.of(TextKind::ReplyText))?;
        *separator = b' ';
        Ok(Reply {
            raw: self.raw.into(),
            code: self.code,
            multiline: self.lines > 1,
            irregular: false,
        })
    }
}
