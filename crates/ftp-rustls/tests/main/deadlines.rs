//! Under TLS, too, no input moves a deadline: records without an end that hold nothing for the
//! machine inside, on virtual time, and nobody who tells it that a deadline passed.

use std::sync::Arc;
use std::time::Duration;

use crate::common::certificates::*;
use crate::common::pair::End;
use ftp_proto::client::Timeout;
use ftp_proto::server::ClosedWhy;
use ftp_proto::{Instant, Securable, client, server};
use ftp_rustls::rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{
    self, ClientConnection, Connection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    ServerConnection,
};
use ftp_rustls::{Error, Secured, Versions};

/// Seconds between two pieces. No less: rustls takes 32 new keys in a row at most.
const STEPS: [u64; 3] = [2, 3, 7];
const START: Instant = Instant::START;

/// The other side: rustls without anything around it.
struct Peer {
    connection: Connection,
    /// How much of what the machine sent was read.
    read: usize,
}

impl Peer {
    fn client(versions: Versions) -> Self {
        let mut config = rustls::ClientConfig::clone(&client_config(versions));
        config.enable_secret_extraction = true;
        let name = ServerName::try_from(NAME).unwrap();
        Self::new(
            ClientConnection::new(Arc::new(config), name)
                .unwrap()
                .into(),
        )
    }

    fn server(versions: Versions) -> Self {
        let mut config = rustls::ServerConfig::clone(&server_config(versions));
        config.enable_secret_extraction = true;
        Self::new(ServerConnection::new(Arc::new(config)).unwrap().into())
    }

    fn new(connection: Connection) -> Self {
        Self {
            connection,
            read: 0,
        }
    }

    /// Says this under TLS; then both say what they have to say.
    fn say<M: Securable>(&mut self, line: &str, end: &mut End<M>) {
        std::io::Write::write_all(&mut self.connection.writer(), line.as_bytes()).unwrap();
        for _ in 0..10 {
            while self.connection.wants_write() {
                self.connection.write_tls(&mut end.inbox).unwrap();
            }
            end.run();
            let mut sent = &end.sent[self.read..];
            while !sent.is_empty() {
                self.connection.read_tls(&mut sent).unwrap();
                self.connection.process_new_packets().unwrap();
            }
            self.read = end.sent.len();
        }
    }

    /// From now on nothing but records with nothing in them.
    fn empty_records(self) -> impl FnMut() -> Vec<u8> {
        let suite = self.connection.negotiated_cipher_suite().unwrap();
        let (sent, secrets) = self.connection.dangerous_extract_secrets().unwrap().tx;
        let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
        else {
            panic!("a suite of TLS 1.3");
        };
        let suite = suite.tls13().expect("TLS 1.3");
        let mut encrypter: Box<dyn MessageEncrypter> = suite.aead_alg.encrypter(key, iv);
        let mut numbers = 0..;
        let mut record = move || {
            let nothing = OutboundPlainMessage {
                typ: ContentType::ApplicationData,
                version: ProtocolVersion::TLSv1_3,
                payload: OutboundChunks::Single(b""),
            };
            let number = numbers.next().unwrap();
            encrypter.encrypt(nothing, number).unwrap().encode()
        };
        // AWS-LC insists on numbers from the first.
        (0..sent).for_each(|_| drop(record()));
        record
    }

    /// From now on new keys again and again, as often as rustls takes them.
    fn key_updates(mut self) -> impl FnMut() -> Vec<u8> {
        move || {
            let mut record = Vec::new();
            self.connection.refresh_traffic_keys().unwrap();
            while self.connection.wants_write() {
                self.connection.write_tls(&mut record).unwrap();
            }
            record
        }
    }
}

/// From now on one long record, byte by byte.
fn dripped(content: u8) -> impl FnMut() -> Vec<u8> {
    let mut begin = vec![content, 3, 3, 0x40, 0].into_iter();
    move || vec![begin.next().unwrap_or(0)]
}

/// Delivers what comes, one piece in each step of time, until it is over; gives when. Nothing but
/// the bytes brings time.
fn ends_after<M: Securable>(end: &mut End<M>, step: u64, mut next: impl FnMut() -> Vec<u8>) -> u64 {
    let begun = end.now;
    for _ in 0..100 {
        end.now = end.now + Duration::from_secs(step);
        end.inbox.extend(next());
        end.run();
        if end.outcome.is_some() {
            return (end.now - begun).as_secs();
        }
    }
    panic!("it goes on for ever");
}

/// When the first piece comes at this second or after it.
fn at(seconds: u64, step: u64) -> u64 {
    seconds.next_multiple_of(step)
}

fn server_of(versions: Versions) -> End<server::Connection> {
    let config = server::Config::new().security(server::Security::ImplicitTls);
    let machine = server::Connection::new(Arc::new(config), START);
    End::new(
        Secured::server(machine, server_config(versions)),
        usize::MAX,
    )
}

