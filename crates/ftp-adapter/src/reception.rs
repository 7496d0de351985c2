//! How a server receives connections: how many at a time, and what the guard says to each.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{self, Duration};

use ftp_proto::Instant;
use ftp_proto::server::guard::{Admission, RefusedWhy};
use ftp_proto::server::{Config, Connection, Security};
use ftp_rustls::Secured;
use ftp_rustls::rustls::ServerConfig;
use thiserror::Error;

use crate::{Clock, Guarded, SessionEvent, SessionInfo, SharedGuard};

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

/// What all sessions of a server have in common. Clones share the TLS configuration and the
/// counters.
#[derive(Debug)]
pub struct Reception<C> {
    config: Arc<Config>,
    tls: Arc<RwLock<Option<Arc<ServerConfig>>>>,
    drain_time: Duration,
    max_sessions: usize,
    sessions: Arc<AtomicU64>,
    guard: Option<SharedGuard<C>>,
    /// How many are refused and told so, by all clones of this.
    refusing: Arc<AtomicUsize>,
}

/// The configuration's [`Security`] offers or demands TLS, and there is no TLS configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server's configuration asks for TLS ({0:?}), and no TLS configuration was given")]
pub struct TlsMissing(pub Security);

/// How a connection is received.
#[derive(Debug)]
pub enum Welcome {
    /// With the greeting: a [machine](Reception::machine).
    Now,
    /// Likewise, but not before this moment, and nothing is read until then.
    Later(time::Instant),
    /// With a 421 and this text: a [machine that refuses](Reception::refusal).
    Refused(&'static str),
    /// Not at all: it is closed without a word.
    Ignored,
}

/// Whether there is room for one more session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Free,
    /// There is not, and the client is told so.
    Full,
    /// There is not even room for more who are told so.
    Overfull,
}

/// Why a connection is only told goodbye, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The guard says so.
    ByGuard(RefusedWhy),
    /// There is no room.
    OverLimit,
}

/// Who comes to a session, and what the guard said.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry<C: Clock> {
    /// The number of the session.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// Gives the connection back to the guard when it is dropped.
    pub guarded: Option<Guarded<C>>,
    /// Why it is refused, if it is.
    pub refused: Option<Refused>,
    /// Held while a client that is refused is told so.
    goodbye: Option<Goodbye>,
}

/// One of the few that may be told goodbye at a time.
#[derive(Debug)]
struct Goodbye(Arc<AtomicUsize>);

impl Goodbye {
    fn one_of(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let one_more = |count: usize| (count < REFUSED_AT_A_TIME).then_some(count + 1);
        let counted = under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok().map(|_| Self(Arc::clone(under_way)))
    }
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C: Clock> Entry<C> {
    fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            guarded: None,
            refused: None,
            goodbye: None,
        }
    }

    /// What the application is told first of a session, be it refused or not.
    pub fn first_events(&self) -> impl Iterator<Item = SessionEvent> + use<C> {
        let refused = self.refused.map(|refused| match refused {
            Refused::ByGuard(why) => SessionEvent::Refused(why),
            Refused::OverLimit => SessionEvent::OverLimit,
        });
        std::iter::once(SessionEvent::Connected).chain(refused)
    }

    /// What the application is told of a connection that is [ignored](Welcome::Ignored).
    pub fn ignored(&self) -> (SessionInfo, SessionEvent) {
        let why = match self.refused {
            Some(Refused::ByGuard(why)) => Some(why),
            Some(Refused::OverLimit) | None => None,
        };
        (
            SessionInfo::new(self.id, self.peer),
            SessionEvent::Ignored(why),
        )
    }
}

