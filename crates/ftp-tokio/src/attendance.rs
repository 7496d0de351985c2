//! One session of a [`Server`](crate::Server), from greeting to close.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use ftp_proto::server::guard::{GuardedAttempt, RefusedWhy};
use ftp_proto::server::{Attempt, Event, Misuse, Request, RequestId};
use ftp_proto::wire::{Code, Reply};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::guard::Guarded;
use crate::{AttemptSummary, Handler, ServerSession, SessionError, SessionEvent, SessionInfo};

/// What clients are told when the server stops.
const SHUTDOWN_TEXT: &str = "The server is shutting down.";
/// What clients are told when the application's reply cannot be sent.
const BAD_REPLY_TEXT: &str = "Internal error.";
/// How long to listen on for a client's end after our own.
const LINGERING_TIME: Duration = Duration::from_secs(2);

/// Who comes to a session, and what the guard said.
pub(crate) struct Entry {
    id: u64,
    peer: SocketAddr,
    guarded: Option<Guarded>,
    refused: Option<Refused>,
    goodbye: Option<OwnedSemaphorePermit>,
}

/// Why a connection is only told goodbye.
#[derive(Clone, Copy)]
pub(crate) enum Refused {
    ByGuard(RefusedWhy),
    OverLimit,
}

impl Entry {
    pub(crate) fn info(&self) -> SessionInfo {
        SessionInfo::new(self.id, self.peer)
    }

    pub(crate) fn admitted(id: u64, peer: SocketAddr, guarded: Option<Guarded>) -> Self {
        Self {
            id,
            peer,
            guarded,
            refused: None,
            goodbye: None,
        }
    }

    /// `goodbye` is held while the client is told.
    pub(crate) fn refused(
        id: u64,
        peer: SocketAddr,
        refused: Refused,
        goodbye: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            id,
            peer,
            guarded: None,
            refused: Some(refused),
            goodbye,
        }
    }
}

/// Runs a session to its end.
///
/// The future is small: it lives as long as the session, and most sessions idle most of the time.
pub(crate) fn attend<'a, T, H, S>(
    session: Box<ServerSession<T>>,
    entry: Entry,
    handler: &'a H,
    shutdown: Pin<&'a mut S>,
) -> impl Future<Output = ()> + Send + 'a
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'a,
    H: Handler,
    S: Future<Output = ()> + Send,
{
    let info = entry.info();
    handler.event(&info, &SessionEvent::Connected);
    match entry.refused {
        None => {}
        Some(Refused::ByGuard(why)) => handler.event(&info, &SessionEvent::Refused(why)),
        Some(Refused::OverLimit) => handler.event(&info, &SessionEvent::OverLimit),
    }
    let line = Line {
        session,
        shutdown,
        stopping: false,
        events: VecDeque::new(),
        end: None,
    };
    let mut attendance = Box::new(Attendance {
        line,
        info,
        handler,
        guarded: entry.guarded,
        _goodbye: entry.goodbye,
        closed: false,
    });
    async move {
        let failed = match attendance.run().await {
            Ok(()) => false,
            Err(error) => {
                let io = matches!(error, SessionError::Io(_));
                if !attendance.closed {
                    attendance.tell(&SessionEvent::Failed(error));
                }
                io
            }
        };
        if !failed {
            let transport = attendance.line.session.into_driver().into_parts().transport;
            Box::pin(hang_up(transport)).await;
        }
    }
}

/// Closes, and takes what the client still sends. A close with unread bytes makes the system send
/// a reset, which can overtake our last words.
async fn hang_up(mut transport: impl AsyncRead + AsyncWrite + Unpin) {
    let listen = async {
        transport.shutdown().await?;
        let mut ignored = [0; 1024];
        while transport.read(&mut ignored).await? > 0 {}
        std::io::Result::Ok(())
    };
    // The session is over either way: an error or a client that goes on talking changes nothing.
    drop(timeout(LINGERING_TIME, listen).await);
}

struct Attendance<'a, T, H, S> {
    line: Line<'a, T, S>,
    info: SessionInfo,
    handler: &'a H,
    guarded: Option<Guarded>,
    /// One of the few that clients which are refused may have at a time.
    _goodbye: Option<OwnedSemaphorePermit>,
    /// The handler was told of the end.
    closed: bool,
}

