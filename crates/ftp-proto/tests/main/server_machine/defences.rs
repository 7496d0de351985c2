//! What an attacker tries.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::server::{Config, Connection, Error, NameRule, PeerFault, Phase, Security};
use ftp_proto::wire::{Code, ForeignProtocol, Reply};
use ftp_proto::{Action, Instant, Lenience, Limits, Machine, Securable};

use super::dialogue::plain;
use super::harness::{Pause, Server, seconds, tls_session};

fn optional() -> Config {
    Config::new().security(Security::DangerousOptionalTls)
}

const INJECTION: Pause = Pause::Failed(Error::PeerFault(PeerFault::BytesBeforeTlsSwitch));

#[test]
fn guesses_pipelined_behind_a_pass_wait_for_the_delay() {
    let mut server = Server::new(plain().max_attempts(10));
    server.said();
    server.receive(&b"USER anna\r\nPASS wrong\r\n".repeat(5));
    let mut passed = Duration::ZERO;
    for (guess, delay) in [1, 2, 4, 8, 16].into_iter().enumerate() {
        let attempts = server
            .events
            .iter()
            .filter(|event| *event == "Authenticate")
            .count();
        assert_eq!(attempts, guess + 1, "after {passed:?}");
        server.sleep(seconds(delay) - Duration::from_nanos(1));
        assert!(!server.said().contains("530"));
        server.sleep(Duration::from_nanos(1));
        assert!(server.said().starts_with("530 Login incorrect.\r\n"));
        passed += seconds(delay);
    }
}

#[test]
fn the_delay_counts_from_the_attempt_not_from_the_verdict() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS wrong");
    server.sleep(seconds(5));
    let attempt = server.held.attempt.take().unwrap();
    server.decide(attempt);
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
}

#[test]
fn nothing_sets_the_count_of_failures_back() {
    for between in [
        "REIN",
        "AUTH TLS",
        "HOST ftp.example.com",
        "USER other",
        "NOOP",
        "USER",
    ] {
        let mut server = Server::new(optional().hosts(["ftp.example.com"]));
        server.said();
        for _ in 0..3 {
            server.send("USER anna");
            server.send("PASS wrong");
            server.sleep(seconds(4));
            server.send(between);
        }
        assert_eq!(
            server.events.last().unwrap(),
            "Closed(TooManyAttempts)",
            "{between}"
        );
        assert!(server.output.ends_with(b"421 Too many failed logins.\r\n"));
    }
}

#[test]
fn refused_accounts_count_as_failures() {
    let mut server = Server::new(plain().takes_accounts(true));
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    for _ in 0..3 {
        server.send("ACCT wrong");
        server.sleep(seconds(4));
    }
    assert_eq!(server.events.last().unwrap(), "Closed(TooManyAttempts)");
}

#[test]
fn bad_commands_are_counted_and_only_a_tls_switch_sets_the_count_back() {
    let mut server = Server::new(optional().max_bad_commands(5));
    server.said();
    for _ in 0..4 {
        assert_eq!(server.code("XYZZY"), "500");
    }
    assert_eq!(server.code("AUTH TLS"), "234");
    assert_eq!(server.code("USER"), "501");
    assert_eq!(server.code("REIN"), "220");
    assert_eq!(server.code("NOOP\0"), "501");
    assert_eq!(server.code(&"x".repeat(513)), "500");
    assert_eq!(server.code("USER anna"), "331");
    assert_eq!(server.code("?"), "500");
    let last = server.send("\x01\x02");
    assert!(last.ends_with("421 Too many bad commands.\r\n"), "{last}");
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events.last().unwrap(), "Closed(TooManyBadCommands)");
}

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
                    match server.connection.poll() {
                        Ok(Action::Event(event)) => server.event(event),
                        Ok(Action::Write { bytes, .. }) if !bytes.starts_with(b"234") => {
                            let count = bytes.len();
                            server.output.extend_from_slice(bytes);
                            server.connection.wrote(server.now, count);
                        }
                        _ => break,
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
            while let Ok(Action::Event(event)) = server.connection.poll() {
                server.event(event);
            }
        }
        assert_eq!(server.run(), INJECTION);
        let told = ["LoggedOut", "Closed(PeerFault(BytesBeforeTlsSwitch))"];
        assert_eq!(server.happened(), told, "{split}");
    }
}

