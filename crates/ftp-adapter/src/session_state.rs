//! What a server does with each event of a session, as a value that waits for nothing.

use std::collections::VecDeque;
use std::time::{self, Duration};

use ftp_guard::GuardedAttempt;
use ftp_proto::Username;
use ftp_proto::server::{AccountAttempt, Attempt, Connection, Event, Misuse, Request, RequestId};
use ftp_proto::wire::{Code, Reply};
use ftp_rustls::Secured;

use crate::{
    Accepted, Clock, DriverState, Judged, MayCheck, SessionError, SessionEvent, SessionInfo, judge,
};

/// What clients are told when the server stops.
pub const SHUTDOWN_TEXT: &str = "The server is shutting down.";

/// How long the check of a password or an account may go on once its connection is over: the guess
/// is to be counted for what it was. After that it counts as a wrong one.
pub const LAST_CHECK_TIME: Duration = Duration::from_secs(30);

/// How long to listen on for a client's end after our own. A close with unread bytes makes the
/// system send a reset, which can overtake our last words.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// One session of a server, from greeting to close: what its handler is asked and told, when the
/// guard is, and what becomes of the answers.
///
/// A dialect does what the [`SessionTask`] says, tells what came of it with the method that is named
/// there, and gets the next task. Only the dialect waits.
#[derive(Debug)]
pub struct SessionState<C: Clock, S = ()> {
    info: SessionInfo<S>,
    /// Given back when the session is over.
    accepted: Accepted<C>,
    /// Held back by the guard.
    held: Option<Box<Guess>>,
    /// What the handler checks.
    check: Option<Box<Check>>,
    /// The handler was told of the end.
    closed: bool,
}

/// What a session's dialect is to do next.
#[derive(Debug)]
pub enum SessionTask {
    /// Give the next event of the connection to [`SessionState::on_event`]. Tell the client to
    /// go, with [`SHUTDOWN_TEXT`], when the server stops.
    Listen,
    /// Tell the handler, then [`SessionState::told`].
    Tell(SessionEvent),
    /// Wait until this moment, or until the connection is over, then [`SessionState::waited`].
    WaitUntil(time::Instant),
    /// Ask the handler, then [`SessionState::decided`]. If the connection ends meanwhile, wait for
    /// another [`LAST_CHECK_TIME`].
    Authenticate(Attempt),
    /// The same for an account.
    Account(AccountAttempt),
    /// Ask the handler, until the connection is over, then [`SessionState::answered`].
    Command(Request),
    /// The session is over. If there is a time, take what the client still sends, for so long or
    /// until its end, before the transport is dropped.
    End(Option<Duration>),
}

/// What the guard rules on. An account is one, too: on many systems it is a second password.
#[derive(Debug)]
enum Guess {
    Login(Attempt),
    Account(AccountAttempt),
}

#[derive(Debug)]
struct Check {
    username: Username,
    failures: u32,
    guarded: Option<GuardedAttempt>,
    started: time::Instant,
}

impl<C: Clock, S: Default> SessionState<C, S> {
    /// Of a connection that was accepted or is refused, and the first task.
    pub fn new(accepted: Accepted<C>) -> (Self, SessionTask) {
        let state = Self {
            info: SessionInfo::new(accepted.id, accepted.peer),
            accepted,
            held: None,
            check: None,
            closed: false,
        };
        (state, SessionTask::Tell(SessionEvent::Connected))
    }
}

impl<C: Clock, S> SessionState<C, S> {
    /// For the handler.
    pub fn info(&self) -> &SessionInfo<S> {
        &self.info
    }

    /// The handler was told of this event.
    pub fn told(&mut self, event: SessionEvent) -> SessionTask {
        match event {
            SessionEvent::Connected => {
                let refused = self.accepted.refusal_event();
                refused.map_or(SessionTask::Listen, SessionTask::Tell)
            }
            SessionEvent::LoggedOut => {
                self.info.username = None;
                if let Some(guarded) = &mut self.accepted.guarded {
                    guarded.logged_out();
                }
                SessionTask::Listen
            }
            SessionEvent::Failed(error) => end(&error),
            _ => SessionTask::Listen,
        }
    }

    /// The connection's driver gave this.
    pub fn on_event(
        &mut self,
        connection: &Connection,
        next: Result<Option<Event>, SessionError>,
    ) -> SessionTask {
        let event = match next {
            Ok(Some(event)) => event,
            Ok(None) => return SessionTask::End(Some(LINGERING_TIME)),
            Err(error) if self.closed => return end(&error),
            Err(error) => return SessionTask::Tell(SessionEvent::Failed(error)),
        };
        self.info.tls = connection.tls().cloned();
        self.info.data_protected = connection.is_data_protected();
        SessionTask::Tell(match event {
            Event::Authenticate(attempt) => return self.check(Guess::Login(attempt)),
            Event::Account(attempt) => return self.check(Guess::Account(attempt)),
            Event::Command(request) => return SessionTask::Command(request),
            Event::LoggedIn(summary) => {
                self.info.username = Some(summary.username.clone());
                SessionEvent::LoggedIn(summary)
            }
            Event::LoggedOut => SessionEvent::LoggedOut,
            Event::TlsEstablished(tls) => SessionEvent::TlsEstablished(tls),
            Event::ClearCommandChannel => SessionEvent::ClearCommandChannel,
            Event::Closed(why) => {
                self.closed = true;
                SessionEvent::Closed(why)
            }
            // The TLS switches are answered below us, by `Secured`.
            _ => return SessionTask::Listen,
        })
    }

