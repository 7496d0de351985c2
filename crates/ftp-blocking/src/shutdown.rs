//! How to stop a server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a connection to our own address may take.
const CALL_TIME: Duration = Duration::from_secs(1);

/// Stops servers and sessions. Clones are handles to the same.
///
/// Sessions check about once a second. A server that waits for a connection is woken by one to its
/// own address.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    listening: Mutex<Vec<SocketAddr>>,
}

impl Shutdown {
    /// A handle; nothing stops yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop: nothing more is accepted, and every session gets 421.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        for address in self.listening().drain(..) {
            // If that fails, the next client wakes it.
            drop(TcpStream::connect_timeout(&address, CALL_TIME));
        }
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Connects to this listener to wake it on stop.
    pub(crate) fn wake(&self, mut listener: SocketAddr) {
        if listener.ip().is_unspecified() {
            listener.set_ip(match listener.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        self.listening().push(listener);
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Vec<SocketAddr>> {
        let listening = self.0.listening.lock();
        listening.unwrap_or_else(PoisonError::into_inner)
    }
}
