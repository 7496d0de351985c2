use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_proto::client::{self, DataProtection, Login};
use ftp_proto::server;
use ftp_proto::wire::{Code, Command, Reply};
use ftp_proto::{Action, Instant, Machine};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};

use super::{SECRET, contains};
use crate::SelfMade;

const NAME: &str = "ftp.example.com";
/// More turns than any of our inputs can cause.
const MOST_TURNS: usize = 20_000;

/// One certificate for the whole process, and what both sides make of it, by version.
static TLS: LazyLock<[(Arc<ClientConfig>, Arc<ServerConfig>); 2]> = LazyLock::new(|| {
    let made = SelfMade::for_names([NAME]);
    [Versions::Tls12, Versions::Tls13].map(|versions| {
        let pem = made.certificate_pem.as_bytes();
        let roots = roots_from_pem(pem).expect("a root");
        let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).expect("an identity");
        (
            client_config_with_versions(Roots::Store(roots), None, versions).expect("a client"),
            server_config_with_versions(identity, ClientCertificates::NotAsked, versions)
                .expect("a server"),
        )
    })
});

/// A client and a server of ours under real TLS, with a transport that cuts, adds, changes and
/// drops bytes as the script says: the first byte chooses the configuration, then come operations
/// of two bytes. TLS draws randomness of its own, so that the same script may take another course.
///
/// * Neither side loops; a poll that is not acted on repeats itself; the end stays.
/// * No name and no password is ever in what goes over the wire, and none is given in clear.
/// * A client is logged in only after a verdict that a server's application gave under TLS.
/// * An honest transport leads to a login at both sides.
/// * A side that is left alone comes to an end.
pub fn secured(data: &[u8]) {
    let Some((choices, script)) = data.split_first() else {
        return;
    };
    let mut pair = Pair::new(*choices);
    for operation in script.chunks_exact(2).take(100) {
        pair.operate(operation[0], operation[1]);
    }
    pair.settle(usize::MAX);
    pair.assert_outcome();
    pair.client.fall_silent(|client, now| {
        let _ = client.machine_mut().quit(now);
    });
    pair.server
        .fall_silent(|server, now| server.machine_mut().shutdown(now, "Enough."));
}

struct Pair {
    client: End<client::Connection>,
    server: End<server::Connection>,
    /// Bytes under way.
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    /// Nothing was added, changed, dropped or cut short, and nobody was told to leave.
    honest: bool,
    /// The client was let in at least once.
    logged_in: bool,
    /// The server's application said yes at least once.
    accepted: bool,
}

/// One side.
struct End<M: ftp_proto::Securable> {
    secured: Secured<M>,
    now: Instant,
    sent: Vec<u8>,
    /// Most bytes in one write.
    chunk: usize,
    end: Option<String>,
}

enum Turn<E> {
    Event(E),
    Wrote,
    Reads,
    Waits,
    Over,
}

