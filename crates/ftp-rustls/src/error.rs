//! Why a secured connection is over.

use core::fmt;

/// Why a secured connection is over. Sticky.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error<E> {
    /// The machine inside gave up. Shown as its own error would be.
    Machine(E),
    /// TLS failed: on either side, the alert that says so was sent before this is reported.
    Tls {
        /// At what point of the TLS connection's life.
        during: TlsPhase,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The peer closed the connection in the middle of the TLS handshake.
    HandshakeEof,
    /// The machine asks for TLS, and [`Secured::clear`](crate::Secured::clear) has none to give.
    NoTlsConfiguration,
}

/// A point in the life of a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsPhase {
    /// Before both sides have agreed.
    Handshake,
    /// While the control connection runs under TLS.
    Session,
    /// While TLS is being closed (`CCC`).
    Close,
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(error) => error.fmt(f),
            Self::Tls {
                during: TlsPhase::Handshake,
                source,
            } => write!(f, "the TLS handshake failed: {source}"),
            Self::Tls { source, .. } => write!(f, "TLS failed: {source}"),
            Self::HandshakeEof => {
                f.write_str("the peer closed the connection during the TLS handshake")
            }
            Self::NoTlsConfiguration => {
                f.write_str("TLS is asked for, and no TLS configuration was given")
            }
        }
    }
}

impl<E: std::error::Error> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Machine(error) => error.source(),
            Self::Tls { source, .. } => Some(source),
            Self::HandshakeEof | Self::NoTlsConfiguration => None,
        }
    }
}
