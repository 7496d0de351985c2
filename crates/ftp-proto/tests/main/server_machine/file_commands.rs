//! Commands about files: what the application is asked, and what the client is told.

use ftp_proto::listing::{Entry, Kind};
use ftp_proto::server::FilesConfig;
use ftp_proto::server::{FileError, Misuse, NameRule, Rights};

use super::dialogue::plain;
use super::file_service::{logged_in, serving};
use super::harness::{Server, seconds};

/// What the application is asked.
fn asked(server: &mut Server, command: &str) -> String {
    assert_eq!(server.send(command), "", "{command}");
    let events = server.happened();
    assert_eq!(events.len(), 1, "{command}: {events:?}");
    events[0].clone()
}

#[test]
fn paths_are_resolved_against_the_current_directory() {
    let mut server = logged_in(serving());
    assert_eq!(
        server.send("PWD"),
        "257 \"/\" is the current directory.\r\n"
    );
    let question = asked(&mut server, "CWD pub/music");
    assert_eq!(question, "Files(ChangeDirectory(VirtualPath(/pub/music)))");
    assert_eq!(server.done(), "250 Directory changed.\r\n");
    assert_eq!(
        asked(&mut server, "DELE ../../../a b"),
        "Files(Remove(VirtualPath(/a b)))"
    );
    assert_eq!(server.done(), "250 Done.\r\n");
    // Blanks belong to a name.
    assert_eq!(
        asked(&mut server, "DELE  x "),
        "Files(Remove(VirtualPath(/pub/music/ x )))"
    );
    server.done();
    assert_eq!(
        asked(&mut server, "CDUP"),
        "Files(ChangeDirectory(VirtualPath(/pub)))"
    );
    server.done();
    assert_eq!(
        server.send("XPWD"),
        "257 \"/pub\" is the current directory.\r\n"
    );
    asked(&mut server, "CWD gone");
    let refused = server.refuse(FileError::NotFound);
    assert_eq!(refused, "550 No such directory.\r\n");
    asked(&mut server, "DELE gone");
    let refused = server.refuse(FileError::NotFound);
    assert_eq!(refused, "550 No such file.\r\n");
    asked(&mut server, "MLST gone");
    let refused = server.refuse(FileError::NotFound);
    assert_eq!(refused, "550 No such file or directory.\r\n");
    assert_eq!(
        server.send("PWD"),
        "257 \"/pub\" is the current directory.\r\n"
    );
    asked(&mut server, "CWD say \"hi\"");
    server.done();
    assert!(
        server
            .send("PWD")
            .starts_with("257 \"/pub/say \"\"hi\"\"\" ")
    );
    // A new login begins at the root.
    server.send("REIN");
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(
        server.send("PWD"),
        "257 \"/\" is the current directory.\r\n"
    );
}

#[test]
fn nobody_goes_deeper_without_an_end() {
    let mut server = logged_in(serving());
    let name = "x".repeat(3000);
    for _ in 0..2 {
        asked(&mut server, &format!("CWD {name}"));
        server.done();
    }
    assert_eq!(
        server.send(&format!("CWD {name}")),
        "553 Path is too long.\r\n"
    );
}

#[test]
fn directories_are_made_and_removed() {
    let mut server = logged_in(serving());
    assert_eq!(
        asked(&mut server, "MKD a\"b"),
        "Files(MakeDirectory(VirtualPath(/a\"b)))"
    );
    assert_eq!(server.done(), "257 \"/a\"\"b\" created.\r\n");
    asked(&mut server, "XMKD a");
    assert_eq!(
        server.refuse(FileError::Exists),
        "550 It exists already.\r\n"
    );
    assert_eq!(
        asked(&mut server, "RMD a"),
        "Files(RemoveDirectory(VirtualPath(/a)))"
    );
    assert_eq!(
        server.refuse(FileError::NotEmpty),
        "550 Directory is not empty.\r\n"
    );
}

