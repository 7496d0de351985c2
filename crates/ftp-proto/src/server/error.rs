//! Why a server connection failed or refused a call.

use core::fmt;

use thiserror::Error;

use crate::wire::ForeignProtocol;

/// Why a server connection failed: the peer broke the protocol. `poll` returns it from then on.
/// Other ends, timeouts included, are only reported by [`Event::Closed`](super::Event::Closed).
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
    /// Bytes arrived in clear after `AUTH` and before the TLS handshake (or under TLS after `CCC`).
    /// They may be injected commands. None of them was read.
    #[error("bytes arrived after AUTH and before the TLS handshake: injection?")]
    BytesBeforeTlsSwitch,
    /// The client speaks another protocol, for example a browser made to send FTP commands.
    #[error("the client speaks {}, not FTP", Spoken(*.0))]
    ForeignProtocol(ForeignProtocol),
}

/// The TLS hint of [`ForeignProtocol`] is for users of clients; a server needs another.
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

/// A call that does not fit the state of the connection: a mistake of the caller, or the peer has
/// left. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The connection is over; the answer is dropped.
    #[error("the connection is over")]
    Closed,
    /// The answer is not for an open question of this connection: the question was already
    /// answered, or belongs to another connection.
    #[error("the answer is not for an open question")]
    NothingOpen,
    /// The code has the wrong class: a preliminary reply must be 1yz, and a final one neither 1yz
    /// nor 6yz.
    #[error(
        "the reply's code does not fit: 1yz for preliminary replies, 2yz to 5yz for final ones"
    )]
    WrongClass,
    /// This code has a method of its own: 421 is sent by [`shutdown`](super::Connection::shutdown),
    /// 1yz by `preliminary`.
    #[error("this reply has a method of its own")]
    DedicatedMethod,
}
