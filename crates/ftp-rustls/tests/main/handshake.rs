//! Two toy machines put under TLS, in memory.

use std::sync::Arc;
use std::time::Duration;

use crate::common::certificates::*;
use crate::common::pair::{End, Turn, settle};
use crate::common::toy::{Toy, ToyError, ToyEvent};
use ftp_proto::{Action, Instant, Machine, TlsVersion};
use ftp_rustls::rustls::{self, AlertDescription, CertificateError};
use ftp_rustls::{
    ClientCertificates, ClientTls, Error, Identity, Roots, Secured, TlsPhase, Versions,
    client_config, client_config_with_versions, server_config_with_versions,
};
use rcgen::ExtendedKeyUsagePurpose;

const WHOLE: usize = usize::MAX;

fn ends(client: ClientTls, server: Arc<rustls::ServerConfig>, chunk: usize) -> [End<Toy>; 2] {
    [
        End::new(Secured::client(Toy::default().start_tls(), client), chunk),
        End::new(Secured::server(Toy::default().start_tls(), server), chunk),
    ]
}

fn connect(client: ClientTls, server: Arc<rustls::ServerConfig>, chunk: usize) -> [End<Toy>; 2] {
    let [mut client, mut server] = ends(client, server, chunk);
    server.secured.machine_mut().say("220 Ready\r\n");
    settle(&mut client, &mut server);
    client.secured.machine_mut().say("USER anna\r\n");
    settle(&mut client, &mut server);
    [client, server]
}

#[test]
fn both_sides_agree_and_talk_however_the_bytes_are_cut() {
    for versions in BOTH {
        for chunk in [1, 2, 7, 100, WHOLE] {
            let [client, server] = connect(client_tls(versions), server_config(versions), chunk);
            assert_eq!(client.secured.machine().input, b"220 Ready\r\n");
            assert_eq!(server.secured.machine().input, b"USER anna\r\n");
            assert!(
                client.events.is_empty(),
                "the switch is not the application's business"
            );
            for end in [&client, &server] {
                assert!(
                    !end.sent
                        .windows(4)
                        .any(|window| window == b"anna" || window == b"220 ")
                );
            }
        }
    }
}

#[test]
fn the_session_says_what_was_agreed() {
    for (versions, version) in [
        (Versions::Tls12, TlsVersion::Tls12),
        (Versions::Tls13, TlsVersion::Tls13),
    ] {
        let [client, server] = connect(client_tls(versions), server_config(versions), WHOLE);
        let [client, server] = [&client, &server].map(|end| &end.secured.machine().started[0]);
        assert_eq!(client.version, version);
        assert_eq!(client.cipher_suite, server.cipher_suite);
        assert!(
            client.cipher_suite.starts_with("TLS_"),
            "{}",
            client.cipher_suite
        );
        assert_eq!(client.server_name.as_deref(), Some(NAME));
        assert_eq!(server.server_name.as_deref(), Some(NAME));
        assert_eq!(client.peer_certificates.len(), 1);
        assert!(server.peer_certificates.is_empty());
        assert!(!client.resumed && !server.resumed);
    }
}

#[test]
fn an_address_is_checked_against_the_certificate_and_not_sent() {
    for host in ["127.0.0.1", "[127.0.0.1]"] {
        let tls = ClientTls::for_host(client_config_of_authority(), host).unwrap();
        let [client, server] = connect(tls, server_config(Versions::default()), WHOLE);
        assert_eq!(client.secured.machine().started[0].server_name, None);
        assert_eq!(server.secured.machine().started[0].server_name, None);
    }
}

fn client_config_of_authority() -> Arc<rustls::ClientConfig> {
    crate::common::certificates::client_config(Versions::default())
}

