//! What a server does with each event of a session. It never waits by itself.

use std::collections::VecDeque;
use std::time::{self, Duration};

use ftp_guard::GuardedAttempt;
use ftp_proto::Username;
use ftp_proto::server::{
    AccountAttempt, Answer, Attempt, Connection, Event, FileError, FileRequest, Misuse, Request,
    RequestId, TransferRequest,
};
use ftp_proto::wire::{Code, Reply};
use ftp_rustls::Secured;

use crate::{
    Accepted, Clock, DriverState, Guarded, Judged, MayCheck, Refused, SessionError, SessionEvent,
    SessionInfo, SessionSlot, TransferStart, judge,
};

/// The text of the 421 when the server stops.
pub const SHUTDOWN_TEXT: &str = "The server is shutting down.";

/// How long the check of a password or an account may continue after the end of its connection, so
/// that its result is counted. After that the attempt counts as failed.
pub const LAST_CHECK_TIME: Duration = Duration::from_secs(30);

/// How long sessions may take after the [drain time](crate::Acceptor::drain_time) to say so and to leave their files.
pub const LEAVE_TIME: Duration = Duration::from_secs(1);

/// How long to listen on for a client's end after our own. A close with unread bytes makes the
/// system send a reset, which can overtake our last reply.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// One session of a server, from greeting to close: when to call the handler and the guard, and
/// what to do with their answers.
///
/// A dialect (async or blocking) does the [`SessionTask`], reports the result with the method named
/// there, and gets the next task. Only the dialect waits.
#[derive(Debug)]
pub struct SessionState<C: Clock, S = ()> {
    info: SessionInfo<S>,
    /// Released when the session is over.
    guarded: Option<Guarded<C>>,
    refused: Option<Refused>,
    _slot: Option<SessionSlot>,
    /// Delayed by the guard.
    held: Option<Box<Guess>>,
    /// The check that the handler is doing.
    check: Option<Box<Check>>,
    /// The handler was told of the end.
    closed: bool,
}

/// What a session's dialect does next.
#[derive(Debug)]
pub enum SessionTask {
    /// Pass the next event of the connection to [`SessionState::on_event`]. When the server stops,
    /// shut the connection down with [`SHUTDOWN_TEXT`].
    Listen,
    /// Pass the event to the handler, then call [`SessionState::told`].
    Tell(SessionEvent),
    /// Wait until this time or the end of the connection, then call [`SessionState::waited`].
    WaitUntil(time::Instant),
    /// Ask the handler, then call [`SessionState::decided`]. If the connection ends before the
    /// answer, wait another [`LAST_CHECK_TIME`].
    Authenticate(Attempt),
    /// The same for an account.
    Account(AccountAttempt),
    /// Ask the handler, at most until the end of the connection, then call
    /// [`SessionState::answered`].
    Command(Request),
    /// Ask the handler whether this may be done, then call [`SessionState::operation_allowed`].
    AllowOperation(FileRequest),
    /// The same for a transfer; then call [`SessionState::transfer_allowed`].
    AllowTransfer(TransferRequest, Box<TransferStart>),
    /// The session is over. With a time, read and drop what the client still sends, for this time
    /// or until the client's end, before the transport is dropped.
    End(Option<Duration>),
}

/// An attempt that the guard decides on. An account counts, too: on many systems it is a second
/// password.
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
    /// For an accepted or refused connection, with the first task.
    pub fn new(accepted: Accepted<C>) -> (Self, SessionTask) {
        let state = Self {
            info: SessionInfo::new(accepted.id, accepted.peer),
            guarded: accepted.guarded,
            refused: accepted.refused,
            _slot: accepted.slot,
            held: None,
            check: None,
            closed: false,
        };
        (state, SessionTask::Tell(SessionEvent::Connected))
    }
}

impl<C: Clock, S> SessionState<C, S> {
    /// The information for the handler.
    pub fn info(&self) -> &SessionInfo<S> {
        &self.info
    }

    /// Call this after the handler got this event.
    pub fn told(&mut self, event: SessionEvent) -> SessionTask {
        match event {
            SessionEvent::Connected => {
                let refused = self.refused.map(Refused::event);
                refused.map_or(SessionTask::Listen, SessionTask::Tell)
            }
            SessionEvent::LoggedOut => {
                self.info.username = None;
                if let Some(guarded) = &mut self.guarded {
                    guarded.logged_out();
                }
                SessionTask::Listen
            }
            SessionEvent::Failed(error) => end(&error),
            _ => SessionTask::Listen,
        }
    }

