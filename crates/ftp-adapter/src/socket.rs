//! Options of sockets that transfers want. The sockets are the adapters'.

use std::io;
use std::time::Duration;

use ftp_proto::data::{Connection, Direction};
use socket2::{SockRef, TcpKeepalive};

/// How long a control connection may be silent before the system asks whether the other host is there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What a client asks of the socket of one of its connections. None changes what is sent: a transport without
/// sockets does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOption {
    /// What comes next over this control connection is acknowledged at once (`TCP_QUICKACK`): a server may hold
    /// its confirmation of a transfer back until then.
    AcknowledgeAtOnce,
    /// What is written to this data connection goes at once, however little it is (`TCP_NODELAY`). Asked for under
    /// TLS, and in clear when an upload is flushed: its last bytes go with its end.
    SendAtOnce,
    /// Whether this data connection is reset when it is dropped (`SO_LINGER`). That is asked for at the start of a
    /// transfer, and taken back at its end, so it is what happens to one that is given up, and if the program
    /// dies. An upload in clear: its end would be that of the file. A download, unless it is a small one: a server that
    /// still writes could find a broken pipe, for which ProFTPD (under TLS) and the ftpd of inetutils end the
    /// session; for a reset they do not.
    ResetOnDrop(bool),
}

impl SocketOption {
    /// Sets it on a socket of TCP. What fails costs time at most, but for a reset: then the connection is closed as
    /// others are, and the server may keep a part of a file.
    pub fn set(self, socket: &SockRef<'_>) {
        match self {
            Self::AcknowledgeAtOnce => acknowledge_at_once(socket),
            Self::SendAtOnce => send_at_once(socket),
            Self::ResetOnDrop(reset) => reset_on_close(socket, reset),
        }
    }
}

/// For a control connection: small packets go at once, and the system keeps it alive, since nothing is
/// said over it during a long transfer. What a client sends as urgent, the last byte of an `ABOR` for
/// example (RFC 959 §4.1.3), stays where it is among the others.
///
/// # Errors
/// Those of the system.
pub fn prepare_control(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_out_of_band_inline(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))
}

/// What comes next is acknowledged at once. A server that holds small packets back (Nagle's algorithm) waits for
/// that before it confirms a transfer, 40 ms for each file. Linux alone has this option, and forgets
/// it after a while.
fn acknowledge_at_once(socket: &SockRef<'_>) {
    #[cfg(target_os = "linux")]
    {
        // It only saves time.
        let _not_essential = socket.set_tcp_quickack(true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Small packets go at once (`TCP_NODELAY`).
pub fn send_at_once(socket: &SockRef<'_>) {
    // It only saves time.
    let _not_essential = socket.set_tcp_nodelay(true);
}

/// Whether the connection is reset when it is closed: so the peer does not take its end for the end of
/// a file.
fn reset_on_close(socket: &SockRef<'_>, reset: bool) {
    // If that fails it is closed as others are, and the server may keep a part of a file.
    let _not_essential = socket.set_linger(reset.then_some(Duration::ZERO));
}

/// For the data connection of a server: what is sent in clear is reset when it is closed before its
/// end. Say so at the start, and take it back at the end.
pub fn reset_if_cut(socket: &SockRef<'_>, data: &Connection, reset: bool) {
    if data.direction() == Direction::Send && !data.is_protected() {
        reset_on_close(socket, reset);
    }
}
