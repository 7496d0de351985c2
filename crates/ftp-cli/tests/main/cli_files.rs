//! Files as editors on Windows write them, and texts that could never be sent.
#![cfg(unix)]

use crate::common::{
    ACCOUNT_SENTINEL, Program, Run, SENTINEL, Server, TestFile, recorded, sentinel_hash,
};
use rcgen::{CertificateParams, KeyPair};

const MARK: &str = "\u{feff}";

fn utf16(text: &str) -> [Vec<u8>; 4] {
    let with_mark = format!("{MARK}{text}");
    let of = |text: &str, bytes_of: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    };
    [
        of(&with_mark, u16::to_le_bytes),
        of(&with_mark, u16::to_be_bytes),
        of(text, u16::to_le_bytes),
        of(text, u16::to_be_bytes),
    ]
}

/// `serve` with these options has to end at once.
fn refused_to_serve(options: &[&str]) -> Run {
    let first = ["serve", "--listen", "127.0.0.1:0"];
    let run = Program::new(first.iter().chain(options)).run();
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (2, ""),
        "{options:?}: {run:?}"
    );
    run
}

/// What `login` with these options says to a server.
fn said(options: &[&str], input: &[u8]) -> (Vec<Vec<u8>>, Run) {
    let (address, server) = recorded();
    let url = format!("ftp://anna@{address}");
    let first = ["login", "--plaintext", "--quiet"];
    let run = Program::new(first.iter().chain(options).chain([&url.as_str()]))
        .input(input)
        .run();
    (server.lines(), run)
}

#[test]
fn every_user_of_a_file_with_a_mark_and_crlf_logs_in() {
    let hash = sentinel_hash();
    for text in [
        format!("{MARK}anna:{hash}\r\nbob:{hash}:{ACCOUNT_SENTINEL}\r\n"),
        format!("{MARK}# users\r\n\r\nanna:{hash}\r\nbob:{hash}:{ACCOUNT_SENTINEL}"),
    ] {
        let server = Server::start_with_users(&text, &["--danger-optional-tls"]);
        let any = "--danger-accept-any-cert";
        assert_eq!(server.login(&[any, "--quiet"], "anna").code, 0);
        let run = server.login(&[any, "--quiet", "--account", ACCOUNT_SENTINEL], "bob");
        assert_eq!(run.code, 0, "{run:?}");
    }
}

#[test]
fn a_users_file_in_another_encoding_is_named_with_it() {
    let text = format!("anna:{}\r\n", sentinel_hash());
    for bytes in utf16(&text) {
        let users = TestFile::new(bytes);
        let run = refused_to_serve(&["--users", &users.path()]);
        assert!(run.stderr.contains("UTF-16"), "{run:?}");
        assert!(run.stderr.contains(&users.path()), "{run:?}");
    }
    let users = TestFile::new([b"# users\n\nm\xfcller", text.as_bytes()].concat());
    let run = refused_to_serve(&["--users", &users.path()]);
    let place = format!("{}, line 3", users.path());
    assert!(run.stderr.contains(&place), "{run:?}");
}

#[test]
fn a_mark_is_no_part_of_a_password() {
    for end in ["", "\n", "\r\n"] {
        let text = format!("{MARK}sés ame {end}");
        let file = TestFile::new(&text);
        let right = [b"USER anna".to_vec(), "PASS sés ame ".into()];
        assert_eq!(said(&["--password-file", &file.path()], b"").0, right);
        assert_eq!(said(&["--password-stdin"], text.as_bytes()).0, right);
    }
    let file = TestFile::new(b"\xff\xfd\xefsesame");
    assert_eq!(
        said(&["--password-file", &file.path()], b"").0[1],
        // 255 is doubled on the wire (RFC 854).
        b"PASS \xff\xff\xfd\xefsesame"
    );
}

#[test]
fn a_password_in_utf_16_is_not_sent() {
    for bytes in utf16(&format!("{SENTINEL}\r\n")) {
        let file = TestFile::new(&bytes);
        for (options, source) in [
            (vec!["--password-file", &file.path()], file.path()),
            (vec!["--password-stdin"], "standard input".to_owned()),
        ] {
            let (lines, run) = said(&options, &bytes);
            assert_eq!((lines.len(), run.code), (0, 2), "{run:?}");
            assert!(run.stderr.contains("UTF-16"), "{run:?}");
            assert!(run.stderr.contains(&source), "{run:?}");
        }
    }
}

