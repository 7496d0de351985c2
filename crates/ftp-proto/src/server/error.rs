//! Why a server connection failed or refused a call.

use core::fmt;

use thiserror::Error;

use crate::wire::ForeignProtocol;

/// Why a server connection is over, where the peer broke the protocol beyond repair. Sticky.
/// Orderly ends (timeouts included) are [`Event::Closed`](super::Event::Closed) instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The client broke the protocol.
    #[error("protocol fault of the client: {0}")]
    PeerFault(PeerFault),
}

/// How a client broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// Bytes arrived in clear behind `AUTH` and before the TLS handshake (or under TLS behind
    /// `CCC`): someone may be injecting commands. None of them was looked at.
    #[error("bytes arrived behind AUTH and before the TLS handshake: injection?")]
    BytesBeforeTlsSwitch,
    /// The client speaks another protocol, for example a browser made to send FTP commands.
    #[error("the client speaks {}, not FTP", Spoken(*.0))]
    ForeignProtocol(ForeignProtocol),
}

/// The hint that [`ForeignProtocol`] gives with TLS is for clients; a server's reader needs another.
struct Spoken(ForeignProtocol);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ForeignProtocol::Tls => {
                f.write_str("TLS from the first byte (it expects implicit TLS on this port)")
            }
            other => other.fmt(f),
        }
    }
}

/// A call that does not fit the state of the connection: the caller's mistake, or the peer left
/// meanwhile. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The connection is over; the answer is dropped.
    #[error("the connection is over")]
    Closed,
    /// The answer belongs to nothing that is open here: it was answered, or is another connection's.
    #[error("the answer belongs to nothing that is open")]
    NothingOpen,
    /// A final reply must be neither 1yz nor 6yz, a preliminary one must be 1yz.
    #[error(
        "the reply's code does not fit: 1yz for preliminary replies, 2yz to 5yz for final ones"
    )]
    WrongClass,
    /// Only the library sends this code itself (421 by
    /// [`shutdown`](super::Connection::shutdown), 1yz by `preliminary`).
    #[error("this reply has a method of its own")]
    DedicatedMethod,
}
