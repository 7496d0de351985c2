//! What is read out of the texts of replies around transfers, as real servers word them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use ftp_proto::wire::{
    AddressFamily, Code, Command, ExtendedPassive, HostPortError, Passive, Reply, ReplyParser,
    Status, announced_length, parse_eprt, parse_epsv, parse_path, parse_port, parse_size,
    parse_store_unique_name, parse_time, quote_path,
};
use ftp_testkit::laws;
use proptest::prelude::*;

/// A reply as it stands in a table: lines with code, apart by LF.
fn reply(text: impl AsRef<[u8]>) -> Reply {
    let bytes = [text.as_ref(), b"\n"].concat();
    let Ok(Status::Complete(reply, length)) = ReplyParser::default().parse(&bytes) else {
        panic!("{}", bytes.escape_ascii());
    };
    assert_eq!(length, bytes.len());
    reply.to_reply()
}

fn shown(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| bytes.escape_ascii().to_string())
}

#[test]
fn a_passive_reply_is_read_as_servers_word_it() {
    let address = |text: &str| Some(Passive::Address(text.parse().unwrap()));
    let port = |port| Some(Passive::Port(port));
    for (text, expected) in [
        // RFC 959, vsftpd, ProFTPD, IIS, wu-ftpd, BSD.
        (
            "227 Entering Passive Mode (192,168,1,20,195,80).",
            address("192.168.1.20:50000"),
        ),
        (
            "227 Entering passive mode (127,0,0,1,149,241)",
            address("127.0.0.1:38385"),
        ),
        // Without parentheses; with `=`, as the text of RFC 959's time had it; with blanks.
        (
            "227 Entering Passive Mode 10,0,0,5,4,1",
            address("10.0.0.5:1025"),
        ),
        ("227 =10,0,0,5,4,1", address("10.0.0.5:1025")),
        (
            "227 Entering Passive Mode (10, 0, 0, 5, 4, 1)",
            address("10.0.0.5:1025"),
        ),
        (
            "227 Entering Passive Mode (10 ,0 , 0,5,4 ,1 )",
            address("10.0.0.5:1025"),
        ),
        (
            "227 Entering Passive Mode. 010,000,000,005,004,001",
            address("10.0.0.5:1025"),
        ),
        (
            "227 ok, passive: 10,0,0,5,4,1, hurry",
            address("10.0.0.5:1025"),
        ),
        (
            "227 Passive mode 3,000 users [10,0,0,5,4,1]",
            address("10.0.0.5:1025"),
        ),
        ("227 @10,0,0,5,4,1", address("10.0.0.5:1025")),
        (
            "227-Entering passive mode\n227 (10,0,0,5,4,1)",
            address("10.0.0.5:1025"),
        ),
        (
            "227-Mind the gap (0,0,0,0,0,0)\n 10,0,0,5,4,1\n227 Go ahead",
            address("10.0.0.5:1025"),
        ),
        (
            "227 (255,255,255,255,255,255)",
            address("255.255.255.255:65535"),
        ),
        // No port, numbers that are none, too few, too many.
        ("227 Entering Passive Mode (10,0,0,5,0,0)", None),
        ("227 Entering Passive Mode (10,0,0,5,256,1)", None),
        ("227 Entering Passive Mode (256,0,0,5,4,1)", None),
        (
            "227 Entering Passive Mode (99999999999999999999,0,0,5,4,1)",
            None,
        ),
        ("227 Entering Passive Mode (10,0,0,5,4)", None),
        ("227 Entering Passive Mode (10,0,0,5,4,)", None),
        ("227 Entering Passive Mode (10,0,0,5,4,1,7)", None),
        ("227 Entering Passive Mode (10,0,0", None),
        ("227-Passive (10,0,0\n227 5,4,1)", None),
        ("227 ", None),
        // RFC 2428 and what is sent instead.
        ("229 Entering Extended Passive Mode (|||6446|)", port(6446)),
        ("229 Extended Passive mode OK (|||5282|)", port(5282)),
        ("229 Entering Extended Passive Mode (!!!6446!)", port(6446)),
        ("229 Entering Extended Passive Mode (+++6446+)", port(6446)),
        ("229 Entering Extended Passive Mode (aaa6446a)", port(6446)),
        ("229 Entering Extended Passive Mode (22264462)", port(6446)),
        ("229 Entering Extended Passive Mode |||6446|", port(6446)),
        ("229 |||6446", port(6446)),
        ("229 Entering Extended Passive Mode (|||6446)", port(6446)),
        (
            "229 Entering Extended Passive Mode ( ||| 6446 | ).",
            port(6446),
        ),
        (
            "229 Entering Extended Passive Mode (|1|10.0.0.5|6446|)",
            port(6446),
        ),
        (
            "229 Entering Extended Passive Mode (|2|fe80::1|6446|)",
            port(6446),
        ),
        (
            "229-Entering (very) extended passive mode\n229 (|||65535|) ok",
            port(65535),
        ),
        ("229 Entering Extended Passive Mode (|||0|)", None),
        ("229 Entering Extended Passive Mode (|||65536|)", None),
        ("229 Entering Extended Passive Mode (|||-1|)", None),
        ("229 Entering Extended Passive Mode (|||)", None),
        ("229 Entering Extended Passive Mode (||6446|)", None),
        ("229 Wait...21 users are on", None),
        ("229 aaa21a", None),
        ("229 ", None),
        // The other one's text.
        ("227 Entering Extended Passive Mode (|||6446|)", port(6446)),
        (
            "229 Entering Passive Mode (10,0,0,5,4,1)",
            address("10.0.0.5:1025"),
        ),
        // Other codes.
        ("228 Entering Long Passive Mode (4,4,10,0,0,5,2,4,1)", None),
        ("200 (|||6446|)", None),
        ("500 (10,0,0,5,4,1)", None),
        ("421 Too many (10,0,0,5,4,1)", None),
    ] {
        let found = Passive::parse(reply(text).borrow());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn addresses_that_are_no_good_are_refused_and_say_why() {
    use HostPortError::{Malformed, UnsupportedFamily};
    for argument in [
        "",
        "132,235,1,2,24",
        "132,235,1,2,24,131,1",
        "132,235,1,2,24,131,",
        "132,235,1,2,0,0",
        "132,235,1,2,256,0",
        "132,235,1,2,24,-1",
        "132,235,1,2,24,+1",
        "132,235,1,2,24, 131",
        " 132,235,1,2,24,131",
        "132,235,1,2,24,0131",
        "132,235,,2,24,131",
        "132.235.1.2,24,131",
        "(132,235,1,2,24,131)",
        "|1|132.235.1.2|6275|",
    ] {
        assert_eq!(
            parse_port(argument.as_bytes()),
            Err(Malformed),
            "{argument}"
        );
    }
    for (argument, error) in [
        ("", Malformed),
        ("|", Malformed),
        ("||||", Malformed),
        ("|1|132.235.1.2|6275", Malformed),
        ("|1|132.235.1.2|6275|x", Malformed),
        ("|1|132.235.1.2|6275||", Malformed),
        ("|1|132.235.1.2|0|", Malformed),
        ("|1|132.235.1.2|65536|", Malformed),
        ("|1|132.235.1.2|006275|", Malformed),
        ("|1|132.235.1.2|+627|", Malformed),
        ("|1|132.235.1.256|6275|", Malformed),
        ("|1|::1|6275|", Malformed),
        ("|2|132.235.1.2|6275|", Malformed),
        ("|2|fe80::1%1|6275|", Malformed),
        ("|2|[::1]|6275|", Malformed),
        ("|1||6275|", Malformed),
        ("|x|132.235.1.2|6275|", Malformed),
        ("|-1|132.235.1.2|6275|", Malformed),
        (" 1 132.235.1.2 6275 ", Malformed),
        ("\x7f1\x7f132.235.1.2\x7f6275\x7f", Malformed),
        ("|0|132.235.1.2|6275|", UnsupportedFamily),
        ("|3|132.235.1.2|6275|", UnsupportedFamily),
        ("|6|none|none|", UnsupportedFamily),
    ] {
        assert_eq!(parse_eprt(argument.as_bytes()), Err(error), "{argument}");
    }
    for (argument, expected) in [
        ("", Ok(ExtendedPassive::SameFamily)),
        ("  ", Ok(ExtendedPassive::SameFamily)),
        ("1", Ok(ExtendedPassive::Family(AddressFamily::V4))),
        ("2", Ok(ExtendedPassive::Family(AddressFamily::V6))),
        ("ALL", Ok(ExtendedPassive::All)),
        ("all ", Ok(ExtendedPassive::All)),
        ("0", Err(UnsupportedFamily)),
        ("12", Err(UnsupportedFamily)),
        ("ANY", Err(Malformed)),
        ("-1", Err(Malformed)),
    ] {
        assert_eq!(
            parse_epsv(Some(argument.as_bytes())),
            expected,
            "{argument}"
        );
    }
    assert_eq!(parse_epsv(None), Ok(ExtendedPassive::SameFamily));
}

#[test]
fn a_mapped_address_is_written_as_the_one_it_stands_for() {
    let mapped: SocketAddr = "[::ffff:192.0.2.1]:6275".parse().unwrap();
    let command = Command::eprt(mapped);
    assert_eq!(command.argument(), Some(&b"|1|192.0.2.1|6275|"[..]));
    assert_eq!(AddressFamily::of(mapped.ip()), AddressFamily::V4);
    let scoped: SocketAddr = "[fe80::1%3]:6275".parse().unwrap();
    let command = Command::eprt(scoped);
    assert_eq!(command.argument(), Some(&b"|2|fe80::1|6275|"[..]));
}

#[test]
fn a_path_is_read_as_servers_word_it() {
    for (text, expected) in [
        // vsftpd, ProFTPD, Pure-FTPd, IIS, FileZilla, wu-ftpd.
        (r#"257 "/""#, Some("/")),
        (r#"257 "/pub" is the current directory"#, Some("/pub")),
        (r#"257 "/" is your current location"#, Some("/")),
        (r#"257 "/pub" is current directory."#, Some("/pub")),
        (r#"257 "/a b" created."#, Some("/a b")),
        (
            r#"257 "/a""b" : The directory was successfully created"#,
            Some(r#"/a\"b"#),
        ),
        (r#"257 """" is the current directory"#, Some(r#"\""#)),
        (r#"257 "/a""""#, Some(r#"/a\""#)),
        (r#"257 "" is the current directory"#, Some("")),
        (r#"257 Current directory is "/pub""#, Some("/pub")),
        (r#"257 "/a" is "current" now"#, Some("/a")),
        (r#"250 "/pub" is current directory."#, Some("/pub")),
        (r#"200 "/pub""#, Some("/pub")),
        // z/OS, AS/400, VMS, DOS.
        (
            r#"257 "'USER1.'" is working directory."#,
            Some(r"\'USER1.\'"),
        ),
        (r#"257 "QGPL" is current library."#, Some("QGPL")),
        (
            r#"257 "SYS$LOGIN:[ANON]" is current directory."#,
            Some("SYS$LOGIN:[ANON]"),
        ),
        (r#"257 "C:\ftp" is current directory"#, Some(r"C:\\ftp")),
        // Quotes that are not doubled, or not closed.
        (r#"257 "/a"b" is the current directory"#, Some(r#"/a\"b"#)),
        (r#"257 "/"a"b"c" created"#, Some(r#"/\"a\"b\"c"#)),
        (r#"257 "/a"b""#, Some(r#"/a\"b"#)),
        (r#"257 "/pub". Well done."#, Some("/pub")),
        (r#"257 "/pub"is the current directory"#, Some("/pub")),
        (
            r#"257 "/pub is the current directory"#,
            Some("/pub is the current directory"),
        ),
        // No quotes.
        ("257 /pub/x is current directory.", Some("/pub/x")),
        ("257 Current directory is /pub", Some("/pub")),
        ("257 pub", Some("pub")),
        ("257   ", None),
        ("257", None),
        // Several lines.
        (
            "257-Hello\n257 \"/pub\" is current directory.",
            Some("/pub"),
        ),
        // What is no path.
        ("250 Directory created.", None),
        (r#"550 "/pub": no such directory"#, None),
        (r#"450 "/pub""#, None),
    ] {
        let found = shown(parse_path(reply(text).borrow()));
        assert_eq!(found.as_deref(), expected, "{text}");
    }
    let bytes = parse_path(reply(b"257 \"/caf\xe9\" here").borrow());
    assert_eq!(bytes.as_deref(), Some(&b"/caf\xe9"[..]));
}

#[test]
fn a_size_is_read_as_servers_word_it() {
    for (text, expected) in [
        ("213 1234", Some(1234)),
        ("213 0", Some(0)),
        ("213   1234  ", Some(1234)),
        ("213 1234 bytes", Some(1234)),
        ("213 1 byte.", Some(1)),
        ("213 1234 Bytes in file x", Some(1234)),
        ("213 1,234", Some(1234)),
        ("213 1.234.567", Some(1_234_567)),
        ("213 1 234 567 bytes", Some(1_234_567)),
        ("213 18446744073709551615", Some(u64::MAX)),
        ("213 18446744073709551616", None),
        ("213 18,446,744,073,709,551,616", None),
        ("213 0.123", None),
        ("213 1.2", None),
        ("213 1.234 MB", None),
        ("213 1,234.567", None),
        ("213 1.2 kbytes", None),
        ("213 1234,567", None),
        ("213 1,23", None),
        ("213 -1", None),
        ("213 +1", None),
        ("213 0x10", None),
        ("213 file.txt 1234", None),
        ("213 1234 5", None),
        ("213 ", None),
        ("213-1234\n213 5678", None),
        ("213-Status\n 1234\n213 End", None),
        ("213-\n213 1234", Some(1234)),
        ("200 1234", None),
        ("550 1234", None),
    ] {
        assert_eq!(parse_size(reply(text).borrow()), expected, "{text}");
    }
}

#[test]
fn a_time_is_read_as_servers_word_it() {
    for (text, expected) in [
        ("213 20240501123400", Some("2024-05-01T12:34:00")),
        ("213 20240501123400.125", Some("2024-05-01T12:34:00.125")),
        ("213  20240501123400 ", Some("2024-05-01T12:34:00")),
        ("213 20240501123400Z", Some("2024-05-01T12:34:00")),
        ("213 20240501123400 GMT", Some("2024-05-01T12:34:00")),
        ("213 191000509123456", Some("2000-05-09T12:34:56")),
        ("213 191240501123400", Some("2024-05-01T12:34:00")),
        // ProFTPD's answer to `MFMT`.
        (
            "213 Modify=20240501123400; /pub/a b",
            Some("2024-05-01T12:34:00"),
        ),
        ("213 modify=20240501123400", Some("2024-05-01T12:34:00")),
        ("213 20240501123400 +0200", None),
        ("213 20240501123400 CEST", None),
        ("213 20240501123400+0200", None),
        ("213 20241301123400", None),
        ("213 202405011234", None),
        ("213 1234", None),
        ("213 ", None),
        ("200 20240501123400", None),
        ("550 20240501123400", None),
    ] {
        let time = parse_time(reply(text).borrow()).map(|time| time.to_string());
        assert_eq!(time.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_length_is_read_as_servers_announce_it() {
    for (text, path, expected) in [
        // vsftpd, ProFTPD, wu-ftpd, BSD, SunOS, Serv-U, old IIS, glFTPd.
        (
            "150 Opening BINARY mode data connection for x (1234 bytes).",
            "x",
            Some(1234),
        ),
        (
            "150 Opening BINARY mode data connection for x (1234 bytes)",
            "x",
            Some(1234),
        ),
        (
            "150 Opening BINARY mode data connection for 'x' (1234 bytes).",
            "x",
            Some(1234),
        ),
        (
            "150 Binary data connection for x (128.1.2.3,1187) (9512 bytes).",
            "x",
            Some(9512),
        ),
        (
            "150 Opening BINARY mode data connection for x (1 Byte).",
            "x",
            Some(1),
        ),
        (
            "150 Opening BINARY mode data connection for x(1234 Bytes).",
            "x",
            Some(1234),
        ),
        (
            "150 Opening BINARY mode data connection for x (1,234 bytes)",
            "x",
            Some(1234),
        ),
        (
            "150 Opening BINARY mode data connection for x (1234 bytes) using SSL/TLS.",
            "x",
            Some(1234),
        ),
        (
            "125 Data connection open, sending x (1234 bytes)",
            "x",
            Some(1234),
        ),
        // Pure-FTPd.
        (
            "150-Accepted data connection\n150 123 bytes to download",
            "x",
            Some(123),
        ),
        (
            "150-Accepted data connection\n150 1234.5 kbytes to download",
            "x",
            None,
        ),
        // Rounded, not at the end, or none.
        (
            "150 Opening BINARY mode data connection for x (1.2 kbytes)",
            "x",
            None,
        ),
        (
            "150 Opening BINARY mode data connection for x (1.234 bytes)",
            "x",
            None,
        ),
        (
            "150 Opening BINARY mode data connection for x (12 kbytes)",
            "x",
            None,
        ),
        ("150 Opening (12 bytes) for x", "x", None),
        ("150 Opening x (about 12 bytes)", "x", None),
        ("150 Opening x (12 bytes, 3 blocks)", "x", None),
        ("150 Opening x (12)", "x", None),
        ("150 Opening x 12 bytes", "x", None),
        ("150 12 bytes", "x", None),
        ("150 Opening x (12 bytes", "x", None),
        ("150 Opening x 12 bytes)", "x", None),
        ("150 Opening x (99999999999999999999 bytes)", "x", None),
        ("150 Opening x (-1 bytes)", "x", None),
        (
            "150 File status okay; about to open data connection.",
            "x",
            None,
        ),
        (
            "125 Data connection already open; Transfer starting.",
            "x",
            None,
        ),
        ("150-x (12 bytes)\n150 y (13 bytes)", "z", None),
        ("150-x (12 bytes)\n150 y (12 bytes)", "z", Some(12)),
        // Names that look like lengths.
        (
            "150 Opening BINARY mode data connection for x (12 bytes) (1234 bytes).",
            "x (12 bytes)",
            Some(1234),
        ),
        (
            "150 Opening BINARY mode data connection for x (12 bytes).",
            "x (12 bytes)",
            None,
        ),
        (
            "150 Opening BINARY mode data connection for X (12 BYTES).",
            "/pub/x (12 bytes)",
            None,
        ),
        (
            "150 Opening BINARY mode data connection for x (12 bytes).",
            "x (12 bytes).",
            None,
        ),
        (
            "150 Opening data channel for download of \"/x (12 bytes)\"",
            "x (12 bytes)",
            None,
        ),
        ("150 12 bytes to download", "12 bytes to download", None),
        // Other codes.
        ("226 Transfer complete (12 bytes).", "x", None),
        ("550 x (12 bytes)", "x", None),
    ] {
        let length = announced_length(reply(text).borrow(), path.as_bytes());
        assert_eq!(length, expected, "{text}");
    }
}

#[test]
fn the_name_of_a_file_stored_uniquely_is_read_as_servers_word_it() {
    for (text, expected) in [
        // RFC 1123: vsftpd, ProFTPD, Pure-FTPd, pyftpdlib.
        ("150 FILE: notes.1", Some("notes.1")),
        ("125 FILE: notes.1", Some("notes.1")),
        ("150 File: a b ", Some("a b")),
        ("150 FILE:notes.1", Some("notes.1")),
        ("150 Ok to send data. FILE: notes.1", Some("notes.1")),
        ("150-Go ahead\n150 FILE: notes.1", Some("notes.1")),
        // BSD and wu-ftpd.
        (
            "226 Transfer complete (unique file name:notes.1).",
            Some("notes.1"),
        ),
        (
            "226 Transfer complete (Unique file name: a (1)).",
            Some("a (1)"),
        ),
        ("250 \"notes.1\" stored.", Some("notes.1")),
        ("226 Stored as \"a\"\"b\"", Some("a\\\"b")),
        ("226 Transfer complete.", None),
        ("150 Opening BINARY mode data connection.", None),
        ("150 FILE:", None),
        ("150 PROFILE: x", None),
        ("226 Stored as \"\"", None),
        ("226 (unique file name:x", None),
        ("450 FILE: notes.1", None),
        ("553 \"notes.1\"", None),
    ] {
        let name = shown(parse_store_unique_name(reply(text).borrow()));
        assert_eq!(name.as_deref(), expected, "{text}");
    }
}

/// Pieces that the texts are made of.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            &b"("[..], b")", b"|", b"|||", b",", b".", b" ", b"\"", b"\"\"", b"\n", b"=", b"1", b"2",
            b"6446", b"255", b"256", b"0", b"10,0,0,5,4,1", b" bytes", b" (12 bytes)", b" to download",
            b"FILE:", b" FILE: ", b"(unique file name:", b"20240501123400", b"Modify=", b"/", b":",
            b" using TLS", b"kbytes", b"ALL", b"1080::8", b"132.235.1.2", b"x", b"\xff", b"\t",
        ])
        .prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_read_stands_in_the_text(bytes in text(), code in any::<u8>()) {
        laws::transfer_texts(&[&[code][..], &bytes].concat());
    }

    #[test]
    fn addresses_that_are_written_are_read_again(
        host in any::<IpAddr>(),
        port in 1_u16..,
        delimiter in b'!'..=b'~',
    ) {
        let address = SocketAddr::new(host.to_canonical(), port);
        let command = Command::eprt(address);
        let argument = command.argument().unwrap();
        prop_assert_eq!(parse_eprt(argument), Ok(address));
        // Another delimiter says the same, unless it is a part of a field.
        let fields = argument.split(|byte| *byte == b'|').collect::<Vec<_>>();
        if !fields.concat().contains(&delimiter) {
            prop_assert_eq!(parse_eprt(&fields.join(&delimiter)), Ok(address));
        }
        if let SocketAddr::V4(address) = address {
            let command = Command::port(address);
            prop_assert_eq!(parse_port(command.argument().unwrap()), Ok(address));
        }
    }

    #[test]
    fn passive_replies_that_are_written_are_read_again(host in any::<Ipv4Addr>(), port in 1_u16..) {
        for passive in [Passive::Port(port), Passive::Address(SocketAddrV4::new(host, port))] {
            let sent = passive.reply();
            prop_assert_eq!(Passive::parse(sent.borrow()), Some(passive));
            prop_assert_eq!(passive.port(), port);
            prop_assert_eq!(&reply(sent.raw().trim_ascii_end()), &sent);
        }
    }

    #[test]
    fn paths_that_are_written_are_read_again(
        path in "[\" a/]{0,12}",
        behind in "( [\" a/]{0,6})?",
    ) {
        let line = [&quote_path(path.as_bytes()), behind.as_bytes()].concat();
        let sent = Reply::new(Code::PATH_CREATED, line).unwrap();
        prop_assert_eq!(parse_path(sent.borrow()), Some(path.into_bytes()));
    }
}
