//! The guard, shared by sessions, on the adapter's clock.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{self, Duration};

use ftp_guard::{
    Admission, Answer, AttemptDecision, CheckResult, Connected, Guard, GuardedAttempt, Instant,
    Ruling, Scope,
};
use ftp_proto::Username;
use ftp_proto::server::{AccountVerdict, Connection, Misuse, Outcome, Verdict};

use crate::{Clock, SessionEvent};

/// A [`Guard`] that the sessions of one server, or of several, share.
///
/// Its clock starts ([`Instant::START`]) when this is made. A mutex is held for each call, about a
/// microsecond, and never during a wait. Clones are handles to the same guard.
///
/// The program `shared_guard` in `examples/` shares one between processes, through Redis.
pub struct SharedGuard<C> {
    shared: Arc<Shared>,
    clock: PhantomData<fn() -> C>,
}

#[derive(Debug)]
struct Shared {
    guard: Mutex<Guard>,
    start: time::Instant,
}

impl<C: Clock> SharedGuard<C> {
    /// Shares the guard. Its time starts now.
    pub fn new(guard: Guard) -> Self {
        let shared = Shared {
            guard: Mutex::new(guard),
            start: C::now(),
        };
        Self {
            shared: Arc::new(shared),
            clock: PhantomData,
        }
    }

    /// Uses the guard, for example to take a snapshot or to read its statistics. The instant is the
    /// time now on the guard's clock. All sessions wait during the call: be quick.
    pub fn with<R>(&self, work: impl FnOnce(&mut Guard, Instant) -> R) -> R {
        let Shared { guard, start } = &*self.shared;
        // A panic under the lock can leave at most a wrong count, which is better than no guard.
        let mut guard = guard.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = C::now().saturating_duration_since(*start);
        work(&mut guard, Instant::from_start(elapsed))
    }

    /// Converts a time of the guard's clock to the adapter's; a time far away if that overflows.
    pub fn moment(&self, instant: Instant) -> time::Instant {
        let start = self.shared.start;
        start
            .checked_add(instant.since_start())
            .unwrap_or_else(|| start + Duration::from_secs(86_400 * 365))
    }

    /// Asks whether to admit a new connection. [Hold](Self::hold) an admitted one.
    pub fn accept(&self, address: IpAddr) -> Admission {
        self.with(|guard, now| guard.accept(now, address))
    }

    /// Releases the connection when it is dropped.
    pub fn hold(&self, connected: Connected) -> Guarded<C> {
        Guarded {
            guard: self.clone(),
            connected: Some(connected),
        }
    }
}

impl<C> Clone for SharedGuard<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            clock: PhantomData,
        }
    }
}

impl<C> fmt::Debug for SharedGuard<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedGuard").field(&self.shared).finish()
    }
}

/// An admitted connection: released at the guard however its session ends.
#[derive(Debug)]
pub struct Guarded<C: Clock> {
    guard: SharedGuard<C>,
    /// `None` while it is dropped.
    connected: Option<Connected>,
}

/// The guard's answer to an attempt before its check.
///
/// Exhaustive: an adapter that does not know one of the answers must not build.
#[derive(Debug)]
pub(crate) enum MayCheck {
    /// Check it now, and pass it to [`judge`].
    Now(GuardedAttempt),
    /// Ask again at this time of the adapter's clock.
    AskAgain(time::Instant),
}

impl<C: Clock> Guarded<C> {
    /// Whether the attempt may be checked. `None` after the connection was released.
    pub(crate) fn may_check(&mut self, user: &Username) -> Option<MayCheck> {
        let connected = self.connected.as_mut()?;
        let decision = self
            .guard
            .with(|guard, now| guard.attempt(now, connected, user.as_bytes()));
        Some(match decision {
            AttemptDecision::Check(attempt) => MayCheck::Now(attempt),
            AttemptDecision::AskAgain { at } => MayCheck::AskAgain(self.guard.moment(at)),
        })
    }

    fn settle(
        &mut self,
        attempt: GuardedAttempt,
        result: CheckResult,
    ) -> Option<(Answer, time::Instant)> {
        let connected = self.connected.as_mut()?;
        let answer = self
            .guard
            .with(|guard, now| guard.settle(now, connected, attempt, result));
        Some((answer, self.guard.moment(answer.not_before)))
    }

    /// The login of this connection is over; the connection continues.
    pub fn logged_out(&mut self) {
        if let Some(connected) = &mut self.connected {
            self.guard.with(|guard, _| guard.logged_out(connected));
        }
    }
}

impl<C: Clock> Drop for Guarded<C> {
    fn drop(&mut self) {
        if let Some(connected) = self.connected.take() {
            self.guard.with(|guard, now| guard.release(now, connected));
        }
    }
}

