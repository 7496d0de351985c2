//! How the parts of an error are shown.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::client::{ChallengeKind, TransferError};

use super::Error;
use crate::DataFailure;

pub(super) fn asked(kind: ChallengeKind) -> &'static str {
    match kind {
        ChallengeKind::Password => "a password",
        ChallengeKind::Account => "an account",
        _ => "a user name",
    }
}

/// The cause, if the error does not say it already.
pub(super) struct Because<'a>(
    pub(super) &'a TransferError,
    pub(super) &'a Option<Box<DataFailure>>,
);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error, Some(cause)) = self else {
            return Ok(());
        };
        let cause = format!(": {cause}");
        match error.to_string().contains(&cause) {
            true => Ok(()),
            false => f.write_str(&cause),
        }
    }
}

/// What stands for the text of a server.
const MASK: &str = "****";

pub(super) struct Redacted<'a>(pub(super) &'a Error);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Error::Protocol(error) => error.redacted().fmt(f),
            Error::Refused(reply) => Error::Refused(reply.redacted()).fmt(f),
            Error::Unsolicited(reply) => Error::Unsolicited(reply.redacted()).fmt(f),
            Error::UnusableReply { verb, reply } => {
                let (verb, reply) = (*verb, reply.redacted());
                Error::UnusableReply { verb, reply }.fmt(f)
            }
            // The server named most of the path.
            Error::AtPath { error, .. } => write!(f, "{MASK}: {}", error.redacted()),
            Error::Transfer { error, cause } => {
                error.redacted().fmt(f)?;
                match cause.as_deref() {
                    Some(DataFailure::ControlLost(lost)) => write!(f, ": {}", lost.redacted()),
                    _ => Because(error, cause).fmt(f),
                }
            }
            Error::Tls { error, .. } => match &**error {
                ftp_rustls::Error::Machine(error) => error.redacted().fmt(f),
                error => error.fmt(f),
            },
            error => error.fmt(f),
        }
    }
}

pub(super) struct Attempts<'a>(pub(super) &'a [(SocketAddr, io::Error)]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the name has no address");
        }
        for (index, (address, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{address}: {error}")?;
        }
        Ok(())
    }
}

pub(super) struct Tried<'a>(pub(super) &'a [(SocketAddr, io::Error)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", Attempts(self.0))
        }
    }
}

pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}
