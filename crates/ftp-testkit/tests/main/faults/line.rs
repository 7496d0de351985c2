//! Connections in memory that faults befall, and on which bytes may take their time.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

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
    /// It is refused when it is to be made.
    Refused,
    /// What would make it is lost.
    Lost,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("reset, and what is under way is lost"),
            Self::Cut => f.write_str("reset after what is under way"),
            Self::Silence => f.write_str("nothing arrives any more"),
            Self::End => f.write_str("no more comes this way, as if closed"),
            Self::Refused => f.write_str("refused"),
            Self::Lost => f.write_str("never made"),
            Self::Delay(seconds) => write!(f, "late by {seconds} s"),
        }
    }
}

/// When: once so many bytes have gone this way; with 0 as soon as it stands.
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
    faults: Vec<Fault>,
    /// How long bytes are under way.
    latency: Duration,
    is_reset: bool,
    is_silent: bool,
    /// How often something happened that the other side may see.
    changes: usize,
}

#[derive(Default)]
struct Lane {
    /// On the way, with the time of arrival.
    under_way: VecDeque<(Instant, Vec<u8>)>,
    /// What has arrived.
    bytes: Vec<u8>,
    /// How many bytes went this way in all.
    carried: usize,
    /// When its end arrives.
    ends_at: Option<Instant>,
    /// Nothing more goes this way.
    is_closed: bool,
    /// Nothing arrives before.
    held_until: Option<Instant>,
}

impl Line {
    pub(super) fn new(faults: Vec<Fault>, latency: Duration, now: Instant) -> Self {
        let mut line = Self {
            latency,
            ..Self::default()
        };
        for fault in faults.iter().filter(|fault| fault.after == 0) {
            line.befall(*fault, now);
        }
        line.faults = faults;
        line
    }

    /// Whether it cannot be made: refused or lost.
    pub(super) fn is_missing(&self) -> Option<Kind> {
        let kinds = self.faults.iter().map(|fault| fault.kind);
        kinds
            .into_iter()
            .find(|kind| matches!(kind, Kind::Refused | Kind::Lost))
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
        let arrives = now + self.latency;
        for byte in bytes {
            let is_silent = self.is_silent;
            let lane = self.lane(way);
            lane.carried += 1;
            if !is_silent && !lane.is_closed {
                match lane.under_way.back_mut() {
                    Some((at, bytes)) if *at == arrives => bytes.push(*byte),
                    _ => lane.under_way.push_back((arrives, vec![*byte])),
                }
            }
            let carried = lane.carried;
            let due = |fault: &&Fault| (fault.way, fault.after) == (way, carried);
            if let Some(fault) = self.faults.iter().find(due).copied() {
                self.befall(fault, now);
            }
        }
    }

    fn befall(&mut self, fault: Fault, now: Instant) {
        match fault.kind {
            Kind::Reset => {
                self.is_reset = true;
                for lane in &mut self.lanes {
                    lane.bytes.clear();
                    lane.under_way.clear();
                }
            }
            Kind::Cut => self.is_reset = true,
            Kind::Silence => self.is_silent = true,
            Kind::Refused | Kind::Lost => {}
            Kind::End => {
                self.lane(fault.way).is_closed = true;
                self.lane(fault.way).ends_at = Some(now);
            }
            Kind::Delay(seconds) => {
                let until = now + Duration::from_secs(seconds);
                self.lane(fault.way).held_until = Some(until);
            }
        }
    }

    fn end(&mut self, way: Way, now: Instant) {
        self.changes += 1;
        let arrives = now + self.latency;
        if !self.is_silent {
            self.lane(way).ends_at.get_or_insert(arrives);
        }
    }

    /// Lets arrive what has come by now; `false` if it is held.
    fn arrive(&mut self, way: Way, now: Instant) -> bool {
        let is_reset = self.is_reset;
        let lane = self.lane(way);
        while lane
            .under_way
            .front()
            .is_some_and(|(at, _)| is_reset || *at <= now)
        {
            let arrived = lane.under_way.pop_front();
            lane.bytes
                .extend(arrived.into_iter().flat_map(|(_, bytes)| bytes));
        }
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
                    line.end(to, now);
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
                    line.end(to, now);
                    self.machine.shut_down(now);
                }
                Ok(Action::Read { deadline }) => {
                    if !line.arrive(from, now) {
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
                        continue;
                    }
                    let next = lane.under_way.front().map(|(at, _)| *at);
                    let next = next.or(lane.ends_at).filter(|_| !self.is_end_told);
                    if next.is_some_and(|at| at <= now) {
                        self.is_end_told = true;
                        self.machine.received_eof(now);
                    } else {
                        return Turn::Waits([deadline, next].into_iter().flatten().min());
                    }
                }
                Ok(Action::Wait { deadline }) => return Turn::Waits(deadline),
            }
        }
        Turn::Waits(None)
    }

    /// Gives it what came before the reset, then tells it of that.
    fn break_off(&mut self, line: &mut Line, now: Instant) {
        line.arrive(self.from, now);
        let lane = line.lane(self.from);
        let taken = self.machine.received(now, &lane.bytes);
        lane.bytes.drain(..taken);
        if taken == 0 || line.lane(self.from).bytes.is_empty() {
            self.is_cut_told = true;
            self.machine.cut_off(now);
        }
    }
}
