//! Conversions to [`io::Error`]. `downcast` returns the original error.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use ftp_proto::client::TransferError;
use ftp_proto::wire::Reply;
use ftp_proto::{client, server};

use crate::{AddressError, DataFailure, DriverError, Error, SessionError, TlsMissing};

impl From<Error> for io::Error {
    /// * A refusal is [`PermissionDenied`](ErrorKind::PermissionDenied), and so is a missing
    ///   password or account.
    /// * 421 is [`ConnectionAborted`](ErrorKind::ConnectionAborted), an end without a reply
    ///   [`UnexpectedEof`](ErrorKind::UnexpectedEof), and a deadline
    ///   [`TimedOut`](ErrorKind::TimedOut).
    /// * A protocol fault of the peer, or a TLS failure, is
    ///   [`InvalidData`](ErrorKind::InvalidData).
    /// * A transfer that was cut off is `UnexpectedEof` too, one whose length differs `InvalidData`. A 550
    ///   to it, or to another command with a path, is [`NotFound`](ErrorKind::NotFound), 452 and 552 are
    ///   [`StorageFull`](ErrorKind::StorageFull).
    /// * Invalid calls, addresses and configurations are [`InvalidInput`](ErrorKind::InvalidInput).
    /// * A failed transport or resolver keeps its kind; of several addresses, that of the last.
    fn from(error: Error) -> Self {
        Self::new(of_error(&error), error)
    }
}

fn of_error(error: &Error) -> ErrorKind {
    match error {
        Error::Resolve { error, .. } | Error::Io { error, .. } | Error::Local(error) => {
            error.kind()
        }
        Error::Connect(attempts) => attempts
            .last()
            .map_or(ErrorKind::NotFound, |(_, error)| error.kind()),
        Error::ConnectTimedOut { .. } => ErrorKind::TimedOut,
        Error::Protocol(error) => kind_of(error),
        Error::Tls { error, .. } => kind_of(&**error),
        Error::Transfer { error, cause } => of_transfer(error, cause.as_deref()),
        Error::AtPath { error, .. } => of_error(error),
        Error::Refused(reply) => of_refusal(reply),
        Error::Unanswered(_) => ErrorKind::PermissionDenied,
        Error::Unsolicited(_)
        | Error::FileChanged
        | Error::UnusableReply { .. }
        | Error::UnsafeName
        | Error::TooDeep => ErrorKind::InvalidData,
        Error::NotSupported(_) => ErrorKind::Unsupported,
        Error::Address(_)
        | Error::TlsConfiguration(_)
        | Error::NoTlsConfiguration
        | Error::Misuse(_)
        | Error::InvalidCommand(_)
        | Error::SinkTooLong { .. }
        | Error::AlreadyAnswered => ErrorKind::InvalidInput,
        Error::EventsUnread => ErrorKind::Other,
        Error::Closed | Error::PoolClosed => ErrorKind::NotConnected,
    }
}

fn of_refusal(reply: &Reply) -> ErrorKind {
    match reply.code().get() {
        // Not there, or not allowed: the code does not tell.
        550 => ErrorKind::NotFound,
        552 | 452 => ErrorKind::StorageFull,
        _ => ErrorKind::PermissionDenied,
    }
}

impl From<SessionError> for io::Error {
    /// The kinds are those of a client's [`Error`].
    fn from(error: SessionError) -> Self {
        let kind = match &error {
            SessionError::Io(error) => error.kind(),
            SessionError::Protocol(error) => kind_of(error),
            SessionError::Tls(error) => kind_of(&**error),
        };
        Self::new(kind, error)
    }
}

impl<E: StdError + Send + Sync + 'static> From<DriverError<E>> for io::Error {
    /// The kinds are those of a client's [`Error`]; [`Other`](ErrorKind::Other) for an error of
    /// another machine.
    fn from(error: DriverError<E>) -> Self {
        let kind = match &error {
            DriverError::Machine(error) => kind_of(error),
            DriverError::Io { error, .. } => error.kind(),
        };
        Self::new(kind, error)
    }
}

impl From<AddressError> for io::Error {
    /// [`InvalidInput`](ErrorKind::InvalidInput).
    fn from(error: AddressError) -> Self {
        Self::new(ErrorKind::InvalidInput, error)
    }
}

impl From<TlsMissing> for io::Error {
    /// [`InvalidInput`](ErrorKind::InvalidInput).
    fn from(error: TlsMissing) -> Self {
        Self::new(ErrorKind::InvalidInput, error)
    }
}

fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    if let Some(error) = error.downcast_ref() {
        of_client(error)
    } else if error.is::<server::Error>() {
        ErrorKind::InvalidData
    } else if let Some(error) = error.downcast_ref() {
        of_tls::<client::Error>(error)
    } else if let Some(error) = error.downcast_ref() {
        of_tls::<server::Error>(error)
    } else {
        ErrorKind::Other
    }
}

fn of_client(error: &client::Error) -> ErrorKind {
    match error {
        client::Error::Refused { .. }
        | client::Error::AccountNeeded { .. }
        | client::Error::PasswordNeeded { .. } => ErrorKind::PermissionDenied,
        client::Error::ServiceUnavailable { .. } => ErrorKind::ConnectionAborted,
        client::Error::TimedOut { .. } => ErrorKind::TimedOut,
        client::Error::ConnectionClosed { .. } => ErrorKind::UnexpectedEof,
        client::Error::PeerFault { .. } => ErrorKind::InvalidData,
        _ => ErrorKind::Other,
    }
}

fn of_transfer(error: &TransferError, cause: Option<&DataFailure>) -> ErrorKind {
    match (error, cause) {
        (TransferError::NotOpened, Some(DataFailure::NotMade(error))) => error.kind(),
        (TransferError::NotOpened, _) => ErrorKind::TimedOut,
        (TransferError::CutOff { .. }, _) => ErrorKind::UnexpectedEof,
        (TransferError::Refused { reply, .. } | TransferError::Failed { reply, .. }, _) => {
            of_refusal(reply)
        }
        (TransferError::UnusableReply { .. } | TransferError::LengthDiffers { .. }, _) => {
            ErrorKind::InvalidData
        }
        (TransferError::Aborted | TransferError::NotBegun, _) => ErrorKind::ConnectionAborted,
        _ => ErrorKind::Other,
    }
}

