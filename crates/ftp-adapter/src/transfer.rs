//! A transfer of a client, without waiting: what comes over both connections, and what to do next.

use std::fmt;
use std::io;
use std::mem::take;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{Connection, Event, Transfer, TransferError, TransferId, Transferred};
use ftp_proto::wire::Reply;
use ftp_proto::{Instant, TlsSession, data};
use ftp_rustls::Secured;

use crate::{DriverError, Error, PendingEvents};

/// A transfer under way, as an adapter sees it.
///
/// The adapter gives each event of the control connection to [`on_event`](Self::on_event), does what that
/// asks for, and reports with [`opened`](Self::opened), [`not_opened`](Self::not_opened) and
/// [`ended`](Self::ended), until there is an [`outcome`](Self::take_outcome). Dropping it, with the
/// data connection, gives the transfer up.
#[derive(Debug)]
pub struct TransferState {
    id: TransferId,
    started: Option<Started>,
    outcome: Option<Result<Transferred, TransferError>>,
    cause: Option<DataFailure>,
    moved: u64,
}

/// What a transfer was, when it is over and whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// How many bytes went over the data connection.
    pub bytes: u64,
    /// The final reply.
    pub reply: Reply,
    /// The length that the server announced before, if it did so to the byte.
    pub announced: Option<u64>,
    /// The TLS session of the data connection, if there was one; it says whether it was resumed.
    pub tls: Option<Arc<TlsSession>>,
    /// The address in the reply to `PASV`, if that was used. If it is not the server's, the server is
    /// behind NAT, or means somebody else: it was not connected to.
    pub passive_address: Option<SocketAddrV4>,
    /// From the call that began it to the final reply.
    pub elapsed: Duration,
}

impl Report {
    /// Puts the two together.
    pub fn new(transferred: Transferred, elapsed: Duration) -> Self {
        let Transferred {
            reply,
            bytes,
            announced,
            tls,
            passive_address,
            ..
        } = transferred;
        Self {
            bytes,
            reply,
            announced,
            tls,
            passive_address,
            elapsed,
        }
    }
}

/// What the server said when the transfer began.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Started {
    /// How many bytes will come, if the reply says so to the byte.
    pub announced: Option<u64>,
    /// The reply, if one came in time.
    pub reply: Option<Reply>,
}

/// What an event of the control connection asks for.
#[derive(Debug)]
pub enum TransferStep {
    /// Open the data connection, and drop one that is being opened.
    Open(data::Ticket),
    /// Listen for it.
    Listen,
    /// Tell the data connection, if there is one, that the transfer has [begun](data::Connection::begun).
    Begun,
    /// Nothing; the event was the transfer's own.
    GoOn,
    /// The event belongs to something else.
    NotMine(Event),
}

/// What happened to the data connection, besides what the machine knows.
#[derive(Debug)]
pub enum DataFailure {
    /// It could not be made.
    NotMade(io::Error),
    /// It broke, or TLS failed on it.
    Broken(DriverError<ftp_rustls::Error<data::Error>>),
    /// Nothing: the control connection ended.
    ControlLost(Box<Error>),
}

impl fmt::Display for DataFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMade(error) => error.fmt(f),
            Self::Broken(DriverError::Io { error, .. }) => error.fmt(f),
            Self::Broken(DriverError::Machine(error)) => error.fmt(f),
            Self::ControlLost(error) => error.fmt(f),
        }
    }
}

impl TransferState {
    /// Begins a transfer.
    ///
    /// # Errors
    /// [`Error::Unsolicited`] if replies are out of step, [`Error::Misuse`] if the connection is not
    /// idle.
    pub fn start(
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
        transfer: Transfer,
    ) -> Result<Self, Error> {
        pending.check_in_step()?;
        Ok(Self {
            id: machine.machine_mut().transfer(now, transfer)?,
            started: None,
            outcome: None,
            cause: None,
            moved: 0,
        })
    }

