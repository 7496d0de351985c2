//! How a server accepts connections: how many at a time, and what the guard decides for each.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{self, Duration};

use ftp_guard::{Admission, Capacity, RefusedWhy};
use ftp_proto::Instant;
use ftp_proto::server::{Config, Connection, Security};
use ftp_rustls::Secured;
use ftp_rustls::rustls::ServerConfig;
use thiserror::Error;

use crate::{Clock, Guarded, SessionEvent, SessionInfo, SharedGuard};

/// First pause after a connection could not be accepted; doubled each time up to
/// [`LONGEST_PAUSE`]. Without one, "too many open files" would keep a processor busy.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How many connections over the limit, or refused by the guard, get a 421 at a time. More are
/// closed without a reply.
const REFUSED_AT_A_TIME: usize = 32;
/// How many connections may wait to be received beside these. With the default of 900 sessions all
/// together are fewer than the 1024 open files that systems commonly allow a process.
const UNDECIDED_AT_A_TIME: usize = 32;
/// The text of a 421 for a client over the limit.
const FULL_TEXT: &str = "Too many connections, try again later.";
/// The text of a 421 for a client that the guard refuses, for any reason.
const REFUSED_TEXT: &str =
    "Service not available: too many connections or failed logins, try again later.";

/// What all sessions of a server share. Clones share the TLS configuration and the counters.
#[derive(Debug)]
pub struct Acceptor<C> {
    config: Arc<Config>,
    tls: Arc<RwLock<Option<Arc<ServerConfig>>>>,
    drain_time: Duration,
    max_sessions: usize,
    sessions: Arc<AtomicU64>,
    /// How many counted sessions are open.
    open: Arc<AtomicUsize>,
    guard: Option<SharedGuard<C>>,
    /// How many refused clients are getting a 421, in all clones.
    refusing: Arc<AtomicUsize>,
}

/// The configuration's [`Security`] offers or requires TLS, and there is no TLS configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server's configuration uses TLS ({0:?}), but there is no TLS configuration")]
pub struct TlsMissing(Security);

impl TlsMissing {
    pub(crate) fn new(security: Security) -> Self {
        Self(security)
    }

    /// The configured security.
    pub fn security(self) -> Security {
        self.0
    }
}

/// How a connection is received.
///
/// Exhaustive: an adapter that does not know one of the decisions must not build.
#[derive(Debug)]
pub enum AcceptDecision {
    /// Greet: with a [machine](Acceptor::machine).
    Greet,
    /// Greet at this time; read nothing before it.
    GreetAt(time::Instant),
    /// Send a 421 with this text: with a [machine that refuses](Acceptor::refusal).
    Refuse(&'static str),
    /// Close it without a reply.
    Close,
}

/// Whether a connection can be considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Availability {
    /// It is run by hand. It does not count as a session, and has no limit.
    Uncounted,
    /// It can. [`Acceptor::receive`] finds out whether there is room for a session.
    Free,
    /// It cannot: as many clients as allowed are getting a 421 already.
    Overfull,
}

/// Why a connection gets only a 421, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The guard refused it.
    ByGuard(RefusedWhy),
    /// There are as many sessions as allowed.
    OverLimit,
}

/// The client of a session, and what the guard decided.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted<C: Clock> {
    /// The number of the session.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// Gives the connection back to the guard when it is dropped.
    pub guarded: Option<Guarded<C>>,
    /// Why it is refused, if it is.
    pub refused: Option<Refused>,
    /// Held while the session lasts, or while a refused client gets its 421.
    pub(crate) slot: Option<SessionSlot>,
}

/// A counted slot; released when it is dropped.
#[derive(Debug)]
#[must_use = "it is released when it is dropped"]
pub struct SessionSlot(Arc<AtomicUsize>);

impl SessionSlot {
    /// A slot, and how many others are taken; `None` if `most` are taken already.
    pub(crate) fn one_of(most: usize, taken: &Arc<AtomicUsize>) -> Option<(Self, usize)> {
        let one_more = |count: usize| (count < most).then_some(count + 1);
        let counted = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        let before = counted.ok()?;
        Some((Self(Arc::clone(taken)), before))
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Refused {
    /// The event for a refused session, right after `Connected`.
    pub(crate) fn event(self) -> SessionEvent {
        match self {
            Self::ByGuard(why) => SessionEvent::Refused(why),
            Self::OverLimit => SessionEvent::OverLimit,
        }
    }
}

impl<C: Clock> Accepted<C> {
    fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            guarded: None,
            refused: None,
            slot: None,
        }
    }

