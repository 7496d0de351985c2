//! Bytes where none belong, and bytes that mean nothing.

mod common;

use common::certificates::*;
use common::pair::{End, Turn};
use common::toy::{Toy, ToyError};
use ftp_proto::{Action, Instant, Machine};
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
