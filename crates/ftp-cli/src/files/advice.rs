//! What to do about a transfer that failed.

use ftp_adapter::Error;
use ftp_proto::client::TransferError;
use ftp_proto::wire::Verb;

/// What the options of a command could still do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Advice {
    /// About what was cut.
    pub(crate) cut: Option<&'static str>,
    /// The same, where what came may be of another file.
    pub(crate) spoilt: Option<&'static str>,
    /// About a file that could not be stored.
    pub(crate) not_stored: Option<&'static str>,
    /// About a file that could not be received.
    pub(crate) not_received: Option<&'static str>,
    /// About a file that could not be removed.
    pub(crate) not_removed: Option<&'static str>,
    /// About a directory that could not be made.
    pub(crate) not_made: Option<&'static str>,
    /// About a file that could not be renamed.
    pub(crate) not_renamed: Option<&'static str>,
    /// About a directory or file that could not be looked at.
    pub(crate) not_seen: Option<&'static str>,
    /// About a file that is not what was sent.
    pub(crate) not_verified: Option<&'static str>,
}

impl Advice {
    /// What to do about this.
    pub(crate) fn about(self, error: &Error, is_active: bool) -> Option<&'static str> {
        let is_spoilt = error.spoils(true);
        let error = match error {
            Error::AtPath { error, .. } => return self.about(error, is_active),
            Error::Transfer { error, .. } => error,
            Error::FileChanged => return self.spoilt.or(self.cut),
            Error::Refused(reply) if reply.code().get() / 100 == 4 => return LATER,
            Error::Refused(_) => {
                let advice = self.not_removed.or(self.not_made).or(self.not_renamed);
                return advice.or(self.not_seen);
            }
            _ => return None,
        };
        let code = error.reply().map(|reply| reply.code().get());
        match (&**error, code) {
            (error, _) if error.wants_resumption() => RESUMPTION,
            (_, Some(522)) => RESUMPTION,
            (TransferError::Refused { verb, .. }, _) if is_port(*verb) => {
                Some("the server makes no data connections: leave --active out")
            }
            (TransferError::NotOpened, _) | (_, Some(425)) => Some(match is_active {
                true => "a firewall may keep the server from connecting: leave --active out",
                false => {
                    "a firewall may be in the way of data connections; --active lets the server make them"
                }
            }),
            (_, Some(452 | 552)) => Some("make room there (ftp-cli rm), or ask for more of it"),
            (_, Some(521 | 533 | 534 | 536)) => {
                Some("the server wants data connections protected otherwise: see --protection")
            }
            (TransferError::Refused { verb, .. }, Some(550 | 553)) if *verb == Verb::Stor => {
                self.not_stored
            }
            (TransferError::Refused { verb, .. }, Some(550)) if *verb == Verb::Retr => {
                self.not_received
            }
            (TransferError::Refused { .. }, Some(400..=499)) => LATER,
            (TransferError::Refused { .. }, _) => self.not_seen,
            _ if is_spoilt => self.spoilt.or(self.cut),
            _ => self.cut,
        }
    }
}

const LATER: Option<&str> = Some("this may pass: try again later; --retries does so by itself");

/// About what is named in a URL.
pub(crate) const NOT_SEEN: &str = "is the path right? It begins in the directory of the login; one that begins with %2F, at the root";

const RESUMPTION: Option<&str> = Some(
    "the server wants the TLS session of the control connection resumed: --tls12 uses sessions that can be \
     resumed for ever",
);

fn is_port(verb: Verb) -> bool {
    matches!(verb, Verb::Port | Verb::Eprt)
}
