//! One session of a [`Server`](crate::Server), from greeting to close.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::{Duration, Instant};

use ftp_adapter::{
    Entry, MayCheck, SHUTDOWN_TEXT, SessionError, SessionEvent, SessionInfo, SystemClock, judge,
    replacement,
};
use ftp_proto::server::guard::GuardedAttempt;
use ftp_proto::server::{Attempt, Event, Misuse, Request, RequestId};
use ftp_proto::wire::Reply;

use crate::transport::Timed;
use crate::{Handler, ServerSession, Shutdown, Transport};

/// How often a session looks whether the server is to stop.
pub(crate) const LOOK_ABOUT: Duration = Duration::from_secs(1);
/// How long to listen on for a client's end after our own.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// Runs a session to its end.
pub(crate) fn attend<T: Transport, H: Handler>(
    session: ServerSession<T>,
    entry: Entry<SystemClock>,
    handler: &H,
    shutdown: &Shutdown,
) {
    let info = SessionInfo::new(entry.id, entry.peer);
    for event in entry.first_events() {
        handler.event(&info, &event);
    }
    let mut attendance = Attendance {
        session,
        info,
        handler,
        entry,
        shutdown,
        stopping: false,
        closed: false,
        events: VecDeque::new(),
        end: None,
    };
    let broken = match attendance.run() {
        Ok(()) => false,
        Err(error) => {
            let broken = matches!(error, SessionError::Io(_));
            if !attendance.closed {
                attendance.tell(&SessionEvent::Failed(error));
            }
            broken
        }
    };
    if !broken {
        hang_up(attendance.session.into_driver().into_timed());
    }
}

/// Takes what the client still sends, for a while. A close with unread bytes makes the system send
/// a reset, which can overtake our last words.
fn hang_up<T: Transport>(mut transport: Timed<T>) {
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

struct Attendance<'a, T, H> {
    session: ServerSession<T>,
    info: SessionInfo,
    handler: &'a H,
    /// Given back when the session is over.
    entry: Entry<SystemClock>,
    shutdown: &'a Shutdown,
    stopping: bool,
    /// The handler was told of the end.
    closed: bool,
    /// Came while the guard held an attempt back.
    events: VecDeque<Event>,
    /// The connection ended meanwhile.
    end: Option<Result<(), SessionError>>,
}

impl<T: Transport, H: Handler> Attendance<'_, T, H> {
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
            Err(Event::Account(attempt)) => {
                let verdict = self.handler.account(&self.info, attempt);
                let _too_late = self.session.decide_account(verdict);
            }
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
            if let Some(guarded) = &mut self.entry.guarded {
                guarded.logged_out();
            }
        }
    }

    /// The guard rules, the application checks, and the guard says what is told, and when.
    fn authenticate(&mut self, attempt: Attempt) {
        let tried = (attempt.username().clone(), attempt.failures());
        let guarded = match self.may_check(&attempt) {
            Ok(guarded) => guarded,
            // Who leaves before the check has not had a guess checked: nothing to count.
            Err(Left) => return,
        };
        let started = Instant::now();
        let verdict = self.handler.authenticate(attempt, self.info.peer);
        let guarded = self.entry.guarded.as_mut().zip(guarded);
        let judgement = judge(guarded, tried, verdict, started.elapsed());
        self.tell(&SessionEvent::Attempted(judgement.summary));
        // Refused only if it comes too late: then there is no one to tell.
        let _too_late = match judgement.not_before {
            None => self.session.decide(judgement.verdict),
            Some(moment) => self.session.decide_at(judgement.verdict, moment),
        };
    }

    /// Waits until the guard, if there is one, lets the attempt be checked. The connection's
    /// deadlines are kept meanwhile.
    fn may_check(&mut self, attempt: &Attempt) -> Result<Option<GuardedAttempt>, Left> {
        loop {
            let Some(guarded) = &mut self.entry.guarded else {
                return Ok(None);
            };
            let at = match guarded.may_check(attempt.username()) {
                None => return Ok(None),
                Some(MayCheck::Now(attempt)) => return Ok(Some(attempt)),
                Some(MayCheck::AskAgain(at)) => at,
            };
            while let Some(left) = at.checked_duration_since(Instant::now()) {
                match self.listen(left) {
                    Ok(Poll::Pending) => {}
                    Ok(Poll::Ready(Some(event))) => self.events.push_back(event),
                    Ok(Poll::Ready(None)) => self.end = Some(Ok(())),
                    Err(error) => self.end = Some(Err(error)),
                }
                if self.end.is_some() {
                    return Err(Left);
                }
            }
        }
    }

    fn command(&mut self, request: Request) {
        let id = request.id();
        let answer = self.handler.command(&self.info, request);
        let answered = match &answer {
            Some(reply) => self.session.reply(id, reply),
            None => self.session.not_implemented(id),
        };
        if let (Err(Misuse::WrongClass | Misuse::DedicatedMethod), Some(reply)) = (answered, answer)
        {
            self.replace(id, reply);
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
