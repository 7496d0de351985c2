//! Accepting connections, and running each with a [`Handler`].

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::server::guard::{Admission, RefusedWhy};
use ftp_proto::server::{Config, Connection, Security};
use ftp_rustls::Secured;
use ftp_rustls::rustls::ServerConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{self, sleep, sleep_until, timeout};

use crate::attendance::{Entry, Refused, attend};
use crate::{Handler, ServerSession, SessionEvent, SessionInfo, SharedGuard};

/// First pause after a connection could not be accepted; doubled each time up to
/// [`LONGEST_PAUSE`]. Without one, "too many open files" would keep a processor busy.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How many connections over the limit, or refused by the guard, are told so at a time; more are
/// closed without a word.
const REFUSED_AT_A_TIME: usize = 64;
/// What a client over the limit is told.
const FULL_TEXT: &str = "Too many connections, try again later.";
/// What a client that the guard refuses is told, whatever the reason.
const REFUSED_TEXT: &str = "Service not available, try again later.";

/// A server: what all its sessions have in common.
#[derive(Debug, Clone)]
pub struct Server {
    config: Arc<Config>,
    /// All clones share it.
    tls: Arc<RwLock<Option<Arc<ServerConfig>>>>,
    drain_time: Duration,
    max_sessions: usize,
    sessions: Arc<AtomicU64>,
    guard: Option<SharedGuard>,
    /// Who the guard refused and is told so.
    refusing: Arc<Semaphore>,
}

/// The configuration's [`Security`] offers or demands TLS, and there is no TLS configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server's configuration asks for TLS ({0:?}), and no TLS configuration was given")]
pub struct TlsMissing(pub Security);

