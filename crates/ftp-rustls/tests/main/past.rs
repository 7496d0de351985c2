//! The bytes of a file, past the buffer of their machine: in any mixture with the usual way, cut anywhere, the
//! same bytes come to the same end.

use std::io;
use std::task::Poll;
use std::time::Duration;

use ftp_proto::data::{self, Connection, Direction};
use ftp_proto::{Action, Instant, Machine};
use ftp_rustls::{Error, Versions};
use proptest::collection::vec;
use proptest::prelude::*;

use super::common::certificates::BOTH;
use super::common::pair::End;
use super::data::{Control, Transfer, carry};

const NOW: Instant = Instant::START;

/// What a side does next: which way, how many bytes at most, and how many of them the transport moves at a time.
type Step = (bool, usize, usize);

/// More than is encrypted at once.
const MUCH: usize = 400_000;

/// A transfer whose sides take turns, as the steps say.
struct Mixed<'a> {
    transfer: Transfer,
    carried: [usize; 2],
    left: &'a [u8],
    came: Vec<u8>,
    passed: usize,
    /// How often the sender's transport takes something between two steps; 0: until all is sent.
    turns: usize,
    /// How much the sender has sent before the file, if that is known.
    before: usize,
    /// This byte of what the sender sends is changed on its way.
    faulty: Option<usize>,
}

impl<'a> Mixed<'a> {
    fn new(control: &Control, direction: Direction, file: &'a [u8]) -> Self {
        Self {
            transfer: control.data(direction, usize::MAX),
            carried: [0, 0],
            left: file,
            came: Vec::new(),
            passed: 0,
            turns: 0,
            before: 0,
            faulty: None,
        }
    }

    fn send(&mut self, (past, size, moved): Step) {
        let (sender, _) = self.transfer.ends();
        let piece = &self.left[..self.left.len().min(size)];
        let End { secured, sent, .. } = sender;
        let write = |bytes: &[u8]| {
            let count = bytes.len().min(moved);
            sent.extend_from_slice(&bytes[..count]);
            if count == 0 {
                Poll::Pending
            } else {
                Poll::Ready(Ok(count))
            }
        };
        let taken = if past && secured.may_send_past() && !piece.is_empty() {
            let Some(Poll::Ready(Ok(count))) = secured.send_past(piece, || NOW, write) else {
                panic!("TLS keeps what the transport does not take");
            };
            self.passed += count;
            count
        } else {
            secured.machine_mut().write(NOW, piece)
        };
        self.left = &self.left[taken..];
        if self.left.is_empty() {
            secured.machine_mut().finish(NOW);
        }
        sender.chunk = moved.max(1);
        for _ in 0..self.turns {
            sender.turn();
        }
        sender.chunk = usize::MAX;
        if self.turns == 0 {
            sender.run();
        }
    }

    /// No more counts as moved than was sent, and all that was.
    fn check(&mut self, all: usize) {
        let taken = all - self.left.len();
        let (sender, _) = self.transfer.ends();
        let machine = sender.secured.machine();
        let moved = usize::try_from(machine.moved()).unwrap();
        let sent = in_records(&sender.sent[self.before..]);
        assert!(moved <= sent, "{moved} of {sent}");
        assert!(moved <= taken, "{moved} of {taken}");
        assert!(!machine.is_flushed() || moved == taken);
    }

    fn receive(&mut self, (past, size, moved): Step) {
        let (_, receiver) = self.transfer.ends();
        let machine = receiver.secured.machine_mut();
        let readable = machine.readable();
        let count = readable.len().min(size);
        self.came.extend_from_slice(&readable[..count]);
        machine.consume(NOW, count);
        if !past {
            receiver.run();
            return;
        }
        let End { secured, inbox, .. } = receiver;
        let read = |space: &mut [u8]| {
            let count = inbox.len().min(space.len()).min(moved);
            if count == 0 {
                return Poll::Pending;
            }
            space[..count].copy_from_slice(&inbox[..count]);
            inbox.drain(..count);
            Poll::Ready(Ok(count))
        };
        let mut space = vec![0; size];
        match secured.receive_past(&mut space, read) {
            Some(Poll::Ready(Ok(count))) => {
                self.came.extend_from_slice(&space[..count]);
                self.passed += count;
            }
            Some(Poll::Ready(Err(error))) => panic!("{error}"),
            Some(Poll::Pending) | None => {
                receiver.run();
            }
        }
    }

