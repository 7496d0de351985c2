//! The server's machine asks, and files answer.

use std::sync::Arc;

use ftp_files::{Files, Memory, answer};
use ftp_proto::server::{Config, Connection, Event, FilesConfig, Rights, Security, StoreMode};
use ftp_proto::{Action, Instant, Machine};

use crate::common::*;

/// What the server replies to all this.
fn replies(files: &dyn Files, commands: &[&str]) -> String {
    let now = Instant::START;
    let config = Config::new()
        .security(Security::DangerousPlaintext)
        .files(FilesConfig::new().rights(Rights::ALL));
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
                let answer = answer(files, request, Rights::READ_ONLY);
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
