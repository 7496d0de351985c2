//! A client, a scripted control connection and a data server, in memory and in virtual time.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_proto::client::{
    Config, Connection, DataMode, Event, Login, PassiveCommand, Security, Transfer, TransferError,
    Transferred,
};
use ftp_proto::data::{self, Detached, Direction, Open};
use ftp_proto::wire::Command;
use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsVersion};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};
use ftp_testkit::SelfMade;

use super::server::{Ends, Port, Server, usual_reply};

const NAME: &str = "ftp.example.com";
/// More turns than any case can take.
const MOST_TURNS: usize = 200_000;
/// No case may take longer: the deadlines of a whole transfer, one after the other.
const LONGEST: Duration = Duration::from_secs(200);

static TLS: LazyLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = LazyLock::new(|| {
    let made = SelfMade::for_names([NAME]);
    let pem = made.certificate_pem.as_bytes();
    let roots = Roots::Store(roots_from_pem(pem).unwrap());
    let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).unwrap();
    let versions = Versions::Tls13;
    (
        client_config_with_versions(roots, None, versions).unwrap(),
        server_config_with_versions(identity, ClientCertificates::NotAsked, versions).unwrap(),
    )
});

/// What became of it.
pub(super) struct Run {
    pub(super) outcome: Result<Transferred, TransferError>,
    /// The control connection's end, if it ended.
    pub(super) error: Option<String>,
    /// What the application read.
    pub(super) read: Vec<u8>,
    pub(super) sent: Vec<String>,
    pub(super) dialled: Vec<Open>,
    pub(super) took: Duration,
}

pub(super) struct World {
    server: Server,
    client: Connection,
    now: Instant,
    /// The application's side, and what the application has still to write.
    data: Option<Secured<data::Connection>>,
    upload: Vec<u8>,
    /// The server's side, where it speaks TLS or none as it should.
    peer: Option<Secured<data::Connection>>,
    to_write: usize,
    to_client: Vec<u8>,
    to_peer: Vec<u8>,
    is_peer_gone: bool,
    /// The application gives up after so many bytes.
    pub(super) enough: usize,
    delayed: Option<String>,
    outcome: Option<Result<Transferred, TransferError>>,
    replies: Vec<u16>,
    error: Option<String>,
    run: (Vec<u8>, Vec<String>, Vec<Open>),
}

impl World {
    /// A client that is logged in, with data connections protected if the server's are.
    pub(super) fn new(server: Server) -> Self {
        let mode = DataMode::Passive(PassiveCommand::Either);
        let config = Config::new(Login::new("anna", "x").unwrap()).data_mode(mode);
        let config = config.security(match server.is_protected {
            true => Security::ExplicitTls,
            false => Security::DangerousPlaintext,
        });
        let mut world = Self {
            client: Connection::new(config, Instant::START),
            server,
            now: Instant::START,
            data: None,
            upload: Vec::new(),
            peer: None,
            to_write: 0,
            to_client: Vec::new(),
            to_peer: Vec::new(),
            is_peer_gone: false,
            enough: usize::MAX,
            delayed: None,
            outcome: None,
            replies: Vec::new(),
            error: None,
            run: Default::default(),
        };
        world.say("220 Ready.\r\n");
        world.control();
        if world.server.is_protected {
            let session = TlsSession::new(TlsVersion::Tls13, "TLS13_AES_128_GCM_SHA256");
            world.client.tls_started(world.now, session);
            world.control();
        }
        assert!(world.client.session().is_some(), "{:?}", world.error);
        world.run.1.clear();
        world
    }

    fn say(&mut self, reply: &str) {
        assert_eq!(
            self.client.received(self.now, reply.as_bytes()),
            reply.len()
        );
    }

    /// The control connection's turn; `true` if anything happened.
    fn control(&mut self) -> bool {
        let mut is_busy = false;
        for _ in 0..MOST_TURNS {
            let count = match self.client.poll() {
                Ok(Action::Event(event)) => {
                    is_busy = true;
                    self.hear(event);
                    continue;
                }
                Ok(Action::Write { bytes, .. }) => {
                    let line = String::from_utf8(bytes.to_vec()).unwrap();
                    self.run.1.push(line.trim_end().to_owned());
                    bytes.len()
                }
                Ok(Action::Read { .. } | Action::Wait { .. }) => return is_busy,
                Ok(Action::Shutdown { .. }) => panic!("no control connection asks for it"),
                Ok(Action::Closed) => {
                    self.error = Some("Closed".into());
                    return is_busy;
                }
                Err(error) => {
                    self.error = Some(error.to_string());
                    return is_busy;
                }
            };
            is_busy = true;
            self.client.wrote(self.now, count);
            self.answer();
        }
        panic!("the client does not come to rest");
    }

