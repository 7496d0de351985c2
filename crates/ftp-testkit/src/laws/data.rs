use std::time::Duration;

use ftp_proto::data::{Connection, DataType, Detached, Direction, Error, Event};
use ftp_proto::{Action, Instant, Machine, Securable};

use super::tls_session;
use super::watched::{Cut, Rest, Watched};

/// What a peer sends and an application writes.
const PIECES: [&[u8]; 8] = [
    b"a line\r\n",
    b"a line\n",
    b"\r",
    b"\n",
    b"a\rb",
    b"\r\r\n\n",
    b"",
    b"x",
];

/// Two of these are more than a connection holds.
static MUCH: [u8; 40_000] = [b'm'; 40_000];

/// A data connection with a driver and an application that do what the bytes say: the first chooses
/// what it is for, then come operations of two bytes.
///
/// * The laws of `ftp_proto::machine`: see `Watched`.
/// * How bytes are split never matters.
/// * What is read is what came, and what is sent is what was written, after conversion.
/// * It is whole if and only if its bytes ended as their sender meant them to end.
/// * It holds no more than its bound.
/// * A side that is left alone comes to an end.
pub fn data(bytes: &[u8]) {
    let Some((choices, script)) = bytes.split_first() else {
        return;
    };
    let outcomes = Cut::ALL.map(|cut| {
        let mut run = Run::new(*choices, cut);
        for operation in script.chunks_exact(2).take(60) {
            run.operate(operation[0], operation[1]);
        }
        run.leave()
    });
    for outcome in &outcomes[1..] {
        assert!(outcome == &outcomes[0], "a split changed the outcome");
    }
}

#[derive(PartialEq)]
struct Outcome {
    read: Vec<u8>,
    sent: Vec<u8>,
    moved: u64,
    result: Result<(), Error>,
}

struct Run {
    watched: Watched<Connection>,
    cut: Cut,
    direction: Direction,
    is_ascii: bool,
    is_protected: bool,
    is_lenient: bool,
    /// TLS was asked for, and stands.
    asked_for_tls: bool,
    has_tls: bool,
    /// What came in and was taken; what was written and taken.
    taken: Vec<u8>,
    /// The driver holds bytes that were not taken.
    held: Vec<u8>,
    /// What the application has read.
    read: Vec<u8>,
    is_finished: bool,
    passed: u64,
    /// So many bytes more are going past the machine.
    passing: u64,
    /// How it must have ended, once that is certain.
    result: Option<Result<(), Error>>,
}

impl Run {
    fn new(choices: u8, cut: Cut) -> Self {
        let is = |bit: u8| choices & (1 << bit) != 0;
        let direction = if is(0) {
            Direction::Send
        } else {
            Direction::Receive
        };
        let connection = Detached::new(direction)
            .data_type(if is(1) {
                DataType::Ascii
            } else {
                DataType::Image
            })
            .protected(is(2))
            .lenient_end(is(3))
            .connect(Instant::START);
        let mut watched = Watched::new(connection, None);
        watched.stalled = true;
        Self {
            watched,
            cut,
            direction,
            is_ascii: is(1),
            is_protected: is(2),
            is_lenient: is(3),
            asked_for_tls: false,
            has_tls: false,
            taken: Vec::new(),
            held: Vec::new(),
            read: Vec::new(),
            is_finished: false,
            passed: 0,
            passing: 0,
            result: None,
        }
    }

