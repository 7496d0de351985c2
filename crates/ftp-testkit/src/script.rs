//! A peer that knows no protocol at all: it expects bytes and sends bytes.

use std::time::Duration;

use ftp_proto::{Instant, Machine, wire::escape};

use crate::{Pause, VirtualClock, drive_to_rest};

/// Runs a machine against a written list of bytes.
///
/// Every method panics with both sides' bytes if the machine does something else: this is for
/// tests.
pub struct ScriptedPeer<M: Machine> {
    machine: M,
    clock: VirtualClock,
    /// What the machine wrote and no one expected yet.
    written: Vec<u8>,
    events: Vec<M::Event>,
    outcome: Option<Result<(), M::Error>>,
    /// Of what the machine waits for.
    deadline: Option<Instant>,
}

impl<M: Machine> ScriptedPeer<M> {
    /// The machine must have been started at [`ftp_proto::Instant::START`].
    pub fn new(machine: M) -> Self {
        let mut peer = Self {
            machine,
            clock: VirtualClock::default(),
            written: Vec::new(),
            events: Vec::new(),
            outcome: None,
            deadline: None,
        };
        peer.run();
        peer
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Calls a method of the machine at the present, and runs on.
    pub fn call<R>(&mut self, call: impl FnOnce(&mut M, Instant) -> R) -> R {
        let result = call(&mut self.machine, self.clock.now());
        self.run();
        result
    }

    /// Sends bytes to the machine, in one piece.
    ///
    /// # Panics
    /// If the machine does not take them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() && self.outcome.is_none() {
            let taken = self.machine.received(self.clock.now(), rest);
            self.run();
            assert!(taken > 0, "the machine does not take \"{}\"", escape(rest));
            rest = &rest[taken..];
        }
    }

    /// Sends nothing more.
    pub fn send_eof(&mut self) {
        self.machine.received_eof(self.clock.now());
        self.run();
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
        self.machine.timed_out(self.clock.now());
        self.run();
    }

    /// Moves time on to the deadline of what the machine waits for. `false` if there is none.
    pub fn wait_for_deadline(&mut self) -> bool {
        let Some(deadline) = self.deadline else {
            return false;
        };
        self.clock.advance_to(deadline);
        self.wait(Duration::ZERO);
        true
    }

    /// The machine must have written exactly these bytes next.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let (found, expected) = (escape(&self.written).to_string(), bytes.as_ref());
        assert!(
            self.written.starts_with(expected),
            "expected \"{}\", the machine wrote \"{found}\"",
            escape(expected)
        );
        self.written.drain(..expected.len());
    }

    /// What the machine wrote and was not expected yet.
    pub fn unexpected(&self) -> &[u8] {
        &self.written
    }

    /// Takes what the machine wrote and was not expected yet.
    pub fn take_written(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }

    /// Takes the events that came so far.
    pub fn take_events(&mut self) -> Vec<M::Event> {
        std::mem::take(&mut self.events)
    }

    /// How the machine ended, if it has.
    pub fn outcome(&self) -> Option<&Result<(), M::Error>> {
        self.outcome.as_ref()
    }

    fn run(&mut self) {
        if self.outcome.is_some() {
            return;
        }
        let now = self.clock.now();
        let (written, events) = (&mut self.written, &mut self.events);
        let mut pause = drive_to_rest(&mut self.machine, now, written, events);
        while let Pause::Shutdown(_) = pause {
            self.machine.shut_down(now);
            pause = drive_to_rest(&mut self.machine, now, written, events);
        }
        self.deadline = pause.deadline();
        self.outcome = match pause {
            Pause::Closed => Some(Ok(())),
            Pause::Failed(error) => Some(Err(error)),
            _ => None,
        };
    }
}
