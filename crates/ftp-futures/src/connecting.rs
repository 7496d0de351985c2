//! A login in progress.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ftp_adapter::Error;
use ftp_proto::client::{Answer, Challenge, Event, Phase};

use crate::{Client, Io, Timer};

/// A login in progress: a future of the logged-in [`Client`].
///
/// Await it by value, or as `(&mut connecting).await` to be able to pause and continue: dropping
/// that future loses no progress. After it has returned its client or its error, it returns
/// [`Error::Closed`].
///
/// For a login whose questions the program answers ([`Login::interactive`],
/// [`Login::ask`](ftp_proto::client::Login::ask)) use [`answered_by`](Self::answered_by), or
/// [`next_event`](Self::next_event) and [`answer`](Self::answer).
///
/// [`Login::interactive`]: ftp_proto::client::Login::interactive
#[must_use = "the login only continues while this is awaited"]
pub struct Connecting<R, T> {
    client: Option<Client<R, T>>,
    logged_in: bool,
}

impl<R: Timer + Io<T>, T: Unpin> Connecting<R, T> {
    pub(crate) fn new(client: Client<R, T>) -> Self {
        Self {
            client: Some(client),
            logged_in: false,
        }
    }

    /// How long resolving and connecting took. Zero for a transport that the caller connected.
    pub fn connect_time(&self) -> Duration {
        self.client
            .as_ref()
            .map_or(Duration::ZERO, Client::connect_time)
    }

    /// The server's address. `None` for a transport that the caller connected.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.client.as_ref().and_then(Client::peer)
    }

    /// The phase of the login.
    pub fn phase(&self) -> Phase {
        self.client.as_ref().map_or(Phase::Closing, Client::phase)
    }

    /// The next step of the login, for programs that show them or answer challenges by hand. After
    /// [`Event::LoggedIn`], awaiting this returns the client.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// As the login itself.
    pub async fn next_event(&mut self) -> Result<Event, Error> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Error::Misuse`] if the answer does not fit the open challenge.
    pub fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        self.client.as_mut().ok_or(Error::Closed)?.answer(answer)
    }

    /// Runs the login, and calls `answer` for each question of the server. `answer` may take long:
    /// the deadlines of the login do not run meanwhile, but a broken connection ends it.
    ///
    /// # Errors
    /// As the login itself; [`Error::Unanswered`] if `answer` returns `None`.
    pub async fn answered_by<F, A>(mut self, mut answer: F) -> Result<Client<R, T>, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Future<Output: Into<Option<Answer>>>,
    {
        loop {
            match self.next_event().await? {
                Event::LoggedIn(_) => return self.await,
                Event::Challenge(challenge) => {
                    let kind = challenge.kind();
                    let mut answering = pin!(answer(challenge));
                    let answer: Option<Answer> = poll_fn(|cx| {
                        loop {
                            if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
                                return Poll::Ready(Ok(answer.into()));
                            }
                            // The end of the connection would make the answer pointless.
                            if let Err(error) = ready!(self.poll_event(cx)) {
                                return Poll::Ready(Err(error));
                            }
                        }
                    })
                    .await?;
                    self.answer(answer.ok_or(Error::Unanswered(kind))?)?;
                }
                _ => {}
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        let Some(client) = self.client.as_mut() else {
            return Poll::Ready(Err(Error::Closed));
        };
        let event = ready!(client.poll_event(cx)).and_then(|event| event.ok_or(Error::Closed));
        match event {
            Ok(Event::LoggedIn(_)) => self.logged_in = true,
            Ok(_) => {}
            Err(_) => self.client = None,
        }
        Poll::Ready(event)
    }
}

impl<R: Timer + Io<T>, T: Unpin> Future for Connecting<R, T> {
    type Output = Result<Client<R, T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if self.logged_in {
                return Poll::Ready(self.client.take().ok_or(Error::Closed));
            }
            if let Event::Challenge(challenge) = ready!(self.poll_event(cx))? {
                self.client = None;
                return Poll::Ready(Err(Error::Unanswered(challenge.kind())));
            }
        }
    }
}

impl<R, T> fmt::Debug for Connecting<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting")
            .field("client", &self.client)
            .field("logged_in", &self.logged_in)
            .finish()
    }
}