impl<M> End<M>
where
    M: ftp_proto::Securable + std::fmt::Debug,
    M::Event: std::fmt::Debug,
    M::Error: std::fmt::Debug + std::fmt::Display + std::error::Error + 'static,
{
    fn new(secured: Secured<M>, chunk: usize) -> Self {
        Self {
            secured,
            now: Instant::START,
            sent: Vec::new(),
            chunk,
            end: None,
        }
    }

    fn ask(&mut self) -> Result<String, M::Event> {
        match self.secured.poll() {
            Ok(Action::Event(event)) => Err(event),
            Ok(action) => Ok(format!("{action:?}")),
            Err(error) => Ok(format!("Err({error:?}: {error})")),
        }
    }

    fn turn(&mut self) -> Turn<M::Event> {
        let first = match self.ask() {
            Ok(first) => first,
            Err(event) => {
                assert!(self.end.is_none(), "an event behind the end");
                assert!(!format!("{event:?}").contains(SECRET));
                return Turn::Event(event);
            }
        };
        assert!(!first.contains(SECRET), "a secret is shown");
        assert_eq!(self.ask().ok().as_ref(), Some(&first), "asked twice");
        if self.deadline().is_none_or(|at| at > self.now) {
            self.secured.timed_out(self.now);
            self.secured.timed_out(Instant::START);
            self.secured.wrote(Instant::START, 0);
            assert_eq!(self.ask().ok().as_ref(), Some(&first), "timed out early");
        }
        let count = match self.secured.poll() {
            Ok(Action::Write { bytes, .. }) => {
                assert!(!bytes.is_empty(), "a write of nothing");
                let count = bytes.len().min(self.chunk);
                self.sent.extend_from_slice(&bytes[..count]);
                count
            }
            Ok(Action::Read { .. }) => return Turn::Reads,
            Ok(Action::Wait { .. }) => return Turn::Waits,
            Ok(Action::Shutdown { .. }) => panic!("no control connection asks for it"),
            Ok(Action::Closed) | Err(_) => {
                if let Some(before) = self.end.replace(first) {
                    assert_eq!(Some(before), self.end, "the end stays");
                }
                return Turn::Over;
            }
            Ok(Action::Event(event)) => panic!("an event of no cause: {event:?}"),
        };
        self.secured.wrote(self.now, count);
        Turn::Wrote
    }

    fn deadline(&mut self) -> Option<Instant> {
        match self.secured.poll() {
            Ok(
                Action::Write { deadline, .. }
                | Action::Read { deadline }
                | Action::Wait { deadline }
                | Action::Shutdown { deadline },
            ) => deadline,
            _ => None,
        }
    }

    /// Hands over up to `count` bytes, if they are asked for.
    fn receive(&mut self, bytes: &mut Vec<u8>, count: usize) -> bool {
        if !matches!(self.secured.poll(), Ok(Action::Read { .. })) {
            return false;
        }
        let count = count.min(bytes.len());
        let taken = self.secured.received(self.now, &bytes[..count]);
        assert!(taken <= count, "took more than there was");
        assert!(taken > 0 || count == 0, "asked to read, and took nothing");
        bytes.drain(..taken);
        taken > 0
    }

    fn eof(&mut self) {
        self.secured.received_eof(self.now);
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.secured.timed_out(self.now);
    }

    /// The other side says nothing more, and reads what it is sent.
    fn fall_silent(&mut self, mut leave: impl FnMut(&mut Secured<M>, Instant)) {
        for _ in 0..MOST_TURNS {
            match self.turn() {
                Turn::Over => return self.assert_over(),
                Turn::Event(_) | Turn::Wrote => {}
                Turn::Reads | Turn::Waits => match self.deadline() {
                    Some(at) => self.advance(at),
                    None => leave(&mut self.secured, self.now),
                },
            }
        }
        panic!("a silent peer is waited for without end");
    }

    fn assert_over(&mut self) {
        assert_eq!(self.secured.received(self.now, b"220 x\r\n"), 7);
        self.secured.received_eof(self.now);
        self.advance(self.now + Duration::from_secs(100_000));
        assert!(matches!(self.turn(), Turn::Over));
        assert!(!format!("{:?}", self.secured).contains(SECRET));
    }
}

impl Pair {
    fn new(choices: u8) -> Self {
        let is = |bit: u8| choices & (1 << bit) != 0;
        let (client_tls, server_tls) = &TLS[usize::from(is(0))];
        let login = Login::new("sentinel-user", SECRET).expect("a login");
        let client = client::Config::new(login)
            .security(if is(1) {
                client::Security::ImplicitTls
            } else {
                client::Security::ExplicitTls
            })
            .data_protection(DataProtection::Preferred)
            .pipelining(is(2))
            .clear_command_channel(true);
        let server = server::Config::new()
            .security(if is(1) {
                server::Security::ImplicitTls
            } else {
                server::Security::ExplicitTls
            })
            .clear_command_channel(true);
        let start = Instant::START;
        let tls = ClientTls::for_host(Arc::clone(client_tls), NAME).expect("a name");
        let chunk = [usize::MAX, 1000, 100, 17][usize::from(choices >> 6)];
        Self {
            client: End::new(
                Secured::client(client::Connection::new(client, start), tls),
                chunk,
            ),
            server: End::new(
                Secured::server(
                    server::Connection::new(Arc::new(server), start),
                    Arc::clone(server_tls),
                ),
                chunk,
            ),
            to_client: Vec::new(),
            to_server: Vec::new(),
            honest: true,
            logged_in: false,
            accepted: false,
        }
    }

