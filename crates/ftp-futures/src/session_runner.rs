//! One session of a [`Server`](crate::Server), from greeting to close.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ftp_adapter::{
    Accepted, Budget, DriverState, LAST_CHECK_TIME, SHUTDOWN_TEXT, SessionData, SessionError,
    SessionEvent, SessionEvents, SessionState, SessionTask, TransferSummary,
};
use ftp_proto::server::{Connection, Event, FileError};
use ftp_rustls::Secured;

use crate::runtime::{DeadlineTimer, before, later, sleep_until};
use crate::{Handler, Io, ServerSession, Timer};

/// The control connection of a session.
pub(crate) type Control = DriverState<Secured<Connection>>;

/// The files and data connections of one session, beside its control connection, whatever that runs over.
pub(crate) trait ServesFiles: Send {
    /// Takes the events that are dealt with here, and returns all others. Questions about files come after
    /// the handler has allowed them.
    fn on_event(&mut self, control: &mut Control, event: Event) -> Option<Event>;

    /// Ready if something happened, and was dealt with.
    fn poll(&mut self, cx: &mut Context<'_>, control: &mut Control) -> Poll<()>;

    /// Whether files wait for this alone: that the control connection has nothing more now.
    fn must_look(&self) -> bool;

    /// It has nothing more.
    fn looked(&mut self, control: &mut Control);

    /// The end of a transfer.
    fn summary(&mut self, control: &Control, event: &Event) -> Option<Box<TransferSummary>>;

    /// A transfer is under way, or a question is being answered.
    fn is_busy(&self) -> bool;

    /// Something that blocks is being done.
    fn is_working(&self) -> bool;

    /// There is no data connection any more.
    fn drop_data(&mut self);
}

/// Runs a session to its end. When `shutdown` is ready, a transfer may take so long to end.
///
/// The future is small: it lives as long as the session, and most sessions idle most of the time.
#[expect(
    clippy::boxed_local,
    reason = "a box that a caller's future is moved out of would live as long as that future"
)]
pub(crate) fn run_session<'a, R, T, H, F, S>(
    session: Box<ServerSession<R, T>>,
    files: Option<Box<dyn ServesFiles>>,
    accepted: Box<Accepted<R>>,
    handler: &'a H,
    (shutdown, drain_time): (Pin<&'a mut F>, Duration),
) -> impl Future<Output = ()> + Send + 'a
where
    R: Timer + Io<T> + Send + 'a,
    T: Unpin + Send + 'a,
    H: Handler<S>,
    F: Future<Output = ()> + Send,
    S: SessionData,
{
    let link = ControlLink {
        session,
        files,
        shutdown,
        stopping: Stopping::No(drain_time),
        events: SessionEvents::default(),
    };
    let (state, begin) = SessionState::new(*accepted);
    let mut runner = Box::new(SessionRunner {
        link,
        state,
        handler,
    });
    let begin = Box::new(begin);
    async move {
        let linger_time = runner.run(begin).await;
        if runner.link.files.is_some() {
            Box::pin(runner.link.leave_files()).await;
        }
        if let Some(time) = linger_time {
            let transport = runner.link.session.into_driver().into_parts().transport;
            Box::pin(linger::<R, T>(transport, time)).await;
        }
    }
}

