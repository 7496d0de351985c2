//! What holds for every input: chunking never matters, no byte crosses a TLS switch, memory is
//! bounded, errors stay, and nothing panics.

use std::time::Duration;

use crate::common::{Dialogue, known, tls};
use ftp_proto::client::{
    Challenge, Config, Connection, DataProtection, Error, Event, Login, PeerFault, Security, Utf8,
};
use ftp_proto::wire::Command;
use ftp_proto::{Action, Instant, Limits, Machine, Securable};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Everything that can be told apart from outside.
fn seen(dialogue: &Dialogue) -> String {
    format!(
        "{:?} {:?} {:?} {:?}",
        String::from_utf8_lossy(&dialogue.sent),
        dialogue.events,
        dialogue.end,
        dialogue.client.session(),
    )
}

/// A code that fits somewhere, or does not.
fn code() -> impl Strategy<Value = u16> {
    prop_oneof![
        8 => select(vec![120_u16, 200, 202, 220, 230, 234, 331, 332, 336, 421, 503, 530]),
        1 => 100..600_u16,
    ]
}

/// One reply in one of the forms seen in the field, with nothing behind it.
fn reply(code: u16) -> impl Strategy<Value = Vec<u8>> {
    let before = select(vec!["", "\r\n", "\r\n\r\n"]);
    let telnet = select(vec![
        b"".as_slice(),
        b"\xff\xfd\x18",
        b"\xff\xf1",
        b"\xff\xfa\x01x\xff\xf0",
    ]);
    let inner = select(vec![
        "",
        "a\r\n",
        " 230 b\r\n",
        "230-c\r\n\r\n",
        "\u{e9}\u{4e2d}\r\n",
    ]);
    (
        before,
        telnet,
        any::<bool>(),
        inner,
        select(vec!["\r\n", "\n"]),
    )
        .prop_map(move |(before, telnet, multiline, inner, end)| {
            let mut bytes = before.as_bytes().to_vec();
            bytes.extend_from_slice(telnet);
            if multiline {
                bytes.extend_from_slice(format!("{code}-First{end}{inner}").as_bytes());
            }
            bytes.extend_from_slice(format!("{code} Te").as_bytes());
            bytes.extend_from_slice(telnet);
            bytes.extend_from_slice(format!("xt{end}").as_bytes());
            bytes
        })
}

/// A whole course of codes that succeeds, or any at all.
fn course() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![
        prop::collection::vec(code(), 0..10),
        Just(vec![220, 234, 200, 200, 331, 332, 230]),
        Just(vec![120, 220, 234, 503, 331, 230, 200, 200, 200]),
        Just(vec![220, 331, 230]),
        Just(vec![220, 332, 503, 331, 332, 202, 530]),
    ]
}

fn dialogue_replies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    course().prop_flat_map(|codes| codes.into_iter().map(reply).collect::<Vec<_>>())
}

fn config() -> impl Strategy<Value = Config> {
    let security = select(vec![
        Security::ExplicitTls,
        Security::ImplicitTls,
        Security::DangerousPlaintext,
    ]);
    let protection = select(vec![
        DataProtection::Required,
        DataProtection::Preferred,
        DataProtection::Clear,
    ]);
    let utf8 = select(vec![Utf8::Never, Utf8::IfAnnounced, Utf8::Always]);
    (security, protection, utf8, any::<[bool; 5]>()).prop_map(
        |(security, protection, utf8, [pipelining, ask, fallback, host, keep_alive])| {
            let login = if ask { known().ask() } else { known() };
            let config = Config::new(login)
                .security(security)
                .data_protection(protection)
                .pipelining(pipelining)
                .utf8(utf8)
                .auth_ssl_fallback(fallback)
                .keep_alive(keep_alive.then_some(Duration::from_secs(5)))
                .clear_command_channel(true);
            if host {
                config.host("ftp.example.com").unwrap()
            } else {
                config
            }
        },
    )
}

/// Hears all replies, each cut in pieces by `cut`, doing its TLS when asked.
fn run(config: &Config, replies: &[Vec<u8>], mut cut: impl FnMut(&mut Dialogue, &[u8])) -> String {
    let mut dialogue = Dialogue::new(config.clone());
    for reply in replies {
        if dialogue.waits {
            dialogue.start_tls();
        }
        cut(&mut dialogue, reply);
        if dialogue.client.phase() == ftp_proto::client::Phase::Ready && dialogue.end.is_none() {
            dialogue.send("NOOP");
        }
    }
    dialogue.hear_end();
    seen(&dialogue)
}