impl Server {
    /// A server with this policy and this TLS configuration, which
    /// `ftp_rustls::server_config` makes.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is [`Security::DangerousPlaintext`].
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        let security = config.configured_security();
        if tls.is_none() && security != Security::DangerousPlaintext {
            return Err(TlsMissing(security));
        }
        let sessions = Arc::default();
        let (drain_time, max_sessions) = (Duration::from_secs(10), 900);
        Ok(Self {
            config,
            tls: Arc::new(RwLock::new(tls)),
            drain_time,
            max_sessions,
            sessions,
            guard: None,
            refusing: Arc::new(Semaphore::new(REFUSED_AT_A_TIME)),
        })
    }

    /// Asks this guard at each connection and each attempt to log in, in [`serve`](Self::serve)
    /// and [`attend`](Self::attend). Its ruling comes before the application's check, its answer
    /// decides what the client is told, and when. Without one, failures are counted for each
    /// connection alone. Sessions that are run by hand ask by hand.
    #[must_use]
    pub fn guard(mut self, guard: SharedGuard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Uses this TLS configuration, for example a renewed certificate, for connections that come
    /// from now on, on all clones of this server. Sessions under way keep theirs.
    pub fn replace_tls(&self, tls: Arc<ServerConfig>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }

    /// How long sessions may take to say goodbye when [`serve`](Self::serve) is told to stop;
    /// what is left then is cut off. Default 10 s.
    #[must_use]
    pub fn drain_time(mut self, time: Duration) -> Self {
        self.drain_time = time;
        self
    }

    /// How many sessions [`serve`](Self::serve) runs at a time; clients over the limit are told
    /// 421. At least 1; default 900, below the 1024 open files that systems commonly allow a
    /// process.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions.max(1);
        self
    }

    /// The server's side of one connection, to run by hand.
    pub fn session<T>(&self, transport: T) -> ServerSession<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let machine = Connection::new(self.config.clone(), Instant::START);
        self.session_with(machine, transport)
    }

    /// The same for a machine that was started in another way:
    /// [`Connection::new_delayed`] or [`Connection::refused`].
    pub fn session_with<T>(&self, machine: Connection, transport: T) -> ServerSession<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let tls = self.tls.read().unwrap_or_else(PoisonError::into_inner);
        let machine = match &*tls {
            Some(tls) => Secured::server(machine, tls.clone()),
            None => Secured::clear(machine),
        };
        ServerSession::new(machine, transport)
    }

    /// A session that only says this.
    fn refusal<T>(&self, transport: T, text: &str) -> ServerSession<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let machine = Connection::refused(self.config.clone(), Instant::START, text);
        self.session_with(machine, transport)
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
        T: AsyncRead + AsyncWrite + Unpin + Send,
        H: Handler,
    {
        let mut shutdown = pin!(shutdown);
        let received = ready(Some((transport, peer)));
        let admitted = self.admit(received, false, handler, shutdown.as_mut());
        if let Some((session, entry)) = Box::pin(admitted).await {
            attend(session, *entry, handler, shutdown).await;
        }
    }

    /// From a connection to a session, when it may be greeted; `None` if there will be none.
    async fn admit<T, H>(
        &self,
        received: impl Future<Output = Option<(T, SocketAddr)>>,
        over_limit: bool,
        handler: &H,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<(Box<ServerSession<T>>, Box<Entry>)>
    where
        T: AsyncRead + AsyncWrite + Unpin,
        H: Handler,
    {
        let (transport, peer) = tokio::select! {
            biased;
            received = received => received?,
            () = shutdown.as_mut() => return None,
        };
        let (entry, welcome) = if over_limit {
            let entry = Entry::refused(self.next_id(), peer, Refused::OverLimit, None);
            (entry, Welcome::Refused(FULL_TEXT))
        } else {
            self.receive(peer)
        };
        let session = match welcome {
            Welcome::Now => Box::new(self.session(transport)),
            Welcome::Refused(text) => Box::new(self.refusal(transport, text)),
            Welcome::Later(until) => tokio::select! {
                () = sleep_until(until) => Box::new(self.session(transport)),
                // Nothing was said and nothing read: a server that stops does not wait for it.
                () = shutdown => return None,
            },
            Welcome::Ignored(why) => {
                handler.event(&entry.info(), &SessionEvent::Ignored(Some(why)));
                return None;
            }
        };
        Some((session, Box::new(entry)))
    }

    /// A number for the next session.
    fn next_id(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Asks the guard, if there is one, about a connection.
    fn receive(&self, peer: SocketAddr) -> (Entry, Welcome) {
        let id = self.next_id();
        let Some(guard) = &self.guard else {
            return (Entry::admitted(id, peer, None), Welcome::Now);
        };
        let (connected, welcome) = match guard.accept(peer.ip()) {
            Admission::Admit(connected) => (connected, Welcome::Now),
            Admission::Delay { until, connected } => {
                (connected, Welcome::Later(guard.moment(until)))
            }
            Admission::Refuse { why, .. } => {
                // A flood of those refused must not fill the server with goodbyes.
                let goodbye = Arc::clone(&self.refusing).try_acquire_owned().ok();
                let welcome = match goodbye {
                    Some(_) => Welcome::Refused(REFUSED_TEXT),
                    None => Welcome::Ignored(why),
                };
                let refused = Refused::ByGuard(why);
                return (Entry::refused(id, peer, refused, goodbye), welcome);
            }
        };
        let guarded = Some(guard.hold(connected));
        (Entry::admitted(id, peer, guarded), welcome)
    }

    /// Accepts connections and runs each in a task of its own, until `shutdown` is ready. Then
    /// nothing more is accepted, every session gets 421, and once all are gone, or the
    /// [`drain_time`](Self::drain_time) has passed, this returns.
    ///
    /// Dropping the future ends all sessions at once.
    pub async fn serve<H: Handler>(
        &self,
        listener: TcpListener,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        let as_they_are = |stream, peer| ready(Some((stream, peer)));
        self.serve_received(listener, as_they_are, handler, shutdown)
            .await;
    }

    /// As [`serve`](Self::serve), with a step before each session: `receive` makes of a TCP
    /// connection and its peer's address what the session talks over and who the client is, for
    /// example by reading what a balancer says about it. Of that address the guard is asked and
    /// the handler told. With `None` the connection is closed without a word, and without an event.
    ///
    /// The step runs in the connection's own task and counts as a session meanwhile. It has no
    /// deadline but its own. It is dropped when the server stops.
    pub async fn serve_received<T, H, R, F>(
        &self,
        listener: TcpListener,
        receive: R,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Handler,
        R: Fn(TcpStream, SocketAddr) -> F,
        F: Future<Output = Option<(T, SocketAddr)>> + Send + 'static,
    {
        let server = Arc::new(self.clone());
        let handler = Arc::new(handler);
        let (stop, stopped) = watch::channel(false);
        let mut sessions = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let mut pause = None;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                // What a panic says has been said by the panic hook; the other sessions go on.
                // One session less leaves room for another.
                Some(_) = sessions.join_next() => pause = None,
                accepted = accept(&listener, pause) => match accepted {
                    Err(error) => {
                        handler.accept_failed(&error);
                        pause = next_pause(&error, pause);
                    }
                    Ok((stream, peer)) => {
                        pause = None;
                        let over = sessions.len().saturating_sub(self.max_sessions - 1);
                        if over > REFUSED_AT_A_TIME {
                            let info = SessionInfo::new(self.next_id(), peer);
                            handler.event(&info, &SessionEvent::Ignored(None));
                            continue;
                        }
                        let received = receive(stream, peer);
                        let server = server.clone();
                        let handler = handler.clone();
                        let mut stopped = stopped.clone();
                        // In boxes, because a future has room for each value that it is given as
                        // well as for where it puts it, and so has the one that awaits it.
                        // An error means that the server is gone, which is the same.
                        let mut shutdown =
                            Box::pin(async move { drop(stopped.wait_for(|stop| *stop).await) });
                        let received = Box::pin(received);
                        sessions.spawn(async move {
                            let admitted =
                                server.admit(received, over > 0, &*handler, shutdown.as_mut());
                            if let Some((session, entry)) = Box::pin(admitted).await {
                                attend(session, *entry, &*handler, shutdown.as_mut()).await;
                            }
                        });
                    }
                },
            }
        }
        drop(listener);
        stop.send_replace(true);
        let drained = async { while sessions.join_next().await.is_some() {} };
        if timeout(self.drain_time, drained).await.is_err() {
            sessions.shutdown().await;
        }
    }
}

