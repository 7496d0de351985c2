//! Ends of lines in `TYPE A` (RFC 959 §3.1.1.1): CRLF on the data connection, LF in files.
//!
//! Both directions take a stream in pieces; how it is cut does not matter. Nothing but ends of lines is
//! changed: bytes above 127, NUL and a CR that stands alone stay as they are.
//!
//! | | gives the text back |
//! |---|---|
//! | encode, then decode | if it has no CRLF; a CRLF becomes LF |
//! | decode, then encode | if each LF has one CR in front, no more and no fewer |

use alloc::vec::Vec;

/// Turns what comes over the data connection into the text of a file: CRLF becomes LF.
///
/// A CR without LF stays, so `CR CR LF` becomes `CR LF`; an LF without CR stays too. A CR at the end of a
/// piece is held back until the next byte is known.
///
/// ```
/// use ftp_proto::data::ascii::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut text = Vec::new();
/// decoder.decode(b"one\r\ntwo\r", &mut text);
/// assert_eq!(text, b"one\ntwo");
/// decoder.decode(b"\nthree\r", &mut text);
/// decoder.finish(&mut text);
/// assert_eq!(text, b"one\ntwo\nthree\r");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    holds_cr: bool,
}

impl Decoder {
    /// At the start of a stream.
    pub const fn new() -> Self {
        Self { holds_cr: false }
    }

    /// Appends the text of the next piece: at most its length and one byte more.
    pub fn decode(&mut self, wire: &[u8], out: &mut Vec<u8>) {
        let Some(first) = wire.first() else {
            return;
        };
        out.reserve(wire.len().saturating_add(1));
        if self.holds_cr && *first != b'\n' {
            out.push(b'\r');
        }
        self.holds_cr = wire.last() == Some(&b'\r');
        let mut rest = wire.strip_suffix(b"\r").unwrap_or(wire);
        while let Some(at) = memchr::memchr(b'\r', rest) {
            let next = at.saturating_add(1);
            // The LF after a CR goes with what follows, in place of both.
            let end = if rest.get(next) == Some(&b'\n') {
                at
            } else {
                next
            };
            out.extend_from_slice(rest.get(..end).unwrap_or_default());
            rest = rest.get(next..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }

    /// Appends a CR that was held back, at the end of the stream. Afterwards another stream may begin.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if core::mem::take(&mut self.holds_cr) {
            out.push(b'\r');
        }
    }
}

/// Turns the text of a file into what is sent over the data connection: LF becomes CRLF.
///
/// An LF that has a CR in front already stays as it is, so that files with CRLF do not get `CR CR LF`. A CR
/// without LF stays too.
///
/// ```
/// use ftp_proto::data::ascii::Encoder;
///
/// let mut encoder = Encoder::new();
/// let mut wire = Vec::new();
/// encoder.encode(b"one\ntwo\r", &mut wire);
/// encoder.encode(b"\nthree", &mut wire);
/// assert_eq!(wire, b"one\r\ntwo\r\nthree");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    after_cr: bool,
}

impl Encoder {
    /// At the start of a stream.
    pub const fn new() -> Self {
        Self { after_cr: false }
    }

    /// Appends what to send for the next piece: at most twice its length. Nothing is held back.
    pub fn encode(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let Some(last) = text.last() else {
            return;
        };
        out.reserve(text.len());
        let mut after_cr = self.after_cr;
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            out.extend_from_slice(line);
            if line.last().map_or(after_cr, |byte| *byte == b'\r') {
                out.push(b'\n');
            } else {
                out.extend_from_slice(b"\r\n");
            }
            after_cr = false;
            rest = after.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        self.after_cr = *last == b'\r';
    }
}
