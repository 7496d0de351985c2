//! A machine whose protocol is whatever the test makes it say.

use std::collections::VecDeque;
use std::fmt;

use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsSwitch};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToyEvent {
    StartTls,
    StopTls,
    Told(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToyError {
    Injected(Vec<u8>),
    TimedOut,
    GaveUp,
}

impl fmt::Display for ToyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the toy: {self:?}")
    }
}

impl std::error::Error for ToyError {}

/// Reads everything it gets, writes what it is given, and switches TLS when told to.
#[derive(Debug, Default)]
pub struct Toy {
    pub events: VecDeque<ToyEvent>,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub switching: bool,
    /// Whether it wants nothing for the moment, and takes nothing.
    pub pausing: bool,
    pub closed: bool,
    pub error: Option<ToyError>,
    pub eof: usize,
    pub started: Vec<TlsSession>,
    pub stopped: usize,
    pub deadline: Option<Instant>,
    /// Whether its data connections must resume a session.
    pub must_resume: bool,
    pub times: Vec<Instant>,
}

impl Toy {
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.output.extend_from_slice(bytes.as_ref());
    }

    pub fn start_tls(mut self) -> Self {
        self.switch(ToyEvent::StartTls);
        self
    }

    pub fn switch(&mut self, event: ToyEvent) {
        self.events.push_back(event);
        self.switching = true;
    }

    pub fn by(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl Machine for Toy {
    type Event = ToyEvent;
    type Error = ToyError;

    fn poll(&mut self) -> Result<Action<'_, ToyEvent>, ToyError> {
        let deadline = self.deadline;
        if let Some(event) = self.events.pop_front() {
            return Ok(Action::Event(event));
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.switching {
            return Ok(Action::Wait { deadline });
        }
        if !self.output.is_empty() {
            return Ok(Action::Write {
                bytes: &self.output,
                deadline,
            });
        }
        if self.closed {
            return Ok(Action::Closed);
        }
        Ok(if self.pausing {
            Action::Wait { deadline }
        } else {
            Action::Read { deadline }
        })
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.times.push(now);
        if self.switching {
            self.error = Some(ToyError::Injected(bytes.to_vec()));
        } else if self.pausing {
            return 0;
        } else {
            self.input.extend_from_slice(bytes);
        }
        bytes.len()
    }

    fn received_eof(&mut self, now: Instant) {
        self.times.push(now);
        self.eof += 1;
        self.closed = true;
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        self.times.push(now);
        self.output.drain(..count.min(self.output.len()));
    }

    fn timed_out(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.error = Some(ToyError::TimedOut);
        }
    }
}

impl Securable for Toy {
    fn tls_switch(event: &ToyEvent) -> Option<TlsSwitch> {
        match event {
            ToyEvent::StartTls => Some(TlsSwitch::Start),
            ToyEvent::StopTls => Some(TlsSwitch::Stop),
            ToyEvent::Told(_) => None,
        }
    }

    fn must_resume(&self) -> bool {
        self.must_resume
    }

    fn tls_started(&mut self, now: Instant, session: TlsSession) {
        self.times.push(now);
        self.started.push(session);
        self.switching = false;
    }

    fn tls_stopped(&mut self, now: Instant) {
        self.times.push(now);
        self.stopped += 1;
        self.switching = false;
    }
}
