//! The events for the application, and its answers.

use alloc::sync::Arc;
use core::fmt;

use thiserror::Error;

use super::error::PeerFault;
use super::{
    AccountAttempt, Attempt, CommitRequest, FileError, FileRequest, ListenRequest, TransferId,
    TransferRequest,
};
use crate::data;
use crate::ticket::Ticket;
use crate::wire::{Command, CommandRef, Reply};
use crate::{TlsSession, Username};

/// The phase of a server connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Connected; the greeting is delayed
    /// ([`Connection::new_delayed`](super::Connection::new_delayed)).
    Delayed,
    /// No user yet.
    New,
    /// `USER` got 331: a password is needed.
    PasswordNeeded,
    /// A 332 was sent: an account is needed.
    AccountNeeded,
    /// The application is checking, or the reply is delayed.
    Verifying,
    /// Logged in.
    LoggedIn,
    /// The TLS handshake is running, or TLS is being closed after `CCC`.
    SwitchingTls,
    /// Closing or closed.
    Closing,
}

/// An event for the application. Some events need an answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Start the TLS handshake, and answer with
    /// [`Securable::tls_started`](crate::Securable::tls_started). `ftp_rustls::Secured` does.
    StartTls,
    /// TLS is in force, with the client's certificate and the name it asked for, if any.
    TlsEstablished(Arc<TlsSession>),
    /// Close TLS, keep the transport, and answer with
    /// [`Securable::tls_stopped`](crate::Securable::tls_stopped). `ftp_rustls::Secured` does.
    StopTls,
    /// TLS was closed after `CCC`.
    ClearCommandChannel,
    /// A client tries to log in. Decide with one of the attempt's methods, and pass the verdict to
    /// [`Connection::decide`](super::Connection::decide). No further command is read before that.
    Authenticate(Attempt),
    /// The user is logged in. The reply is being sent.
    LoggedIn(LoginSummary),
    /// `ACCT` after login, if the application [takes accounts](super::Config::takes_accounts).
    /// Answer with [`Connection::decide_account`](super::Connection::decide_account).
    Account(AccountAttempt),
    /// A command for the application. Answer with [`Connection::reply`](super::Connection::reply).
    Command(Request),
    /// A question about files ([`Config::files`](super::Config::files)). Answer it, and the next three,
    /// with [`Connection::answer`](super::Connection::answer).
    Files(FileRequest),
    /// Open a file or a directory, for a transfer. [`Transferred`](Self::Transferred) reports its end, also if
    /// it is refused.
    Transfer(TransferRequest),
    /// All of a file has come, and is to be kept.
    Commit(CommitRequest),
    /// Listen for the client.
    Listen(ListenRequest),
    /// Close the listener that was made for the last [`Listen`](Self::Listen): no transfer will use it.
    StopListening,
    /// Open the data connection, and answer with
    /// [`Connection::data_opened`](super::Connection::data_opened) or
    /// [`data_failed`](super::Connection::data_failed). If it is to
    /// [accept](crate::data::Open::Accept) one, the listener serves this transfer and no other: close it
    /// after that.
    OpenData(data::Ticket),
    /// A transfer that was asked for is over, and its final reply follows. Drop its data connection (or the listener
    /// that still waits for it), and the file if it is not committed.
    Transferred {
        /// Which.
        transfer: TransferId,
        /// How many bytes went over the data connection.
        bytes: u64,
        /// The TLS session of the data connection, if that ended and had one.
        tls: Option<Arc<TlsSession>>,
        /// Whether it is whole.
        outcome: Result<(), TransferError>,
    },
    /// The user is logged out: by `REIN`, another `USER`, or `AUTH` after login.
    LoggedOut,
    /// The connection has ended. The last event.
    Closed(ClosedWhy),
}

impl Event {
    /// Whether it belongs to a transfer under way.
    pub(super) fn is_of_transfer(&self) -> bool {
        matches!(
            self,
            Self::Transfer(_) | Self::Commit(_) | Self::OpenData(_)
        )
    }
}

