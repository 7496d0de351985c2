//! The server's side of one connection, for programs that run it themselves.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use ftp_adapter::{SessionError, server_session_methods};
use ftp_proto::server::{Connection, Event, Misuse};
use ftp_rustls::Secured;

use crate::{Driver, Io, Timer};

/// The server's side of one control connection.
///
/// [`next_event`](Self::next_event) is cancel-safe. The other methods only queue output, which is
/// sent while the next event is awaited. Keep awaiting while you work on an answer: only that
/// notices deadlines and a client that left.
pub struct ServerSession<R, T> {
    pub(crate) driver: Driver<R, Secured<Connection>, T>,
}

impl<R: Timer + Io<T>, T: Unpin> ServerSession<R, T> {
    pub(crate) fn new(machine: Secured<Connection>, transport: T) -> Self {
        Self {
            driver: Driver::new(machine, transport),
        }
    }

    /// The next event. `None` when the connection is over and the transport is closed for writing,
    /// after [`Event::Closed`].
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// The error that broke the connection.
    pub async fn next_event(&mut self) -> Result<Option<Event>, SessionError> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, SessionError>> {
        self.driver.poll_next(cx).map_err(SessionError::from)
    }

    server_session_methods!();

    /// Returns the driver, for what this type does not offer.
    pub fn into_driver(self) -> Driver<R, Secured<Connection>, T> {
        self.driver
    }
}

impl<R, T: fmt::Debug> fmt::Debug for ServerSession<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("driver", &self.driver)
            .finish()
    }
}
