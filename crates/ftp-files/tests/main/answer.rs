//! The server's machine asks, and files answer.

use std::sync::Arc;

use ftp_files::{Files, Memory, Quota, Usage, answer};
use ftp_proto::server::{
    Config, Connection, Event, FilesConfig, HashAlgorithm, Rights, Security, StoreMode,
};
use ftp_proto::{Action, Instant, Machine};

use crate::common::*;

/// What the server replies to all this.
fn replies(files: &dyn Files, commands: &[&str]) -> String {
    let now = Instant::START;
    let config = Config::new().security(Security::DangerousPlaintext).files(
        FilesConfig::new()
            .rights(Rights::ALL)
            .hashes([HashAlgorithm::Sha256, HashAlgorithm::Sha512])
            .space(true),
    );
    let mut connection = Connection::new(Arc::new(config), now);
    let mut commands = commands.iter();
    let mut replies = Vec::new();
    loop {
        match connection.poll().expect("no fault") {
            Action::Event(Event::Authenticate(attempt)) => {
                let verdict = attempt.accept();
                connection.decide(now, verdict).expect("its own attempt");
            }
            Action::Event(Event::Files(request)) => {
                // The client waits for each answer.
                let answer = answer(files, request, Rights::READ_ONLY, || true);
                connection.answer(now, answer).expect("its own question");
            }
            Action::Event(_) => {}
            Action::Write { bytes, .. } => {
                replies.extend_from_slice(bytes);
                let count = bytes.len();
                connection.wrote(now, count);
            }
            Action::Read { .. } => {
                let line = format!("{}\r\n", commands.next().unwrap_or(&"QUIT"));
                assert_eq!(connection.received(now, line.as_bytes()), line.len());
            }
            Action::Wait { .. } | Action::Shutdown { .. } => unreachable!("nothing is open"),
            Action::Closed => break,
        }
    }
    String::from_utf8(replies)
        .expect("text")
        .replace("\r\n", "\n")
}

#[test]
fn each_request_of_the_machine_is_answered() {
    let files = Memory::new();
    store(&files, "f", StoreMode::New, "12345").unwrap();
    let commands = [
        "USER anna",
        "PASS x",
        "MKD d",
        "CWD d",
        "MKD e",
        "RMD e",
        "CWD e",
        "CDUP",
        "RNFR f",
        "RNTO d/g",
        "TYPE I",
        "SIZE d/g",
        "MFMT 19990203040506 d/g",
        "MDTM d/g",
        "SITE CHMOD 4755 d/g",
        "SITE CHMOD 640 d/g",
        "OPTS MLST type;size;modify;perm;unix.mode;",
        "MLST d/g",
        "RMD d",
        "DELE d/g",
        "DELE d/g",
    ];
    let replies = replies(&files, &commands);
    let codes: Vec<_> = replies
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' ') && !line.starts_with(' '))
        .map(|line| &line[..3])
        .collect();
    assert_eq!(
        codes,
        [
            "220", "331", "230", "257", "250", "257", "250", "550", "250", "350", "250", "200",
            "213", "213", "213", "550", "200", "200", "250", "550", "250", "550", "221"
        ],
        "{replies}"
    );
    assert!(replies.contains("\n213 5\n"), "{replies}");
    assert!(replies.contains("\n213 19990203040506\n"), "{replies}");
    let line = "\n type=file;size=5;modify=19990203040506;perm=r;UNIX.mode=0640; /d/g\n";
    assert!(replies.contains(line), "{replies}");
    assert_eq!(names(&files, "/").unwrap(), ["d"]);
}

/// Known answers: FIPS 180-4's own examples are of "abc".
#[test]
fn a_whole_file_is_hashed() {
    let files = Memory::new();
    store(&files, "f", StoreMode::New, "abc").unwrap();
    let large = "x".repeat(200_000);
    store(&files, "large", StoreMode::New, &large).unwrap();
    let replies = replies(
        &files,
        &[
            "USER anna",
            "PASS x",
            "HASH f",
            "HASH large",
            "HASH /",
            "HASH none",
            "OPTS HASH sha-512",
            "HASH f",
        ],
    );
    for line in [
        "213 SHA-256 0-3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad /f",
        "213 SHA-256 0-200000 91e3faafd322bcdf160f3f0ce886acb092b9b9e2a1e8526b40f21a8898a8700b /large",
        "213 SHA-512 0-3 ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f /f",
    ] {
        assert!(replies.contains(line), "{line}\n{replies}");
    }
    assert_eq!(replies.matches("550 ").count(), 2, "{replies}");
}

#[test]
fn nothing_more_is_read_for_a_hash_that_nobody_waits_for() {
    let files = Memory::new();
    store(&files, "f", StoreMode::New, "abc").unwrap();
    let now = Instant::START;
    let config = FilesConfig::new().hashes([HashAlgorithm::Sha256]);
    let config = Config::new()
        .security(Security::DangerousPlaintext)
        .name_rule(|_| ftp_proto::server::NameRule::Open)
        .files(config);
    let mut connection = Connection::new(Arc::new(config), now);
    let said = b"USER anna\r\nHASH f\r\n";
    assert_eq!(connection.received(now, said), said.len());
    loop {
        match connection.poll().expect("no fault") {
            Action::Event(Event::Files(request)) => {
                let answer = answer(&files, request, Rights::ALL, || false);
                connection.answer(now, answer).expect("its own question");
            }
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                let is_last = bytes.ends_with(b"451 Local error.\r\n");
                connection.wrote(now, count);
                if is_last {
                    return;
                }
            }
            Action::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn space_is_that_of_the_disk_or_of_the_quota() {
    let limited = Quota::measure(
        Memory::new(),
        Usage {
            bytes: 10,
            files: 9,
        },
    )
    .unwrap();
    store(&limited, "f", StoreMode::New, "abc").unwrap();
    let commands = ["USER anna", "PASS x", "AVBL", "AVBL /none"];
    let said = replies(&limited, &commands);
    assert!(said.contains("\n213 7\n550 "), "{said}");
    let said = replies(&Memory::new(), &commands);
    assert!(said.contains("\n502 "), "{said}");

    let said = replies(&Scratch::new().files(), &commands);
    let expected = if cfg!(unix) { "\n213 " } else { "\n502 " };
    assert!(said.contains(expected), "{said}");
}
