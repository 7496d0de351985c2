//! Text that goes over the wire or into a log.

use core::fmt;

use thiserror::Error;

/// Why bytes cannot be sent as part of a command or reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidText {
    /// Nothing where something is needed.
    #[error("must not be empty")]
    Empty,
    /// A carriage return, line feed or NUL would end the line early or be dropped on the way.
    #[error("holds {} at byte {at}", ControlName(*.byte))]
    Control {
        /// Which byte.
        byte: u8,
        /// Where it is.
        at: usize,
    },
    /// A command verb must be ASCII letters and digits.
    #[error("is not a command verb: letters and digits only")]
    NotAVerb,
    /// A reply code must lie in 100–699.
    #[error("is not a reply code: 100 to 699")]
    NotACode,
}

struct ControlName(u8);

impl fmt::Display for ControlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\r' => f.write_str("a carriage return"),
            b'\n' => f.write_str("a line feed"),
            0 => f.write_str("a NUL"),
            other => write!(f, "byte {other:#04x}"),
        }
    }
}

/// Refuses CR, LF and NUL.
#[inline]
pub(crate) fn check_text(text: &[u8]) -> Result<(), InvalidText> {
    // On a short text a plain loop is there before a search has begun.
    let found = if text.len() < 16 {
        text.iter()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0))
    } else {
        memchr::memchr3(b'\r', b'\n', 0, text)
    };
    match found {
        None => Ok(()),
        Some(at) => Err(InvalidText::Control {
            byte: text.get(at).copied().unwrap_or_default(),
            at,
        }),
    }
}

/// Shows bytes from a peer on one line: valid UTF-8 stays readable; control characters, the
/// backslash, bidirectional controls and invalid bytes are escaped as `\r`, `\n`, `\t`, `\\`,
/// `\xNN` or `\u{…}`.
///
/// ```
/// assert_eq!(ftp_proto::wire::escape(b"caf\xc3\xa9\r\n\xff").to_string(), "café\\r\\n\\xff");
/// ```
pub fn escape(bytes: &[u8]) -> Escaped<'_> {
    Escaped(bytes)
}

/// See [`escape`].
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character == '\\' || character.is_control() || is_bidi_control(character) {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    fmt::Write::write_char(f, character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that reorder the text around them on a terminal.
fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}