impl<T, H, S> Attendance<'_, T, H, S>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
    S: Future<Output = ()> + Send,
{
    async fn run(&mut self) -> Result<(), SessionError> {
        while let Some(event) = self.line.next().await? {
            // In a box that is there only while there is something to do.
            Box::pin(self.handle(event)).await;
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) {
        self.info.tls = self.line.session.tls().cloned();
        self.info.data_protected = self.line.session.is_data_protected();
        match event {
            Event::Authenticate(attempt) => {
                self.authenticate(attempt).await;
            }
            Event::Account(attempt) => {
                let verdict = self.handler.account(&self.info, attempt);
                let verdict = self.line.finished(verdict).await;
                let _too_late = self.line.session.decide_account(verdict);
            }
            Event::Command(request) => self.command(request).await,
            Event::LoggedIn(summary) => {
                self.info.username = Some(summary.username.clone());
                self.tell(&SessionEvent::LoggedIn(summary));
            }
            Event::LoggedOut => {
                self.tell(&SessionEvent::LoggedOut);
                self.info.username = None;
                if let Some(guarded) = &mut self.guarded {
                    guarded.logged_out();
                }
            }
            Event::TlsEstablished(tls) => self.tell(&SessionEvent::TlsEstablished(tls)),
            Event::ClearCommandChannel => self.tell(&SessionEvent::ClearCommandChannel),
            Event::Closed(why) => {
                self.closed = true;
                self.tell(&SessionEvent::Closed(why));
            }
            // The TLS switches are answered below us, by `Secured`.
            _ => {}
        }
    }

    /// The guard rules, the application checks, and the guard says what is told, and when.
    async fn authenticate(&mut self, attempt: Attempt) {
        let username = attempt.username().clone();
        let failures = attempt.failures();
        let guarded = match &mut self.guarded {
            None => None,
            // Who leaves before the check has not had a guess checked: nothing to count.
            Some(guarded) => match self.line.while_open(guarded.attempt(&username)).await {
                Some(guarded) => guarded,
                None => return,
            },
        };
        let started = Instant::now();
        let verdict = self.handler.authenticate(attempt, self.info.peer);
        let verdict = self.line.finished(verdict).await;
        let checked = verdict.outcome();
        let ruling = guarded.as_ref().map(GuardedAttempt::ruling);
        let answer = match (guarded, &mut self.guarded) {
            (Some(attempt), Some(guarded)) => guarded.settle(attempt, checked),
            _ => None,
        };
        self.tell(&SessionEvent::Attempted(AttemptSummary {
            username,
            failures,
            outcome: answer.map_or(checked, |(answer, _)| answer.outcome),
            checked,
            ruling,
            locked_out: answer.and_then(|(answer, _)| answer.locked_out),
            check_time: started.elapsed(),
        }));
        // Refused only if it comes too late: then there is no one to tell.
        let _too_late = match answer {
            None => self.line.session.decide(verdict),
            Some((answer, moment)) => {
                let verdict = verdict.overruled(answer.outcome);
                self.line.session.decide_at(verdict, moment)
            }
        };
    }

    async fn command(&mut self, request: Request) {
        let id = request.id();
        let work = self.handler.command(&self.info, request);
        // The client left if there is no answer.
        let Some(answer) = self.line.while_open(work).await else {
            return;
        };
        let answered = match &answer {
            Some(reply) => self.line.session.reply(id, reply),
            None => self.line.session.not_implemented(id),
        };
        if let (Err(Misuse::WrongClass | Misuse::DedicatedMethod), Some(reply)) = (answered, answer)
        {
            self.replace(id, reply);
        }
    }

    fn replace(&mut self, id: RequestId, reply: Reply) {
        self.tell(&SessionEvent::ReplyReplaced(reply));
        let sent = match Reply::new(Code::LOCAL_ERROR, BAD_REPLY_TEXT) {
            Ok(reply) => self.line.session.reply(id, &reply),
            Err(_) => self.line.session.not_implemented(id),
        };
        // Refused only if the connection is over.
        let _too_late = sent;
    }

    fn tell(&self, event: &SessionEvent) {
        self.handler.event(&self.info, event);
    }
}

/// The connection, and what ends it from outside.
struct Line<'a, T, S> {
    session: Box<ServerSession<T>>,
    shutdown: Pin<&'a mut S>,
    stopping: bool,
    /// Came while the handler was at work.
    events: VecDeque<Event>,
    /// The connection ended while the handler was at work.
    end: Option<Result<(), SessionError>>,
}

impl<T, S> Line<'_, T, S>
where
    T: AsyncRead + AsyncWrite + Unpin,
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
        loop {
            tokio::select! {
                biased;
                () = &mut self.shutdown, if !self.stopping => {
                    self.stopping = true;
                    self.session.shutdown(SHUTDOWN_TEXT);
                }
                event = self.session.next_event() => return event,
            }
        }
    }

    /// The handler's answer, while the connection's deadlines are kept. `None` as soon as the
    /// connection is over.
    async fn while_open<W: Future>(&mut self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        self.race(work.as_mut()).await
    }

    /// The same, but the handler is waited for even if the connection is over before.
    async fn finished<W: Future>(&mut self, work: W) -> W::Output {
        let mut work = pin!(work);
        match self.race(work.as_mut()).await {
            Some(output) => output,
            None => work.await,
        }
    }

    async fn race<W: Future>(&mut self, mut work: Pin<&mut W>) -> Option<W::Output> {
        while self.end.is_none() {
            tokio::select! {
                biased;
                output = work.as_mut() => return Some(output),
                event = self.listen() => match event {
                    Ok(Some(event)) => self.events.push_back(event),
                    Ok(None) => self.end = Some(Ok(())),
                    Err(error) => self.end = Some(Err(error)),
                },
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, pending};
    use std::sync::Arc;

    use ftp_proto::server::{Attempt, Config, Security, Verdict};

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

    /// A server has ten thousand of these: what an idle session does not need has no room in them.
    #[test]
    fn the_future_and_the_state_of_a_session_are_small() {
        let config = Config::new().security(Security::DangerousPlaintext);
        let server = Server::new(Arc::new(config), None).unwrap();
        let (transport, _client) = tokio::io::duplex(64);
        let session = Box::new(server.session(transport));
        let state = size_of_val(&*session) + size_of::<Attendance<'_, (), Nobody, Pending<()>>>();
        assert!(state <= 1280, "{state}");
        let mut shutdown = pin!(pending());
        let peer = SocketAddr::from(([127, 0, 0, 1], 21));
        let future = attend(
            session,
            Entry::admitted(1, peer, None),
            &Nobody,
            shutdown.as_mut(),
        );
        assert!(size_of_val(&future) <= 512, "{}", size_of_val(&future));
    }
}
