//! Accepting connections, and running each with a [`Handler`].

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{self, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::{Entry, Reception, SharedGuard, SystemClock, TlsMissing, Welcome, accept_pause};
use ftp_proto::server::{Config, Connection};
use ftp_rustls::rustls::ServerConfig;

use crate::attendance::{LOOK_ABOUT, attend};
use crate::{Handler, ServerSession, Shutdown, Transport};

/// A server: what all its sessions have in common.
#[derive(Debug, Clone)]
pub struct Server {
    reception: Reception<SystemClock>,
}

impl Server {
    /// A server with this policy and this TLS configuration, which
    /// `ftp_rustls::server_config` makes.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is
    /// [`Security::DangerousPlaintext`](ftp_proto::server::Security::DangerousPlaintext).
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        let reception = Reception::new(config, tls)?;
        Ok(Self { reception })
    }

    /// Asks this guard at each connection and each attempt to log in, in [`serve`](Self::serve)
    /// and [`attend`](Self::attend). Its ruling comes before the application's check, its answer
    /// decides what the client is told, and when. Without one, failures are counted for each
    /// connection alone. Sessions that are run by hand ask by hand.
    #[must_use]
    pub fn guard(mut self, guard: SharedGuard<SystemClock>) -> Self {
        self.reception.set_guard(guard);
        self
    }

    /// Uses this TLS configuration, for example a renewed certificate, for connections that come
    /// from now on, on all clones of this server. Sessions under way keep theirs.
    pub fn replace_tls(&self, tls: Arc<ServerConfig>) {
        self.reception.replace_tls(tls);
    }

    /// How long sessions may take to say goodbye when [`serve`](Self::serve) is told to stop;
    /// what is left then is cut off. Default 10 s.
    #[must_use]
    pub fn drain_time(mut self, time: Duration) -> Self {
        self.reception.set_drain_time(time);
        self
    }

    /// How many sessions [`serve`](Self::serve) runs at a time; clients over the limit are told
    /// 421. At least 1; default 900, below the 1024 open files that systems commonly allow a
    /// process. Each has a thread of its own.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.reception.set_max_sessions(sessions);
        self
    }

    /// The server's side of one connection, to run by hand.
    pub fn session<T: Transport>(&self, transport: T) -> ServerSession<T> {
        ServerSession::new(self.reception.machine(), transport)
    }

    /// The same for a machine that was started in another way:
    /// [`Connection::new_delayed`] or [`Connection::refused`].
    pub fn session_with<T: Transport>(
        &self,
        machine: Connection,
        transport: T,
    ) -> ServerSession<T> {
        ServerSession::new(self.reception.secure(machine), transport)
    }

    /// Runs one connection to its end. When it is time for a `shutdown`, the client is told 421.
    ///
    /// How it ends is told to [`Handler::event`].
    pub fn attend<T: Transport, H: Handler>(
        &self,
        transport: T,
        peer: SocketAddr,
        handler: &H,
        shutdown: &Shutdown,
    ) {
        let (entry, welcome) = self.reception.receive(peer);
        self.welcome(transport, entry, welcome, handler, shutdown);
    }

    fn welcome<T: Transport, H: Handler>(
        &self,
        transport: T,
        entry: Entry<SystemClock>,
        welcome: Welcome,
        handler: &H,
        shutdown: &Shutdown,
    ) {
        let machine = match welcome {
            Welcome::Now => self.reception.machine(),
            Welcome::Refused(text) => self.reception.refusal(text),
            Welcome::Ignored => return,
            Welcome::Later(until) => {
                while let Some(left) = until.checked_duration_since(Instant::now()) {
                    if shutdown.is_stopped() {
                        return;
                    }
                    thread::sleep(left.min(LOOK_ABOUT));
                }
                self.reception.machine()
            }
        };
        let session = ServerSession::new(machine, transport);
        attend(session, entry, handler, shutdown);
    }

    /// Accepts connections and runs each in a thread of its own, until `shutdown` says stop. Then
    /// nothing more is accepted, every session gets 421, and once all are gone, or the
    /// [`drain_time`](Self::drain_time) has passed, this returns.
    ///
    /// # Errors
    /// If the listener has no address: then it could not be woken to stop.
    pub fn serve<H: Handler>(
        &self,
        listener: TcpListener,
        handler: H,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        shutdown.wake(listener.local_addr()?);
        let handler = Arc::new(handler);
        let running = Arc::new(Running::default());
        let mut pause = None;
        while !shutdown.is_stopped() {
            let accepted = accept(&listener);
            if shutdown.is_stopped() {
                break;
            }
            let begun = accepted
                .and_then(|(stream, peer)| self.begin(stream, peer, &handler, &running, shutdown));
            pause = match begun {
                Ok(()) => None,
                Err(error) => {
                    handler.accept_failed(&error);
                    accept_pause(&error, pause)
                }
            };
            if let Some(pause) = pause {
                thread::sleep(pause);
            }
        }
        drop(listener);
        running.drain(self.reception.drain_time());
        Ok(())
    }

    /// Runs a session in a thread of its own.
    fn begin<H: Handler>(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        handler: &Arc<H>,
        running: &Arc<Running>,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let (entry, welcome) = self.reception.receive_beside(running.count(), peer);
        if let Welcome::Ignored = welcome {
            return Ok(());
        }
        let name = format!("ftp session {}", entry.id);
        let socket = Socket(Arc::new(stream));
        let presence = running.enter(entry.id, &socket);
        let (server, handler, shutdown) = (self.clone(), handler.clone(), shutdown.clone());
        thread::Builder::new().name(name).spawn(move || {
            // Given back at the end, also of a thread that panics.
            let _presence = presence;
            server.welcome(socket, entry, welcome, &*handler, &shutdown);
        })?;
        Ok(())
    }
}

fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    // Each reply is waited for; nothing is gained by holding it back.
    stream.set_nodelay(true)?;
    Ok((stream, peer))
}

/// A connection that the server can cut off while a session reads from it.
#[derive(Debug, Clone)]
struct Socket(Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(space)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

impl Transport for Socket {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(timeout))
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(timeout))
    }

    fn close(&mut self) -> io::Result<()> {
        self.0.shutdown(net::Shutdown::Write)
    }
}

/// The sessions under way.
#[derive(Debug, Default)]
struct Running {
    sockets: Mutex<HashMap<u64, Socket>>,
    left: Condvar,
}

impl Running {
    fn count(&self) -> usize {
        self.sockets().len()
    }

    fn enter(self: &Arc<Self>, id: u64, socket: &Socket) -> Presence {
        self.sockets().insert(id, socket.clone());
        Presence {
            running: self.clone(),
            id,
        }
    }

    /// Waits for all to leave, and cuts off those that do not.
    fn drain(&self, time: Duration) {
        let all_left = |sockets: &mut HashMap<u64, Socket>| !sockets.is_empty();
        let waited = self.left.wait_timeout_while(self.sockets(), time, all_left);
        let (sockets, _) = waited.unwrap_or_else(PoisonError::into_inner);
        for socket in sockets.values() {
            // One that is closed already is what is wanted.
            drop(socket.0.shutdown(net::Shutdown::Both));
        }
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<u64, Socket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that is under way until this is dropped.
struct Presence {
    running: Arc<Running>,
    id: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.running.sockets().remove(&self.id);
        self.running.left.notify_all();
    }
}
