//! A login in progress.

use std::net::{SocketAddr, TcpStream};
use std::task::Poll;
use std::time::Duration;

use ftp_adapter::Error;
use ftp_proto::client::{Answer, Challenge, Event, Phase};

use crate::{Client, Transport};

/// A login in progress; [`wait`](Self::wait) runs it and returns the logged-in [`Client`].
///
/// For a login whose questions the program answers ([`Login::interactive`],
/// [`Login::ask`](ftp_proto::client::Login::ask)) use [`answered_by`](Self::answered_by), or
/// [`next_event`](Self::next_event) and [`answer`](Self::answer).
///
/// [`Login::interactive`]: ftp_proto::client::Login::interactive
#[derive(Debug)]
#[must_use = "the login only continues while this is waited for"]
pub struct Connecting<T = TcpStream> {
    client: Option<Client<T>>,
    logged_in: bool,
}

impl<T: Transport> Connecting<T> {
    pub(crate) fn new(client: Client<T>) -> Self {
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
    /// [`Event::LoggedIn`], [`wait`](Self::wait) returns the client.
    ///
    /// # Errors
    /// As the login itself.
    pub fn next_event(&mut self) -> Result<Event, Error> {
        let client = self.client.as_mut().ok_or(Error::Closed)?;
        let event = client.event().and_then(|event| event.ok_or(Error::Closed));
        self.note(&event);
        event
    }

    /// The same, for at most this time. Pending: nothing came in that time, and nothing is lost;
    /// call again to continue.
    ///
    /// # Errors
    /// As the login itself.
    pub fn next_event_within(&mut self, time: Duration) -> Result<Poll<Event>, Error> {
        let client = self.client.as_mut().ok_or(Error::Closed)?;
        let event = match client.next_event_within(time) {
            Ok(Poll::Pending) => return Ok(Poll::Pending),
            Ok(Poll::Ready(event)) => event.ok_or(Error::Closed),
            Err(error) => Err(error),
        };
        self.note(&event);
        event.map(Poll::Ready)
    }

    fn note(&mut self, event: &Result<Event, Error>) {
        match event {
            Ok(Event::LoggedIn(_)) => self.logged_in = true,
            Ok(_) => {}
            Err(_) => self.client = None,
        }
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Error::Misuse`] if the answer does not fit the open challenge.
    pub fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        self.client.as_mut().ok_or(Error::Closed)?.answer(answer)
    }

    /// Runs the login to its end.
    ///
    /// # Errors
    /// Any [`Error`] of the login; [`Error::Unanswered`] if the server asks for something that the
    /// login does not have.
    pub fn wait(self) -> Result<Client<T>, Error> {
        self.answered_by(|_| None)
    }

    /// Runs the login, and calls `answer` for each question of the server. `answer` may take long:
    /// the deadlines of the login do not run meanwhile.
    ///
    /// # Errors
    /// As the login itself; [`Error::Unanswered`] if `answer` returns `None`.
    pub fn answered_by<F, A>(mut self, mut answer: F) -> Result<Client<T>, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Into<Option<Answer>>,
    {
        while !self.logged_in {
            if let Event::Challenge(challenge) = self.next_event()? {
                let kind = challenge.kind();
                let answer = answer(challenge).into();
                self.answer(answer.ok_or(Error::Unanswered(kind))?)?;
            }
        }
        self.client.ok_or(Error::Closed)
    }
}
