//! A file over a data connection under TLS 1.3, in memory, and beside it what rustls does in a loop of its own: by the
//! API without buffers, which decrypts in place. Both read from the wire into a buffer, as from a socket.

use std::hint::black_box;
use std::sync::Arc;
use std::task::Poll;

use ftp_proto::data::{self, Detached, Direction};
use ftp_proto::{Action, Instant, Machine, client};
use ftp_rustls::rustls::client::UnbufferedClientConnection;
use ftp_rustls::rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use ftp_rustls::rustls::{ConnectionCommon, ServerConnection, SideData};
use ftp_rustls::{ClientTls, Secured};

use crate::login::{Setup, Wire};

const NOW: Instant = Instant::START;
/// What a driver reads at once, and the bare program.
const CHUNK: usize = 64 * 1024;
const BARE_CHUNK: usize = 256 * 1024;
/// Longer than any flight of a handshake.
const FLIGHT: usize = 16 * 1024;

/// A client's data connection whose TLS stands.
pub struct Ours {
    data: Secured<data::Connection>,
    /// What the server has sealed.
    wire: Vec<u8>,
}

/// The same, of rustls alone.
pub struct Bare {
    client: UnbufferedClientConnection,
    wire: Vec<u8>,
    buffer: Vec<u8>,
}

impl Ours {
    /// Shakes hands. To receive, so many bytes wait.
    pub fn new(setup: &Setup, direction: Direction, bytes: usize) -> Self {
        let machine = Detached::new(direction).protected(true).connect(NOW);
        let tls = ClientTls::for_host(Arc::clone(&setup.client_tls), crate::login::NAME);
        let login = client::Login::new("anna", "correct horse").expect("a login");
        let control = client::Connection::new(client::Config::new(login), NOW);
        let mut data = Secured::client(control, tls.expect("a name")).data(machine);
        let mut server = setup.bare_server();
        let mut wire = Vec::new();
        while data.machine().tls().is_none() || server.is_handshaking() {
            match data.poll().expect("no error") {
                Action::Write { bytes, .. } => {
                    let count = bytes.len();
                    take(&mut server, bytes);
                    data.wrote(NOW, count);
                }
                Action::Event(_) => {}
                Action::Read { .. } | Action::Wait { .. } => {
                    give(&mut server, &mut wire);
                    let taken = data.received(NOW, &wire);
                    wire.drain(..taken);
                }
                Action::Shutdown { .. } | Action::Closed => panic!("it ended"),
            }
        }
        give(&mut server, &mut wire);
        if direction == Direction::Receive {
            seal(&mut server, bytes, &mut wire);
        }
        Self { data, wire }
    }

    /// Receives all, a piece at a time. How many bytes came.
    pub fn download(&mut self, out: &mut [u8]) -> usize {
        let Self { data, wire } = self;
        let mut rest = &wire[..];
        let mut moved = 0;
        loop {
            let read = |space: &mut [u8]| Poll::Ready(Ok(read(&mut rest, space, CHUNK)));
            if let Some(Poll::Ready(Ok(count))) = data.receive_past(&mut out[..CHUNK], read) {
                moved += count;
                continue;
            }
            match data.poll().expect("no error") {
                Action::Read { .. } => {
                    let taken = data.received(NOW, &rest[..rest.len().min(CHUNK)]);
                    rest = &rest[taken..];
                }
                Action::Write { bytes, .. } => {
                    let count = bytes.len();
                    data.wrote(NOW, count);
                }
                Action::Event(_) => {}
                Action::Closed => return moved,
                Action::Wait { .. } | Action::Shutdown { .. } => panic!("it stopped"),
            }
        }
    }

