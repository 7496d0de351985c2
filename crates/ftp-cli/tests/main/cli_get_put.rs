//! `ls`, `get` and `put`, against a server that works and against one that does not.
#![cfg(unix)]

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::common::faulty::{Fault, Faulty};
use crate::common::{Program, Run, SENTINEL, Server, TestDirectory, TestFile};

/// A server with TLS, and the certificate that it made.
fn serving(root: &TestDirectory) -> (Server, TestFile) {
    let certificate = TestFile::new("");
    let server = Server::start_with(&["--root", &root.path(), "--write-cert", &certificate.path()]);
    (server, certificate)
}

fn run(certificate: &TestFile, words: &[&str]) -> Run {
    program(certificate, words).run()
}

fn program(certificate: &TestFile, words: &[&str]) -> Program {
    let path = certificate.path();
    let options = ["--ca", path.as_str()];
    Program::new(words.iter().chain(&options)).env("FTP_PASSWORD", SENTINEL)
}

/// The only line of JSON: its outcome, bytes and code.
pub(crate) fn told(run: &Run) -> (String, u64, Value) {
    let record = run.json();
    let outcome = record["outcome"].as_str().unwrap().to_owned();
    (
        outcome,
        record["bytes"].as_u64().unwrap(),
        record["code"].clone(),
    )
}