    fn operate(&mut self, operation: u8, operand: u8) {
        let now = self.watched.now;
        let piece = PIECES[usize::from(operand) % PIECES.len()];
        match operation % 16 {
            0 | 1 => self.arrive(piece),
            2 => self.arrive(&MUCH),
            3 => {
                self.expect_end(false);
                self.watched.machine.received_eof(now);
            }
            4 => {
                self.expect_end(true);
                self.watched.machine.cut_off(now);
            }
            5 => self.consume(usize::from(operand) * 300),
            6 | 7 => self.write(piece),
            8 => self.write(&MUCH),
            9 => {
                self.is_finished |= self.result.is_none();
                self.watched.machine.finish(now);
            }
            10 => {
                self.watched.write_size = usize::from(operand) * 300 + 1;
                self.watched.stalled = false;
                self.rest();
                self.watched.stalled = true;
            }
            11 => {
                self.expect_shutdown();
                self.watched.machine.shut_down(now);
            }
            12 => {
                self.watched.now = now + Duration::from_secs(operand.into());
                self.watched.machine.timed_out(self.watched.now);
            }
            13 => {
                if self.asked_for_tls && self.result.is_none() && !self.has_tls {
                    self.has_tls = true;
                    // They were not for the machine.
                    self.held.clear();
                }
                self.watched.machine.tls_started(now, tls_session());
            }
            14 if self.passing > 0 => {
                let count = self.passing.min(operand.into());
                self.watched.machine.wrote(now, operand.into());
                if self.result.is_none() {
                    self.passing -= count;
                    self.passed += count;
                }
            }
            14 if operand > 127 && self.direction == Direction::Send => {
                if self.watched.machine.is_direct() {
                    self.passing = operand.into();
                }
                self.watched.machine.passing(now, operand.into());
            }
            14 => {
                let is_direct = self.watched.machine.is_direct();
                self.watched.machine.passed(operand.into());
                // They have no time before the machine is told one, and any call would do.
                self.watched.machine.passed_by(now);
                if is_direct {
                    self.passed += u64::from(operand);
                }
            }
            _ => self.skip(),
        }
        self.rest();
        self.check();
    }

    /// What the driver does without being told: events, and the end.
    fn rest(&mut self) {
        let asked = &mut self.asked_for_tls;
        let rest = self.watched.rest(&mut |_, _, event| {
            *asked |= matches!(event, Event::StartTls);
        });
        if self.watched.shut_down && self.result.is_none() {
            self.result = Some(Ok(()));
        }
        if rest == Rest::Over {
            let end = match self.watched.machine.poll() {
                Ok(Action::Closed) => Ok(()),
                Err(error) => Err(error),
                Ok(other) => panic!("{other:?} behind the end"),
            };
            match (&self.result, end) {
                (Some(result), end) => assert_eq!(*result, end),
                (None, Err(Error::Stalled | Error::Handshake)) => self.result = Some(end),
                (None, _) => panic!("ended without a cause: {end:?}"),
            }
        }
    }

    /// Bytes of the peer, behind those that were not taken yet.
    fn arrive(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.asked_for_tls && self.is_protected && !self.has_tls && !self.held.is_empty() {
            // In clear.
            self.result.get_or_insert(Err(Error::CutOff));
        }
        let now = self.watched.now;
        let size = match self.cut {
            Cut::Whole => usize::MAX,
            Cut::Bytes | Cut::PolledBytes => 1,
            Cut::Polled(size) => size,
        };
        let is_over = self.result.is_some();
        while !self.held.is_empty() {
            let piece = &self.held[..size.min(self.held.len())];
            let taken = self.watched.machine.received(now, piece);
            assert!(taken <= piece.len(), "took more than there was");
            if !is_over && self.direction == Direction::Receive {
                self.taken.extend_from_slice(&piece[..taken]);
            }
            self.held.drain(..taken);
            if taken == 0 {
                return;
            }
            if matches!(self.cut, Cut::PolledBytes) && self.held.len() < 100 {
                self.rest();
            }
        }
    }

    fn is_open(&self) -> bool {
        self.has_tls || !self.is_protected
    }

    fn expect_end(&mut self, is_cut: bool) {
        if self.result.is_some() {
            return;
        }
        self.result = match self.direction {
            _ if !self.is_open() => Some(Err(Error::CutOff)),
            Direction::Receive if !self.held.is_empty() => Some(Err(Error::CutOff)),
            Direction::Receive if is_cut && !(self.is_lenient && self.has_tls) => {
                Some(Err(Error::CutOff))
            }
            Direction::Receive => Some(Ok(())),
            Direction::Send if is_cut => Some(Err(Error::CutOff)),
            Direction::Send => None,
        };
    }

