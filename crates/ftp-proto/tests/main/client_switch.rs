//! Nothing crosses a TLS switch: what a client says behind one is what it says after a clean start,
//! whatever came before, however it was cut, and however slowly the client's own bytes went out.

use crate::common::{Dialogue, known, tls};
use ftp_proto::client::{Config, Connection, DataProtection, Error, Event, PeerFault, Security};
use ftp_proto::{Instant, Limits, Machine, Securable, TlsSwitch};
use ftp_testkit::{Pause, drive};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A driver whose transport takes little at a time, and which also reads while it cannot write.
struct Slow {
    client: Connection,
    /// How many bytes each write takes; 0 is a write that is blocked once.
    writes: Vec<usize>,
    turn: usize,
    /// What was sent since the last switch.
    sent: Vec<u8>,
    events: Vec<String>,
    /// The switch that was asked for and is not done.
    switch: Option<TlsSwitch>,
    failed: Option<Error>,
}

impl Slow {
    fn new(config: Config, writes: &[usize]) -> Self {
        Self {
            client: Connection::new(config, Instant::START),
            writes: writes.to_vec(),
            turn: 0,
            sent: Vec::new(),
            events: Vec::new(),
            switch: None,
            failed: None,
        }
    }

    /// Does what is asked for until there is nothing to do but to read, or a write is blocked; whether
    /// one is.
    fn run(&mut self) -> bool {
        while self.failed.is_none() {
            let write = |bytes: &[u8]| {
                assert_eq!(self.switch, None, "a write during a switch");
                let count = self.writes[self.turn % self.writes.len()].min(bytes.len());
                self.turn += 1;
                self.sent.extend_from_slice(&bytes[..count]);
                count
            };
            match drive(&mut self.client, Instant::START, write) {
                Ok(event) => {
                    if let Some(switch) = Connection::tls_switch(&event) {
                        assert_eq!(self.switch.replace(switch), None);
                    }
                    self.events.push(crate::common::event_name(&event));
                }
                Err(Pause::Failed(error)) => self.failed = Some(error),
                Err(pause) => return pause == Pause::Blocked,
            }
        }
        false
    }

    fn hear(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.client.received(Instant::START, rest)..];
            self.run();
        }
    }

    /// Until nothing is blocked any more.
    fn settle(&mut self) {
        while self.run() {}
    }

    /// Does the switch that was asked for; whether one was.
    fn switch(&mut self) -> bool {
        self.settle();
        let Some(switch) = self.switch.take().filter(|_| self.failed.is_none()) else {
            return false;
        };
        self.sent.clear();
        match switch {
            TlsSwitch::Start => self.client.tls_started(Instant::START, tls()),
            TlsSwitch::Stop => self.client.tls_stopped(Instant::START),
        }
        self.settle();
        true
    }
}

/// What a server says, with noise in it, in pieces.
#[derive(Debug, Clone)]
struct Noisy {
    bytes: Vec<u8>,
    cuts: Vec<Index>,
}

impl Noisy {
    fn pieces(&self) -> Vec<&[u8]> {
        let mut points: Vec<_> = self
            .cuts
            .iter()
            .map(|cut| cut.index(self.bytes.len() + 1))
            .collect();
        points.extend([0, self.bytes.len()]);
        points.sort_unstable();
        points
            .windows(2)
            .map(|pair| &self.bytes[pair[0]..pair[1]])
            .collect()
    }
}

/// Telnet of all kinds, and blank lines.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (select(vec![251_u8, 252, 253, 254]), any::<u8>())
            .prop_map(|(verb, option)| vec![255, verb, option]),
        2 => Just(b"\xff\xfd\n".to_vec()),
        1 => select(vec![b"\xff\xf1".to_vec(), b"\xff\xf4\xff\xf2".to_vec()]),
        1 => Just(b"\xff\xfa\x18\x01\n\xff\xf0".to_vec()),
        1 => Just(b"\xff\xfd\x01".repeat(70)),
        1 => select(vec![b"\xff".to_vec(), b"\xff\xfd".to_vec()]),
    ]
}

