//! `mirror`: one tree becomes what the other is, and nothing else is touched.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::common::faulty::{Fault, Faulty};
use crate::common::{Program, Run, SENTINEL, Server, TestDirectory};

/// What is in a directory: the bytes of files; `None` for directories.
fn tree(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.symlink_metadata().unwrap().is_dir() {
                found.insert(name, None);
                todo.push(path);
            } else {
                found.insert(name, Some(fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found
}

pub(crate) fn files(root: &TestDirectory, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// With times long ago, so that files of the server are newer.
pub(crate) fn old(root: &TestDirectory, path: &str) {
    let file = fs::File::options()
        .write(true)
        .open(root.0.join(path))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
}

pub(crate) fn mirror(source: &str, target: &str, options: &[&str]) -> Run {
    let words = ["mirror", "--plaintext", source, target];
    Program::new(words.iter().chain(options))
        .env("FTP_PASSWORD", SENTINEL)
        .run()
}

/// The number in a line of the table.
fn counted(run: &Run, what: &str) -> u64 {
    let line = run.stdout.lines().find_map(|line| line.strip_prefix(what));
    let number = line.unwrap_or_else(|| panic!("{run:?}"));
    number.split_whitespace().next().unwrap().parse().unwrap()
}

pub(crate) fn table(run: &Run) -> [u64; 5] {
    ["transferred", "skipped", "deleted", "failed", "left out"].map(|what| counted(run, what))
}

#[test]
fn trees_go_there_and_back() {
    let (root, here, back) = (
        TestDirectory::new(),
        TestDirectory::new(),
        TestDirectory::new(),
    );
    let server = Server::start(&["--root", &root.path()]);
    let url = format!("{}/site/", server.url("ftp", "anna"));
    files(
        &here,
        &[
            ("a", "1"),
            ("sub/b", "22"),
            ("sub/deep/er/c", ""),
            ("-odd *[name] ü", "odd"),
            (" blanks ", "b"),
            ("x.part", "a name like that of a part"),
            ("x", "x"),
        ],
    );
    fs::create_dir(here.0.join("empty")).unwrap();
    let up = mirror(&here.path(), &url, &["--parallel", "3"]);
    assert_eq!((up.code, table(&up)), (0, [7, 0, 0, 0, 0]), "{up:?}");
    assert_eq!(tree(&root.0.join("site")), tree(&here.0));
    let again = mirror(&here.path(), &url, &["--delete"]);
    assert_eq!(
        (again.code, table(&again)),
        (0, [0, 7, 0, 0, 0]),
        "{again:?}"
    );

    let down = mirror(&url, &back.path(), &["--parallel", "3"]);
    assert_eq!((down.code, table(&down)), (0, [7, 0, 0, 0, 0]), "{down:?}");
    assert_eq!(tree(&back.0), tree(&here.0));
    let again = mirror(&url, &back.path(), &["--delete"]);
    assert_eq!(
        (again.code, table(&again)),
        (0, [0, 7, 0, 0, 0]),
        "{again:?}"
    );

    // Changes, and what is too much, on either side.
    files(&here, &[("a", "changed"), ("new", "n")]);
    fs::remove_dir_all(here.0.join("sub")).unwrap();
    let up = mirror(&here.path(), &url, &[]);
    assert_eq!((up.code, table(&up)), (0, [2, 4, 0, 0, 0]), "{up:?}");
    assert!(root.read("site/sub/b").is_some());
    let up = mirror(&here.path(), &url, &["--delete"]);
    // b, c, and three directories.
    assert_eq!((up.code, table(&up)), (0, [0, 6, 5, 0, 0]), "{up:?}");
    assert_eq!(tree(&root.0.join("site")), tree(&here.0));
    let down = mirror(&url, &back.path(), &["--delete"]);
    assert_eq!((down.code, table(&down)), (0, [2, 4, 5, 0, 0]), "{down:?}");
    assert_eq!(tree(&back.0), tree(&here.0));
}

#[test]
fn a_dry_run_says_exactly_what_would_be_done() {
    let root = TestDirectory::new();
    files(&root, &[("keep", "1"), ("new/a", "22"), ("changed", "333")]);
    let here = TestDirectory::new();
    files(&here, &[("gone/b", ""), ("changed", "4")]);
    let server = Server::start(&["--root", &root.path()]);
    let url = server.url("ftp", "anna");
    let before = tree(&here.0);
    let text = mirror(&url, &here.path(), &["--delete", "--dry-run"]);
    assert_eq!((text.code, table(&text)), (0, [3, 0, 2, 0, 0]), "{text:?}");
    assert!(
        text.stdout.contains("would transfer new/a (2 B)\n"),
        "{text:?}"
    );
    let dry = mirror(&url, &here.path(), &["--delete", "--dry-run", "--json"]);
    assert_eq!((dry.code, tree(&here.0)), (0, before), "{dry:?}");
    let said = |run: &Run, key: &str, value: &str| {
        let lines = run.json_lines();
        let chosen = lines.iter().filter(|line| line[key] == value);
        let mut paths: Vec<_> = chosen
            .map(|line| line["path"].clone())
            .map(text_of)
            .collect();
        paths.sort();
        paths
    };
    let real = mirror(&url, &here.path(), &["--delete", "--json"]);
    assert_eq!((real.code, tree(&here.0)), (0, tree(&root.0)), "{real:?}");
    assert_eq!(
        said(&dry, "would", "transfer"),
        ["changed", "keep", "new/a"]
    );
    assert_eq!(
        said(&dry, "would", "transfer"),
        said(&real, "outcome", "transferred")
    );
    assert_eq!(said(&dry, "would", "delete"), ["gone", "gone/b"]);
    assert_eq!(
        said(&dry, "would", "delete"),
        said(&real, "outcome", "deleted")
    );
    assert_eq!(said(&dry, "would", "make_directory"), ["new"]);
}

fn text_of(value: Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Names from the server never lead out of the directory.
#[test]
fn nothing_is_written_outside() {
    let listing = "type=file;size=1;modify=20240501120000; ../evil\r\n\
                   type=file;size=1;modify=20240501120000; ..\r\n\
                   type=dir;modify=20240501120000; ../../up\r\n\
                   type=file;size=1;modify=20240501120000; /tmp/evil\r\n\
                   type=file;size=1;modify=20240501120000; ..\\b\r\n\
                   type=file;size=1;modify=20240501120000; .ftp-cli-0123456789abcdef.part\r\n\
                   type=file;size=2;modify=20240501120000; good\r\n";
    let server = Faulty::start(&[("good", b"ok")], |line, _| {
        match line.starts_with("MLSD") {
            true => Fault::Send(listing.as_bytes().to_vec()),
            false => Fault::None,
        }
    });
    let above = TestDirectory::new();
    let here = above.0.join("x/y");
    fs::create_dir_all(&here).unwrap();
    let run = mirror(&server.url(""), here.to_str().unwrap(), &["--retries", "0"]);
    assert_eq!(run.code, 5, "{run:?}");
    let expected = [
        ("x", None),
        ("x/y", None),
        ("x/y/good", Some(b"ok".to_vec())),
    ];
    let expected = expected.map(|(path, content)| (path.to_owned(), content));
    assert_eq!(tree(&above.0), expected.into(), "{run:?}");
    assert!(counted(&run, "left out") >= 4, "{run:?}");
    assert_eq!(server.heard("RETR"), ["RETR good"]);
}

#[test]
fn links_in_the_target_are_not_followed() {
    let (root, here, outside) = (
        TestDirectory::new(),
        TestDirectory::new(),
        TestDirectory::new(),
    );
    files(
        &root,
        &[("sub/file", "new"), ("link", "new"), ("plain", "new")],
    );
    files(&outside, &[("file", "old"), ("target", "old")]);
    symlink(&outside.0, here.0.join("sub")).unwrap();
    symlink(outside.0.join("target"), here.0.join("link")).unwrap();
    let server = Server::start(&["--root", &root.path()]);
    let run = mirror(&server.url("ftp", "anna"), &here.path(), &["--delete"]);
    assert_eq!((run.code, table(&run)), (3, [1, 0, 0, 0, 2]), "{run:?}");
    assert_eq!(outside.read("file").unwrap(), b"old");
    assert_eq!(outside.read("target").unwrap(), b"old");
    assert_eq!(here.read("plain").unwrap(), b"new");
    // Neither are those of the source.
    let up = mirror(
        &here.path(),
        &format!("{}/up", server.url("ftp", "anna")),
        &[],
    );
    assert_eq!((up.code, table(&up)), (0, [1, 0, 0, 0, 2]), "{up:?}");
    assert_eq!(root.read("up/plain").unwrap(), b"new");
    assert_eq!(fs::read_dir(root.0.join("up")).unwrap().count(), 1);
}

#[test]
fn nothing_is_deleted_because_a_listing_came_empty_or_broken() {
    let all: [(&str, &[u8]); 3] = [("a", b"1"), ("sub/b", b"2"), ("sub/c", b"3")];
    let faults: [(&str, Fault, i32); 6] = [
        ("MLSD", Fault::Send(Vec::new()), 3),
        ("MLSD sub", Fault::Send(Vec::new()), 3),
        ("MLSD sub", Fault::CutAfter(50), 7),
        ("MLSD sub", Fault::Reply("550 No.".to_owned()), 3),
        ("MLSD sub", Fault::Reply("450 Busy.".to_owned()), 3),
        (
            "MLSD",
            Fault::Send(b"complete nonsense\r\ntype=file; a\r\n".to_vec()),
            5,
        ),
    ];
    for (command, fault, exit) in faults {
        let server = Faulty::start(&all, move |line, _| match line == command {
            true => fault.clone(),
            false => Fault::None,
        });
        let here = TestDirectory::new();
        files(
            &here,
            &[
                ("a", "1"),
                ("sub/b", "2"),
                ("sub/c", "3"),
                ("sub/d/e", "old"),
            ],
        );
        let before = tree(&here.0);
        let run = mirror(
            &server.url(""),
            &here.path(),
            &["--delete", "--retries", "0"],
        );
        assert_eq!(run.code, exit, "{command}: {run:?}");
        assert_eq!(tree(&here.0), before, "{command}: {run:?}");
    }
    // The whole listing cut, or refused: nothing at all.
    for fault in [Fault::CutAfter(10), Fault::Reply("550 No.".to_owned())] {
        let server = Faulty::start(&all, move |line, _| match line.starts_with("MLSD") {
            true => fault.clone(),
            false => Fault::None,
        });
        let here = TestDirectory::new();
        files(&here, &[("z", "1")]);
        let run = mirror(
            &server.url(""),
            &here.path(),
            &["--delete", "--retries", "0"],
        );
        assert_ne!(run.code, 0, "{run:?}");
        assert_eq!(here.read("z").unwrap(), b"1");
    }
    // A directory here that is empty may be a disk that is not there.
    let server = Faulty::start(&all, |_, _| Fault::None);
    let here = TestDirectory::new();
    let run = mirror(
        &here.path(),
        &server.url(""),
        &["--delete", "--retries", "0"],
    );
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("empty"), "{run:?}");
    assert_eq!(server.paths().len(), 3);
}

/// Else all would be sent again.
#[test]
fn a_directory_is_not_missing_if_it_cannot_be_listed_for_want_of_a_connection() {
    for (reply, exit) in [
        ("421 Going down.", 4),
        ("425 No data connection.", 4),
        ("522 TLS session not resumed.", 6),
    ] {
        let server = Faulty::start(&[("sub/a", b"1")], move |line, _| match line {
            "MLSD sub" => Fault::Reply(reply.to_owned()),
            _ => Fault::None,
        });
        let here = TestDirectory::new();
        files(&here, &[("a", "1")]);
        let run = mirror(&here.path(), &server.url("sub/"), &["--retries", "0"]);
        assert_eq!(run.code, exit, "{run:?}");
        assert!(server.heard("STOR").is_empty() && server.heard("MKD").is_empty());
    }
}

#[test]
fn too_many_deletions_are_none() {
    let root = TestDirectory::new();
    files(&root, &[("a", "1")]);
    let server = Server::start(&["--root", &root.path()]);
    let here = TestDirectory::new();
    files(&here, &[("b", ""), ("c", ""), ("d", "")]);
    let url = server.url("ftp", "anna");
    let run = mirror(&url, &here.path(), &["--delete", "--max-delete", "2"]);
    assert_eq!((run.code, table(&run)), (3, [1, 0, 0, 0, 0]), "{run:?}");
    assert!(run.stdout.contains("--max-delete"), "{run:?}");
    let run = mirror(&url, &here.path(), &["--delete", "--max-delete", "3"]);
    assert_eq!((run.code, table(&run)), (0, [0, 1, 3, 0, 0]), "{run:?}");
}

#[test]
fn patterns_and_times_choose_files() {
    let root = TestDirectory::new();
    files(
        &root,
        &[
            ("a.csv", "1"),
            ("b.txt", "2"),
            ("tmp/c.csv", "3"),
            ("sub/d.csv", "4"),
            ("no/e.txt", "5"),
        ],
    );
    let server = Server::start(&["--root", &root.path()]);
    let url = server.url("ftp", "anna");
    let here = TestDirectory::new();
    files(
        &here,
        &[("tmp/mine", "m"), ("other.txt", "o"), ("x.csv", "x")],
    );
    let options = ["--include", "*.csv", "--exclude", "tmp", "--delete"];
    let run = mirror(&url, &here.path(), &options);
    assert_eq!((run.code, table(&run)), (0, [2, 0, 1, 0, 0]), "{run:?}");
    let names: Vec<_> = tree(&here.0).into_keys().collect();
    assert_eq!(
        names,
        ["a.csv", "other.txt", "sub", "sub/d.csv", "tmp", "tmp/mine"]
    );

    // The one here is newer, and has another size.
    let here = TestDirectory::new();
    files(&here, &[("a.csv", "newer"), ("b.txt", "older")]);
    old(&here, "b.txt");
    let run = mirror(&url, &here.path(), &["--only-newer", "--exclude", "*/"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(here.read("a.csv").unwrap(), b"newer");
    let run = mirror(&url, &here.path(), &["--only-newer"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(here.read("a.csv").unwrap(), b"newer");
    assert_eq!(here.read("b.txt").unwrap(), b"2");
}

#[test]
fn a_file_that_fails_fails_the_whole_and_not_the_others() {
    let all: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"2"), ("c", b"3")];
    let server = Faulty::start(&all, |line, _| match line {
        "RETR b" => Fault::Reply("550 Not for you.".to_owned()),
        _ => Fault::None,
    });
    let here = TestDirectory::new();
    let run = mirror(&server.url(""), &here.path(), &["--retries", "0"]);
    assert_eq!((run.code, table(&run)), (3, [2, 0, 0, 1, 0]), "{run:?}");
    assert!(run.stdout.contains("  b: "), "{run:?}");
    assert!(run.stdout.contains("550 Not for you."), "{run:?}");
    let names: Vec<_> = tree(&here.0)
        .into_keys()
        .filter(|name| !name.starts_with(".ftp-cli-"))
        .collect();
    assert_eq!(names, ["a", "c"]);
}

/// Each connection is cut again and again, and all is there in the end.
#[test]
fn it_ends_whole_over_connections_that_are_cut() {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let all: [(&str, &[u8]); 3] = [("a", &bytes), ("b", &bytes[..777]), ("sub/c", &bytes[5..])];
    let server = Faulty::start(&all, |line, before| match (line, before) {
        ("MLSD sub", 0) => Fault::VanishAfter(10),
        ("RETR a", 0) => Fault::VanishAfter(30_000),
        ("RETR a", 1) => Fault::CutAfter(1),
        ("RETR sub/c", 0) => Fault::CutAfter(99_000),
        (line, 0) if line.starts_with("STOR") => Fault::VanishAfter(500),
        _ => Fault::None,
    });
    let here = TestDirectory::new();
    let run = mirror(&server.url(""), &here.path(), &["--parallel", "2"]);
    assert_eq!((run.code, table(&run)), (0, [3, 0, 0, 0, 0]), "{run:?}");
    for (path, content) in all {
        assert_eq!(here.read(path).unwrap(), content, "{path}");
    }
    assert!(
        server.heard("REST").len() >= 3,
        "{:?}",
        server.heard("REST")
    );
    assert_eq!(tree(&here.0).len(), 4);
    let run = mirror(&here.path(), &server.url("up"), &[]);
    assert_eq!((run.code, table(&run)), (0, [3, 0, 0, 0, 0]), "{run:?}");
    for (path, content) in all {
        assert_eq!(
            server.file(&format!("up/{path}")).unwrap(),
            content,
            "{path}"
        );
    }
}

/// Killed in the middle, either way, it goes on where it was.
#[test]
fn it_survives_a_kill() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let server = Faulty::start(&[("big", &bytes)], |_, _| Fault::None);
    let (here, from) = (TestDirectory::new(), TestDirectory::new());
    let part = || {
        tree(&here.0)
            .into_iter()
            .find(|(name, _)| name.ends_with(".part"))
    };
    let has_part = || part().is_some_and(|(_, part)| part.is_some_and(|part| part.len() > 100));
    let url = server.url("");
    let directory = here.path();
    let words = ["mirror", "--limit-rate", "100K", &url, &directory];
    server.program(&words).killed_when(has_part);
    assert_eq!(here.read("big"), None);
    let came = part().unwrap().1.unwrap().len();
    let run = mirror(&url, &directory, &["--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json()["bytes"], 1_000_000 - came);
    assert_eq!(
        tree(&here.0),
        [("big".to_owned(), Some(bytes.clone()))].into()
    );

    from.write("up", &bytes);
    let directory = from.path();
    let words = ["mirror", "--limit-rate", "100K", &directory, &url];
    // Its part is on the server only when that has read it.
    server
        .program(&words)
        .killed_when(|| !server.heard("STOR").is_empty());
    let run = mirror(&directory, &url, &["--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(server.file("up").unwrap(), bytes);
    assert_eq!(server.paths(), ["big", "up"]);
}

/// With fewer connections than wished for.
#[test]
fn a_full_server_gets_fewer_connections() {
    let root = TestDirectory::new();
    let names: Vec<String> = (0..20).map(|number| format!("file-{number}")).collect();
    for name in &names {
        root.write(name, name);
    }
    let options = ["--root", &root.path(), "--guard", "sessions-per-user=2"];
    let server = Server::start(&options);
    let here = TestDirectory::new();
    let run = mirror(
        &server.url("ftp", "anna"),
        &here.path(),
        &["--parallel", "6"],
    );
    assert_eq!((run.code, table(&run)), (0, [20, 0, 0, 0, 0]), "{run:?}");
    assert_eq!(tree(&here.0), tree(&root.0));
}

#[test]
fn mistakes_are_said_first() {
    let here = TestDirectory::new();
    here.write("file", "");
    let (directory, file) = (here.path(), here.0.join("file"));
    // Nobody listens there.
    let url = "ftp://anna@127.0.0.1:1/";
    for (words, exit) in [
        (&["mirror", url, url][..], 2),
        (&["mirror", &directory, &directory], 2),
        (&["mirror", url, file.to_str().unwrap()], 2),
        (&["mirror", file.to_str().unwrap(), url], 2),
        (&["mirror", "/none/there", url], 8),
        (&["mirror", "--max-delete", "3", url, &directory], 2),
        (
            &["mirror", "--plaintext", "--retries", "0", url, &directory],
            4,
        ),
    ] {
        let run = Program::new(words).env("FTP_PASSWORD", SENTINEL).run();
        assert_eq!(run.code, exit, "{words:?}: {run:?}");
        assert!(run.stderr.contains("error: "), "{words:?}: {run:?}");
    }
}

/// Its clock stands still, years ago, and it takes no times.
#[test]
fn what_a_server_whose_clock_is_off_has_is_not_sent_again_and_what_changed_is() {
    let server = Faulty::start(&[], |_, _| Fault::None);
    let here = TestDirectory::new();
    files(&here, &[("a", "1"), ("sub/b", "22")]);
    let up = mirror(&here.path(), &server.url("site/"), &[]);
    assert_eq!((up.code, table(&up)), (0, [2, 0, 0, 0, 0]), "{up:?}");
    let before = server.heard("STOR").len();
    let dry = mirror(&here.path(), &server.url("site/"), &["--dry-run"]);
    assert_eq!(
        server.heard("STOR").len(),
        before,
        "it was written to: {dry:?}"
    );
    let again = mirror(&here.path(), &server.url("site/"), &["--delete"]);
    assert_eq!(
        (again.code, table(&again)),
        (0, [0, 2, 0, 0, 0]),
        "{again:?}"
    );
    assert!(again.stderr.contains("behind; times are"), "{again:?}");
    // What the clock was looked at with is gone.
    assert_eq!(server.paths(), ["site/a", "site/sub", "site/sub/b"]);
    // A change that only the time shows. The server says that it has the older one.
    files(&here, &[("a", "2")]);
    let later = SystemTime::now() + Duration::from_secs(100);
    let file = fs::File::options().write(true).open(here.0.join("a"));
    file.unwrap().set_modified(later).unwrap();
    let changed = mirror(&here.path(), &server.url("site/"), &[]);
    assert_eq!(table(&changed), [1, 1, 0, 0, 0], "{changed:?}");
    assert_eq!(server.file("site/a").unwrap(), b"2");
}