/// The result of an attempt to log in, or to name an account after login: for logs and counters.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptSummary {
    /// The name that was tried.
    pub username: Username,
    /// Earlier failed attempts of this connection.
    pub failures: u32,
    /// The verdict that the client gets.
    pub outcome: Outcome,
    /// The result of the application's check. Never for the client.
    pub checked: Outcome,
    /// The guard's decision before the check; `None` without a guard.
    pub ruling: Option<Ruling>,
    /// The widest lockout that this attempt caused.
    pub locked_out: Option<Scope>,
    /// How long the check took.
    pub check_time: Duration,
}

/// An application's verdict on an attempt that the guard counts.
pub trait Judged {
    /// The result of the check.
    fn outcome(&self) -> Outcome;

    /// The verdict with the guard's answer applied.
    #[must_use]
    fn overruled(self, outcome: Outcome) -> Self;

    /// The event for the log.
    fn event(summary: AttemptSummary) -> SessionEvent;

    /// Answers the machine, which tells the client at `not_before` at the earliest.
    ///
    /// # Errors
    /// [`Misuse`] if it comes too late.
    fn decide(
        self,
        connection: &mut Connection,
        now: ftp_proto::Instant,
        not_before: Option<ftp_proto::Instant>,
    ) -> Result<(), Misuse>;
}

impl Judged for Verdict {
    fn outcome(&self) -> Outcome {
        self.outcome()
    }

    fn overruled(self, outcome: Outcome) -> Self {
        self.overruled(outcome)
    }

    fn event(summary: AttemptSummary) -> SessionEvent {
        SessionEvent::Attempted(summary)
    }

    fn decide(
        self,
        connection: &mut Connection,
        now: ftp_proto::Instant,
        not_before: Option<ftp_proto::Instant>,
    ) -> Result<(), Misuse> {
        let verdict = match not_before {
            Some(moment) => self.not_before(moment),
            None => self,
        };
        connection.decide(now, verdict)
    }
}

impl Judged for AccountVerdict {
    fn outcome(&self) -> Outcome {
        self.outcome()
    }

    fn overruled(self, outcome: Outcome) -> Self {
        self.overruled(outcome)
    }

    fn event(summary: AttemptSummary) -> SessionEvent {
        SessionEvent::AccountAttempted(summary)
    }

    fn decide(
        self,
        connection: &mut Connection,
        now: ftp_proto::Instant,
        not_before: Option<ftp_proto::Instant>,
    ) -> Result<(), Misuse> {
        let verdict = match not_before {
            Some(moment) => self.not_before(moment),
            None => self,
        };
        connection.decide_account(now, verdict)
    }
}

/// The application's verdict after the guard's decision.
#[derive(Debug)]
pub(crate) struct Judgement<V> {
    /// For the log.
    pub(crate) summary: AttemptSummary,
    /// For the machine: the application's verdict, or the guard's instead.
    pub(crate) verdict: V,
    /// The earliest time of the reply, on the adapter's clock.
    pub(crate) not_before: Option<time::Instant>,
}

/// Passes the result of the application's check to the guard, if there is one. `attempt` has the
/// name, and the earlier failures of this connection.
pub(crate) fn judge<C: Clock, V: Judged>(
    guarded: Option<(&mut Guarded<C>, GuardedAttempt)>,
    attempt: (Username, u32),
    verdict: V,
    check_time: Duration,
) -> Judgement<V> {
    let (username, failures) = attempt;
    let checked = verdict.outcome();
    let ruling = guarded.as_ref().map(|(_, attempt)| attempt.ruling());
    let answer = guarded.and_then(|(guarded, attempt)| guarded.settle(attempt, found(checked)));
    let outcome = answer.map_or(checked, |(answer, _)| told(answer.result));
    Judgement {
        summary: AttemptSummary {
            username,
            failures,
            outcome,
            checked,
            ruling,
            locked_out: answer.and_then(|(answer, _)| answer.locked_out),
            check_time,
        },
        verdict: verdict.overruled(outcome),
        not_before: answer.map(|(_, moment)| moment),
    }
}

/// The outcome of a verdict, as the guard counts it.
fn found(outcome: Outcome) -> CheckResult {
    match outcome {
        Outcome::Success => CheckResult::Success,
        Outcome::Failure => CheckResult::Failure,
        Outcome::NeedsAccount => CheckResult::Incomplete,
        Outcome::Unavailable => CheckResult::Unavailable,
    }
}

/// The guard's answer, as the outcome of a verdict.
fn told(result: CheckResult) -> Outcome {
    match result {
        CheckResult::Success => Outcome::Success,
        CheckResult::Failure => Outcome::Failure,
        CheckResult::Incomplete => Outcome::NeedsAccount,
        CheckResult::Unavailable => Outcome::Unavailable,
    }
}
