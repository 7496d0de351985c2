//! One session of a [`Server`](crate::Server), from greeting to close.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::{
    Accepted, Judged, Judgement, LAST_CHECK_TIME, MayCheck, SHUTDOWN_TEXT, SessionError,
    SessionEvent, SessionInfo, SystemClock, judge, replacement,
};
use ftp_guard::GuardedAttempt;
use ftp_proto::Username;
use ftp_proto::server::{AccountAttempt, Attempt, Event, Misuse, Request, RequestId};
use ftp_proto::wire::Reply;

use crate::transport::Timed;
use crate::worker::Worker;
use crate::{Handler, ServerSession, Shutdown, Transport};

/// How often a session looks whether the server is to stop.
pub(crate) const LOOK_ABOUT: Duration = Duration::from_secs(1);
/// What a client is told when there is no thread for what it asks, or the handler panics.
const NO_ANSWER_TEXT: &str = "Service not available.";
/// How long to listen on for a client's end after our own.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// How often a session looks at its connection while the handler works.
const LOOK_BESIDE: Duration = Duration::from_millis(250);

/// Runs a session to its end.
///
/// A handler that never comes to an end keeps the two threads that it has, but neither the
/// connection nor what the accepted ones hold.
pub(crate) fn run_session<T: Transport, H: Handler>(
    session: ServerSession<T>,
    accepted: Accepted<SystemClock>,
    handler: &H,
    shutdown: &Shutdown,
) {
    let info = SessionInfo::new(accepted.id, accepted.peer);
    for event in accepted.first_events() {
        handler.event(&info, &event);
    }
    thread::scope(|scope| {
        let mut runner = SessionRunner {
            session,
            info,
            handler,
            worker: Worker::new(scope),
            accepted,
            shutdown,
            stopping: false,
            closed: false,
            events: VecDeque::new(),
            end: None,
        };
        let broken = match runner.run() {
            Ok(()) => false,
            Err(error) => {
                let broken = matches!(error, SessionError::Io(_));
                if !runner.closed {
                    runner.tell(&SessionEvent::Failed(error));
                }
                broken
            }
        };
        if !broken {
            linger(runner.session.into_driver().into_timed());
        }
    });
}

/// Takes what the client still sends, for a while. A close with unread bytes makes the system send
/// a reset, which can overtake our last words.
fn linger<T: Transport>(mut transport: Timed<T>) {
    let end = Instant::now() + LINGERING_TIME;
    let mut ignored = [0; 1024];
    // The session is over either way: an error changes nothing.
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match transport.read(&mut ignored, left) {
            Poll::Pending | Poll::Ready(Ok(1..)) => {}
            Poll::Ready(Ok(0) | Err(_)) => return,
        }
    }
}

struct SessionRunner<'scope, 'env, T, H> {
    session: ServerSession<T>,
    info: SessionInfo,
    handler: &'env H,
    worker: Worker<'scope, 'env>,
    /// Given back when the session is over.
    accepted: Accepted<SystemClock>,
    shutdown: &'env Shutdown,
    stopping: bool,
    /// The handler was told of the end.
    closed: bool,
    /// Came while the guard held an attempt back, or while the handler worked.
    events: VecDeque<Event>,
    /// The connection ended meanwhile.
    end: Option<Result<(), SessionError>>,
}