proptest! {
    #[test]
    fn chunking_never_matters(
        config in config(),
        replies in dialogue_replies(),
        cuts in prop::collection::vec(any::<Index>(), 1..8),
    ) {
        let whole = run(&config, &replies, |dialogue, reply| dialogue.hear(reply));
        let bytewise = run(&config, &replies, |dialogue, reply| dialogue.hear_bytewise(reply));
        prop_assert_eq!(&whole, &bytewise);
        let cut = run(&config, &replies, |dialogue, reply| {
            let mut points: Vec<_> = cuts.iter().map(|cut| cut.index(reply.len())).collect();
            points.extend([0, reply.len()]);
            points.sort_unstable();
            for pair in points.windows(2) {
                dialogue.hear(&reply[pair[0]..pair[1]]);
            }
        });
        prop_assert_eq!(&whole, &cut);
    }

    #[test]
    fn chunking_of_any_bytes_between_two_polls_does_not_matter(
        before in select(vec!["", "220 x\r\n", "220 x\r\n|331 x\r\n", "220 x\r\n|230 x\r\n"]),
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), select(b"2301- \r\n\xff\xfd".to_vec())], 0..60),
    ) {
        let config = Config::new(known()).security(Security::DangerousPlaintext);
        let run = |chunk: usize| {
            let mut dialogue = Dialogue::new(config.clone());
            for part in before.split('|').filter(|part| !part.is_empty()) {
                dialogue.hear(part);
            }
            for piece in bytes.chunks(chunk) {
                dialogue.store(piece);
            }
            dialogue.drive();
            dialogue.hear_end();
            seen(&dialogue)
        };
        prop_assert_eq!(run(1), run(1000));
    }
}

#[test]
fn options_asked_for_around_a_fault_are_refused_alike_at_every_split_point() {
    let mut limits = Limits::default();
    (limits.reply_line, limits.reply_lines) = (12, 2);
    for stream in [
        b"SSH\xff\xfd\x01x\xff\xfd\x02\r\n".as_slice(),
        b"* B\xff\xfd\x01YE\xff\xfd\x02\r\n",
        b"\xff\xfd\x01nonsense\xff\xfd\x02\r\n",
        b"220 45678901\r\xff\xfd\x01x\xff\xfd\x02\r\n",
        b"220-a\r\nb\r\nc\xff\xfd\x01\r\n\xff\xfd\x02",
    ] {
        let mut sent = Vec::new();
        for split in 0..=stream.len() {
            let config = Config::new(known()).limits(limits);
            let mut dialogue = Dialogue::new(config);
            dialogue.hear(&stream[..split]);
            dialogue.hear(&stream[split..]);
            dialogue.error();
            sent.push(dialogue.take_sent_bytes());
        }
        sent.dedup();
        assert_eq!(sent.len(), 1, "{stream:?}: {sent:?}");
    }
}

#[test]
fn injected_plaintext_after_234_is_refused_at_every_split_point() {
    for injected in [
        b"220 x\r\n".as_slice(),
        b"2",
        b"\r\n",
        b"\n",
        b" ",
        b"\xff",
        b"\xff\xf1",
        b"\xff\xfd\x01",
    ] {
        for accepted in ["234 Go.\r\n", "334 Go.\r\n", "234-a\r\n234 b\r\n"] {
            let stream = [accepted.as_bytes(), injected].concat();
            for split in 0..=stream.len() {
                for polled in [true, false] {
                    let mut dialogue = Dialogue::new(Config::new(known()));
                    dialogue.hear("220 Ready.\r\n");
                    dialogue.forget();
                    dialogue.store(&stream[..split]);
                    if polled {
                        dialogue.drive();
                    }
                    dialogue.hear(&stream[split..]);
                    dialogue.start_tls();
                    assert_eq!(dialogue.take_sent(), "", "{injected:?} at {split}");
                    assert!(matches!(
                        dialogue.error(),
                        Error::PeerFault {
                            fault: PeerFault::BytesBeforeTlsSwitch,
                            ..
                        }
                    ));
                }
            }
        }
    }
}

#[test]
fn bytes_before_implicit_tls_are_refused() {
    let mut dialogue = Dialogue::new(Config::new(known()).security(Security::ImplicitTls));
    dialogue.hear("220 Ready.\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::PeerFault {
            fault: PeerFault::BytesBeforeTlsSwitch,
            ..
        }
    ));
}

#[test]
fn a_long_banner_may_come_one_byte_at_a_time() {
    let mut banner = Vec::new();
    while banner.len() < 64 * 1024 {
        banner.extend_from_slice(b"220-All work and no play makes Jack a dull boy.\r\n");
    }
    banner.extend_from_slice(b"220 Ready.\r\n");
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear_bytewise(&banner);
    assert_eq!(dialogue.take_sent(), "AUTH TLS\r\n");
}