#[test]
fn the_second_connection_resumes_the_session_of_the_first() {
    for versions in BOTH {
        let (tls, config) = (client_tls(versions), server_config(versions));
        let [first, _] = connect(tls.clone(), Arc::clone(&config), WHOLE);
        assert!(!first.secured.machine().started[0].resumed);
        // What it holds is its own until it is over.
        drop(first);
        let [client, server] = connect(tls, config, WHOLE);
        // After a login that resumes a session of TLS 1.2, ProFTPD refuses every data connection.
        let is_resumed = matches!(versions, Versions::Tls13);
        assert_eq!(client.secured.machine().started[0].resumed, is_resumed);
        assert_eq!(server.secured.machine().started[0].resumed, is_resumed);
        assert_eq!(
            client.secured.machine().started[0].peer_certificates.len(),
            1
        );
    }
}

#[test]
fn the_clients_certificate_is_told_to_the_server() {
    for versions in BOTH {
        let identity = AUTHORITY.client_identity();
        let der = identity.certificates()[0].to_vec();
        let config =
            client_config_with_versions(Roots::Store(AUTHORITY.roots()), Some(identity), versions);
        let [_, server] = connect(
            ClientTls::for_host(config.unwrap(), NAME).unwrap(),
            asking(ClientCertificates::Required(AUTHORITY.roots()), versions),
            WHOLE,
        );
        assert_eq!(server.secured.machine().started[0].peer_certificates, [der]);
    }
}

fn asking(clients: ClientCertificates, versions: Versions) -> Arc<rustls::ServerConfig> {
    server_config_with_versions(AUTHORITY.server_identity(), clients, versions).unwrap()
}

#[test]
fn a_client_without_certificate_is_let_in_where_it_is_optional_only() {
    for versions in BOTH {
        let optional = asking(ClientCertificates::Optional(AUTHORITY.roots()), versions);
        let [_, server] = connect(client_tls(versions), optional, WHOLE);
        assert!(
            server.secured.machine().started[0]
                .peer_certificates
                .is_empty()
        );

        let required = asking(ClientCertificates::Required(AUTHORITY.roots()), versions);
        let [client, server] = connect(client_tls(versions), required, 5);
        assert!(matches!(
            server.error(),
            Error::Tls {
                during: TlsPhase::Handshake,
                source: rustls::Error::NoCertificatesPresented,
                ..
            }
        ));
        assert!(matches!(
            client.error(),
            Error::Tls {
                source: rustls::Error::AlertReceived(_),
                ..
            }
        ));
        assert!(
            client
                .error()
                .to_string()
                .contains("requires a client certificate")
        );
    }
}

#[track_caller]
fn refused(identity: Identity, client: ClientTls) -> (rustls::Error, AlertDescription, String) {
    let config = ftp_rustls::server_config(identity, ClientCertificates::NotAsked).unwrap();
    let [mut client, mut server] = ends(client, config, 3);
    settle(&mut client, &mut server);
    let said = client.error().to_string();
    let Error::Tls {
        during: TlsPhase::Handshake,
        source,
        ..
    } = client.error()
    else {
        panic!("{}", client.error());
    };
    let Error::Tls {
        during: TlsPhase::Handshake,
        source: rustls::Error::AlertReceived(alert),
        ..
    } = server.error()
    else {
        panic!("{}", server.error());
    };
    assert!(client.secured.machine().started.is_empty());
    assert!(server.secured.machine().started.is_empty());
    (source.clone(), *alert, said)
}

#[test]
fn an_untrusted_certificate_is_refused_and_the_server_is_told_before_the_error() {
    let stranger = Roots::Store(Authority::new("Stranger").roots());
    let tls = ClientTls::for_host(client_config(stranger, None).unwrap(), NAME).unwrap();
    let (error, alert, said) = refused(AUTHORITY.server_identity(), tls);
    assert_eq!(error, CertificateError::UnknownIssuer.into());
    assert_eq!(alert, AlertDescription::UnknownCA);
    assert!(
        said.contains("add that certificate to the trusted ones"),
        "{said}"
    );
}

