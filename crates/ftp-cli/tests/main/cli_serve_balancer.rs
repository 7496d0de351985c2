//! `serve` behind a balancer: PROXY headers over sockets.
#![cfg(unix)]

use crate::common::{Peer, SENTINEL, Server};

/// A version 1 header about a client with this address.
fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 127.0.0.1 4711 21\r\n").into_bytes()
}

/// A version 2 header about this client.
fn v2(client: [u8; 4]) -> Vec<u8> {
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    [&head[..], &client, &[127, 0, 0, 1], &[0x12, 0x67, 0, 21]].concat()
}

#[test]
fn the_guard_and_the_log_see_the_client_not_the_balancer() {
    let server = Server::start(&[
        "--proxy-protocol",
        "127.0.0.0/8",
        "--guard",
        "user-at-address=1",
    ]);
    let mut guesser = Peer::connect_saying(&server, &v1("192.0.2.7"));
    let wrong = guesser.try_password("wrong");
    assert!(wrong.starts_with("530 "), "{wrong}");
    // The same client, by whichever header: locked out.
    let mut again = Peer::connect_saying(&server, &v2([192, 0, 2, 7]));
    assert_eq!(again.try_password(SENTINEL), wrong);
    for mapped in [
        &b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:127.0.0.1 4711 21\r\n"[..],
        b"PROXY TCP6 64:ff9b::192.0.2.7 127.0.0.1 4711 21\r\n",
    ] {
        assert_eq!(
            Peer::connect_saying(&server, mapped).try_password(SENTINEL),
            wrong
        );
    }
    // Another client of the same balancer is not.
    Peer::connect_saying(&server, &v2([198, 51, 100, 9])).log_in();
    // A check of the balancer's own.
    Peer::connect_saying(&server, b"PROXY UNKNOWN\r\n").log_in();
    let (_, _, log) = server.stop("-TERM");
    for (message, peer) in [
        ("login refused", "peer=192.0.2.7:4711"),
        ("locked out, answered like a wrong", "peer=192.0.2.7:4711"),
        ("logged in", "peer=198.51.100.9:4711"),
        ("client of a balancer", "balancer=127.0.0.1:"),
    ] {
        let line = log
            .lines()
            .find(|line| line.contains(message) && line.contains(peer));
        assert!(line.is_some(), "{message} {peer}: {log}");
    }
}

#[test]
fn headers_are_taken_as_balancers_in_use_write_them() {
    // The balancer's address in the form that a socket for both families gives it.
    let server = Server::start(&["--proxy-protocol", "::ffff:127.0.0.0/104"]);
    let certificates = [&[0xe0, 0x50, 0x00][..], &[0x30; 0x5000]].concat();
    let length = u16::try_from(12 + certificates.len())
        .unwrap()
        .to_be_bytes();
    let mut with_certificates = v2([192, 0, 2, 8]);
    with_certificates[14..16].copy_from_slice(&length);
    with_certificates.extend(certificates);
    for (header, client) in [
        (
            b"PROXY TCP6 2001:db8::7 10.0.0.1 4711 21\r\n".to_vec(),
            "peer=[2001:db8::7]:4711",
        ),
        (
            b"PROXY TCP4 192.0.2.7 2001:db8::1 4711 21\r\n".to_vec(),
            "peer=192.0.2.7:4711",
        ),
        (
            b"PROXY TCP6 ::ffff:192.0.2.9 ::1 4711 21\r\n".to_vec(),
            "peer=192.0.2.9:4711",
        ),
        (with_certificates, "peer=192.0.2.8:4711"),
        (
            b"PROXY UNKNOWN 2001:db8::7 10.0.0.1 4711 21\r\n".to_vec(),
            "peer=127.0.0.1:",
        ),
    ] {
        // Dripped, with the client's first bytes behind it.
        let mut peer = Peer::silent(&server);
        let (start, rest) = header.split_at(7);
        start.iter().for_each(|byte| peer.send(&[*byte]));
        peer.send(&[rest, b"USER anna\r\n"].concat());
        assert!(peer.hear().starts_with("220 "), "{client}");
        assert!(peer.hear().starts_with("331 "), "{client}");
        assert!(
            peer.ask(&format!("PASS {SENTINEL}")).starts_with("230 "),
            "{client}"
        );
        server.log_has("logged in", client);
    }
}

#[test]
fn a_header_and_what_follows_it_may_come_in_one_write() {
    let server = Server::start(&["--proxy-protocol", "127.0.0.1"]);
    for header in [v1("192.0.2.7"), v2([192, 0, 2, 7])] {
        let both = [&header[..], b"USER anna\r\n"].concat();
        let mut peer = Peer::connect_saying(&server, &both);
        assert!(peer.hear().starts_with("331 "));
    }
}

#[test]
fn a_balancers_connection_without_a_header_is_closed_without_a_word() {
    let server = Server::start(&["--proxy-protocol", "127.0.0.1"]);
    for bytes in [
        b"USER anna\r\nPASS x\r\n".to_vec(),
        b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n".to_vec(),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec(),
    ] {
        let mut peer = Peer::silent(&server);
        peer.send(&bytes);
        // Closed with bytes unread, which may look like a reset.
        assert!(peer.try_hear().unwrap_or_default().is_empty());
    }
    Peer::connect_saying(&server, &v1("192.0.2.7")).log_in();
    let (_, _, log) = server.stop("-TERM");
    let closed = log
        .lines()
        .filter(|line| line.contains("closed a balancer's connection"));
    assert_eq!(
        closed
            .filter(|line| line.contains("balancer=127.0.0.1:"))
            .count(),
        3,
        "{log}"
    );
}

#[test]
fn from_anyone_else_a_header_is_a_bad_command() {
    let server = Server::start(&["--proxy-protocol", "127.0.0.9"]);
    let mut peer = Peer::connect(&server);
    assert!(
        peer.ask("PROXY TCP4 192.0.2.7 127.0.0.1 1 2")
            .starts_with("500 ")
    );
    peer.log_in();
    let (_, _, log) = server.stop("-TERM");
    assert!(!log.contains("peer=192.0.2.7"), "{log}");
}