    fn operate(&mut self, operation: u8, operand: u8) {
        self.honest &= operation % 16 < 8;
        let count = usize::from(operand);
        let now = self.client.now;
        match operation % 16 {
            0 => self.settle(usize::MAX),
            1 => self.settle(count + 1),
            2 => drop(self.client.receive(&mut self.to_client, count)),
            3 => drop(self.server.receive(&mut self.to_server, count)),
            4 => self.run(),
            5 => {
                let line = ["NOOP", "PROT P", "PROT C", "RETR a"][count % 4];
                let command = Command::from_line(line).expect("a command");
                let _ = self.client.secured.machine_mut().send(now, command);
            }
            6 => {
                let login = Login::new("sentinel-user", SECRET).expect("a login");
                let client = self.client.secured.machine_mut();
                let _ = client.reinitialize(now, login);
            }
            7 => {
                let client = self.client.secured.machine_mut();
                let _ = client.clear_command_channel(now);
            }
            8 => insert(&mut self.to_client, count, b"230 Logged in.\r\n"),
            9 => insert(&mut self.to_server, count, b"USER open\r\n"),
            10 => insert(&mut self.to_client, count, &[operand]),
            11 => insert(&mut self.to_server, count, &[operand]),
            12 => {
                // Changed or dropped, in the middle of a record or not.
                let bytes = if operand & 1 == 0 {
                    &mut self.to_client
                } else {
                    &mut self.to_server
                };
                match bytes.get_mut(count / 4) {
                    Some(byte) if operand & 2 == 0 => *byte ^= operand | 1,
                    Some(_) => bytes.truncate(count / 4),
                    None => {}
                }
            }
            13 => {
                let later = now + Duration::from_secs(operand.into());
                self.client.advance(later);
                self.server.advance(later);
            }
            14 if operand & 1 == 0 => self.client.eof(),
            14 => self.server.eof(),
            _ if operand & 1 == 0 => {
                let _ = self.client.secured.machine_mut().quit(now);
            }
            _ => {
                let server = self.server.secured.machine_mut();
                server.shutdown(now, "Enough.");
            }
        }
    }

    /// Both do all that they can do without reading.
    fn run(&mut self) {
        for _ in 0..MOST_TURNS {
            let client = self.client.turn();
            let server = self.server.turn();
            self.carry();
            let busy = matches!(client, Turn::Wrote | Turn::Event(_))
                || matches!(server, Turn::Wrote | Turn::Event(_));
            if let Turn::Event(client::Event::LoggedIn(session)) = &client {
                assert!(session.tls.is_some(), "a login in clear");
                self.logged_in = true;
            }
            if let Turn::Event(event) = server {
                self.serve(event);
            }
            if !busy {
                return;
            }
        }
        panic!("the two do not come to rest");
    }

    fn carry(&mut self) {
        for (end, pipe) in [
            (&mut self.client.sent, &mut self.to_server),
            (&mut self.server.sent, &mut self.to_client),
        ] {
            assert!(!contains(end, SECRET.as_bytes()), "a secret in clear");
            assert!(!contains(end, b"sentinel-user"), "a name in clear");
            pipe.append(end);
        }
    }

    fn serve(&mut self, event: server::Event) {
        let now = self.server.now;
        let server = self.server.secured.machine_mut();
        match event {
            server::Event::Authenticate(attempt) => {
                assert!(attempt.tls().is_some(), "an attempt in clear");
                assert_eq!(attempt.username().as_bytes(), b"sentinel-user");
                let right = attempt
                    .password()
                    .is_some_and(|given| given.expose() == SECRET.as_bytes());
                assert!(right, "the password came as it was sent");
                self.accepted |= server.decide(now, attempt.accept()).is_ok();
            }
            server::Event::Command(request) => {
                let reply = Reply::new(Code::OKAY, "Done.").expect("a reply");
                let _ = server.reply(now, request.id(), &reply);
            }
            _ => {}
        }
    }

    /// Everything under way arrives, in chunks of `count` bytes.
    fn settle(&mut self, count: usize) {
        for _ in 0..MOST_TURNS {
            self.run();
            let to_client = self.client.receive(&mut self.to_client, count);
            let to_server = self.server.receive(&mut self.to_server, count);
            if !to_client && !to_server {
                return;
            }
        }
        panic!("the two do not come to rest");
    }

    fn assert_outcome(&self) {
        let server_state = self.server.secured.machine().phase();
        if self.honest {
            let ends = (&self.client.end, &self.server.end);
            assert!(self.logged_in && ends == (&None, &None), "{ends:?}");
            assert!(self.client.secured.machine().session().is_some());
            assert_eq!(server_state, server::Phase::LoggedIn);
        }
        assert!(
            !self.logged_in || self.accepted,
            "the client believes what no verdict said"
        );
    }
}

/// Bytes of someone in the middle.
fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, new.iter().copied());
}
