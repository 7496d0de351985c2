//! A transfer of a client, without waiting: what comes over both connections, and what to do next.

use std::fmt;
use std::io;
use std::mem::take;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::{self, Duration};

use ftp_proto::client::{Connection, Event, Transfer, TransferError, TransferId, Transferred};
use ftp_proto::data::Direction;
use ftp_proto::wire::{Reply, parse_store_unique_name};
use ftp_proto::{Instant, TlsSession, data};
use ftp_rustls::Secured;

use crate::progress::OnProgress;
use crate::{DriverError, DriverState, Error, PendingEvents, Progress, SocketOption};

/// How many bytes of a file a client's uploads take at a time: under TLS each piece costs a system call, and memory
/// while it is sent.
pub const UPLOAD_PIECE: usize = 256 * 1024;

/// How many bytes any server writes in one go. It writes nothing more of such a file when it learns that the
/// download was given up.
const ONE_WRITE: u64 = 4096;

/// A transfer under way, as an adapter sees it.
///
/// The adapter gives each event of the control connection to [`on_event`](Self::on_event), does what that
/// asks for, and reports with [`opened`](Self::opened), [`not_opened`](Self::not_opened) and
/// [`ended`](Self::ended), until there is an [`outcome`](Self::outcome). Dropping it, with the data
/// connection, gives the transfer up.
pub struct TransferState {
    id: TransferId,
    started: Option<Started>,
    outcome: Option<Result<Transferred, TransferError>>,
    cause: Option<Box<DataFailure>>,
    moved: u64,
    /// What was received before the end of the data, and not read yet.
    rest: Vec<u8>,
    /// How much of `rest` was read.
    read: usize,
    begun: time::Instant,
    /// The byte of the file at which it begins.
    first_byte: u64,
    whole_size: Option<u64>,
    announces_whole: bool,
    on_progress: Option<OnProgress>,
    /// The last that was said.
    progress: Option<Progress>,
    /// How it ended, once that was told.
    over: Option<Result<Report, ()>>,
    /// The data connection of a download was told so.
    is_reset_if_given_up: bool,
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
    /// The name that the server says it gave the file (`STOU`), if its final reply has it.
    pub fn stored_as(&self) -> Option<Vec<u8>> {
        parse_store_unique_name(self.reply.borrow())
    }

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

impl Started {
    /// The name that the server says it will give the file (`STOU`, RFC 1123 §4.1.2.9).
    pub fn stored_as(&self) -> Option<Vec<u8>> {
        parse_store_unique_name(self.reply.as_ref()?.borrow())
    }
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
    /// Begins a transfer at this moment of the adapter's clock.
    ///
    /// # Errors
    /// [`Error::Unsolicited`] if replies are out of step, [`Error::Misuse`] if the connection is not
    /// idle.
    pub fn start(
        begun: time::Instant,
        driver: &mut DriverState<Secured<Connection>>,
        pending: &mut PendingEvents,
        transfer: Transfer,
    ) -> Result<Self, Error> {
        pending.check_in_step()?;
        let now = driver.instant(begun);
        let (first_byte, whole_size) = (transfer.first_byte(), transfer.whole_size());
        let announces_whole = transfer.announces_whole();
        let connection = driver.machine_mut().machine_mut();
        Ok(Self {
            id: connection.transfer(now, transfer)?,
            started: None,
            outcome: None,
            cause: None,
            moved: 0,
            rest: Vec::new(),
            read: 0,
            begun,
            first_byte,
            whole_size,
            announces_whole,
            on_progress: None,
            progress: None,
            over: None,
            is_reset_if_given_up: false,
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
                if self.announces_whole {
                    self.whole_size = self.whole_size.or(announced);
                }
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

    /// Whether it has begun, or is over and [how](Self::outcome) can be told.
    pub fn has_begun(&self) -> bool {
        self.started.is_some() || (self.is_over() && !self.is_unexplained())
    }

    /// Whether it is known how it ended.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some() || self.over.is_some()
    }

    /// The adapter listens; the server can reach it at this address.
    pub fn listening(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        address: SocketAddr,
    ) {
        // If it was not asked, the transfer is over.
        let _not_asked = machine.machine_mut().listening(now, self.id, address);
    }

    /// The adapter cannot listen.
    pub fn not_listening(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        error: io::Error,
    ) {
        if machine.machine_mut().not_listening(now, self.id).is_ok() {
            self.cause = Some(Box::new(DataFailure::NotMade(error)));
        }
    }

    /// The data connection stands. `None`: it is not wanted any more. `is_socket`: to drop its transport closes
    /// it, which needs no shutdown before.
    pub fn opened(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        ticket: data::Ticket,
        is_socket: bool,
    ) -> Option<Secured<data::Connection>> {
        // What was tried before it does not matter any more.
        self.cause = None;
        self.is_reset_if_given_up = false;
        let mut opened = machine.machine_mut().data_opened(now, ticket).ok()?;
        if machine.has_one_session_left() && self.started.is_none() {
            opened.postpone_tls(now);
        }
        if is_socket {
            opened.end_with_close();
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
            self.cause = Some(Box::new(DataFailure::NotMade(error)));
        }
    }

    /// The data connection ended like this. What it received and nobody has read yet is kept. Drop the
    /// transport first: some servers confirm a transfer only then.
    pub fn ended(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        data: Secured<data::Connection>,
        result: Result<(), DriverError<ftp_rustls::Error<data::Error>>>,
    ) {
        let mut data = data.into_machine();
        if let Err(error) = result {
            self.cause = Some(Box::new(DataFailure::Broken(error)));
            data.failed(now);
        }
        self.moved = data.moved();
        self.rest = data.readable().to_vec();
        // If the transfer is over, its outcome is known already.
        let _over_already = machine.machine_mut().data_ended(now, data.into_end());
    }

    /// The control connection is over. That is the cause, if the transfer was told to be over before, as it
    /// is with the machine's own errors.
    ///
    /// # Errors
    /// This one, if the transfer was told nothing.
    pub fn control_lost(&mut self, error: Error) -> Result<(), Error> {
        if !self.is_over() {
            return Err(error);
        }
        self.cause = Some(Box::new(DataFailure::ControlLost(Box::new(error))));
        Ok(())
    }

    /// What the socket of a new data connection is told. It may be one of several of this transfer, and not be wanted
    /// any more.
    pub fn option_at_start(&self, ticket: &data::Ticket) -> Option<SocketOption> {
        match (ticket.direction(), ticket.is_protected()) {
            (_, true) => Some(SocketOption::SendAtOnce),
            (Direction::Send, false) => Some(SocketOption::ResetOnDrop(true)),
            (Direction::Receive, false) => None,
        }
    }

    /// The same once it is there and the transfer has begun.
    pub fn option_when_begun(&mut self, data: &data::Connection) -> Option<SocketOption> {
        let started = self.started.as_ref();
        // Of so little all is on its way.
        let is_small = |bytes| bytes <= ONE_WRITE;
        let is_told = data.direction() == Direction::Receive
            && started.is_some_and(|started| !started.announced.is_some_and(is_small));
        self.is_reset_if_given_up |= is_told;
        is_told.then_some(SocketOption::ResetOnDrop(true))
    }

    /// What it is told at its end.
    pub fn option_at_end(&self, data: &data::Connection) -> Option<SocketOption> {
        let is_told = match data.direction() {
            Direction::Send => !data.is_protected(),
            Direction::Receive => self.is_reset_if_given_up,
        };
        is_told.then_some(SocketOption::ResetOnDrop(false))
    }

    /// What was received and not read, on the data connection or, after its end, here.
    pub fn readable<'a>(&'a self, data: Option<&'a data::Connection>) -> &'a [u8] {
        match data {
            Some(data) => data.readable(),
            None => self.rest.get(self.read..).unwrap_or_default(),
        }
    }

    /// The application has read so many of the bytes that are [readable](Self::readable).
    pub fn consume(&mut self, data: Option<(Instant, &mut data::Connection)>, count: usize) {
        match data {
            Some((now, data)) => data.consume(now, count),
            None => self.read = self.rest.len().min(self.read + count),
        }
    }

    /// How many bytes went over the data connection so far.
    pub fn moved(&self, data: Option<&data::Connection>) -> u64 {
        match (data, &self.over) {
            (Some(data), _) => data.moved(),
            (None, Some(Ok(report))) => report.bytes,
            (None, _) => self.moved,
        }
    }

    /// The data connection is about to be dropped before its end: what it moved stays known.
    pub fn note_moved(&mut self, data: Option<&data::Connection>) {
        self.moved = self.moved(data);
    }

    /// How far it has come.
    pub fn progress(&self, data: Option<&data::Connection>) -> Progress {
        let bytes = self.first_byte.saturating_add(self.moved(data));
        Progress::new(bytes, self.whole_size)
    }

    /// From now on [`tell_progress`](Self::tell_progress) calls this.
    pub fn on_progress(&mut self, call: impl FnMut(Progress) + Send + 'static) {
        self.on_progress = Some(OnProgress::new(call));
        self.progress = None;
    }

    /// Something may have moved: says how far the transfer has come, if that is news.
    #[inline]
    pub fn tell_progress(&mut self, data: Option<&data::Connection>) {
        if self.on_progress.is_some() {
            self.tell_news(self.progress(data));
        }
    }

    fn tell_news(&mut self, progress: Progress) {
        if let Some(on_progress) = &self.on_progress
            && self.progress != Some(progress)
        {
            on_progress.call(progress);
            self.progress = Some(progress);
        }
    }

    /// How it ended, if that is known by now. Drop the data connection if it failed. An error comes
    /// once; after that the transfer is just over.
    ///
    /// # Errors
    /// [`Error::Transfer`]; [`Error::Closed`] after it.
    pub fn outcome(
        &mut self,
        now: impl FnOnce() -> time::Instant,
    ) -> Option<Result<&Report, Error>> {
        if self.over.is_none() {
            if self.is_unexplained() {
                return None;
            }
            match self.outcome.take()? {
                Ok(transferred) => {
                    let elapsed = now().saturating_duration_since(self.begun);
                    self.over = Some(Ok(Report::new(transferred, elapsed)));
                }
                Err(error) => {
                    self.over = Some(Err(()));
                    let cause = take(&mut self.cause);
                    return Some(Err(Error::Transfer {
                        // What the server says is the better reason.
                        cause: cause.filter(|_| error.reply().is_none()),
                        error: Box::new(error),
                    }));
                }
            }
        }
        let over = self.over.as_ref()?.as_ref();
        Some(over.map_err(|()| Error::Closed))
    }

    /// Whether the cause is still to be learned from the control connection.
    fn is_unexplained(&self) -> bool {
        use TransferError::{NotBegun, Unknown};
        matches!(self.outcome, Some(Err(NotBegun | Unknown)))
            && !matches!(self.cause.as_deref(), Some(DataFailure::ControlLost(_)))
    }
}

/// Files are not shown.
impl fmt::Debug for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferState")
            .field("id", &self.id)
            .field("started", &self.started)
            .field("outcome", &self.outcome)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
