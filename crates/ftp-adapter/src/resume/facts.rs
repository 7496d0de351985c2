//! What a server says of a file, to see whether it is still the same.

use ftp_proto::DateTime;
use ftp_proto::data::DataType;
use ftp_proto::wire::{Class, Code, Command, Reply, Verb, parse_size, parse_time};

use crate::Error;
use crate::files::{Exchange, Known, Turn};

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

    /// What came of an operation that asks for it. That the server does not say it is no error.
    ///
    /// # Errors
    /// That of the operation, if it says nothing of the file.
    pub fn from_answer(answer: Result<T, Error>) -> Result<Self, Error> {
        match answer {
            Ok(value) => Ok(Self::Known(value)),
            Err(Error::Refused(reply)) => Ok(Self::from_reply(&reply, None)),
            Err(Error::UnusableReply { .. } | Error::NotSupported(_)) => Ok(Self::Unknown),
            Err(error) => Err(error),
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

/// Asks for the [`FileFacts`]: `TYPE I`, in which alone the size is what a transfer moves, unless it is in
/// force; `SIZE`; `MDTM`. What the server refuses is [`Unknown`](Fact::Unknown) or
/// [`Missing`](Fact::Missing), and no error.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
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
            modified,
            ..Self::size(path)?
        })
    }

    /// About its size alone.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn size(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self {
            size: Command::with_argument(Verb::Size, path)?,
            modified: None,
            step: Step::Type,
            facts: FileFacts::default(),
        })
    }

    fn ask_size(&mut self) -> Turn<FileFacts> {
        self.step = Step::Size;
        Turn::Send(self.size.clone())
    }

    fn ask_modified(&mut self) -> Turn<FileFacts> {
        self.step = Step::Modified;
        match self.modified.take() {
            Some(command) => Turn::Send(command),
            None => Turn::Done(self.facts),
        }
    }
}

impl Exchange for AskFacts {
    type Output = FileFacts;

    fn next(&mut self, known: &mut Known, reply: Option<Reply>) -> Result<Turn<FileFacts>, Error> {
        let Some(reply) = reply else {
            return Ok(match known.data_type {
                Some(DataType::Image) => self.ask_size(),
                _ => Turn::Send(Command::with_argument(Verb::Type, "I")?),
            });
        };
        Ok(match self.step {
            Step::Type if reply.code().class() == Class::Completion => self.ask_size(),
            Step::Type => self.ask_modified(),
            Step::Size => {
                self.facts.size = Fact::from_reply(&reply, parse_size(reply.borrow()));
                self.ask_modified()
            }
            Step::Modified => {
                self.facts.modified = Fact::from_reply(&reply, parse_time(reply.borrow()));
                Turn::Done(self.facts)
            }
        })
    }
}
