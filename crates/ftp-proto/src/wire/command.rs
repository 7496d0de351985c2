//! Commands (RFC 959 §4.1, §5.3): borrowed and owned. [`super::command_parser`] finds them in a
//! stream.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::masking::{MASK, secret_begins, shown_letters};
use super::telnet::put_telnet;
use super::{CommandErrorKind, InvalidText, TextKind, TextProblem, Verb};
use super::{check_name, check_text, escape};

/// A command borrowed from a buffer.
///
/// `Debug` and `Display` show `****` in place of [`secret`](Self::secret).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandRef<'b> {
    verb: Verb,
    name: &'b [u8],
    argument: Option<&'b [u8]>,
}

impl<'b> CommandRef<'b> {
    /// From a known verb and a checked argument.
    pub(crate) fn known(verb: Verb, argument: Option<&'b [u8]>) -> Self {
        Self {
            verb,
            name: verb.name().unwrap_or_default().as_bytes(),
            argument,
        }
    }

    /// Splits a line, given without its end.
    #[inline]
    pub(crate) fn from_line(line: &'b [u8]) -> Result<Self, CommandErrorKind> {
        if check_text(TextKind::Command, line).is_err() {
            return Err(CommandErrorKind::ControlCharacter);
        }
        Self::from_checked(line).ok_or(CommandErrorKind::NotAVerb)
    }

    /// The same for a line without CR, LF or NUL; `None` if it does not begin with a verb.
    // Inlined so that the result is built in place: through memory it costs twice as much.
    #[inline(always)]
    pub(super) fn from_checked(line: &'b [u8]) -> Option<Self> {
        // Known verbs have three or four letters: no need to search for the space.
        let (mut verb, mut length) = (Verb::Unknown, 0);
        if let Some((name, [] | [b' ', ..])) = line.split_first_chunk::<4>() {
            (verb, length) = (Verb::of_four(*name), 4);
        }
        if verb == Verb::Unknown
            && let Some((name, [] | [b' ', ..])) = line.split_first_chunk::<3>()
        {
            (verb, length) = (Verb::of_three(*name), 3);
        }
        if verb == Verb::Unknown {
            length = unknown_verb(line)?;
        }
        let (name, rest) = line.split_at_checked(length)?;
        Some(Self {
            verb,
            name,
            argument: rest.get(1..),
        })
    }

    /// The verb.
    #[inline]
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The verb's letters as they came, in any case.
    #[inline]
    pub fn name(&self) -> &'b [u8] {
        self.name
    }

    /// Everything after the one space that follows the verb, unchanged. `None` without a space.
    ///
    /// If there is a [`secret`](Self::secret), the argument ends with it.
    #[inline]
    pub fn argument(&self) -> Option<&'b [u8]> {
        self.argument
    }

    /// The part of the argument that is, or may be, a secret, and is never shown. It reaches to the
    /// end of the argument. `None` if there is none.
    ///
    /// * For the verbs of [`Verb::carries_secret`]: the whole argument.
    /// * For `SITE` and unknown verbs: everything after the first word that may announce a
    ///   password: `SITE PSWD old new`, `SITE CHPASS`, `SITE PASSWD`, `SITE GPASS`, `SITE CPWD`,
    ///   `SITE ADDUSER name password`, `CHPWD`, `PASSWD`, `LOGIN` and all words that contain
    ///   `PASS`, `PSW`, `PWD`, `SECRET`, `LOGIN`, `LOGON` or `USER`. This may hide too much, so
    ///   that it does not hide too little.
    pub fn secret(&self) -> Option<&'b [u8]> {
        let argument = self.argument?;
        argument.get(secret_begins(self.verb, self.name, argument)?..)
    }

    /// Whether a part of this command is masked when it is shown: its [`secret`](Self::secret), or
    /// the letters after `PASS` or `ACCT` at the start of an unknown verb.
    pub fn carries_secret(&self) -> bool {
        self.secret().is_some() || self.shown_name().len() < self.name.len()
    }

    /// The letters of the verb that may be shown.
    fn shown_name(&self) -> &'b [u8] {
        match self.verb {
            Verb::Unknown => self.name.get(..shown_letters(self.name)),
            _ => None,
        }
        .unwrap_or(self.name)
    }

    /// Passes the command's bytes on the wire to `put`, piece by piece.
    pub(crate) fn put(&self, mut put: impl FnMut(&[u8])) {
        // Letters and digits.
        put(self.name);
        if let Some(argument) = self.argument {
            put(b" ");
            put_telnet(argument, &mut put);
        }
        put(b"\r\n");
    }

    /// A copy that owns its bytes.
    pub fn to_command(&self) -> Command {
        Command::from_parts(self.verb, self.name, self.argument)
    }
}