#[test]
fn facts_are_told_as_they_were_asked_for() {
    let mut server = logged_in(serving());
    assert_eq!(server.send("SIZE notes"), "550 Send TYPE I first.\r\n");
    server.send("TYPE I");
    asked(&mut server, "SIZE notes");
    assert_eq!(server.facts(), "213 5\r\n");
    asked(&mut server, "MDTM notes");
    assert_eq!(server.facts(), "213 20240501123400\r\n");
    asked(&mut server, "MLST notes");
    assert_eq!(
        server.facts(),
        "250-Facts:\r\n type=file;size=5;modify=20240501123400; /notes\r\n250 End\r\n"
    );
    assert_eq!(
        server.send("OPTS MLST Size;nonsense;"),
        "200 MLST OPTS size;\r\n"
    );
    asked(&mut server, "MLST notes");
    assert_eq!(
        server.facts(),
        "250-Facts:\r\n size=5; /notes\r\n250 End\r\n"
    );
    assert_eq!(server.send("OPTS MLST"), "200 MLST OPTS\r\n");
    let question = asked(&mut server, "MLST");
    assert!(question.contains("VirtualPath(/)"), "{question}");
    assert_eq!(server.facts(), "250-Facts:\r\n  /\r\n250 End\r\n");
    // A directory has no size, and not every file a time.
    for command in ["SIZE pub", "MDTM pub"] {
        asked(&mut server, command);
        let request = server.held.file.take().unwrap();
        let mut entry = Entry::new(b"pub", Kind::Directory);
        entry.size = Some(4096);
        let answer = request.facts(&entry);
        server.connection.answer(server.now, answer).unwrap();
        assert_eq!(server.said(), "550 Not known.\r\n", "{command}");
    }
    // An answer that does not fit.
    asked(&mut server, "MLST notes");
    assert_eq!(server.done(), "451 Local error.\r\n");
}

#[test]
fn a_file_is_renamed_by_two_commands_in_a_row() {
    let mut server = logged_in(serving());
    asked(&mut server, "RNFR a");
    assert_eq!(server.facts(), "350 Send RNTO.\r\n");
    assert_eq!(
        asked(&mut server, "RNTO sub/b"),
        "Files(Rename { from: VirtualPath(/a), to: VirtualPath(/sub/b), may_overwrite: true })"
    );
    assert_eq!(
        server.refuse(FileError::Exists),
        "553 It exists already.\r\n"
    );
    assert_eq!(server.send("RNTO b"), "503 Send RNFR first.\r\n");
    asked(&mut server, "RNFR a");
    server.facts();
    server.send("NOOP");
    assert_eq!(server.send("RNTO b"), "503 Send RNFR first.\r\n");
    asked(&mut server, "RNFR a");
    server.refuse(FileError::NotFound);
    assert_eq!(server.send("RNTO b"), "503 Send RNFR first.\r\n");
}

#[test]
fn time_and_permissions_are_set() {
    let mut server = logged_in(serving());
    let question = asked(&mut server, "MFMT 20240501123400 a b");
    assert!(question.contains("VirtualPath(/a b)"), "{question}");
    assert_eq!(server.done(), "213 Modify=20240501123400; /a b\r\n");
    assert_eq!(server.code("MFMT yesterday notes"), "501");
    assert_eq!(
        asked(&mut server, "site chmod 0644 a b"),
        "Files(SetPermissions { path: VirtualPath(/a b), mode: 420 })"
    );
    assert_eq!(
        server.refuse(FileError::NotSupported),
        "502 Command not implemented.\r\n"
    );
    for wrong in [
        "SITE CHMOD 644",
        "SITE CHMOD 10000 x",
        "SITE CHMOD +644 x",
        "SITE CHMOD u+w x",
    ] {
        assert_eq!(server.code(wrong), "501", "{wrong}");
    }
    assert_eq!(server.code("SITE CHMOD"), "250", "the application's");
}

#[test]
fn each_error_has_its_code() {
    for (error, code) in [
        (FileError::NotFound, "550"),
        (FileError::NotAllowed, "550"),
        (FileError::Exists, "553"),
        (FileError::NotEmpty, "550"),
        (FileError::TooShort, "554"),
        (FileError::NoSpace, "452"),
        (FileError::Busy, "450"),
        (FileError::NotSupported, "502"),
        (FileError::Failed, "451"),
    ] {
        let mut server = logged_in(serving());
        asked(&mut server, "DELE notes");
        assert_eq!(&server.refuse(error)[..3], code);
        server.passive();
        server.send("RETR notes");
        assert_eq!(&server.refuse(error)[..3], code);
    }
}

