//! Odd files of this computer: pipes, long names, files that others hold, and files in the way.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Command;
use std::thread;

use crate::cli_get_put::{random, told};
use crate::common::faulty::{Fault, Faulty};
use crate::common::{Run, TestDirectory};

fn pipe(directory: &TestDirectory, name: &str) -> String {
    let path = directory.0.join(name).to_str().unwrap().to_owned();
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    path
}

fn run(server: &Faulty, words: &[&str]) -> Run {
    server.program(words).run()
}

/// As `/dev/null` and `/dev/stdout` are.
#[test]
fn what_takes_bytes_and_is_no_file_is_written_to_and_not_replaced() {
    let bytes = random(300_000);
    let server = Faulty::start(&[("file", &bytes)], |_, _| Fault::None);
    let here = TestDirectory::new();
    let path = pipe(&here, "pipe");
    let link = here.0.join("link").to_str().unwrap().to_owned();
    symlink(&path, &link).unwrap();
    let url = server.url("file");
    for to in [&path, &link] {
        let reading = path.clone();
        let reader = thread::spawn(move || fs::read(reading).unwrap());
        let got = run(&server, &["get", "--json", &url, "-o", to]);
        assert_eq!(got.code, 0, "{got:?}");
        assert_eq!(told(&got).0, "transferred");
        assert_eq!(reader.join().unwrap(), bytes);
    }
    for option in ["--continue", "--keep-time", "--verify=size"] {
        let got = run(&server, &["get", option, &url, "-o", &path]);
        assert_eq!(got.code, 2, "{got:?}");
    }
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    assert_eq!(here.names(), ["link", "pipe"]);
}

/// As shells make them: `ftp-cli put <(command) …`.
#[test]
fn what_can_be_read_once_is_sent() {
    let bytes = random(300_000);
    let server = Faulty::start(&[], |_, _| Fault::None);
    let here = TestDirectory::new();
    let path = pipe(&here, "pipe");
    for (option, name) in [("--verify=size", "a"), ("--atomic", "b"), ("--append", "c")] {
        let (writing, content) = (path.clone(), bytes.clone());
        let writer = thread::spawn(move || fs::write(writing, content).unwrap());
        let sent = run(&server, &["put", option, &path, &server.url(name)]);
        assert_eq!(sent.code, 0, "{sent:?}");
        writer.join().unwrap();
        assert_eq!(server.file(name).unwrap(), bytes);
    }
    for option in ["--continue", "--keep-time", "--verify=hash"] {
        let sent = run(&server, &["put", option, &path, &server.url("d")]);
        assert_eq!(sent.code, 2, "{sent:?}");
    }
    assert_eq!(server.paths(), ["a", "b", "c"]);
}

#[test]
fn a_name_as_long_as_names_can_be_is_received_sent_and_gone_on_with() {
    let bytes = random(100_000);
    let name = "n".repeat(255);
    let server = Faulty::start(&[(&name, &bytes)], |line, before| {
        match line.starts_with("RETR") && before == 0 {
            true => Fault::CutAfter(40_000),
            false => Fault::None,
        }
    });
    let here = TestDirectory::new();
    let target = here.0.join(&name).to_str().unwrap().to_owned();
    let url = server.url(&name);
    assert_eq!(run(&server, &["get", &url, "-o", &target]).code, 7);
    let got = run(
        &server,
        &["get", "--continue", "--json", &url, "-o", &target],
    );
    assert_eq!(got.code, 0, "{got:?}");
    assert_eq!(told(&got).1, 60_000);
    assert_eq!(here.read(&name).unwrap(), bytes);
    assert_eq!(here.names(), [name.as_str()]);

    let to = "t".repeat(255);
    let sent = run(&server, &["put", "--atomic", &target, &server.url(&to)]);
    assert_eq!(sent.code, 0, "{sent:?}");
    let stored = server.heard("STOR").remove(0);
    assert!(stored.len() <= "STOR ".len() + 255, "{stored}");
    assert_ne!(stored, format!("STOR {to}"));
    assert_eq!(server.file(&to).unwrap(), bytes);
}