    fn carry(&mut self) {
        let direction = self.transfer.direction;
        let Transfer { client, server, .. } = &mut self.transfer;
        let sender = if direction == Direction::Send {
            &mut *client
        } else {
            &mut *server
        };
        if let Some(at) = self.faulty
            && at < sender.sent.len()
        {
            sender.sent[at] ^= 1;
            self.faulty = None;
        }
        carry(client, server, &mut self.carried[0]);
        carry(server, client, &mut self.carried[1]);
    }

    fn is_over(&self) -> bool {
        let Transfer { client, server, .. } = &self.transfer;
        client.outcome.is_some() && server.outcome.is_some()
    }

    fn run(&mut self, steps: &[Step]) {
        let (all, turns) = (self.left.len(), self.turns);
        for at in 0..100_000 {
            let step = steps[at % steps.len()];
            // However little goes at a time, it comes to an end.
            self.turns = if at % 50 == 49 { 0 } else { turns };
            self.send(step);
            self.check(all);
            self.carry();
            self.receive(steps[(at + 1) % steps.len()]);
            self.carry();
            if self.is_over() {
                let (_, receiver) = self.transfer.ends();
                self.came
                    .extend_from_slice(receiver.secured.machine().readable());
                return;
            }
        }
        panic!("the transfer does not end");
    }
}

fn file(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 / 3) as u8).collect()
}

/// How many bytes of a file are in these records at most: behind a header of 5, and before a type and the 16 that
/// protect it.
fn in_records(mut bytes: &[u8]) -> usize {
    let mut all = 0;
    while let [_, _, _, high, low, body @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        all += body.len().min(length.saturating_sub(16));
        bytes = body.get(length..).unwrap_or_default();
    }
    all
}

fn step() -> impl Strategy<Value = Step> {
    let moved = prop_oneof![1_usize..40, 1_usize..70_000, 1..MUCH];
    (any::<bool>(), 1..MUCH, moved)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_mixture_of_the_two_ways_moves_the_same_bytes(
        steps in vec(step(), 1..12),
        length in 0_usize..900_000,
        turns in 0_usize..4,
        is_early in any::<bool>(),
        tls13 in any::<bool>(),
        up in any::<bool>(),
    ) {
        let control = Control::new(BOTH[usize::from(tls13)]);
        let direction = if up { Direction::Send } else { Direction::Receive };
        let file = file(length);
        let mut mixed = Mixed::new(&control, direction, &file);
        mixed.turns = turns;
        if !is_early {
            mixed.shake_hands();
        }
        mixed.run(&steps);
        prop_assert!(mixed.came == file, "{} of {length}", mixed.came.len());
        for end in [mixed.transfer.client, mixed.transfer.server] {
            prop_assert!(matches!(end.outcome, Some(Ok(()))), "{:?}", end.outcome);
            let end = end.secured.into_machine().into_end();
            prop_assert_eq!(end.result(), Ok(()));
            prop_assert_eq!(end.bytes(), length as u64);
        }
    }

    #[test]
    fn a_changed_byte_is_found_either_way(
        steps in vec(step(), 1..12),
        faulty in any::<proptest::sample::Index>(),
        tls13 in any::<bool>(),
    ) {
        let control = Control::new(BOTH[usize::from(tls13)]);
        let file = file(100_000);
        let mut mixed = Mixed::new(&control, Direction::Receive, &file);
        mixed.shake_hands();
        mixed.faulty = Some(mixed.transfer.server.sent.len() + faulty.index(file.len()));
        for at in 0..10_000 {
            mixed.send(steps[at % steps.len()]);
            mixed.carry();
            mixed.receive(steps[(at + 1) % steps.len()]);
            mixed.carry();
            if mixed.transfer.client.outcome.is_some() {
                break;
            }
        }
        let is_tls = matches!(mixed.transfer.client.error(), Error::Tls { .. });
        prop_assert!(is_tls);
        prop_assert!(file.starts_with(&mixed.came));
        prop_assert!(mixed.came.len() < file.len());
    }
}

impl Mixed<'_> {
    fn shake_hands(&mut self) {
        while [&self.transfer.client, &self.transfer.server]
            .iter()
            .any(|end| end.secured.machine().tls().is_none())
        {
            self.transfer.client.run();
            self.transfer.server.run();
            self.carry();
        }
        self.transfer.client.run();
        self.transfer.server.run();
        self.carry();
        let (sender, _) = self.transfer.ends();
        self.before = sender.sent.len();
    }
}

