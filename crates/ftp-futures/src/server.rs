//! Accepting connections, and running each with a [`Handler`].

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ftp_adapter::{Reception, SharedGuard, TlsMissing, Welcome, accept_pause};
use ftp_proto::server::{Config, Connection};
use ftp_rustls::rustls::ServerConfig;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::attendance::attend;
use crate::runtime::{before, later, sleep_until};
use crate::{Handler, Io, Runtime, ServerSession, Timer};

/// A server: what all its sessions have in common.
pub struct Server<R> {
    pub(crate) reception: Reception<R>,
}

impl<R: Timer> Server<R> {
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
    pub fn guard(mut self, guard: SharedGuard<R>) -> Self {
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
    /// process.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.reception.set_max_sessions(sessions);
        self
    }

    /// The server's side of one connection, to run by hand.
    pub fn session<T: Unpin>(&self, transport: T) -> ServerSession<R, T>
    where
        R: Io<T>,
    {
        ServerSession::new(self.reception.machine(), transport)
    }

    /// The same for a machine that was started in another way:
    /// [`Connection::new_delayed`] or [`Connection::refused`].
    pub fn session_with<T: Unpin>(&self, machine: Connection, transport: T) -> ServerSession<R, T>
    where
        R: Io<T>,
    {
        ServerSession::new(self.reception.secure(machine), transport)
    }

    /// Runs one connection to its end. When `shutdown` is ready the client is told 421.
    ///
    /// How it ends is told to [`Handler::event`].
    pub async fn attend<T, H>(
        &self,
        transport: T,
        peer: SocketAddr,
        handler: &H,
        shutdown: impl Future<Output = ()> + Send,
    ) where
        R: Io<T> + Send,
        T: Unpin + Send,
        H: Handler,
    {
        let (entry, welcome) = self.reception.receive(peer);
        let mut shutdown = pin!(shutdown);
        let Some(begun) = self.begin(welcome, transport) else {
            return;
        };
        let Some(session) = begun.session(shutdown.as_mut()).await else {
            return;
        };
        attend(session, entry, handler, shutdown).await;
    }

    /// Begins a session as it is to be received; `None`: not at all.
    fn begin<T: Unpin>(&self, welcome: Welcome, transport: T) -> Option<Begun<R, T>>
    where
        R: Io<T>,
    {
        let machine = match welcome {
            Welcome::Now => self.reception.machine(),
            Welcome::Refused(text) => self.reception.refusal(text),
            Welcome::Later(until) => {
                return Some(Begun::Waiting(Box::new(Waiting {
                    server: self.clone(),
                    transport,
                    until,
                })));
            }
            Welcome::Ignored => return None,
        };
        Some(Begun::Session(Box::new(ServerSession::new(
            machine, transport,
        ))))
    }
}

impl<R: Runtime> Server<R> {
    /// Accepts connections and runs each in a task of its own, until `shutdown` is ready. Then
    /// nothing more is accepted, every session gets 421, and once all are gone, or the
    /// [`drain_time`](Self::drain_time) has passed, this returns.
    ///
    /// Dropping the future ends all sessions at once.
    pub async fn serve<H: Handler>(
        &self,
        listener: R::TcpListener,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        let handler = Arc::new(handler);
        let (stop, stopped) = oneshot::channel::<()>();
        // An error means that the server is gone, which is the same.
        let stopped = stopped.map(drop).shared();
        let mut sessions = FuturesUnordered::new();
        let mut shutdown = pin!(shutdown);
        let mut pause = None;
        while let Some(accepted) =
            next_connection::<R>(&listener, &mut sessions, &mut pause, shutdown.as_mut()).await
        {
            let (stream, peer) = match accepted {
                Ok(connection) => connection,
                Err(error) => {
                    handler.accept_failed(&error);
                    pause = accept_pause(&error, pause);
                    continue;
                }
            };
            pause = None;
            let (entry, welcome) = self.reception.receive_beside(sessions.len(), peer);
            let Some(begun) = self.begin(welcome, stream) else {
                continue;
            };
            // In boxes, because a future has room for each value that it is given as well as for
            // where it puts it, and so has the one that awaits it.
            let entry = Box::new(entry);
            let handler = handler.clone();
            let mut shutdown = Box::pin(stopped.clone());
            sessions.push(R::spawn(async move {
                let Some(session) = begun.session(shutdown.as_mut()).await else {
                    return;
                };
                attend(session, *entry, &*handler, shutdown.as_mut()).await;
            }));
        }
        drop(listener);
        drop(stop);
        let drained = async { while sessions.next().await.is_some() {} };
        let _cut_off = before::<R, _>(later::<R>(self.reception.drain_time()), drained).await;
    }
}

/// Accepts the next connection, after the pause; `None` when the server is to stop.
///
/// What a session's panic says has been said by the panic hook; the other sessions go on. One
/// session less leaves room for another, so it ends the pause.
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
            reception: self.reception.clone(),
        }
    }
}

impl<R> fmt::Debug for Server<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// A connection that has a session, or will have one.
enum Begun<R: Timer, T> {
    Session(Box<ServerSession<R, T>>),
    Waiting(Box<Waiting<R, T>>),
}

impl<R: Timer + Io<T>, T: Unpin> Begun<R, T> {
    /// The session, when it may be greeted; `None` if the server stops before.
    async fn session(
        self,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Box<ServerSession<R, T>>> {
        match self {
            Self::Session(session) => Some(session),
            // In a box, because few wait and every task would have room for it.
            Self::Waiting(waiting) => Box::pin(waiting.wait(shutdown)).await,
        }
    }
}

/// A connection that is not greeted yet. Its deadlines start with the greeting.
struct Waiting<R: Timer, T> {
    server: Server<R>,
    transport: T,
    until: std::time::Instant,
}

impl<R: Timer + Io<T>, T: Unpin> Waiting<R, T> {
    /// Nothing is said and nothing read. A server that stops does not wait for it: `None`.
    async fn wait(
        self: Box<Self>,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Box<ServerSession<R, T>>> {
        let waited = pin!(sleep_until::<R>(self.until));
        match select(waited, shutdown).await {
            Either::Left(_) => {
                let Self {
                    server, transport, ..
                } = *self;
                Some(Box::new(server.session(transport)))
            }
            Either::Right(_) => None,
        }
    }
}
