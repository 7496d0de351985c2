//! Nothing crosses a TLS switch: what a server says behind one is what it says after a clean start,
//! and between the reply that announces a switch and the switch it says nothing at all.

use std::time::Duration;

use ftp_proto::server::{Config, Connection, Event};
use ftp_proto::{Action, Instant, Machine, Securable, TlsSwitch};
use ftp_testkit::{drive, drive_to_rest};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::dialogue::plain;
use super::harness::{Pause, Server, tls_session};

const ANNOUNCED: &str = "234 Start the TLS handshake.\r\n";
const CLEARED: &str = "200 Clear command channel.\r\n";

/// A driver whose transport takes little at a time, and which also reads while it cannot write.
struct Slow {
    server: Server,
    /// How many bytes each write takes; 0 is a write that is blocked once.
    writes: Vec<usize>,
    turn: usize,
    switch: Option<TlsSwitch>,
    end: Option<Pause>,
}

impl Slow {
    fn new(config: Config, writes: &[usize]) -> Self {
        Self {
            server: Server::new(config),
            writes: writes.to_vec(),
            turn: 0,
            switch: None,
            end: None,
        }
    }

    /// Whether a write is blocked.
    fn run(&mut self) -> bool {
        while self.end.is_none() {
            let Server {
                connection, output, ..
            } = &mut self.server;
            let write = |bytes: &[u8]| {
                assert_eq!(self.switch, None, "a write during a switch");
                let count = self.writes[self.turn % self.writes.len()].min(bytes.len());
                self.turn += 1;
                output.extend_from_slice(&bytes[..count]);
                count
            };
            match drive(connection, Instant::START, write) {
                Ok(event) => match Connection::tls_switch(&event) {
                    Some(switch) => assert_eq!(self.switch.replace(switch), None),
                    None => self.server.event(event),
                },
                Err(Pause::Blocked) => return true,
                Err(pause @ (Pause::Closed | Pause::Failed(_))) => self.end = Some(pause),
                Err(_) => return false,
            }
        }
        false
    }

    fn settle(&mut self) {
        while self.run() {}
    }

    fn hear(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.server.connection.received(Instant::START, rest)..];
            self.run();
        }
    }

    /// Does the switch that was asked for; whether one was.
    fn switch(&mut self) -> bool {
        self.settle();
        let Some(switch) = self.switch.take().filter(|_| self.end.is_none()) else {
            return false;
        };
        self.server.output.clear();
        match switch {
            TlsSwitch::Start => self
                .server
                .connection
                .tls_started(Instant::START, tls_session()),
            TlsSwitch::Stop => self.server.connection.tls_stopped(Instant::START),
        }
        self.settle();
        true
    }
}

/// What a client says, whole lines and noise; no guess of a password, which counts on.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&[u8]> = vec![
        b"USER anna\r\n",
        b"PASS right\r\n",
        b"HOST ftp.example.com\r\n",
        b"NOOP\r\n",
        b"XYZZY\r\n",
        b"\r\n",
        b"PBSZ 0\r\n",
        b"PROT P\r\n",
        b"REIN\r\n",
        b"LANG en\r\n",
        b"OPTS UTF8 ON\r\n",
        b"USER \xff\r\n",
        b"PASV\r\n",
        b"NOOP\0\r\n",
        b"STAT\r\n",
    ];
    prop_oneof![
        6 => select(lines).prop_map(<[u8]>::to_vec),
        4 => (251_u8..=254, any::<u8>()).prop_map(|(verb, option)| vec![255, verb, option]),
        1 => Just(b"\xff\xfb\n".to_vec()),
        1 => Just(b"\xff\xfd\x01".repeat(70)),
        1 => select(vec![b"\xff".to_vec(), b"\xff\xfd".to_vec(), b"\xff\xf4\xff\xf2".to_vec()]),
    ]
}

fn writes() -> impl Strategy<Value = Vec<usize>> {
    vec(0..40_usize, 0..6).prop_map(|mut writes| {
        writes.push(3);
        writes
    })
}

/// What is asked for and said behind a switch.
fn go_on(slow: &mut Slow, lines: &[&str]) -> String {
    slow.hear(&b"\xff\xfd\x01".repeat(70));
    for line in lines {
        slow.hear(line.as_bytes());
        slow.settle();
    }
    slow.server.output.escape_ascii().to_string()
}

const UNDER_TLS: &[&str] = &[
    "FEAT\r\n",
    "STAT\r\n",
    "PASS right\r\n",
    "PROT P\r\n",
    "XYZZY\r\n",
    "XYZZY\r\n",
    "XYZZY\r\n",
    "USER anna\r\n",
    "PASS wrong\r\n",
];

fn config(required: bool) -> Config {
    let security = if required {
        ftp_proto::server::Security::ExplicitTls
    } else {
        ftp_proto::server::Security::DangerousOptionalTls
    };
    Config::new()
        .security(security)
        .hosts(["ftp.example.com"])
        .clear_command_channel(true)
        .failure_delay(Duration::ZERO, Duration::ZERO)
        .max_bad_commands(4)
}

/// Logged in under TLS, nothing unsent.
fn under_tls(writes: &[usize]) -> Slow {
    let mut slow = Slow::new(config(true), &[usize::MAX]);
    slow.settle();
    slow.hear(b"AUTH TLS\r\n");
    assert!(slow.switch());
    slow.hear(b"USER anna\r\n");
    slow.hear(b"PASS right\r\n");
    slow.settle();
    slow.writes = writes.to_vec();
    slow
}

