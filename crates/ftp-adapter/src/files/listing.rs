//! Which command lists a directory, and what it means if that fails.

use ftp_proto::client::{Transfer, TransferError};
use ftp_proto::wire::{Command, Reply, Verb, parse_path};

use super::exchange::completed;
use super::{Exchange, Known, Turn};
use crate::Error;

/// How to list a directory.
///
/// As an [`Exchange`] it leads to the transfer. If that fails, [`failed`](Self::failed) says whether the
/// exchange goes on. After the transfer, or in place of it, [`Return`](super::Return) leads back.
///
/// * `MLSD`, if `FEAT` lists `MLST`, else `LIST`. A server that does not understand `MLSD` after all gets
///   `LIST` from then on.
/// * Many servers take blanks, wildcards and a leading `-` in the path of `LIST` and `NLST` for something
///   else: then `PWD`, `CWD` to the path, and `LIST` without one.
/// * 450 and 550 that say that there is nothing are an empty listing, if `CWD` shows that there is such
///   a directory.
///
/// An empty listing proves nothing: servers send one for a directory that is missing, too.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct Listing {
    path: Option<Vec<u8>>,
    names_alone: bool,
    step: Step,
}

/// What a [`Listing`] leads to.
#[derive(Debug)]
pub enum ListingStep {
    /// This brings it.
    Transfer(Transfer),
    /// The directory is there, and empty.
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    /// The reply to `PWD`.
    Home {
        then: Goal,
    },
    /// The reply to `CWD`.
    There {
        then: Goal,
    },
    /// It is listed, over this command's transfer.
    Listed,
    /// The transfer said that there is nothing.
    Nothing,
    Over,
}

/// Why to go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// To list it.
    List,
    /// To see that there is such a directory.
    Prove,
}

impl Listing {
    /// Lists the entries of this directory; `None` is the current one.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if the path is empty or holds CR, LF or NUL.
    pub fn entries(path: Option<&[u8]>) -> Result<Self, Error> {
        Self::new(path, false)
    }

    /// Lists the names alone (`NLST`).
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn names(path: Option<&[u8]>) -> Result<Self, Error> {
        Self::new(path, true)
    }

    fn new(path: Option<&[u8]>, names_alone: bool) -> Result<Self, Error> {
        // It is only to be checked.
        let _unused = Transfer::list(path)?;
        Ok(Self {
            path: path.map(<[u8]>::to_vec),
            names_alone,
            step: Step::Begin,
        })
    }

    fn uses_mlsd(&self, known: &Known) -> bool {
        let has_it = known.features().is_some_and(|features| features.has_mlst());
        !self.names_alone && has_it && !known.refuses_mlsd
    }

    fn transfer(&mut self, verb: Verb, path: Option<&[u8]>) -> Result<Turn<ListingStep>, Error> {
        self.step = Step::Listed;
        Ok(Turn::Done(ListingStep::Transfer(match verb {
            Verb::Mlsd => Transfer::machine_list(path)?,
            Verb::Nlst => Transfer::names(path)?,
            _ => Transfer::list(path)?,
        })))
    }

    fn empty(&mut self) -> Turn<ListingStep> {
        self.step = Step::Over;
        Turn::Done(ListingStep::Empty)
    }

    /// `LIST` or `NLST`.
    fn verb(&self) -> Verb {
        match self.names_alone {
            true => Verb::Nlst,
            false => Verb::List,
        }
    }

    /// Goes to the directory, once it is known where the way back leads.
    fn go(&mut self, then: Goal) -> Result<Turn<ListingStep>, Error> {
        self.step = Step::Home { then };
        Ok(Turn::Send(Command::new(Verb::Pwd)?))
    }

    fn begin(&mut self, known: &Known) -> Result<Turn<ListingStep>, Error> {
        let path = self.path.clone();
        match &path {
            path if self.uses_mlsd(known) => self.transfer(Verb::Mlsd, path.as_deref()),
            Some(path) if is_risky(path) => self.go(Goal::List),
            path => self.transfer(self.verb(), path.as_deref()),
        }
    }

    /// The transfer failed. Whether the exchange goes on: begin it again then. If not, the error stands.
    pub fn failed(&mut self, error: &Error, known: &mut Known) -> bool {
        let Error::Transfer { error, .. } = error else {
            return false;
        };
        if self.step != Step::Listed {
            return false;
        }
        let (reply, is_refused) = match &**error {
            TransferError::Refused {
                verb: Verb::Mlsd | Verb::List | Verb::Nlst,
                reply,
            } => (reply, true),
            TransferError::Failed {
                reply, bytes: 0, ..
            } => (reply, false),
            _ => return false,
        };
        let code = reply.code().get();
        self.step = match code {
            500 | 502 if is_refused && self.uses_mlsd(known) => {
                known.refuses_mlsd = true;
                Step::Begin
            }
            450 | 550 if says_nothing(reply) => Step::Nothing,
            _ => return false,
        };
        true
    }
}

impl Exchange for Listing {
    type Output = ListingStep;

    fn needs_features(&self) -> bool {
        !self.names_alone
    }

    fn next(
        &mut self,
        known: &mut Known,
        reply: Option<Reply>,
    ) -> Result<Turn<ListingStep>, Error> {
        match (self.step, reply) {
            (Step::Begin, _) => self.begin(known),
            // It was seen on the way there.
            (Step::Nothing, _) if known.is_away() => Ok(self.empty()),
            (Step::Nothing, _) => self.go(Goal::Prove),
            (Step::Home { then }, Some(reply)) => {
                let verb = Verb::Pwd;
                let reply = completed(verb, reply)?;
                let home = parse_path(reply.borrow()).filter(|home| !home.is_empty());
                let home = home.ok_or(Error::UnusableReply { verb, reply })?;
                let there = self.path.as_deref().unwrap_or(&home);
                let command = Command::with_path(Verb::Cwd, there)?;
                // It may be taken even if nobody waits for the reply.
                known.home = Some(home);
                self.step = Step::There { then };
                Ok(Turn::Send(command))
            }
            (Step::There { then }, Some(reply)) => {
                if let Err(error) = completed(Verb::Cwd, reply) {
                    known.home = None;
                    return Err(error);
                }
                match then {
                    Goal::List => self.transfer(self.verb(), None),
                    Goal::Prove => Ok(self.empty()),
                }
            }
            (Step::Home { .. } | Step::There { .. } | Step::Listed | Step::Over, _) => {
                Err(Error::Closed)
            }
        }
    }
}

/// Whether servers take the path of a `LIST` for something else: options, or a pattern.
fn is_risky(path: &[u8]) -> bool {
    let is_special = |byte: &u8| byte.is_ascii_whitespace() || b"*?[{".contains(byte);
    path.starts_with(b"-") || path.iter().any(is_special)
}

/// Whether the text is one with which servers say that a directory is empty.
fn says_nothing(reply: &Reply) -> bool {
    const TEXTS: [&str; 8] = [
        "no files",
        "no entries",
        "no members found",
        "no data sets found",
        "nothing found",
        "is empty",
        "directory empty",
        "empty directory",
    ];
    let text = String::from_utf8_lossy(reply.text()).to_ascii_lowercase();
    TEXTS.iter().any(|known| text.contains(known))
}
