//! A machine with a driver around it that checks the laws of `ftp_proto::machine` at every turn.

use std::fmt::{Debug, Display};

use ftp_proto::{Action, Instant, Machine, Securable};

/// More turns than any of our inputs can cause.
const MOST_TURNS: usize = 100_000;
/// More deadlines than can pass one after the other while nothing else happens.
const MOST_DEADLINES: usize = 64;

/// How bytes that arrive together are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// In one call.
    Whole,
    /// Byte by byte, with no poll in between.
    Bytes,
    /// Byte by byte, with events taken out in between.
    PolledBytes,
    /// In chunks of this many bytes, with events taken out in between.
    Polled(usize),
}

impl Cut {
    pub(super) const ALL: [Self; 4] =
        [Self::Whole, Self::Bytes, Self::PolledBytes, Self::Polled(7)];

    fn size(self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Bytes | Self::PolledBytes => 1,
            Self::Polled(size) => size,
        }
    }
}

/// Where the machine came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Writing(Option<Instant>),
    Reading(Option<Instant>),
    Waiting(Option<Instant>),
    Closing(Option<Instant>),
    Over,
}

impl Rest {
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Writing(at) | Self::Reading(at) | Self::Waiting(at) | Self::Closing(at) => at,
            Self::Over => None,
        }
    }
}

/// What a poll asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Write {
        /// No more than the first bytes: who writes much byte by byte asks for each of them.
        start: Vec<u8>,
        length: usize,
        deadline: Option<Instant>,
    },
    Read(Option<Instant>),
    Wait(Option<Instant>),
    Shutdown(Option<Instant>),
    Over(String),
}

/// What the application does with events.
pub(super) type OnEvent<'a, M> = &'a mut dyn FnMut(&mut M, Instant, <M as Machine>::Event);

pub(super) struct Watched<M: Securable> {
    pub(super) machine: M,
    pub(super) now: Instant,
    /// Everything written.
    pub(super) sent: Vec<u8>,
    /// How much of each write the transport takes.
    pub(super) write_size: usize,
    /// The transport takes nothing.
    pub(super) stalled: bool,
    /// The sending side was closed.
    pub(super) shut_down: bool,
    /// What must not be shown.
    pub(super) secret: Option<&'static str>,
    /// Bytes were not taken at once: what comes of them then depends on when they were offered.
    pub(super) withheld: bool,
    /// How it ended, if it did.
    pub(super) end: Option<String>,
    /// A TLS switch was asked for, and is not reported as done.
    switching: bool,
}

