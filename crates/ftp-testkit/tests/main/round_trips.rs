//! How many round trips pass until a client is logged in, from the first packet of its TCP
//! connection on: both machines on a wire of fixed latency, on virtual time.
//!
//! TCP's own handshake is one of them. What docs/ROUNDTRIPS.md says of our client is this table,
//! and a change that costs a round trip, or saves one, does not pass here.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_proto::client::{self, DataProtection, Login};
use ftp_proto::{Instant, TlsVersion, server};
use ftp_rustls::rustls::pki_types::pem::PemObject;
use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ftp_rustls::rustls::version::TLS13 as TLS13_VERSION;
use ftp_rustls::rustls::{ClientConfig, NamedGroup, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};
use ftp_testkit::{Happened, Pair, SelfMade};

const NAME: &str = "ftp.example.com";
/// Half a round trip.
const LATENCY: Duration = Duration::from_millis(50);

/// How the connection is protected, and whether there was an earlier login.
#[derive(Debug, Clone, Copy)]
enum Link {
    Plain,
    Explicit(Tls),
    Implicit(Tls),
}

#[derive(Debug, Clone, Copy)]
struct Tls {
    versions: Versions,
    later: bool,
}

const TLS13: Tls = tls(Versions::Tls13, false);
const TLS13_RESUMED: Tls = tls(Versions::Tls13, true);
const TLS12: Tls = tls(Versions::Tls12, false);
const TLS12_LATER: Tls = tls(Versions::Tls12, true);

const fn tls(versions: Versions, later: bool) -> Tls {
    Tls { versions, later }
}

/// Round trips until `LoggedIn`: in lockstep, and with safe pipelining.
const LOGGED_IN: [(Link, u32, u32); 9] = [
    // TCP, greeting, USER, PASS. There is nothing that could be sent ahead.
    (Link::Plain, 4, 4),
    // TCP, greeting, AUTH, TLS, (PBSZ, PROT,) USER, PASS.
    (Link::Explicit(TLS13), 8, 6),
    (Link::Explicit(TLS13_RESUMED), 8, 6),
    // TLS 1.2 takes one more, and no later login resumes it.
    (Link::Explicit(TLS12), 9, 7),
    (Link::Explicit(TLS12_LATER), 9, 7),
    // TCP, TLS, greeting, (PBSZ, PROT,) USER, PASS. The server ends a full handshake of TLS 1.2, and
    // greets in the same moment; the client ends all others, and the greeting comes a round trip
    // later.
    (Link::Implicit(TLS13), 7, 5),
    (Link::Implicit(TLS13_RESUMED), 7, 5),
    (Link::Implicit(TLS12), 7, 5),
    (Link::Implicit(TLS12_LATER), 7, 5),
];

#[test]
fn a_login_takes_exactly_as_many_round_trips_as_it_must() {
    for (link, lockstep, pipelined) in LOGGED_IN {
        let setup = Setup::of(link);
        assert_eq!(setup.round_trips(), f64::from(lockstep), "{link}");
        let setup = setup.pipelining(true);
        assert_eq!(
            setup.round_trips(),
            f64::from(pipelined),
            "{link}, pipelined"
        );
    }
}

#[test]
fn the_table_in_the_documentation_is_this_one() {
    let rows = LOGGED_IN
        .map(|(link, lockstep, pipelined)| format!("| {link} | {lockstep} | {pipelined} |\n"));
    let documentation = include_str!("../../../../docs/ROUNDTRIPS.md");
    assert!(documentation.contains(&rows.concat()), "{}", rows.concat());
}

#[test]
fn without_data_protection_nothing_is_left_to_pipeline() {
    for (link, round_trips) in [
        (Link::Explicit(TLS13), 6.0),
        (Link::Explicit(TLS12), 7.0),
        (Link::Implicit(TLS13), 5.0),
    ] {
        for on in [false, true] {
            let setup = Setup::of(link).protection(DataProtection::Clear);
            assert_eq!(setup.pipelining(on).round_trips(), round_trips, "{link}");
        }
    }
}

#[test]
fn host_costs_a_round_trip_unless_it_is_pipelined() {
    let setup = || Setup::of(Link::Explicit(TLS13)).host();
    assert_eq!(setup().round_trips(), 9.0);
    assert_eq!(setup().pipelining(true).round_trips(), 6.0);
}

/// The client sends a key for one group with its ClientHello. A server that knows other groups alone
/// asks for another key (HelloRetryRequest), but not a client that has met it before.
#[test]
fn a_server_of_another_group_costs_a_round_trip_once() {
    let server = server_of_p256();
    for (link, first, second) in [
        (Link::Explicit(TLS13), 9.0, 8.0),
        (Link::Implicit(TLS13), 8.0, 7.0),
    ] {
        // What a client learns is in its configuration.
        let both = (configurations(Versions::Tls13).0, Arc::clone(&server));
        let setup = Setup::of(link);
        assert_eq!(setup.log_in(Some(&both), false), first);
        assert_eq!(setup.log_in(Some(&both), true), second);
    }
}

/// Who talks to whom.
struct Setup {
    link: Link,
    client: client::Config,
    server: server::Config,
}