#[test]
fn large_pieces_do_go_past() {
    for versions in BOTH {
        for direction in [Direction::Send, Direction::Receive] {
            let control = Control::new(versions);
            let file = file(1_000_000);
            let mut mixed = Mixed::new(&control, direction, &file);
            mixed.run(&[(true, 65_535, 65_535)]);
            assert!(mixed.came == file);
            assert!(mixed.passed > file.len(), "{}", mixed.passed);
        }
    }
}

/// A client that has received a part past its machine, and 20,000 bytes of what came next.
fn half_received(control: &Control) -> End<Connection> {
    let file = file(200_000);
    let mut mixed = Mixed::new(control, Direction::Receive, &file);
    mixed.shake_hands();
    mixed.send((false, 65_535, 0));
    mixed.carry();
    mixed.receive((true, 30_000, 65_535));
    assert!(mixed.passed > 0);
    mixed.transfer.client
}

#[test]
fn what_came_past_is_no_whole_file_without_its_end() {
    let control = Control::new(Versions::Tls13);
    for is_cut in [false, true] {
        let mut client = half_received(&control);
        if is_cut {
            client.secured.cut_off(NOW);
        } else {
            client.secured.received_eof(NOW);
        }
        while client.outcome.is_none() {
            client.secured.machine_mut().consume(NOW, usize::MAX);
            client.run();
        }
        let end = client.secured.into_machine().into_end();
        assert_eq!(end.result(), Err(data::Error::CutOff));
    }
}

#[test]
fn what_came_before_a_fault_is_given_first() {
    for versions in BOTH {
        let control = Control::new(versions);
        let file = file(200_000);
        let mut mixed = Mixed::new(&control, Direction::Receive, &file);
        mixed.shake_hands();
        // 48 KiB in three records, and the last byte of the last one is another.
        mixed.send((false, 65_535, 0));
        let last = mixed.transfer.server.sent.len() - 1;
        mixed.faulty = Some(last);
        mixed.carry();
        let client = &mut mixed.transfer.client;
        let mut space = vec![0; 1 << 20];
        let inbox = std::mem::take(&mut client.inbox);
        let read = |space: &mut [u8]| {
            space[..inbox.len()].copy_from_slice(&inbox);
            Poll::Ready(Ok(inbox.len()))
        };
        let received = client.secured.receive_past(&mut space, read);
        assert!(matches!(received, Some(Poll::Ready(Ok(32_768)))));
        assert!(space.starts_with(&file[..32_768]));
        client.run();
        assert!(matches!(client.error(), Error::Tls { .. }));
        assert_eq!(client.secured.machine().moved(), 32_768);
    }
}

/// A driver that is told so says when the bytes before it passed, since it read no clock for them.
#[test]
fn the_beginning_of_a_record_goes_past_without_moving_the_deadline() {
    let control = Control::new(Versions::Tls13);
    let mut client = half_received(&control);
    let mut space = vec![0; 1 << 20];
    let beginning = |space: &mut [u8]| {
        space[..5].copy_from_slice(&[23, 3, 3, 1, 0]);
        Poll::Ready(Ok(5))
    };
    while client.secured.receive_past(&mut space, beginning).is_some() {}
    assert!(client.secured.may_receive_past());
    let deadline = |client: &mut End<Connection>| match client.secured.poll() {
        Ok(Action::Read { deadline }) => deadline.expect("a deadline"),
        action => panic!("{action:?}"),
    };
    let later = NOW + Duration::from_secs(59);
    client.secured.machine_mut().passed_by(later);
    assert_eq!(
        deadline(&mut client),
        later + data::Timeouts::default().stall
    );
    client
        .secured
        .machine_mut()
        .passed_by(later + Duration::from_secs(1));
    assert_eq!(
        deadline(&mut client),
        later + data::Timeouts::default().stall
    );
}