impl<M> Watched<M>
where
    M: Securable + Debug,
    M::Event: Debug,
    M::Error: Debug + Display,
{
    pub(super) fn new(machine: M, secret: Option<&'static str>) -> Self {
        Self {
            machine,
            now: Instant::START,
            sent: Vec::new(),
            write_size: usize::MAX,
            stalled: false,
            shut_down: false,
            secret,
            withheld: false,
            end: None,
            switching: false,
        }
    }

    /// What is asked for now; `None` if it is an event, which goes to `tell`.
    fn asks(&mut self, tell: OnEvent<'_, M>) -> Option<Asked> {
        Some(match self.machine.poll() {
            Ok(Action::Event(event)) => {
                self.switching = M::tls_switch(&event).is_some()
                    || (self.switching && !ends_switch(&format!("{event:?}")));
                if self.secret.is_some() {
                    self.assert_no_secret(&format!("{event:?}"));
                }
                tell(&mut self.machine, self.now, event);
                return None;
            }
            Ok(Action::Write { bytes, deadline }) => {
                assert!(!self.shut_down, "a write behind the shutdown");
                assert!(!bytes.is_empty(), "a write of nothing");
                assert!(!self.switching, "a write while TLS is being switched");
                Asked::Write {
                    start: bytes[..bytes.len().min(256)].to_vec(),
                    length: bytes.len(),
                    deadline,
                }
            }
            Ok(Action::Read { deadline }) => Asked::Read(deadline),
            Ok(Action::Wait { deadline }) => Asked::Wait(deadline),
            Ok(Action::Shutdown { deadline }) => Asked::Shutdown(deadline),
            Ok(Action::Closed) => Asked::Over("Closed".into()),
            Err(error) => Asked::Over(format!("{error:?}: {error}")),
        })
    }

    /// Takes all events out. Asking twice, early time-outs, time that runs backwards and calls
    /// that say nothing change nothing.
    pub(super) fn take_events(&mut self, tell: OnEvent<'_, M>) {
        for _ in 0..MOST_TURNS {
            let Some(first) = self.asks(tell) else {
                assert!(self.end.is_none(), "an event behind the end");
                continue;
            };
            let none: OnEvent<'_, M> = &mut |_, _, event| panic!("an event of no cause: {event:?}");
            assert_eq!(self.asks(none).as_ref(), Some(&first), "asked twice");
            if self.deadline().is_none_or(|at| at > self.now) {
                self.machine.timed_out(self.now);
                assert_eq!(self.asks(none).as_ref(), Some(&first), "timed out early");
            }
            if self.deadline().is_none_or(|at| at > self.now) {
                self.machine.timed_out(Instant::START);
                self.machine.wrote(Instant::START, 0);
                assert_eq!(self.machine.received(Instant::START, &[]), 0);
                assert_eq!(self.asks(none).as_ref(), Some(&first), "time went back");
            }
            return;
        }
        panic!("events without end");
    }

    pub(super) fn deadline(&mut self) -> Option<Instant> {
        match self.machine.poll() {
            Ok(
                Action::Write { deadline, .. }
                | Action::Read { deadline }
                | Action::Wait { deadline }
                | Action::Shutdown { deadline },
            ) => deadline,
            _ => None,
        }
    }

    /// Takes events out and writes until the machine waits for something.
    pub(super) fn rest(&mut self, tell: OnEvent<'_, M>) -> Rest {
        for _ in 0..MOST_TURNS {
            self.take_events(tell);
            let count = match self.machine.poll() {
                Ok(Action::Event(event)) => panic!("an event of no cause: {event:?}"),
                Ok(Action::Write { deadline, .. }) if self.stalled => {
                    return Rest::Writing(deadline);
                }
                Ok(Action::Write { bytes, .. }) => {
                    let count = bytes.len().min(self.write_size);
                    self.sent.extend_from_slice(&bytes[..count]);
                    count
                }
                Ok(Action::Read { deadline }) => return Rest::Reading(deadline),
                Ok(Action::Wait { deadline }) => return Rest::Waiting(deadline),
                Ok(Action::Shutdown { deadline }) if self.stalled => {
                    return Rest::Closing(deadline);
                }
                Ok(Action::Shutdown { .. }) => {
                    self.shut_down = true;
                    self.machine.shut_down(self.now);
                    continue;
                }
                Ok(Action::Closed) => return self.ended("Closed".into()),
                Err(error) => {
                    let shown = format!("{error:?}: {error}");
                    return self.ended(shown);
                }
            };
            self.machine.wrote(self.now, count);
        }
        panic!("the machine does not come to rest");
    }

    fn ended(&mut self, how: String) -> Rest {
        self.assert_no_secret(&how);
        if let Some(before) = self.end.replace(how) {
            assert_eq!(Some(before), self.end, "the end must stay");
        }
        Rest::Over
    }

    /// The peer's bytes arrive together, but are handed over in pieces.
    pub(super) fn receive(&mut self, bytes: &[u8], cut: Cut, tell: OnEvent<'_, M>) {
        for piece in bytes.chunks(cut.size()) {
            let mut rest = piece;
            while !rest.is_empty() {
                let taken = self.machine.received(self.now, rest);
                assert!(taken <= rest.len(), "took more than there was");
                rest = &rest[taken..];
                if rest.is_empty() {
                    break;
                }
                self.withheld = true;
                let resting = self.rest(tell);
                if taken == 0 && !matches!(resting, Rest::Reading(_)) {
                    // Neither would a driver offer them now. They are lost to this scenario.
                    return;
                }
            }
            // A transport that takes nothing makes the first output stop everything behind it, and
            // a poll decides what is in the first output.
            if matches!(cut, Cut::PolledBytes | Cut::Polled(_)) && !self.stalled {
                self.take_events(tell);
            }
        }
    }

    /// The transport offers more and more without a poll: it must stop taking before `bound`.
    pub(super) fn flood(&mut self, bound: usize) {
        // Out of any Telnet sequence, in which bytes are dropped, not kept.
        let mut way_out: &[u8] = b"\xff\xf0\xff\xf0";
        let mut taken = 0;
        while !way_out.is_empty() {
            let count = self.machine.received(self.now, way_out);
            if count == 0 {
                return;
            }
            taken += count;
            way_out = &way_out[count..];
        }
        let bytes = [b'x'; 999];
        loop {
            let count = self.machine.received(self.now, &bytes);
            if count == 0 {
                return;
            }
            taken += count;
            assert!(taken <= bound, "{taken} bytes taken");
        }
    }

    /// Time passes until the next deadline, which must then be acted on.
    pub(super) fn skip_to_deadline(&mut self, tell: OnEvent<'_, M>) {
        let Some(at) = self.rest(tell).deadline() else {
            return;
        };
        self.now = self.now.max(at);
        self.machine.timed_out(self.now);
        self.take_events(tell);
        let next = self.deadline();
        assert!(
            next.is_none_or(|next| next > self.now),
            "a deadline that passed stands: {next:?} at {:?}",
            self.now
        );
    }

    /// The peer says nothing more: whoever follows the deadlines, and leaves where there is none,
    /// comes to an end.
    pub(super) fn fall_silent(&mut self, mut leave: impl FnMut(&mut M, Instant)) {
        let drop: OnEvent<'_, M> = &mut |_, _, _| {};
        for _ in 0..MOST_DEADLINES {
            match self.rest(drop) {
                Rest::Over => return,
                other if other.deadline().is_some() => self.skip_to_deadline(drop),
                _ => leave(&mut self.machine, self.now),
            }
        }
        panic!("a silent peer is waited for without end");
    }

    /// Behind the end nothing has an effect.
    pub(super) fn assert_over(&mut self) {
        let end = self.end.clone().expect("it is over");
        let later = self.now + std::time::Duration::from_secs(100_000);
        assert_eq!(self.machine.received(later, b"220 x\r\nUSER x\r\n"), 15);
        self.machine.wrote(later, 10);
        self.machine.received_eof(later);
        self.machine.cut_off(later);
        self.machine.shut_down(later);
        self.machine.timed_out(later);
        let none: OnEvent<'_, M> = &mut |_, _, event| panic!("an event behind the end: {event:?}");
        assert_eq!(self.rest(none), Rest::Over);
        assert_eq!(self.end, Some(end));
    }

    /// No secret is in what the machine shows of itself.
    pub(super) fn assert_discreet(&self) {
        self.assert_no_secret(&format!("{:?}", self.machine));
    }

    fn assert_no_secret(&self, shown: &str) {
        if let Some(secret) = self.secret {
            assert!(!shown.contains(secret), "a secret is shown: {shown}");
        }
    }
}

fn ends_switch(event: &str) -> bool {
    event.starts_with("TlsEstablished") || event == "ClearCommandChannel"
}
