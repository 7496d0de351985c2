//! Reading and writing replies, from outside.

use ftp_proto::wire::{
    Class, Code, ForeignProtocol, Reply, ReplyErrorKind, ReplyParser, Status, Subject, TextProblem,
};
use ftp_proto::{Lenience, Limits};
use ftp_testkit::laws;
use proptest::prelude::*;

/// Pieces that reply streams are made of, and pieces that upset parsers.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        &b"220"[..],
        b"220",
        b"220 ",
        b"220-",
        b"230",
        b"230 ",
        b"230-",
        b"421 ",
        b"1",
        b"2",
        b"6",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"-",
        b"ready",
        b"Welcome to a long line",
        b"\0",
        b"\xff",
        b"\xc3\xa9",
        b"SSH-",
        b"* ",
        b"+OK",
        b"\x16\x03",
        b"H",
    ]);
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("cannot be sent", |b| ![0, b'\r', b'\n'].contains(b));
    prop_oneof![
        proptest::collection::vec(byte, 0..12),
        "(2[0-9]{2}[ -]?)?[a-z ]{0,5}".prop_map(String::into_bytes)
    ]
}

proptest! {
    #[test]
    fn replies_and_faults_come_out_the_same_for_any_cut(bytes in stream()) {
        laws::reply(&bytes);
    }

    #[test]
    fn faults_at_the_limits_are_the_same_for_any_cut(tail in "[ -]?[x\r\n]{0,9}(220 )?") {
        laws::reply(format!("220{tail}").as_bytes());
    }

    #[test]
    fn a_reply_that_can_be_built_is_read_as_it_was(
        code in (100_u16..600).prop_map(|number| Code::new(number).unwrap()),
        lines in proptest::collection::vec(text(), 1..5),
    ) {
        let reply = Reply::multiline(code, &lines).unwrap();
        let listing = Reply::listing(code, &lines[0], &lines[1..], "End").unwrap();
        prop_assert!(reply.lines().eq(lines.iter().map(Vec::as_slice)));
        prop_assert_eq!(reply.is_multiline(), lines.len() > 1);
        prop_assert!(listing.is_multiline());
        for reply in [reply, listing] {
            let mut sent = Vec::new();
            reply.encode(&mut sent);
            laws::reply(&sent);
            let mut received = Vec::new();
            ftp_proto::wire::TelnetFilter::new()
                .filter(&sent, |data| received.extend_from_slice(data), |_| unreachable!());
            prop_assert_eq!(&received, reply.raw());
            prop_assert_eq!(parse_one(&received).unwrap(), reply);
        }
    }
}

fn parse_one(bytes: &[u8]) -> Result<Reply, (ReplyErrorKind, usize)> {
    match ReplyParser::default().parse(bytes) {
        Ok(Status::Complete(reply, length)) => {
            assert_eq!(length, bytes.len());
            Ok(reply.to_reply())
        }
        Ok(Status::Partial) => panic!("unfinished"),
        Err(error) => Err((error.kind, error.at)),
    }
}

#[track_caller]
fn assert_lines(bytes: &[u8], code: u16, lines: &[&[u8]]) {
    let reply = parse_one(bytes).unwrap();
    assert_eq!(reply.code().get(), code);
    assert_eq!(reply.lines().collect::<Vec<_>>(), lines);
    assert_eq!(reply.is_multiline(), lines.len() > 1);
}

#[test]
fn replies_as_servers_send_them_are_read() {
    assert_lines(b"220 Ready\r\n", 220, &[b"Ready"]);
    assert_lines(b"220\r\n", 220, &[b""]);
    assert_lines(b"220 \r\n", 220, &[b""]);
    assert_lines(b"220 Ready\n", 220, &[b"Ready"]);
    assert_lines(b"\r\n\n220 Ready\r\n", 220, &[b"Ready"]);
    assert_lines(b"220-\r\n220\r\n", 220, &[b"", b""]);
    assert_lines(b"220 a\rb\r\n", 220, &[b"a\rb"]);
    assert_lines(
        b"220-Hello\r\n\r\n  220 indented\r\n220-more\r\n331 other\r\n220x\r\n2200 y\r\n220 End\r\n",
        220,
        &[b"Hello", b"", b"  220 indented", b"more", b"331 other", b"220x", b"2200 y", b"End"],
    );
}

