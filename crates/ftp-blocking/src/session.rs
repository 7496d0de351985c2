//! The server's side of one connection, for programs that run it themselves.

use std::fmt;
use std::net::TcpStream;
use std::task::Poll;
use std::time::Duration;

use ftp_adapter::{SessionError, server_session_methods};
use ftp_proto::server::{Connection, Event, Misuse};
use ftp_rustls::Secured;

use crate::{Driver, Transport};

/// The server's side of one control connection.
///
/// Progress is made in [`next_event`](Self::next_event) and
/// [`next_event_within`](Self::next_event_within); the other methods only queue output. While you
/// work on an answer elsewhere, keep calling the latter: only that notices deadlines and a client
/// that left.
pub struct ServerSession<T = TcpStream> {
    pub(crate) driver: Driver<Secured<Connection>, T>,
}

impl<T: Transport> ServerSession<T> {
    pub(crate) fn new(machine: Secured<Connection>, transport: T) -> Self {
        Self {
            driver: Driver::new(machine, transport),
        }
    }

    /// The next event. `None` when the connection is over and the transport is closed for writing,
    /// after [`Event::Closed`].
    ///
    /// # Errors
    /// The error that broke the connection.
    pub fn next_event(&mut self) -> Result<Option<Event>, SessionError> {
        Ok(self.driver.next()?)
    }

    /// The same, for at most this time. Pending: nothing happened in that time; call again to
    /// continue.
    ///
    /// # Errors
    /// The error that broke the connection.
    pub fn next_event_within(
        &mut self,
        time: Duration,
    ) -> Result<Poll<Option<Event>>, SessionError> {
        Ok(self.driver.next_within(time)?)
    }

    server_session_methods!();

    /// Returns the driver, for what this type does not offer.
    pub fn into_driver(self) -> Driver<Secured<Connection>, T> {
        self.driver
    }
}

impl<T: fmt::Debug> fmt::Debug for ServerSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("driver", &self.driver)
            .finish()
    }
}
