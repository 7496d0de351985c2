//! What the service manager, such as systemd, passes to the server, and what it is told. Without one,
//! nothing is passed, and telling does nothing.

use std::net::{SocketAddr, TcpListener};

use crate::exit::Failure;

/// The socket that the service manager listens on for the server (socket activation). Call it while
/// there is one thread: it removes the variables that announce the socket.
///
/// # Errors
/// If there are several, or it is no TCP socket.
#[cfg(unix)]
pub(crate) fn passed_socket() -> Result<Option<TcpListener>, Failure> {
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() > 1 {
        return Err(Failure::usage(format!(
            "the service manager passes {} sockets; one is used, for control connections",
            passed.len()
        )));
    }
    passed.take_tcp_listener(0).map_err(|error| {
        Failure::usage(format!(
            "the socket of the service manager cannot be used: {error}"
        ))
    })
}

/// There is no such service manager here.
#[cfg(not(unix))]
pub(crate) fn passed_socket() -> Result<Option<TcpListener>, Failure> {
    Ok(None)
}

/// Tells the service manager what the server does (`sd_notify`).
pub(super) struct Service {
    status: String,
}

impl Service {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            status: format!("listening on {address}"),
        }
    }

    /// Clients can connect; a reload is over.
    pub(super) fn ready(&self) {
        tell(READY, &self.status);
    }

    /// A reload begins.
    pub(super) fn reloading(&self) {
        tell(RELOADING, "reading users and certificate again");
    }

    /// It is over, and changed nothing.
    pub(super) fn not_reloaded(&self) {
        let status = format!("{}; cannot reload, see the log", self.status);
        tell(READY, &status);
    }

    /// No more clients can connect.
    pub(super) fn stopping(&self) {
        tell(STOPPING, "waiting for the sessions to end");
    }
}

const READY: &str = "READY=1";
const RELOADING: &str = "RELOADING=1";
const STOPPING: &str = "STOPPING=1";

/// The server runs without anybody who listens, too: a failure is only logged.
#[cfg(unix)]
fn tell(state: &str, status: &str) {
    use sd_notify::NotifyState;
    let mut told = vec![NotifyState::Custom(state), NotifyState::Status(status)];
    if state == RELOADING {
        // So that systemd knows which reload it was.
        told.extend(NotifyState::monotonic_usec_now());
    }
    if let Err(error) = sd_notify::notify(&told) {
        let why = error.to_string();
        tracing::warn!(why, "cannot tell the service manager what the server does");
    }
}

#[cfg(not(unix))]
fn tell(_: &str, _: &str) {}
