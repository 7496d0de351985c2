//! Connections in memory that one fault befalls.

use ftp_proto::{Action, Instant, Machine};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToClient,
    ToServer,
}

impl Way {
    fn back(self) -> Self {
        match self {
            Self::ToClient => Self::ToServer,
            Self::ToServer => Self::ToClient,
        }
    }
}

/// What befalls a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is reset, and what has not been read is lost.
    Reset,
    /// It is reset after what is under way has been read.
    Cut,
    /// Nothing arrives any more, and nobody learns of it.
    Silence,
    /// No more bytes come this way, as if the peer had closed it.
    End,
    /// No more bytes come this way for so many seconds.
    Delay(u64),
}

/// When: once so many bytes have gone this way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) way: Way,
    pub(super) after: usize,
    pub(super) kind: Kind,
}

/// A connection.
#[derive(Default)]
pub(super) struct Line {
    lanes: [Lane; 2],
    fault: Option<Fault>,
    is_reset: bool,
    is_silent: bool,
    /// How often something happened that the other side may see.
    changes: usize,
}

#[derive(Default)]
struct Lane {
    bytes: Vec<u8>,
    /// How many bytes went this way in all.
    carried: usize,
    is_ended: bool,
    /// Nothing more goes this way.
    is_closed: bool,
    /// Nothing arrives before.
    held_until: Option<Instant>,
}

impl Line {
    pub(super) fn new(fault: Option<Fault>) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    /// How many bytes went this way.
    pub(super) fn carried(&self, way: Way) -> usize {
        self.lanes[way as usize].carried
    }

    /// How often something happened to it.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// One side let go of it before its end.
    pub(super) fn reset(&mut self) {
        self.changes += 1;
        self.is_reset |= !self.is_silent;
    }

    fn lane(&mut self, way: Way) -> &mut Lane {
        &mut self.lanes[way as usize]
    }

    fn carry(&mut self, way: Way, bytes: &[u8], now: Instant) {
        self.changes += 1;
        for byte in bytes {
            let is_silent = self.is_silent;
            let lane = self.lane(way);
            lane.carried += 1;
            if !is_silent && !lane.is_closed {
                lane.bytes.push(*byte);
            }
            let carried = lane.carried;
            if let Some(fault) = self.fault
                && (fault.way, fault.after) == (way, carried)
            {
                self.befall(fault, now);
            }
        }
    }

    fn befall(&mut self, fault: Fault, now: Instant) {
        match fault.kind {
            Kind::Reset => {
                self.is_reset = true;
                self.lanes.iter_mut().for_each(|lane| lane.bytes.clear());
            }
            Kind::Cut => self.is_reset = true,
            Kind::Silence => self.is_silent = true,
            Kind::End => {
                self.lane(fault.way).is_closed = true;
                self.lane(fault.way).is_ended = true;
            }
            Kind::Delay(seconds) => {
                let until = now + std::time::Duration::from_secs(seconds);
                self.lane(fault.way).held_until = Some(until);
            }
        }
    }

    fn end(&mut self, way: Way) {
        self.changes += 1;
        if !self.is_silent {
            self.lane(way).is_ended = true;
        }
    }

    /// Whether bytes are there, or their end is.
    fn arrives(&mut self, way: Way, now: Instant) -> bool {
        let is_reset = self.is_reset;
        let lane = self.lane(way);
        is_reset || lane.held_until.is_none_or(|until| until <= now)
    }
}

/// A machine at one end of a line.
pub(super) struct Side<M> {
    pub(super) machine: M,
    /// Where bytes come from.
    from: Way,
    is_end_told: bool,
    is_cut_told: bool,
    is_over: bool,
}

/// What a turn came to.
pub(super) enum Turn<M: Machine> {
    Told(M::Event),
    Waits(Option<Instant>),
    /// It has just come to its end.
    Over(Result<(), M::Error>),
}

impl<M: Machine> Side<M> {
    /// The client's end of a line.
    pub(super) fn client(machine: M) -> Self {
        Self::new(machine, Way::ToClient)
    }

    /// The server's.
    pub(super) fn server(machine: M) -> Self {
        Self::new(machine, Way::ToServer)
    }

    fn new(machine: M, from: Way) -> Self {
        Self {
            machine,
            from,
            is_end_told: false,
            is_cut_told: false,
            is_over: false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Runs it until it tells something or waits.
    pub(super) fn turn(&mut self, line: &mut Line, now: Instant) -> Turn<M> {
        let (from, to) = (self.from, self.from.back());
        while !self.is_over {
            match self.machine.poll() {
                Err(error) => {
                    self.is_over = true;
                    line.reset();
                    return Turn::Over(Err(error));
                }
                Ok(Action::Closed) => {
                    self.is_over = true;
                    line.end(to);
                    return Turn::Over(Ok(()));
                }
                Ok(Action::Event(event)) => return Turn::Told(event),
                // As drivers do: what arrived before a reset goes first.
                Ok(_) if line.is_reset && !self.is_cut_told => self.break_off(line, now),
                Ok(Action::Write { bytes, .. }) => {
                    let bytes = bytes.to_vec();
                    if !line.is_reset {
                        line.carry(to, &bytes, now);
                    }
                    self.machine.wrote(now, bytes.len());
                }
                Ok(Action::Shutdown { .. }) => {
                    line.end(to);
                    self.machine.shut_down(now);
                }
                Ok(Action::Read { deadline }) => {
                    if !line.arrives(from, now) {
                        let held = line.lane(from).held_until;
                        return Turn::Waits([deadline, held].into_iter().flatten().min());
                    }
                    let lane = line.lane(from);
                    if !lane.bytes.is_empty() {
                        let taken = self.machine.received(now, &lane.bytes);
                        lane.bytes.drain(..taken);
                        if taken == 0 {
                            return Turn::Waits(deadline);
                        }
                    } else if lane.is_ended && !self.is_end_told {
                        self.is_end_told = true;
                        self.machine.received_eof(now);
                    } else {
                        return Turn::Waits(deadline);
                    }
                }
                Ok(Action::Wait { deadline }) => return Turn::Waits(deadline),
            }
        }
        Turn::Waits(None)
    }

    /// Gives it what came before the reset, then tells it of that.
    fn break_off(&mut self, line: &mut Line, now: Instant) {
        let lane = line.lane(self.from);
        let taken = self.machine.received(now, &lane.bytes);
        lane.bytes.drain(..taken);
        if taken == 0 || line.lane(self.from).bytes.is_empty() {
            self.is_cut_told = true;
            self.machine.cut_off(now);
        }
    }
}
