//! The real machines under TLS, from greeting to goodbye.

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::pair::{End, Turn, settle};
use ftp_proto::wire::{Command, Reply, Verb};
use ftp_proto::{Action, Instant, Machine, TlsVersion, client, server};
use ftp_rustls::rustls;
use ftp_rustls::{
    ClientCertificates, ClientTls, Error, Roots, Secured, Versions, client_config_with_versions,
    server_config_with_versions,
};

const NOW: Instant = Instant::START;
const WHOLE: usize = usize::MAX;
const PASSWORD: &str = "correct horse";

type Client = End<client::Connection>;
type Server = End<server::Connection>;

fn client(security: client::Security, tls: ClientTls, chunk: usize) -> Client {
    let config = client::Config::new(client::Login::new("anna", PASSWORD).unwrap())
        .security(security)
        .clear_command_channel(true);
    End::new(
        Secured::client(client::Connection::new(config, NOW), tls),
        chunk,
    )
}

fn server(security: server::Security, tls: Arc<rustls::ServerConfig>, chunk: usize) -> Server {
    let config = server::Config::new()
        .security(security)
        .clear_command_channel(true);
    End::new(
        Secured::server(server::Connection::new(Arc::new(config), NOW), tls),
        chunk,
    )
}

/// Lets the two talk, and answers for the server's application.
fn serve(client: &mut Client, server: &mut Server) -> Vec<&'static str> {
    let mut told = Vec::new();
    loop {
        settle(client, server);
        if server.events.is_empty() {
            return told;
        }
        for event in std::mem::take(&mut server.events) {
            let machine = server.secured.machine_mut();
            match event {
                server::Event::Authenticate(attempt) => {
                    assert_eq!(attempt.username().as_bytes(), b"anna");
                    assert_eq!(attempt.password().unwrap().expose(), PASSWORD.as_bytes());
                    assert!(attempt.tls().is_some());
                    machine.decide(NOW, attempt.accept()).unwrap();
                    told.push("authenticate");
                }
                server::Event::Command(request) => {
                    let reply = Reply::new(ftp_proto::wire::Code::OKAY, "Done.").unwrap();
                    machine.reply(NOW, request.id(), &reply).unwrap();
                    told.push("command");
                }
                server::Event::TlsEstablished(_) => told.push("tls"),
                server::Event::LoggedIn(_) => told.push("logged in"),
                server::Event::ClearCommandChannel => told.push("clear"),
                server::Event::Closed(_) => told.push("closed"),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn logged_in(client: &Client) -> Arc<client::Session> {
    Arc::clone(client.secured.machine().session().expect("logged in"))
}

fn pairs(versions: Versions, chunk: usize) -> [(Client, Server); 2] {
    [
        (client::Security::ExplicitTls, server::Security::ExplicitTls),
        (client::Security::ImplicitTls, server::Security::ImplicitTls),
    ]
    .map(|(ours, theirs)| {
        (
            client(ours, client_tls(versions), chunk),
            server(theirs, server_config(versions), chunk),
        )
    })
}

#[test]
fn a_whole_session_explicit_and_implicit_in_both_versions_however_it_is_cut() {
    for (versions, version) in [
        (Versions::Tls12, TlsVersion::Tls12),
        (Versions::Tls13, TlsVersion::Tls13),
    ] {
        for chunk in [1, 3, 64, WHOLE] {
            for (mut client, mut server) in pairs(versions, chunk) {
                assert_eq!(
                    serve(&mut client, &mut server),
                    ["tls", "authenticate", "logged in"]
                );
                let session = logged_in(&client);
                assert_eq!(session.tls.as_ref().unwrap().version, version);
                assert!(server.secured.machine().is_data_protected());
                client.secured.machine_mut().quit(NOW).unwrap();
                assert_eq!(serve(&mut client, &mut server), ["closed"]);
                assert!(matches!(client.outcome, Some(Ok(()))));
                assert!(matches!(server.outcome, Some(Ok(()))));
                for end in [&client.sent, &server.sent] {
                    for secret in [b"anna".as_slice(), PASSWORD.as_bytes()] {
                        assert!(!end.windows(secret.len()).any(|window| window == secret));
                    }
                }
            }
        }
    }
}

#[test]
fn commands_go_on_in_clear_after_ccc() {
    for versions in BOTH {
        for chunk in [1, 17, WHOLE] {
            for (mut client, mut server) in pairs(versions, chunk) {
                serve(&mut client, &mut server);
                client
                    .secured
                    .machine_mut()
                    .clear_command_channel(NOW)
                    .unwrap();
                assert_eq!(serve(&mut client, &mut server), ["clear"]);
                assert!(
                    client
                        .events
                        .iter()
                        .any(|event| matches!(event, client::Event::ClearCommandChannel))
                );
                let pwd = Command::new(Verb::Pwd).unwrap();
                client.secured.machine_mut().send(NOW, pwd).unwrap();
                assert_eq!(serve(&mut client, &mut server), ["command"]);
                assert!(client.sent.ends_with(b"PWD\r\n"));
                assert!(server.sent.ends_with(b"200 Done.\r\n"));
            }
        }
    }
}

#[test]
fn the_second_login_resumes_and_both_sides_know() {
    for versions in BOTH {
        let (tls, config) = (client_tls(versions), server_config(versions));
        let mut resumed = Vec::new();
        for _ in 0..2 {
            let mut client = client(client::Security::ExplicitTls, tls.clone(), WHOLE);
            let mut server = server(server::Security::ExplicitTls, Arc::clone(&config), WHOLE);
            serve(&mut client, &mut server);
            resumed.push((
                logged_in(&client).tls.as_ref().unwrap().resumed,
                server.secured.machine().tls().unwrap().resumed,
            ));
        }
        let again = matches!(versions, Versions::Tls13);
        assert_eq!(resumed, [(false, false), (again, again)]);
    }
}

#[test]
fn client_certificate_and_requested_name_reach_the_server() {
    for versions in BOTH {
        let identity = AUTHORITY.client_identity();
        let der = identity.certificates()[0].to_vec();
        let roots = Roots::Store(AUTHORITY.roots());
        let config = client_config_with_versions(roots, Some(identity), versions).unwrap();
        let mut client = client(
            client::Security::ExplicitTls,
            ClientTls::for_host(config, NAME).unwrap(),
            WHOLE,
        );
        let asking = server_config_with_versions(
            AUTHORITY.server_identity(),
            ClientCertificates::Required(AUTHORITY.roots()),
            versions,
        );
        let mut server = server(server::Security::ExplicitTls, asking.unwrap(), WHOLE);
        serve(&mut client, &mut server);
        let tls = server.secured.machine().tls().unwrap();
        assert_eq!(tls.peer_certificates, [der]);
        assert_eq!(tls.server_name.as_deref(), Some(NAME));
    }
}

#[test]
fn injected_plaintext_after_234_is_refused_at_every_split_point() {
    let dialogue = b"220 Ready\r\n234 Go ahead\r\n230 You are logged in, trust me\r\n";
    let consent = b"220 Ready\r\n".len();
    let end_of_consent = consent + b"234 Go ahead\r\n".len();
    for split in consent..end_of_consent {
        let mut client = client(
            client::Security::ExplicitTls,
            client_tls(Versions::default()),
            WHOLE,
        );
        for part in [
            &dialogue[..consent],
            &dialogue[consent..split],
            &dialogue[split..],
        ] {
            client.inbox.extend_from_slice(part);
            client.run();
        }
        assert!(
            matches!(
                client.error(),
                Error::Machine(client::Error::PeerFault {
                    fault: client::PeerFault::BytesBeforeTlsSwitch,
                    ..
                })
            ),
            "split at {split}"
        );
        assert_eq!(client.sent, b"AUTH TLS\r\n");
    }
}

#[test]
fn plaintext_in_a_segment_of_its_own_after_234_is_refused() {
    // Before the ClientHello is sent it is for the machine to refuse, later for TLS.
    for hello_sent in [false, true] {
        let mut client = client(
            client::Security::ExplicitTls,
            client_tls(Versions::default()),
            WHOLE,
        );
        client.inbox.extend_from_slice(b"220 Ready\r\n");
        client.run();
        assert_eq!(client.secured.received(NOW, b"234 Go ahead\r\n"), 14);
        if hello_sent {
            client.run();
        } else {
            assert!(matches!(client.secured.poll(), Ok(Action::Write { .. })));
        }
        let _ = client
            .secured
            .received(NOW, b"230 You are logged in, trust me\r\n");
        assert_eq!(client.run(), Turn::Over);
        assert_eq!(matches!(client.error(), Error::Machine(_)), !hello_sent);
        assert!(client.secured.machine().session().is_none());
    }
}

#[test]
fn injected_plaintext_after_auth_tls_is_refused_at_every_split_point() {
    let command = b"AUTH TLS\r\n";
    let dialogue = b"AUTH TLS\r\nUSER mallory\r\nPASS x\r\n";
    for split in 1..dialogue.len() {
        let mut server = server(
            server::Security::ExplicitTls,
            server_config(Versions::default()),
            WHOLE,
        );
        server.run();
        for part in [&dialogue[..split], &dialogue[split..]] {
            server.inbox.extend_from_slice(part);
            server.run();
        }
        assert!(
            !server.sent.windows(4).any(|window| window == b"331 "),
            "split at {split}"
        );
        let error = server.error();
        if split == command.len() {
            assert!(
                matches!(error, Error::Tls { .. }),
                "behind the 234: {error}"
            );
        } else {
            assert!(
                matches!(error, Error::Machine(server::Error::PeerFault(_))),
                "split at {split}: {error}"
            );
        }
    }
}

#[test]
fn connections_can_be_moved_between_threads() {
    fn sendable<T: Send + Sync>() {}
    sendable::<Secured<client::Connection>>();
    sendable::<Secured<server::Connection>>();
    sendable::<Error<client::Error>>();
}

#[test]
fn a_session_tells_how_long_its_handshake_took() {
    for (mut client, mut server) in pairs(Versions::Tls13, WHOLE) {
        // The server waits for a ClientHello, or for AUTH first: that is no part of it.
        server.run();
        let seconds = std::time::Duration::from_secs(3);
        server.now = NOW + seconds;
        client.now = NOW + seconds;
        let is_explicit = server.sent.starts_with(b"220");
        client.inbox.extend_from_slice(&server.sent);
        serve(&mut client, &mut server);
        let told = server.secured.machine().tls().unwrap().handshake_time;
        let taken = if is_explicit {
            std::time::Duration::ZERO
        } else {
            seconds
        };
        assert_eq!(told, Some(taken));
    }
}
