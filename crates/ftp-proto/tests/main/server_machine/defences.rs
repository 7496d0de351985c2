//! Guesses, bad commands and floods: what is counted, and what is bounded.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::server::Connection;
use ftp_proto::{Instant, Limits, Machine};

use super::dialogue::{optional, plain};
use super::harness::{Pause, Server, seconds};

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
