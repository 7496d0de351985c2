//! Finding commands in a stream (RFC 959 §5.3).

use thiserror::Error;

use super::Status;
use super::command::CommandRef;
use super::scan;
use crate::{Lenience, Limits};

/// Finds commands in bytes that the caller keeps.
///
/// Call [`parse`](Self::parse) with all unconsumed bytes; after [`Status::Partial`] call it again
/// with the same bytes and more after them. Blank lines are skipped.
///
/// ```
/// use ftp_proto::wire::{CommandParser, Status, Verb};
///
/// let mut parser = CommandParser::default();
/// let Ok(Status::Complete(command, length)) = parser.parse(b"pass  two spaces \r\nPWD") else {
///     panic!()
/// };
/// assert_eq!(command.verb(), Verb::Pass);
/// assert_eq!(command.argument(), Some(b" two spaces ".as_slice()));
/// assert_eq!(command.to_string(), "PASS ****");
/// assert_eq!(length, 19);
/// ```
#[derive(Debug, Clone)]
pub struct CommandParser {
    line_limit: usize,
    bare_lf: bool,
    /// Where the command starts, after blank lines and the rest of a line that was too long.
    start: usize,
    /// Up to here there is no end of line.
    searched: usize,
    /// The line was too long; its rest is being skipped.
    discarding: bool,
    /// See the method.
    decided_by: usize,
}

impl Default for CommandParser {
    #[inline]
    fn default() -> Self {
        Self::new(Limits::default().command_line, &Lenience::default())
    }
}

impl CommandParser {
    /// A parser for lines of at most `line_limit` bytes without their ends.
    #[inline]
    pub fn new(line_limit: usize, lenience: &Lenience) -> Self {
        Self {
            line_limit,
            bare_lf: lenience.bare_lf,
            start: 0,
            searched: 0,
            discarding: false,
            decided_by: 0,
        }
    }

    /// Changes the line limit for the following lines.
    pub fn set_line_limit(&mut self, line_limit: usize) {
        self.line_limit = line_limit;
    }

    pub(crate) fn line_limit(&self) -> usize {
        self.line_limit
    }

    /// Looks for a command at the start of `bytes`.
    ///
    /// # Errors
    /// [`CommandError`] if the line is not a command. Drop [`CommandError::length`] bytes and
    /// continue. After a line that was too long, the parser skips the rest of that line.
    pub fn parse<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<CommandRef<'b>>, CommandError> {
        if let Some((line, length)) = self.whole_line(bytes)
            && let Some(command) = CommandRef::from_checked(line)
        {
            return Ok(Status::Complete(command, length));
        }
        self.find(bytes)
    }

    /// The fast path for a valid, complete line. It does not change the progress. Returns the line,
    /// and its length with its end; `None` leaves everything to the slow path.
    #[inline]
    fn whole_line<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], usize)> {
        if self.searched != 0 || self.discarding {
            return None;
        }
        // The first control character is the line's end, or a fault.
        let end = scan::line_control(bytes)?;
        let (line, rest) = bytes.split_at_checked(end)?;
        let line_end = match *rest {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] if self.bare_lf => 1,
            _ => return None,
        };
        (line.len() <= self.line_limit).then_some((line, end.saturating_add(line_end)))
    }

    #[inline(never)]
    fn find<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<CommandRef<'b>>, CommandError> {
        loop {
            let Some(end) = self.line_end(bytes) else {
                let unfinished = bytes.get(self.start..).unwrap_or_default();
                // A CR stays, so that an LF after it is known as the line's end.
                let end = bytes
                    .len()
                    .saturating_sub(usize::from(unfinished.ends_with(b"\r")));
                if self.discarding {
                    self.start = end;
                } else if self.is_too_long(unfinished) {
                    self.discarding = true;
                    return Err(self.fail(CommandErrorKind::TooLong, bytes, end));
                }
                return Ok(Status::Partial);
            };
            let line = bytes.get(self.start..end).unwrap_or_default();
            if core::mem::take(&mut self.discarding) {
                self.start = end;
                continue;
            }
            if self.is_too_long(line) {
                return Err(self.fail(CommandErrorKind::TooLong, bytes, end));
            }
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                self.start = end;
                continue;
            }
            return match CommandRef::from_line(line) {
                Ok(command) => {
                    self.restart();
                    Ok(Status::Complete(command, end))
                }
                Err(kind) => Err(self.fail(kind, bytes, end)),
            };
        }
    }

    /// After [`Status::Partial`]: how many bytes at the front are not part of a command (blank
    /// lines, the rest of a line that was too long). The caller must drop that many before the next
    /// call.
    pub fn skip_blank(&mut self) -> usize {
        let skipped = core::mem::take(&mut self.start);
        self.searched = self.searched.saturating_sub(skipped);
        skipped
    }

    fn restart(&mut self) {
        self.start = 0;
        self.searched = 0;
    }

    fn fail(&mut self, kind: CommandErrorKind, bytes: &[u8], length: usize) -> CommandError {
        self.decided_by = match kind {
            CommandErrorKind::TooLong => self.start.saturating_add(self.too_long_at(bytes)),
            _ => length,
        };
        self.restart();
        CommandError { kind, length }
    }

    /// At which byte the last error was certain. Unlike the error's length, this does not depend on
    /// how the bytes arrived.
    pub(crate) fn decided_by(&self) -> usize {
        self.decided_by
    }

    /// At which byte the current line, which is too long, became too long.
    fn too_long_at(&self, bytes: &[u8]) -> usize {
        let at_limit = bytes.get(self.start.saturating_add(self.line_limit));
        // These may begin the line's end; the next byte decides.
        let may_end = matches!(at_limit, Some(b'\r' | b'\n'));
        self.line_limit
            .saturating_add(1)
            .saturating_add(usize::from(may_end))
    }

    /// The offset after the end of the unfinished line, if the end has arrived.
    fn line_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let rest = bytes.get(self.searched..)?;
            match memchr::memchr(b'\n', rest) {
                None => {
                    self.searched = bytes.len();
                    return None;
                }
                Some(at) => {
                    let newline = self.searched.saturating_add(at);
                    self.searched = newline.saturating_add(1);
                    if self.bare_lf || bytes.get(..newline).is_some_and(|b| b.ends_with(b"\r")) {
                        return Some(self.searched);
                    }
                }
            }
        }
    }

    /// Whether a line, finished or not, is longer than the limit. A CR at the limit may still be
    /// part of the line's end.
    fn is_too_long(&self, line: &[u8]) -> bool {
        !matches!(
            line.get(self.line_limit..).unwrap_or_default(),
            [] | [b'\r'] | [b'\n'] | [b'\r', b'\n']
        )
    }
}

/// Why a line is not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind}")]
#[non_exhaustive]
pub struct CommandError {
    /// What is wrong.
    pub kind: CommandErrorKind,
    /// How many bytes to drop before parsing continues.
    pub length: usize,
}

/// What is wrong with a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandErrorKind {
    /// Longer than the limit. Answered with 500.
    #[error("the command line is longer than the limit")]
    TooLong,
    /// The line does not begin with a verb of ASCII letters and digits. Answered with 500.
    #[error("the line does not begin with a command verb")]
    NotAVerb,
    /// A NUL or a carriage return inside the line. Answered with 501.
    #[error("the command holds a NUL or a carriage return")]
    ControlCharacter,
}