    /// Handles a result of the connection's driver.
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
            Event::Files(request) => return SessionTask::AllowOperation(request),
            Event::Transfer(request) => {
                let start = Box::new(TransferStart::of(&request));
                return SessionTask::AllowTransfer(request, start);
            }
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
            // `Secured` answers the TLS switches.
            _ => return SessionTask::Listen,
        })
    }

    /// The time has come, or (`None`) the connection is over. If the client left before the check,
    /// nothing is counted.
    pub fn waited(&mut self, waited: Option<()>) -> SessionTask {
        match (self.held.take(), waited) {
            (Some(guess), Some(())) => self.check(*guess),
            _ => SessionTask::Listen,
        }
    }

    /// Asks the guard before the check.
    fn check(&mut self, guess: Guess) -> SessionTask {
        let (username, failures) = match &guess {
            Guess::Login(attempt) => (attempt.username(), attempt.failures()),
            Guess::Account(attempt) => (attempt.username(), attempt.failures()),
        };
        let guarded = self.guarded.as_mut();
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

    /// Handles the handler's verdict; `None` if there is none. The guard decides the reply and its
    /// time.
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
        let guarded = self.guarded.as_mut().zip(check.guarded);
        let tried = (check.username, check.failures);
        let judgement = judge(guarded, tried, verdict, check_time);
        let not_before = judgement.not_before.map(|moment| driver.instant(moment));
        let now = driver.instant(now);
        let connection = driver.machine_mut().machine_mut();
        // It fails only if it is too late: then the client is gone.
        let _too_late = judgement.verdict.decide(connection, now, not_before);
        SessionTask::Tell(V::event(judgement.summary))
    }

    /// Handles the handler's answer to this request; the outer `None` if the client left before. A
    /// reply that cannot be sent is replaced.
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
                // It fails only if the connection is over.
                let _too_late = send(replacement.as_ref());
                SessionTask::Tell(SessionEvent::ReplyReplaced(reply))
            }
            _ => SessionTask::Listen,
        }
    }
}

/// Questions about files.
impl<C: Clock, S> SessionState<C, S> {
    /// Handles the handler's decision. If there is an event, pass it to the session's files.
    pub fn operation_allowed(
        &self,
        driver: &mut DriverState<Secured<Connection>>,
        request: FileRequest,
        allowed: Result<(), FileError>,
    ) -> (Option<Event>, SessionTask) {
        let event = match allowed {
            Ok(()) => Some(Event::Files(request)),
            Err(error) => {
                refuse::<C>(driver, request.refused(error));
                None
            }
        };
        (event, SessionTask::Listen)
    }

    /// The same for a transfer.
    pub fn transfer_allowed(
        &self,
        driver: &mut DriverState<Secured<Connection>>,
        request: TransferRequest,
        start: Box<TransferStart>,
        allowed: Result<(), FileError>,
    ) -> (Option<Event>, SessionTask) {
        match allowed {
            Ok(()) => {
                let event = Event::Transfer(request);
                let started = SessionEvent::TransferStarted(start);
                (Some(event), SessionTask::Tell(started))
            }
            Err(error) => {
                refuse::<C>(driver, request.refused(error));
                (None, SessionTask::Listen)
            }
        }
    }
}

fn refuse<C: Clock>(driver: &mut DriverState<Secured<Connection>>, refusal: Answer) {
    let now = driver.instant(C::now());
    // It fails only if it is too late: then the client is gone, or has given up.
    let _too_late = driver.machine_mut().machine_mut().answer(now, refusal);
}

/// Nothing can be read from a failed transport.
fn end(error: &SessionError) -> SessionTask {
    let failed = matches!(error, SessionError::Io(_));
    SessionTask::End((!failed).then_some(LINGERING_TIME))
}

/// The events of a connection that came while its session waited for something else.
#[derive(Debug, Default)]
pub struct SessionEvents {
    events: VecDeque<Event>,
    end: Option<Result<(), SessionError>>,
}

impl SessionEvents {
    /// Keeps a result of the driver.
    pub fn keep(&mut self, next: Result<Option<Event>, SessionError>) {
        match next {
            Ok(Some(event)) => self.events.push_back(event),
            Ok(None) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
    }

    /// The oldest kept result.
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
