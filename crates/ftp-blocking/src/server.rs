//! Accepting connections, and running each with a [`Handler`].

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::net::{self, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::socket2::SockRef;
use ftp_adapter::{
    AcceptDecision, Accepted, Acceptor, Availability, LEAVE_TIME, SessionData, SessionSlot,
    SystemClock, TlsMissing, accept_pause, server_settings, socket,
};
#[cfg(feature = "files")]
use ftp_adapter::{ExternalAddress, FileServer, PeerCheck, ServedFiles, SessionInfo, server_files};
use ftp_proto::server::{Config, Connection};
use ftp_rustls::rustls::ServerConfig;

use crate::session_runner::{LOOK_ABOUT, ServesFiles, run_session};
use crate::{Handler, ServerSession, Shutdown, Transport};

/// A server: what all its sessions share.
///
/// Each session has a thread of its own, and a second one while its handler works.
#[derive(Debug, Clone)]
pub struct Server {
    acceptor: Acceptor<SystemClock>,
    #[cfg(feature = "files")]
    files: Arc<FileServer>,
}

impl Server {
    /// A server with this policy and this TLS configuration, which
    /// `ftp_rustls::server_config` makes.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is
    /// [`Security::DangerousPlaintext`](ftp_proto::server::Security::DangerousPlaintext).
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        Ok(Self {
            acceptor: Acceptor::new(config, tls)?,
            #[cfg(feature = "files")]
            files: Arc::default(),
        })
    }

    server_settings!(SystemClock);

    #[cfg(feature = "files")]
    server_files!(
        /// Files are read and written, and data connections run, in the second thread of the session; where there is
        /// little to do and the files are near ([`Files::is_local`](ftp_files::Files::is_local)), in its own.
        /// That looks at the control connection twenty times a second meanwhile. On Linux the system copies
        /// from files to sockets where nothing is encrypted or converted
        /// ([`ReadFile::as_file`](ftp_files::ReadFile::as_file)).
    );

    #[cfg(feature = "files")]
    fn serving(self) -> Self {
        self
    }

    /// The server's side of one connection, for programs that run it themselves.
    pub fn session<T: Transport>(&self, transport: T) -> ServerSession<T> {
        ServerSession::new(self.acceptor.machine(), transport)
    }

    /// The same for another machine: one of [`Connection::new_delayed`] or [`Connection::refused`].
    pub fn session_with<T: Transport>(
        &self,
        machine: Connection,
        transport: T,
    ) -> ServerSession<T> {
        ServerSession::new(self.acceptor.secure(machine), transport)
    }

    /// Runs one connection to its end. When `shutdown` stops, the client gets a 421.
    ///
    /// [`Handler::event`] gets its end.
    pub fn run_session<T: Transport, H: Handler<S>, S: SessionData>(
        &self,
        transport: T,
        peer: SocketAddr,
        handler: &H,
        shutdown: &Shutdown,
    ) {
        let received = self.acceptor.receive(Availability::Uncounted, peer);
        self.decision((transport, None), received, handler, shutdown);
    }

    fn decision<T: Transport, H: Handler<S>, S: SessionData>(
        &self,
        (transport, local): (T, Option<SocketAddr>),
        (accepted, decision): (Accepted<SystemClock>, AcceptDecision),
        handler: &H,
        shutdown: &Shutdown,
    ) {
        let mut machine = match decision {
            AcceptDecision::Greet => self.acceptor.machine(),
            AcceptDecision::Refuse(text) => self.acceptor.refusal(text),
            AcceptDecision::Close => {
                let (info, ignored) = accepted.ignored();
                handler.event(&info, &ignored);
                return;
            }
            AcceptDecision::GreetAt(until) => {
                while let Some(left) = until.checked_duration_since(Instant::now()) {
                    if shutdown.is_stopped() {
                        return;
                    }
                    thread::sleep(left.min(LOOK_ABOUT));
                }
                self.acceptor.machine()
            }
        };
        machine.machine_mut().set_peer(accepted.peer.ip());
        let session = ServerSession::new(machine, transport);
        let files = self.begin_files(local, &accepted);
        run_session(session, files, accepted, handler, shutdown);
    }

    fn begin_files(
        &self,
        local: Option<SocketAddr>,
        accepted: &Accepted<SystemClock>,
    ) -> Option<Box<dyn ServesFiles>> {
        #[cfg(feature = "files")]
        return crate::serving::begin(&self.files, (accepted.id, accepted.peer), local);
        #[cfg(not(feature = "files"))]
        {
            let _ = (local, accepted);
            None
        }
    }

    /// Accepts connections and runs each in a thread of its own, until `shutdown` stops it. Then it
    /// accepts no more connections, every session gets a 421, and it returns when all have ended. What is under way
    /// may take the [`drain_time`](Self::drain_time), and then a second to be left in order.
    ///
    /// # Errors
    /// If the listener has no address: then it could not be woken to stop.
    pub fn serve<H: Handler<S>, S: SessionData>(
        &self,
        listener: TcpListener,
        handler: H,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let as_they_are = |stream, peer| Some((stream, peer));
        self.accept_all(listener, (as_they_are, Takes::NoTime), handler, shutdown)
    }

    /// As [`serve`](Self::serve), with a step before each session: `receive` turns a TCP connection
    /// and its peer's address into the session's transport and the client's address, for example by
    /// reading a balancer's header. The guard and the handler get that address. With `None` the
    /// connection is closed without a reply and without an event.
    ///
    /// The step runs in the connection's thread, and counts as a session. It needs a deadline of
    /// its own.
    ///
    /// # Errors
    /// As there.
    pub fn serve_received<T, H, S, F>(
        &self,
        listener: TcpListener,
        receive: F,
        handler: H,
        shutdown: &Shutdown,
    ) -> io::Result<()>
    where
        T: Transport,
        H: Handler<S>,
        S: SessionData,
        F: Fn(Socket, SocketAddr) -> Option<(T, SocketAddr)> + Send + Sync + 'static,
    {
        self.accept_all(listener, (receive, Takes::Time), handler, shutdown)
    }

    fn accept_all<T, H, S, F>(
        &self,
        listener: TcpListener,
        receive: (F, Takes),
        handler: H,
        shutdown: &Shutdown,
    ) -> io::Result<()>
    where
        T: Transport,
        H: Handler<S>,
        S: SessionData,
        F: Fn(Socket, SocketAddr) -> Option<(T, SocketAddr)> + Send + Sync + 'static,
    {
        shutdown.wake(listener.local_addr()?);
        let mut server = self.clone();
        server.acceptor = self.acceptor.of_listener();
        let shared = Arc::new(Shared {
            server,
            receive,
            handler,
            shutdown: shutdown.clone(),
            running: Running::default(),
            data: PhantomData,
        });
        let mut pause = None;
        while !shutdown.is_stopped() {
            let accepted = accept(&listener);
            if shutdown.is_stopped() {
                break;
            }
            let begun = accepted.and_then(|(stream, peer)| Shared::begin(&shared, stream, peer));
            pause = match begun {
                Ok(()) => None,
                Err(error) => {
                    shared.handler.accept_failed(&error);
                    accept_pause(&error, pause)
                }
            };
            if let Some(pause) = pause {
                thread::sleep(pause);
            }
        }
        drop(listener);
        shared.running.drain(self.acceptor.drain_time());
        Ok(())
    }
}

