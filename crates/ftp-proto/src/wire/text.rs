//! Text for the wire or for a log.

use core::fmt;

use thiserror::Error;

/// A value that cannot be sent in a command or reply: which one, and why. It never contains the
/// value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the {kind} {problem}")]
#[non_exhaustive]
pub struct InvalidText {
    /// Which value.
    pub kind: TextKind,
    /// What is wrong with it.
    pub problem: TextProblem,
}

/// The kind of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum TextKind {
    /// The argument of `USER`.
    #[error("user name")]
    Username,
    /// The argument of `PASS`.
    #[error("password")]
    Password,
    /// The argument of `ACCT`.
    #[error("account")]
    Account,
    /// The argument of `HOST`.
    #[error("host name")]
    HostName,
    /// A command as a line: verb and argument.
    #[error("command")]
    Command,
    /// The argument of a command.
    #[error("command argument")]
    Argument,
    /// A line of a reply.
    #[error("reply text")]
    ReplyText,
    /// The code of a reply.
    #[error("reply code")]
    ReplyCode,
}

/// Why a text cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// The text is empty and must not be.
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
    /// A command must begin with a verb of ASCII letters and digits.
    #[error("must begin with a command verb: letters and digits only")]
    NotAVerb,
    /// A reply code must lie in 100–699.
    #[error("must be 100 to 699")]
    NotACode,
}

impl TextProblem {
    /// The error for a text of this kind.
    pub(crate) fn of(self, kind: TextKind) -> InvalidText {
        InvalidText {
            kind,
            problem: self,
        }
    }
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
pub(crate) fn check_text(kind: TextKind, text: &[u8]) -> Result<(), InvalidText> {
    // For a short text a plain loop is faster than a search.
    let found = if text.len() < 16 {
        text.iter()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0))
    } else {
        memchr::memchr3(b'\r', b'\n', 0, text)
    };
    match found {
        None => Ok(()),
        Some(at) => {
            let byte = text.get(at).copied().unwrap_or_default();
            Err(TextProblem::Control { byte, at }.of(kind))
        }
    }
}

/// The same, and refuses an empty text.
pub(crate) fn check_name(kind: TextKind, name: &[u8]) -> Result<(), InvalidText> {
    if name.is_empty() {
        return Err(TextProblem::Empty.of(kind));
    }
    check_text(kind, name)
}

/// Shows bytes from a peer on one line. Valid UTF-8 stays readable. Control characters, the
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
