//! One session of a [`Server`](crate::Server), from greeting to close.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::{
    Accepted, LAST_CHECK_TIME, SHUTDOWN_TEXT, SessionData, SessionError, SessionEvents,
    SessionState, SessionTask, SystemClock,
};
use ftp_proto::server::{Event, FileError};

use crate::transport::Timed;
use crate::worker::Worker;
use crate::{Handler, ServerSession, Shutdown, Transport};

/// How often a session checks whether the server stops.
pub(crate) const LOOK_ABOUT: Duration = Duration::from_secs(1);
/// The text of a reply if there is no thread for a request, or the handler panics.
const NO_ANSWER_TEXT: &str = "Service not available.";
/// How often a session looks at its connection while the handler works.
const LOOK_BESIDE: Duration = Duration::from_millis(250);

/// Runs a session to its end.
///
/// A handler that never returns keeps its two threads, but not the connection, and nothing of
/// `accepted`.
pub(crate) fn run_session<T: Transport, H: Handler<S>, S: SessionData>(
    session: ServerSession<T>,
    accepted: Accepted<SystemClock>,
    handler: &H,
    shutdown: &Shutdown,
) {
    thread::scope(|scope| {
        let (state, begin) = SessionState::new(accepted);
        let mut runner = SessionRunner {
            session,
            state,
            handler,
            worker: Worker::new(scope),
            shutdown,
            stopping: false,
            events: SessionEvents::default(),
        };
        if let Some(time) = runner.run(begin) {
            linger(runner.session.into_driver().into_timed(), time);
        }
    });
}

/// Reads and drops what the client still sends, for this time or until its end.
fn linger<T: Transport>(mut transport: Timed<T>, time: Duration) {
    let end = Instant::now() + time;
    let mut ignored = [0; 1024];
    // The session is over either way: an error changes nothing.
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match transport.read(&mut ignored, left) {
            Poll::Pending | Poll::Ready(Ok(1..)) => {}
            Poll::Ready(Ok(0) | Err(_)) => return,
        }
    }
}

struct SessionRunner<'scope, 'env, T, H, S> {
    session: ServerSession<T>,
    state: SessionState<SystemClock, S>,
    handler: &'env H,
    worker: Worker<'scope, 'env>,
    shutdown: &'env Shutdown,
    stopping: bool,
    /// Events that came while the guard delayed an attempt, or while the handler worked.
    events: SessionEvents,
}

impl<'scope, T, H, S> SessionRunner<'scope, '_, T, H, S>
where
    T: Transport,
    H: Handler<S>,
    S: SessionData,
{
    /// How long to linger, if at all.
    fn run(&mut self, mut task: SessionTask) -> Option<Duration> {
        loop {
            let (handler, info) = (self.handler, self.state.info());
            task = match task {
                SessionTask::Listen => {
                    let next = self.next();
                    self.state.on_event(self.session.machine(), next)
                }
                SessionTask::Tell(event) => {
                    handler.event(info, &event);
                    self.state.told(event)
                }
                SessionTask::WaitUntil(moment) => {
                    let waited = self.wait_until(moment);
                    self.state.waited(waited.ok())
                }
                SessionTask::Authenticate(attempt) => {
                    let info = info.clone();
                    let verdict = self.finished(move || handler.authenticate(&info, attempt));
                    self.state.decided(&mut self.session.driver.state, verdict)
                }
                SessionTask::Account(attempt) => {
                    let info = info.clone();
                    let verdict = self.finished(move || handler.account(&info, attempt));
                    self.state.decided(&mut self.session.driver.state, verdict)
                }
                SessionTask::Command(request) => {
                    let (id, info) = (request.id(), info.clone());
                    let work = self.beside(move || handler.command(&info, request));
                    let answer = work.and_then(|work| self.while_open(&work));
                    let driver = &mut self.session.driver.state;
                    self.state.answered(driver, id, answer)
                }
                SessionTask::AllowOperation(request) => {
                    let driver = &mut self.session.driver.state;
                    let refused = Err(FileError::NotSupported);
                    self.state.operation_allowed(driver, request, refused).1
                }
                SessionTask::AllowTransfer(request, start) => {
                    let driver = &mut self.session.driver.state;
                    let refused = Err(FileError::NotSupported);
                    let decided = self.state.transfer_allowed(driver, request, start, refused);
                    decided.1
                }
                SessionTask::End(linger) => return linger,
            };
        }
    }

    /// The next event; `None` when the connection is over.
    fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if let Some(next) = self.events.take() {
            return next;
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

    /// Waits until this time. The connection's deadlines still apply.
    fn wait_until(&mut self, moment: Instant) -> Result<(), Left> {
        while let Some(left) = moment.checked_duration_since(Instant::now()) {
            self.look(left)?;
        }
        Ok(())
    }

    /// Runs the handler while the connection's deadlines are kept. If no thread can be made, the
    /// session ends.
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

    /// The handler's answer. The connection's deadlines still apply. `None` as soon as the
    /// connection is over.
    fn while_open<A>(&mut self, answer: &Receiver<A>) -> Option<A> {
        while !self.events.is_over() {
            match answer.recv_timeout(LOOK_BESIDE) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) => {
                    let _over = self.look(Duration::ZERO);
                }
                // It panicked, which ends the session; the panic continues when the thread is
                // joined.
                Err(RecvTimeoutError::Disconnected) => {
                    self.session.shutdown(NO_ANSWER_TEXT);
                    return None;
                }
            }
        }
        None
    }

    /// The same, but it still waits for the work for some time after the end of the connection.
    /// `None` if the work does not end.
    fn finished<A: Send + 'scope>(
        &mut self,
        work: impl FnOnce() -> A + Send + 'scope,
    ) -> Option<A> {
        let answer = self.beside(work)?;
        let early = self.while_open(&answer);
        early.or_else(|| answer.recv_timeout(LAST_CHECK_TIME).ok())
    }

    /// Runs the connection for this long, and keeps its events.
    fn look(&mut self, most: Duration) -> Result<(), Left> {
        match self.listen(most) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(next)) => self.events.keep(Ok(next)),
            Err(error) => self.events.keep(Err(error)),
        }
        if self.events.is_over() {
            return Err(Left);
        }
        Ok(())
    }
}

/// The client is gone.
struct Left;
