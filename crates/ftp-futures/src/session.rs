//! The server's side of one connection, for programs that run it by hand.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use ftp_adapter::SessionError;
use ftp_proto::TlsSession;
use ftp_proto::server::{AccountVerdict, Connection, Event, Misuse, Phase, RequestId, Verdict};
use ftp_proto::wire::Reply;
use ftp_rustls::Secured;

use crate::{Driver, Io, Timer};

/// The server's side of one control connection.
///
/// [`next_event`](Self::next_event) is cancel-safe; the other methods only tell the machine what to
/// say, and it is said when the next event is awaited. Keep awaiting while an answer is being
/// worked out: that is what notices deadlines and a client that left.
pub struct ServerSession<R, T> {
    driver: Driver<R, Secured<Connection>, T>,
}

impl<R: Timer + Io<T>, T: Unpin> ServerSession<R, T> {
    pub(crate) fn new(machine: Secured<Connection>, transport: T) -> Self {
        Self {
            driver: Driver::new(machine, transport),
        }
    }

    /// What happens next. `None` when the connection is over and the transport closed for writing;
    /// [`Event::Closed`] has come before.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// What broke the connection.
    pub async fn next_event(&mut self) -> Result<Option<Event>, SessionError> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, SessionError>> {
        self.driver.poll_next(cx).map_err(SessionError::from)
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
    pub fn into_driver(self) -> Driver<R, Secured<Connection>, T> {
        self.driver
    }

    pub(crate) fn machine(&self) -> &Connection {
        self.driver.machine().machine()
    }

    fn machine_mut(&mut self) -> &mut Connection {
        self.driver.machine_mut().machine_mut()
    }
}

impl<R, T: fmt::Debug> fmt::Debug for ServerSession<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("driver", &self.driver)
            .finish()
    }
}