impl<C: Clock> Reception<C> {
    /// With this policy and this TLS configuration.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is [`Security::DangerousPlaintext`].
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        let security = config.configured_security();
        if tls.is_none() && security != Security::DangerousPlaintext {
            return Err(TlsMissing(security));
        }
        Ok(Self {
            config,
            tls: Arc::new(RwLock::new(tls)),
            drain_time: Duration::from_secs(10),
            max_sessions: 900,
            sessions: Arc::default(),
            guard: None,
            refusing: Arc::default(),
        })
    }

    /// Asks this guard about each connection.
    pub fn set_guard(&mut self, guard: SharedGuard<C>) {
        self.guard = Some(guard);
    }

    /// Uses this TLS configuration for connections that come from now on, in all clones.
    pub fn replace_tls(&self, tls: Arc<ServerConfig>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }

    /// How long sessions may take to say goodbye.
    pub fn set_drain_time(&mut self, time: Duration) {
        self.drain_time = time;
    }

    /// Default 10 s.
    pub fn drain_time(&self) -> Duration {
        self.drain_time
    }

    /// How many sessions there may be at a time, at least 1. Default 900, below the 1024 open files
    /// that systems commonly allow a process.
    pub fn set_max_sessions(&mut self, sessions: usize) {
        self.max_sessions = sessions.max(1);
    }

    /// The machine of a session.
    pub fn machine(&self) -> Secured<Connection> {
        self.secure(Connection::new(self.config.clone(), Instant::START))
    }

    /// A machine that only says 421 and this.
    pub fn refusal(&self, text: &str) -> Secured<Connection> {
        let machine = Connection::refused(self.config.clone(), Instant::START, text);
        self.secure(machine)
    }

    /// TLS around a machine.
    pub fn secure(&self, machine: Connection) -> Secured<Connection> {
        let tls = self.tls.read().unwrap_or_else(PoisonError::into_inner);
        match &*tls {
            Some(tls) => Secured::server(machine, tls.clone()),
            None => Secured::clear(machine),
        }
    }

    /// Whether there is room beside so many sessions.
    pub fn room_beside(&self, running: usize) -> Room {
        match running.saturating_sub(self.max_sessions - 1) {
            0 => Room::Free,
            1..=REFUSED_AT_A_TIME => Room::Full,
            _ => Room::Overfull,
        }
    }

    /// Receives a connection. Where there is room the guard is asked, if there is one.
    pub fn receive(&self, room: Room, peer: SocketAddr) -> (Entry<C>, Welcome) {
        let mut entry = self.entry(peer);
        let welcome = match (room, &self.guard) {
            (Room::Free, None) => Welcome::Now,
            (Room::Free, Some(guard)) => self.ask(guard, &mut entry),
            (Room::Full, _) => {
                entry.refused = Some(Refused::OverLimit);
                Welcome::Refused(FULL_TEXT)
            }
            (Room::Overfull, _) => {
                entry.refused = Some(Refused::OverLimit);
                Welcome::Ignored
            }
        };
        (entry, welcome)
    }

    fn ask(&self, guard: &SharedGuard<C>, entry: &mut Entry<C>) -> Welcome {
        match guard.accept(entry.peer.ip()) {
            Admission::Admit(connected) => {
                entry.guarded = Some(guard.hold(connected));
                Welcome::Now
            }
            Admission::Delay { until, connected } => {
                entry.guarded = Some(guard.hold(connected));
                Welcome::Later(guard.moment(until))
            }
            Admission::Refuse { why, .. } => {
                entry.refused = Some(Refused::ByGuard(why));
                // A flood of those refused must not fill the server with goodbyes.
                entry.goodbye = Goodbye::one_of(&self.refusing);
                match entry.goodbye {
                    Some(_) => Welcome::Refused(REFUSED_TEXT),
                    None => Welcome::Ignored,
                }
            }
        }
    }

    fn entry(&self, peer: SocketAddr) -> Entry<C> {
        Entry::new(self.sessions.fetch_add(1, Ordering::Relaxed) + 1, peer)
    }
}

impl<C> Clone for Reception<C> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            tls: self.tls.clone(),
            drain_time: self.drain_time,
            max_sessions: self.max_sessions,
            sessions: self.sessions.clone(),
            guard: self.guard.clone(),
            refusing: self.refusing.clone(),
        }
    }
}

/// How long to wait before accepting again. A connection that broke before it was accepted is no
/// reason to wait.
pub fn accept_pause(error: &io::Error, last: Option<Duration>) -> Option<Duration> {
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
            pause = accept_pause(&full, pause);
            pauses.push(pause.map_or(0, |pause| pause.as_millis()));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[test]
    fn a_connection_that_broke_at_once_is_no_reason_to_wait() {
        assert_eq!(
            accept_pause(&io::ErrorKind::ConnectionAborted.into(), None),
            None
        );
    }
}
