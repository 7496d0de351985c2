//! Two machines and the wire between them.

use ftp_proto::{Instant, Machine, Securable};
use ftp_rustls::{Error, Secured};
use ftp_testkit::{Pause, act};

/// How a side ended.
pub type Outcome<E> = Option<Result<(), Error<E>>>;

/// One end: a machine, what has arrived for it, and what came of it.
pub struct End<M: Securable> {
    pub secured: Secured<M>,
    /// What the transport holds for this side.
    pub inbox: Vec<u8>,
    /// All that this side ever sent.
    pub sent: Vec<u8>,
    pub eof: bool,
    /// This side said its last byte.
    pub shut_down: bool,
    pub events: Vec<M::Event>,
    pub outcome: Outcome<M::Error>,
    /// Most bytes in one read, and in one write.
    pub chunk: usize,
    pub now: Instant,
}

/// What one turn of the driver came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Turn {
    Busy,
    Reading,
    Waiting,
    Over,
}

impl<M: Securable> End<M> {
    pub fn new(secured: Secured<M>, chunk: usize) -> Self {
        Self {
            secured,
            inbox: Vec::new(),
            sent: Vec::new(),
            eof: false,
            shut_down: false,
            events: Vec::new(),
            outcome: None,
            chunk,
            now: Instant::START,
        }
    }

    /// Does what the machine asks for, once.
    pub fn turn(&mut self) -> Turn {
        let mut write = |bytes: &[u8]| {
            let count = bytes.len().min(self.chunk);
            self.sent.extend_from_slice(&bytes[..count]);
            assert!(!self.shut_down, "a write behind the shutdown");
            count
        };
        match act(&mut self.secured, self.now, &mut write) {
            Ok(event) => self.events.extend(event),
            Err(Pause::Read(_)) if !self.inbox.is_empty() => {
                let count = self.inbox.len().min(self.chunk);
                let taken = self.secured.received(self.now, &self.inbox[..count]);
                assert!(taken > 0, "asked to read and took nothing");
                self.inbox.drain(..taken);
            }
            Err(Pause::Read(_)) if self.eof => self.secured.received_eof(self.now),
            Err(Pause::Read(_)) => return Turn::Reading,
            Err(Pause::Wait(_)) => return Turn::Waiting,
            Err(Pause::Shutdown(_)) => {
                self.shut_down = true;
                self.secured.shut_down(self.now);
            }
            Err(Pause::Blocked) => panic!("a chunk of nothing"),
            Err(Pause::Closed) => {
                self.outcome = Some(Ok(()));
                return Turn::Over;
            }
            Err(Pause::Failed(error)) => {
                self.outcome = Some(Err(error));
                return Turn::Over;
            }
        }
        Turn::Busy
    }

    /// Turns until there is nothing to do without the peer, the application or time.
    pub fn run(&mut self) -> Turn {
        for _ in 0..1_000_000 {
            match self.turn() {
                Turn::Busy => {}
                turn => return turn,
            }
        }
        panic!("the machine never comes to rest");
    }

    pub fn error(&self) -> &Error<M::Error> {
        match &self.outcome {
            Some(Err(error)) => error,
            _ => panic!("it did not fail"),
        }
    }
}

/// Moves bytes between the two until both rest.
pub fn settle<C: Securable, S: Securable>(client: &mut End<C>, server: &mut End<S>) {
    let mut carried = (client.sent.len(), server.sent.len());
    for _ in 0..10_000 {
        client.run();
        server.inbox.extend_from_slice(&client.sent[carried.0..]);
        carried.0 = client.sent.len();
        server.run();
        client.inbox.extend_from_slice(&server.sent[carried.1..]);
        let idle = client.sent.len() == carried.0 && server.sent.len() == carried.1;
        carried.1 = server.sent.len();
        if idle {
            return;
        }
    }
    panic!("the two never come to rest");
}