impl<'scope, T: Transport, H: Handler> SessionRunner<'scope, '_, T, H> {
    fn run(&mut self) -> Result<(), SessionError> {
        while let Some(event) = self.next()? {
            self.handle(event);
        }
        Ok(())
    }

    /// The next event; `None` when the connection is over.
    fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        if let Some(end) = self.end.take() {
            return end.map(|()| None);
        }
        loop {
            if let Poll::Ready(event) = self.listen(LOOK_ABOUT)? {
                return Ok(event);
            }
        }
    }

    fn listen(&mut self, most: Duration) -> Result<Poll<Option<Event>>, SessionError> {
        if !self.stopping && self.shutdown.is_stopped() {
            self.stopping = true;
            self.session.shutdown(SHUTDOWN_TEXT);
        }
        self.session.next_event_within(most.min(LOOK_ABOUT))
    }

    fn handle(&mut self, event: Event) {
        self.info.update(self.session.machine());
        match self.info.note(event) {
            Err(Event::Authenticate(attempt)) => self.authenticate(attempt),
            Err(Event::Account(attempt)) => self.account(attempt),
            Err(Event::Command(request)) => self.command(request),
            Ok(Some(event)) => self.note(&event),
            Ok(None) | Err(_) => {}
        }
    }

    fn note(&mut self, event: &SessionEvent) {
        self.closed |= matches!(event, SessionEvent::Closed(_));
        self.tell(event);
        if let SessionEvent::LoggedOut = event {
            self.info.username = None;
            if let Some(guarded) = &mut self.accepted.guarded {
                guarded.logged_out();
            }
        }
    }

    /// The guard rules, the application checks, and the guard says what is told, and when.
    fn authenticate(&mut self, attempt: Attempt) {
        let tried = (attempt.username().clone(), attempt.failures());
        let Ok(guarded) = self.may_check(&tried.0) else {
            return;
        };
        let started = Instant::now();
        let (handler, peer) = (self.handler, self.info.peer);
        let check = self.beside(move || handler.authenticate(attempt, peer));
        let Some(verdict) = check.and_then(|check| self.finished(&check)) else {
            return;
        };
        let judgement = self.judge(guarded, tried, verdict, started);
        self.tell(&SessionEvent::Attempted(judgement.summary));
        // Refused only if it comes too late: then there is no one to tell.
        let _too_late = match judgement.not_before {
            None => self.session.decide(judgement.verdict),
            Some(moment) => self.session.decide_at(judgement.verdict, moment),
        };
    }

    /// The same for an account after login: on many systems it is a second password.
    fn account(&mut self, attempt: AccountAttempt) {
        let tried = (attempt.username().clone(), attempt.failures());
        let Ok(guarded) = self.may_check(&tried.0) else {
            return;
        };
        let started = Instant::now();
        let (handler, info) = (self.handler, self.info.clone());
        let check = self.beside(move || handler.account(&info, attempt));
        let Some(verdict) = check.and_then(|check| self.finished(&check)) else {
            return;
        };
        let judgement = self.judge(guarded, tried, verdict, started);
        self.tell(&SessionEvent::AccountAttempted(judgement.summary));
        let _too_late = match judgement.not_before {
            None => self.session.decide_account(judgement.verdict),
            Some(moment) => self.session.decide_account_at(judgement.verdict, moment),
        };
    }

    /// Waits until the guard, if there is one, lets the attempt be checked. The connection's
    /// deadlines are kept meanwhile. Who leaves before the check has not had a guess checked:
    /// nothing to count.
    fn may_check(&mut self, user: &Username) -> Result<Option<GuardedAttempt>, Left> {
        loop {
            let Some(guarded) = &mut self.accepted.guarded else {
                return Ok(None);
            };
            let at = match guarded.may_check(user) {
                None => return Ok(None),
                Some(MayCheck::Now(attempt)) => return Ok(Some(attempt)),
                Some(MayCheck::AskAgain(at)) => at,
            };
            while let Some(left) = at.checked_duration_since(Instant::now()) {
                self.look(left)?;
            }
        }
    }

    fn judge<V: Judged>(
        &mut self,
        guarded: Option<GuardedAttempt>,
        tried: (Username, u32),
        verdict: V,
        started: Instant,
    ) -> Judgement<V> {
        let guarded = self.accepted.guarded.as_mut().zip(guarded);
        judge(guarded, tried, verdict, started.elapsed())
    }

    fn command(&mut self, request: Request) {
        let id = request.id();
        let (handler, info) = (self.handler, self.info.clone());
        let work = self.beside(move || handler.command(&info, request));
        // The client left if there is no answer.
        let Some(answer) = work.and_then(|work| self.while_open(&work)) else {
            return;
        };
        let answered = match &answer {
            Some(reply) => self.session.reply(id, reply),
            None => self.session.not_implemented(id),
        };
        if let (Err(Misuse::WrongClass | Misuse::DedicatedMethod), Some(reply)) = (answered, answer)
        {
            self.replace(id, reply);
        }
    }

    /// Has the handler work beside the connection. Without a thread to do it in, the session ends.
    fn beside<A: Send + 'scope>(
        &mut self,
        work: impl FnOnce() -> A + Send + 'scope,
    ) -> Option<Receiver<A>> {
        match self.worker.begin(work) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.handler.accept_failed(&error);
                self.session.shutdown(NO_ANSWER_TEXT);
                None
            }
        }
    }

    /// The handler's answer, while the connection's deadlines are kept. `None` as soon as the
    /// connection is over.
    fn while_open<A>(&mut self, answer: &Receiver<A>) -> Option<A> {
        while self.end.is_none() {
            match answer.recv_timeout(LOOK_BESIDE) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) => {
                    let _over = self.look(Duration::ZERO);
                }
                // It panicked, which ends the session; the panic goes on when the thread is joined.
                Err(RecvTimeoutError::Disconnected) => {
                    self.session.shutdown(NO_ANSWER_TEXT);
                    return None;
                }
            }
        }
        None
    }

    /// The same, but the handler is waited for a while even if the connection is over before.
    /// `None` if it never comes to an end.
    fn finished<A>(&mut self, answer: &Receiver<A>) -> Option<A> {
        let early = self.while_open(answer);
        early.or_else(|| answer.recv_timeout(LAST_CHECK_TIME).ok())
    }

    /// Lets the connection go on for so long, and keeps what happens.
    fn look(&mut self, most: Duration) -> Result<(), Left> {
        match self.listen(most) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(Some(event))) => self.events.push_back(event),
            Ok(Poll::Ready(None)) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
        match self.end {
            Some(_) => Err(Left),
            None => Ok(()),
        }
    }

    fn replace(&mut self, id: RequestId, reply: Reply) {
        self.tell(&SessionEvent::ReplyReplaced(reply));
        let sent = match replacement() {
            Some(reply) => self.session.reply(id, &reply),
            None => self.session.not_implemented(id),
        };
        // Refused only if the connection is over.
        let _too_late = sent;
    }

    fn tell(&self, event: &SessionEvent) {
        self.handler.event(&self.info, event);
    }
}

/// The client is gone.
struct Left;