#[test]
fn a_machine_that_is_not_polled_takes_no_more_than_the_longest_reply() {
    let mut limits = Limits::default();
    limits.reply_bytes = 1000;
    for ready in [false, true] {
        let config = Config::new(known())
            .security(Security::DangerousPlaintext)
            .limits(limits);
        let mut dialogue = Dialogue::new(config);
        if ready {
            for reply in ["220 x\r\n", "331 x\r\n", "230 x\r\n"] {
                dialogue.hear(reply);
            }
        }
        let mut taken = 0;
        for _ in 0..100 {
            taken += dialogue
                .client
                .received(dialogue.now, &b"200 Okay.\r\n".repeat(50));
        }
        assert!((1000..=1100).contains(&taken), "{taken}");
    }
}

#[test]
fn blank_lines_and_telnet_never_fill_the_input() {
    let mut limits = Limits::default();
    limits.reply_bytes = 100;
    let config = Config::new(known())
        .security(Security::DangerousPlaintext)
        .limits(limits);
    let mut dialogue = Dialogue::new(config);
    for _ in 0..1000 {
        dialogue.hear(b"\r\n\xff\xf1\xff\xfd\x01\r\n".repeat(10));
    }
    dialogue.take_sent_bytes();
    dialogue.hear("220 Ready.\r\n");
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}

#[test]
fn an_idle_machine_is_small() {
    assert!(
        size_of::<Connection>() <= 2048,
        "{}",
        size_of::<Connection>()
    );
}

/// One call, in any state.
#[derive(Debug, Clone)]
enum Call {
    Poll,
    Receive(Vec<u8>),
    End,
    Wrote(usize),
    TimedOut(u64),
    StartTls,
    StopTls,
    Answer(u8),
    Send(&'static str),
    Rein,
    Ccc,
    Quit,
}

fn call() -> impl Strategy<Value = Call> {
    let replies = code().prop_flat_map(reply);
    let garbage = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        20 => Just(Call::Poll),
        12 => replies.prop_map(Call::Receive),
        1 => garbage.prop_map(Call::Receive),
        1 => Just(Call::End),
        10 => prop_oneof![Just(usize::MAX), 0..40_usize].prop_map(Call::Wrote),
        2 => (0..60_u64).prop_map(Call::TimedOut),
        4 => Just(Call::StartTls),
        2 => Just(Call::StopTls),
        3 => any::<u8>().prop_map(Call::Answer),
        2 => select(vec!["NOOP", "PROT P", "QUIT", "ACCT x"]).prop_map(Call::Send),
        1 => Just(Call::Rein),
        1 => Just(Call::Ccc),
        1 => Just(Call::Quit),
    ]
}

/// Polls once and checks what every poll must keep; returns the challenge, if there is one.
fn poll(client: &mut Connection, end: &mut Option<Result<(), Error>>) -> Option<Challenge> {
    let polled = match client.poll() {
        Ok(Action::Event(Event::Challenge(challenge))) => return Some(challenge),
        Ok(Action::Event(_)) => {
            assert!(end.is_none(), "an event after the end");
            return None;
        }
        Ok(Action::Write { bytes, .. }) => {
            assert!(!bytes.is_empty());
            None
        }
        Ok(Action::Closed) => Some(Ok(())),
        Err(error) => Some(Err(error)),
        Ok(_) => None,
    };
    if end.is_some() {
        assert_eq!(*end, polled, "the end stays");
    }
    *end = polled;
    let first = format!("{:?}", client.poll());
    assert_eq!(
        first,
        format!("{:?}", client.poll()),
        "the same until it is acted on"
    );
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_call_is_legal_in_every_state(
        config in config(),
        calls in prop::collection::vec(call(), 0..120),
    ) {
        let mut now = Instant::START;
        let mut client = Connection::new(config, now);
        let mut end = None;
        let mut challenge: Option<Challenge> = None;
        for call in calls {
            match call {
                Call::Poll => challenge = poll(&mut client, &mut end).or(challenge),
                Call::Receive(bytes) => {
                    prop_assert!(client.received(now, &bytes) <= bytes.len());
                }
                Call::End => client.received_eof(now),
                Call::Wrote(count) => client.wrote(now, count),
                Call::TimedOut(seconds) => {
                    now = now + Duration::from_secs(seconds);
                    client.timed_out(now);
                }
                Call::StartTls => client.tls_started(now, tls()),
                Call::StopTls => client.tls_stopped(now),
                Call::Answer(kind) => {
                    if let Some(challenge) = challenge.take() {
                        let answer = match kind % 3 {
                            0 => challenge.username(crate::common::username(), None),
                            1 => challenge.password(crate::common::password()),
                            _ => challenge.account(crate::common::account()),
                        };
                        let _ = client.answer(now, answer);
                    }
                }
                Call::Send(line) => {
                    let _ = client.send(now, Command::from_line(line).unwrap());
                }
                Call::Rein => {
                    let _ = client.reinitialize(now, Login::interactive());
                }
                Call::Ccc => {
                    let _ = client.clear_command_channel(now);
                }
                Call::Quit => {
                    let _ = client.quit(now);
                }
            }
        }
    }
}
