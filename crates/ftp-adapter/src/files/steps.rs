//! What takes two commands, or has a condition.

use ftp_proto::DateTime;
use ftp_proto::data::DataType;
use ftp_proto::wire::{Class, Command, Reply, Verb, parse_size, parse_time};

use super::exchange::{completed, expected};
use super::{Exchange, Known, Turn};
use crate::Error;

/// `RNFR`, `RNTO`: gives a file another name or place. What both paths are is checked before anything is
/// sent.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct Rename {
    from: Command,
    to: Command,
    has_begun: bool,
}

impl Rename {
    /// From here to there.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if a path is empty or holds CR, LF or NUL.
    pub fn new(from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self {
            from: Command::with_path(Verb::Rnfr, from)?,
            to: Command::with_path(Verb::Rnto, to)?,
            has_begun: false,
        })
    }
}

impl Exchange for Rename {
    type Output = ();

    fn next(&mut self, _: &mut Known, reply: Option<Reply>) -> Result<Turn<()>, Error> {
        let Some(reply) = reply else {
            return Ok(Turn::Send(self.from.clone()));
        };
        if self.has_begun {
            completed(Verb::Rnto, reply)?;
            return Ok(Turn::Done(()));
        }
        expected(Class::Intermediate, Verb::Rnfr, reply)?;
        self.has_begun = true;
        Ok(Turn::Send(self.to.clone()))
    }
}

/// `SIZE`, after `TYPE I` if that is not in force: in `TYPE A` servers count otherwise, or refuse.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct Size {
    command: Command,
    is_asked: bool,
}

impl Size {
    /// Of this file.
    ///
    /// # Errors
    /// As [`Rename::new`].
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self {
            command: Command::with_path(Verb::Size, path)?,
            is_asked: false,
        })
    }
}

impl Exchange for Size {
    type Output = u64;

    fn next(&mut self, known: &mut Known, reply: Option<Reply>) -> Result<Turn<u64>, Error> {
        match reply {
            Some(reply) if self.is_asked => {
                let verb = Verb::Size;
                let reply = completed(verb, reply)?;
                return match parse_size(reply.borrow()) {
                    Some(size) => Ok(Turn::Done(size)),
                    None => Err(Error::UnusableReply { verb, reply }),
                };
            }
            Some(reply) => drop(completed(Verb::Type, reply)?),
            None if known.data_type == Some(DataType::Image) => {}
            None => return Ok(Turn::Send(Command::with_argument(Verb::Type, "I")?)),
        }
        self.is_asked = true;
        Ok(Turn::Send(self.command.clone()))
    }
}

/// `MFMT`: sets when a file was changed last, if `FEAT` lists it. `MDTM` with a time, which some servers
/// take for the same, means a file of such a name to others.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct SetModified {
    command: Command,
}

impl SetModified {
    /// Of this file, to this time in UTC, without its fraction.
    ///
    /// # Errors
    /// As [`Rename::new`].
    pub fn new(path: impl AsRef<[u8]>, time: DateTime) -> Result<Self, Error> {
        let path = path.as_ref();
        Command::with_path(Verb::Mfmt, path)?;
        let time = format!("{} ", time.with_nanosecond(0).compact());
        let arguments = [time.as_bytes(), path].concat();
        Ok(Self {
            command: Command::with_argument(Verb::Mfmt, arguments)?,
        })
    }
}

impl Exchange for SetModified {
    /// What the server says that it set; `None` if it does not say.
    type Output = Option<DateTime>;

    fn needs_features(&self) -> bool {
        true
    }

    fn next(
        &mut self,
        known: &mut Known,
        reply: Option<Reply>,
    ) -> Result<Turn<Option<DateTime>>, Error> {
        let Some(reply) = reply else {
            return match known.lists("MFMT") {
                true => Ok(Turn::Send(self.command.clone())),
                false => Err(Error::NotSupported("MFMT")),
            };
        };
        let reply = completed(Verb::Mfmt, reply)?;
        Ok(Turn::Done(parse_time(reply.borrow())))
    }
}