pub(crate) fn random(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

#[test]
fn files_go_there_and_back_under_tls() {
    let (root, here) = (TestDirectory::new(), TestDirectory::new());
    let (server, certificate) = serving(&root);
    let bytes = random(3_000_000);
    here.write("large", &bytes);
    here.write("empty", "");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options()
        .write(true)
        .open(here.0.join("large"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    let (large, empty) = (here.0.join("large"), here.0.join("empty"));
    let to = format!("{}/new/deep/", server.url("ftp", "anna"));
    let words = [
        "put",
        "--json",
        "--make-dirs",
        "--atomic",
        "--keep-time",
        "--verify",
        "size",
        large.to_str().unwrap(),
        empty.to_str().unwrap(),
        &to,
    ];
    let sent = run(&certificate, &words);
    assert_eq!(sent.code, 0, "{sent:?}");
    let lines = sent.json_lines();
    assert_eq!(lines.len(), 2, "{sent:?}");
    for (line, path, count) in [
        (&lines[0], "new/deep/large", 3_000_000),
        (&lines[1], "new/deep/empty", 0),
    ] {
        assert_eq!(line["path"], path);
        assert_eq!(line["outcome"], "transferred");
        assert_eq!(line["bytes"], count);
        assert_eq!(line["code"], 226);
        assert_eq!(line["tls"]["version"], "TLS 1.3");
        assert!(line["elapsed_ms"].is_u64(), "{line}");
        assert!(line["message"].is_string(), "{line}");
    }
    assert_eq!(root.read("new/deep/large").unwrap(), bytes);
    assert_eq!(root.read("new/deep/empty").unwrap(), b"");
    let there = fs::metadata(root.0.join("new/deep/large")).unwrap();
    assert_eq!(there.modified().unwrap(), time);
    assert_eq!(fs::read_dir(root.0.join("new/deep")).unwrap().count(), 2);

    let back = TestDirectory::new();
    let urls = [format!("{to}large"), format!("{to}empty")];
    let words = [
        "get",
        "--parallel",
        "2",
        "--keep-time",
        "--tls12",
        "--json",
        &urls[0],
        &urls[1],
        "-o",
        &back.path(),
    ];
    let got = run(&certificate, &words);
    assert_eq!(got.code, 0, "{got:?}");
    for line in got.json_lines() {
        assert_eq!(line["tls"]["version"], "TLS 1.2", "{line}");
    }
    assert_eq!(back.read("large").unwrap(), bytes);
    assert_eq!(back.read("empty").unwrap(), b"");
    let here = fs::metadata(back.0.join("large")).unwrap();
    assert_eq!(here.modified().unwrap(), time);
    // Nothing else is left behind.
    assert_eq!(fs::read_dir(&back.0).unwrap().count(), 2);
}

#[test]
fn standard_input_and_output_are_files_too() {
    let root = TestDirectory::new();
    let (server, certificate) = serving(&root);
    let url = format!("{}/piped", server.url("ftp", "anna"));
    let sent = program(&certificate, &["put", "-", &url])
        .input("one\n")
        .run();
    assert_eq!((sent.code, &*sent.stdout), (0, ""), "{sent:?}");
    let words = ["put", "--append", "--quiet", "-", &url];
    let sent = program(&certificate, &words).input("two\n").run();
    assert_eq!((sent.code, &*sent.stderr), (0, ""), "{sent:?}");
    let got = run(&certificate, &["get", &url, "-o", "-"]);
    assert_eq!((got.code, &*got.stdout), (0, "one\ntwo\n"), "{got:?}");
    // A server in another directory sees paths from its root.
    let absolute = format!("{}/%2Fpiped", server.url("ftp", "anna"));
    let got = run(&certificate, &["get", "--quiet", &absolute, "-o", "-"]);
    assert_eq!((got.code, &*got.stdout), (0, "one\ntwo\n"), "{got:?}");
}

#[test]
fn a_directory_is_listed() {
    let root = TestDirectory::new();
    fs::create_dir(root.0.join("sub")).unwrap();
    root.write("sub/file", "123");
    root.write(".hidden", "");
    root.write("b\u{1b}[31m", "");
    let (server, certificate) = serving(&root);
    let url = server.url("ftp", "anna");
    let names = |words: &[&str]| {
        let run = run(&certificate, &[&["ls"], words, &[&url]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let mut names: Vec<_> = run.stdout.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    // As they are: a program reads them.
    assert_eq!(names(&[]), ["b\u{1b}[31m", "sub"]);
    assert_eq!(names(&["-a"]), [".hidden", "b\u{1b}[31m", "sub"]);
    assert_eq!(names(&["--recursive"]), ["b\u{1b}[31m", "sub", "sub/file"]);
    let long = run(&certificate, &["ls", "-l", &format!("{url}/sub")]);
    assert!(long.stdout.starts_with("-rw"), "{long:?}");
    assert!(long.stdout.contains(" 3 B "), "{long:?}");
    assert!(long.stdout.ends_with(" file\n"), "{long:?}");
    let json = run(&certificate, &["ls", "--json", "--recursive", &url]);
    let file = json
        .json_lines()
        .into_iter()
        .find(|line| line["name"] == "file");
    let file = file.unwrap();
    assert_eq!(file["path"], "sub/file");
    assert_eq!((&file["kind"], &file["size"]), (&json!("file"), &json!(3)));
    let missing = run(&certificate, &["ls", &format!("{url}/none")]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(missing.stderr.contains("none"), "{missing:?}");
}

#[test]
fn a_download_has_its_name_only_when_it_is_whole() {
    let bytes = random(300_000);
    for (fault, outcome, exit, code) in [
        (Fault::CutAfter(100_000), "cut_off", 7, json!(426)),
        (Fault::VanishAfter(100_000), "unknown", 7, Value::Null),
        (Fault::DoneAfter(100_000), "length_differs", 7, json!(226)),
    ] {
        let again = fault.clone();
        let server = Faulty::start(&[("file", &bytes)], move |line, before| {
            match line.starts_with("RETR") && before == 0 {
                true => again.clone(),
                false => Fault::None,
            }
        });
        let here = TestDirectory::new();
        here.write("file", "old");
        let target = here.0.join("file").to_str().unwrap().to_owned();
        let words = [
            "get",
            "--json",
            "--continue",
            &server.url("file"),
            "-o",
            &target,
        ];
        let cut = server.program(&words).run();
        assert_eq!(cut.code, exit, "{cut:?}");
        assert_eq!(told(&cut), (outcome.to_owned(), 100_000, code), "{cut:?}");
        assert_eq!(here.read("file").unwrap(), b"old");
        assert_eq!(here.read("file.part").unwrap(), bytes[..100_000]);

        let rest = server.program(&words).run();
        assert_eq!(rest.code, 0, "{rest:?}");
        assert_eq!(told(&rest).1, 200_000, "{rest:?}");
        assert_eq!(server.heard("REST"), ["REST 100000"]);
        assert_eq!(here.read("file").unwrap(), bytes);
        assert_eq!(fs::read_dir(&here.0).unwrap().count(), 1);
    }
}

#[test]
fn what_is_cut_goes_on_by_itself() {
    let bytes = random(200_000);
    let server = Faulty::start(&[("file", &bytes)], |line, before| match (line, before) {
        ("RETR file", 0) | ("STOR up", 0) => Fault::VanishAfter(50_000),
        ("RETR file", 1) => Fault::CutAfter(50_000),
        _ => Fault::None,
    });
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let words = [
        "get",
        "--json",
        "--plaintext",
        &server.url("file"),
        "-o",
        &target,
    ];
    let get = Program::new(words).env("FTP_PASSWORD", SENTINEL).run();
    assert_eq!(get.code, 0, "{get:?}");
    assert_eq!(here.read("file").unwrap(), bytes);
    assert_eq!(server.heard("REST"), ["REST 50000", "REST 100000"]);
    let words = ["put", "--json", "--plaintext", &target, &server.url("up")];
    let put = Program::new(words).env("FTP_PASSWORD", SENTINEL).run();
    assert_eq!(put.code, 0, "{put:?}");
    assert_eq!(server.file("up").unwrap(), bytes);
}

#[test]
fn the_server_makes_the_data_connection_if_it_is_told_to() {
    let server = Faulty::start(&[("file", b"content")], |_, _| Fault::None);
    for option in ["--active", "--active=127.0.0.1"] {
        let words = ["get", option, &server.url("file"), "-o", "-"];
        let run = server.program(&words).run();
        assert_eq!((run.code, &*run.stdout), (0, "content"), "{run:?}");
    }
    assert_eq!(server.heard("PORT 127,0,0,1,").len(), 2);
    assert_eq!(server.heard("EPSV").len(), 0);
}

#[test]
fn a_long_transfer_is_kept_alive_if_that_is_wanted() {
    let bytes = random(200_000);
    let server = Faulty::start(&[("file", &bytes)], |_, _| Fault::None);
    let url = server.url("file");
    let words = ["get", "--limit-rate", "60K", "--quiet", &url, "-o", "-"];
    for (options, is_heard) in [(&[][..], false), (&["--keep-alive", "1"], true)] {
        let run = server.program(&[&words, options].concat()).run_bytes();
        assert_eq!(run, (0, bytes.clone()));
        assert_eq!(!server.heard("NOOP").is_empty(), is_heard);
    }
}

/// Each question is a round trip. Only what is long is worth going on with, for which its time must be known.
#[test]
fn a_short_file_is_asked_for_its_size_alone() {
    let (short, long) = (random(1000), random(20_000));
    let files = [("a", &short[..]), ("b", &long), ("c", &short)];
    let server = Faulty::start(&files, |_, _| Fault::None);
    let here = TestDirectory::new();
    let urls = ["a", "b", "c"].map(|name| server.url(name));
    let words = ["get", "--quiet", "-o", here.0.to_str().unwrap()];
    let words = [&words[..], &urls.each_ref().map(|url| &url[..])].concat();
    assert_eq!(server.program(&words).run().code, 0);
    assert_eq!(here.read("c").unwrap(), short);
    assert_eq!(server.heard("TYPE").len(), 1);
    let asked = ["SIZE a", "SIZE b", "SIZE c"];
    assert_eq!(server.heard("SIZE"), asked);
    assert_eq!(server.heard("MDTM"), ["MDTM b"]);

    // Of an upload, what has come is asked.
    let path = here.0.join("a");
    let words = ["put", "--quiet", path.to_str().unwrap(), &server.url("d")];
    assert_eq!(server.program(&words).run().code, 0);
    assert_eq!(server.heard("SIZE")[asked.len()..], ["SIZE d"]);
    assert_eq!(server.heard("MDTM"), ["MDTM b"]);
}

/// What is there of another file is not the beginning of this one.
#[test]
fn only_the_part_of_the_same_file_is_taken_up() {
    let old = random(20_000);
    let bytes = vec![7; 30_000];
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let cut = Faulty::start(&[("file", &old)], |line, _| {
        match line.starts_with("RETR") {
            true => Fault::CutAfter(500),
            false => Fault::None,
        }
    });
    let get = |server: &Faulty, words: &[&str]| {
        let url = server.url("file");
        let first = ["get", "--json", &url, "-o", &target];
        server.program(&[&first, words].concat()).run()
    };
    assert_eq!(get(&cut, &[]).code, 7);
    // Of another server, with another size.
    let other = Faulty::start(&[("file", &bytes)], |_, _| Fault::None);
    assert_eq!(get(&other, &["--continue"]).code, 0);
    assert_eq!(here.read("file").unwrap(), bytes);
    assert_eq!(other.heard("REST"), [""; 0]);
    // Without --continue, not even the same.
    fs::remove_file(here.0.join("file")).unwrap();
    assert_eq!(get(&cut, &[]).code, 7);
    assert_eq!(get(&cut, &[]).code, 7);
    assert_eq!(cut.heard("REST"), [""; 0]);
    assert_eq!(get(&other, &["--continue"]).code, 0);
    assert_eq!(here.read("file").unwrap(), bytes);
}

#[test]
fn uploads_go_on_where_an_earlier_one_was_cut() {
    let bytes = random(100_000);
    let here = TestDirectory::new();
    here.write("file", &bytes);
    let path = here.0.join("file");
    let path = path.to_str().unwrap();
    let set = |seconds| {
        let file = File::options().write(true).open(path).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    let server = Faulty::start(&[], |line, before| match (line, before) {
        ("STOR file.part", 0) => Fault::CutAfter(40_000),
        _ => Fault::None,
    });
    // The server's files are of 2024: this one is older, so what is there can be its beginning.
    set(1_000_000_000);
    let words = [
        "put",
        "--json",
        "--atomic",
        "--continue",
        path,
        &server.url("file"),
    ];
    assert_eq!(server.program(&words).run().code, 7);
    assert_eq!(server.file("file.part").unwrap(), bytes[..40_000]);
    assert_eq!(server.file("file"), None);
    let rest = server.program(&words).run();
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(told(&rest).1, 60_000, "{rest:?}");
    assert_eq!(server.file("file").unwrap(), bytes);
    assert_eq!(server.paths(), ["file"]);
    // All of it is there.
    let none = server.program(&words).run();
    assert_eq!(
        told(&none),
        ("skipped".to_owned(), 0, Value::Null),
        "{none:?}"
    );
    // It changed since.
    set(2_000_000_000);
    let words = ["put", "--json", "--continue", path, &server.url("file")];
    let all = server.program(&words).run();
    assert_eq!(told(&all).1, 100_000, "{all:?}");
}

#[test]
fn hashes_are_compared() {
    let hash_of = |bytes: &[u8]| {
        let hash = ftp_proto_sha256(bytes);
        format!("213 SHA-256 0-{} {hash} file", bytes.len())
    };
    let right = hash_of(b"content");
    let wrong = hash_of(b"another");
    let here = TestDirectory::new();
    here.write("local", "content");
    let local = here.0.join("local").to_str().unwrap().to_owned();
    let target = here.0.join("got").to_str().unwrap().to_owned();
    for (answer, exit) in [(right, 0), (wrong, 9)] {
        let server = Faulty::start(&[("file", b"content")], move |line, _| {
            match line.starts_with("HASH") {
                true => Fault::Reply(answer.clone()),
                false => Fault::None,
            }
        });
        let words = [
            "get",
            "--verify",
            "hash",
            &server.url("file"),
            "-o",
            &target,
        ];
        let get = server.program(&words).run();
        assert_eq!(get.code, exit, "{get:?}");
        assert_eq!(fs::exists(&target).unwrap(), exit == 0);
        assert!(!fs::exists(format!("{target}.part")).unwrap());
        let words = ["put", "--verify", "hash", &local, &server.url("up")];
        let put = server.program(&words).run();
        assert_eq!(put.code, exit, "{put:?}");
        // Gone for the next turn.
        drop(fs::remove_file(&target));
    }
    // Without a hash nothing is moved.
    let server = Faulty::start(&[("file", b"content")], |line, _| match line {
        "FEAT" => Fault::Reply("502 What?".to_owned()),
        _ => Fault::None,
    });
    for words in [
        [
            "get",
            "--verify",
            "hash",
            &server.url("file"),
            "-o",
            &target,
        ],
        [
            "put",
            "--verify",
            "hash",
            &local,
            &server.url("up"),
            "--json",
        ],
    ] {
        assert_eq!(server.program(&words).run().code, 9);
    }
    assert_eq!(server.heard("RETR").len() + server.heard("STOR").len(), 0);
}

fn ftp_proto_sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digits = Sha256::digest(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_failure_has_its_exit_code() {
    let here = TestDirectory::new();
    here.write("local", "content");
    let local = here.0.join("local").to_str().unwrap().to_owned();
    let to = here.0.join("to").to_str().unwrap().to_owned();
    let nowhere = here.0.join("none/to").to_str().unwrap().to_owned();
    let missing = here.0.join("missing").to_str().unwrap().to_owned();
    let answer = |reply: &'static str| {
        Faulty::start(&[("file", b"content")], move |line, _| {
            match line.starts_with("RETR") || line.starts_with("STOR") {
                true => Fault::Reply(reply.to_owned()),
                false => Fault::None,
            }
        })
    };
    for (reply, outcome, exit) in [
        ("550 Not here.", "refused", 3),
        ("552 No space.", "refused", 3),
        ("450 Busy.", "refused", 3),
        ("425 No data connection.", "refused", 4),
        ("421 Going away.", "refused", 4),
        (
            "522 TLS session of data connection not reused.",
            "refused",
            6,
        ),
    ] {
        let server = answer(reply);
        let code = json!(reply[..3].parse::<u16>().unwrap());
        let words = ["get", "--json", &server.url("file"), "-o", &to];
        let run = server.program(&words).run();
        assert_eq!(run.code, exit, "{reply}: {run:?}");
        assert_eq!(told(&run), (outcome.to_owned(), 0, code), "{run:?}");
        // There is nothing to go on with.
        let left = fs::read_dir(&here.0).unwrap().count();
        assert_eq!(left, 1, "only the file to be sent: {reply}");
        let words = ["put", "--json", &local, &server.url("file")];
        let run = server.program(&words).run();
        assert_eq!((run.code, &*told(&run).0), (exit, outcome), "{run:?}");
    }
    let server = answer("550 Not here.");
    for words in [
        ["get", "--json", &server.url("file"), "-o", &nowhere],
        [
            "put",
            "--json",
            &missing,
            &server.url("up"),
            "--verify=size",
        ],
    ] {
        let run = server.program(&words).run();
        assert_eq!((run.code, &*told(&run).0), (8, "local_error"), "{run:?}");
    }
    // Nobody is there.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("ftp://anna@{gone}/file");
    let words = [
        "get",
        "--json",
        "--plaintext",
        "--retries",
        "0",
        &url,
        "-o",
        &to,
    ];
    let run = Program::new(words).env("FTP_PASSWORD", SENTINEL).run();
    assert_eq!((run.code, &*told(&run).0), (4, "login_failed"), "{run:?}");
    // One of two: the others are done, and the worst counts.
    let server = Faulty::start(&[("one", b"1"), ("two", b"2")], |_, _| Fault::None);
    let urls = [server.url("none"), server.url("one"), server.url("two")];
    let words = [
        "get",
        "--json",
        &urls[0],
        &urls[1],
        &urls[2],
        "-o",
        &here.path(),
    ];
    let run = server.program(&words).run();
    assert_eq!(run.code, 3, "{run:?}");
    let outcomes: Vec<_> = run
        .json_lines()
        .iter()
        .map(|line| line["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["refused", "transferred", "transferred"]);
}

#[test]
fn mistakes_are_said_before_anything_is_connected() {
    let here = TestDirectory::new();
    here.write("local", "content");
    let (local, directory) = (here.0.join("local"), here.path());
    let local = local.to_str().unwrap();
    // Nobody listens there.
    let url = "ftp://anna@127.0.0.1:1";
    let (file, other) = (format!("{url}/a/file"), format!("{url}/b/file"));
    let folder = format!("{url}/a/");
    for words in [
        &["get", &folder][..],
        &["get", &file, &other],
        &["get", &file, "-o", "-", "--continue"],
        &["get", &file, &other, "-o", "nowhere"],
        &["get", "ftp://anna@127.0.0.1:1/a;type=a"],
        &["get", "ftp://anna@127.0.0.1:1/a%0D%0ADELE%20b"],
        &["get", "ftp://anna@127.0.0.1:1/%2e%2e"],
        &["get", &file, "--limit-rate", "fast"],
        &["put", local],
        &["put", local, local],
        &["put", local, local, &file],
        &["put", &directory, &folder],
        &["put", "-", &folder],
        &["put", "-", "--continue", &file],
        &["put", "-", "--password-stdin", &file],
        &["put", local, "--append", "--atomic", &file],
    ] {
        let run = Program::new(words).run();
        assert_eq!((run.code, &*run.stdout), (2, ""), "{words:?}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{words:?}: {run:?}");
    }
}

/// By the clock of the server, the part is older than the file, or newer.
#[test]
fn a_cut_upload_goes_on_although_the_clock_of_the_server_is_off() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let here = TestDirectory::new();
    here.write("file", &bytes);
    let server = Faulty::start(&[("file", &bytes[..50_000])], |_, _| Fault::None);
    let local = format!("{}/file", here.path());
    let words = ["put", "--continue", &local, &server.url("file")];
    let run = server.program(&words).run();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(server.file("file").unwrap(), bytes);
    assert_eq!(server.heard("REST"), ["REST 50000"]);
    assert_eq!(server.paths(), ["file"]);
}
