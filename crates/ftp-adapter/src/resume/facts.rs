//! What a server says of a file, to see whether it is still the same.

use ftp_proto::DateTime;
use ftp_proto::wire::{Class, Code, Command, Reply, Verb, parse_size, parse_time};

use crate::Error;

/// One thing that a server says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fact<T> {
    /// This.
    Known(T),
    /// It says that there is no such file (550).
    Missing,
    /// It does not say.
    #[default]
    Unknown,
}

impl<T> Fact<T> {
    /// The value, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing | Self::Unknown => None,
        }
    }

    fn from_reply(reply: &Reply, value: Option<T>) -> Self {
        match value {
            Some(value) => Self::Known(value),
            None if reply.code() == Code::FILE_UNAVAILABLE => Self::Missing,
            None => Self::Unknown,
        }
    }
}

/// Size and time of a file of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileFacts {
    /// How many bytes it has (`SIZE`, RFC 3659 §4).
    pub size: Fact<u64>,
    /// When it was changed (`MDTM`, RFC 3659 §3).
    pub modified: Fact<DateTime>,
}

/// Asks for the [`FileFacts`]: `TYPE I`, in which alone the size is what a transfer moves; `SIZE`;
/// `MDTM`.
///
/// Send each [`next`](Self::next) command and give its reply to [`on_reply`](Self::on_reply), until
/// there is none; then there are the [`facts`](Self::facts).
#[derive(Debug)]
pub struct AskFacts {
    size: Command,
    modified: Option<Command>,
    step: Step,
    facts: FileFacts,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Type,
    Size,
    Modified,
    Done,
}

impl AskFacts {
    /// About this file.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if the path cannot be sent.
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        let path = path.as_ref();
        // Some servers take `MDTM 20240501123400 name` for an order to set the time.
        let is_order = path.len() > 14
            && path[..14].iter().all(u8::is_ascii_digit)
            && matches!(path[14], b' ' | b'.');
        let modified = match is_order {
            true => None,
            false => Some(Command::with_argument(Verb::Mdtm, path)?),
        };
        Ok(Self {
            size: Command::with_argument(Verb::Size, path)?,
            modified,
            step: Step::Type,
            facts: FileFacts::default(),
        })
    }

    /// The command to send now.
    ///
    /// # Errors
    /// None in practice.
    pub fn next(&self) -> Result<Option<Command>, Error> {
        Ok(match self.step {
            Step::Type => Some(Command::with_argument(Verb::Type, "I")?),
            Step::Size => Some(self.size.clone()),
            Step::Modified => self.modified.clone(),
            Step::Done => None,
        })
    }

    /// The final reply to that command.
    pub fn on_reply(&mut self, reply: &Reply) {
        self.step = match self.step {
            Step::Type if reply.code().class() == Class::Completion => Step::Size,
            Step::Type => Step::Modified,
            Step::Size => {
                let size = parse_size(reply.borrow());
                self.facts.size = Fact::from_reply(reply, size);
                Step::Modified
            }
            Step::Modified => {
                let modified = parse_time(reply.borrow());
                self.facts.modified = Fact::from_reply(reply, modified);
                Step::Done
            }
            Step::Done => Step::Done,
        };
    }

    /// What the server said.
    pub fn facts(&self) -> FileFacts {
        self.facts
    }
}