    /// An event of the control connection came.
    pub fn on_event(&mut self, event: Event) -> TransferStep {
        match event {
            Event::OpenData(ticket) => return TransferStep::Open(ticket),
            Event::Listen(id) if id == self.id => return TransferStep::Listen,
            Event::Started {
                transfer,
                announced,
                reply,
            } if transfer == self.id => {
                self.started = Some(Started { announced, reply });
                return TransferStep::Begun;
            }
            Event::Transferred { transfer, outcome } if transfer == self.id => {
                self.outcome = Some(outcome);
            }
            event => return TransferStep::NotMine(event),
        }
        TransferStep::GoOn
    }

    /// Which transfer it is.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// What the server said when it began, once it has.
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// Whether it has begun or is over.
    pub fn has_begun(&self) -> bool {
        self.started.is_some() || self.is_over()
    }

    /// Whether it is known how it ended.
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    /// The application listens there, as [`TransferStep::Listen`] asked.
    pub fn listening(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        address: SocketAddr,
    ) {
        // If it is over, that was told already.
        let _over_already = machine.machine_mut().listening(now, self.id, address);
    }

    /// There is no way to listen.
    pub fn not_listening(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        error: io::Error,
    ) {
        if machine.machine_mut().not_listening(now, self.id).is_ok() {
            self.cause = Some(DataFailure::NotMade(error));
        }
    }

    /// The data connection stands. `None`: it is not wanted any more.
    pub fn opened(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        ticket: data::Ticket,
    ) -> Option<Secured<data::Connection>> {
        let mut opened = machine.machine_mut().data_opened(now, ticket).ok()?;
        if machine.has_one_session_left() && self.started.is_none() {
            opened.postpone_tls(now);
        }
        Some(machine.data(opened))
    }

    /// The data connection cannot be made.
    pub fn not_opened(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        ticket: data::Ticket,
        error: io::Error,
    ) {
        if machine.machine_mut().data_failed(now, ticket).is_ok() {
            self.cause = Some(DataFailure::NotMade(error));
        }
    }

    /// The data connection ended like this. Returns what it received and nobody has read yet. Drop the
    /// transport first: some servers confirm a transfer only then.
    pub fn ended(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        data: Secured<data::Connection>,
        result: Result<(), DriverError<ftp_rustls::Error<data::Error>>>,
    ) -> Vec<u8> {
        let mut data = data.into_machine();
        if let Err(error) = result {
            self.cause = Some(DataFailure::Broken(error));
            data.failed(now);
        }
        self.moved = data.moved();
        let unread = data.readable().to_vec();
        // If the transfer is over, its outcome is known already.
        let _over_already = machine.machine_mut().data_ended(now, data.into_end());
        unread
    }

    /// The control connection is over. That is the cause, if the transfer was told to be over before, as it
    /// is with the machine's own errors.
    ///
    /// # Errors
    /// This one, if the transfer was told nothing.
    pub fn control_lost(&mut self, error: Error) -> Result<(), Error> {
        if self.outcome.is_none() {
            return Err(error);
        }
        self.cause = Some(DataFailure::ControlLost(Box::new(error)));
        Ok(())
    }

    /// Whether the cause is still to be learned from the control connection.
    pub fn is_unexplained(&self) -> bool {
        matches!(self.outcome, Some(Err(TransferError::Unknown)))
            && !matches!(self.cause, Some(DataFailure::ControlLost(_)))
    }

    /// How many bytes went over the data connection, after its end.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// How it ended, once that is known.
    ///
    /// # Errors
    /// [`Error::Transfer`].
    pub fn take_outcome(&mut self) -> Option<Result<Transferred, Error>> {
        let outcome = self.outcome.clone()?;
        let cause = take(&mut self.cause).map(Box::new);
        Some(outcome.map_err(|error| Error::Transfer {
            // What the server says is the better reason.
            cause: cause.filter(|_| error.reply().is_none()),
            error: Box::new(error),
        }))
    }
}
