//! What a driver has to keep for one end of a session, and all that it has to do.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use ftp_proto::{Action, Instant, Machine};
use mio::net::TcpStream;
use mio::{Interest, Poll, Token};

use crate::one_file::Outcome;

/// So many steps, and the others get their turn: a peer that never stops would keep them from it.
const STEPS: usize = 64;

/// One machine and its socket.
pub(crate) struct End<M> {
    pub(crate) machine: M,
    stream: TcpStream,
    /// Read from the socket, and not taken by the machine yet.
    unread: Vec<u8>,
    /// When to call [`next`](Self::next) in any case.
    pub(crate) deadline: Option<Instant>,
    pub(crate) closed: bool,
    /// How many steps are left of this turn.
    steps: usize,
}

impl<M: Machine<Error: Error + 'static>> End<M> {
    pub(crate) fn new(
        machine: M,
        mut stream: TcpStream,
        poll: &Poll,
        token: Token,
    ) -> Outcome<Self> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        let registry = poll.registry();
        registry.register(&mut stream, token, interests)?;
        Ok(Self {
            machine,
            stream,
            unread: Vec::new(),
            deadline: None,
            closed: false,
            steps: STEPS,
        })
    }

    /// The next event, or `None` when the socket, the program or time is to be waited for. mio says
    /// only once what a socket can do, so all of it must be used up, be it in several turns.
    pub(crate) fn next(&mut self, now: Instant) -> Outcome<Option<M::Event>> {
        self.machine.timed_out(now); // has no effect before the deadline
        loop {
            if self.steps == 0 {
                (self.steps, self.deadline) = (STEPS, Some(now));
                return Ok(None);
            }
            self.steps -= 1;
            let (done, deadline) = match self.machine.poll()? {
                Action::Event(event) => return Ok(Some(event)),
                Action::Write { bytes, deadline } => (self.stream.write(bytes), deadline),
                Action::Read { deadline } if !self.unread.is_empty() => {
                    let taken = self.machine.received(now, &self.unread);
                    self.unread.drain(..taken);
                    // One that wants bytes and takes none is left to its deadline.
                    let none = (taken == 0).then(|| ErrorKind::WouldBlock.into());
                    (none.map_or(Ok(0), Err), deadline)
                }
                Action::Read { deadline } => {
                    let mut space = [0; 4096];
                    let read = self.stream.read(&mut space);
                    match &read {
                        Ok(0) => self.machine.received_eof(now),
                        Ok(count) => self.unread.extend_from_slice(&space[..*count]),
                        Err(_) => {}
                    }
                    (read.map(|_| 0), deadline)
                }
                Action::Wait { deadline } => (Err(ErrorKind::WouldBlock.into()), deadline),
                Action::Shutdown { deadline } => {
                    let shut_down = self.stream.shutdown(Shutdown::Write);
                    if shut_down.is_ok() {
                        self.machine.shut_down(now);
                    }
                    (shut_down.map(|()| 0), deadline)
                }
                Action::Closed => {
                    (self.closed, self.deadline) = (true, None);
                    return Ok(None);
                }
            };
            match done {
                Ok(written) => self.machine.wrote(now, written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.deadline = deadline;
                    return Ok(None);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