    /// Sends these bytes. How many went over the wire.
    pub fn upload(&mut self, file: &[u8]) -> usize {
        let mut rest = file;
        let mut sent = 0;
        loop {
            let piece = &rest[..rest.len().min(CHUNK)];
            let write = |bytes: &[u8]| {
                sent += black_box(bytes).len();
                Poll::Ready(Ok(bytes.len()))
            };
            if let Some(Poll::Ready(Ok(taken))) = self.data.send_past(piece, || NOW, write) {
                rest = &rest[taken..];
                continue;
            }
            let machine = self.data.machine_mut();
            let taken = machine.write(NOW, piece);
            rest = &rest[taken..];
            if rest.is_empty() {
                machine.finish(NOW);
            }
            match self.data.poll().expect("no error") {
                Action::Write { bytes, .. } => {
                    let count = bytes.len();
                    sent += count;
                    self.data.wrote(NOW, count);
                }
                Action::Event(_) => {}
                Action::Shutdown { .. } => self.data.shut_down(NOW),
                Action::Read { .. } => self.data.received_eof(NOW),
                Action::Closed => return sent,
                Action::Wait { .. } => panic!("it stopped"),
            }
        }
    }
}

/// Both ends of a data connection over which the client sends or receives. TLS stands.
fn pair(setup: &Setup, wire: &mut Wire, direction: Direction) -> [Secured<data::Connection>; 2] {
    let opposite = match direction {
        Direction::Send => Direction::Receive,
        Direction::Receive => Direction::Send,
    };
    let machine = |direction| Detached::new(direction).protected(true).connect(NOW);
    let (client, server) = setup.log_in(wire);
    let mut ends = [
        client.data(machine(direction)),
        server.data(machine(opposite)),
    ];
    drop((client, server));
    while ends.iter().any(|end| end.machine().tls().is_none()) {
        let [client, server] = &mut ends;
        pass(client, server);
        pass(server, client);
    }
    ends
}

/// All that one has to say goes to the other, as far as that takes it.
fn pass(from: &mut Secured<data::Connection>, to: &mut Secured<data::Connection>) {
    loop {
        let taken = match from.poll().expect("no error") {
            Action::Event(_) => continue,
            Action::Write { bytes, .. } => to.received(NOW, bytes),
            _ => return,
        };
        if taken == 0 {
            return;
        }
        from.wrote(NOW, taken);
    }
}

/// The sender of a large file to a peer that takes a byte, and then no more. All is full.
pub fn stalled(setup: &Setup, wire: &mut Wire, direction: Direction) -> impl Sized + use<> {
    let [client, server] = pair(setup, wire, direction);
    let mut sender = match direction {
        Direction::Send => client,
        Direction::Receive => server,
    };
    let piece = vec![0; 1024 * 1024];
    // A server's tickets, and what else is to be said first.
    sender.machine_mut().write(NOW, b"b");
    while let action @ (Action::Write { .. } | Action::Event(_)) = sender.poll().expect("no error")
    {
        if let Action::Write { bytes, .. } = action {
            let count = bytes.len();
            sender.wrote(NOW, count);
        }
    }
    let sent = sender.send_past(&piece, || NOW, |_| Poll::Ready(Ok(1)));
    assert!(sent.is_some(), "it goes past");
    while sender.machine_mut().write(NOW, &piece) > 0 {}
    assert!(matches!(sender.poll(), Ok(Action::Write { .. })));
    sender
}

/// The same through the machine, as async servers send.
pub fn stalled_in_machine(setup: &Setup, wire: &mut Wire) -> impl Sized + use<> {
    let [_, mut sender] = pair(setup, wire, Direction::Receive);
    let piece = vec![0; 1024 * 1024];
    while sender.machine_mut().write(NOW, &piece) > 0 {}
    loop {
        match sender.poll().expect("no error") {
            // Its tickets.
            Action::Write { bytes, .. } if bytes.len() < FLIGHT => {
                let count = bytes.len();
                sender.wrote(NOW, count);
            }
            Action::Event(_) => {}
            Action::Write { .. } => return sender,
            action => panic!("{action:?}"),
        }
    }
}

