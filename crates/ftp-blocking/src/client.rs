//! A control connection that is logged in.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ftp_adapter::{
    AwaitReply, ClearCommandChannel, DriverError, Error, PendingEvents, Quit, Reinitialize,
    SendCommand,
};
use ftp_proto::Account;
use ftp_proto::client::{
    self, Answer, CommandId, Config, Connection, Event, Login, Misuse, Phase, Session,
};
use ftp_proto::wire::{Command, Reply};
use ftp_rustls::Secured;

use crate::{Aborter, Connector, DataTransport, Driver, Transport};

/// A control connection that is logged in.
///
/// Dropping it closes the connection without a `QUIT`; use [`quit`](Self::quit) to end it properly.
///
/// A method returns when it is done, or when a deadline of the machine has passed. To wait for less,
/// use [`next_event_within`](Self::next_event_within).
pub struct Client<T = TcpStream> {
    /// Boxed: the client is moved several times.
    pub(crate) driver: Box<Driver<Secured<Connection>, T>>,
    /// The events that came while a method waited for another.
    pub(crate) pending: PendingEvents,
    /// How data connections are made; `None` over a transport of the caller's.
    pub(crate) data: Option<Arc<dyn DataTransport<T>>>,
    pub(crate) aborter: Aborter,
    pub(crate) connect_time: Duration,
    pub(crate) peer: Option<SocketAddr>,
}

impl Client {
    /// Connects and logs in with explicit TLS, the platform's roots and the defaults of [`Config`].
    /// For anything else use [`Connector`].
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub fn connect(address: &str, login: Login) -> Result<Self, Error> {
        Connector::new(Config::new(login)).connect(address)
    }
}

impl<T: Transport> Client<T> {
    pub(crate) fn new(driver: Driver<Secured<Connection>, T>) -> Self {
        Self {
            driver: Box::new(driver),
            pending: PendingEvents::default(),
            data: None,
            aborter: Aborter::default(),
            connect_time: Duration::ZERO,
            peer: None,
        }
    }

