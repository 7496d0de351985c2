//! Why a client connection was not made, stopped, or refused a call.

mod display;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::client::{self, ChallengeKind, Connection, Misuse, Phase, TransferError};
use ftp_proto::wire::{Code, InvalidText, NegativeReply, Reply, Verb, escape};
use ftp_rustls::ConfigError;
use thiserror::Error;

use self::display::{Attempts, Because, Redacted, Seconds, Tried, asked};
use crate::{AddressError, DataFailure, DriverError};

/// Why a client's call failed.
///
/// Its text includes those of the errors inside, so `source` does not return them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not valid.
    #[error("the address cannot be used: {0}")]
    Address(AddressError),
    /// The name could not be resolved.
    #[error("cannot resolve {host}: {error}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        error: io::Error,
    },
    /// No address of the server could be connected to. Each has its reason, in the order tried.
    #[error("cannot connect: {}", Attempts(.0))]
    Connect(Vec<(SocketAddr, io::Error)>),
    /// Resolving and connecting took longer than
    /// [`Timeouts::connect`](ftp_proto::client::Timeouts::connect).
    #[error("no connection within {}{}", Seconds(*.after), Tried(.attempts))]
    ConnectTimedOut {
        /// The time allowed.
        after: Duration,
        /// The attempts; empty if the name was not resolved in time.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The TLS configuration cannot be built.
    #[error("the TLS configuration cannot be built: {0}")]
    TlsConfiguration(ConfigError),
    /// The connector has no TLS configuration, and the feature of the default one is off.
    #[error(
        "TLS is wanted, and no TLS configuration was given: give one with `Connector::tls`, or enable \
         the feature `platform-verifier`, which the default needs"
    )]
    NoTlsConfiguration,
    /// The connection broke before the machine was done.
    #[error("the connection failed at {phase}: {error}")]
    Io {
        /// In which phase.
        phase: Phase,
        /// How.
        error: io::Error,
        /// As [`Connection::is_secret_sent`](client::Connection::is_secret_sent).
        secret_sent: bool,
    },
    /// The protocol ended the login or the connection: refused, unavailable, timed out, or a fault
    /// of the peer.
    #[error(transparent)]
    Protocol(client::Error),
    /// TLS failed.
    #[error("{error}")]
    Tls {
        /// In which phase.
        phase: Phase,
        /// How.
        error: Box<ftp_rustls::Error<client::Error>>,
        /// As [`Connection::is_secret_sent`](client::Connection::is_secret_sent).
        secret_sent: bool,
    },
    /// The server asked a question that only `Connector::connect_with` or `Connecting::answer` can
    /// answer, or there was no answer.
    #[error("the server asks for {}, and there is no answer", asked(*.0))]
    Unanswered(ChallengeKind),
    /// The server refused `Client::reinitialize` or `Client::clear_command_channel`, or
    /// [`Reply::ok`] was called on a negative reply. The connection is unchanged.
    #[error("the server refused: {0}")]
    Refused(Reply),
    /// The reply does not say what it must, such as a 257 without a path. The connection goes on.
    #[error("the reply to {verb} cannot be used: {reply}")]
    UnusableReply {
        /// The command.
        verb: Verb,
        /// What it said.
        reply: Reply,
    },
    /// The server does not list, in its reply to `FEAT`, what this needs. Nothing was sent for it.
    #[error("the server does not list {0} among its features")]
    NotSupported(&'static str),
    /// This failed in the middle of something that is done to many files, at this path.
    #[error("{}: {error}", escape(.path))]
    AtPath {
        /// Where.
        path: Vec<u8>,
        /// Why.
        error: Box<Error>,
    },
    /// The server named a file so that its path may lead elsewhere: with `/` in the name, or
    /// `..`, or backslashes that would lead elsewhere as slashes. Nothing was done with it.
    #[error("the server names a file that may be elsewhere")]
    UnsafeName,
    /// Directories lie deeper in each other than is allowed, or in a circle.
    #[error("directories lie too deep in each other")]
    TooDeep,
    /// A reply came that nothing had asked for, and it was not read with `Client::next_event`. If the
    /// server sent one reply too many, later replies may be taken for answers to the wrong commands.
    /// The connection continues, and so does what the method had begun, as if its future had been
    /// dropped.
    #[error("a reply came that no command had asked for, so replies may be out of step: {0}")]
    Unsolicited(Reply),
    /// A transfer is not whole, or not known to be. The connection goes on, unless the server ended it.
    #[error("{error}{}", Because(error, .cause))]
    Transfer {
        /// What is known of it.
        error: Box<TransferError>,
        /// What happened to the data connection, where that says more.
        cause: Option<Box<DataFailure>>,
    },
    /// A file of this program could not be read, written, or gone about in, for a transfer.
    #[error("the local file failed: {0}")]
    Local(io::Error),
    /// A file of the server changed while it was transferred, or is not as long as it must be.
    #[error("the server's file changed during the transfer, or is not as long as it must be")]
    FileChanged,
    /// A download is whole, but what it was written to holds more: of what was there before, or of a
    /// longer file that the server had at first. Cut it off after `length` bytes.
    #[error("the file has {length} bytes, and what it was written to was longer before")]
    SinkTooLong {
        /// How long the server's file is.
        length: u64,
    },
    /// A call that does not fit the state of the connection.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The command cannot be sent.
    #[error("not a command that can be sent: {0}")]
    InvalidCommand(InvalidText),
    /// The final reply to this command was already returned, or the command belongs to another
    /// connection.
    #[error("this command has no further reply")]
    AlreadyAnswered,
    /// Too many events wait to be read with `Client::next_event`.
    #[error("too many events wait for next_event")]
    EventsUnread,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The pool is closed.
    #[error("the pool of connections is closed")]
    PoolClosed,
}