    /// The server answers the command that came last.
    fn answer(&mut self) {
        let line = self.run.1.last().cloned().unwrap_or_default();
        let own = self
            .server
            .replies
            .iter()
            .find(|(command, _)| line.starts_with(command));
        let reply = match own {
            Some((_, reply)) => (*reply).to_owned(),
            None => usual_reply(&line).to_owned(),
        };
        let is_transfer = ["RETR", "STOR", "LIST"]
            .iter()
            .any(|verb| line.starts_with(verb));
        if is_transfer && self.server.handshake_first {
            self.delayed = Some(reply);
        } else {
            self.say(&reply);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::OpenData(ticket) => self.dial(ticket),
            Event::Transferred { outcome, .. } => {
                assert!(self.outcome.replace(outcome).is_none(), "one outcome");
                self.data = None;
            }
            Event::Reply { reply, .. } => self.replies.push(reply.code().get()),
            Event::Unsolicited(reply) => panic!("unsolicited: {reply}"),
            _ => {}
        }
    }

    fn dial(&mut self, ticket: data::Ticket) {
        self.run.2.push(ticket.open());
        match self.server.port {
            Port::Refused => self.client.data_failed(self.now, ticket).unwrap(),
            // The ticket is kept until the deadline: so would be one that is being dialled.
            Port::Unreachable => std::mem::forget(ticket),
            port => {
                let direction = match ticket.direction() {
                    Direction::Send => Direction::Receive,
                    Direction::Receive => Direction::Send,
                };
                let connection = self.client.data_opened(self.now, ticket).unwrap();
                let tls = ClientTls::for_host(Arc::clone(&TLS.0), NAME).unwrap();
                self.data = Some(Secured::client(connection, tls));
                self.is_peer_gone = false;
                self.to_write = 0;
                match port {
                    Port::Honest => {
                        let plan = Detached::new(direction).protected(self.server.is_protected);
                        let config = Arc::clone(&TLS.1);
                        self.peer = Some(Secured::server(plan.connect(self.now), config));
                    }
                    Port::Says(bytes) => {
                        self.to_client.extend_from_slice(bytes);
                        self.is_peer_gone = true;
                    }
                    _ => {}
                }
            }
        }
    }

    /// The data server's turn.
    fn serve(&mut self) -> bool {
        let Some(peer) = &mut self.peer else {
            return false;
        };
        let now = self.now;
        let payload = &self.server.payload;
        let rest = &payload[self.to_write.min(payload.len())..];
        let written = peer.machine_mut().write(now, rest);
        self.to_write += written;
        if self.server.ends == Ends::Never && self.to_write == payload.len() && payload.len() > 9 {
            // Without an end.
            self.to_write = 0;
        }
        if self.to_write >= payload.len() && self.server.ends == Ends::Properly {
            peer.machine_mut().finish(now);
        }
        let mut is_busy = written > 0;
        loop {
            let count = match peer.poll() {
                Ok(Action::Event(data::Event::TlsEstablished(_))) => {
                    is_busy = true;
                    if let Some(reply) = self.delayed.take() {
                        let taken = self.client.received(now, reply.as_bytes());
                        assert_eq!(taken, reply.len());
                        // What it says against the transfer it says before any byte.
                        if reply.starts_with(['4', '5']) {
                            self.peer = None;
                            self.is_peer_gone = true;
                            return true;
                        }
                    }
                    continue;
                }
                Ok(Action::Event(_)) => {
                    let there = peer.machine().readable().len();
                    peer.machine_mut().consume(now, there);
                    is_busy = true;
                    continue;
                }
                Ok(Action::Write { bytes, .. }) if self.to_client.len() < 100_000 => {
                    self.to_client.extend_from_slice(bytes);
                    bytes.len()
                }
                Ok(Action::Read { .. }) if !self.to_peer.is_empty() => {
                    let taken = peer.received(now, &self.to_peer);
                    self.to_peer.drain(..taken);
                    is_busy |= taken > 0;
                    if taken == 0 {
                        break;
                    }
                    continue;
                }
                Ok(Action::Shutdown { .. }) => {
                    peer.shut_down(now);
                    self.is_peer_gone = true;
                    is_busy = true;
                    continue;
                }
                _ => break,
            };
            is_busy = true;
            peer.wrote(now, count);
        }
        let is_all_sent = self.to_write >= self.server.payload.len() && peer.machine().is_flushed();
        let is_up = !self.server.is_protected || peer.machine().tls().is_some();
        let is_cut = matches!(self.server.ends, Ends::WithoutNotice | Ends::Reset);
        if is_cut && is_all_sent && is_up && !self.is_peer_gone {
            self.is_peer_gone = true;
            is_busy = true;
        }
        is_busy
    }

