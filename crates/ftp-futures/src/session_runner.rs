//! One session of a [`Server`](crate::Server), from greeting to close.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ftp_adapter::{
    Accepted, Budget, Guarded, Judged, Judgement, LAST_CHECK_TIME, MayCheck, SHUTDOWN_TEXT,
    SessionError, SessionEvent, SessionInfo, judge, replacement,
};
use ftp_guard::GuardedAttempt;
use ftp_proto::Username;
use ftp_proto::server::{AccountAttempt, Attempt, Event, Misuse, Request, RequestId};
use ftp_proto::wire::Reply;

use crate::runtime::{before, later, sleep_until};
use crate::{Handler, Io, ServerSession, Timer};

/// How long to listen on for a client's end after our own.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// Runs a session to its end.
///
/// The future is small: it lives as long as the session, and most sessions idle most of the time.
pub(crate) fn run_session<'a, R, T, H, S>(
    session: Box<ServerSession<R, T>>,
    accepted: Accepted<R>,
    handler: &'a H,
    shutdown: Pin<&'a mut S>,
) -> impl Future<Output = ()> + Send + 'a
where
    R: Timer + Io<T> + Send + 'a,
    T: Unpin + Send + 'a,
    H: Handler,
    S: Future<Output = ()> + Send,
{
    let info = SessionInfo::new(accepted.id, accepted.peer);
    for event in accepted.first_events() {
        handler.event(&info, &event);
    }
    let link = ControlLink {
        session,
        shutdown,
        stopping: false,
        events: VecDeque::new(),
        end: None,
    };
    let mut runner = Box::new(SessionRunner {
        link,
        info,
        handler,
        accepted,
        closed: false,
    });
    async move {
        let failed = match runner.run().await {
            Ok(()) => false,
            Err(error) => {
                let io = matches!(error, SessionError::Io(_));
                if !runner.closed {
                    runner.tell(&SessionEvent::Failed(error));
                }
                io
            }
        };
        if !failed {
            let transport = runner.link.session.into_driver().into_parts().transport;
            Box::pin(linger::<R, T>(transport)).await;
        }
    }
}

/// Takes what the client still sends, for a while. A close with unread bytes makes the system send a
/// reset, which can overtake our last words.
async fn linger<R: Timer + Io<T>, T: Unpin>(mut transport: T) {
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
    // The session is over either way: an error or a client that goes on talking changes nothing.
    before::<R, _>(later::<R>(LINGERING_TIME), listen).await;
}

/// Waits until the guard lets the attempt be checked.
async fn may_check<R: Timer>(guarded: &mut Guarded<R>, user: &Username) -> Option<GuardedAttempt> {
    loop {
        match guarded.may_check(user)? {
            MayCheck::Now(attempt) => return Some(attempt),
            MayCheck::AskAgain(at) => sleep_until::<R>(at).await,
        }
    }
}

/// The client is gone.
struct Left;

struct SessionRunner<'a, R: Timer, T, H, S> {
    link: ControlLink<'a, R, T, S>,
    info: SessionInfo,
    handler: &'a H,
    /// Given back when the session is over.
    accepted: Accepted<R>,
    /// The handler was told of the end.
    closed: bool,
}

