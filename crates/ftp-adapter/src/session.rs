//! What a server's session reports to its application.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ftp_guard::RefusedWhy;
use ftp_proto::data::DataType;
use ftp_proto::server::{
    self, ClosedWhy, LoginSummary, TransferAction, TransferError, TransferRequest,
};
use ftp_proto::wire::Reply;
use ftp_proto::{TlsSession, Username};
use thiserror::Error;

use crate::{AttemptSummary, DriverError};

/// Data that a server's `Handler` keeps for each session. It starts as the type's default.
pub trait SessionData: Default + Send + Sync + 'static {}

impl<S: Default + Send + Sync + 'static> SessionData for S {}

/// A session and its client.
#[non_exhaustive]
pub struct SessionInfo<S = ()> {
    /// The number of the session, counted from 1 in each server.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// The user who is logged in.
    pub username: Option<Username>,
    /// The TLS session in force.
    pub tls: Option<Arc<TlsSession>>,
    /// Whether data connections must be protected (`PROT P` is in force).
    pub data_protected: bool,
    /// The handler's data for this session: the default at first, dropped with the session. Use
    /// cells, atomics or locks to change it.
    pub data: Arc<S>,
}

/// An event of a session, for the log.
///
/// Which events pair up: [`Connected`](Self::Connected) is the first of each session, and exactly
/// one of [`Closed`](Self::Closed) and [`Failed`](Self::Failed) the last, also of one that is
/// [`Refused`](Self::Refused) or [`OverLimit`](Self::OverLimit), which follow `Connected` at once.
/// A session has no last event if its future is dropped, its handler panics, or the server's drain
/// time is over. [`Ignored`](Self::Ignored) is the only event of its connection. A connection whose
/// client leaves, or whose server stops, before the greeting is due has no events.
/// [`LoggedIn`](Self::LoggedIn) ends with [`LoggedOut`](Self::LoggedOut), or with the session, and
/// [`TransferStarted`](Self::TransferStarted) with [`Transferred`](Self::Transferred), which comes before
/// the last event.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The connection was accepted.
    Connected,
    /// The guard refused the connection, which gets a 421. The reason is not for the client.
    Refused(RefusedWhy),
    /// There are as many sessions as allowed (`Server::max_sessions`); the client gets a 421.
    OverLimit,
    /// The connection was closed without a reply, because the guard refused it for this reason or
    /// there are as many sessions as allowed, and enough other clients were getting a 421. Its only
    /// event.
    Ignored(Option<RefusedWhy>),
    /// An attempt to log in was checked; its reply may still be held back for a while.
    Attempted(AttemptSummary),
    /// The same for an account named after login (`ACCT`). The guard counts it like a password.
    AccountAttempted(AttemptSummary),
    /// TLS is in force.
    TlsEstablished(Arc<TlsSession>),
    /// TLS was closed (`CCC`).
    ClearCommandChannel,
    /// A user logged in.
    LoggedIn(LoginSummary),
    /// The login is over, and the connection continues: `REIN`, `USER` again, or `AUTH`.
    LoggedOut,
    /// A transfer starts: the handler did not refuse it. The file is opened next.
    TransferStarted(Box<TransferStart>),
    /// A transfer that [started](Self::TransferStarted) is over, also if its file could not be opened. A
    /// session has one transfer at a time.
    Transferred(Box<TransferSummary>),
    /// The handler's reply could not be sent, and was replaced by 451.
    ReplyReplaced(Reply),
    /// The connection ended in an orderly way. The last event.
    Closed(ClosedWhy),
    /// The connection broke. The last event.
    Failed(SessionError),
}

/// A transfer that a client asks for, at a server with files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransferStart {
    /// What is to be transferred, and which way: it has the path, the
    /// [verb](TransferAction::verb) and the [direction](TransferAction::direction).
    pub action: TransferAction,
    /// `TYPE`. Listings are text.
    pub data_type: DataType,
}

impl TransferStart {
    /// What this asks for.
    pub fn of(request: &TransferRequest) -> Self {
        Self {
            action: request.action().clone(),
            data_type: request.data_type(),
        }
    }
}

/// A transfer that is over, at a server with files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransferSummary {
    /// What was to be transferred. To `STOU`, the path has the name that was found, if the file was opened.
    pub action: TransferAction,
    /// `TYPE`. Listings are text.
    pub data_type: DataType,
    /// How many bytes went over the data connection.
    pub bytes: u64,
    /// From its [start](SessionEvent::TransferStarted) to its end. It includes opening the file and making
    /// the data connection, and for an upload the time until the file was kept.
    pub duration: Duration,
    /// The TLS session of the data connection, if that ended and had one:
    /// [`resumed`](TlsSession::resumed) says whether it proves that the client of the control
    /// connection made it.
    pub tls: Option<Arc<TlsSession>>,
    /// Whether it is whole.
    pub outcome: Result<(), TransferError>,
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

impl<S: Default> SessionInfo<S> {
    /// For a session that has just begun.
    pub fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            username: None,
            tls: None,
            data_protected: false,
            data: Arc::default(),
        }
    }
}

impl<S> Clone for SessionInfo<S> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            peer: self.peer,
            username: self.username.clone(),
            tls: self.tls.clone(),
            data_protected: self.data_protected,
            data: Arc::clone(&self.data),
        }
    }
}

impl<S> fmt::Debug for SessionInfo<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .field("username", &self.username)
            .field("tls", &self.tls)
            .field("data_protected", &self.data_protected)
            .finish_non_exhaustive()
    }
}