impl Bare {
    /// As [`Ours::new`].
    pub fn new(setup: &Setup, bytes: usize) -> Self {
        let name = crate::login::NAME.try_into().expect("a name");
        let config = Arc::clone(&setup.client_tls);
        let mut client = UnbufferedClientConnection::new(config, name).expect("a client");
        let mut server = setup.bare_server();
        let mut wire = Vec::new();
        let mut outgoing = vec![0; FLIGHT];
        let mut filled = 0;
        loop {
            let UnbufferedStatus { discard, state } = client.process_tls_records(&mut wire);
            let mut stands = false;
            match state.expect("no error") {
                ConnectionState::EncodeTlsData(mut flight) => {
                    filled += flight.encode(&mut outgoing[filled..]).expect("room");
                }
                ConnectionState::TransmitTlsData(sent) => {
                    take(&mut server, &outgoing[..filled]);
                    filled = 0;
                    sent.done();
                }
                ConnectionState::BlockedHandshake => {
                    wire.drain(..discard);
                    give(&mut server, &mut wire);
                    continue;
                }
                ConnectionState::WriteTraffic(_) => stands = true,
                state => panic!("{state:?}"),
            }
            wire.drain(..discard);
            if stands {
                break;
            }
        }
        give(&mut server, &mut wire);
        seal(&mut server, bytes, &mut wire);
        let buffer = vec![0; BARE_CHUNK + FLIGHT + FLIGHT];
        Self {
            client,
            wire,
            buffer,
        }
    }

    /// As [`Ours::download`], but the bytes are used where they are.
    pub fn download(&mut self) -> usize {
        let Self {
            client,
            wire,
            buffer,
        } = self;
        let mut rest = &wire[..];
        let (mut filled, mut moved) = (0, 0);
        loop {
            let came = read(&mut rest, &mut buffer[filled..], BARE_CHUNK);
            if came == 0 {
                return moved;
            }
            filled += came;
            let mut start = 0;
            loop {
                let UnbufferedStatus { mut discard, state } =
                    client.process_tls_records(&mut buffer[start..filled]);
                let mut is_all = true;
                match state.expect("no error") {
                    ConnectionState::ReadTraffic(mut traffic) => {
                        is_all = false;
                        while let Some(record) = traffic.next_record() {
                            let record = record.expect("it decrypts");
                            discard += record.discard;
                            moved += black_box(record.payload).len();
                        }
                    }
                    ConnectionState::PeerClosed | ConnectionState::WriteTraffic(_) => {}
                    state => panic!("{state:?}"),
                }
                start += discard;
                if is_all {
                    break;
                }
            }
            // What is not whole yet goes to the front.
            buffer.copy_within(start..filled, 0);
            filled -= start;
        }
    }

    /// Seals these bytes, a piece at a time. How many bytes that makes.
    pub fn upload(&mut self, file: &[u8], outgoing: &mut [u8]) -> usize {
        let mut sent = 0;
        for piece in file.chunks(CHUNK) {
            // A ticket may wait before it.
            loop {
                let status = self.client.process_tls_records(&mut []);
                if let ConnectionState::WriteTraffic(mut traffic) = status.state.expect("no error")
                {
                    sent += traffic.encrypt(piece, outgoing).expect("room");
                    break;
                }
            }
        }
        sent
    }
}

/// As a socket gives bytes: at most so many, copied. How many.
fn read(wire: &mut &[u8], space: &mut [u8], most: usize) -> usize {
    let count = wire.len().min(space.len()).min(most);
    space[..count].copy_from_slice(&wire[..count]);
    *wire = &wire[count..];
    count
}

fn take<S: SideData>(to: &mut ConnectionCommon<S>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        to.read_tls(&mut bytes).expect("a slice gives everything");
        to.process_new_packets().expect("no error");
    }
}

fn give<S: SideData>(from: &mut ConnectionCommon<S>, wire: &mut Vec<u8>) {
    while from.wants_write() {
        from.write_tls(wire).expect("a vector takes everything");
    }
}

/// So many bytes, and the end.
fn seal(server: &mut ServerConnection, bytes: usize, wire: &mut Vec<u8>) {
    let piece = [b'.'; 16 * 1024];
    let mut rest = bytes;
    while rest > 0 {
        let count = rest.min(piece.len());
        std::io::Write::write_all(&mut server.writer(), &piece[..count]).expect("it is taken");
        give(server, wire);
        rest -= count;
    }
    server.send_close_notify();
    give(server, wire);
}