/// Whether the step before a session can take time. If not, the connection is received before it
/// has a thread, so that connections are received in the order of their arrival.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    NoTime,
    Time,
}

/// What the threads of a server share.
struct Shared<F, H, S> {
    server: Server,
    receive: (F, Takes),
    handler: H,
    shutdown: Shutdown,
    running: Running,
    /// What the handler keeps for a session.
    data: PhantomData<fn() -> S>,
}

impl<T, H, S, F> Shared<F, H, S>
where
    T: Transport,
    H: Handler<S>,
    S: SessionData,
    F: Fn(Socket, SocketAddr) -> Option<(T, SocketAddr)> + Send + Sync + 'static,
{
    /// Runs a session in a thread of its own.
    fn begin(this: &Arc<Self>, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let acceptor = &this.server.acceptor;
        let room = acceptor.availability_beside(this.running.count());
        if let Availability::Overfull = room {
            let (accepted, _) = acceptor.receive(room, peer);
            let (info, ignored) = accepted.ignored();
            this.handler.event(&info, &ignored);
            return Ok(());
        }
        let socket = Socket(Arc::new(stream));
        let number = this.running.enter(&socket);
        let presence = Presence {
            shared: Arc::clone(this),
            number,
        };
        let thread = thread::Builder::new().name("ftp session".to_owned());
        // The presence is released at the end, also if the thread panics.
        match this.receive.1 {
            Takes::NoTime => {
                let received = this.server.acceptor.receive(room, peer);
                thread.spawn(move || {
                    let local = socket.0.local_addr().ok();
                    if let Some((transport, _)) = (presence.shared.receive.0)(socket, peer) {
                        presence.shared.run_session((transport, local), received);
                    }
                })?;
            }
            Takes::Time => {
                // Here, so that the next one finds it counted.
                let place = this.server.acceptor.hold_slot();
                thread.spawn(move || presence.shared.attend_after(place, socket, peer))?;
            }
        }
        Ok(())
    }

    /// Counts as a session until the step is done.
    fn attend_after(&self, place: SessionSlot, socket: Socket, peer: SocketAddr) {
        let local = socket.0.local_addr().ok();
        let received = (self.receive.0)(socket, peer);
        drop(place);
        if let Some((transport, peer)) = received {
            let received = self.server.acceptor.receive(Availability::Free, peer);
            self.run_session((transport, local), received);
        }
    }

    fn run_session(
        &self,
        transport: (T, Option<SocketAddr>),
        received: (Accepted<SystemClock>, AcceptDecision),
    ) {
        let Self {
            server,
            handler,
            shutdown,
            ..
        } = self;
        server.decision(transport, received, handler, shutdown);
    }
}

fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    // If that fails the connection is over, and its session finds out.
    let _over = socket::prepare_control(&SockRef::from(&stream));
    Ok((stream, peer))
}

/// A TCP connection that the server can cut off while a session reads from it.
#[derive(Debug, Clone)]
pub struct Socket(Arc<TcpStream>);

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

/// The open sessions.
#[derive(Debug, Default)]
struct Running {
    sessions: Mutex<Sessions>,
    last: AtomicU64,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Sessions {
    sockets: HashMap<u64, Socket>,
    /// Whether the server waits for them to end. Otherwise each end would cost a useless system
    /// call.
    awaited: bool,
}

impl Running {
    fn count(&self) -> usize {
        self.sessions().sockets.len()
    }

    fn enter(&self, socket: &Socket) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.sessions().sockets.insert(number, socket.clone());
        number
    }

    fn leave(&self, number: u64) {
        let mut sessions = self.sessions();
        sessions.sockets.remove(&number);
        if sessions.awaited {
            self.left.notify_all();
        }
    }

    /// Waits for all to end, and closes those that do not.
    fn drain(&self, time: Duration) {
        let mut sessions = self.sessions();
        sessions.awaited = true;
        let any_left = |sessions: &mut Sessions| !sessions.sockets.is_empty();
        let waited = self.left.wait_timeout_while(sessions, time, any_left);
        let (sessions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        for socket in sessions.sockets.values() {
            // An error means that it is already closed.
            drop(socket.0.shutdown(net::Shutdown::Both));
        }
        // They leave their files.
        let _left = self.left.wait_timeout_while(sessions, LEAVE_TIME, any_left);
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open session, until this is dropped.
struct Presence<F, H, S> {
    shared: Arc<Shared<F, H, S>>,
    number: u64,
}

impl<F, H, S> Drop for Presence<F, H, S> {
    fn drop(&mut self) {
        self.shared.running.leave(self.number);
    }
}