impl Error {
    /// The phase that failed: `connect`, or the name of a [`Phase`].
    pub fn phase_name(&self) -> &'static str {
        match self {
            Self::Address(_)
            | Self::Resolve { .. }
            | Self::Connect(_)
            | Self::ConnectTimedOut { .. }
            | Self::TlsConfiguration(_)
            | Self::NoTlsConfiguration
            | Self::PoolClosed => "connect",
            _ => self.phase().unwrap_or(Phase::Ready).name(),
        }
    }

    /// The phase of the connection that failed; `None` if there was no connection yet.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Address(_)
            | Self::Resolve { .. }
            | Self::Connect(_)
            | Self::ConnectTimedOut { .. }
            | Self::TlsConfiguration(_)
            | Self::NoTlsConfiguration
            | Self::PoolClosed => None,
            Self::Io { phase, .. } | Self::Tls { phase, .. } => Some(*phase),
            Self::Protocol(error) => Some(error.phase()),
            Self::Unanswered(kind) => Some(match kind {
                ChallengeKind::Password => Phase::Password,
                ChallengeKind::Account => Phase::Account,
                _ => Phase::User,
            }),
            Self::AtPath { error, .. } => error.phase(),
            Self::Refused(_)
            | Self::UnusableReply { .. }
            | Self::NotSupported(_)
            | Self::UnsafeName
            | Self::TooDeep
            | Self::Unsolicited(_)
            | Self::Transfer { .. }
            | Self::Local(_)
            | Self::FileChanged
            | Self::SinkTooLong { .. }
            | Self::Misuse(_)
            | Self::InvalidCommand(_)
            | Self::AlreadyAnswered
            | Self::EventsUnread => Some(Phase::Ready),
            Self::Closed => Some(Phase::Closing),
        }
    }

    /// The reply that refused, if one did.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Protocol(error) => error.reply(),
            Self::Refused(reply) | Self::UnusableReply { reply, .. } => Some(reply),
            Self::AtPath { error, .. } => error.reply(),
            Self::Transfer { error, cause } => error.reply().or(match cause.as_deref() {
                Some(DataFailure::ControlLost(lost)) => lost.reply(),
                _ => None,
            }),
            _ => None,
        }
    }

    /// The code of the reply that ended it, even if the reply was a fault.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Protocol(error) => error.code(),
            Self::Unsolicited(reply) => Some(reply.code()),
            Self::AtPath { error, .. } => error.code(),
            _ => self.reply().map(Reply::code),
        }
    }

    /// This error with `****` in place of the server's text, to format for logs. See
    /// [`client::Error::redacted`].
    pub fn redacted(&self) -> impl fmt::Display + '_ {
        Redacted(self)
    }

    /// Whether it is uncertain which reply belongs to which command: [`Unsolicited`](Self::Unsolicited), or
    /// [`PeerFault::OutOfStep`](client::PeerFault::OutOfStep).
    pub fn is_out_of_step(&self) -> bool {
        if let Self::AtPath { error, .. } = self {
            return error.is_out_of_step();
        }
        matches!(
            self,
            Self::Unsolicited(_)
                | Self::Protocol(client::Error::PeerFault {
                    fault: client::PeerFault::OutOfStep { .. },
                    ..
                })
        )
    }

    /// Whether the same attempt may succeed later, and may be made again: connection refused or
    /// lost, time-outs, 421 and other 4yz. Never after a 5yz, a broken protocol, or a name that
    /// cannot be resolved, and never after a TLS failure, except a handshake that was cut off, as
    /// by servers of implicit TLS with too many clients.
    ///
    /// Once any byte of a password or an account was sent, only after 421: see
    /// [`client::Error::is_transient`].
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(attempts) => attempts.iter().any(|(_, error)| is_transient(error.kind())),
            Self::Io {
                error, secret_sent, ..
            } => !secret_sent && is_transient(error.kind()),
            Self::ConnectTimedOut { .. } => true,
            Self::AtPath { error, .. } => error.is_transient(),
            Self::Protocol(error) => error.is_transient(),
            Self::Tls {
                error, secret_sent, ..
            } => !secret_sent && matches!(**error, ftp_rustls::Error::HandshakeEof),
            _ => false,
        }
    }

    /// Converts an error of this connection's driver. `before` is the phase before the driver ran.
    pub fn from_driver(
        error: DriverError<ftp_rustls::Error<client::Error>>,
        before: Phase,
        connection: &Connection,
    ) -> Self {
        // A broken connection is closing by now, so the phase before counts.
        let phase = match connection.phase() {
            Phase::Closing => before,
            phase => phase,
        };
        let secret_sent = connection.is_secret_sent();
        let tls = |error| Self::Tls {
            phase,
            error: Box::new(error),
            secret_sent,
        };
        match error {
            DriverError::Machine(ftp_rustls::Error::Machine(error)) => Self::Protocol(error),
            DriverError::Machine(error) => tls(error),
            DriverError::Io {
                error: failure,
                consequence,
            } => {
                let phase = match consequence {
                    Some(ftp_rustls::Error::Machine(error)) => error.phase(),
                    // A handshake that was cut off failed. Whether an end or a reset arrives is a
                    // matter of timing.
                    Some(error) => return tls(error),
                    None => phase,
                };
                Self::Io {
                    phase,
                    error: failure,
                    secret_sent,
                }
            }
        }
    }
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::TlsConfiguration(error)
    }
}