/// How much the sender of a file takes of a large piece while its transport takes so much, and the sender.
fn sent_a_part(direction: Direction, versions: Versions, moved: usize) -> (usize, End<Connection>) {
    let control = Control::new(versions);
    let mut mixed = Mixed::new(&control, direction, b"t");
    mixed.shake_hands();
    // A server's tickets go with it.
    let (sender, _) = mixed.transfer.ends();
    sender.secured.machine_mut().write(NOW, b"t");
    sender.run();
    let Transfer { client, server, .. } = mixed.transfer;
    let mut sender = match direction {
        Direction::Send => client,
        Direction::Receive => server,
    };
    let write = |bytes: &[u8]| {
        sender.sent = bytes[..moved].to_vec();
        match moved {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(moved)),
        }
    };
    match sender.secured.send_past(&file(1_000_000), || NOW, write) {
        Some(Poll::Ready(Ok(taken))) => (taken, sender),
        sent => panic!("{sent:?}"),
    }
}

fn deadline_of_write(end: &mut End<Connection>) -> (usize, Option<Instant>) {
    match end.secured.poll() {
        Ok(Action::Write { bytes, deadline }) => (bytes.len(), deadline),
        action => panic!("{action:?}"),
    }
}

#[test]
fn a_server_holds_little_of_a_transfer_that_stalls_and_a_client_one_large_piece() {
    for versions in BOTH {
        for (direction, most) in [
            (Direction::Send, 256 * 1024),
            (Direction::Receive, 48 * 1024),
        ] {
            for moved in [0, 40_000] {
                let (taken, mut sender) = sent_a_part(direction, versions, moved);
                assert_eq!(taken, most);
                assert_eq!(sender.secured.machine_mut().write(NOW, &[0; 100]), 0);
                let (unsent, _) = deadline_of_write(&mut sender);
                let records = most / (16 * 1024);
                assert!(unsent + moved - most <= records * 32 + 256, "{unsent}");
            }
        }
    }
}

#[test]
fn memory_that_is_given_back_holds_nothing_that_is_unsent() {
    for direction in [Direction::Send, Direction::Receive] {
        let (_, mut sender) = sent_a_part(direction, Versions::Tls13, 40_000);
        let unsent = |sender: &mut End<Connection>| match sender.secured.poll() {
            Ok(Action::Write { bytes, .. }) => bytes.to_vec(),
            action => panic!("{action:?}"),
        };
        let before = unsent(&mut sender);
        sender.secured.shrink();
        sender.secured.shrink();
        assert!(unsent(&mut sender) == before);
        sender.secured.wrote(NOW, 5);
        sender.secured.shrink();
        assert!(unsent(&mut sender) == before[5..]);
    }
}

/// However large the piece is, and however slowly it goes.
#[test]
fn a_clients_file_does_not_stall_while_its_bytes_move() {
    let stall = data::Timeouts::default().stall;
    for versions in BOTH {
        let (taken, mut client) = sent_a_part(Direction::Send, versions, 20_000);
        let moved = |client: &End<Connection>| client.secured.machine().moved();
        assert!((19_000..20_000).contains(&moved(&client)));
        assert_eq!(deadline_of_write(&mut client).1, Some(NOW + stall));
        let mut now = NOW;
        let taken = taken as u64 + 1;
        while moved(&client) < taken {
            now = now + (stall - Duration::from_secs(1));
            let before = moved(&client);
            let _written = deadline_of_write(&mut client);
            client.secured.wrote(now, 10_000);
            assert!(moved(&client) > before);
            assert!(client.secured.machine().is_flushed() == (moved(&client) == taken));
        }
        assert!(client.secured.may_send_past());

        let (_, mut client) = sent_a_part(Direction::Send, versions, 20_000);
        client.secured.timed_out(NOW + stall);
        client.run();
        assert!(matches!(
            client.error(),
            Error::Machine(data::Error::Stalled)
        ));
        assert!(client.secured.machine().moved() < 20_000);
    }
}

#[test]
fn what_the_transport_says_is_passed_on() {
    let control = Control::new(Versions::Tls13);
    let mut client = half_received(&control);
    let mut space = vec![0; 1 << 20];
    // Without space nothing is read, and no end is heard.
    let never = |_: &mut [u8]| panic!("it reads");
    assert!(client.secured.receive_past(&mut [], never).is_none());
    let mut failed = None;
    for _ in 0..100 {
        let fail = |_: &mut [u8]| Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        if let Some(Poll::Ready(Err(error))) = client.secured.receive_past(&mut space, fail) {
            failed = Some(error.kind());
            break;
        }
    }
    assert_eq!(failed, Some(io::ErrorKind::ConnectionReset));
}
