//! What a client knows of the server since the login.

use ftp_proto::client::Connection;
use ftp_proto::data::DataType;
use ftp_proto::wire::{Class, Command, Features, Reply, Verb};

use super::exchange::completed;
use super::{Exchange, Turn};
use crate::Error;

/// What a client knows of the server since the login. `REIN` begins anew.
#[derive(Debug, Default)]
pub struct Known {
    features: Option<Features>,
    /// As [`Connection::data_type`], before each turn.
    pub(crate) data_type: Option<DataType>,
    /// `MLSD` is listed, and was not understood.
    pub(super) refuses_mlsd: bool,
    /// The directory to go back to: a listing went elsewhere.
    pub(super) home: Option<Vec<u8>>,
}

impl Known {
    /// What `FEAT` lists, if it was asked.
    pub fn features(&self) -> Option<&Features> {
        self.features.as_ref()
    }

    /// Whether a listing changed the current directory, and it was not changed back yet: see [`Return`].
    pub fn is_away(&self) -> bool {
        self.home.is_some()
    }

    /// There is no need to go back: the current directory does not matter any more.
    pub fn stay(&mut self) {
        self.home = None;
    }

    /// See [`PendingEvents::turn`](crate::PendingEvents::turn).
    pub(crate) fn turn<E: Exchange>(
        &mut self,
        exchange: &mut E,
        connection: &Connection,
        mut reply: Option<Reply>,
    ) -> Result<Turn<E::Output>, Error> {
        self.data_type = connection.data_type();
        if self.features.is_none() && exchange.needs_features() {
            // It is asked before the exchange begins, so a reply is that to `FEAT`.
            let Some(reply) = reply.take() else {
                return Ok(Turn::Send(Command::new(Verb::Feat)?));
            };
            self.features = Some(match reply.code().class() {
                Class::Completion => Features::parse(reply.borrow()),
                Class::PermanentNegative => Features::NONE,
                _ => return Err(completed(Verb::Feat, reply).err().unwrap_or(Error::Closed)),
            });
        }
        exchange.next(self, reply)
    }

    /// Whether `FEAT` lists this.
    pub(super) fn lists(&self, feature: &str) -> bool {
        self.features
            .as_ref()
            .is_some_and(|features| features.contains(feature))
    }
}

/// What the server's `FEAT` lists; it is asked once. None of a server that does not know `FEAT`.
#[derive(Debug, Default)]
pub struct FeaturesOf;

impl Exchange for FeaturesOf {
    type Output = Features;

    fn needs_features(&self) -> bool {
        true
    }

    fn next(&mut self, known: &mut Known, _: Option<Reply>) -> Result<Turn<Features>, Error> {
        Ok(Turn::Done(known.features.clone().unwrap_or_default()))
    }
}

/// Goes back to the directory that was left for a listing. To be done before anything else.
#[derive(Debug, Default)]
pub struct Return;

impl Exchange for Return {
    type Output = ();

    fn next(&mut self, known: &mut Known, reply: Option<Reply>) -> Result<Turn<()>, Error> {
        if let Some(reply) = reply {
            completed(Verb::Cwd, reply)?;
            known.home = None;
        }
        Ok(match &known.home {
            Some(home) => Turn::Send(Command::with_path(Verb::Cwd, home)?),
            None => Turn::Done(()),
        })
    }
}
