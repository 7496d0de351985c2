//! Whole logins in memory, of one side or both, and beside them what rustls alone does.

use std::fmt::Debug;
use std::sync::Arc;

use ftp_proto::{Account, Action, Instant, Machine, client, server};
use ftp_rustls::rustls::client::Resumption;
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{self, ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};

const NOW: Instant = Instant::START;
pub(crate) const NAME: &str = "ftp.example.com";
const USER: &str = "developer";
/// Of whom an account is asked.
const MEMBER: &str = "member";
const PASSWORD: &str = "correct horse";
const ACCOUNT: &str = "4711";

/// What a server says in a plain login, each behind one of [`COMMANDS`] but the greeting.
pub const REPLIES: [&[u8]; 3] = [
    b"220 FTP server ready.\r\n",
    b"331 Please specify the password.\r\n",
    b"230 Login successful.\r\n",
];

/// What a client says in a plain login.
pub const COMMANDS: [&[u8]; 2] = [b"USER developer\r\n", b"PASS correct horse\r\n"];

/// How a login goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `USER`, `PASS`.
    Plain,
    /// `USER`, `PASS`, `ACCT`.
    Account,
    /// `AUTH TLS` and a full handshake of TLS 1.3, `PBSZ`, `PROT`, `USER`, `PASS`.
    Tls,
    /// The same with a session that is resumed.
    TlsResumed,
}

/// What all logins of one way share, made beforehand.
#[derive(Debug, Clone)]
pub struct Setup {
    way: Way,
    client: client::Config,
    server: Arc<server::Config>,
    pub(crate) client_tls: Arc<ClientConfig>,
    server_tls: Arc<ServerConfig>,
}

/// More than a flight of a handshake takes.
const ROOM: usize = 16 * 1024;

/// Bytes that are on their way. Kept from one login to the next, as a driver keeps its buffers.
#[derive(Debug, Default)]
pub struct Wire {
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

impl Wire {
    /// With room for a handshake: it does not grow while memory is measured.
    pub fn roomy() -> Self {
        Self {
            to_client: Vec::with_capacity(ROOM),
            to_server: Vec::with_capacity(ROOM),
        }
    }
}

/// Both sides of a login.
pub type Both = (Secured<client::Connection>, Secured<server::Connection>);

impl Setup {
    /// Certificates are made on the spot. A session to resume is left from a first login.
    pub fn new(way: Way) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let roots = Roots::Store(roots_from_pem(certificate.as_bytes()).expect("a root"));
        let identity =
            Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("an identity");
        let mut client_tls = client_config_with_versions(roots, None, Versions::Tls13)
            .expect("a client's configuration");
        let server_tls =
            server_config_with_versions(identity, ClientCertificates::NotAsked, Versions::Tls13)
                .expect("a server's configuration");
        if way == Way::Tls {
            // For the bare handshake. A login keeps its sessions elsewhere: see `forget_sessions`.
            Arc::make_mut(&mut client_tls).resumption = Resumption::disabled();
        }
        let security = match way {
            Way::Plain | Way::Account => server::Security::DangerousPlaintext,
            Way::Tls | Way::TlsResumed => server::Security::ExplicitTls,
        };
        let mut setup = Self {
            way,
            client: client_config(way),
            server: Arc::new(server::Config::new().security(security)),
            client_tls,
            server_tls,
        };
        if way == Way::TlsResumed {
            setup.way = Way::Tls;
            setup.log_in(&mut Wire::default());
            setup.way = way;
        }
        setup
    }

    /// Lets the next login of [`Way::Tls`] shake hands in full: no session is known under the client's
    /// configuration. What is made once for a configuration is made here.
    pub fn forget_sessions(&mut self) {
        if self.way == Way::Tls {
            self.client_tls = Arc::new(ClientConfig::clone(&self.client_tls));
            drop(self.secured_client());
        }
    }

    /// As adapters do it: without TLS there is none around it.
    fn secured_server(&self) -> Secured<server::Connection> {
        match self.way {
            Way::Tls | Way::TlsResumed => {
                Secured::server(self.server(), Arc::clone(&self.server_tls))
            }
            Way::Plain | Way::Account => Secured::clear(self.server()),
        }
    }

    fn secured_client(&self) -> Secured<client::Connection> {
        if let Way::Plain | Way::Account = self.way {
            return Secured::clear(self.client());
        }
        let tls = ClientTls::for_host(Arc::clone(&self.client_tls), NAME).expect("a name");
        Secured::client(self.client(), tls)
    }

    /// A client that has not begun.
    pub fn client(&self) -> client::Connection {
        client::Connection::new(self.client.clone(), NOW)
    }

    /// A server that has not begun.
    pub fn server(&self) -> server::Connection {
        server::Connection::new(Arc::clone(&self.server), NOW)
    }

