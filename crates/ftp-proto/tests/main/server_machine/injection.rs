//! Bytes at the switch to TLS and back: nothing sent in clear counts under TLS.

use ftp_proto::server::{Config, Error, NameRule, PeerFault, Phase};
use ftp_proto::{Action, Limits, Machine, Securable};
use ftp_testkit::drive;

use super::dialogue::optional;
use super::harness::{Pause, Server, seconds, tls_session};

const INJECTION: Pause = Pause::Failed(Error::PeerFault(PeerFault::BytesBeforeTlsSwitch));

#[test]
fn bytes_behind_auth_are_refused_at_every_split_point() {
    let behind: [&[u8]; 7] = [
        b"\r\n",
        b"\n",
        b"U",
        b"USER anna\r\nPASS right\r\n",
        b"\xff\xf1",
        b"\xff\xfd\n",
        b"\xff",
    ];
    for injected in behind {
        let bytes = [b"NOOP\r\nAUTH TLS\r\n", injected].concat();
        for split in 0..=bytes.len() {
            let mut server = Server::new(optional());
            server.said();
            let (front, back) = bytes.split_at(split);
            for part in [front, back] {
                // The driver asks, but its transport is slow: the NOOP's reply gets out, a 234
                // does not.
                assert_eq!(server.connection.received(server.now, part), part.len());
                loop {
                    let (connection, output) = (&mut server.connection, &mut server.output);
                    let write = |bytes: &[u8]| {
                        let is_234 = bytes.starts_with(b"234");
                        let count = if is_234 { 0 } else { bytes.len() };
                        output.extend_from_slice(&bytes[..count]);
                        count
                    };
                    match drive(connection, server.now, write) {
                        Ok(event) => server.event(event),
                        Err(_) => break,
                    }
                }
            }
            assert_eq!(server.run(), INJECTION, "{split} {injected:?}");
            let said = server.said();
            assert!(!said.contains("234"), "{said}");
            assert!(
                said.ends_with("421 Unexpected data before the TLS switch.\r\n"),
                "{said}"
            );
            assert_eq!(server.events, ["Closed(PeerFault(BytesBeforeTlsSwitch))"]);
            assert_eq!(server.run(), INJECTION);
            assert_eq!(server.connection.received(server.now, b"NOOP\r\n"), 6);
            assert_eq!(server.run(), INJECTION);
        }
    }
}

#[test]
fn a_login_that_an_injection_ends_is_told_to_be_over_at_every_split_point() {
    let bytes = b"AUTH TLS\r\nUSER anna\r\n";
    for split in 0..=bytes.len() {
        let mut server = Server::new(optional().name_rule(|_| NameRule::Open));
        server.said();
        assert_eq!(server.code("USER open"), "230");
        server.happened();
        for part in [&bytes[..split], &bytes[split..]] {
            assert_eq!(server.connection.received(server.now, part), part.len());
            while let Ok(event) = drive(&mut server.connection, server.now, |_| 0) {
                server.event(event);
            }
        }
        assert_eq!(server.run(), INJECTION);
        let told = ["LoggedOut", "Closed(PeerFault(BytesBeforeTlsSwitch))"];
        assert_eq!(server.happened(), told, "{split}");
    }
}

#[test]
fn bytes_during_the_handshake_are_a_fault_and_nothing_is_said() {
    let mut server = Server::new(optional());
    server.handshakes = false;
    server.said();
    assert_eq!(server.code("AUTH TLS"), "234");
    assert_eq!(server.receive(b"USER anna\r\n"), INJECTION);
    assert_eq!(server.said(), "");
    assert_eq!(
        server.events,
        ["StartTls", "Closed(PeerFault(BytesBeforeTlsSwitch))"]
    );
}

#[test]
fn a_half_written_234_is_finished_and_followed_by_nothing() {
    let whole = "234 Start the TLS handshake.\r\n";
    for written in 1..=whole.len() {
        let mut server = Server::new(optional());
        server.said();
        assert_eq!(server.connection.received(server.now, b"AUTH TLS\r\n"), 10);
        assert!(matches!(server.connection.poll(), Ok(Action::Write { .. })));
        server.connection.wrote(server.now, written);
        assert_eq!(server.receive(b"U"), INJECTION);
        assert_eq!(server.said(), whole[written..]);
    }
}

