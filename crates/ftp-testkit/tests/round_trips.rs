//! How many round trips pass until a client is logged in, from the first packet of its TCP
//! connection on: both machines on a wire of fixed latency, on virtual time.
//!
//! TCP's own handshake is one of them. What docs/ROUNDTRIPS.md says of our client is this table,
//! and a change that costs a round trip, or saves one, does not pass here.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_proto::client::{self, DataProtection, Login};
use ftp_proto::{Instant, TlsVersion, server};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};
use ftp_testkit::{Happened, Pair, SelfMade};

const NAME: &str = "ftp.example.com";
/// Half a round trip.
const LATENCY: Duration = Duration::from_millis(50);

/// How the connection is protected, and whether its TLS session is one of an earlier login.
#[derive(Debug, Clone, Copy)]
enum Link {
    Plain,
    Explicit(Tls),
    Implicit(Tls),
}

#[derive(Debug, Clone, Copy)]
struct Tls {
    versions: Versions,
    resumed: bool,
}

const TLS13: Tls = tls(Versions::Tls13, false);
const TLS13_RESUMED: Tls = tls(Versions::Tls13, true);
const TLS12: Tls = tls(Versions::Tls12, false);
const TLS12_RESUMED: Tls = tls(Versions::Tls12, true);

const fn tls(versions: Versions, resumed: bool) -> Tls {
    Tls { versions, resumed }
}

/// Round trips until `LoggedIn`: in lockstep, and with safe pipelining.
const LOGGED_IN: [(Link, u32, u32); 9] = [
    // TCP, greeting, USER, PASS. There is nothing that could be sent ahead.
    (Link::Plain, 4, 4),
    // TCP, greeting, AUTH, TLS, (PBSZ, PROT,) USER, PASS.
    (Link::Explicit(TLS13), 8, 6),
    (Link::Explicit(TLS13_RESUMED), 8, 6),
    // TLS 1.2 takes one more, but not when it is resumed.
    (Link::Explicit(TLS12), 9, 7),
    (Link::Explicit(TLS12_RESUMED), 8, 6),
    // TCP, TLS, greeting, (PBSZ, PROT,) USER, PASS. The server ends a full handshake of TLS 1.2, and
    // greets in the same moment; the client ends all others, and the greeting comes a round trip
    // later.
    (Link::Implicit(TLS13), 7, 5),
    (Link::Implicit(TLS13_RESUMED), 7, 5),
    (Link::Implicit(TLS12), 7, 5),
    (Link::Implicit(TLS12_RESUMED), 7, 5),
];

#[test]
fn a_login_takes_exactly_as_many_round_trips_as_it_must() {
    let came: Vec<_> = LOGGED_IN
        .iter()
        .map(|(link, ..)| {
            let in_lockstep = Setup::of(*link).round_trips();
            let pipelined = Setup::of(*link).pipelining(true).round_trips();
            println!("{link:?}: {in_lockstep}, pipelined {pipelined}");
            (format!("{link:?}"), in_lockstep, pipelined)
        })
        .collect();
    let expected = LOGGED_IN.map(|(link, lockstep, pipelined)| {
        (
            format!("{link:?}"),
            f64::from(lockstep),
            f64::from(pipelined),
        )
    });
    assert_eq!(came, expected);
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
            assert_eq!(setup.pipelining(on).round_trips(), round_trips, "{link:?}");
        }
    }
}

#[test]
fn host_costs_a_round_trip_unless_it_is_pipelined() {
    let setup = || Setup::of(Link::Explicit(TLS13)).host();
    assert_eq!(setup().round_trips(), 9.0);
    assert_eq!(setup().pipelining(true).round_trips(), 6.0);
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

    /// Round trips until `LoggedIn`: in a second login, if the TLS session is to be resumed.
    fn round_trips(&self) -> f64 {
        let (Link::Explicit(tls) | Link::Implicit(tls)) = self.link else {
            return self.log_in(None, false);
        };
        let configurations = configurations(tls.versions);
        let full = self.log_in(Some(&configurations), false);
        if tls.resumed {
            self.log_in(Some(&configurations), true)
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

/// For a client and a server that have not met before.
fn configurations(versions: Versions) -> Configurations {
    static CERTIFICATE: LazyLock<SelfMade> = LazyLock::new(|| SelfMade::for_names([NAME]));
    let certificate = CERTIFICATE.certificate_pem.as_bytes();
    let roots = Roots::Store(roots_from_pem(certificate).unwrap());
    let identity = Identity::from_pem(certificate, CERTIFICATE.key_pem.as_bytes()).unwrap();
    (
        client_config_with_versions(roots, None, versions).unwrap(),
        server_config_with_versions(identity, ClientCertificates::NotAsked, versions).unwrap(),
    )
}
