//! What is called whole, and what a run leaves for the next one.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use crate::cli_get_put::{random, told};
use crate::common::TestDirectory;
use crate::common::faulty::{Fault, Faulty};

/// All came that the server said, and then that it failed: it is not what is in the file, perhaps.
#[test]
fn what_the_server_says_failed_is_received_anew_though_its_length_is_right() {
    let bytes = random(100_000);
    let serve = || {
        Faulty::start(&[("file", &bytes)], |line, before| {
            match line.starts_with("RETR") && before == 0 {
                true => Fault::Deny("451 Read error."),
                false => Fault::None,
            }
        })
    };
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let get = |server: &Faulty, retries: &str| {
        let url = server.url("file");
        let words = ["get", "--json", "--continue", &url, "-o", &target];
        server.retrying(&words, retries).run()
    };
    let again = serve();
    let got = get(&again, "1");
    assert_eq!((got.code, told(&got).1), (0, 200_000), "{got:?}");
    assert_eq!(again.heard("RETR"), ["RETR file"; 2]);
    assert_eq!(again.heard("REST"), [""; 0]);
    fs::remove_file(here.0.join("file")).unwrap();

    let server = serve();
    let failed = get(&server, "0");
    assert_eq!(failed.code, 4, "{failed:?}");
    assert_eq!(told(&failed), ("failed".to_owned(), 100_000, json!(451)));
    assert_eq!(here.names(), [""; 0]);
    let got = get(&server, "0");
    assert_eq!((got.code, told(&got).1), (0, 100_000), "{got:?}");
    assert_eq!(server.heard("REST"), [""; 0]);
    assert_eq!(here.read("file").unwrap(), bytes);
}

#[test]
fn what_the_server_says_failed_is_sent_anew_though_its_length_is_right() {
    let bytes = random(100_000);
    let here = TestDirectory::new();
    here.write("file", &bytes);
    let local = here.0.join("file").to_str().unwrap().to_owned();
    let server = Faulty::start(&[], |line, before| {
        match line.starts_with("STOR") && before == 0 {
            true => Fault::Deny("451 Write error."),
            false => Fault::None,
        }
    });
    let put = ["put", "--json", &local, &server.url("file")];
    let sent = server.retrying(&put, "1").run();
    assert_eq!((sent.code, told(&sent).1), (0, 200_000), "{sent:?}");
    assert_eq!(server.heard("STOR"), ["STOR file"; 2]);
    assert_eq!(server.file("file").unwrap(), bytes);
}

/// The server begins at the first byte, whatever it is told: two parts are put together that do not fit.
#[test]
fn what_does_not_fit_is_not_gone_on_with_in_the_next_run() {
    let bytes = random(100_000);
    let all = bytes.clone();
    let server = Faulty::start(&[("file", &bytes)], move |line, before| {
        match (line.starts_with("RETR"), before) {
            (true, 0) => Fault::CutAfter(40_000),
            (true, 1) => Fault::Send(all.clone()),
            _ => Fault::None,
        }
    });
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let get = || {
        let url = server.url("file");
        let words = ["get", "--json", "--continue", &url, "-o", &target];
        server.program(&words).run()
    };
    assert_eq!(get().code, 7);
    assert_eq!(here.names(), ["file.part", "file.part.json"]);
    let changed = get();
    assert_eq!(
        (changed.code, told(&changed).0),
        (7, "length_differs".to_owned())
    );
    assert_eq!(here.names(), [""; 0]);
    assert_eq!(get().code, 0);
    assert_eq!(server.heard("REST"), ["REST 40000"]);
    assert_eq!(here.read("file").unwrap(), bytes);
}

/// What came at first is of no use when it starts over, and must not stand behind what came then.
#[test]
fn what_is_left_begins_as_the_file_does() {
    let bytes = random(100_000);
    let server = Faulty::start(&[("file", &bytes)], |line, before| {
        match (line.split(' ').next(), before) {
            (Some("RETR"), 0) => Fault::CutAfter(40_000),
            (Some("RETR"), _) => Fault::CutAfter(10_000),
            (Some("REST"), _) => Fault::Reply("502 What?".to_owned()),
            _ => Fault::None,
        }
    });
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let words = ["get", &server.url("file"), "-o", &target];
    assert_eq!(server.retrying(&words, "2").run().code, 7);
    assert_eq!(server.heard("RETR").len(), 2);
    assert_eq!(here.read("file.part").unwrap(), bytes[..10_000]);
}

/// What was read is neither what the file was nor what it is, unless it only became longer.
#[test]
fn a_file_that_is_written_to_while_it_is_sent_is_not_called_whole() {
    type Change = fn(&std::path::Path);
    let rewritten: Change = |path| {
        let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(90_000)).unwrap();
        file.write_all(b"new").unwrap();
    };
    let cut: Change = |path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(50_000).unwrap();
    };
    let longer: Change = |path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"more").unwrap();
    };
    let bytes = random(100_000);
    for (change, exit) in [(rewritten, 8), (cut, 8), (longer, 0)] {
        for command in ["put", "mirror"] {
            let here = TestDirectory::new();
            here.write("file", &bytes);
            let path = here.0.join("file");
            // Long ago, so that a write now shows.
            let old = fs::OpenOptions::new().write(true).open(&path).unwrap();
            old.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))
                .unwrap();
            let changed = path.clone();
            let server = Faulty::start(&[], move |line, _| {
                if line.starts_with("STOR") {
                    change(&changed);
                }
                Fault::None
            });
            let (from, url) = match command {
                "put" => (path.to_str().unwrap().to_owned(), server.url("there/file")),
                _ => (here.path(), server.url("there/")),
            };
            let sent = server.program(&[command, &from, &url]).run();
            assert_eq!(sent.code, exit, "{command}: {sent:?}");
            assert_eq!(
                sent.stderr.contains("changed while it was read"),
                exit == 8,
                "{sent:?}"
            );
            let is_whole = server.file("there/file") == Some(bytes.clone());
            assert_eq!(is_whole, exit == 0, "{command}");
        }
    }
}
