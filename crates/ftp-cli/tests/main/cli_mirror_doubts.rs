//! `mirror` and servers that hide something: directories that are not there, names, links.
#![cfg(unix)]

use std::fs;

use crate::cli_mirror::{files, mirror, old, table};
use crate::common::TestDirectory;
use crate::common::faulty::{Fault, Faulty};

/// A directory that may be read and not entered shows names alone. So do paths that are too long for the
/// system, whoever asks.
#[test]
fn nothing_is_deleted_because_something_here_could_not_be_looked_at() {
    let here = TestDirectory::new();
    let long = "d".repeat(250);
    let mut path = String::from("site");
    let mut directory = fs::File::open(&here.0).unwrap();
    let mut length = here.path().len();
    loop {
        let made = rustix::fs::mkdirat(&directory, long.as_str(), 0o755.into());
        made.unwrap();
        length += 1 + long.len();
        path = format!("{path}/{long}");
        if length >= 4096 {
            break;
        }
        let flags = rustix::fs::OFlags::DIRECTORY;
        let below = rustix::fs::openat(&directory, long.as_str(), flags, 0o0.into());
        directory = fs::File::from(below.unwrap());
    }
    let there = format!("{path}/file");
    let server = Faulty::start(&[(&there, b"1"), ("site/gone", b"1")], |_, _| Fault::None);
    let up = mirror(&here.path(), &server.url("site/"), &["--delete"]);
    assert_eq!(up.code, 8, "{up:?}");
    assert_eq!(table(&up), [0, 0, 0, 0, 1], "{up:?}");
    assert_eq!(server.heard("DELE"), [""; 0]);
    assert!(up.stderr.contains("not deleted"), "{up:?}");
}

/// Some servers list no names that begin with a dot.
#[test]
fn a_file_that_the_server_does_not_list_is_asked_for_before_it_is_sent_again() {
    let server = Faulty::start(&[("site/.hidden", b"1")], |line, _| {
        match line.starts_with("MLSD") {
            true => Fault::Send(Vec::new()),
            false => Fault::None,
        }
    });
    let here = TestDirectory::new();
    files(&here, &[(".hidden", "1")]);
    old(&here, ".hidden");
    let up = mirror(&here.path(), &server.url("site/"), &[]);
    assert_eq!((up.code, table(&up)), (0, [0, 1, 0, 0, 0]), "{up:?}");
    assert_eq!(server.heard("STOR"), Vec::<String>::new());
}

/// vsftpd and others list a directory that is not there as an empty one, ProFTPD without `MLSD` refuses when it
/// has begun to send.
#[test]
fn a_directory_that_is_not_there_is_not_an_empty_one() {
    type Lists = fn() -> Fault;
    let ways: [Lists; 2] = [
        || Fault::Send(Vec::new()),
        || Fault::EndWith("450 No such file or directory."),
    ];
    for lists in ways {
        let server = Faulty::start(&[("there/file", b"1")], move |line, before| match line {
            "MLSD missing" if before < 3 => lists(),
            "CWD missing" | "MLSD missing/a" => Fault::Reply("550 No such directory.".to_owned()),
            _ => Fault::None,
        });
        let here = TestDirectory::new();
        files(&here, &[("a/file", "1")]);
        let missing = server.url("missing/");
        let down = mirror(&missing, &here.path(), &["--delete"]);
        assert_eq!(down.code, 3, "{down:?}");
        assert_eq!(here.read("a/file").unwrap(), b"1");
        for words in [&["ls", &missing][..], &["ls", "--recursive", &missing]] {
            let listed = server.program(words).run();
            assert_eq!(listed.code, 3, "{listed:?}");
        }
    }
}

#[test]
fn a_directory_that_is_listed_as_empty_though_it_is_not_there_is_made() {
    type Lists = fn() -> Fault;
    let ways: [Lists; 2] = [
        || Fault::Send(Vec::new()),
        || Fault::EndWith("450 No such file or directory."),
    ];
    for lists in ways {
        let server = Faulty::start(&[], move |line, before| match (line, before) {
            ("MLSD new", _) => lists(),
            ("CWD new", 0) => Fault::Reply("550 No such directory.".to_owned()),
            _ => Fault::None,
        });
        let here = TestDirectory::new();
        files(&here, &[("a/file", "1")]);
        let up = mirror(&here.path(), &server.url("new/"), &[]);
        assert_eq!((up.code, table(&up)), (0, [1, 0, 0, 0, 0]), "{up:?}");
        assert_eq!(server.file("new/a/file").unwrap(), b"1");
    }
}

/// As where clients may write and not look.
#[test]
fn a_directory_that_is_there_and_not_listed_is_used() {
    let server = Faulty::start(&[], |line, _| match line.starts_with("MLSD") {
        true => Fault::Reply("550 Permission denied.".to_owned()),
        false => Fault::None,
    });
    let here = TestDirectory::new();
    files(&here, &[("a/b/file", "1")]);
    for _ in 0..2 {
        let up = mirror(&here.path(), &server.url("drop/"), &[]);
        assert_eq!((up.code, table(&up)), (0, [1, 0, 0, 0, 0]), "{up:?}");
    }
    assert_eq!(server.file("drop/a/b/file").unwrap(), b"1");
}