    /// The moment has come, or (`None`) the connection is over. A client that left before the check
    /// has not had a guess checked: nothing is counted.
    pub fn waited(&mut self, waited: Option<()>) -> SessionTask {
        match (self.held.take(), waited) {
            (Some(guess), Some(())) => self.check(*guess),
            _ => SessionTask::Listen,
        }
    }

    /// The guard rules before the check.
    fn check(&mut self, guess: Guess) -> SessionTask {
        let (username, failures) = match &guess {
            Guess::Login(attempt) => (attempt.username(), attempt.failures()),
            Guess::Account(attempt) => (attempt.username(), attempt.failures()),
        };
        let guarded = self.accepted.guarded.as_mut();
        let guarded = match guarded.and_then(|guarded| guarded.may_check(username)) {
            Some(MayCheck::AskAgain(at)) => {
                self.held = Some(Box::new(guess));
                return SessionTask::WaitUntil(at);
            }
            Some(MayCheck::Now(attempt)) => Some(attempt),
            None => None,
        };
        self.check = Some(Box::new(Check {
            username: username.clone(),
            failures,
            guarded,
            started: C::now(),
        }));
        match guess {
            Guess::Login(attempt) => SessionTask::Authenticate(attempt),
            Guess::Account(attempt) => SessionTask::Account(attempt),
        }
    }

    /// The handler's verdict; `None` if it did not come. The guard says what the client is told, and
    /// when.
    pub fn decided<V: Judged>(
        &mut self,
        driver: &mut DriverState<Secured<Connection>>,
        verdict: Option<V>,
    ) -> SessionTask {
        let (Some(check), Some(verdict)) = (self.check.take(), verdict) else {
            return SessionTask::Listen;
        };
        let now = C::now();
        let check_time = now.saturating_duration_since(check.started);
        let guarded = self.accepted.guarded.as_mut().zip(check.guarded);
        let tried = (check.username, check.failures);
        let judgement = judge(guarded, tried, verdict, check_time);
        let not_before = judgement.not_before.map(|moment| driver.instant(moment));
        let now = driver.instant(now);
        let connection = driver.machine_mut().machine_mut();
        // Refused only if it comes too late: then there is no one to tell.
        let _too_late = judgement.verdict.decide(connection, now, not_before);
        SessionTask::Tell(V::event(judgement.summary))
    }

    /// The handler's answer to this request; the outer `None` if it did not come, because the client
    /// left. A reply that cannot be sent is replaced.
    pub fn answered(
        &mut self,
        driver: &mut DriverState<Secured<Connection>>,
        request: RequestId,
        answer: Option<Option<Reply>>,
    ) -> SessionTask {
        let now = driver.instant(C::now());
        let connection = driver.machine_mut().machine_mut();
        let mut send = |reply: Option<&Reply>| match reply {
            Some(reply) => connection.reply(now, request, reply),
            None => connection.not_implemented(now, request),
        };
        let Some(answer) = answer else {
            return SessionTask::Listen;
        };
        match (send(answer.as_ref()), answer) {
            (Err(Misuse::WrongClass | Misuse::DedicatedMethod), Some(reply)) => {
                let replacement = Reply::new(Code::LOCAL_ERROR, "Internal error.").ok();
                // Refused only if the connection is over.
                let _too_late = send(replacement.as_ref());
                SessionTask::Tell(SessionEvent::ReplyReplaced(reply))
            }
            _ => SessionTask::Listen,
        }
    }
}

/// A transport that failed has nothing more to give.
fn end(error: &SessionError) -> SessionTask {
    let failed = matches!(error, SessionError::Io(_));
    SessionTask::End((!failed).then_some(LINGERING_TIME))
}

/// What a connection gave while its session waited for something else.
#[derive(Debug, Default)]
pub struct SessionEvents {
    events: VecDeque<Event>,
    end: Option<Result<(), SessionError>>,
}

impl SessionEvents {
    /// Keeps what the driver gave.
    pub fn keep(&mut self, next: Result<Option<Event>, SessionError>) {
        match next {
            Ok(Some(event)) => self.events.push_back(event),
            Ok(None) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
    }

    /// The oldest, as the driver gave it.
    pub fn take(&mut self) -> Option<Result<Option<Event>, SessionError>> {
        match self.events.pop_front() {
            Some(event) => Some(Ok(Some(event))),
            None => Some(self.end.take()?.map(|()| None)),
        }
    }

    /// Whether the connection is over.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }
}