#[test]
fn options_asked_for_around_the_limit_are_refused_alike_at_every_split_point() {
    let mut limits = Limits::default();
    limits.command_line_before_login = 4;
    for line in [
        b"1234\xff\xfd\x015\xff\xfd\x026\xff\xfd\x03\r\n".as_slice(),
        b"1234\r\xff\xfd\x01\r\xff\xfd\x026\r\n",
        b"1\xff\xfd\x01\0\xff\xfd\x02\r\xff\xfd\x03\n\xff\xfd\x04",
    ] {
        let mut outputs = Vec::new();
        for split in 0..=line.len() {
            let mut server = Server::new(plain().limits(limits));
            server.said();
            server.receive(&line[..split]);
            server.receive(&line[split..]);
            outputs.push(server.output);
        }
        outputs.dedup();
        assert_eq!(outputs.len(), 1, "{line:?}: {outputs:?}");
    }
}

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

#[test]
fn the_tail_of_an_over_long_line_is_never_a_command() {
    for limit_more in [0, 1, 2, 3, 1000, 20_000] {
        let mut server = Server::new(plain());
        server.said();
        let line = format!("NOOP {}", "x".repeat(508 + limit_more));
        server.receive(line.as_bytes());
        server.receive(b" QUIT");
        server.receive(b"\r\nNOOP\r\n");
        assert_eq!(server.said(), "500 Command line too long.\r\n200 Done.\r\n");
    }
}

/// How many bytes the machine holds, by its own account.
fn held(server: &Server) -> usize {
    let text = format!("{:?}", server.connection);
    let buffers = text.split("Buffer(").skip(1);
    buffers
        .map(|rest| rest.split(' ').next().unwrap().parse::<usize>().unwrap())
        .sum()
}

#[test]
fn memory_is_bounded_whatever_arrives() {
    let limits = Limits::default();
    let most = limits.backlog.max(limits.command_line + 4) + 8 + MOST_REFUSED;
    for unit in [
        &b"x"[..],
        b"NOOP\r\n",
        b"\r\n",
        b"\xff\xfd\x01",
        b"\xff\xfa",
        b"\xff\xf1",
    ] {
        for answers in [true, false] {
            let mut server = Server::new(plain().max_bad_commands(1000));
            server.answers = answers;
            server.said();
            server.receive(b"USER anna\r\nPASS right\r\n");
            let block = unit.repeat(1000);
            for _ in 0..100 {
                let taken = server.connection.received(server.now, &block);
                assert!(taken <= block.len());
                assert!(held(&server) <= most, "{} of {most}", held(&server));
                if answers {
                    server.run();
                }
            }
        }
    }
}

const MOST_REFUSED: usize = 3 * 64;

#[test]
fn telnet_options_are_refused_in_their_place_and_not_without_end() {
    let bytes = b"NO\xff\xfd\x01OP\r\n\xff\xfb\x03SYST\r\n";
    let mut outputs = Vec::new();
    for size in 1..=bytes.len() {
        let mut server = Server::new(plain());
        server.said();
        for chunk in bytes.chunks(size) {
            server.receive(chunk);
        }
        outputs.push(server.output.split_off(12));
    }
    let expected = b"\xff\xfc\x01200 Done.\r\n\xff\xfe\x03215 UNIX Type: L8\r\n";
    assert!(
        outputs.iter().all(|output| output == expected),
        "{:?}",
        outputs[0]
    );
    let mut server = Server::new(plain());
    server.said();
    server.receive(&b"\xff\xfd\x01".repeat(10_000));
    assert_eq!(server.output.len() - 12, MOST_REFUSED);
}