/// Servers of file systems without case, for example: what comes as `readme` becomes the `README` that is there.
#[test]
fn what_may_be_a_new_file_under_another_name_is_not_deleted() {
    for (old, new) in [
        ("README", "readme"),
        ("ends.", "ends"),
        ("a_b", "a:b"),
        ("u\u{308}", "\u{fc}"),
    ] {
        let old_path = format!("site/{old}");
        let server = Faulty::start(&[(&old_path, b"1"), ("site/gone", b"1")], |_, _| {
            Fault::None
        });
        let here = TestDirectory::new();
        files(&here, &[(new, "new")]);
        let up = mirror(&here.path(), &server.url("site/"), &["--delete"]);
        assert_eq!(up.code, 3, "{up:?}");
        assert!(up.stderr.contains("not deleted"), "{up:?}");
        assert_eq!(server.heard("DELE"), ["DELE site/gone"], "{new}");
        assert_eq!(server.file(&old_path).unwrap(), b"1");
        // Both are listed now: they are two.
        let again = mirror(&here.path(), &server.url("site/"), &["--delete"]);
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(server.file(&old_path), None);
        assert_eq!(server.file(&format!("site/{new}")).unwrap(), b"new");
    }
}

/// Some servers call a link to a directory a directory.
#[test]
fn a_link_is_deleted_and_not_what_it_leads_to() {
    let files_there: [(&str, &[u8]); 3] = [
        ("site/link/sub/a", b"1"),
        ("site/link/b", b"1"),
        ("site/old/c", b"1"),
    ];
    let server = Faulty::start(&files_there, |line, _| match line {
        "DELE site/link" => Fault::Reply("250 Deleted.".to_owned()),
        "RMD site/old" => Fault::Reply("250 Removed.".to_owned()),
        _ => Fault::None,
    });
    let here = TestDirectory::new();
    files(&here, &[("new", "1")]);
    let up = mirror(&here.path(), &server.url("site/"), &["--delete"]);
    assert_eq!((up.code, table(&up)), (0, [1, 0, 3, 0, 0]), "{up:?}");
    let left = ["site/link/b", "site/link/sub/a", "site/new"];
    assert_eq!(server.paths(), left);
}

/// Pure-FTPd can be told so.
#[test]
fn a_server_that_takes_no_names_with_a_dot_in_front_gets_others() {
    let server = Faulty::start(&[], |line, _| {
        let (verb, path) = line.split_once(' ').unwrap_or((line, ""));
        let is_hidden = path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with('.'));
        match matches!(verb, "STOR" | "RNTO") && is_hidden {
            true => Fault::Reply("553 Prohibited file name.".to_owned()),
            false => Fault::None,
        }
    });
    let here = TestDirectory::new();
    files(&here, &[("a", "1"), ("sub/b", "22")]);
    let up = mirror(&here.path(), &server.url("site/"), &[]);
    assert_eq!((up.code, table(&up)), (0, [2, 0, 0, 0, 0]), "{up:?}");
    files(&here, &[("a", "longer")]);
    let up = mirror(&here.path(), &server.url("site/"), &["--delete"]);
    assert_eq!((up.code, table(&up)), (0, [1, 1, 0, 0, 0]), "{up:?}");
    assert_eq!(server.file("site/a").unwrap(), b"longer");
    assert_eq!(server.paths(), ["site/a", "site/sub", "site/sub/b"]);
}

/// They may name files, which would be missing without a word.
#[test]
fn lines_of_the_source_that_cannot_be_read_are_left_out_and_said() {
    let listing = b"type=file;size=1;modify=20240501120000; file\r\n???\r\n".to_vec();
    let server = Faulty::start(&[("site/file", b"1")], move |line, _| {
        match line.starts_with("MLSD") {
            true => Fault::Send(listing.clone()),
            false => Fault::None,
        }
    });
    let here = TestDirectory::new();
    let down = mirror(&server.url("site/"), &here.path(), &[]);
    assert_eq!((down.code, table(&down)), (5, [1, 0, 0, 0, 1]), "{down:?}");
    assert!(down.stderr.contains("1 lines"), "{down:?}");
    assert_eq!(here.read("file").unwrap(), b"1");
    // Nothing is missing there because of what is not read here.
    files(&here, &[("new", "2")]);
    let up = mirror(&here.path(), &server.url("site/"), &[]);
    assert_eq!(up.code, 0, "{up:?}");
}

/// As where a server runs `ls`, which is killed.
#[test]
fn nothing_is_deleted_because_a_listing_ended_amid_a_name() {
    let line = "type=file;size=1;modify=20240501120000; file one";
    for (end, exit) in [("", 3), ("\r\n", 0)] {
        let listing = format!("{line}\r\n{line}{end}").into_bytes();
        let server = Faulty::start(&[("site/file one", b"1")], move |line, _| {
            match line.starts_with("MLSD") {
                true => Fault::Send(listing.clone()),
                false => Fault::None,
            }
        });
        let here = TestDirectory::new();
        files(&here, &[("file one more", "1")]);
        let down = mirror(&server.url("site/"), &here.path(), &["--delete"]);
        assert_eq!(down.code, exit, "{down:?}");
        assert_eq!(here.read("file one more").is_some(), exit == 3, "{down:?}");
        assert_eq!(here.read("file one").unwrap(), b"1");
    }
}
