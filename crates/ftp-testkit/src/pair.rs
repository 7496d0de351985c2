//! Two machines joined in memory, on virtual time.

use std::collections::VecDeque;
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
/// bytes move, and jumps to the next deadline when both sides wait. Only on a
/// [distant](Self::distant) wire do bytes take time.
pub struct Pair<C: Machine, S: Machine> {
    client: Side<C>,
    server: Side<S>,
    clock: VirtualClock,
    /// How long bytes are under way.
    latency: Duration,
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
    /// From when on it runs.
    starts: Instant,
    /// On the way to this side, with the time of arrival.
    under_way: VecDeque<(Instant, Vec<u8>)>,
    /// What has arrived.
    inbox: Vec<u8>,
    /// How what comes is cut.
    chunks: Chunks,
    /// Everything that this side ever sent.
    sent: Vec<u8>,
    /// When it was done.
    ended: Option<Instant>,
    /// When it said its last byte.
    fell_silent: Option<Instant>,
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
            latency: Duration::ZERO,
        }
    }

    /// Puts the two so far apart that everything takes `latency` one way, half a round trip,
    /// however long it is.
    ///
    /// TCP's own handshake is part of it: the client's SYN leaves at [`Instant::START`]. The client
    /// runs when the SYN-ACK has arrived, one round trip later, and the server when the client's
    /// ACK has, half a round trip after that. From then on everything that is written arrives,
    /// with no limit to what may be under way.
    #[must_use]
    pub fn distant(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self.client.starts = Instant::START + latency * 2;
        self.server.starts = Instant::START + latency * 3;
        self
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
            let (now, latency) = (self.clock.now(), self.latency);
            self.client.arrive(now);
            self.server.arrive(now);
            let of_client = match self.client.step(&mut self.server, now, latency) {
                Step::Moved => continue,
                Step::Event(event) => return Happened::Client(event),
                Step::Ended(end) => return Happened::ClientEnded(end),
                Step::Waiting(deadline) => deadline,
            };
            let of_server = match self.server.step(&mut self.client, now, latency) {
                Step::Moved => continue,
                Step::Event(event) => return Happened::Server(event),
                Step::Ended(end) => return Happened::ServerEnded(end),
                Step::Waiting(deadline) => deadline,
            };
            let arrivals = [
                self.client.next_arrival(&self.server, now, latency),
                self.server.next_arrival(&self.client, now, latency),
            ];
            let waited_for = [of_client, of_server].into_iter().chain(arrivals);
            let Some(next) = waited_for.flatten().min() else {
                return Happened::Idle;
            };
            self.clock.advance_to(next);
            self.advance(Duration::ZERO);
        }
        panic!("the machines talk in circles");
    }
}

impl<M: Machine> Side<M> {
    fn new(machine: M) -> Self {
        Self {
            machine,
            starts: Instant::START,
            under_way: VecDeque::new(),
            inbox: Vec::new(),
            chunks: whole(),
            sent: Vec::new(),
            ended: None,
            fell_silent: None,
            told: false,
        }
    }

    /// Takes in what is there by now.
    fn arrive(&mut self, now: Instant) {
        while let Some((at, bytes)) = self.under_way.front()
            && *at <= now
        {
            self.inbox.extend_from_slice(bytes);
            self.under_way.pop_front();
        }
    }

    /// When the next bytes arrive of those under way, or else the news that no more will come.
    fn next_arrival<O>(&self, other: &Side<O>, now: Instant, latency: Duration) -> Option<Instant> {
        let bytes = self.under_way.front().map(|(at, _)| *at);
        bytes
            .or(other.fell_silent.map(|at| at + latency))
            .filter(|at| *at > now && self.ended.is_none())
    }

    fn end(&mut self, now: Instant) {
        self.ended = Some(now);
        self.fell_silent.get_or_insert(now);
    }

    fn next_chunk(&mut self) -> usize {
        self.chunks.next().unwrap_or(usize::MAX).max(1)
    }

    /// Does one thing that the machine asks for.
    fn step<O>(&mut self, other: &mut Side<O>, now: Instant, latency: Duration) -> Step<M> {
        if self.ended.is_some() {
            return Step::Waiting(None);
        }
        if now < self.starts {
            return Step::Waiting(Some(self.starts));
        }
        match self.machine.poll() {
            Err(error) => {
                self.end(now);
                Step::Ended(Err(error))
            }
            Ok(Action::Closed) => {
                self.end(now);
                Step::Ended(Ok(()))
            }
            Ok(Action::Event(event)) => Step::Event(event),
            Ok(Action::Wait { deadline }) => Step::Waiting(deadline),
            Ok(Action::Shutdown { .. }) => {
                self.fell_silent = Some(now);
                self.machine.shut_down(now);
                Step::Moved
            }
            Ok(Action::Write { bytes, .. }) => {
                let count = bytes
                    .len()
                    .min(other.chunks.next().unwrap_or(usize::MAX).max(1));
                other
                    .under_way
                    .push_back((now + latency, bytes[..count].to_vec()));
                self.sent.extend_from_slice(&bytes[..count]);
                self.machine.wrote(now, count);
                Step::Moved
            }
            Ok(Action::Read { deadline }) => {
                if self.inbox.is_empty() {
                    let is_over = other.fell_silent.is_some_and(|at| at + latency <= now);
                    if is_over && self.under_way.is_empty() && !self.told {
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
