//! Two machines joined in memory, on virtual time.

use std::fmt::Debug;
use std::time::Duration;

use ftp_proto::{Action, Instant, Machine};

use crate::VirtualClock;
use crate::chunks::{Chunks, whole};

/// More steps than any dialogue takes: past this, the machines talk in circles.
const MOST_STEPS: usize = 1_000_000;

/// A client's and a server's machine, and the wire between them.
///
/// [`next`](Self::next) runs both until one of them has something to tell. Time stands still while
/// bytes move, and jumps to the next deadline when both sides wait.
pub struct Pair<C: Machine, S: Machine> {
    client: Side<C>,
    server: Side<S>,
    clock: VirtualClock,
}

/// What happened on one of the two sides.
#[derive(Debug)]
pub enum Happened<C: Machine, S: Machine>
where
    C::Event: Debug,
    C::Error: Debug,
    S::Event: Debug,
    S::Error: Debug,
{
    /// The client tells something.
    Client(C::Event),
    /// The server tells something.
    Server(S::Event),
    /// The client is done: closed, or failed.
    ClientEnded(Result<(), C::Error>),
    /// The server is done: closed, or failed.
    ServerEnded(Result<(), S::Error>),
    /// Both wait, and no deadline will end it: an answer of the application is missing, or both
    /// are done.
    Idle,
}

struct Side<M> {
    machine: M,
    /// On the way to this side.
    inbox: Vec<u8>,
    /// How what comes is cut.
    chunks: Chunks,
    /// Everything that this side ever sent.
    sent: Vec<u8>,
    ended: bool,
    /// It knows that the other side has ended.
    told: bool,
}

enum Step<M: Machine> {
    Moved,
    Waiting(Option<Instant>),
    Event(M::Event),
    Ended(Result<(), M::Error>),
}

impl<C, S> Pair<C, S>
where
    C: Machine<Event: Debug, Error: Debug>,
    S: Machine<Event: Debug, Error: Debug>,
{
    /// Joins two machines that were started at [`Instant::START`]. All bytes go whole.
    pub fn new(client: C, server: S) -> Self {
        Self {
            client: Side::new(client),
            server: Side::new(server),
            clock: VirtualClock::default(),
        }
    }

    /// Cuts what goes to the client and to the server like this.
    #[must_use]
    pub fn chunked(mut self, to_client: Chunks, to_server: Chunks) -> Self {
        self.client.chunks = to_client;
        self.server.chunks = to_server;
        self
    }

    /// The present.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Lets time pass and tells both sides.
    pub fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.client.machine.timed_out(self.clock.now());
        self.server.machine.timed_out(self.clock.now());
    }

    /// The client's machine, to call its methods.
    pub fn client(&mut self) -> &mut C {
        &mut self.client.machine
    }

    /// The server's machine, to call its methods.
    pub fn server(&mut self) -> &mut S {
        &mut self.server.machine
    }

    /// Everything that the client has put on the wire.
    pub fn client_sent(&self) -> &[u8] {
        &self.client.sent
    }

    /// Everything that the server has put on the wire.
    pub fn server_sent(&self) -> &[u8] {
        &self.server.sent
    }

    /// Puts bytes on the wire to the client, as if someone on the way had.
    pub fn inject_to_client(&mut self, bytes: &[u8]) {
        self.client.inbox.extend_from_slice(bytes);
    }

    /// Puts bytes on the wire to the server, as if someone on the way had.
    pub fn inject_to_server(&mut self, bytes: &[u8]) {
        self.server.inbox.extend_from_slice(bytes);
    }

    /// Runs both machines until one has something to tell.
    ///
    /// # Panics
    /// If they talk in circles.
    #[allow(clippy::should_implement_trait)] // it never ends by itself
    pub fn next(&mut self) -> Happened<C, S> {
        for _ in 0..MOST_STEPS {
            let now = self.clock.now();
            let of_client = match self.client.step(&mut self.server, now) {
                Step::Moved => continue,
                Step::Event(event) => return Happened::Client(event),
                Step::Ended(end) => return Happened::ClientEnded(end),
                Step::Waiting(deadline) => deadline,
            };
            let of_server = match self.server.step(&mut self.client, now) {
                Step::Moved => continue,
                Step::Event(event) => return Happened::Server(event),
                Step::Ended(end) => return Happened::ServerEnded(end),
                Step::Waiting(deadline) => deadline,
            };
            let Some(deadline) = of_client.into_iter().chain(of_server).min() else {
                return Happened::Idle;
            };
            self.clock.advance_to(deadline);
            self.advance(Duration::ZERO);
        }
        panic!("the machines talk in circles");
    }
}

impl<M: Machine> Side<M> {
    fn new(machine: M) -> Self {
        Self {
            machine,
            inbox: Vec::new(),
            chunks: whole(),
            sent: Vec::new(),
            ended: false,
            told: false,
        }
    }

    fn next_chunk(&mut self) -> usize {
        self.chunks.next().unwrap_or(usize::MAX).max(1)
    }

    /// Does one thing that the machine asks for.
    fn step<O>(&mut self, other: &mut Side<O>, now: Instant) -> Step<M> {
        if self.ended {
            return Step::Waiting(None);
        }
        match self.machine.poll() {
            Err(error) => {
                self.ended = true;
                Step::Ended(Err(error))
            }
            Ok(Action::Closed) => {
                self.ended = true;
                Step::Ended(Ok(()))
            }
            Ok(Action::Event(event)) => Step::Event(event),
            Ok(Action::Wait { deadline }) => Step::Waiting(deadline),
            Ok(Action::Write { bytes, .. }) => {
                let count = bytes
                    .len()
                    .min(other.chunks.next().unwrap_or(usize::MAX).max(1));
                other.inbox.extend_from_slice(&bytes[..count]);
                self.sent.extend_from_slice(&bytes[..count]);
                self.machine.wrote(now, count);
                Step::Moved
            }
            Ok(Action::Read { deadline }) => {
                if self.inbox.is_empty() {
                    if other.ended && !self.told {
                        self.told = true;
                        self.machine.received_eof(now);
                        return Step::Moved;
                    }
                    return Step::Waiting(deadline);
                }
                let count = self.next_chunk().min(self.inbox.len());
                let taken = self.machine.received(now, &self.inbox[..count]).min(count);
                self.inbox.drain(..taken);
                if taken == 0 {
                    Step::Waiting(deadline)
                } else {
                    Step::Moved
                }
            }
        }
    }
}