#[test]
fn nothing_learned_in_clear_is_remembered_under_tls() {
    let mut server = Server::new(optional().hosts(["ftp.example.com"]));
    server.said();
    assert_eq!(server.code("HOST ftp.example.com"), "220");
    assert_eq!(server.code("USER anna"), "331");
    assert_eq!(server.code("AUTH TLS"), "234");
    assert_eq!(server.connection.phase(), Phase::New);
    assert_eq!(server.code("PASS right"), "503");
    server.answers = false;
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(server.held.attempt.take().unwrap().host(), None);
}

#[test]
fn auth_drops_a_login_made_in_clear() {
    let mut server = Server::new(optional());
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.happened();
    assert_eq!(server.code("AUTH SSL"), "234");
    assert_eq!(
        server.happened(),
        ["LoggedOut", "StartTls", "TlsEstablished"]
    );
    assert_eq!(server.code("PWD"), "530");
}

#[test]
fn auth_tls_p_implies_private_data_connections() {
    let mut server = Server::new(optional());
    server.said();
    assert_eq!(server.code("AUTH TLS-P"), "234");
    assert!(server.connection.is_data_protected());
    assert_eq!(server.code("PROT C"), "200");
    assert!(!server.connection.is_data_protected());
    let mut server = Server::new(optional().auth_ssl(false));
    server.said();
    assert_eq!(server.code("AUTH TLS-P"), "504");
    assert_eq!(server.code("AUTH SSL"), "504");
    assert_eq!(server.code("AUTH TLS-C"), "234");
    assert!(!server.connection.is_data_protected());
}

#[test]
fn clear_text_behind_ccc_needs_tls_again_to_log_in() {
    let mut server = Server::new(Config::new().clear_command_channel(true));
    server.said();
    server.send("AUTH TLS");
    server.send("USER anna");
    server.send("PASS right");
    server.happened();
    assert_eq!(server.code("CCC"), "200");
    assert_eq!(server.happened(), ["StopTls", "ClearCommandChannel"]);
    assert!(server.connection.tls().is_none());
    assert_eq!(server.code("PWD"), "250");
    assert_eq!(server.code("USER anna"), "530");
    assert_eq!(server.code("REIN"), "220");
    assert_eq!(server.code("USER anna"), "530");
    assert_eq!(server.code("AUTH TLS"), "234");
    assert_eq!(server.code("USER anna"), "331");
}

#[test]
fn bytes_behind_ccc_are_refused() {
    let mut server = Server::new(Config::new().clear_command_channel(true));
    server.said();
    server.send("AUTH TLS");
    server.send("USER anna");
    server.send("PASS right");
    server.said();
    assert_eq!(server.receive(b"CCC\r\nPWD\r\n"), INJECTION);
    assert_eq!(
        server.said(),
        "421 Unexpected data before the TLS switch.\r\n"
    );
}

#[test]
fn tls_started_that_nobody_asked_for_has_no_effect() {
    let mut server = Server::new(optional());
    server.connection.tls_started(server.now, tls_session());
    server.connection.tls_stopped(server.now);
    assert!(server.connection.tls().is_none());
    assert_eq!(server.said(), "220 Ready.\r\n");
    // Nor has the end of TLS where its start is waited for.
    server.handshakes = false;
    assert_eq!(server.code("AUTH TLS"), "234");
    server.connection.tls_stopped(server.now);
    assert_eq!(server.connection.phase(), Phase::SwitchingTls);
    assert_eq!(server.happened(), ["StartTls"]);
    server.connection.tls_started(server.now, tls_session());
    assert!(server.connection.tls().is_some());
    assert_eq!(server.code("USER anna"), "331");
}

#[test]
fn an_auth_behind_which_more_did_not_fit_is_refused() {
    let mut server = Server::new(optional());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS wrong");
    let room = Limits::default()
        .backlog
        .max(Limits::default().command_line + 4);
    let mut bytes = b"NOOP\r\n".repeat(room / 6 + 1);
    bytes.truncate(room - 10);
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(b"\r\n");
    bytes.extend_from_slice(b"AUTH TLS\r\nUSER anna\r\n");
    assert_eq!(server.connection.received(server.now, &bytes), room);
    let attempt = server.held.attempt.take().unwrap();
    server.decide(attempt);
    assert_eq!(server.sleep(seconds(1)), INJECTION);
}