/// Else the one that ends first would give its name to what the other one has so far.
#[test]
fn a_file_that_another_program_is_receiving_is_left_to_it() {
    let bytes = random(100_000);
    let server = Faulty::start(&[("file", &bytes)], |_, _| Fault::None);
    let here = TestDirectory::new();
    for words in [&["get"][..], &["get", "--continue"]] {
        let slow = Faulty::start(&[("file", &bytes)], |line, _| {
            match line.starts_with("RETR") {
                true => Fault::Hang,
                false => Fault::None,
            }
        });
        let url = slow.url("file");
        let target = here.0.join("file").to_str().unwrap().to_owned();
        let first = [words, &[&url, "-o", &target]].concat();
        let is_checked = std::cell::Cell::new(false);
        let check = || {
            if slow.heard("RETR").is_empty() {
                return false;
            }
            let url = server.url("file");
            let second = [words, &[&url, "-o", &target]].concat();
            let second = run(&server, &second);
            assert_eq!(second.code, 8, "{second:?}");
            assert!(second.stderr.contains("another program"), "{second:?}");
            is_checked.set(true);
            true
        };
        slow.program(&first).killed_when(check);
        assert!(is_checked.get());
    }
    assert_eq!(here.read("file"), None);
    // It is gone, and holds nothing any more.
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let got = run(&server, &["get", &server.url("file"), "-o", &target]);
    assert_eq!(got.code, 0, "{got:?}");
    assert_eq!(here.read("file").unwrap(), bytes);
}

#[test]
fn who_may_read_a_file_that_is_replaced_may_read_the_new_one_and_nobody_else() {
    let server = Faulty::start(&[("file", b"new"), ("d/file", b"new")], |_, _| Fault::None);
    let here = TestDirectory::new();
    let path = here.0.join("file");
    let target = path.to_str().unwrap().to_owned();
    let (file, directory) = (server.url("file"), server.url("d"));
    for words in [
        &["get", "--keep-time", &file, "-o", &target][..],
        &["mirror", &directory, &here.path()],
    ] {
        for mode in [0o600, 0o444, 0o666, 0o751] {
            fs::write(&path, "a longer one").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let got = run(&server, words);
            assert_eq!(got.code, 0, "{got:?}");
            assert_eq!(here.read("file").unwrap(), b"new");
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{words:?}");
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_file_of_somebody_that_has_the_name_of_a_part_is_not_lost() {
    let server = Faulty::start(&[("file", b"new")], |_, _| Fault::None);
    let here = TestDirectory::new();
    here.write("file.part", "not from here");
    let target = here.0.join("file").to_str().unwrap().to_owned();
    for option in ["--continue", "--keep-time", "--json"] {
        let got = run(
            &server,
            &["get", option, &server.url("file"), "-o", &target],
        );
        assert_eq!(got.code, 8, "{got:?}");
    }
    assert_eq!(here.read("file.part").unwrap(), b"not from here");
    assert_eq!(here.names(), ["file.part"]);
}

/// What cannot be renamed is not worth the old file.
#[test]
fn the_old_file_is_there_whatever_renames_a_server_refuses() {
    type Refuses = fn(&str, usize) -> bool;
    let cases: [(&str, Refuses, bool); 4] = [
        ("all", |line, _| line.starts_with("RNFR"), false),
        ("all, at the end", |line, _| line.starts_with("RNTO"), false),
        ("those of the new one", |line, _| line == "RNTO file", false),
        ("one over another", |_, _| false, true),
    ];
    let here = TestDirectory::new();
    here.write("file", "new");
    let path = here.0.join("file").to_str().unwrap().to_owned();
    for (what, refuses, is_replaced) in cases {
        let server = Faulty::start(&[("file", b"old")], move |line, before| {
            // That of an old file back to its place is the third of this line.
            match refuses(line, before) && before < 2 {
                true => Fault::Reply("550 No.".to_owned()),
                false => Fault::None,
            }
        });
        let sent = run(&server, &["put", "--atomic", &path, &server.url("file")]);
        let (code, content): (_, &[u8]) = match is_replaced {
            true => (0, b"new"),
            false => (3, b"old"),
        };
        assert_eq!(sent.code, code, "{what}: {sent:?}");
        assert_eq!(server.file("file").unwrap(), content, "{what}");
        let left = server.paths();
        match is_replaced {
            true => assert_eq!(left, ["file"]),
            false => assert_eq!(left, ["file", "file.part"], "{what}"),
        }
    }
}

#[test]
fn a_directory_in_the_place_of_a_file_stays_there() {
    let server = Faulty::start(&[("parent/name/file", b"1")], |_, _| Fault::None);
    let here = TestDirectory::new();
    here.write("name", "new");
    let path = here.0.join("name").to_str().unwrap().to_owned();
    let url = server.url("parent/name");
    assert_eq!(run(&server, &["mkdir", &url]).code, 0);
    let sent = run(&server, &["put", "--atomic", &path, &url]);
    assert_eq!(sent.code, 3, "{sent:?}");
    let all = ["parent/name", "parent/name.part", "parent/name/file"];
    assert_eq!(server.paths(), all);
}
