//! The sockets that the server listens on.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::exit::{Exit, Failure};

/// How many connections may wait to be accepted. The system limits it; Linux to 4096.
const BACKLOG: u32 = 1024;

pub(super) async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let unusable = |error: io::Error| {
        let message = format!("cannot listen on {address}: {error}");
        let failure = Failure::new(Exit::Unavailable, message);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("another program listens there: stop it, or choose another port with --listen")
            }
            io::ErrorKind::AddrNotAvailable => failure.hint(
                "this computer does not have that address; 0.0.0.0:PORT or [::]:PORT listens at all that it has",
            ),
            io::ErrorKind::PermissionDenied => failure.hint(
                "ports below 1024 need rights: --listen with a port above, or packaging/ has a service that has them",
            ),
            _ => failure,
        }
    };
    let listener = bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(format!(
            "{address:?} is not an address to listen on: {error}"
        ))
        .hint("it is host:port, for example 127.0.0.1:2121 or [::1]:2121"),
        _ => unusable(error),
    })?;
    let address = listener.local_addr().map_err(unusable)?;
    Ok((listener, address))
}

/// Listens on a socket that the service manager made.
pub(super) fn adopt(listener: std::net::TcpListener) -> Result<(TcpListener, SocketAddr), Failure> {
    let adopted = || {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((TcpListener::from_std(listener)?, address))
    };
    adopted().map_err(|error: io::Error| {
        let message = format!("cannot listen on the socket of the service manager: {error}");
        Failure::new(Exit::Unavailable, message)
    })
}

/// As [`TcpListener::bind`], with a longer queue. Its queue holds 128: further clients of a burst
/// wait a second until their system tries again.
async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut failed = io::ErrorKind::InvalidInput.into();
    for address in lookup_host(address).await? {
        match bind_to(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if cfg!(unix) {
        // So that a restart can listen at once, while old connections of the port still time out.
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
