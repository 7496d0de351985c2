//! Clients that speak another protocol.

use ftp_proto::server::{Error, PeerFault, Phase};
use ftp_proto::wire::ForeignProtocol;
use ftp_proto::{Lenience, Limits};

use super::dialogue::plain;
use super::harness::{Pause, Server};

#[test]
fn another_protocol_is_told_behind_blank_lines_at_every_split_point() {
    for bytes in [
        b"\r\n\nEHLO \0x\r\n".as_slice(),
        b"\r\n\x16\x03\x01\x02\0",
        b"\n\r\nPRI * HTTP/2.0\r\n\r\n",
    ] {
        for split in 0..=bytes.len() {
            let mut server = Server::new(plain());
            server.said();
            server.receive(&bytes[..split]);
            server.receive(&bytes[split..]);
            assert_eq!(
                server.said(),
                "421 This is an FTP server.\r\n",
                "{bytes:?} at {split}"
            );
        }
    }
}

#[test]
fn a_bare_line_feed_is_no_blank_line_to_a_strict_server() {
    let mut server = Server::new(plain().lenience(Lenience::STRICT));
    server.said();
    assert_eq!(
        server.send("\nGET / HTTP/1.1"),
        "501 Control characters are not allowed.\r\n"
    );
    assert_eq!(server.connection.phase(), Phase::New);
}

#[test]
fn other_protocols_get_one_reply_and_the_end() {
    let cases: [(&[u8], ForeignProtocol); 6] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ForeignProtocol::Http),
        (
            b"NOOP\r\nPOST / HTTP/1.1\r\nUSER anna\r\n",
            ForeignProtocol::Http,
        ),
        (b"HELP\r\n\r\nPUT /x HTTP/1.1\r\n", ForeignProtocol::Http),
        (b"SSH-2.0-OpenSSH_9.6\r\n", ForeignProtocol::Ssh),
        (b"EHLO example.com\r\n", ForeignProtocol::Smtp),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
            ForeignProtocol::Tls,
        ),
    ];
    for (bytes, protocol) in cases {
        for size in 1..=bytes.len() {
            let mut server = Server::new(plain());
            server.said();
            for chunk in bytes.chunks(size) {
                server.receive(chunk);
            }
            let fault = PeerFault::ForeignProtocol(protocol);
            assert_eq!(
                server.run(),
                Pause::Failed(Error::PeerFault(fault)),
                "{protocol}"
            );
            let said = server.said();
            assert!(said.ends_with("421 This is an FTP server.\r\n"), "{said}");
            assert_eq!(said.matches("421").count(), 1);
            assert_eq!(server.events, [format!("Closed(PeerFault({fault:?}))")]);
        }
    }
}

#[test]
fn a_line_that_is_too_long_before_it_shows_another_protocol_is_too_long_at_any_cut() {
    let bytes = b"PRI * HTTP/2.0\r\nNOOP\r\n";
    for limit in 8..14 {
        let said = |size: usize| {
            let mut limits = Limits::default();
            limits.command_line_before_login = limit;
            let mut server = Server::new(plain().limits(limits));
            for chunk in bytes.chunks(size) {
                server.receive(chunk);
            }
            server.said()
        };
        let whole = said(bytes.len());
        assert_eq!(whole.contains("500"), limit < 11, "{limit}: {whole}");
        for size in 1..bytes.len() {
            assert_eq!(said(size), whole, "{limit}, in pieces of {size}");
        }
    }
}

#[test]
fn commands_that_begin_like_other_protocols_are_answered_at_once() {
    for (command, code) in [
        ("HELP", "214"),
        ("PASV", "530"),
        ("DELE x", "530"),
        ("GET", "500"),
    ] {
        let mut server = Server::new(plain());
        server.said();
        assert_eq!(server.code(command), code);
    }
}
