//! One session of a [`Server`](crate::Server), from greeting to close.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::{
    Accepted, DriverState, LAST_CHECK_TIME, SHUTDOWN_TEXT, SessionData, SessionError, SessionEvent,
    SessionEvents, SessionState, SessionTask, SystemClock, TransferSummary,
};
use ftp_proto::server::{Connection, Event, FileError};
use ftp_rustls::Secured;

use crate::transport::Timed;
use crate::worker::Worker;
use crate::{Handler, ServerSession, Shutdown, Transport};

/// How often a session checks whether the server stops.
pub(crate) const LOOK_ABOUT: Duration = Duration::from_secs(1);
/// The text of a reply if there is no thread for a request, or the handler panics.
const NO_ANSWER_TEXT: &str = "Service not available.";
/// How often a session looks at its connection while the handler works.
const LOOK_BESIDE: Duration = Duration::from_millis(250);

/// The control connection of a session.
pub(crate) type Control = DriverState<Secured<Connection>>;

/// The files and data connections of one session, beside its control connection, whatever that runs over.
pub(crate) trait ServesFiles: Send {
    /// Takes the events that are dealt with here, and returns all others. Questions about files come after
    /// the handler has allowed them.
    fn on_event<'scope>(
        &mut self,
        control: &mut Control,
        worker: &mut Worker<'scope, '_>,
        event: Event,
    ) -> Option<Event>;

    /// Waits for the data connection or the second thread, for at most this time.
    fn wait<'scope>(
        &mut self,
        control: &mut Control,
        worker: &mut Worker<'scope, '_>,
        most: Duration,
    ) -> Waited;

    /// The end of a transfer.
    fn summary(&mut self, control: &Control, event: &Event) -> Option<Box<TransferSummary>>;

    /// A transfer is under way, or a question is being answered.
    fn is_busy(&self) -> bool;

    /// The session is over: files that are open are left.
    fn leave<'scope>(&mut self, control: &mut Control, worker: &mut Worker<'scope, '_>);
}

/// What came of waiting.
#[cfg_attr(
    not(feature = "files"),
    expect(dead_code, reason = "nothing serves files")
)]
pub(crate) enum Waited {
    /// Something happened, and was dealt with.
    Happened,
    /// Nothing happened in that time.
    Nothing,
    /// There is nothing to wait for but the control connection, and that for this time at most.
    Idle(Duration),
}