    fn expect_shutdown(&mut self) {
        let is_all_sent = self.watched.sent == self.converted() && self.passing == 0;
        if self.direction == Direction::Send
            && self.is_open()
            && self.is_finished
            && is_all_sent
            && self.result.is_none()
        {
            self.result = Some(Ok(()));
        }
    }

    /// What was taken, as it must be on the other side of the machine.
    fn converted(&self) -> Vec<u8> {
        match (self.is_ascii, self.direction) {
            (false, _) => self.taken.clone(),
            (true, Direction::Receive) => to_file(&self.taken),
            (true, Direction::Send) => to_wire(&self.taken),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let now = self.watched.now;
        let taken = self.watched.machine.write(now, bytes);
        assert!(taken <= bytes.len(), "took more than there was");
        let may_write =
            self.direction == Direction::Send && !self.is_finished && self.result.is_none();
        let may_write = may_write && self.passing == 0;
        assert!(may_write || taken == 0, "written where nothing can be");
        self.taken.extend_from_slice(&bytes[..taken]);
    }

    fn consume(&mut self, count: usize) {
        let machine = &mut self.watched.machine;
        let count = count.min(machine.readable().len());
        self.read.extend_from_slice(&machine.readable()[..count]);
        machine.consume(self.watched.now, count);
    }

    fn skip(&mut self) {
        let asked = &mut self.asked_for_tls;
        self.watched.skip_to_deadline(&mut |_, _, event| {
            *asked |= matches!(event, Event::StartTls);
        });
    }

    fn check(&self) {
        let machine = &self.watched.machine;
        let is_receiving = self.direction == Direction::Receive;
        assert!(is_receiving || machine.readable().is_empty());
        assert!(machine.readable().len() <= 64 * 1024);
        let wire = if is_receiving {
            self.taken.len()
        } else {
            self.watched.sent.len()
        };
        assert_eq!(machine.moved(), wire as u64 + self.passed);
        let there = match self.direction {
            Direction::Receive => [&self.read[..], machine.readable()].concat(),
            Direction::Send => self.watched.sent.clone(),
        };
        let all = self.converted();
        assert!(all.starts_with(&there), "bytes that nobody sent");
        let is_whole = self.result == Some(Ok(()));
        let is_all = there == all && self.passing == 0;
        assert!(!is_whole || is_all, "whole, and bytes are missing");
        assert!(!is_whole || is_receiving || self.is_finished);
    }

    /// How it stands; then the peer falls silent.
    fn leave(mut self) -> Outcome {
        self.check();
        let sent = self.watched.sent.clone();
        self.watched.stalled = false;
        self.watched.fall_silent(|machine, now| {
            let all = machine.readable().len();
            machine.consume(now, all);
            machine.finish(now);
        });
        self.watched.assert_over();
        let moved = self.watched.machine.moved();
        let end = self.watched.machine.into_end();
        assert_eq!(end.bytes(), moved);
        if let Some(result) = self.result {
            assert_eq!(end.result(), result);
        }
        assert!(self.has_tls || end.tls().is_none());
        Outcome {
            read: self.read,
            sent,
            moved,
            result: end.result(),
        }
    }
}

/// From the wire to a file, all at once.
fn to_file(wire: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    for (at, byte) in wire.iter().enumerate() {
        if (*byte, wire.get(at + 1)) != (b'\r', Some(&b'\n')) {
            file.push(*byte);
        }
    }
    file
}

/// From a file to the wire, all at once.
fn to_wire(file: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (at, byte) in file.iter().enumerate() {
        if *byte == b'\n' && (at == 0 || file[at - 1] != b'\r') {
            wire.push(b'\r');
        }
        wire.push(*byte);
    }
    wire
}
