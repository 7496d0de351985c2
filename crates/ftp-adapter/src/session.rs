//! What a server's session tells its application.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ftp_guard::RefusedWhy;
use ftp_proto::server::{self, ClosedWhy, Connection, Event, LoginSummary};
use ftp_proto::wire::{Code, Reply};
use ftp_proto::{TlsSession, Username};
use thiserror::Error;

use crate::{AttemptSummary, DriverError};

/// What clients are told when the server stops.
pub const SHUTDOWN_TEXT: &str = "The server is shutting down.";

/// How long the check of a password or an account may go on once its connection is over: the guess
/// is to be counted for what it was. After that it counts as a wrong one.
pub const LAST_CHECK_TIME: Duration = Duration::from_secs(30);

/// Who is at the other end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// A number of its own, counted from 1 in each server.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// Who is logged in.
    pub username: Option<Username>,
    /// The TLS session in force.
    pub tls: Option<Arc<TlsSession>>,
    /// Whether data connections are to be protected (`PROT P` is in force).
    pub data_protected: bool,
}

/// What a session tells for the log.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The connection was accepted.
    Connected,
    /// The guard refused the connection, which is told 421. The reason is not for the client.
    Refused(RefusedWhy),
    /// There are as many sessions as there may be (`Server::max_sessions`); the client is told 421.
    OverLimit,
    /// The connection was closed without a word, by the guard for this reason, or because there are
    /// as many sessions as there may be: as many clients as are told so at a time were being told.
    /// Its only event.
    Ignored(Option<RefusedWhy>),
    /// An attempt to log in was checked; its reply may be held back for a while yet.
    Attempted(AttemptSummary),
    /// The same for an account that was named after login (`ACCT`). The guard counts it like a
    /// password.
    AccountAttempted(AttemptSummary),
    /// TLS is in force.
    TlsEstablished(Arc<TlsSession>),
    /// TLS was closed (`CCC`).
    ClearCommandChannel,
    /// Someone logged in.
    LoggedIn(LoginSummary),
    /// The login is over, the connection goes on: `REIN`, `USER` again, or `AUTH`.
    LoggedOut,
    /// The handler's reply could not be sent as it was, and was replaced by 451.
    ReplyReplaced(Reply),
    /// The connection ended in due form. The last event.
    Closed(ClosedWhy),
    /// The connection broke. The last event.
    Failed(SessionError),
}

/// Why a server's connection broke.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The transport failed.
    #[error("the connection failed: {0}")]
    Io(io::Error),
    /// The client broke the protocol.
    #[error(transparent)]
    Protocol(server::Error),
    /// TLS failed.
    #[error(transparent)]
    Tls(Box<ftp_rustls::Error<server::Error>>),
}

impl From<DriverError<ftp_rustls::Error<server::Error>>> for SessionError {
    fn from(error: DriverError<ftp_rustls::Error<server::Error>>) -> Self {
        match error {
            DriverError::Machine(ftp_rustls::Error::Machine(error)) => Self::Protocol(error),
            DriverError::Machine(error) => Self::Tls(Box::new(error)),
            DriverError::Io { error, .. } => Self::Io(error),
        }
    }
}

impl SessionInfo {
    /// Of a session that has just begun.
    pub fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            username: None,
            tls: None,
            data_protected: false,
        }
    }

    /// Before an event of this machine is dealt with.
    pub fn update(&mut self, machine: &Connection) {
        self.tls = machine.tls().cloned();
        self.data_protected = machine.is_data_protected();
    }

    /// Takes up a machine's event that is for the log alone; the others are given back.
    ///
    /// `Ok(None)`: nothing to tell. After [`SessionEvent::LoggedOut`] was told,
    /// [`username`](Self::username) is to be forgotten.
    ///
    /// # Errors
    /// The event, if it asks the application for an answer.
    pub fn note(&mut self, event: Event) -> Result<Option<SessionEvent>, Event> {
        Ok(Some(match event {
            Event::Authenticate(_) | Event::Account(_) | Event::Command(_) => return Err(event),
            Event::LoggedIn(summary) => {
                self.username = Some(summary.username.clone());
                SessionEvent::LoggedIn(summary)
            }
            Event::LoggedOut => SessionEvent::LoggedOut,
            Event::TlsEstablished(tls) => SessionEvent::TlsEstablished(tls),
            Event::ClearCommandChannel => SessionEvent::ClearCommandChannel,
            Event::Closed(why) => SessionEvent::Closed(why),
            // The TLS switches are answered below us, by `Secured`.
            _ => return Ok(None),
        }))
    }
}

/// What is said instead of an application's reply that cannot be sent.
pub fn replacement() -> Option<Reply> {
    Reply::new(Code::LOCAL_ERROR, "Internal error.").ok()
}