/// Runs a session to its end.
///
/// A handler that never returns keeps its two threads, but not the connection, and nothing of
/// `accepted`.
pub(crate) fn run_session<T: Transport, H: Handler<S>, S: SessionData>(
    session: ServerSession<T>,
    files: Option<Box<dyn ServesFiles>>,
    accepted: Accepted<SystemClock>,
    handler: &H,
    shutdown: &Shutdown,
) {
    thread::scope(|scope| {
        let (state, begin) = SessionState::new(accepted);
        let mut runner = SessionRunner {
            session,
            files,
            state,
            handler,
            worker: Worker::new(scope),
            shutdown,
            stopping: Stopping::No,
            events: SessionEvents::default(),
        };
        let linger_time = runner.run(begin);
        if let Some(files) = &mut runner.files {
            files.leave(&mut runner.session.driver.state, &mut runner.worker);
        }
        if let Some(time) = linger_time {
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
    files: Option<Box<dyn ServesFiles>>,
    state: SessionState<SystemClock, S>,
    handler: &'env H,
    worker: Worker<'scope, 'env>,
    shutdown: &'env Shutdown,
    stopping: Stopping,
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
                    match self.summary(&next) {
                        Some(summary) => SessionTask::Tell(SessionEvent::Transferred(summary)),
                        None => self.state.on_event(self.session.machine(), next),
                    }
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
                    let served = self.serves_files();
                    let allow = || handler.allow_operation(info, request.action());
                    let allowed = served.and_then(|()| allow());
                    let driver = &mut self.session.driver.state;
                    let (event, next) = self.state.operation_allowed(driver, request, allowed);
                    self.pass_to_files(event);
                    next
                }
                SessionTask::AllowTransfer(request, start) => {
                    let served = self.serves_files();
                    let allowed = served.and_then(|()| handler.allow_transfer(info, &start));
                    let driver = &mut self.session.driver.state;
                    let (event, next) =
                        self.state.transfer_allowed(driver, request, start, allowed);
                    self.pass_to_files(event);
                    next
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

    /// The next event, within about this time.
    fn listen(&mut self, most: Duration) -> Result<Poll<Option<Event>>, SessionError> {
        let end = Instant::now() + most.min(LOOK_ABOUT);
        loop {
            self.look_for_stop();
            let left = end.saturating_duration_since(Instant::now());
            let (polled, is_last) = self.turn(left)?;
            match polled {
                Poll::Pending if is_last || left.is_zero() => return Ok(Poll::Pending),
                Poll::Pending => {}
                Poll::Ready(None) => return Ok(Poll::Ready(None)),
                Poll::Ready(Some(event)) => {
                    if let Some(event) = self.sort(event) {
                        return Ok(Poll::Ready(Some(event)));
                    }
                }
            }
        }
    }

    /// Waits for the connection, or for what serves files. The second value: for all of the time.
    fn turn(&mut self, most: Duration) -> Result<(Poll<Option<Event>>, bool), SessionError> {
        let Some(files) = &mut self.files else {
            return Ok((self.session.next_event_within(most)?, true));
        };
        let next = self.session.driver.next_unread()?;
        if next.is_ready() {
            return Ok((next, false));
        }
        let control = &mut self.session.driver.state;
        let most = match files.wait(control, &mut self.worker, most) {
            Waited::Happened => return Ok((Poll::Pending, false)),
            Waited::Nothing => Duration::ZERO,
            Waited::Idle(slice) => most.min(slice),
        };
        Ok((self.session.next_event_within(most)?, false))
    }

    /// What the session does not do by itself.
    fn sort(&mut self, event: Event) -> Option<Event> {
        match (&mut self.files, event) {
            // The handler is asked first.
            (_, event @ (Event::Files(_) | Event::Transfer(_))) => Some(event),
            (Some(files), event) => {
                let control = &mut self.session.driver.state;
                files.on_event(control, &mut self.worker, event)
            }
            (None, event) => Some(event),
        }
    }

    fn look_for_stop(&mut self) {
        if let Stopping::No = self.stopping
            && self.shutdown.is_stopped()
        {
            self.stopping = Stopping::Soon;
        }
        let is_busy = self.files.as_ref().is_some_and(|files| files.is_busy());
        if let Stopping::Soon = self.stopping
            && !is_busy
        {
            self.stopping = Stopping::Now;
            self.session.shutdown(SHUTDOWN_TEXT);
        }
    }

    fn serves_files(&self) -> Result<(), FileError> {
        match self.files {
            Some(_) => Ok(()),
            None => Err(FileError::NotSupported),
        }
    }

    /// The handler has allowed it.
    fn pass_to_files(&mut self, event: Option<Event>) {
        if let (Some(files), Some(event)) = (&mut self.files, event) {
            let control = &mut self.session.driver.state;
            let _taken = files.on_event(control, &mut self.worker, event);
        }
    }

    /// The end of a transfer, if it is one.
    fn summary(
        &mut self,
        next: &Result<Option<Event>, SessionError>,
    ) -> Option<Box<TransferSummary>> {
        let (Some(files), Ok(Some(event))) = (&mut self.files, next) else {
            return None;
        };
        files.summary(&self.session.driver.state, event)
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

/// Whether the server stops.
enum Stopping {
    No,
    /// A transfer may come to its end.
    Soon,
    /// The client gets a 421.
    Now,
}

/// The client is gone.
struct Left;
