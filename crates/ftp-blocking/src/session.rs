//! The server's side of one connection, for programs that run it by hand.

use std::fmt;
use std::net::TcpStream;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ftp_adapter::SessionError;
use ftp_proto::TlsSession;
use ftp_proto::server::{AccountVerdict, Connection, Event, Misuse, Phase, RequestId, Verdict};
use ftp_proto::wire::Reply;
use ftp_rustls::Secured;

use crate::{Driver, Transport};

/// The server's side of one control connection.
///
/// Progress is made in [`next_event`](Self::next_event) and
/// [`next_event_within`](Self::next_event_within); the other methods only tell the machine what to
/// say. While an answer is being worked out elsewhere, go on calling the latter: that is what notices
/// deadlines and a client that left.
pub struct ServerSession<T = TcpStream> {
    driver: Driver<Secured<Connection>, T>,
}

impl<T: Transport> ServerSession<T> {
    pub(crate) fn new(machine: Secured<Connection>, transport: T) -> Self {
        Self {
            driver: Driver::new(machine, transport),
        }
    }

    /// What happens next. `None` when the connection is over and the transport closed for writing;
    /// [`Event::Closed`] has come before.
    ///
    /// # Errors
    /// What broke the connection.
    pub fn next_event(&mut self) -> Result<Option<Event>, SessionError> {
        Ok(self.driver.next()?)
    }

    /// The same, waiting no longer than this. Pending: nothing happened in that time; call again to
    /// go on.
    ///
    /// # Errors
    /// What broke the connection.
    pub fn next_event_within(
        &mut self,
        time: Duration,
    ) -> Result<Poll<Option<Event>>, SessionError> {
        Ok(self.driver.next_within(time)?)
    }

    /// Where the connection is in its life.
    pub fn phase(&self) -> Phase {
        self.machine().phase()
    }

    /// The TLS session in force.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.machine().tls()
    }

    /// Whether data connections are to be protected (`PROT P` is in force).
    pub fn is_data_protected(&self) -> bool {
        self.machine().is_data_protected()
    }

    /// Answers an [`Attempt`](ftp_proto::server::Attempt).
    ///
    /// # Errors
    /// [`Misuse`] if the connection is over, or the login deadline passed meanwhile: the verdict
    /// is dropped.
    pub fn decide(&mut self, verdict: Verdict) -> Result<(), Misuse> {
        let now = self.driver.now();
        self.machine_mut().decide(now, verdict)
    }

    /// The same, not before this moment.
    pub(crate) fn decide_at(&mut self, verdict: Verdict, moment: Instant) -> Result<(), Misuse> {
        let earliest = self.driver.instant(moment);
        self.decide(verdict.not_before(earliest))
    }

    /// Answers an [`AccountAttempt`](ftp_proto::server::AccountAttempt).
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn decide_account(&mut self, verdict: AccountVerdict) -> Result<(), Misuse> {
        let now = self.driver.now();
        self.machine_mut().decide_account(now, verdict)
    }

    /// The same, not before this moment.
    pub(crate) fn decide_account_at(
        &mut self,
        verdict: AccountVerdict,
        moment: Instant,
    ) -> Result<(), Misuse> {
        let earliest = self.driver.instant(moment);
        self.decide_account(verdict.not_before(earliest))
    }

    /// A preliminary (1yz) reply to a request, which stays open.
    ///
    /// # Errors
    /// [`Misuse`] if it is not preliminary, or the request is answered.
    pub fn preliminary(&mut self, request: RequestId, reply: &Reply) -> Result<(), Misuse> {
        let now = self.driver.now();
        self.machine_mut().preliminary(now, request, reply)
    }

    /// The final reply to a request.
    ///
    /// # Errors
    /// [`Misuse`] if it is preliminary or 421, or the request is answered.
    pub fn reply(&mut self, request: RequestId, reply: &Reply) -> Result<(), Misuse> {
        let now = self.driver.now();
        self.machine_mut().reply(now, request, reply)
    }

    /// 502 to a request.
    ///
    /// # Errors
    /// [`Misuse`] if the request is answered.
    pub fn not_implemented(&mut self, request: RequestId) -> Result<(), Misuse> {
        let now = self.driver.now();
        self.machine_mut().not_implemented(now, request)
    }

    /// 421 with this text as soon as the reply under way is written, then close.
    pub fn shutdown(&mut self, text: &str) {
        let now = self.driver.now();
        self.machine_mut().shutdown(now, text);
    }

    /// Gives the driver, for what this type does not offer.
    pub fn into_driver(self) -> Driver<Secured<Connection>, T> {
        self.driver
    }

    pub(crate) fn machine(&self) -> &Connection {
        self.driver.machine().machine()
    }

    fn machine_mut(&mut self) -> &mut Connection {
        self.driver.machine_mut().machine_mut()
    }
}

impl<T: fmt::Debug> fmt::Debug for ServerSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("driver", &self.driver)
            .finish()
    }
}