impl Setup {
    fn of(link: Link) -> Self {
        let login = Login::new("developer", "correct horse").unwrap();
        let (ours, theirs) = match link {
            Link::Plain => (
                client::Security::DangerousPlaintext,
                server::Security::DangerousPlaintext,
            ),
            Link::Explicit(_) => (client::Security::ExplicitTls, server::Security::ExplicitTls),
            Link::Implicit(_) => (client::Security::ImplicitTls, server::Security::ImplicitTls),
        };
        Self {
            link,
            client: client::Config::new(login).security(ours),
            server: server::Config::new().security(theirs),
        }
    }

    fn pipelining(mut self, on: bool) -> Self {
        self.client = self.client.pipelining(on);
        self
    }

    fn protection(mut self, protection: DataProtection) -> Self {
        self.client = self.client.data_protection(protection);
        self
    }

    fn host(mut self) -> Self {
        self.client = self.client.host(NAME).unwrap();
        self.server = self.server.hosts([NAME]);
        self
    }

    /// Round trips until `LoggedIn`, perhaps in a second login, which resumes a session of TLS 1.3.
    fn round_trips(&self) -> f64 {
        let (Link::Explicit(tls) | Link::Implicit(tls)) = self.link else {
            return self.log_in(None, false);
        };
        let configurations = configurations(tls.versions);
        let full = self.log_in(Some(&configurations), false);
        if tls.later {
            self.log_in(Some(&configurations), tls.versions == Versions::Tls13)
        } else {
            full
        }
    }

    /// One login, until the client says so.
    fn log_in(&self, tls: Option<&Configurations>, resumed: bool) -> f64 {
        let client = client::Connection::new(self.client.clone(), Instant::START + LATENCY * 2);
        let server = Arc::new(self.server.clone());
        let server = server::Connection::new(server, Instant::START + LATENCY * 3);
        let mut pair = match tls {
            None => Pair::new(Secured::clear(client), Secured::clear(server)),
            Some((of_client, of_server)) => {
                let name = ClientTls::for_host(Arc::clone(of_client), NAME).unwrap();
                Pair::new(
                    Secured::client(client, name),
                    Secured::server(server, Arc::clone(of_server)),
                )
            }
        }
        .distant(LATENCY);
        loop {
            let now = pair.now();
            match pair.next() {
                Happened::Server(server::Event::Authenticate(attempt)) => {
                    let server = pair.server().machine_mut();
                    server.decide(now, attempt.accept()).unwrap();
                }
                Happened::Client(client::Event::LoggedIn(session)) => {
                    let agreed = session.tls.as_ref().map(|tls| (tls.version, tls.resumed));
                    assert_eq!(
                        agreed,
                        self.link.version().map(|version| (version, resumed))
                    );
                    return (pair.now() - Instant::START).div_duration_f64(LATENCY * 2);
                }
                Happened::Client(_) | Happened::Server(_) => {}
                end => panic!("no login: {end:?}"),
            }
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, tls) = match self {
            Self::Plain => return f.write_str("plain"),
            Self::Explicit(tls) => ("explicit", tls),
            Self::Implicit(tls) => ("implicit", tls),
        };
        let version = match tls.versions {
            Versions::Tls12 => "1.2",
            _ => "1.3",
        };
        let which = match (tls.later, tls.versions) {
            (false, _) => "",
            (true, Versions::Tls12) => ", a later login",
            (true, _) => ", resumed",
        };
        write!(f, "{kind} TLS {version}{which}")
    }
}

impl Link {
    fn version(self) -> Option<TlsVersion> {
        match self {
            Self::Plain => None,
            Self::Explicit(tls) | Self::Implicit(tls) if tls.versions == Versions::Tls12 => {
                Some(TlsVersion::Tls12)
            }
            Self::Explicit(_) | Self::Implicit(_) => Some(TlsVersion::Tls13),
        }
    }
}

type Configurations = (Arc<ClientConfig>, Arc<ServerConfig>);

static CERTIFICATE: LazyLock<SelfMade> = LazyLock::new(|| SelfMade::for_names([NAME]));

/// For a client and a server that have not met before.
fn configurations(versions: Versions) -> Configurations {
    let certificate = CERTIFICATE.certificate_pem.as_bytes();
    let roots = Roots::Store(roots_from_pem(certificate).unwrap());
    let identity = Identity::from_pem(certificate, CERTIFICATE.key_pem.as_bytes()).unwrap();
    (
        client_config_with_versions(roots, None, versions).unwrap(),
        server_config_with_versions(identity, ClientCertificates::NotAsked, versions).unwrap(),
    )
}

/// A server that agrees on keys by P-256 alone, as vsftpd does.
fn server_of_p256() -> Arc<ServerConfig> {
    let mut provider = ftp_rustls::rustls::crypto::aws_lc_rs::default_provider();
    provider
        .kx_groups
        .retain(|group| group.name() == NamedGroup::secp256r1);
    let chain = vec![CertificateDer::from(CERTIFICATE.certificate_der.clone())];
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE.key_pem.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13_VERSION])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}