/// These replies with noise at any places of them.
fn noisy(replies: Vec<&'static str>) -> impl Strategy<Value = Noisy> {
    let insertions = prop::collection::vec((any::<Index>(), noise()), 0..6);
    let cuts = prop::collection::vec(any::<Index>(), 0..8);
    (select(replies), insertions, cuts).prop_map(|(reply, insertions, cuts)| {
        let mut bytes = reply.as_bytes().to_vec();
        for (at, noise) in insertions {
            // Not behind the end: what is there is a fault, which has its own tests.
            let at = at.index(bytes.len().max(1));
            bytes.splice(at..at, noise);
        }
        Noisy { bytes, cuts }
    })
}

fn writes() -> impl Strategy<Value = Vec<usize>> {
    (prop::collection::vec(0..9_usize, 0..6)).prop_map(|mut writes| {
        writes.push(3);
        writes
    })
}

/// What is asked for and said under TLS: every refusal must be there, in its place.
fn go_on(slow: &mut Slow) -> Vec<u8> {
    slow.hear(&b"\xff\xfd\x01".repeat(70));
    slow.settle();
    for reply in ["200 x\r\n", "536 x\r\n", "331 x\r\n", "230 x\r\n"] {
        slow.hear(reply.as_bytes());
        slow.settle();
    }
    slow.sent.clone()
}

fn explicit() -> Config {
    Config::new(known()).data_protection(DataProtection::Preferred)
}

fn started_cleanly(config: &Config) -> Vec<u8> {
    let mut slow = Slow::new(config.clone(), &[usize::MAX]);
    slow.run();
    slow.hear(b"220 x\r\n");
    slow.hear(b"234 x\r\n");
    assert!(slow.switch());
    go_on(&mut slow)
}

/// Logged in under TLS, where `CCC` is allowed, with nothing unsent.
fn under_tls(writes: &[usize]) -> Slow {
    let config = Config::new(known())
        .data_protection(DataProtection::Clear)
        .clear_command_channel(true);
    let mut slow = Slow::new(config, &[usize::MAX]);
    slow.run();
    slow.hear(b"220 x\r\n");
    slow.hear(b"234 x\r\n");
    assert!(slow.switch());
    slow.hear(b"331 x\r\n");
    slow.hear(b"230 x\r\n");
    slow.writes = writes.to_vec();
    slow
}

fn in_clear_again(slow: &mut Slow) -> Vec<u8> {
    slow.hear(&b"\xff\xfd\x01".repeat(70));
    slow.settle();
    let noop = "NOOP".try_into().unwrap();
    slow.client.send(Instant::START, noop).unwrap();
    slow.settle();
    slow.sent.clone()
}

fn is_injection(error: Option<&Error>) -> bool {
    matches!(
        error,
        Some(Error::PeerFault {
            fault: PeerFault::BytesBeforeTlsSwitch,
            ..
        })
    )
}