#[test]
fn what_cannot_become_a_reply_is_refused_at_its_first_byte() {
    let not_a_reply = ReplyErrorKind::NotAReply;
    for (bytes, at) in [
        (&b"7"[..], 0),
        (b"6x", 1),
        (b"631x", 3),
        (b"0", 0),
        (b"x", 0),
        (b" 220", 0),
        (b"2x", 1),
        (b"22-", 2),
        (b"220x", 3),
        (b"2200", 3),
        (b"220\r ", 4),
        (b"\r2", 1),
        (b"\r\n\r\n22x", 6),
    ] {
        assert_eq!(
            parse_one(bytes),
            Err((not_a_reply, at)),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn speakers_of_other_protocols_are_named_from_their_first_bytes() {
    use ForeignProtocol::*;
    for (bytes, protocol) in [
        (&b"SSH-"[..], Ssh),
        (b"HTTP/", Http),
        (b"+OK", Pop3),
        (b"-ERR", Pop3),
        (b"* OK", Imap),
        (b"* BYE", Imap),
        (b"\x16", Tls),
        (b"\x15", Tls),
        (b"\x16\x03\x01\x02\x00", Tls),
        (b"\r\nSSH-2.0-x\r\n", Ssh),
    ] {
        let error = parse_one(bytes).unwrap_err();
        assert_eq!(
            error.0,
            ReplyErrorKind::Foreign(protocol),
            "{}",
            bytes.escape_ascii()
        );
    }
    assert_eq!(ReplyParser::default().parse(b"SS"), Ok(Status::Partial));
    assert_eq!(parse_one(b"Sorry"), Err((ReplyErrorKind::NotAReply, 0)));
    assert!(Tls.to_string().contains("implicit TLS"));
}

#[test]
fn a_mail_server_is_known_by_its_greeting() {
    let protocol = |greeting: &str| {
        ForeignProtocol::of_greeting(Reply::new(Code::READY, greeting).unwrap().borrow())
    };
    assert_eq!(
        protocol("mail.example.com ESMTP Postfix"),
        Some(ForeignProtocol::Smtp)
    );
    assert_eq!(protocol("example.com FTP server, no ESMTP here"), None);
    assert_eq!(protocol("ProFTPD beside an ESMTP relay"), None);
    assert_eq!(protocol("smtp.example.com ready"), None);
}

#[test]
fn a_foreign_end_is_taken_only_when_asked_for() {
    let bytes = b"230-Welcome\r\n200 Fine\r\n";
    let mut parser = ReplyParser::default();
    assert_eq!(parser.parse(bytes), Ok(Status::Partial));
    assert!(parser.has_foreign_end(bytes));
    let (reply, length) = parser.foreign_end(bytes).unwrap();
    assert_eq!((reply.code(), length), (Code::LOGGED_IN, bytes.len()));
    assert!(reply.is_irregular() && reply.is_multiline());
    assert_eq!(
        reply.lines().collect::<Vec<_>>(),
        [&b"Welcome"[..], b"200 Fine"]
    );
    let mut sent = Vec::new();
    reply.to_reply().encode(&mut sent);
    assert_eq!(
        sent, b"230-Welcome\r\n230 200 Fine\r\n",
        "sent on with a regular end"
    );
    assert!(
        matches!(parser.parse(b"221 Bye\r\n"), Ok(Status::Complete(_, 9))),
        "starts afresh"
    );
}

#[test]
fn no_foreign_end_where_more_follows_or_the_line_is_no_end() {
    for bytes in [
        &b"230-a\r\n200 b\r\nmore"[..],
        b"230-a\r\n200-b\r\n",
        b"230-a\r\n 200 b\r\n",
        b"230-a\r\n",
        b"230-a\r\n200 b",
        b"230-a\r\n230-b\r\n",
        b"230-a\r\n530 b\r\n",
        b"530-a\r\n230 b\r\n",
        b"",
    ] {
        let mut parser = ReplyParser::default();
        assert_eq!(parser.parse(bytes), Ok(Status::Partial));
        assert!(!parser.has_foreign_end(bytes), "{}", bytes.escape_ascii());
        assert_eq!(parser.foreign_end(bytes), None);
    }
}

#[test]
fn only_a_code_with_the_same_first_digit_or_421_is_a_foreign_end_and_the_first_code_stays() {
    for open in 100..=699_u16 {
        for end in (100..=699_u16).filter(|end| *end != open) {
            // All kinds against all kinds, without all 360,000 pairs.
            if open % 100 > 36 || !matches!(end % 100, 0 | 20 | 21 | 26 | 30..=36 | 99) {
                continue;
            }
            let bytes = format!("{open}-a\r\n{end} b\r\n").into_bytes();
            let mut parser = ReplyParser::default();
            assert_eq!(parser.parse(&bytes), Ok(Status::Partial));
            let is_end = end / 100 == open / 100 || end == 421;
            assert_eq!(parser.has_foreign_end(&bytes), is_end, "{open}- and {end}");
            let found = parser
                .foreign_end(&bytes)
                .map(|(reply, _)| (reply.code().get(), reply.is_irregular()));
            let code = if end == 421 { end } else { open };
            assert_eq!(found, is_end.then_some((code, true)), "{open}- and {end}");
        }
    }
}

#[test]
fn a_foreign_end_may_come_after_any_number_of_lines_and_be_a_code_alone() {
    for bytes in [
        &b"230-a\r\n200\r\n"[..],
        b"230-a\r\nb\r\n200 c\r\n",
        b"230-a\r\n230-b\r\n 230 c\r\n\r\n200 d\r\n",
    ] {
        let mut parser = ReplyParser::default();
        assert_eq!(parser.parse(bytes), Ok(Status::Partial));
        assert!(parser.has_foreign_end(bytes), "{}", bytes.escape_ascii());
        let (reply, length) = parser.foreign_end(bytes).unwrap();
        assert_eq!((reply.raw(), length), (bytes, bytes.len()));
    }
}

#[test]
fn a_421_that_ends_another_reply_is_a_421() {
    let bytes = b"230-Welcome\r\n421 Shutting down\r\n";
    let mut parser = ReplyParser::default();
    assert_eq!(parser.parse(bytes), Ok(Status::Partial));
    let (reply, _) = parser.foreign_end(bytes).unwrap();
    assert_eq!(reply.code(), Code::SERVICE_UNAVAILABLE);
    let mut sent = Vec::new();
    reply.to_reply().encode(&mut sent);
    assert_eq!(sent, b"421-230-Welcome\r\n421 Shutting down\r\n");
}

#[test]
fn limits_name_the_byte_that_passes_them() {
    let mut limits = Limits::default();
    (limits.reply_line, limits.reply_lines, limits.reply_bytes) = (10, 3, 30);
    let parse = |bytes: &[u8]| {
        let mut parser = ReplyParser::new(&limits, &Lenience::default());
        parser
            .parse(bytes)
            .map(|_| ())
            .map_err(|error| (error.kind, error.at))
    };
    assert_eq!(parse(b"220 123456\r\n"), Ok(()));
    assert_eq!(
        parse(b"220 1234567"),
        Err((ReplyErrorKind::LineTooLong, 10))
    );
    assert_eq!(
        parse(b"220 123456\r"),
        Ok(()),
        "the CR may belong to the line's end"
    );
    assert_eq!(
        parse(b"220 123456\rx"),
        Err((ReplyErrorKind::LineTooLong, 10))
    );
    assert_eq!(parse(b"220-\r\na\r\n220 \r\n"), Ok(()));
    assert_eq!(
        parse(b"220-\r\na\r\nb\r\n"),
        Err((ReplyErrorKind::TooManyLines, 12))
    );
    assert_eq!(
        parse(b"220-123456\r\n1234567890\r\n123456789"),
        Err((ReplyErrorKind::TooManyBytes, 30))
    );
    assert_eq!(
        parse(b"220-123456\r\nabcd\r\n220 123456\r\n"),
        Ok(()),
        "as long as both limits allow"
    );
    assert_eq!(
        parse(b"220-123456\r\nabcdef\r\n1234567890x"),
        Err((ReplyErrorKind::LineTooLong, 30)),
        "the same byte passes both limits"
    );
    // Blank lines before it do not count.
    assert_eq!(
        parse(b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n220-123456\r\n220 ok\r\n"),
        Ok(())
    );
}

#[test]
fn a_strict_parser_refuses_a_bare_line_feed_at_once() {
    let mut parser = ReplyParser::new(&Limits::default(), &Lenience::STRICT);
    let error = parser.parse(b"220-a\n220 b\r\n").unwrap_err();
    assert_eq!((error.kind, error.at), (ReplyErrorKind::BareLineFeed, 5));
    let mut parser = ReplyParser::new(&Limits::default(), &Lenience::STRICT);
    let error = parser.parse(b"\r\n\n220 a\r\n").unwrap_err();
    assert_eq!((error.kind, error.at), (ReplyErrorKind::NotAReply, 2));
}

#[test]
fn a_reply_passed_on_is_put_in_order() {
    for (received, sent) in [
        (
            &b"220-a\n\n331 b\n  c\n220x\n220\n"[..],
            &b"220-a\r\n220-\r\n220-331 b\r\n  c\r\n220-220x\r\n220 \r\n"[..],
        ),
        (b"220 a\rb\0c\r\n", b"220 a b c\r\n"),
        (b"220 caf\xe9 \xff\r\n", b"220 caf\xe9 \xff\xff\r\n"),
    ] {
        let mut out = Vec::new();
        parse_one(received).unwrap().encode(&mut out);
        assert_eq!(
            out.escape_ascii().to_string(),
            sent.escape_ascii().to_string()
        );
    }
}

#[test]
fn replies_are_the_same_if_they_say_the_same() {
    let read = |bytes: &[u8]| parse_one(bytes).unwrap();
    let reply = read(b"220-Hello\r\n220 you\r\n");
    assert_eq!(reply, read(b"220-Hello\n220 you\n"));
    for other in [
        &b"230-Hello\r\n230 you\r\n"[..],
        b"220-Hello\r\n220 me\r\n",
        b"220-Hello\r\n220-you\r\n220\r\n",
        b"220 Hello\r\n",
    ] {
        assert_ne!(reply, read(other), "{}", other.escape_ascii());
    }
    let mut parser = ReplyParser::default();
    let bytes = b"220-Hello\r\n200 you\r\n";
    assert_eq!(parser.parse(bytes), Ok(Status::Partial));
    let (foreign, _) = parser.foreign_end(bytes).unwrap();
    let regular = Reply::multiline(Code::READY, ["Hello", "200 you"]).unwrap();
    assert!(foreign.lines().eq(regular.lines()));
    assert_ne!(foreign.to_reply(), regular, "its end is not regular");
    assert!(foreign.to_reply().is_irregular() && !regular.is_irregular());
    assert_eq!(format!("{regular:?}"), "Reply(220 Hello / 200 you)");
}

#[test]
fn listings_indent_their_inner_lines_only() {
    let reply = Reply::listing(Code::SYSTEM_STATUS, "Features:", ["UTF8", "SIZE"], "End").unwrap();
    assert_eq!(
        reply.raw(),
        b"211-Features:\r\n UTF8\r\n SIZE\r\n211 End\r\n"
    );
}

#[test]
fn text_that_would_break_the_line_cannot_be_built() {
    assert_eq!(
        Reply::new(Code::OKAY, "a\nb").unwrap_err().to_string(),
        "the reply text holds a line feed at byte 1"
    );
    assert_eq!(
        Reply::multiline(Code::OKAY, [] as [&str; 0]).map_err(|error| error.problem),
        Err(TextProblem::Empty)
    );
    assert_eq!(Reply::new(Code::OKAY, "").unwrap().raw(), b"200 \r\n");
}

#[test]
fn codes_know_their_class_subject_and_meaning() {
    for number in 0..=u16::MAX {
        assert_eq!(Code::new(number).is_some(), (100..=699).contains(&number));
    }
    let code = Code::try_from(332).unwrap();
    assert_eq!(
        (code.class(), code.subject()),
        (Class::Intermediate, Subject::Authentication)
    );
    assert_eq!(code.meaning(), Some("need account for login"));
    assert_eq!(Code::try_from(399).unwrap().meaning(), None);
    let beyond = Code::try_from(700).unwrap_err();
    assert_eq!(beyond.to_string(), "the reply code must be 100 to 699");
    let protected = Code::INTEGRITY_PROTECTED;
    assert_eq!(
        (protected.get(), protected.class()),
        (631, Class::Protected)
    );
    assert!(!protected.is_negative(), "what it says is inside");
}

/// Whatever was searched is overwritten with line ends, which the parser would find if it looked
/// there again. What is left is the code at the start of the unfinished line: four bytes.
#[test]
fn no_byte_is_searched_twice_however_the_bytes_arrive() {
    let line = b"220-a line of a long, long banner\r\n";
    let reply = [line.repeat(40).as_slice(), b"220 End\r\n"].concat();
    for step in [1, 2, 7, 100] {
        let mut parser = ReplyParser::default();
        let mut seen = Vec::new();
        for piece in reply.chunks(step) {
            let searched = seen.len();
            seen.extend_from_slice(piece);
            let expected = if seen.len() == reply.len() {
                Status::Complete(Code::READY, reply.len())
            } else {
                Status::Partial
            };
            let found = match parser.parse(&seen).unwrap() {
                Status::Complete(reply, length) => Status::Complete(reply.code(), length),
                Status::Partial => Status::Partial,
            };
            assert_eq!(
                found, expected,
                "after {searched} bytes in pieces of {step}"
            );
            let unfinished = seen.len() / line.len() * line.len();
            for (at, byte) in seen.iter_mut().enumerate() {
                let is_code = (unfinished..unfinished + 4).contains(&at);
                // The first bytes of all are looked at until they are a code.
                if !is_code && at >= 4 {
                    *byte = b'\n';
                }
            }
        }
    }
}

#[test]
fn a_reply_that_says_no_is_an_error_if_that_is_asked_for() {
    for (code, is_transient) in [(450, Some(true)), (550, Some(false)), (226, None)] {
        let reply = Reply::new(Code::new(code).unwrap(), "As it is.").unwrap();
        match (reply.clone().ok(), is_transient) {
            (Ok(same), None) => assert_eq!(same, reply),
            (Err(negative), Some(is_transient)) => {
                assert_eq!(negative.is_transient(), is_transient);
                let text = format!("the server refused: {code} As it is.");
                assert_eq!(negative.to_string(), text);
                assert_eq!(negative.into_reply(), reply);
            }
            (result, _) => panic!("{result:?}"),
        }
    }
}