fn client_of(versions: Versions) -> End<client::Connection> {
    let config = client::Config::new(client::Login::new("anna", "correct horse").unwrap())
        .security(client::Security::ImplicitTls)
        .data_protection(client::DataProtection::Clear)
        .clear_command_channel(true);
    let machine = client::Connection::new(config, START);
    End::new(Secured::client(machine, client_tls(versions)), usize::MAX)
}

fn closed_for(server: &End<server::Connection>) -> ClosedWhy {
    match server.events.last() {
        Some(server::Event::Closed(why)) => why.clone(),
        other => panic!("{other:?}"),
    }
}

fn timed_out_at(client: &End<client::Connection>) -> Timeout {
    match client.error() {
        Error::Machine(client::Error::TimedOut { what, .. }) => *what,
        other => panic!("{other}"),
    }
}

type Records = Box<dyn FnMut() -> Vec<u8>>;
/// And the seconds between two of them.
type Sending = (fn(Peer) -> Records, u64);

/// Everything that a peer can send under TLS without saying anything.
fn ways(versions: Versions) -> Vec<Sending> {
    let mut ways: Vec<fn(Peer) -> Records> = vec![|_| Box::new(dripped(23))];
    if versions == Versions::Tls13 {
        ways.push(|peer| Box::new(peer.empty_records()));
        ways.push(|peer| Box::new(peer.key_updates()));
    }
    let with_steps = |way| STEPS.map(|step| (way, step));
    ways.into_iter().flat_map(with_steps).collect()
}

#[test]
fn records_that_say_nothing_move_no_deadline_of_a_server() {
    for versions in BOTH {
        for (way, step) in ways(versions) {
            for (line, bound, why) in [
                ("", 30, ClosedWhy::FirstCommandTimeout),
                ("USER anna\r\n", 60, ClosedWhy::LoginTimeout),
            ] {
                let mut server = server_of(versions);
                let mut peer = Peer::client(versions);
                peer.say(line, &mut server);
                assert_eq!(
                    ends_after(&mut server, step, way(peer)),
                    at(bound, step),
                    "{versions:?}"
                );
                assert_eq!(closed_for(&server), why);
            }
        }
    }
}

#[test]
fn records_that_say_nothing_move_no_deadline_of_a_client() {
    for versions in BOTH {
        for (way, step) in ways(versions) {
            for line in ["", "220 Ready.\r\n"] {
                let mut client = client_of(versions);
                let mut peer = Peer::server(versions);
                peer.say(line, &mut client);
                assert_eq!(
                    ends_after(&mut client, step, way(peer)),
                    at(30, step),
                    "{versions:?}"
                );
                let what = if line.is_empty() {
                    Timeout::Greeting
                } else {
                    Timeout::Reply
                };
                assert_eq!(timed_out_at(&client), what);
            }
        }
    }
}

#[test]
fn the_end_of_tls_is_not_waited_for_any_longer_because_records_come() {
    for versions in BOTH {
        for (way, step) in ways(versions) {
            let mut client = client_of(versions);
            let mut peer = Peer::server(versions);
            for reply in ["220 Ready.\r\n", "331 Password?\r\n", "230 In.\r\n"] {
                peer.say(reply, &mut client);
            }
            let machine = client.secured.machine_mut();
            machine.clear_command_channel(START).unwrap();
            peer.say("200 Clear it is.\r\n", &mut client);
            assert!(client.outcome.is_none());
            assert_eq!(
                ends_after(&mut client, step, way(peer)),
                at(30, step),
                "{versions:?}"
            );
            assert_eq!(timed_out_at(&client), Timeout::Handshake);
        }
    }
}

#[test]
fn a_dripped_handshake_is_over_by_its_deadline() {
    for versions in BOTH {
        let mut server = server_of(versions);
        assert_eq!(ends_after(&mut server, 3, dripped(22)), 21);
        assert_eq!(closed_for(&server), ClosedWhy::HandshakeTimeout);
        let mut client = client_of(versions);
        client.run();
        assert_eq!(ends_after(&mut client, 3, dripped(22)), 30);
        assert_eq!(timed_out_at(&client), Timeout::Handshake);
    }
}

#[test]
fn an_alert_that_is_not_taken_is_given_up_while_records_come() {
    let mut server = server_of(Versions::Tls13);
    let mut peer = Peer::client(Versions::Tls13);
    peer.say("USER anna\r\n", &mut server);
    let mut secured = server.secured;
    // Not a record of these keys.
    let forged = [&[23, 3, 3, 0, 32][..], &[0; 32]].concat();
    let mut now = START;
    assert_eq!(
        ftp_proto::Machine::received(&mut secured, now, &forged),
        forged.len()
    );
    for _ in 0..100 {
        now = now + Duration::from_secs(3);
        match ftp_proto::Machine::poll(&mut secured) {
            // It never takes what it is sent.
            Ok(_) => drop(ftp_proto::Machine::received(&mut secured, now, &forged)),
            Err(_) => return assert!(now <= START + Duration::from_secs(66), "{now:?}"),
        }
    }
    panic!("it waits for ever to say why it ends");
}