impl<R, T, H, S> SessionRunner<'_, R, T, H, S>
where
    R: Timer + Io<T> + Send,
    T: Unpin + Send,
    H: Handler,
    S: Future<Output = ()> + Send,
{
    async fn run(&mut self) -> Result<(), SessionError> {
        while let Some(event) = self.link.next().await? {
            // In a box that is there only while there is something to do.
            Box::pin(self.handle(event)).await;
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) {
        self.info.update(self.link.session.machine());
        match self.info.note(event) {
            Err(Event::Authenticate(attempt)) => self.authenticate(attempt).await,
            Err(Event::Account(attempt)) => self.account(attempt).await,
            Err(Event::Command(request)) => self.command(request).await,
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
    async fn authenticate(&mut self, attempt: Attempt) {
        let tried = (attempt.username().clone(), attempt.failures());
        let Ok(guarded) = self.may_check(&tried.0).await else {
            return;
        };
        let started = R::now();
        let verdict = self.handler.authenticate(attempt, self.info.peer);
        let Some(verdict) = self.link.finished(verdict).await else {
            return;
        };
        let judgement = self.judge(guarded, tried, verdict, started);
        self.tell(&SessionEvent::Attempted(judgement.summary));
        // Refused only if it comes too late: then there is no one to tell.
        let _too_late = match judgement.not_before {
            None => self.link.session.decide(judgement.verdict),
            Some(moment) => self.link.session.decide_at(judgement.verdict, moment),
        };
    }

    /// The same for an account after login: on many systems it is a second password.
    async fn account(&mut self, attempt: AccountAttempt) {
        let tried = (attempt.username().clone(), attempt.failures());
        let Ok(guarded) = self.may_check(&tried.0).await else {
            return;
        };
        let started = R::now();
        let verdict = self.handler.account(&self.info, attempt);
        let Some(verdict) = self.link.finished(verdict).await else {
            return;
        };
        let judgement = self.judge(guarded, tried, verdict, started);
        self.tell(&SessionEvent::AccountAttempted(judgement.summary));
        let session = &mut self.link.session;
        let _too_late = match judgement.not_before {
            None => session.decide_account(judgement.verdict),
            Some(moment) => session.decide_account_at(judgement.verdict, moment),
        };
    }

    /// Waits until the guard, if there is one, lets the attempt be checked.
    async fn may_check(&mut self, user: &Username) -> Result<Option<GuardedAttempt>, Left> {
        let Some(guarded) = &mut self.accepted.guarded else {
            return Ok(None);
        };
        // Who leaves before the check has not had a guess checked: nothing to count.
        let waiting = may_check(guarded, user);
        self.link.while_open(waiting).await.ok_or(Left)
    }

    fn judge<V: Judged>(
        &mut self,
        guarded: Option<GuardedAttempt>,
        tried: (Username, u32),
        verdict: V,
        started: Instant,
    ) -> Judgement<V> {
        let check_time = R::now().saturating_duration_since(started);
        let guarded = self.accepted.guarded.as_mut().zip(guarded);
        judge(guarded, tried, verdict, check_time)
    }

    async fn command(&mut self, request: Request) {
        let id = request.id();
        let work = self.handler.command(&self.info, request);
        // The client left if there is no answer.
        let Some(answer) = self.link.while_open(work).await else {
            return;
        };
        let answered = match &answer {
            Some(reply) => self.link.session.reply(id, reply),
            None => self.link.session.not_implemented(id),
        };
        if let (Err(Misuse::WrongClass | Misuse::DedicatedMethod), Some(reply)) = (answered, answer)
        {
            self.replace(id, reply);
        }
    }

    fn replace(&mut self, id: RequestId, reply: Reply) {
        self.tell(&SessionEvent::ReplyReplaced(reply));
        let sent = match replacement() {
            Some(reply) => self.link.session.reply(id, &reply),
            None => self.link.session.not_implemented(id),
        };
        // Refused only if the connection is over.
        let _too_late = sent;
    }

    fn tell(&self, event: &SessionEvent) {
        self.handler.event(&self.info, event);
    }
}

/// The connection, and what ends it from outside.
struct ControlLink<'a, R, T, S> {
    session: Box<ServerSession<R, T>>,
    shutdown: Pin<&'a mut S>,
    stopping: bool,
    /// Came while the handler was at work.
    events: VecDeque<Event>,
    /// The connection ended while the handler was at work.
    end: Option<Result<(), SessionError>>,
}

impl<R, T, S> ControlLink<'_, R, T, S>
where
    R: Timer + Io<T>,
    T: Unpin,
    S: Future<Output = ()>,
{
    /// The next event; `None` when the connection is over.
    async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        match self.end.take() {
            Some(end) => end.map(|()| None),
            None => self.listen().await,
        }
    }

    async fn listen(&mut self) -> Result<Option<Event>, SessionError> {
        poll_fn(|cx| self.poll_listen(cx)).await
    }

    fn poll_listen(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, SessionError>> {
        if !self.stopping && self.shutdown.as_mut().poll(cx).is_ready() {
            self.stopping = true;
            self.session.shutdown(SHUTDOWN_TEXT);
        }
        self.session.poll_event(cx)
    }

    /// The handler's answer, while the connection's deadlines are kept. `None` as soon as the
    /// connection is over.
    async fn while_open<W: Future>(&mut self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        self.race(work.as_mut()).await
    }

    /// The same, but the handler is waited for a while even if the connection is over before. `None`
    /// if it never comes to an end.
    async fn finished<W: Future>(&mut self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        match self.race(work.as_mut()).await {
            Some(output) => Some(output),
            None => before::<R, _>(later::<R>(LAST_CHECK_TIME), work).await,
        }
    }

    async fn race<W: Future>(&mut self, mut work: Pin<&mut W>) -> Option<W::Output> {
        poll_fn(|cx| {
            while self.end.is_none() {
                if let Poll::Ready(output) = work.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                match ready!(self.poll_listen(cx)) {
                    Ok(Some(event)) => self.events.push_back(event),
                    Ok(None) => self.end = Some(Ok(())),
                    Err(error) => self.end = Some(Err(error)),
                }
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

    use ftp_adapter::{Availability, Clock};
    use ftp_proto::server::{Config, Security, Verdict};

    use super::*;
    use crate::Server;

    struct Nobody;

    impl Handler for Nobody {
        async fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
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

    /// A server has ten thousand of these: what an idle session does not need has no room in them.
    /// The transport is as large as tokio's `TcpStream`.
    #[test]
    fn the_future_and_the_state_of_a_session_are_small() {
        let config = Config::new().security(Security::DangerousPlaintext);
        let server = Server::<Still>::new(Arc::new(config), None).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 21));
        let (accepted, _) = server.acceptor.receive(Availability::Free, peer);
        let session = Box::new(server.session([0_usize; 4]));
        let state = size_of_val(&*session)
            + size_of::<SessionRunner<'_, Still, [usize; 4], Nobody, Pending<()>>>();
        assert!(state <= 1280, "{state}");
        let mut shutdown = pin!(pending());
        let future = run_session(session, accepted, &Nobody, shutdown.as_mut());
        assert!(size_of_val(&future) <= 512, "{}", size_of_val(&future));
    }
}
