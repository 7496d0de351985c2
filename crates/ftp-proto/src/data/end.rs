//! How a data connection ended.

use alloc::sync::Arc;

use thiserror::Error;

use super::ticket::Held;
use crate::{TlsSession, ticket};

/// How a data connection ended: the value with which the machine of the control connection is told.
///
/// Dropping it gives the transfer up, as dropping the connection does.
#[derive(Debug)]
#[must_use = "the transfer waits for it"]
pub struct End {
    pub(crate) id: ticket::Ticket,
    pub(crate) bytes: u64,
    pub(crate) result: Result<(), Error>,
    pub(crate) tls: Option<Arc<TlsSession>>,
    /// Bytes of the application were received or taken to be sent.
    pub(crate) is_touched: bool,
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(crate) held: Held,
}

impl End {
    /// How many bytes of the transfer went over the connection, in its [`DataType`](super::DataType).
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the bytes ended as the sender meant them to end.
    ///
    /// # Errors
    /// Why they did not.
    pub fn result(&self) -> Result<(), Error> {
        self.result
    }

    /// The TLS session, if there was one.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.tls.as_ref()
    }
}

/// Why the bytes of a data connection are not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Error {
    /// The application left it before its end.
    #[error("the data connection was left before its end")]
    Unfinished,
    /// The connection broke, TLS failed on it, or the peer ended it without saying so (`close_notify`)
    /// under TLS.
    #[error("the data connection was cut off")]
    CutOff,
    /// No byte moved for the time allowed.
    #[error("no byte moved on the data connection within the time allowed")]
    Stalled,
    /// The TLS handshake did not end.
    #[error("the TLS handshake of the data connection was not done within the time allowed")]
    Handshake,
    /// The TLS session was not resumed from that of the control connection, which this side demands.
    #[error("the TLS session of the data connection was not resumed from the control connection")]
    NotResumed,
}