/// Each command with the right that it needs.
fn commands(rights: Rights) -> [(&'static str, bool); 18] {
    let looks = rights.read || rights.list;
    [
        ("RETR x", rights.read),
        ("STOR x", rights.write),
        ("STOU", rights.write),
        ("APPE x", rights.append),
        ("LIST", rights.list),
        ("NLST", rights.list),
        ("MLSD", rights.list),
        ("MLST", rights.list),
        ("SIZE x", looks),
        ("MDTM x", looks),
        ("MKD x", rights.make),
        ("RMD x", rights.delete),
        ("DELE x", rights.delete),
        ("RNFR x", rights.rename),
        ("MFMT 20240501123400 x", rights.write),
        ("SITE CHMOD 644 x", rights.write),
        ("CWD x", true),
        ("CDUP", true),
    ]
}

#[test]
fn without_the_right_the_application_is_not_asked() {
    for bit in 0..=8 {
        let mut rights = Rights::NONE;
        let all = [
            &mut rights.read,
            &mut rights.write,
            &mut rights.append,
            &mut rights.list,
            &mut rights.make,
            &mut rights.delete,
            &mut rights.rename,
            &mut rights.overwrite,
        ];
        if let Some(right) = all.into_iter().nth(bit) {
            *right = true;
        }
        for (command, is_allowed) in commands(rights) {
            let files = FilesConfig::new().rights(rights);
            let mut server = logged_in(plain().files(files));
            server.passive();
            server.send("TYPE I");
            server.happened();
            let said = server.send(command);
            let expected = if is_allowed {
                ""
            } else {
                "550 Not allowed.\r\n"
            };
            assert_eq!(said, expected, "{command} {rights:?}");
            assert_eq!(
                server.happened().len(),
                usize::from(is_allowed),
                "{command}"
            );
        }
    }
}

#[test]
fn who_may_not_overwrite_may_not_restart_an_upload_and_stores_new_files_only() {
    let mut rights = Rights::ALL;
    rights.overwrite = false;
    let mut server = logged_in(plain().files(FilesConfig::new().rights(rights)));
    server.send("TYPE I");
    server.passive();
    server.happened();
    server.send("REST 5");
    assert_eq!(server.send("STOR x"), "550 Not allowed.\r\n");
    assert_eq!(
        asked(&mut server, "STOR x"),
        "Transfer(Store { path: VirtualPath(/x), mode: New })"
    );
    assert_eq!(
        server.refuse(FileError::Exists),
        "553 It exists already.\r\n"
    );
    server.happened();
    asked(&mut server, "RNFR a");
    server.facts();
    assert!(asked(&mut server, "RNTO b").contains("may_overwrite: false"));
}

#[test]
fn the_verdict_gives_the_rights() {
    let files = FilesConfig::new().rights(Rights::NONE);
    let config = plain()
        .files(files)
        .name_rule(|name| match name.as_bytes() {
            b"open" => NameRule::Open,
            _ => NameRule::Password,
        });
    let mut server = Server::new(config);
    server.said();
    server.answers = false;
    for later in [0, 3] {
        server.send("USER anna");
        server.send("PASS right");
        let attempt = server.held.attempt.take().unwrap();
        let verdict = attempt.accept().rights(Rights::ALL);
        let verdict = verdict.not_before(server.now + seconds(later));
        server.connection.decide(server.now, verdict).unwrap();
        server.sleep(seconds(later));
        assert_eq!(server.said(), "230 Logged in.\r\n");
        assert_eq!(server.send("DELE x"), "");
        server.done();
    }
    // The rights of one user are not those of the next.
    assert_eq!(server.code("USER open"), "230");
    assert_eq!(server.code("DELE x"), "550");
    server.send("USER anna");
    server.send("PASS right");
    let verdict = server.held.attempt.take().unwrap().accept();
    server.connection.decide(server.now, verdict).unwrap();
    server.said();
    assert_eq!(server.code("DELE x"), "550");
}

#[test]
fn an_answer_fits_its_own_question_on_its_own_connection_alone() {
    let mut one = logged_in(serving());
    let mut other = logged_in(serving());
    asked(&mut one, "DELE a");
    asked(&mut other, "DELE b");
    let answer = one.held.file.take().unwrap().done();
    let result = other.connection.answer(other.now, answer);
    assert_eq!(result, Err(Misuse::NothingOpen));
    assert_eq!(other.said(), "");
    // The question of `one` is lost.
    assert_eq!(one.sleep(seconds(300)), super::harness::Pause::Closed);
    assert!(one.said().starts_with("421 "));
    asked(&mut logged_in(serving()), "DELE a");
    other.connection.shutdown(other.now, "Bye.");
    let answer = other.held.file.take().unwrap().done();
    let result = other.connection.answer(other.now, answer);
    assert_eq!(result, Err(Misuse::Closed));
}

#[test]
fn with_files_off_all_is_the_applications() {
    let mut server = logged_in(plain());
    for command in [
        "TYPE I",
        "PASV",
        "PWD",
        "RETR x",
        "REST 5",
        "ABOR",
        "OPTS MLST size;",
    ] {
        assert_eq!(server.code(command), "250", "{command}");
    }
    assert!(!server.send("FEAT").contains("TVFS"));
}