#[test]
fn pem_files_may_have_marks_and_crlf() {
    let key = KeyPair::generate().unwrap();
    let other = KeyPair::generate().unwrap();
    let names = || CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = names().self_signed(&key).unwrap().pem();
    let another = names().self_signed(&other).unwrap().pem();
    let windows = |pem: &str| format!("{MARK}{}", pem.replace('\n', "\r\n"));
    let cert = TestFile::new(windows(&certificate));
    let key = TestFile::new(windows(&key.serialize_pem()));
    let server = Server::start(&["--cert", &cert.path(), "--key", &key.path()]);
    for text in [
        windows(&certificate),
        // As `type one.pem two.pem > both.pem` makes it.
        format!("{}{}", windows(&another), windows(&certificate)),
        format!("{}{}", windows(&certificate), windows(&another)),
    ] {
        let ca = TestFile::new(text);
        let run = server.login(&["--quiet", "--ca", &ca.path()], "anna");
        assert_eq!(run.code, 0, "{run:?}");
    }
    for bytes in utf16(&certificate) {
        let file = TestFile::new(bytes);
        let run = server.login(&["--quiet", "--ca", &file.path()], "anna");
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains("UTF-16"), "{run:?}");
        let files = ["--cert", &file.path(), "--key", &key.path()];
        let run = refused_to_serve(&["--anonymous", files[0], files[1], files[2], files[3]]);
        assert!(run.stderr.contains("UTF-16"), "{run:?}");
    }
}

#[test]
fn no_hash_is_made_of_what_can_never_be_sent() {
    let hash = |input: &[u8]| Program::new(["hash"]).input(input).run();
    for (input, why) in [
        (&b"ses\0ame\n"[..], "a NUL"),
        (b"ses\rame\n", "a carriage return"),
        (b"sesame\r\r\n", "a carriage return"),
        (b"\0", "a NUL"),
        (&[b'x'; 508], "longer than 507 bytes"),
    ] {
        let run = hash(input);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(why), "{run:?}");
        assert!(!run.stderr.contains("ses"), "{run:?}");
    }
    for bytes in utf16("sesame\r\n") {
        let run = hash(&bytes);
        assert!(run.code == 2 && run.stderr.contains("UTF-16"), "{run:?}");
    }
    // The longest that is hashed logs in; so does one behind a mark.
    for (hashed, password) in [
        ("x".repeat(507), "x".repeat(507)),
        (format!("{MARK}sesame\r\n"), "sesame".to_owned()),
    ] {
        let run = hash(hashed.as_bytes());
        assert_eq!(run.code, 0, "{run:?}");
        let server =
            Server::start_with_users(format!("anna:{}", run.stdout), &["--danger-optional-tls"]);
        let mut peer = crate::common::Peer::connect(&server);
        let reply = peer.try_password(&password);
        assert!(reply.starts_with("230 "), "{reply}");
    }
}

#[test]
fn a_greeting_is_one_that_our_own_client_takes() {
    let long = |length| "x".repeat(length);
    // `220 ` and its end come on top.
    let (longest, lines) = (8 * 1024 - 4, 4096);
    for (text, why) in [
        (long(longest + 1), "line 1"),
        (format!("{}\n{}\n", long(10), long(longest + 1)), "line 2"),
        ("x\n".repeat(lines + 1), "more lines"),
        (format!("{}\n", long(2000)).repeat(66), "more bytes"),
        ("a\0b\n".to_owned(), "a NUL"),
        ("a\rb\n".to_owned(), "a carriage return"),
    ] {
        let greeting = TestFile::new(&text);
        let run = refused_to_serve(&["--anonymous", "--greeting", &greeting.path()]);
        assert!(run.stderr.contains(why), "{why}: {run:?}");
        assert!(run.stderr.contains(&greeting.path()), "{run:?}");
    }
    for bytes in utf16("Welcome.\r\n") {
        let greeting = TestFile::new(bytes);
        let run = refused_to_serve(&["--anonymous", "--greeting", &greeting.path()]);
        assert!(run.stderr.contains("UTF-16"), "{run:?}");
    }
    for (text, first) in [
        (long(longest), format!("220 {}", long(longest))),
        ("x\n".repeat(lines), "220-x".to_owned()),
        (format!("{MARK}Welcome.\r\n"), "220 Welcome.".to_owned()),
        ("220 a\n220-b\n221 c\n".to_owned(), "220-220 a".to_owned()),
        (String::new(), "220 ".to_owned()),
    ] {
        let greeting = TestFile::new(&text);
        let server = Server::start(&["--greeting", &greeting.path()]);
        let run = server.login(&["--json", "--plaintext"], "anna");
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.json()["transcript"][0]["line"], first.as_str());
    }
}
