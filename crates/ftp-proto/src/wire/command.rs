//! Commands (RFC 959 §4.1, §5.3): reading them in place, and building them.

use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{InvalidText, Status, Verb, check_text, encode_telnet, escape};
use crate::{Lenience, Limits};

/// Finds commands in bytes that the caller keeps.
///
/// Call [`parse`](Self::parse) with all unconsumed bytes; on [`Status::Partial`] call it again with
/// the same bytes and more behind them. Blank lines are skipped.
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
    /// Where the command starts: behind blank lines and what is left of an over-long one.
    start: usize,
    /// Up to where no end of line was found.
    searched: usize,
    /// The line was over the limit; its rest is being skipped.
    discarding: bool,
}

impl Default for CommandParser {
    fn default() -> Self {
        Self::new(Limits::default().command_line, &Lenience::default())
    }
}

impl CommandParser {
    /// A parser for lines of at most `line_limit` bytes, their ends not counted.
    pub fn new(line_limit: usize, lenience: &Lenience) -> Self {
        Self {
            line_limit,
            bare_lf: lenience.bare_lf,
            start: 0,
            searched: 0,
            discarding: false,
        }
    }

    /// Changes the line limit, for the lines that follow.
    pub fn set_line_limit(&mut self, line_limit: usize) {
        self.line_limit = line_limit;
    }

    /// Looks for a command at the start of `bytes`.
    ///
    /// # Errors
    /// [`CommandError`] if the line is no command. Drop [`CommandError::length`] bytes and go on:
    /// after an over-long line the parser skips what is still to come of it.
    pub fn parse<'b>(&mut self, bytes: &'b [u8]) -> Result<Status<CommandRef<'b>>, CommandError> {
        loop {
            let Some(end) = self.line_end(bytes) else {
                let unfinished = bytes.get(self.start..).unwrap_or_default();
                // A CR stays, so that the LF behind it is known for the line's end.
                let end = bytes
                    .len()
                    .saturating_sub(usize::from(unfinished.ends_with(b"\r")));
                if self.discarding {
                    self.start = end;
                } else if self.is_too_long(unfinished) {
                    self.discarding = true;
                    return Err(self.fail(CommandErrorKind::TooLong, end));
                }
                return Ok(Status::Partial);
            };
            let line = bytes.get(self.start..end).unwrap_or_default();
            if core::mem::take(&mut self.discarding) {
                self.start = end;
                continue;
            }
            if self.is_too_long(line) {
                return Err(self.fail(CommandErrorKind::TooLong, end));
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
                Err(kind) => Err(self.fail(kind, end)),
            };
        }
    }

    /// After [`Status::Partial`]: how many bytes at the front belong to no command (blank lines,
    /// the rest of an over-long line). The caller must drop that many before the next call.
    pub fn skip_blank(&mut self) -> usize {
        let skipped = core::mem::take(&mut self.start);
        self.searched = self.searched.saturating_sub(skipped);
        skipped
    }

    fn restart(&mut self) {
        self.start = 0;
        self.searched = 0;
    }

    fn fail(&mut self, kind: CommandErrorKind, length: usize) -> CommandError {
        self.restart();
        CommandError { kind, length }
    }

    /// The offset behind the end of the unfinished line, if it is there.
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

    /// Whether a line, finished or not, holds more than the limit. A CR at the limit may yet turn
    /// out to be part of the line's end.
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
pub struct CommandError {
    /// What is wrong.
    pub kind: CommandErrorKind,
    /// How many bytes to drop before parsing on.
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

/// A command in someone else's buffer.
///
/// `Debug` and `Display` show `****` in place of an argument that is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandRef<'b> {
    verb: Verb,
    name: &'b [u8],
    argument: Option<&'b [u8]>,
}

impl<'b> CommandRef<'b> {
    /// Takes a line without its end apart.
    pub(crate) fn from_line(line: &'b [u8]) -> Result<Self, CommandErrorKind> {
        let (name, argument) = match memchr::memchr(b' ', line) {
            None => (line, None),
            Some(space) => {
                let (name, rest) = line.split_at(space);
                (name, rest.get(1..))
            }
        };
        let verb = Verb::from_name(name);
        if verb == Verb::Unknown && (name.is_empty() || !name.iter().all(u8::is_ascii_alphanumeric))
        {
            return Err(match check_text(line) {
                Ok(()) => CommandErrorKind::NotAVerb,
                Err(_) => CommandErrorKind::ControlCharacter,
            });
        }
        if argument.is_some_and(|argument| check_text(argument).is_err()) {
            return Err(CommandErrorKind::ControlCharacter);
        }
        Ok(Self {
            verb,
            name,
            argument,
        })
    }