    /// The data connection's turn at the client.
    fn move_data(&mut self) -> bool {
        let Some(data) = &mut self.data else {
            return false;
        };
        let now = self.now;
        let mut is_busy = false;
        if data.machine().direction() == Direction::Send {
            let written = data.machine_mut().write(now, &self.upload);
            self.upload.drain(..written);
            if self.upload.is_empty() {
                data.machine_mut().finish(now);
            }
        }
        loop {
            let there = data.machine().readable();
            assert!(there.len() <= 64 * 1024, "memory is bounded");
            let there = there.to_vec();
            self.run
                .0
                .extend_from_slice(&there[..there.len().min(1 << 21)]);
            data.machine_mut().consume(now, there.len());
            is_busy |= !there.is_empty();
            if self.run.0.len() >= self.enough {
                // The application has enough.
                self.data = None;
                return true;
            }
            let count = match data.poll() {
                Ok(Action::Event(_)) => {
                    is_busy = true;
                    continue;
                }
                Ok(Action::Write { bytes, .. }) => {
                    self.to_peer.extend_from_slice(bytes);
                    bytes.len()
                }
                Ok(Action::Read { .. }) if !self.to_client.is_empty() => {
                    let taken = data.received(now, &self.to_client);
                    self.to_client.drain(..taken);
                    if taken == 0 {
                        return is_busy;
                    }
                    is_busy = true;
                    continue;
                }
                Ok(Action::Read { .. }) if self.is_peer_gone => {
                    self.is_peer_gone = false;
                    match self.server.ends {
                        Ends::Reset => data.cut_off(now),
                        _ => data.received_eof(now),
                    }
                    is_busy = true;
                    continue;
                }
                Ok(Action::Shutdown { .. }) => {
                    data.shut_down(now);
                    if let Some(peer) = &mut self.peer {
                        peer.received_eof(now);
                    }
                    is_busy = true;
                    continue;
                }
                Ok(Action::Read { .. } | Action::Wait { .. }) => return is_busy,
                Ok(Action::Closed) | Err(_) => break,
            };
            is_busy = true;
            data.wrote(now, count);
        }
        if let Some(data) = self.data.take() {
            let _over = self.client.data_ended(now, data.into_machine().into_end());
            if let Some(reply) = self.delayed.take() {
                self.say(&reply);
            }
            let after = self.server.after;
            self.say(after);
        }
        true
    }

    fn deadline(&mut self) -> Option<Instant> {
        fn of<M: Machine>(machine: &mut M) -> Option<Instant> {
            match machine.poll() {
                Ok(
                    Action::Write { deadline, .. }
                    | Action::Read { deadline }
                    | Action::Wait { deadline }
                    | Action::Shutdown { deadline },
                ) => deadline,
                _ => None,
            }
        }
        let data = self.data.as_mut().and_then(of);
        [of(&mut self.client), data].into_iter().flatten().min()
    }

    /// Runs a transfer until it is over; an upload has `upload` to send.
    pub(super) fn transfer(&mut self, transfer: Transfer, upload: &[u8]) -> Run {
        self.upload = upload.to_vec();
        self.run = Default::default();
        let begun = self.now;
        self.client.transfer(self.now, transfer).unwrap();
        for _ in 0..MOST_TURNS {
            let is_busy = [self.control(), self.serve(), self.move_data()].contains(&true);
            if let Some(outcome) = self.outcome.take() {
                self.peer = None;
                self.to_client.clear();
                self.to_peer.clear();
                self.control();
                let (read, sent, dialled) = std::mem::take(&mut self.run);
                let took = self.now - begun;
                assert!(took <= LONGEST, "it took {took:?}");
                return Run {
                    outcome,
                    error: self.error.clone(),
                    read,
                    sent,
                    dialled,
                    took,
                };
            }
            if !is_busy {
                let next = self.deadline().expect("nothing can happen any more");
                self.now = self.now.max(next);
                self.client.timed_out(self.now);
                if let Some(data) = &mut self.data {
                    data.timed_out(self.now);
                }
            }
        }
        panic!("a transfer without an end");
    }

    /// The next command has its own reply, or the connection is known to be over.
    pub(super) fn assert_usable_or_over(&mut self) {
        self.control();
        if self.error.is_some() {
            return;
        }
        self.replies.clear();
        let pwd = Command::from_line("PWD").unwrap();
        self.client.send(self.now, pwd).unwrap();
        self.control();
        assert_eq!(self.replies, [257]);
    }
}