proptest! {
    #[test]
    fn what_is_said_under_tls_is_that_of_a_clean_start_whatever_came_in_clear(
        input in vec(input(), 0..12),
        chunk in 1..40_usize,
        writes in writes(),
        required: bool,
    ) {
        let mut clean = Slow::new(config(required), &[usize::MAX]);
        clean.settle();
        clean.hear(b"AUTH TLS\r\n");
        assert!(clean.switch());
        let clean = go_on(&mut clean, UNDER_TLS);

        let mut slow = Slow::new(config(required), &writes);
        slow.run();
        for piece in [input.concat(), b"AUTH TLS\r\n".to_vec()].concat().chunks(chunk) {
            slow.hear(piece);
        }
        if slow.switch() {
            prop_assert_eq!(go_on(&mut slow, UNDER_TLS), clean);
        }
    }

    #[test]
    fn what_is_said_in_clear_behind_ccc_is_that_of_a_clean_start_whatever_came_under_tls(
        options in vec((251_u8..=254, any::<u8>()), 0..80),
        bad in 0..3_usize,
        chunk in 1..40_usize,
        writes in writes(),
    ) {
        const IN_CLEAR: &[&str] = &["XYZZY\r\n", "XYZZY\r\n", "XYZZY\r\n", "NOOP\r\n"];
        let mut clean = under_tls(&[usize::MAX]);
        clean.hear(b"CCC\r\n");
        assert!(clean.switch());
        let clean = go_on(&mut clean, IN_CLEAR);

        let mut slow = under_tls(&writes);
        let options = options.iter().flat_map(|(verb, option)| [255, *verb, *option]);
        let mut bytes = b"XYZZY\r\n".repeat(bad);
        bytes.extend(options);
        bytes.extend(b"CCC\r\n");
        for piece in bytes.chunks(chunk) {
            slow.hear(piece);
        }
        prop_assert!(slow.switch());
        prop_assert_eq!(go_on(&mut slow, IN_CLEAR), clean);
    }
}

/// Ends of a connection that would be told with a 421.
const ENDS: [fn(&mut Server); 3] = [
    |server| server.connection.shutdown(server.now, "Going down."),
    |server| {
        server.now = server.now + Duration::from_secs(3600);
        server.connection.timed_out(server.now);
    },
    |server| assert_eq!(server.connection.received(server.now, b"U"), 1),
];

#[test]
fn nothing_is_said_from_the_announcement_of_a_switch_until_it_is_done() {
    for (command, announcement) in [("AUTH TLS\r\n", ANNOUNCED), ("CCC\r\n", CLEARED)] {
        for end in ENDS {
            for written in 1..=announcement.len() {
                for polled in [false, true] {
                    let mut slow = match announcement {
                        ANNOUNCED => Slow::new(config(true), &[usize::MAX]),
                        _ => under_tls(&[usize::MAX]),
                    };
                    slow.settle();
                    slow.server.output.clear();
                    slow.writes = vec![written, 0];
                    slow.turn = 0;
                    slow.hear(command.as_bytes());
                    assert_eq!(slow.server.output, &announcement.as_bytes()[..written]);
                    if polled {
                        slow.run();
                    }
                    end(&mut slow.server);
                    // A switch that was asked for is off.
                    slow.switch = None;
                    slow.writes = vec![1];
                    slow.settle();
                    assert!(slow.end.is_some());
                    let said = String::from_utf8_lossy(&slow.server.output);
                    assert!(announcement.starts_with(&*said), "{said:?}");
                }
            }
        }
    }
}

#[test]
fn an_announcement_that_was_not_begun_is_taken_back_in_clear_and_finished_under_tls() {
    for end in [ENDS[0], ENDS[2]] {
        let mut slow = Slow::new(config(true), &[usize::MAX]);
        slow.settle();
        slow.server.output.clear();
        slow.writes = vec![0];
        slow.hear(b"AUTH TLS\r\n");
        end(&mut slow.server);
        slow.writes = vec![1];
        slow.settle();
        let said = String::from_utf8_lossy(&slow.server.output);
        assert!(said.starts_with("421 "), "{said:?}");

        // What was offered may be encrypted by now: other bytes in its place would be cut.
        let mut slow = under_tls(&[0]);
        slow.server.output.clear();
        slow.hear(b"CCC\r\n");
        end(&mut slow.server);
        slow.server.connection.wrote(slow.server.now, CLEARED.len());
        slow.writes = vec![1];
        slow.settle();
        assert_eq!(slow.server.output, b"", "behind the 200 comes nothing");
    }
}

#[test]
fn a_shutdown_of_a_connection_that_waits_for_its_handshake_says_nothing() {
    let mut server = Server::new(plain().security(ftp_proto::server::Security::ImplicitTls));
    server.handshakes = false;
    server.run();
    server.connection.shutdown(server.now, "Going down.");
    assert_eq!(server.said(), "");
    assert_eq!(server.run(), Pause::Closed);

    let mut server = Server::new(config(true));
    server.said();
    server.send("AUTH TLS");
    server.connection.shutdown(server.now, "Going down.");
    assert_eq!(server.said(), "421 Going down.\r\n", "under TLS it is said");
}

#[test]
fn a_switch_that_was_not_asked_for_yet_is_taken_back() {
    let mut slow = Slow::new(config(true), &[usize::MAX]);
    slow.settle();
    let taken = slow
        .server
        .connection
        .received(Instant::START, b"AUTH TLS\r\n");
    assert_eq!(taken, 10);
    let connection = &mut slow.server.connection;
    // The 234 is written, and the event that asks for the switch not taken.
    let Ok(Action::Write { bytes, .. }) = connection.poll() else {
        panic!("a 234")
    };
    let count = bytes.len();
    connection.wrote(Instant::START, count);
    connection.shutdown(Instant::START, "x");
    let mut events = Vec::new();
    drive_to_rest(connection, Instant::START, &mut Vec::new(), &mut events);
    assert!(matches!(events[..], [Event::Closed(_)]), "{events:?}");
}
