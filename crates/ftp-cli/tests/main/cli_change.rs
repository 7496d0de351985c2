//! `rm`, `mv`, `mkdir` and `stat`.
#![cfg(unix)]

use std::fs;

use crate::common::faulty::{Fault, Faulty};
use crate::common::{Program, Run, SENTINEL, Server, TestDirectory};

fn run(server: &Server, command: &[&str], paths: &[&str]) -> Run {
    let url = |path: &&str| format!("{}/{path}", server.url("ftp", "anna"));
    let mut words: Vec<_> = command.iter().map(|word| (*word).to_owned()).collect();
    words.push("--plaintext".to_owned());
    words.extend(paths.iter().map(url));
    Program::new(words).env("FTP_PASSWORD", SENTINEL).run()
}

#[test]
fn directories_are_made_moved_and_removed() {
    let (root, outside) = (TestDirectory::new(), TestDirectory::new());
    outside.write("kept", "kept");
    let server = Server::start(&["--root", &root.path()]);
    let ok = |command: &[&str], paths: &[&str]| {
        let run = run(&server, command, paths);
        assert_eq!((run.code, &*run.stdout), (0, ""), "{run:?}");
        run
    };
    ok(&["mkdir"], &["a", "b"]);
    let again = run(&server, &["mkdir"], &["a"]);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.stderr.contains("-p"), "{again:?}");
    ok(&["mkdir", "-p"], &["a", "a/b/c/", "a/b/d"]);
    root.write("a/b/c/file", "1");
    std::os::unix::fs::symlink(&outside.0, root.0.join("a/link")).unwrap();
    ok(&["mv"], &["a/b/c/file", "b/"]);
    ok(&["mv"], &["b/file", "b/renamed"]);
    assert_eq!(root.read("b/renamed").unwrap(), b"1");

    let directory = run(&server, &["rm"], &["a"]);
    assert_eq!(directory.code, 3, "{directory:?}");
    assert!(directory.stderr.contains("-r"), "{directory:?}");
    // a, b, c, d and the link.
    let removed = ok(&["rm", "-r"], &["a"]);
    assert!(removed.stderr.contains("removed 5 "), "{removed:?}");
    ok(&["rm"], &["b/renamed"]);
    ok(&["rm", "-r"], &["b/"]);
    assert_eq!(fs::read_dir(&root.0).unwrap().count(), 0);
    assert_eq!(outside.read("kept").unwrap(), b"kept");

    let missing = run(&server, &["rm", "--json"], &["none"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert_eq!(missing.json()["outcome"], "refused");
    assert_eq!(missing.json()["code"], 550);
    let missing = run(&server, &["rm", "-r"], &["none"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert_eq!(missing.stderr.matches("none").count(), 1, "{missing:?}");
    let made = run(&server, &["mkdir", "--json"], &["x"]);
    assert_eq!(made.json()["outcome"], "done", "{made:?}");
}

#[test]
fn a_slip_removes_nothing() {
    // Nobody listens there.
    let url = |path: &str| format!("ftp://anna@127.0.0.1:1/{path}");
    for words in [
        &["rm", "-r", &url("")][..],
        &["rm", "-r", &url("%2F")],
        &["rm", "-r", &url(".")],
        &["rm", "-r", &url("../")],
        &["rm", "-r", &url("./.")],
        &["rm", &url("directory/")],
        &["mv", &url("a"), "ftp://anna@127.0.0.2:1/b"],
        &["mv", &url("a"), "ftp://bob@127.0.0.1:1/b"],
        &["mv", &url("a"), &url("a")],
        &["mkdir", &url("")],
    ] {
        let run = Program::new(words).env("FTP_PASSWORD", SENTINEL).run();
        assert_eq!((run.code, &*run.stdout), (2, ""), "{words:?}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{words:?}: {run:?}");
    }
}

#[test]
fn what_a_server_knows_is_shown() {
    let root = TestDirectory::new();
    fs::create_dir(root.0.join("sub")).unwrap();
    root.write("sub/file", "content");
    let server = Server::start(&["--root", &root.path()]);
    let file = run(&server, &["stat"], &["sub/file"]);
    for line in [
        "path      sub/file",
        "kind      file",
        "size      7 bytes (7 B)",
    ] {
        assert!(file.stdout.lines().any(|shown| shown == line), "{file:?}");
    }
    let directory = run(&server, &["stat", "--json"], &["sub/"]).json();
    assert_eq!(
        (&directory["path"], &directory["name"]),
        (&"sub".into(), &"sub".into())
    );
    assert_eq!(directory["kind"], "dir");
    assert_eq!(run(&server, &["stat"], &[""]).code, 0);
    assert_eq!(run(&server, &["stat"], &["none"]).code, 3);
    // The only line is that of the file, in the listing of its directory.
    let old = Faulty::start(
        &[("sub/one", b"1"), ("sub/two", b"22")],
        |line, _| match line.starts_with("MLST") {
            true => Fault::Reply("502 What?".to_owned()),
            false => Fault::None,
        },
    );
    for (path, size, exit) in [("sub/two", "2 bytes", 0), ("sub/three", "", 3)] {
        let run = old.program(&["stat", &old.url(path)]).run();
        assert_eq!(run.code, exit, "{run:?}");
        assert!(run.stdout.contains(size), "{run:?}");
    }
}
