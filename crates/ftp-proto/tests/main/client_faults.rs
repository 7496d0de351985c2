//! What a server does wrong, and how it is told: a 421 at any moment, replies without an end, other
//! protocols, malformed lines.

use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, Error, PeerFault, Phase, Security};
use ftp_proto::wire::ForeignProtocol;
use ftp_proto::{Lenience, Limits};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn the_unavailable_service_is_told_in_every_phase_and_inside_an_unfinished_reply() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331-Password\r\n421 Shutting down.\r\n");
    assert_eq!(dialogue.end, None);
    dialogue.pass(3);
    assert!(matches!(
        dialogue.error(),
        Error::ServiceUnavailable {
            phase: Phase::User,
            ..
        }
    ));

    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331-Password\r\n421 Shutting down.\r\n");
    dialogue.hear_end();
    assert!(matches!(dialogue.error(), Error::ServiceUnavailable { .. }));
}

#[test]
fn a_421_that_the_end_of_the_stream_cuts_off_is_taken_for_what_it_says() {
    let whole = "421-Going down\r\n421 Now.\r\n";
    for before in ["", "331-Password\r\n"] {
        for cut in 3..whole.len() {
            let mut dialogue = Dialogue::plain(known());
            dialogue.hear(before);
            dialogue.hear(&whole[..cut]);
            dialogue.hear_end();
            let error = dialogue.error();
            assert!(
                matches!(error, Error::ServiceUnavailable { .. }),
                "{before:?} {cut}: {error}"
            );
            let reply = error.reply().unwrap();
            assert_eq!(reply.raw(), [before, &whole[..cut]].concat().as_bytes());
            assert_eq!(reply.is_multiline(), reply.lines().count() > 1, "{reply:?}");
        }
    }
    for text in [
        "42",
        "4210 x",
        "331-421 is no end\r\n",
        "331-421-\r\n x\r\n",
        "331-Password\r\n4210 bytes",
    ] {
        let mut dialogue = Dialogue::plain(known());
        dialogue.store(text);
        dialogue.hear_end();
        let error = dialogue.error();
        assert!(
            !matches!(error, Error::ServiceUnavailable { .. }),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn a_strict_client_takes_no_foreign_end_even_where_nothing_more_can_follow() {
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut dialogue = Dialogue::new(config.lenience(Lenience::STRICT));
    dialogue.hear("220 Ready.\r\n");
    dialogue.hear("331 Password.\r\n");
    dialogue.hear("230-Welcome\r\n200 PORT okay.\r\n");
    dialogue.hear_end();
    assert_eq!(dialogue.event_names(), [""; 0]);
    assert!(matches!(
        dialogue.error(),
        Error::ConnectionClosed {
            phase: Phase::Password,
            mid_reply: true,
            ..
        }
    ));
}

#[test]
fn a_foreign_end_is_taken_after_silence_or_at_the_end_and_marks_the_session() {
    for silent in [true, false] {
        let mut dialogue = Dialogue::plain(known());
        dialogue.hear("331 Password.\r\n");
        dialogue.hear("230-Welcome\r\n200 PORT okay.\r\n");
        assert_eq!(dialogue.event_names(), [""; 0]);
        if silent {
            dialogue.pass(2);
            assert_eq!(dialogue.event_names(), [""; 0], "too early");
            dialogue.pass(1);
        } else {
            dialogue.hear_end();
        }
        assert_eq!(dialogue.event_names(), ["LoggedIn"]);
        assert!(dialogue.session().irregular);
        assert!(dialogue.session().logged_in_with.is_irregular());
    }
}

#[test]
fn a_foreign_end_of_another_kind_is_none() {
    for reply in [
        "230-Welcome\r\n530 No.\r\n",
        "530-No\r\n230 Welcome.\r\n",
        "230-Welcome\r\n331 Password?\r\n",
        "230-Welcome\r\n332 Account?\r\n",
        "230-Welcome\r\n336 Challenge.\r\n",
        "230-Welcome\r\n120 Soon.\r\n",
        "230-Welcome\r\n150 Wait.\r\n",
        "230-Welcome\r\n631 abcd\r\n",
        "202-Welcome\r\n331 Password?\r\n",
        "150-Wait\r\n230 Welcome.\r\n",
        "332-Account\r\n230 Welcome.\r\n",
        "430-No\r\n530 No.\r\n",
    ] {
        for silent in [true, false] {
            let mut dialogue = Dialogue::plain(known());
            dialogue.hear("331 Password.\r\n");
            dialogue.hear(reply);
            if silent {
                dialogue.pass(30);
            } else {
                dialogue.hear_end();
            }
            let error = dialogue.error();
            assert!(
                matches!(
                    error,
                    Error::TimedOut { .. } | Error::ConnectionClosed { .. }
                ),
                "{reply:?}: {error}"
            );
        }
    }
}

#[test]
fn preliminary_replies_to_one_command_are_counted() {
    let most = Limits::default().preliminary_replies;
    let mut dialogue = Dialogue::new(Config::new(known()).security(Security::DangerousPlaintext));
    dialogue.hear("120 Soon.\r\n".repeat(most));
    assert_eq!(dialogue.end, None);
    dialogue.hear("120 Soon.\r\n");
    assert_eq!(
        dialogue.error(),
        &Error::PeerFault {
            phase: Phase::Greeting,
            fault: PeerFault::TooManyPreliminary
        }
    );

    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("230 In.\r\n");
    for command in ["RETR a", "LIST"] {
        dialogue.send(command);
        dialogue.hear("150 Wait.\r\n".repeat(most));
        dialogue.hear("226 Done.\r\n");
        assert_eq!(dialogue.end, None, "counted for each command");
    }
    dialogue.send("PWD");
    dialogue.hear("150 Wait.\r\n".repeat(most + 1));
    assert_eq!(
        dialogue.error(),
        &Error::PeerFault {
            phase: Phase::Ready,
            fault: PeerFault::TooManyPreliminary
        }
    );
}

#[test]
fn speakers_of_other_protocols_are_named_at_once() {
    for (bytes, protocol) in [
        (b"SSH-2.0-x".as_slice(), ForeignProtocol::Ssh),
        (b"HTTP/1.1 400", ForeignProtocol::Http),
        (b"220 mx.example.com ESMTP ready\r\n", ForeignProtocol::Smtp),
        (b"220 mx.example.com SMTP\r\n", ForeignProtocol::Smtp),
        (b"+OK ready", ForeignProtocol::Pop3),
        (b"\x15\x03\x01\x00\x02", ForeignProtocol::Tls),
    ] {
        let mut dialogue = Dialogue::new(Config::new(known()));
        dialogue.hear(bytes);
        assert!(matches!(
            dialogue.error(),
            Error::PeerFault { phase: Phase::Greeting, fault: PeerFault::ForeignProtocol(found) }
                if *found == protocol
        ));
    }
    for greeting in [
        "ftp.example.com, beside our SMTP service",
        "smtp.example.com ready",
    ] {
        let mut dialogue = Dialogue::new(Config::new(known()));
        dialogue.hear(format!("220 {greeting}\r\n"));
        assert_eq!(dialogue.take_sent(), "AUTH TLS\r\n", "{greeting}");
    }
}

#[test]
fn errors_say_what_was_expected_where_and_what_came() {
    let said = |config: Config, replies: &[&str]| {
        let mut dialogue = Dialogue::new(config);
        for reply in replies {
            dialogue.hear(reply);
        }
        dialogue.error().to_string()
    };
    let config = || Config::new(known());
    assert_eq!(
        said(config(), &["hello\r\n"]),
        "protocol fault of the server at greeting: a reply must begin with a code from 100 to 699 \
         and a space or hyphen; the line begins \"h\""
    );
    assert_eq!(
        said(config(), &["220 x\r\n", "502 No.\r\n"]),
        "the server refused at security (AUTH TLS, PBSZ or PROT): 502 No."
    );
    assert_eq!(
        said(
            config().security(Security::DangerousPlaintext),
            &["220 x\r\n", "530 No.\r\n"]
        ),
        "the server refused at user: 530 No."
    );
}

#[test]
fn a_malformed_reply_is_shown_escaped() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("220-Hello\r\n220 Hello\r\n");
    dialogue.hear("23x Go\r\n");
    let message = dialogue.error().to_string();
    assert!(
        message.contains("security") && message.contains("\"23x\""),
        "{message}"
    );
}

/// The parts of a stream that says nothing, and the byte at which that is too much.
fn filler(parts: &[usize], most: usize) -> (Vec<u8>, Option<usize>) {
    const PARTS: [(&[u8], bool); 5] = [
        (b"\r\n", false),
        (b"\xff\xf1", true),
        (b"\xff\xfe\x18", true),
        (b"\xff\xfa\xff\xff\xff\xf0", true),
        (b"\n", false),
    ];
    let (mut bytes, mut end) = (Vec::new(), None);
    let (mut telnet, mut blank) = (0, 0);
    for part in parts {
        let (part, is_telnet) = PARTS[part % PARTS.len()];
        let count = if is_telnet { &mut telnet } else { &mut blank };
        let over = (*count + part.len())
            .checked_sub(most)
            .filter(|over| *over > 0);
        *count += part.len();
        if let (None, Some(over)) = (end, over) {
            // A blank line counts once it is known to be one.
            let at = if is_telnet {
                part.len() - over
            } else {
                part.len() - 1
            };
            end = Some(bytes.len() + at);
        }
        bytes.extend_from_slice(part);
    }
    (bytes, end)
}

proptest! {
    #[test]
    fn too_much_that_says_nothing_is_a_fault_however_it_is_split(
        parts in vec(0..5_usize, 0..60),
        most in 0..80_usize,
        size in 1..40_usize,
    ) {
        let (bytes, end) = filler(&parts, most);
        let mut limits = Limits::default();
        limits.filler_bytes = most;
        for behind in [&b""[..], b"220 Ready.\r\n"] {
            let config = Config::new(known()).security(Security::DangerousPlaintext);
            let mut dialogue = Dialogue::new(config.limits(limits));
            let bytes = [bytes.as_slice(), behind].concat();
            for piece in bytes.chunks(size) {
                dialogue.hear(piece);
            }
            match end {
                None => {
                    prop_assert_eq!(&dialogue.end, &None);
                    let wanted = if behind.is_empty() { "" } else { "USER developer\r\n" };
                    prop_assert_eq!(dialogue.take_sent(), wanted);
                }
                Some(_) => prop_assert_eq!(dialogue.error(), &Error::PeerFault {
                    phase: Phase::Greeting,
                    fault: PeerFault::TooMuchFiller,
                }),
            }
        }
        // Up to the byte before it nothing is wrong.
        if let Some(end) = end {
            let config = Config::new(known()).security(Security::DangerousPlaintext);
            let mut dialogue = Dialogue::new(config.limits(limits));
            dialogue.hear(&bytes[..end]);
            prop_assert_eq!(dialogue.end, None);
        }
    }
}

#[test]
fn what_was_sent_before_a_command_is_not_counted_against_its_reply() {
    let mut limits = Limits::default();
    limits.filler_bytes = 10;
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut dialogue = Dialogue::new(config.limits(limits));
    for reply in ["220 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(b"\xff\xf1\xff\xf1\r\n\xff\xf1\xff\xf1\r\n\xff\xf1");
        dialogue.hear(reply);
    }
    assert_eq!(dialogue.end, None);
    assert!(dialogue.client.session().is_some());
    // A doubled 0xFF is text.
    dialogue.send("NOOP");
    dialogue.hear([&b"200 "[..], &[0xFF; 200], b"\r\n"].concat());
    assert_eq!(dialogue.end, None);
}