fn of_tls<E: StdError + 'static>(error: &ftp_rustls::Error<E>) -> ErrorKind {
    match error {
        ftp_rustls::Error::Machine(error) => kind_of(error),
        ftp_rustls::Error::HandshakeEof => ErrorKind::UnexpectedEof,
        ftp_rustls::Error::NoTlsConfiguration => ErrorKind::InvalidInput,
        _ => ErrorKind::InvalidData,
    }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;
    use std::time::Duration;

    use ftp_proto::client::{ChallengeKind, Misuse, PeerFault, Phase, Timeout};
    use ftp_proto::server::Security;
    use ftp_proto::wire::{Code, Command, Reply};
    use ftp_rustls::ConfigError;

    use super::*;

    fn reply() -> Reply {
        Reply::new(Code::NOT_LOGGED_IN, "No.").unwrap()
    }

    fn broken() -> io::Error {
        io::Error::new(ErrorKind::BrokenPipe, "the pipe is gone")
    }

    fn protocol() -> Vec<(client::Error, ErrorKind)> {
        let (phase, secret_sent) = (Phase::Password, true);
        vec![
            (
                client::Error::Refused {
                    phase,
                    reply: reply(),
                    secret_sent,
                },
                ErrorKind::PermissionDenied,
            ),
            (
                client::Error::AccountNeeded {
                    phase,
                    reply: reply(),
                },
                ErrorKind::PermissionDenied,
            ),
            (
                client::Error::PasswordNeeded { reply: reply() },
                ErrorKind::PermissionDenied,
            ),
            (
                client::Error::ServiceUnavailable {
                    phase,
                    reply: reply(),
                },
                ErrorKind::ConnectionAborted,
            ),
            (
                client::Error::TimedOut {
                    phase,
                    what: Timeout::Reply,
                    secret_sent,
                },
                ErrorKind::TimedOut,
            ),
            (
                client::Error::ConnectionClosed {
                    phase,
                    mid_reply: false,
                    secret_sent,
                },
                ErrorKind::UnexpectedEof,
            ),
            (
                client::Error::PeerFault {
                    phase,
                    fault: PeerFault::AskedAgain,
                },
                ErrorKind::InvalidData,
            ),
        ]
    }

    fn tls() -> Vec<(ftp_rustls::Error<client::Error>, ErrorKind)> {
        let machine = protocol().into_iter();
        let mut errors: Vec<_> = machine
            .map(|(error, kind)| (ftp_rustls::Error::Machine(error), kind))
            .collect();
        errors.push((ftp_rustls::Error::HandshakeEof, ErrorKind::UnexpectedEof));
        errors.push((
            ftp_rustls::Error::NoTlsConfiguration,
            ErrorKind::InvalidInput,
        ));
        errors
    }

    fn client() -> Vec<(Error, ErrorKind)> {
        let (phase, secret_sent) = (Phase::Password, true);
        let attempts = || vec![("127.0.0.1:21".parse().unwrap(), broken())];
        let mut errors = vec![
            (AddressError::NoHost.into(), ErrorKind::InvalidInput),
            (
                Error::Resolve {
                    host: "ftp.example.com".into(),
                    error: broken(),
                },
                ErrorKind::BrokenPipe,
            ),
            (Error::Connect(Vec::new()), ErrorKind::NotFound),
            (Error::Connect(attempts()), ErrorKind::BrokenPipe),
            (
                Error::ConnectTimedOut {
                    after: Duration::from_secs(1),
                    attempts: attempts(),
                },
                ErrorKind::TimedOut,
            ),
            (ConfigError::NoRoots.into(), ErrorKind::InvalidInput),
            (Error::NoTlsConfiguration, ErrorKind::InvalidInput),
            (
                Error::Io {
                    phase,
                    error: broken(),
                    secret_sent,
                },
                ErrorKind::BrokenPipe,
            ),
            (
                Error::Unanswered(ChallengeKind::Password),
                ErrorKind::PermissionDenied,
            ),
            (Error::Refused(reply()), ErrorKind::PermissionDenied),
            (Error::Unsolicited(reply()), ErrorKind::InvalidData),
            (Misuse::NotReady.into(), ErrorKind::InvalidInput),
            (
                Command::from_line("").unwrap_err().into(),
                ErrorKind::InvalidInput,
            ),
            (Error::Local(broken()), ErrorKind::BrokenPipe),
            (Error::FileChanged, ErrorKind::InvalidData),
            (Error::SinkTooLong { length: 1 }, ErrorKind::InvalidInput),
            (Error::EventsUnread, ErrorKind::Other),
            (Error::Closed, ErrorKind::NotConnected),
            (Error::PoolClosed, ErrorKind::NotConnected),
        ];
        errors.extend(
            protocol()
                .into_iter()
                .map(|(error, kind)| (Error::Protocol(error), kind)),
        );
        errors.extend(tls().into_iter().map(|(error, kind)| {
            let error = Box::new(error);
            let tls = Error::Tls {
                phase,
                error,
                secret_sent,
            };
            (tls, kind)
        }));
        errors
    }

    /// As an I/O error it is of this kind, and is there again after `downcast`. Nothing is in the text
    /// of two errors of its chain.
    fn check<E: StdError + Send + Sync + 'static + Into<io::Error>>(error: E, kind: ErrorKind) {
        let first: &(dyn StdError + 'static) = &error;
        let texts: Vec<_> = successors(Some(first), |&error| error.source())
            .map(ToString::to_string)
            .collect();
        for (at, text) in texts.iter().enumerate() {
            let again = texts[at + 1..].iter().find(|below| text.contains(*below));
            assert_eq!(again, None, "{texts:?}");
        }
        let debug = format!("{error:?}");
        let io_error: io::Error = error.into();
        assert_eq!(io_error.kind(), kind, "{debug}");
        assert_eq!(io_error.to_string(), texts[0]);
        let original = io_error.downcast::<E>().expect("the original is inside");
        assert_eq!(format!("{original:?}"), debug);
    }

    #[test]
    fn an_error_becomes_an_io_error_of_a_fitting_kind_and_back_and_says_each_thing_once() {
        for (error, kind) in client() {
            check(error, kind);
        }
        for (error, kind) in tls() {
            check(DriverError::Machine(error), kind);
        }
        let lost = DriverError::<client::Error>::Io {
            error: broken(),
            consequence: None,
        };
        check(lost, ErrorKind::BrokenPipe);
        let foreign = DriverError::Machine(std::fmt::Error);
        check(foreign, ErrorKind::Other);

        let fault = || server::Error::PeerFault(server::PeerFault::BytesBeforeTlsSwitch);
        let tls = |error| SessionError::Tls(Box::new(error));
        check(SessionError::Io(broken()), ErrorKind::BrokenPipe);
        check(SessionError::Protocol(fault()), ErrorKind::InvalidData);
        check(
            tls(ftp_rustls::Error::Machine(fault())),
            ErrorKind::InvalidData,
        );
        check(
            tls(ftp_rustls::Error::HandshakeEof),
            ErrorKind::UnexpectedEof,
        );

        check(AddressError::NoHost, ErrorKind::InvalidInput);
        check(
            TlsMissing::new(Security::ExplicitTls),
            ErrorKind::InvalidInput,
        );
    }
}