/// How a connection is received.
enum Welcome {
    /// With the greeting.
    Now,
    /// With the greeting, but not before this.
    Later(time::Instant),
    /// With a 421 and this text.
    Refused(&'static str),
    /// Not at all: it is closed without a word.
    Ignored(RefusedWhy),
}

/// Accepts the next connection, after the pause.
async fn accept(
    listener: &TcpListener,
    pause: Option<Duration>,
) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(pause) = pause {
        sleep(pause).await;
    }
    let (stream, peer) = listener.accept().await?;
    // Each reply is waited for; nothing is gained by holding it back.
    stream.set_nodelay(true)?;
    Ok((stream, peer))
}

/// How long to wait before accepting again. A connection that broke before it was accepted is no
/// reason to wait.
fn next_pause(error: &io::Error, last: Option<Duration>) -> Option<Duration> {
    match error.kind() {
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::Interrupted => None,
        _ => Some(last.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_not_pass_by_itself_is_waited_for_longer_and_longer() {
        let full = io::Error::from_raw_os_error(24);
        let mut pause = None;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            pause = next_pause(&full, pause);
            pauses.push(pause.map_or(0, |pause| pause.as_millis()));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[test]
    fn a_connection_that_broke_at_once_is_no_reason_to_wait() {
        assert_eq!(
            next_pause(&io::ErrorKind::ConnectionAborted.into(), None),
            None
        );
    }
}