    /// The verb.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The verb's letters as they came, in any case.
    pub fn name(&self) -> &'b [u8] {
        self.name
    }

    /// All behind the one space after the verb, verbatim. `None` if there was no space.
    ///
    /// A secret where [`Verb::carries_secret`] says so.
    pub fn argument(&self) -> Option<&'b [u8]> {
        self.argument
    }

    /// A copy that owns its bytes.
    pub fn to_command(&self) -> Command {
        Command::from_parts(self.verb, self.name, self.argument)
    }
}

impl fmt::Display for CommandRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verb.name() {
            Some(name) => f.write_str(name)?,
            None => escape(self.name).fmt(f)?,
        }
        match self.argument {
            None => Ok(()),
            Some(_) if self.verb.carries_secret() => f.write_str(" ****"),
            Some(argument) => write!(f, " {}", escape(argument)),
        }
    }
}

impl fmt::Debug for CommandRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self})")
    }
}

/// A command that owns its bytes, which are wiped when it is dropped.
///
/// ```
/// use ftp_proto::wire::{Command, Verb};
///
/// let command = Command::with_argument(Verb::Cwd, "/pub")?;
/// let mut out = Vec::new();
/// command.encode(&mut out);
/// assert_eq!(out, b"CWD /pub\r\n");
/// assert_eq!(Command::try_from("site chmod 644 notes")?.name(), b"site");
/// assert!(Command::try_from("NOOP\r\nDELE notes").is_err());
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    verb: Verb,
    name_length: usize,
    /// Name, space and argument, without the line's end.
    line: Zeroizing<Vec<u8>>,
}

impl Command {
    /// A command without an argument.
    ///
    /// # Errors
    /// [`InvalidText::NotAVerb`] for [`Verb::Unknown`], which has no name.
    pub fn new(verb: Verb) -> Result<Self, InvalidText> {
        let name = verb.name().ok_or(InvalidText::NotAVerb)?;
        Ok(Self::from_parts(verb, name.as_bytes(), None))
    }

    /// A command with an argument, which is sent verbatim and may be empty.
    ///
    /// # Errors
    /// [`InvalidText`] if the argument holds CR, LF or NUL, or the verb is [`Verb::Unknown`].
    pub fn with_argument(verb: Verb, argument: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        let name = verb.name().ok_or(InvalidText::NotAVerb)?;
        check_text(argument.as_ref())?;
        Ok(Self::from_parts(
            verb,
            name.as_bytes(),
            Some(argument.as_ref()),
        ))
    }

    /// A command from a line as a user types it: verb, space, argument; without the line's end.
    ///
    /// # Errors
    /// [`InvalidText`] if the line holds CR, LF or NUL, or does not begin with a verb.
    pub fn from_line(line: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        let line = line.as_ref();
        check_text(line)?;
        if line.is_empty() {
            return Err(InvalidText::Empty);
        }
        CommandRef::from_line(line)
            .map(|command| command.to_command())
            .map_err(|_| InvalidText::NotAVerb)
    }

    /// From parts that were checked.
    pub(crate) fn from_parts(verb: Verb, name: &[u8], argument: Option<&[u8]>) -> Self {
        let space = usize::from(argument.is_some());
        let argument_length = argument.map_or(0, <[u8]>::len);
        let capacity = name
            .len()
            .saturating_add(space)
            .saturating_add(argument_length);
        let mut line = Zeroizing::new(Vec::with_capacity(capacity));
        line.extend_from_slice(name);
        if let Some(argument) = argument {
            line.push(b' ');
            line.extend_from_slice(argument);
        }
        Self {
            verb,
            name_length: name.len(),
            line,
        }
    }

    /// The verb.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The verb's letters.
    pub fn name(&self) -> &[u8] {
        self.borrow().name
    }

    /// The argument: see [`CommandRef::argument`].
    pub fn argument(&self) -> Option<&[u8]> {
        self.borrow().argument
    }

    /// The same command, borrowed.
    pub fn borrow(&self) -> CommandRef<'_> {
        let (name, rest) = self
            .line
            .split_at_checked(self.name_length)
            .unwrap_or_default();
        CommandRef {
            verb: self.verb,
            name,
            argument: rest.get(1..),
        }
    }

    /// Appends the command as it goes over the wire: every 0xFF doubled (RFC 854), CRLF behind.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // One allocation of the final size: growing would leave copies of a secret behind.
        let doubled = memchr::memchr_iter(0xff, &self.line).count();
        out.reserve(self.line.len().saturating_add(doubled).saturating_add(2));
        encode_telnet(&self.line, out);
        out.extend_from_slice(b"\r\n");
    }
}

impl core::str::FromStr for Command {
    type Err = InvalidText;

    /// See [`Command::from_line`].
    fn from_str(line: &str) -> Result<Self, InvalidText> {
        Self::from_line(line)
    }
}

impl From<CommandRef<'_>> for Command {
    fn from(command: CommandRef<'_>) -> Self {
        command.to_command()
    }
}

impl TryFrom<&str> for Command {
    type Error = InvalidText;

    fn try_from(line: &str) -> Result<Self, InvalidText> {
        Self::from_line(line)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.borrow(), f)
    }
}
