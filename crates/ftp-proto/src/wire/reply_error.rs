//! Why bytes are not a reply. Also checks the beginning of a reply, where this shows first.

use thiserror::Error;

use super::Code;
use super::foreign::{self, ForeignProtocol, Signature};
use super::reply::code_at;

/// Why bytes are not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind}")]
#[non_exhaustive]
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
    /// The line does not begin with a code in 100–699 and a space, hyphen or line end.
    #[error("a reply must begin with a code from 100 to 699 and a space or hyphen")]
    NotAReply,
    /// The peer speaks another protocol.
    #[error("the peer speaks {0}, not FTP")]
    Foreign(ForeignProtocol),
    /// A line ends in LF alone, which [`Lenience::bare_lf`](crate::Lenience::bare_lf) does not allow.
    #[error("a line of the reply ends in a line feed without a carriage return")]
    BareLineFeed,
    /// A line is longer than [`Limits::reply_line`](crate::Limits::reply_line).
    #[error("a line of the reply is longer than the limit")]
    LineTooLong,
    /// The reply has more lines than [`Limits::reply_lines`](crate::Limits::reply_lines).
    #[error("the reply has more lines than the limit")]
    TooManyLines,
    /// The reply is longer than [`Limits::reply_bytes`](crate::Limits::reply_bytes).
    #[error("the reply has more bytes than the limit")]
    TooManyBytes,
}

/// The code of a first line, which begins with `ddd SP`, `ddd-` or `ddd` and its end; `None` if
/// more bytes are needed. The error is at the first invalid byte.
#[inline]
pub(super) fn begins_reply(bytes: &[u8], start: usize) -> Result<Option<Code>, ReplyError> {
    let line = bytes.get(start..).unwrap_or_default();
    match line {
        [_, _, _, b' ' | b'-' | b'\n', ..] | [_, _, _, b'\r', b'\n', ..] => match code_at(line) {
            Some(code) => Ok(Some(code)),
            None => refuse_beginning(line, start),
        },
        _ => refuse_beginning(line, start),
    }
}

#[cold]
fn refuse_beginning(line: &[u8], start: usize) -> Result<Option<Code>, ReplyError> {
    let wrong = match line {
        [] | [b'\r'] => return Ok(None),
        [b'\r', ..] => 1,
        [b'1'..=b'6'] | [b'1'..=b'6', b'0'..=b'9'] => return Ok(None),
        [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9'] => return Ok(None),
        [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b'\r'] => return Ok(None),
        [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b'\r', ..] => 4,
        [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', ..] => 3,
        [b'1'..=b'6', b'0'..=b'9', ..] => 2,
        [b'1'..=b'6', ..] => 1,
        _ => 0,
    };
    let kind = match foreign::of_server(line) {
        Signature::Undecided => return Ok(None),
        Signature::Is(protocol) => ReplyErrorKind::Foreign(protocol),
        Signature::None => ReplyErrorKind::NotAReply,
    };
    Err(ReplyError {
        kind,
        at: start.saturating_add(wrong),
    })
}