    /// The event for a connection that is [closed without a reply](AcceptDecision::Close).
    pub fn ignored<S: Default>(&self) -> (SessionInfo<S>, SessionEvent) {
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

impl<C: Clock> Acceptor<C> {
    /// An acceptor with this policy and this TLS configuration.
    ///
    /// # Errors
    /// [`TlsMissing`], unless `tls` is given or the policy is [`Security::DangerousPlaintext`].
    pub fn new(config: Arc<Config>, tls: Option<Arc<ServerConfig>>) -> Result<Self, TlsMissing> {
        let security = config.configured_security();
        if tls.is_none() && security != Security::DangerousPlaintext {
            return Err(TlsMissing::new(security));
        }
        Ok(Self {
            config,
            tls: Arc::new(RwLock::new(tls)),
            drain_time: Duration::from_secs(10),
            max_sessions: 900,
            sessions: Arc::default(),
            open: Arc::default(),
            guard: None,
            refusing: Arc::default(),
        })
    }

    /// For one listener: a clone that counts its own sessions.
    #[must_use]
    pub fn of_listener(&self) -> Self {
        Self {
            open: Arc::default(),
            ..self.clone()
        }
    }

    /// Asks this guard for each connection.
    pub fn set_guard(&mut self, guard: SharedGuard<C>) {
        self.guard = Some(guard);
    }

    /// Uses this TLS configuration for new connections, in all clones.
    pub fn replace_tls(&self, tls: Arc<ServerConfig>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }

    /// How long sessions may take to end.
    pub fn set_drain_time(&mut self, time: Duration) {
        self.drain_time = time;
    }

    /// Default 10 s.
    pub fn drain_time(&self) -> Duration {
        self.drain_time
    }

    /// How many sessions may run at a time, at least 1. Default 900, below the 1024 open files that
    /// systems commonly allow a process. The guard reserves room for known addresses within this
    /// number.
    pub fn set_max_sessions(&mut self, sessions: usize) {
        self.max_sessions = sessions.max(1);
    }

    /// The machine of a session.
    pub fn machine(&self) -> Secured<Connection> {
        self.secure(Connection::new(self.config.clone(), Instant::START))
    }

    /// A machine that only sends a 421 with this text.
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

    /// Whether another connection can be considered while `running` connections are open.
    pub fn availability_beside(&self, running: usize) -> Availability {
        let most = self
            .max_sessions
            .saturating_add(REFUSED_AT_A_TIME + UNDECIDED_AT_A_TIME);
        if running < most {
            Availability::Free
        } else {
            Availability::Overfull
        }
    }

    /// Counts as a session, whether there is room for it or not. For a connection that needs another
    /// step before it is [received](Self::receive).
    pub fn hold_slot(&self) -> SessionSlot {
        self.open.fetch_add(1, Ordering::Relaxed);
        SessionSlot(Arc::clone(&self.open))
    }

    /// Receives a connection. If there is room for a session, the guard, if any, is asked with the
    /// number of sessions allowed, since it keeps some of them for known addresses.
    pub fn receive(&self, room: Availability, peer: SocketAddr) -> (Accepted<C>, AcceptDecision) {
        let mut accepted = self.accepted(peer);
        let decision = match (room, &self.guard) {
            (Availability::Uncounted, None) => AcceptDecision::Greet,
            (Availability::Uncounted, Some(guard)) => {
                let admission = guard.accept(peer.ip());
                self.follow(guard, admission, &mut accepted)
            }
            (Availability::Free, None) => match self.slot() {
                Some((slot, _)) => {
                    accepted.slot = Some(slot);
                    AcceptDecision::Greet
                }
                None => self.refuse(Refused::OverLimit, &mut accepted),
            },
            (Availability::Free, Some(guard)) => match self.ask(guard, &mut accepted) {
                Some(admission) => self.follow(guard, admission, &mut accepted),
                None => self.refuse(Refused::OverLimit, &mut accepted),
            },
            (Availability::Overfull, _) => {
                accepted.refused = Some(Refused::OverLimit);
                AcceptDecision::Close
            }
        };
        (accepted, decision)
    }

    /// A slot for a session, and how many others are taken.
    fn slot(&self) -> Option<(SessionSlot, usize)> {
        SessionSlot::one_of(self.max_sessions, &self.open)
    }

    /// The guard's decision; `None` if there is no room for a session.
    ///
    /// The slot is taken, and released if the guard refuses, under one lock. So a flood of refused
    /// clients never takes the reserved room, not even for a moment.
    fn ask(&self, guard: &SharedGuard<C>, accepted: &mut Accepted<C>) -> Option<Admission> {
        guard.with(|guard, now| {
            let (slot, taken) = self.slot()?;
            let capacity = Capacity::new(number(taken), number(self.max_sessions));
            let admission = guard.accept_within(now, accepted.peer.ip(), capacity);
            if !matches!(admission, Admission::Refuse { .. }) {
                accepted.slot = Some(slot);
            }
            Some(admission)
        })
    }

    fn follow(
        &self,
        guard: &SharedGuard<C>,
        admission: Admission,
        accepted: &mut Accepted<C>,
    ) -> AcceptDecision {
        match admission {
            Admission::Admit(connected) => {
                accepted.guarded = Some(guard.hold(connected));
                AcceptDecision::Greet
            }
            Admission::Delay { until, connected } => {
                accepted.guarded = Some(guard.hold(connected));
                AcceptDecision::GreetAt(guard.moment(until))
            }
            Admission::Refuse { why } => self.refuse(Refused::ByGuard(why), accepted),
        }
    }

    /// A flood of refused clients must not fill the server with 421s.
    fn refuse(&self, why: Refused, accepted: &mut Accepted<C>) -> AcceptDecision {
        accepted.refused = Some(why);
        match SessionSlot::one_of(REFUSED_AT_A_TIME, &self.refusing) {
            Some((slot, _)) => {
                accepted.slot = Some(slot);
                AcceptDecision::Refuse(match why {
                    Refused::ByGuard(_) => REFUSED_TEXT,
                    Refused::OverLimit => FULL_TEXT,
                })
            }
            None => AcceptDecision::Close,
        }
    }

    fn accepted(&self, peer: SocketAddr) -> Accepted<C> {
        Accepted::new(self.sessions.fetch_add(1, Ordering::Relaxed) + 1, peer)
    }
}

impl<C> Clone for Acceptor<C> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            tls: self.tls.clone(),
            drain_time: self.drain_time,
            max_sessions: self.max_sessions,
            sessions: self.sessions.clone(),
            open: self.open.clone(),
            guard: self.guard.clone(),
            refusing: self.refusing.clone(),
        }
    }
}

/// As a number for the guard; too large ones become the largest.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
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
mod tests;