#[test]
fn an_expired_certificate_is_refused() {
    let expired = AUTHORITY.issue_until(ExtendedKeyUsagePurpose::ServerAuth, 2020);
    let (_, alert, said) = refused(expired, client_tls(Versions::default()));
    assert_eq!(alert, AlertDescription::CertificateExpired);
    assert!(said.contains("must be renewed"), "{said}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let tls = ClientTls::for_host(client_config_of_authority(), "ftp.example.org.").unwrap();
    let (_, _, said) = refused(AUTHORITY.server_identity(), tls);
    assert!(said.contains("for another name"), "{said}");
    assert!(
        said.contains("ftp.example.org") && said.contains(NAME),
        "{said}"
    );
}

#[test]
fn any_certificate_will_do_where_that_danger_was_chosen() {
    for versions in BOTH {
        let config = client_config_with_versions(Roots::DangerousAnyCertificate, None, versions);
        let tls = ClientTls::for_host(config.unwrap(), "another.example").unwrap();
        let [client, _] = connect(tls, server_config(versions), WHOLE);
        assert_eq!(client.secured.machine().started.len(), 1);
    }
}

/// A server that shows a certificate whose key it does not hold.
#[derive(Debug)]
struct Impostor(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Impostor {
    fn resolve(
        &self,
        _: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[test]
fn even_then_the_server_must_hold_the_certificates_key() {
    let provider = ftp_rustls::config::provider().unwrap();
    let another = rcgen::KeyPair::generate().unwrap().serialize_der();
    let key = provider
        .key_provider
        .load_private_key(another.try_into().unwrap())
        .unwrap();
    let shown = AUTHORITY.server_identity().certificates().to_vec();
    let resolver = Impostor(Arc::new(rustls::sign::CertifiedKey::new(shown, key)));
    for versions in BOTH {
        let mut config = (*server_config(versions)).clone();
        config.cert_resolver = Arc::new(Impostor(Arc::clone(&resolver.0)));
        let dangerous = client_config_with_versions(Roots::DangerousAnyCertificate, None, versions);
        let tls = ClientTls::for_host(dangerous.unwrap(), NAME).unwrap();
        let [mut client, mut server] = ends(tls, Arc::new(config), WHOLE);
        settle(&mut client, &mut server);
        assert!(
            client.error().to_string().contains("a signature is wrong"),
            "{}",
            client.error()
        );
    }
}

#[test]
fn no_version_in_common_reads_well_on_both_sides() {
    let [mut client, mut server] = ends(
        client_tls(Versions::Tls13),
        server_config(Versions::Tls12),
        9,
    );
    settle(&mut client, &mut server);
    assert!(
        client.error().to_string().contains("no version of TLS"),
        "{}",
        client.error()
    );
    assert!(
        server
            .error()
            .to_string()
            .contains("no version or parameters"),
        "{}",
        server.error()
    );
}

#[test]
fn the_handshake_is_bound_by_the_machines_deadline() {
    let deadline = Instant::from_start(Duration::from_secs(30));
    let toy = Toy::default().start_tls().by(deadline);
    let mut client = End::new(Secured::client(toy, client_tls(Versions::default())), WHOLE);
    assert!(matches!(
        client.secured.poll(),
        Ok(Action::Write { deadline: Some(by), .. }) if by == deadline
    ));
    assert_eq!(client.run(), Turn::Reading);
    assert!(
        matches!(client.secured.poll(), Ok(Action::Read { deadline: Some(by) }) if by == deadline)
    );

    client
        .secured
        .timed_out(Instant::from_start(Duration::from_secs(29)));
    assert_eq!(client.run(), Turn::Reading, "early: no effect");
    let sent = client.sent.len();
    client.secured.timed_out(deadline);
    assert_eq!(client.run(), Turn::Over);
    assert!(matches!(client.error(), Error::Machine(ToyError::TimedOut)));
    assert!(client.sent.len() > sent, "the server was told");
}

#[test]
fn a_peer_that_does_not_read_does_not_hold_back_the_error() {
    let deadline = Instant::from_start(Duration::from_secs(30));
    let toy = Toy::default().start_tls().by(deadline);
    let mut secured = Secured::client(toy, client_tls(Versions::default()));
    assert!(matches!(secured.poll(), Ok(Action::Write { .. })));
    secured.wrote(Instant::START, 10);
    secured.timed_out(deadline);
    assert!(matches!(
        secured.poll(),
        Err(Error::Machine(ToyError::TimedOut))
    ));
}

#[test]
fn a_close_during_the_handshake_is_told_as_such() {
    for versions in BOTH {
        let [mut client, mut server] = ends(client_tls(versions), server_config(versions), WHOLE);
        client.run();
        server.run();
        client.eof = true;
        server.eof = true;
        assert_eq!((client.run(), server.run()), (Turn::Over, Turn::Over));
        assert!(matches!(client.error(), Error::HandshakeEof));
        assert!(matches!(server.error(), Error::HandshakeEof));
        assert!(
            client
                .error()
                .to_string()
                .contains("during the TLS handshake")
        );
    }
}

#[test]
fn an_alert_that_nobody_reads_does_not_hold_back_the_error() {
    let deadline = Instant::from_start(Duration::from_secs(30));
    let toy = Toy::default().start_tls().by(deadline);
    let mut end = End::new(
        Secured::server(toy, server_config(Versions::default())),
        WHOLE,
    );
    end.run();
    let _ = end.secured.received(Instant::START, b"GET / HTTP/1.1\r\n");
    for _ in 0..2 {
        assert!(matches!(
            end.secured.poll(),
            Ok(Action::Write { deadline: Some(by), .. }) if by == deadline
        ));
        end.secured
            .timed_out(Instant::from_start(Duration::from_secs(29)));
    }
    end.secured.timed_out(deadline);
    assert_eq!(end.run(), Turn::Over);
    assert!(matches!(
        end.error(),
        Error::Tls {
            during: TlsPhase::Handshake,
            ..
        }
    ));
}

#[test]
fn clear_text_in_place_of_a_handshake_is_answered_with_an_alert() {
    for secured in [
        Secured::client(Toy::default().start_tls(), client_tls(Versions::default())),
        Secured::server(
            Toy::default().start_tls(),
            server_config(Versions::default()),
        ),
    ] {
        let mut end = End::new(secured, 1);
        end.run();
        let sent = end.sent.len();
        end.inbox.extend_from_slice(b"220 Welcome\r\n");
        assert_eq!(end.run(), Turn::Over);
        assert_eq!(end.sent[sent], 0x15, "an alert");
        assert!(
            end.error().to_string().contains("not TLS"),
            "{}",
            end.error()
        );
        assert!(
            matches!(end.secured.poll(), Err(Error::Tls { .. })),
            "errors stay"
        );
    }
}

#[test]
fn a_machine_that_asks_for_tls_and_has_none_fails() {
    let mut end = End::new(Secured::clear(Toy::default().start_tls()), WHOLE);
    assert_eq!(end.run(), Turn::Over);
    assert!(matches!(end.error(), Error::NoTlsConfiguration));
}

#[test]
fn a_machine_that_wants_no_tls_is_left_alone() {
    let mut toy = Toy::default();
    toy.say("hello");
    toy.events.push_back(ToyEvent::Told("something"));
    let mut end = End::new(Secured::clear(toy), 2);
    end.inbox.extend_from_slice(b"world");
    end.eof = true;
    assert_eq!(end.run(), Turn::Over);
    assert_eq!(end.sent, b"hello");
    assert_eq!(end.events, [ToyEvent::Told("something")]);
    assert_eq!(end.secured.into_machine().input, b"world");
}