impl From<InvalidText> for Error {
    fn from(error: InvalidText) -> Self {
        Self::InvalidCommand(error)
    }
}

impl From<NegativeReply> for Error {
    fn from(refused: NegativeReply) -> Self {
        Self::Refused(refused.into_reply())
    }
}

impl From<Infallible> for Error {
    /// So that a [`Command`](ftp_proto::wire::Command) can be sent like a text.
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn is_transient(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::TimedOut
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero
    )
}

#[cfg(test)]
mod tests {
    use ftp_proto::data;
    use ftp_proto::wire::Verb;

    use super::*;

    fn refused() -> Vec<(SocketAddr, io::Error)> {
        vec![
            (
                "[::1]:21".parse().unwrap(),
                io::ErrorKind::ConnectionRefused.into(),
            ),
            (
                "127.0.0.1:21".parse().unwrap(),
                io::ErrorKind::TimedOut.into(),
            ),
        ]
    }

    #[test]
    fn the_cause_of_a_failed_transfer_is_said_once() {
        let cut_off = |cause| Error::Transfer {
            error: Box::new(TransferError::CutOff {
                bytes: 3,
                error: data::Error::Stalled,
                reply: None,
            }),
            cause: Some(Box::new(cause)),
        };
        let stalled = ftp_rustls::Error::Machine(data::Error::Stalled);
        let error = cut_off(DataFailure::Broken(DriverError::Machine(stalled)));
        let once =
            "cut off after 3 bytes: no byte moved on the data connection within the time allowed";
        assert_eq!(error.to_string(), once);
        let error = cut_off(DataFailure::NotMade(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(error.to_string(), format!("{once}: connection reset"));
    }

    #[test]
    fn messages_say_what_was_tried_and_what_came_of_it() {
        assert_eq!(
            Error::Connect(refused()).to_string(),
            "cannot connect: [::1]:21: connection refused; 127.0.0.1:21: timed out"
        );
        assert_eq!(
            Error::Connect(Vec::new()).to_string(),
            "cannot connect: the name has no address"
        );
        let after = Duration::from_millis(1500);
        assert_eq!(
            Error::ConnectTimedOut {
                after,
                attempts: Vec::new()
            }
            .to_string(),
            "no connection within 1.5 s"
        );
        let error = io::ErrorKind::ConnectionReset.into();
        assert_eq!(
            Error::Io {
                phase: Phase::Password,
                error,
                secret_sent: true,
            }
            .to_string(),
            "the connection failed at password: connection reset"
        );
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        assert!(Error::Connect(refused()).is_transient());
        let forbidden = (
            "[::1]:21".parse().unwrap(),
            io::ErrorKind::PermissionDenied.into(),
        );
        assert!(!Error::Connect(vec![forbidden]).is_transient());
        let tls = |error| Error::Tls {
            phase: Phase::Security,
            error: Box::new(error),
            secret_sent: false,
        };
        assert!(tls(ftp_rustls::Error::HandshakeEof).is_transient());
        assert!(!tls(ftp_rustls::Error::NoTlsConfiguration).is_transient());
        let unresolved = Error::Resolve {
            host: "ftp.example.com".into(),
            error: io::ErrorKind::TimedOut.into(),
        };
        assert!(!unresolved.is_transient());
        let late = Error::ConnectTimedOut {
            after: Duration::from_secs(1),
            attempts: refused(),
        };
        assert!(late.is_transient());
        let lost = |secret_sent| Error::Io {
            phase: Phase::Password,
            error: io::ErrorKind::ConnectionReset.into(),
            secret_sent,
        };
        assert!(lost(false).is_transient());
        assert!(!lost(true).is_transient());
        assert!(!Error::Closed.is_transient());
        assert!(!Error::Misuse(Misuse::NotReady).is_transient());
    }

    #[test]
    fn a_redacted_error_shows_nothing_that_the_server_said() {
        let reply = || Reply::new(Code::OKAY, "hunter2").unwrap();
        let phase = Phase::Ready;
        let verb = Verb::Pwd;
        let reply_of = |fault| Error::Protocol(client::Error::PeerFault { phase, fault });
        let transfer = |error, cause: Option<Error>| Error::Transfer {
            error: Box::new(error),
            cause: cause.map(|lost| Box::new(DataFailure::ControlLost(Box::new(lost)))),
        };
        let refused = TransferError::Refused {
            verb,
            reply: reply(),
        };
        for error in [
            Error::Refused(reply()),
            Error::Unsolicited(reply()),
            Error::UnusableReply {
                verb,
                reply: reply(),
            },
            Error::Protocol(client::Error::PasswordNeeded { reply: reply() }),
            transfer(refused.clone(), None),
            transfer(TransferError::Unknown, Some(Error::Refused(reply()))),
            Error::AtPath {
                path: b"hunter2".to_vec(),
                error: Box::new(transfer(refused, None)),
            },
            reply_of(client::PeerFault::UnsolicitedReply(reply())),
            reply_of(client::PeerFault::OutOfStep {
                verb,
                reply: reply(),
            }),
        ] {
            assert!(error.to_string().contains("200 hunter2"), "{error}");
            let redacted = error.redacted().to_string();
            assert!(redacted.ends_with("200 ****"), "{redacted}");
            assert!(!redacted.contains("hunter2"), "{redacted}");
        }
    }

    #[test]
    fn every_error_names_its_phase() {
        assert_eq!(Error::NoTlsConfiguration.phase_name(), "connect");
        assert_eq!(
            Error::Unanswered(ChallengeKind::Password).phase_name(),
            "password"
        );
        assert_eq!(Error::Closed.phase_name(), "closing");
        assert_eq!(Error::EventsUnread.phase_name(), "ready");
    }
}
