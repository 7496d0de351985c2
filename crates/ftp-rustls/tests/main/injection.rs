//! Bytes where none belong, and bytes that mean nothing.

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::pair::{End, Turn, settle};
use crate::common::toy::{Toy, ToyError};
use ftp_proto::{Action, Instant, Machine, client, server};
use ftp_rustls::{Error, Secured, Versions};
use proptest::prelude::*;

#[test]
fn bytes_before_the_client_hello_is_sent_go_to_the_machine_at_every_split() {
    let toy = || Toy::default().start_tls();
    let mut probe = Secured::client(toy(), client_tls(Versions::default()));
    let Ok(Action::Write { bytes, .. }) = probe.poll() else {
        panic!("a ClientHello")
    };
    for written in 0..bytes.len() {
        let mut secured = Secured::client(toy(), client_tls(Versions::default()));
        assert!(matches!(secured.poll(), Ok(Action::Write { .. })));
        if written > 0 {
            secured.wrote(Instant::START, written);
        }
        assert_eq!(secured.received(Instant::START, b"230 In\r\n"), 8);
        assert!(matches!(
            secured.poll(),
            Err(Error::Machine(ToyError::Injected(bytes))) if bytes == b"230 In\r\n"
        ));
    }
}

#[test]
fn bytes_before_the_first_poll_go_to_the_machine() {
    let mut secured = Secured::client(Toy::default().start_tls(), client_tls(Versions::default()));
    assert_eq!(secured.received(Instant::START, b"x"), 1);
    let mut end = End::new(secured, usize::MAX);
    assert_eq!(end.run(), Turn::Over);
    assert!(
        end.sent.is_empty(),
        "no hello to a peer that cannot be trusted to be one"
    );
}

/// What an end makes of these bytes in place of a handshake: how it ends, and what it says.
fn outcome(server: bool, bytes: &[u8], chunk: usize) -> (Turn, String, Vec<u8>) {
    let toy = Toy::default().start_tls();
    let secured = if server {
        Secured::server(toy, SERVER.clone())
    } else {
        Secured::client(toy, CLIENT.clone())
    };
    let mut end = End::new(secured, chunk);
    end.run();
    let hello = end.sent.len();
    end.inbox = bytes.to_vec();
    end.eof = true;
    let turn = end.run();
    (turn, end.error().to_string(), end.sent.split_off(hello))
}

static CLIENT: std::sync::LazyLock<ftp_rustls::ClientTls> =
    std::sync::LazyLock::new(|| client_tls(Versions::default()));
static SERVER: std::sync::LazyLock<std::sync::Arc<ftp_rustls::rustls::ServerConfig>> =
    std::sync::LazyLock::new(|| server_config(Versions::default()));

/// Noise, some of it dressed up as a record.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        body.clone(),
        (0x14_u8..0x19, body).prop_map(|(kind, body)| {
            let length = (body.len() as u16).to_be_bytes();
            [&[kind, 3, 3, length[0], length[1]], &body[..]].concat()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn noise_in_place_of_a_handshake_is_an_error_however_it_is_cut(
        server: bool, bytes in noise(), chunk in 1_usize..20,
    ) {
        let whole = outcome(server, &bytes, usize::MAX);
        prop_assert_eq!(whole.0, Turn::Over);
        prop_assert_eq!(whole, outcome(server, &bytes, chunk));
    }

    #[test]
    fn any_order_of_calls_is_legal(
        server: bool, calls in prop::collection::vec((0_u8..5, noise()), 0..40),
    ) {
        let toy = Toy::default().start_tls();
        let mut secured = if server {
            Secured::server(toy, SERVER.clone())
        } else {
            Secured::client(toy, CLIENT.clone())
        };
        for (call, bytes) in calls {
            match call {
                0 => { let _ = secured.poll(); }
                1 => prop_assert!(secured.received(Instant::START, &bytes) <= bytes.len()),
                2 => secured.wrote(Instant::START, bytes.len()),
                3 => secured.timed_out(Instant::START),
                _ if bytes.len() % 7 == 0 => secured.received_eof(Instant::START),
                _ => {}
            }
        }
    }
}

/// The first bytes under TLS that a server decrypts, when this came in place of a 234.
fn first_under_tls(consent: &[u8], chunk: usize) -> Vec<u8> {
    let login = client::Login::new("anna", "correct horse").unwrap();
    let machine = client::Connection::new(client::Config::new(login), Instant::START);
    let mut client = End::new(Secured::client(machine, CLIENT.clone()), chunk);
    client.inbox = b"220 Ready.\r\n".to_vec();
    client.run();
    client.inbox = consent.to_vec();
    assert!(client.sent.ends_with(b"AUTH TLS\r\n"));
    client.sent.clear();
    let toy = Toy::default().start_tls();
    let mut server = End::new(Secured::server(toy, SERVER.clone()), usize::MAX);
    settle(&mut client, &mut server);
    std::mem::take(&mut server.secured.machine_mut().input)
}

#[test]
fn telnet_options_around_the_234_are_not_answered_under_tls() {
    let clean = first_under_tls(b"234 Go.\r\n", usize::MAX);
    assert_eq!(clean, b"PBSZ 0\r\n");
    let many = b"\xff\xfd\n".repeat(70);
    for consent in [
        [&many[..], b"234 Go.\r\n"].concat(),
        b"234\xff\xfd\n Go.\xff\xfb\x01\r\n".to_vec(),
    ] {
        for chunk in [usize::MAX, 1, 5] {
            assert_eq!(first_under_tls(&consent, chunk), clean, "{consent:?}");
        }
    }
}

#[test]
fn a_server_that_ends_while_its_consent_to_ccc_is_under_way_says_nothing_else() {
    let config = server::Config::new()
        .clear_command_channel(true)
        .name_rule(|_| server::NameRule::Open);
    for written in [0, 1, 10] {
        let machine = server::Connection::new(Arc::new(config.clone()), Instant::START);
        let mut server = End::new(Secured::server(machine, SERVER.clone()), usize::MAX);
        server.run();
        server.inbox = b"AUTH TLS\r\n".to_vec();
        server.run();
        server.sent.clear();
        let mut client = End::new(
            Secured::client(Toy::default().start_tls(), CLIENT.clone()),
            usize::MAX,
        );
        settle(&mut client, &mut server);
        client.secured.machine_mut().say("USER anna\r\n");
        settle(&mut client, &mut server);
        client.secured.machine_mut().input.clear();
        client.secured.machine_mut().say("CCC\r\n");
        let sent = client.sent.len();
        client.run();
        server.inbox = client.sent.split_off(sent);
        // The reply is encrypted, and the transport takes this much of it.
        while !matches!(server.secured.poll(), Ok(Action::Write { .. })) {
            server.turn();
        }
        let Ok(Action::Write { bytes, .. }) = server.secured.poll() else {
            panic!("a reply")
        };
        let begun = bytes[..written].to_vec();
        server.secured.wrote(Instant::START, written);
        server
            .secured
            .machine_mut()
            .shutdown(Instant::START, "Going down.");
        let before = server.sent.len();
        server.run();
        client.inbox = [&begun, &server.sent[before..]].concat();
        client.run();
        let heard = &client.secured.machine().input;
        assert_eq!(
            heard.escape_ascii().to_string(),
            "200 Clear command channel.\\r\\n"
        );
    }
}