proptest! {
    #[test]
    fn what_is_said_under_tls_is_that_of_a_clean_start_whatever_came_in_clear(
        greeting in noisy(vec!["220 x\r\n", "220-a\r\n b\r\n220 x\r\n", "\r\n\r\n220 x\r\n"]),
        answer in noisy(vec!["234 x\r\n", "334 x\r\n", "\r\n234 x\r\n", "234-a\r\n234 x\r\n",
            "504 x\r\n\r\n"]),
        pipelining: bool,
        writes in writes(),
    ) {
        let config = explicit().pipelining(pipelining).auth_ssl_fallback(true);
        let clean = started_cleanly(&config);
        let mut slow = Slow::new(config, &writes);
        slow.run();
        for piece in greeting.pieces() {
            slow.hear(piece);
        }
        slow.settle();
        for piece in answer.pieces() {
            slow.hear(piece);
        }
        slow.settle();
        if answer.bytes.windows(4).any(|window| window == b"504 ") {
            slow.hear(b"234 x\r\n");
        }
        if slow.switch() {
            prop_assert_eq!(
                go_on(&mut slow).escape_ascii().to_string(),
                clean.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn options_asked_for_before_the_consent_never_stop_a_switch(
        answer in noisy(vec!["234 x\r\n", "234-a\r\n b\r\n234 x\r\n"]),
        writes in writes(),
    ) {
        // Half a sequence may swallow what follows it; a whole one may not.
        let mut filter = ftp_proto::wire::TelnetFilter::new();
        let mut plain = Vec::new();
        filter.filter(&answer.bytes, |data| plain.extend_from_slice(data), |_| {});
        if plain != b"234 x\r\n" && plain != b"234-a\r\n b\r\n234 x\r\n" {
            return Ok(());
        }
        let mut slow = Slow::new(explicit(), &writes);
        slow.run();
        slow.hear(b"220 x\r\n");
        slow.settle();
        for piece in answer.pieces() {
            slow.hear(piece);
        }
        prop_assert!(slow.switch(), "{:?}", slow.failed);
        prop_assert!(slow.sent.starts_with(b"PBSZ 0\r\n"));
    }

    #[test]
    fn what_is_said_in_clear_behind_ccc_is_that_of_a_clean_start_whatever_came_under_tls(
        before in noisy(vec!["", "\r\n"]),
        answer in noisy(vec!["200 x\r\n", "200-a\r\n200 x\r\n", "\r\n200 x\r\n"]),
        writes in writes(),
    ) {
        let mut clean = under_tls(&[usize::MAX]);
        clean.client.clear_command_channel(Instant::START).unwrap();
        clean.run();
        clean.hear(b"200 x\r\n");
        assert!(clean.switch());
        let clean = in_clear_again(&mut clean);

        let mut slow = under_tls(&writes);
        for piece in before.pieces() {
            slow.hear(piece);
        }
        if slow.client.clear_command_channel(Instant::START).is_err() {
            slow.settle();
            prop_assert!(slow.failed.is_some());
            return Ok(());
        }
        slow.settle();
        for piece in answer.pieces() {
            slow.hear(piece);
        }
        if slow.switch() {
            prop_assert_eq!(
                in_clear_again(&mut slow).escape_ascii().to_string(),
                clean.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn anything_at_all_before_the_handshake_changes_nothing_behind_it(
        bytes in prop::collection::vec(
            prop_oneof![3 => any::<u8>(), 5 => select(b"234 \r\n\xff\xfd\xfb\x01".to_vec())], 0..40),
        writes in writes(),
        chunk in 1..20_usize,
    ) {
        let clean = started_cleanly(&explicit());
        let mut slow = Slow::new(explicit(), &writes);
        slow.run();
        slow.hear(b"220 x\r\n");
        slow.settle();
        for piece in bytes.chunks(chunk) {
            slow.hear(piece);
        }
        slow.hear(b"234 x\r\n");
        if slow.switch() {
            prop_assert_eq!(go_on(&mut slow), clean);
        } else if slow.failed.is_none() {
            prop_assert!(!slow.events.iter().any(|event| event == "StartTls"));
        }
    }
}

#[test]
fn an_option_asked_for_around_the_consent_is_not_refused_under_tls() {
    for answer in [
        b"\xff\xfd\x01234 x\r\n".as_slice(),
        b"234 \xff\xfd\nx\r\n",
        b"234 x\r\xff\xfb\x01\n",
        b"234-x\r\n\xff\xfd\n234 x\r\n",
    ] {
        for cut in 0..=answer.len() {
            let mut slow = Slow::new(explicit(), &[usize::MAX]);
            slow.run();
            slow.hear(b"220 x\r\n");
            slow.sent.clear();
            slow.hear(&answer[..cut]);
            slow.hear(&answer[cut..]);
            slow.settle();
            assert!(slow.sent.is_empty(), "said in clear: {:?}", slow.sent);
            assert!(slow.switch(), "{:?} at {cut}", answer.escape_ascii());
            assert_eq!(slow.sent, b"PBSZ 0\r\n", "{}", answer.escape_ascii());
        }
    }
}

#[test]
fn an_option_asked_for_before_a_negative_reply_to_auth_is_refused_before_the_next_command() {
    let mut dialogue = Dialogue::new(explicit().auth_ssl_fallback(true));
    dialogue.hear("220 x\r\n");
    dialogue.forget();
    dialogue.hear(b"\xff\xfd\x01");
    assert_eq!(dialogue.take_sent(), "", "held until the reply has come");
    dialogue.hear(b"504 x\r\n");
    assert_eq!(dialogue.take_sent_bytes(), b"\xff\xfc\x01AUTH SSL\r\n");
}

#[test]
fn options_asked_for_between_a_keep_alive_and_a_ccc_stay_on_their_side() {
    let config = Config::new(known())
        .data_protection(DataProtection::Clear)
        .clear_command_channel(true)
        .keep_alive(Some(std::time::Duration::from_secs(60)));
    for option in [
        b"\xff\xfd\x01200 kept\r\n".as_slice(),
        b"200 kept\xff\xfd\n\r\n",
    ] {
        let mut dialogue = Dialogue::secured(config.clone());
        dialogue.hear("331 x\r\n");
        dialogue.hear("230 x\r\n");
        dialogue.forget();
        dialogue.pass(60);
        assert_eq!(dialogue.take_sent(), "NOOP\r\n");
        dialogue.client.clear_command_channel(dialogue.now).unwrap();
        dialogue.hear(option);
        assert_eq!(dialogue.take_sent_bytes(), b"CCC\r\n");
        dialogue.hear("200 Clear.\r\n");
        assert!(matches!(dialogue.events[..], [Event::StopTls]));
        assert_eq!(dialogue.take_sent(), "");
        dialogue.stop_tls();
        assert_eq!(dialogue.take_sent(), "");
    }
}

#[test]
fn bytes_before_implicit_tls_are_a_fault_and_not_answered() {
    for bytes in [b"\xff\xfd\x01".as_slice(), b"\xff", b"\n", b"220 x\r\n"] {
        let mut slow = Slow::new(
            Config::new(known()).security(Security::ImplicitTls),
            &[usize::MAX],
        );
        slow.run();
        slow.hear(bytes);
        slow.settle();
        assert!(is_injection(slow.failed.as_ref()), "{:?}", slow.failed);
        assert!(slow.sent.is_empty());
    }
}

#[test]
fn bytes_behind_the_consent_for_which_there_was_no_room_are_an_injection() {
    let mut limits = Limits::default();
    limits.reply_bytes = 64;
    let reply = format!("234-{}\r\n234 x\r\n", "a".repeat(51));
    assert_eq!(reply.len(), 64);
    let room = (0..64_usize)
        .find(|blank| {
            // As many blank lines in front of it as leave no room behind it.
            let mut dialogue = Dialogue::new(explicit().limits(limits));
            dialogue.hear("220 x\r\n");
            let bytes = ["\r\n".repeat(*blank), reply.clone(), "x".into()].concat();
            dialogue.client.received(dialogue.now, bytes.as_bytes()) < bytes.len()
        })
        .expect("the input is bounded");
    let mut dialogue = Dialogue::new(explicit().limits(limits));
    dialogue.hear("220 x\r\n");
    let bytes = ["\r\n".repeat(room), reply, "x".into()].concat();
    let taken = dialogue.client.received(dialogue.now, bytes.as_bytes());
    assert_eq!(taken, bytes.len() - 1);
    dialogue.drive();
    assert!(is_injection(
        dialogue.end.as_ref().and_then(|end| end.as_ref().err())
    ));
}