/// Why a transfer is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// There was no data connection in time: 425.
    #[error("the data connection could not be made")]
    NotOpened,
    /// The data connection did not end as it should: 426, or 451 if it was left by the application, 425 if
    /// TLS did not come about, or 522 if its session was not resumed and had to be.
    #[error("{0}")]
    Data(data::Error),
    /// The client sent `ABOR`: 426.
    #[error("the client aborted the transfer")]
    Aborted,
    /// The application refused it, could not go on, or could not keep the file.
    #[error("{0}")]
    Failed(FileError),
    /// The control connection is over. An upload that the application was keeping at that moment
    /// ([`Commit`](Event::Commit)) may be kept all the same.
    #[error("the control connection is over")]
    ConnectionClosed,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClosedWhy {
    /// `QUIT`.
    Quit,
    /// The peer closed the connection.
    PeerClosed,
    /// Too many failed attempts.
    TooManyAttempts,
    /// Too many invalid commands.
    TooManyBadCommands,
    /// The first command did not come in time.
    FirstCommandTimeout,
    /// The login was not completed in time.
    LoginTimeout,
    /// No command came in time after login.
    IdleTimeout,
    /// The application did not answer in time:
    /// [`Timeouts::application`](super::Timeouts::application).
    ApplicationTimeout,
    /// The TLS handshake was not completed in time.
    HandshakeTimeout,
    /// The peer did not read a reply in time.
    WriteTimeout,
    /// The application ended it: by [`Connection::shutdown`](super::Connection::shutdown), a
    /// verdict of [`Attempt::unavailable`], or [`Connection::refused`](super::Connection::refused).
    Shutdown,
    /// The peer broke the protocol. Also returned as the machine's error.
    PeerFault(PeerFault),
}

impl fmt::Display for ClosedWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit => f.write_str("the client quit"),
            Self::PeerClosed => f.write_str("the client closed the connection"),
            Self::TooManyAttempts => f.write_str("too many failed login attempts"),
            Self::TooManyBadCommands => f.write_str("too many bad commands"),
            Self::FirstCommandTimeout => f.write_str("no command within the time allowed"),
            Self::LoginTimeout => f.write_str("not logged in within the time allowed"),
            Self::IdleTimeout => f.write_str("idle for too long"),
            Self::ApplicationTimeout => {
                f.write_str("the application did not answer within the time allowed")
            }
            Self::HandshakeTimeout => f.write_str("no TLS handshake within the time allowed"),
            Self::WriteTimeout => f.write_str("the client does not read"),
            Self::Shutdown => f.write_str("closed by the server"),
            Self::PeerFault(fault) => write!(f, "protocol fault of the client: {fault}"),
        }
    }
}

/// A command that the application answers with one final reply. Preliminary ones may come before
/// it. Answering needs only the [`id`](Self::id), so the request may be dropped earlier.
///
/// Without an answer in [`Timeouts::application`](super::Timeouts::application) the client gets
/// 421, and the connection closes.
#[derive(Debug)]
#[must_use = "the client waits for the reply"]
pub struct Request {
    pub(crate) id: RequestId,
    pub(crate) command: Command,
}

impl Request {
    /// The command.
    pub fn command(&self) -> CommandRef<'_> {
        self.command.borrow()
    }

    /// Its identity, with which it is answered.
    pub fn id(&self) -> RequestId {
        self.id
    }
}

/// Identifies a [`Request`]. It is unique, also among connections.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub(crate) Ticket);

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.0.number())
    }
}

/// Who logged in, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoginSummary {
    /// The name.
    pub username: Username,
    /// The TLS session; `None` in clear.
    pub tls: Option<Arc<TlsSession>>,
    /// Failed attempts before the login.
    pub failures: u32,
    /// The reply to the login.
    pub reply: Reply,
}