#[test]
fn a_verdict_that_comes_too_late_is_refused() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    let attempt = server.held.attempt.take().unwrap();
    server.connection.received_eof(server.now);
    assert_eq!(server.run(), Pause::Closed);
    let verdict = attempt.accept();
    assert_eq!(
        server.connection.decide(server.now, verdict),
        Err(ftp_proto::server::Misuse::Closed)
    );
    assert_eq!(server.events, ["Authenticate", "Closed(PeerClosed)"]);
}

#[test]
fn a_verdict_of_another_attempt_is_refused() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS account");
    let attempt = server.held.attempt.take().unwrap();
    // The other connection waits for a verdict as well, but not for this one.
    let mut other = Server::new(plain());
    other.answers = false;
    other.said();
    other.send("USER mallory");
    other.send("PASS guess");
    let verdict = attempt.accept();
    assert_eq!(
        other.connection.decide(other.now, verdict),
        Err(ftp_proto::server::Misuse::NothingOpen)
    );
}

#[test]
fn a_verdict_of_another_account_is_refused() {
    let attempted = |name: &str| {
        let mut server = Server::new(plain().takes_accounts(true));
        server.said();
        server.send(&format!("USER {name}"));
        assert_eq!(server.code("PASS right"), "230");
        server.answers = false;
        assert_eq!(server.send("ACCT main"), "");
        server
    };
    let (mut server, mut other) = (attempted("anna"), attempted("mallory"));
    let verdict = server.held.account.take().unwrap().accept();
    assert_eq!(
        other.connection.decide_account(other.now, verdict),
        Err(ftp_proto::server::Misuse::NothingOpen)
    );
    assert_eq!(other.said(), "");
    let verdict = other.held.account.take().unwrap().accept();
    assert_eq!(other.connection.decide_account(other.now, verdict), Ok(()));
    assert_eq!(other.said(), "230 Account accepted.\r\n");
}

#[test]
fn a_reply_to_a_command_that_was_answered_is_refused() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.answers = false;
    let reply = Reply::new(Code::FILE_ACTION_OKAY, "By the application.").unwrap();
    server.send("PWD");
    let first = server.held.request.take().unwrap().id();
    assert_eq!(server.connection.reply(server.now, first, &reply), Ok(()));
    assert_eq!(server.said(), "250 By the application.\r\n");
    server.send("CDUP");
    assert_eq!(
        server.connection.reply(server.now, first, &reply),
        Err(ftp_proto::server::Misuse::NothingOpen)
    );
    assert_eq!(server.said(), "");
    let second = server.held.request.take().unwrap().id();
    assert_eq!(server.connection.reply(server.now, second, &reply), Ok(()));
    assert_eq!(server.said(), "250 By the application.\r\n");
}

#[test]
fn an_account_is_asked_for_once_and_asking_again_is_a_rejection() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS account");
    let attempt = server.held.attempt.take().unwrap();
    server.decide(attempt);
    assert_eq!(server.code("ACCT other"), "332");
    let attempt = server.held.attempt.take().unwrap();
    let verdict = attempt.need_account();
    assert_eq!(server.connection.decide(server.now, verdict), Ok(()));
    server.sleep(seconds(1));
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
    assert_eq!(server.connection.phase(), Phase::New);
}

#[test]
fn a_connection_over_a_limit_is_told_so() {
    let connection = Connection::refused(Arc::new(plain()), Instant::START, "Too many.");
    let mut server = Server::of(connection);
    assert_eq!(server.said(), "421 Too many.\r\n");
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events, ["Closed(Shutdown)"]);
    let connection = Connection::refused(Arc::new(plain()), Instant::START, "a\r\nb");
    assert_eq!(
        Server::of(connection).said(),
        "421 Service not available.\r\n"
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