    /// The session: greeting, TLS, protection, times. `None` during a
    /// [`reinitialize`](Self::reinitialize).
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.driver.machine().machine().session()
    }

    /// The phase of the connection.
    pub fn phase(&self) -> Phase {
        self.driver.machine().machine().phase()
    }

    /// How long resolving and connecting took. Zero for a transport that the caller connected.
    pub fn connect_time(&self) -> Duration {
        self.connect_time
    }

    /// The server's address. `None` for a transport that the caller connected.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Sends a command and waits for its final reply, with any code. A 550 is not an error here
    /// ([`Reply::ok`] makes it one). So are 332 and 532 (an account is needed:
    /// [`account`](Self::account)) and a 530 (not logged in). Preliminary replies are skipped; to
    /// see them use [`send`](Self::send).
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if it cannot be sent, [`Error::Misuse`] if it has a method of its
    /// own or does not fit the state; [`Error::Unsolicited`] if an unsolicited reply came before or
    /// during the call; any error that ends the connection.
    pub fn command<C>(&mut self, command: C) -> Result<Reply, Error>
    where
        C: TryInto<Command>,
        C::Error: Into<Error>,
    {
        self.run(SendCommand::new(command)?)
    }

    /// Queues a command. [`next_reply`](Self::next_reply) and [`next_event`](Self::next_event) send
    /// it and return its replies. Several commands may be queued before the first is answered.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] or [`Error::Misuse`]; then nothing has changed.
    pub fn send<C>(&mut self, command: C) -> Result<CommandId, Error>
    where
        C: TryInto<Command>,
        C::Error: Into<Error>,
    {
        let command = command.try_into().map_err(Into::into)?;
        if self.pending.known().is_away() {
            // A listing was dropped: the command would be carried out elsewhere.
            return Err(Misuse::Transferring.into());
        }
        let now = self.driver.now();
        Ok(self.machine().send(now, command)?)
    }

    /// The next reply to this command, preliminary (1yz: another will follow) or final.
    ///
    /// # Errors
    /// Any error that ends the connection; [`Error::Unsolicited`] once for each unsolicited reply;
    /// [`Error::EventsUnread`] if too many events of other commands came;
    /// [`Error::AlreadyAnswered`] if the final reply was already returned.
    pub fn next_reply(&mut self, command: CommandId) -> Result<Reply, Error> {
        self.run(AwaitReply(command))
    }

    /// The next event: a reply, an unsolicited reply, a change of TLS. `None` when the connection
    /// is closed.
    ///
    /// # Errors
    /// Any error that ends the connection.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        match self.pending.pop() {
            Some(event) => Ok(Some(event)),
            None => self.event(),
        }
    }

    /// The same, for at most this time. Pending: nothing came in that time, and nothing is lost;
    /// call again to continue. For programs with other work, and for idle ones: keep-alives are
    /// sent while a method waits.
    ///
    /// # Errors
    /// Any error that ends the connection.
    pub fn next_event_within(&mut self, time: Duration) -> Result<Poll<Option<Event>>, Error> {
        if let Some(event) = self.pending.pop() {
            return Ok(Poll::Ready(Some(event)));
        }
        self.event_within(time)
    }

    /// Sends the account (`ACCT`), after a 332 or 532 or to switch to another account. Returns the
    /// final reply, whatever its code.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn account(&mut self, account: Account) -> Result<Reply, Error> {
        self.run(SendCommand::account(&account)?)
    }

    /// Logs out and logs in as another user (`REIN`, RFC 959 §4.1.1). TLS stays as it is.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server does not know the command: then the old login remains.
    /// [`Error::Unanswered`] if the server asks for something that the login does not have:
    /// [`next_event`](Self::next_event) returns the challenge, and [`answer`](Self::answer)
    /// continues. Any error that ends a login.
    pub fn reinitialize(&mut self, login: Login) -> Result<(), Error> {
        self.run(Reinitialize::new(login))
    }

    /// Ends TLS on the control connection (`CCC`, RFC 4217 §6), if
    /// [`Config::clear_command_channel`] allows it. After that, anyone on the way can read and
    /// change all commands and replies.
    ///
    /// # Errors
    /// [`Error::Misuse`] if it is not allowed or there is no TLS; [`Error::Refused`] if the server
    /// keeps TLS; any error that ends the connection.
    pub fn clear_command_channel(&mut self) -> Result<(), Error> {
        self.run(ClearCommandChannel::default())
    }

    /// Sends `QUIT`, and closes when the server has answered or closed. If the server does not
    /// answer within [`Timeouts::quit`](ftp_proto::client::Timeouts::quit), the connection is
    /// closed too, which is no error. Events that were not read are dropped.
    ///
    /// # Errors
    /// The error that ended the connection before it could be closed properly;
    /// [`Error::Unsolicited`], after closing, if an unsolicited reply was not read.
    pub fn quit(mut self) -> Result<(), Error> {
        if self.peer.is_some() {
            // The drop at the end closes a socket of ours, so it needs no shutdown before.
            self.driver.leave_open();
        }
        self.pending.known_mut().stay();
        self.run(Quit::default())
    }

    /// Returns the driver, for what this type does not offer. Events that were not read are
    /// dropped.
    pub fn into_driver(self) -> Driver<Secured<Connection>, T> {
        *self.driver
    }

    /// Answers a challenge that came as an event.
    ///
    /// # Errors
    /// [`Error::Misuse`] if the answer does not fit the open challenge.
    pub fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        let now = self.driver.now();
        Ok(self.machine().answer(now, answer)?)
    }

    pub(crate) fn event(&mut self) -> Result<Option<Event>, Error> {
        let before = self.phase();
        let next = self.driver.next();
        next.map_err(|error| self.explain(error, before))
    }

    pub(crate) fn event_within(&mut self, time: Duration) -> Result<Poll<Option<Event>>, Error> {
        let before = self.phase();
        let next = self.driver.next_within(time);
        next.map_err(|error| self.explain(error, before))
    }

    fn explain(
        &self,
        error: DriverError<ftp_rustls::Error<client::Error>>,
        before: Phase,
    ) -> Error {
        Error::from_driver(error, before, self.driver.machine().machine())
    }

    /// Whether another caller can go on with it: no reply and no event is left over. A transfer that was
    /// dropped is settled before the next command.
    pub(crate) fn is_reusable(&self) -> bool {
        let connection = self.driver.machine().machine();
        self.pending.is_empty() && (connection.is_idle() || connection.transferring().is_some())
    }

    pub(crate) fn machine(&mut self) -> &mut Connection {
        self.driver.machine_mut().machine_mut()
    }
}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
