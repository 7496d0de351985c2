//! What opens a data connection.

use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;

use crate::server::Resumption;
use crate::ticket;

/// Which way the bytes go, as the side sees it that holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Direction {
    /// This side sends: a client that stores, a server that is retrieved from.
    Send,
    /// This side receives.
    Receive,
}

/// How the bytes of a file stand on the data connection (`TYPE`, RFC 959 §3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DataType {
    /// `TYPE I`: as they are.
    #[default]
    Image,
    /// `TYPE A`: lines end with CRLF, in files with LF.
    Ascii,
}

/// How long a data connection may take. Deadlines are measured by the driver's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the connection stands. Default 15 s.
    pub connect: Duration,
    /// From then until the TLS handshake is done. Default 30 s.
    pub handshake: Duration,
    /// While no byte moves. Default 60 s.
    pub stall: Duration,
    /// From the last byte sent until the peer has closed its side. It is no error if it does not:
    /// the reply decides. Default 2 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            handshake: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            close: Duration::from_secs(2),
        }
    }
}

/// How the data connection is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Open {
    /// Connect to this port of the host that the control connection leads to.
    ConnectToPeer {
        /// The port.
        port: u16,
    },
    /// Connect to this address.
    Connect(SocketAddr),
    /// Accept a connection of the control connection's peer, on the listener that was made for it. Drop
    /// others that knock, and go on waiting.
    Accept,
}

/// What the driver needs to open one data connection. Made by the machine of a control connection, fits no
/// other, and is used once.
///
/// Dropping it gives the transfer up: the machine that made it notices, and settles with the peer.
#[derive(Debug)]
#[must_use = "the transfer waits for its data connection"]
pub struct Ticket {
    pub(crate) id: ticket::Ticket,
    pub(crate) open: Open,
    pub(crate) held: Held,
}

/// What a data connection is told when it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) direction: Direction,
    pub(crate) data_type: DataType,
    /// TLS is put around it, from the first byte.
    pub(crate) is_protected: bool,
    /// Under TLS, an end without `close_notify` counts as an end.
    pub(crate) lenient_end: bool,
    pub(crate) timeouts: Timeouts,
    /// Whether the TLS session is resumed from that of the control connection.
    pub(crate) resumption: Resumption,
    /// After a full TLS handshake, send nothing for so long: the peer may refuse a session that was not
    /// resumed, and a transfer of which nothing was sent can be tried again.
    pub(crate) hold: Option<Duration>,
}

impl Ticket {
    /// How to open it.
    pub fn open(&self) -> Open {
        self.open
    }

    /// Which way the bytes will go.
    pub fn direction(&self) -> Direction {
        self.held.plan().direction
    }

    /// Whether there will be TLS on it.
    pub fn is_protected(&self) -> bool {
        self.held.plan().is_protected
    }

    /// How long opening it may take.
    pub fn timeouts(&self) -> &Timeouts {
        &self.held.plan().timeouts
    }
}

/// Shared by the control connection and whoever holds the other end of the transfer: the ticket, the data
/// connection, or how it ended. So the control connection notices when that is dropped, and sees how far
/// it came.
#[derive(Clone)]
pub(crate) struct Held(Arc<Shared>);

struct Shared {
    plan: Plan,
    /// How many bytes moved; where `usize` is too small, that many at least.
    moved: AtomicUsize,
    /// The application has written all, and all of it was sent.
    is_sent: AtomicBool,
}

impl Held {
    /// For the control connection; clones are for the other end.
    pub(crate) fn new(plan: Plan) -> Self {
        Self(Arc::new(Shared {
            plan,
            moved: AtomicUsize::new(0),
            is_sent: AtomicBool::new(false),
        }))
    }

    #[inline]
    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Whether the other end is still there.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    #[inline]
    pub(super) fn note_moved(&self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.0.moved.store(bytes, Ordering::Release);
    }

    pub(super) fn note_sent(&self) {
        self.0.is_sent.store(true, Ordering::Release);
    }

    pub(crate) fn moved(&self) -> u64 {
        self.0.moved.load(Ordering::Acquire) as u64
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.0.is_sent.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