/// The length of the word that a line begins with, if it can be a verb.
#[inline(never)]
fn unknown_verb(line: &[u8]) -> Option<usize> {
    let space = line.iter().position(|byte| *byte == b' ');
    let length = space.unwrap_or(line.len());
    let name = line.get(..length)?;
    (!name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric)).then_some(length)
}

impl fmt::Display for CommandRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verb.name() {
            Some(name) => f.write_str(name)?,
            None => {
                let shown = self.shown_name();
                escape(shown).fmt(f)?;
                if shown.len() < self.name.len() {
                    f.write_str(MASK)?;
                }
            }
        }
        let Some(argument) = self.argument else {
            return Ok(());
        };
        let Some(secret) = self.secret() else {
            return write!(f, " {}", escape(argument));
        };
        let before = argument.len().saturating_sub(secret.len());
        let before = argument.get(..before).unwrap_or_default().trim_ascii_end();
        if !before.is_empty() {
            write!(f, " {}", escape(before))?;
        }
        write!(f, " {MASK}")
    }
}

impl fmt::Debug for CommandRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self})")
    }
}

/// A command that owns its bytes. They are wiped when it is dropped.
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
    /// [`TextProblem::NotAVerb`] for [`Verb::Unknown`], which has no name.
    pub fn new(verb: Verb) -> Result<Self, InvalidText> {
        let name = name_of(verb)?;
        Ok(Self::from_parts(verb, name.as_bytes(), None))
    }

    /// A command with an argument. It is sent unchanged, and may be empty.
    ///
    /// # Errors
    /// [`InvalidText`] if the argument holds CR, LF or NUL, or the verb is [`Verb::Unknown`].
    pub fn with_argument(verb: Verb, argument: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        let name = name_of(verb)?;
        check_text(TextKind::Argument, argument.as_ref())?;
        Ok(Self::from_parts(
            verb,
            name.as_bytes(),
            Some(argument.as_ref()),
        ))
    }

    /// A command with a path, which is sent verbatim.
    ///
    /// # Errors
    /// As [`with_argument`](Self::with_argument); [`TextProblem::Empty`] if it is empty.
    pub fn with_path(verb: Verb, path: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        if path.as_ref().is_empty() {
            return Err(TextProblem::Empty.of(TextKind::Argument));
        }
        Self::with_argument(verb, path)
    }

    /// A command from a line that a user typed: verb, space, argument; without the line's end.
    ///
    /// # Errors
    /// [`InvalidText`] if the line holds CR, LF or NUL, or does not begin with a verb.
    pub fn from_line(line: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        let line = line.as_ref();
        check_name(TextKind::Command, line)?;
        CommandRef::from_line(line)
            .map(|command| command.to_command())
            .map_err(|_| TextProblem::NotAVerb.of(TextKind::Command))
    }

    /// From checked parts.
    pub(super) fn from_parts(verb: Verb, name: &[u8], argument: Option<&[u8]>) -> Self {
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
    #[inline]
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The verb's letters.
    #[inline]
    pub fn name(&self) -> &[u8] {
        self.borrow().name
    }

    /// The argument: see [`CommandRef::argument`].
    #[inline]
    pub fn argument(&self) -> Option<&[u8]> {
        self.borrow().argument
    }

    /// The part that is a secret: see [`CommandRef::secret`].
    pub fn secret(&self) -> Option<&[u8]> {
        self.borrow().secret()
    }

    /// Whether a part of it is masked: see [`CommandRef::carries_secret`].
    pub fn carries_secret(&self) -> bool {
        self.borrow().carries_secret()
    }

    /// The same command, borrowed.
    #[inline]
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

    /// Appends the command's bytes on the wire: every 0xFF doubled (RFC 854), and CRLF at the end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // One allocation of the final size: growing would leave copies of a secret in memory.
        let doubled = memchr::memchr_iter(0xff, &self.line).count();
        out.reserve(self.line.len().saturating_add(doubled).saturating_add(2));
        self.borrow().put(|bytes| out.extend_from_slice(bytes));
    }
}

fn name_of(verb: Verb) -> Result<&'static str, InvalidText> {
    verb.name()
        .ok_or(TextProblem::NotAVerb.of(TextKind::Command))
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