/// Reads and drops what the client still sends, for this time or until its end.
async fn linger<R: Timer + Io<T>, T: Unpin>(mut transport: T, time: Duration) {
    let mut budget = Budget::default();
    let mut ignored = [0; 1024];
    let listen = poll_fn(|cx| {
        loop {
            if budget.is_spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match ready!(R::poll_read(Pin::new(&mut transport), cx, &mut ignored)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
    });
    // The session is over in any case: an error, or a client that continues to send, changes
    // nothing.
    before::<R, _>(later::<R>(time), listen).await;
}

struct SessionRunner<'a, R: Timer, T, H, F, S> {
    link: ControlLink<'a, R, T, F>,
    state: SessionState<R, S>,
    handler: &'a H,
}

impl<R, T, H, F, S> SessionRunner<'_, R, T, H, F, S>
where
    R: Timer + Io<T> + Send,
    T: Unpin + Send,
    H: Handler<S>,
    F: Future<Output = ()> + Send,
    S: SessionData,
{
    /// How long to linger, if at all.
    async fn run(&mut self, begin: Box<SessionTask>) -> Option<Duration> {
        // Boxed: it takes memory only while there is something to do.
        let work = {
            // Moved, so that its box is dropped before it is waited.
            let begin = begin;
            Box::pin(self.work(*begin))
        };
        let mut worked = work.await;
        while worked.is_continue() {
            let next = self.link.next().await;
            let task = self.task(next);
            worked = Box::pin(self.work(task)).await;
        }
        worked.break_value().flatten()
    }

    fn task(&mut self, next: Result<Option<Event>, SessionError>) -> SessionTask {
        match self.link.summary(&next) {
            Some(summary) => SessionTask::Tell(SessionEvent::Transferred(summary)),
            None => self.state.on_event(self.link.session.machine(), next),
        }
    }

    /// Works until it must wait for the next event, or the session is over.
    async fn work(&mut self, mut task: SessionTask) -> ControlFlow<Option<Duration>> {
        loop {
            let Self {
                link,
                state,
                handler,
            } = self;
            task = match task {
                SessionTask::Listen => return ControlFlow::Continue(()),
                SessionTask::Tell(event) => {
                    handler.event(state.info(), &event);
                    state.told(event)
                }
                SessionTask::WaitUntil(moment) => {
                    let waited = link.while_open(sleep_until::<R>(moment)).await;
                    state.waited(waited)
                }
                SessionTask::Authenticate(attempt) => {
                    let check = handler.authenticate(state.info(), attempt);
                    let verdict = link.finished(check).await;
                    state.decided(&mut link.session.driver.state, verdict)
                }
                SessionTask::Account(attempt) => {
                    let check = handler.account(state.info(), attempt);
                    let verdict = link.finished(check).await;
                    state.decided(&mut link.session.driver.state, verdict)
                }
                SessionTask::Command(request) => {
                    let id = request.id();
                    let work = handler.command(state.info(), request);
                    let answer = link.while_open(work).await;
                    state.answered(&mut link.session.driver.state, id, answer)
                }
                SessionTask::AllowOperation(request) => {
                    let served = link.serves_files();
                    let allow = || handler.allow_operation(state.info(), request.action());
                    let allowed = served.and_then(|()| allow());
                    let driver = &mut link.session.driver.state;
                    let (event, next) = state.operation_allowed(driver, request, allowed);
                    link.pass_to_files(event);
                    next
                }
                SessionTask::AllowTransfer(request, start) => {
                    let served = link.serves_files();
                    let allowed =
                        served.and_then(|()| handler.allow_transfer(state.info(), &start));
                    let driver = &mut link.session.driver.state;
                    let (event, next) = state.transfer_allowed(driver, request, start, allowed);
                    link.pass_to_files(event);
                    next
                }
                SessionTask::End(linger) => return ControlFlow::Break(linger),
            };
        }
    }
}

/// The connection, and what ends it from outside.
struct ControlLink<'a, R, T, F> {
    session: Box<ServerSession<R, T>>,
    files: Option<Box<dyn ServesFiles>>,
    shutdown: Pin<&'a mut F>,
    stopping: Stopping<R>,
    /// Events that came while the handler worked, or the guard delayed an attempt.
    events: SessionEvents,
}

/// Whether the server stops.
enum Stopping<R> {
    No(Duration),
    /// A transfer may come to its end before this time.
    Soon(Box<(Instant, DeadlineTimer<R>)>),
    /// The client gets a 421.
    Now,
}

