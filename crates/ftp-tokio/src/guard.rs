//! The guard across connections, shared by sessions, on tokio's clock.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp_proto::server::guard::{
    Admission, Answer, AttemptDecision, Connected, Guard, GuardedAttempt, Outcome, Ruling, Scope,
};
use ftp_proto::{Instant, Username};
use tokio::time;

/// A [`Guard`] that the sessions of one server, or of several, share.
///
/// Its clock starts ([`Instant::START`]) when this is made. A mutex is held for each question, which
/// takes about a microsecond, and never across an await. Clones are handles to the same guard.
///
/// The example `shared_guard` shares one between processes, through Redis.
#[derive(Debug, Clone)]
pub struct SharedGuard(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    guard: Mutex<Guard>,
    start: time::Instant,
}

impl SharedGuard {
    /// Takes the guard, whose time starts now.
    pub fn new(guard: Guard) -> Self {
        Self(Arc::new(Shared {
            guard: Mutex::new(guard),
            start: time::Instant::now(),
        }))
    }

    /// Uses the guard, for example to take a snapshot or to read its statistics. The instant is
    /// the present on the guard's clock. All sessions wait meanwhile: be quick.
    pub fn with<R>(&self, work: impl FnOnce(&mut Guard, Instant) -> R) -> R {
        // A panic under the lock can at worst leave a count wrong: better than no guard.
        let mut guard = self.0.guard.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut guard, Instant::from_start(self.0.start.elapsed()))
    }

    /// A moment of the guard's clock on tokio's; far away if it cannot be represented.
    pub(crate) fn moment(&self, instant: Instant) -> time::Instant {
        let start = self.0.start;
        start
            .checked_add(instant.since_start())
            .unwrap_or_else(|| start + Duration::from_secs(86_400 * 365))
    }

    pub(crate) fn accept(&self, address: IpAddr) -> Admission {
        self.with(|guard, now| guard.accept(now, address))
    }

    /// Releases the connection when it is dropped.
    pub(crate) fn hold(&self, connected: Connected) -> Guarded {
        Guarded {
            guard: self.clone(),
            connected: Some(connected),
        }
    }
}

/// An admitted connection: given back to the guard however its session ends.
#[derive(Debug)]
pub(crate) struct Guarded {
    guard: SharedGuard,
    /// `None` while it is dropped.
    connected: Option<Connected>,
}

impl Guarded {
    /// Waits until the guard lets the attempt be checked.
    pub(crate) async fn attempt(&mut self, user: &Username) -> Option<GuardedAttempt> {
        loop {
            let connected = self.connected.as_mut()?;
            match self
                .guard
                .with(|guard, now| guard.attempt(now, connected, user))
            {
                AttemptDecision::Check(attempt) => return Some(attempt),
                AttemptDecision::AskAgain { at } => {
                    time::sleep_until(self.guard.moment(at)).await;
                }
            }
        }
    }

    /// What to tell the client, and when.
    pub(crate) fn settle(
        &mut self,
        attempt: GuardedAttempt,
        outcome: Outcome,
    ) -> Option<(Answer, time::Instant)> {
        let connected = self.connected.as_mut()?;
        let answer = self
            .guard
            .with(|guard, now| guard.settle(now, connected, attempt, outcome));
        Some((answer, self.guard.moment(answer.not_before)))
    }

    pub(crate) fn logged_out(&mut self) {
        if let Some(connected) = &mut self.connected {
            self.guard.with(|guard, _| guard.logged_out(connected));
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(connected) = self.connected.take() {
            self.guard.with(|guard, now| guard.release(now, connected));
        }
    }
}

/// What became of an attempt to log in: for the log and for counters.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptSummary {
    /// The name that was tried.
    pub username: Username,
    /// Failed attempts of this connection before.
    pub failures: u32,
    /// What the client is told.
    pub outcome: Outcome,
    /// What the application's check found. Never for the client.
    pub checked: Outcome,
    /// What the guard had ruled before the check; `None` without a guard.
    pub ruling: Option<Ruling>,
    /// The widest lockout that this attempt brought about.
    pub locked_out: Option<Scope>,
    /// How long the check took.
    pub check_time: Duration,
}