    /// Both sides, from greeting to logged in and at rest.
    pub fn log_in(&self, wire: &mut Wire) -> Both {
        let mut client = self.secured_client();
        let mut server = self.secured_server();
        let Wire {
            to_client,
            to_server,
        } = wire;
        loop {
            let moved = drive(&mut client, to_client, to_server, |_, _| {});
            let answered = drive(&mut server, to_server, to_client, |server, event| {
                decide(server.machine_mut(), event);
            });
            if !moved && !answered {
                break;
            }
        }
        let session = client.machine().session().expect("logged in");
        let resumed = session.tls.as_ref().is_some_and(|tls| tls.resumed);
        assert_eq!(resumed, self.way == Way::TlsResumed);
        (client, server)
    }

    /// The client alone, which is told what [`REPLIES`] say.
    pub fn client_alone(&self, mut client: client::Connection) -> client::Connection {
        alone(&mut client, &REPLIES, |_, _| {});
        assert!(client.session().is_some());
        client
    }

    /// The server alone, which is told what [`COMMANDS`] say.
    pub fn server_alone(&self, mut server: server::Connection) -> server::Connection {
        alone(&mut server, &COMMANDS, decide);
        assert_eq!(server.phase(), server::Phase::LoggedIn);
        server
    }

    /// The server's side of TLS, without ours.
    pub(crate) fn bare_server(&self) -> ServerConnection {
        ServerConnection::new(Arc::clone(&self.server_tls)).expect("a server")
    }

    /// What rustls does for the same handshake, tickets included, and nothing else.
    pub fn bare_handshake(&self, wire: &mut Wire) -> (ClientConnection, ServerConnection) {
        let name = ServerName::try_from(NAME).expect("a name");
        let config = Arc::clone(&self.client_tls);
        let mut client = ClientConnection::new(config, name).expect("a client");
        let mut server = ServerConnection::new(Arc::clone(&self.server_tls)).expect("a server");
        while client.wants_write() || server.wants_write() {
            carry(&mut client, &mut server, &mut wire.to_server);
            carry(&mut server, &mut client, &mut wire.to_client);
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        (client, server)
    }
}

fn client_config(way: Way) -> client::Config {
    let name = match way {
        Way::Account => MEMBER,
        _ => USER,
    };
    let mut login = client::Login::new(name, PASSWORD).expect("a login");
    if way == Way::Account {
        login = login.account(Account::new(ACCOUNT).expect("an account"));
    }
    let security = match way {
        Way::Tls | Way::TlsResumed => client::Security::ExplicitTls,
        Way::Plain | Way::Account => client::Security::DangerousPlaintext,
    };
    client::Config::new(login).security(security)
}

/// The server's application, which lets everyone in, and asks members for their account.
fn decide(server: &mut server::Connection, event: server::Event) {
    if let server::Event::Authenticate(attempt) = event {
        let member = attempt.username().as_bytes() == MEMBER.as_bytes();
        let verdict = match attempt.account() {
            None if member => attempt.need_account(),
            _ => attempt.accept(),
        };
        server
            .decide(NOW, verdict)
            .expect("the verdict is of this attempt");
    }
}

/// Does what the machine asks for until it waits for more: whether anything was done.
fn drive<M: Machine<Error: Debug>>(
    machine: &mut M,
    inbox: &mut Vec<u8>,
    outbox: &mut Vec<u8>,
    mut told: impl FnMut(&mut M, M::Event),
) -> bool {
    let mut moved = false;
    loop {
        match machine.poll().expect("no error") {
            Action::Write { bytes, .. } => {
                outbox.extend_from_slice(bytes);
                let count = bytes.len();
                machine.wrote(NOW, count);
            }
            Action::Read { .. } if !inbox.is_empty() => {
                let taken = machine.received(NOW, inbox);
                inbox.drain(..taken);
            }
            Action::Event(event) => told(machine, event),
            Action::Shutdown { .. } => machine.shut_down(NOW),
            Action::Read { .. } | Action::Wait { .. } | Action::Closed => return moved,
        }
        moved = true;
    }
}

/// A machine of one side, whose peer says the next of `lines` whenever it is listened to.
fn alone<M: Machine<Error: Debug>>(
    machine: &mut M,
    lines: &[&[u8]],
    mut told: impl FnMut(&mut M, M::Event),
) {
    let mut lines = lines.iter();
    loop {
        match machine.poll().expect("no error") {
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                machine.wrote(NOW, count);
            }
            Action::Read { .. } => match lines.next() {
                Some(line) => assert_eq!(machine.received(NOW, line), line.len()),
                None => return,
            },
            Action::Event(event) => told(machine, event),
            Action::Shutdown { .. } => machine.shut_down(NOW),
            Action::Wait { .. } | Action::Closed => return,
        }
    }
}

/// Everything that `from` wants sent.
fn carry<A, B, S, T>(from: &mut A, to: &mut B, wire: &mut Vec<u8>)
where
    A: std::ops::DerefMut<Target = rustls::ConnectionCommon<S>>,
    B: std::ops::DerefMut<Target = rustls::ConnectionCommon<T>>,
    S: rustls::SideData,
    T: rustls::SideData,
{
    while from.wants_write() {
        from.write_tls(wire).expect("a vector takes everything");
    }
    let mut bytes = wire.as_slice();
    while !bytes.is_empty() {
        to.read_tls(&mut bytes).expect("a slice gives everything");
        to.process_new_packets().expect("no error");
    }
    wire.clear();
}