impl<R, T, F> ControlLink<'_, R, T, F>
where
    R: Timer + Io<T>,
    T: Unpin,
    F: Future<Output = ()>,
{
    /// The next event; `None` when the connection is over.
    async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        match self.events.take() {
            Some(next) => next,
            None => poll_fn(|cx| self.poll_listen(cx)).await,
        }
    }

    fn poll_listen(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, SessionError>> {
        if let Stopping::No(drain_time) = self.stopping
            && self.shutdown.as_mut().poll(cx).is_ready()
        {
            let end = later::<R>(drain_time);
            self.stopping = Stopping::Soon(Box::new((end, DeadlineTimer::default())));
        }
        loop {
            if let Some(files) = &mut self.files {
                while files.poll(cx, &mut self.session.driver.state).is_ready() {}
            }
            let is_busy = self.files.as_ref().is_some_and(|files| files.is_busy());
            if let Stopping::Soon(soon) = &mut self.stopping {
                let (end, timer) = &mut **soon;
                if !is_busy || timer.poll(cx, *end).is_ready() {
                    self.stopping = Stopping::Now;
                    self.session.shutdown(SHUTDOWN_TEXT);
                }
            }
            let Poll::Ready(next) = self.session.poll_event(cx) else {
                let control = &mut self.session.driver.state;
                match &mut self.files {
                    Some(files) if files.must_look() => files.looked(control),
                    _ => return Poll::Pending,
                }
                continue;
            };
            match (&mut self.files, next) {
                // The handler is asked first.
                (_, next @ Ok(Some(Event::Files(_) | Event::Transfer(_)))) => {
                    return Poll::Ready(next);
                }
                (Some(files), Ok(Some(event))) => {
                    let left = files.on_event(&mut self.session.driver.state, event);
                    if left.is_some() {
                        return Poll::Ready(Ok(left));
                    }
                }
                (_, next) => return Poll::Ready(next),
            }
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

    fn serves_files(&self) -> Result<(), FileError> {
        match self.files {
            Some(_) => Ok(()),
            None => Err(FileError::NotSupported),
        }
    }

    /// The handler has allowed it.
    fn pass_to_files(&mut self, event: Option<Event>) {
        if let (Some(files), Some(event)) = (&mut self.files, event) {
            let _taken = files.on_event(&mut self.session.driver.state, event);
        }
    }

    /// The session is over: files that are open are left.
    async fn leave_files(&mut self) {
        let (Some(files), control) = (&mut self.files, &mut self.session.driver.state) else {
            return;
        };
        files.drop_data();
        poll_fn(|cx| {
            while files.is_working() {
                ready!(files.poll(cx, control));
            }
            Poll::Ready(())
        })
        .await;
    }

    /// The handler's answer. The connection's deadlines still apply. `None` as soon as the
    /// connection is over.
    async fn while_open<W: Future>(&mut self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        self.race(work.as_mut()).await
    }

    /// The same, but it still waits for the handler for some time after the end of the connection.
    /// `None` if the handler does not end.
    async fn finished<W: Future>(&mut self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        match self.race(work.as_mut()).await {
            Some(output) => Some(output),
            None => before::<R, _>(later::<R>(LAST_CHECK_TIME), work).await,
        }
    }

    async fn race<W: Future>(&mut self, mut work: Pin<&mut W>) -> Option<W::Output> {
        poll_fn(|cx| {
            while !self.events.is_over() {
                if let Poll::Ready(output) = work.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                let next = ready!(self.poll_listen(cx));
                self.events.keep(next);
            }
            Poll::Ready(None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, pending};
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Arc;

    use ftp_adapter::{Availability, Clock, SessionInfo};
    use ftp_proto::server::{Attempt, Config, Request, Security, Verdict};
    use ftp_proto::wire::Reply;

    use super::*;
    use crate::Server;

    struct Nobody;

    impl Handler for Nobody {
        async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
            attempt.reject()
        }

        async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
            None
        }
    }

    /// A runtime in which nothing happens. Its timer is as large as a pointer.
    struct Still(Box<Instant>);

    impl Clock for Still {
        fn now() -> Instant {
            Instant::now()
        }
    }

    impl Timer for Still {
        fn at(deadline: Instant) -> Self {
            Self(Box::new(deadline))
        }

        fn reset(&mut self, deadline: Instant) {
            *self.0 = deadline;
        }

        fn poll_elapsed(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }

    impl Io<[usize; 4]> for Still {
        fn poll_read(
            _: Pin<&mut [usize; 4]>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_write(
            _: Pin<&mut [usize; 4]>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(_: Pin<&mut [usize; 4]>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_close(_: Pin<&mut [usize; 4]>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    /// A server may have ten thousand of these, so they hold nothing that an idle session does not
    /// need. The transport is as large as tokio's `TcpStream`.
    #[test]
    fn the_future_and_the_state_of_a_session_are_small() {
        let config = Config::new().security(Security::DangerousPlaintext);
        let server = Server::<Still>::new(Arc::new(config), None).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 21));
        let (accepted, _) = server.acceptor.receive(Availability::Free, peer);
        let session = Box::new(server.session([0_usize; 4]));
        let state = size_of_val(&*session)
            + size_of::<SessionRunner<'_, Still, [usize; 4], Nobody, Pending<()>, ()>>();
        assert!(state <= 1120, "{state}");
        let mut shutdown = pin!(pending());
        let future = run_session(
            session,
            None,
            Box::new(accepted),
            &Nobody,
            (shutdown.as_mut(), Duration::ZERO),
        );
        assert!(size_of_val(&future) <= 288, "{}", size_of_val(&future));
    }
}
