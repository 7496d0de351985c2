//! Accepting connections, and running each with a [`Handler`].

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ftp_adapter::{
    AcceptDecision, Accepted, Acceptor, Availability, Budget, LEAVE_TIME, SessionData, TlsMissing,
    accept_pause, server_settings, socket,
};
#[cfg(feature = "files")]
use ftp_adapter::{ExternalAddress, FileServer, PeerCheck, ServedFiles, SessionInfo, server_files};
use ftp_proto::server::{Config, Connection};
use ftp_rustls::rustls::ServerConfig;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, Map, Shared, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::runtime::{before, later, sleep_until, yield_now};
use crate::session_runner::{ServesFiles, run_session};
use crate::{Handler, Io, Runtime, ServerSession, Timer};

/// A server: what all its sessions share.
pub struct Server<R> {
    pub(crate) acceptor: Acceptor<R>,
    #[cfg(feature = "files")]
    files: Arc<FileServer>,
    /// Begins to serve them in a session, on this runtime.
    #[cfg(feature = "files")]
    begin_files: Option<BeginFiles>,
}

#[cfg(feature = "files")]
type BeginFiles =
    fn(Arc<FileServer>, (u64, SocketAddr), Option<SocketAddr>) -> Box<dyn ServesFiles>;

impl<R: Timer> Server<R> {
    /// A server with this policy and this TLS configuration, which
    /// `ftp_rustls::server_config` makes.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is
    /// [`Security::DangerousPlaintext`](ftp_proto::server::Security::DangerousPlaintext).
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        let acceptor = Acceptor::new(config, tls)?;
        Ok(Self {
            acceptor,
            #[cfg(feature = "files")]
            files: Arc::default(),
            #[cfg(feature = "files")]
            begin_files: None,
        })
    }

    server_settings!(R);

    /// The server's side of one connection, for programs that run it themselves.
    pub fn session<T: Unpin>(&self, transport: T) -> ServerSession<R, T>
    where
        R: Io<T>,
    {
        ServerSession::new(self.acceptor.machine(), transport)
    }

    /// The same for another machine: one of [`Connection::new_delayed`] or [`Connection::refused`].
    pub fn session_with<T: Unpin>(&self, machine: Connection, transport: T) -> ServerSession<R, T>
    where
        R: Io<T>,
    {
        ServerSession::new(self.acceptor.secure(machine), transport)
    }

    /// Runs one connection to its end. When `shutdown` is ready, the client gets a 421.
    ///
    /// [`Handler::event`] gets its end.
    pub async fn run_session<T, H, S>(
        &self,
        transport: T,
        peer: SocketAddr,
        handler: &H,
        shutdown: impl Future<Output = ()> + Send,
    ) where
        R: Io<T> + Send,
        T: Unpin + Send,
        H: Handler<S>,
        S: SessionData,
    {
        let mut shutdown = pin!(shutdown);
        let received = Box::new(self.acceptor.receive(Availability::Uncounted, peer));
        let welcomed = self.decision(transport, received, handler, shutdown.as_mut());
        if let Some((session, accepted)) = Box::pin(welcomed).await {
            let files = self.begin_files(None, &accepted);
            run_session(session, files, accepted, handler, (shutdown, Duration::MAX)).await;
        }
    }

    fn begin_files(
        &self,
        local: Option<SocketAddr>,
        accepted: &Accepted<R>,
    ) -> Option<Box<dyn ServesFiles>> {
        #[cfg(feature = "files")]
        if let Some(begin) = self.begin_files {
            let client = (accepted.id, accepted.peer);
            return Some(begin(Arc::clone(&self.files), client, local));
        }
        #[cfg(not(feature = "files"))]
        let _ = (local, accepted);
        None
    }

    /// The session of a connection, once it may be greeted; `None` if there is none.
    async fn decision<T, H, S>(
        &self,
        transport: T,
        received: Box<(Accepted<R>, AcceptDecision)>,
        handler: &H,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<(Box<ServerSession<R, T>>, Box<Accepted<R>>)>
    where
        R: Io<T>,
        T: Unpin,
        H: Handler<S>,
        S: SessionData,
    {
        let (accepted, decision) = *received;
        let mut machine = match decision {
            AcceptDecision::Greet => self.acceptor.machine(),
            AcceptDecision::Refuse(text) => self.acceptor.refusal(text),
            AcceptDecision::GreetAt(until) => {
                match select(pin!(sleep_until::<R>(until)), shutdown).await {
                    // Its deadlines start with the greeting.
                    Either::Left(_) => self.acceptor.machine(),
                    // Nothing was sent or read: a server that stops does not wait for it.
                    Either::Right(_) => return None,
                }
            }
            AcceptDecision::Close => {
                let (info, ignored) = accepted.ignored();
                handler.event(&info, &ignored);
                return None;
            }
        };
        machine.machine_mut().set_peer(accepted.peer.ip());
        let session = Box::new(ServerSession::new(machine, transport));
        Some((session, Box::new(accepted)))
    }

    /// The same for a connection with a step before the session.
    async fn welcome_after<T, H, S>(
        &self,
        step: impl Future<Output = Option<(T, SocketAddr)>> + Unpin,
        handler: &H,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<(Box<ServerSession<R, T>>, Box<Accepted<R>>)>
    where
        R: Io<T>,
        T: Unpin,
        H: Handler<S>,
        S: SessionData,
    {
        let step = pin!(self.counted_while_pending(step));
        let (transport, peer) = match select(step, shutdown.as_mut()).await {
            Either::Left((received, _)) => received?,
            Either::Right(((), _)) => return None,
        };
        let received = Box::new(self.acceptor.receive(Availability::Free, peer));
        self.decision(transport, received, handler, shutdown).await
    }

    /// Counts as a session from its first wait. A connection that is decided at once, and perhaps
    /// refused, must not take a reserved place.
    fn counted_while_pending<S>(&self, mut step: S) -> impl Future<Output = S::Output>
    where
        S: Future + Unpin,
    {
        let mut place = None;
        poll_fn(move |cx| {
            let polled = step.poll_unpin(cx);
            if polled.is_pending() {
                place.get_or_insert_with(|| self.acceptor.hold_slot());
            } else {
                place = None;
            }
            polled
        })
    }
}

fn local_address<R: Runtime>(stream: &R::TcpStream) -> Option<SocketAddr> {
    let local = R::stream_socket(stream).local_addr().ok()?;
    local.as_socket()
}

impl<R: Runtime> Server<R> {
    #[cfg(feature = "files")]
    server_files!(
        /// Files are read and written on threads of the runtime that may block ([`Runtime::unblock`]),
        /// 256 KiB at a time. A transfer holds no more than a few of these pieces.
    );

    #[cfg(feature = "files")]
    fn serving(mut self) -> Self {
        self.begin_files = Some(crate::serving::begin::<R>);
        self
    }

    /// Accepts connections and runs each in a task of its own, until `shutdown` is ready. Then it
    /// accepts no more connections, every session gets a 421, and it returns when all have ended. What is under way
    /// may take the [`drain_time`](Self::drain_time), and then a second to be left in order.
    ///
    /// Dropping the future ends all sessions at once.
    pub async fn serve<H: Handler<S>, S: SessionData>(
        &self,
        listener: R::TcpListener,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        let begin = |server: Arc<Self>, stream, peer, handler: Arc<H>, stopped: Stopped| {
            // Here, so that connections are received in the order of their arrival.
            let received = server.acceptor.receive(Availability::Free, peer);
            if let AcceptDecision::Close = received.1 {
                let (info, ignored) = received.0.ignored();
                handler.event(&info, &ignored);
                return None;
            }
            let received = Box::new(received);
            let files = server.begin_files(local_address::<R>(&stream), &received.0);
            let stream = R::accepted(stream);
            let mut shutdown = Box::pin(stopped);
            Some(R::spawn(async move {
                let welcomed = server.decision(stream, received, &*handler, shutdown.as_mut());
                if let Some((session, accepted)) = Box::pin(welcomed).await {
                    let stop = (shutdown.as_mut(), server.acceptor.drain_time());
                    run_session(session, files, accepted, &*handler, stop).await;
                }
            }))
        };
        self.accept_all(listener, begin, handler, shutdown).await;
    }

    /// As [`serve`](Self::serve), with a step before each session: `receive` turns a TCP connection
    /// and its peer's address into the session's transport and the client's address, for example by
    /// reading a balancer's header. A transport that reads from the connection itself should read from
    /// [what the runtime makes of it](Runtime::accepted). The guard and the handler get that address. With `None` the
    /// connection is closed without a reply and without an event.
    ///
    /// The step runs in the connection's task, and counts as a session. It needs a deadline of its
    /// own. It is dropped when the server stops.
    pub async fn serve_received<T, H, S, F, Received>(
        &self,
        listener: R::TcpListener,
        receive: F,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) where
        R: Io<T>,
        T: Unpin + Send + 'static,
        H: Handler<S>,
        S: SessionData,
        F: Fn(R::TcpStream, SocketAddr) -> Received,
        Received: Future<Output = Option<(T, SocketAddr)>> + Send + 'static,
    {
        let begin = |server: Arc<Self>, stream, peer, handler: Arc<H>, stopped: Stopped| {
            // Boxed, because a future has room for each argument and for the place it is moved to,
            // and so has the future that awaits it.
            let local = local_address::<R>(&stream);
            let received = Box::pin(receive(stream, peer));
            let mut shutdown = Box::pin(stopped);
            Some(R::spawn(async move {
                let welcomed = server.welcome_after(received, &*handler, shutdown.as_mut());
                if let Some((session, accepted)) = Box::pin(welcomed).await {
                    let files = server.begin_files(local, &accepted);
                    let stop = (shutdown.as_mut(), server.acceptor.drain_time());
                    run_session(session, files, accepted, &*handler, stop).await;
                }
            }))
        };
        self.accept_all(listener, begin, handler, shutdown).await;
    }

    /// Accepts connections and starts a task for each, while there is room.
    async fn accept_all<H: Handler<S>, S: SessionData>(
        &self,
        listener: R::TcpListener,
        begin: impl Fn(Arc<Self>, R::TcpStream, SocketAddr, Arc<H>, Stopped) -> Option<R::Task>,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        let mut server = self.clone();
        server.acceptor = self.acceptor.of_listener();
        let server = Arc::new(server);
        let handler = Arc::new(handler);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = stopped.map(drop as fn(_)).shared();
        let mut sessions = FuturesUnordered::new();
        let mut shutdown = pin!(shutdown);
        let mut pause = None;
        let mut budget = Budget::default();
        while let Some(accepted) =
            next_connection::<R>(&listener, &mut sessions, &mut pause, shutdown.as_mut()).await
        {
            if budget.is_spent() {
                // Connections that arrive without a pause must not delay the open ones.
                yield_now().await;
            }
            let (stream, peer) = match accepted {
                Ok(connection) => connection,
                Err(error) => {
                    handler.accept_failed(&error);
                    pause = accept_pause(&error, pause);
                    continue;
                }
            };
            pause = None;
            // If that fails the connection is over, and its session finds out.
            let _over = socket::prepare_control(&R::stream_socket(&stream));
            let room = self.acceptor.availability_beside(sessions.len());
            if let Availability::Overfull = room {
                let (accepted, _) = self.acceptor.receive(room, peer);
                let (info, ignored) = accepted.ignored();
                handler.event(&info, &ignored);
                continue;
            }
            let (server, handler) = (server.clone(), handler.clone());
            sessions.extend(begin(server, stream, peer, handler, stopped.clone()));
        }
        drop(listener);
        drop(stop);
        let drained = async { while sessions.next().await.is_some() {} };
        let time = self.acceptor.drain_time().saturating_add(LEAVE_TIME);
        let _cut_off = before::<R, _>(later::<R>(time), drained).await;
    }
}

/// Ready when the server stops. An error means that it was dropped, which is the same.
type Stopped = Shared<Map<oneshot::Receiver<()>, fn(Result<(), oneshot::Canceled>)>>;

/// Accepts the next connection, after the pause; `None` when the server is to stop.
///
/// The panic hook has reported a session's panic; the other sessions continue. The end of a session
/// leaves room for another, so it ends the pause.
async fn next_connection<R: Runtime>(
    listener: &R::TcpListener,
    sessions: &mut FuturesUnordered<R::Task>,
    pause: &mut Option<Duration>,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Option<std::io::Result<(R::TcpStream, SocketAddr)>> {
    loop {
        let waits = *pause;
        let accepted = pin!(async {
            if let Some(pause) = waits {
                sleep_until::<R>(later::<R>(pause)).await;
            }
            R::accept(listener).await
        });
        let one_less = poll_fn(|cx: &mut Context<'_>| match sessions.poll_next_unpin(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        });
        let either = pin!(select(one_less, accepted));
        match select(shutdown.as_mut(), either).await {
            Either::Left(((), _)) => return None,
            Either::Right((Either::Right((accepted, _)), _)) => return Some(accepted),
            Either::Right((Either::Left(((), _)), _)) => {}
        }
        *pause = None;
    }
}

impl<R> Clone for Server<R> {
    fn clone(&self) -> Self {
        Self {
            acceptor: self.acceptor.clone(),
            #[cfg(feature = "files")]
            files: Arc::clone(&self.files),
            #[cfg(feature = "files")]
            begin_files: self.begin_files,
        }
    }
}

impl<R> fmt::Debug for Server<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}
