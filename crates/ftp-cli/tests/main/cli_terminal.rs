//! Transfers at a terminal: Ctrl-C, bars, and names that a terminal must not take for orders.
#![cfg(unix)]

use std::fs;

use crate::cli_get_put::{random, told};
use crate::common::faulty::{Fault, Faulty};
use crate::common::{SENTINEL, TestDirectory};

/// The first Ctrl-C ends it in order: the server hears of it, and what came can be taken up.
#[test]
fn a_cancelled_download_is_taken_up_later() {
    let bytes = random(2_000_000);
    let server = Faulty::start(&[("file", &bytes)], |_, _| Fault::None);
    let here = TestDirectory::new();
    let target = here.0.join("file").to_str().unwrap().to_owned();
    let url = server.url("file");
    let words = ["get", "--json", &url, "-o", &target];
    let slow = [&words[..], &["--limit-rate", "100K"]].concat();
    let part = here.0.join("file.part");
    let cancelled = server
        .program(&slow)
        .interrupted_when(|| fs::metadata(&part).is_ok_and(|part| part.len() > 0));
    assert_eq!(cancelled.code, 7, "{cancelled:?}");
    assert_eq!(told(&cancelled).0, "cut_off", "{cancelled:?}");
    assert!(cancelled.stderr.contains("Ctrl-C"), "{cancelled:?}");
    assert_eq!(
        (server.heard("ABOR").len(), server.heard("QUIT").len()),
        (1, 1)
    );
    let came = fs::metadata(&part).unwrap().len();
    let rest = server
        .program(&[&words[..], &["--continue"]].concat())
        .run();
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(told(&rest).1, 2_000_000 - came);
    assert_eq!(here.read("file").unwrap(), bytes);
}

/// The second Ctrl-C does not wait for a server that says nothing any more.
#[test]
fn a_second_ctrl_c_quits_at_once() {
    let server = Faulty::start(&[("file", b"content")], |line, _| match line {
        "RETR file" => Fault::Hang,
        _ => Fault::None,
    });
    let words = ["get", &server.url("file"), "-o", "-", "--timeout", "100"];
    let code = server
        .program(&words)
        .interrupted_twice(|| !server.heard("RETR").is_empty());
    assert_eq!(code, 130);
}

/// Bars where somebody looks, and names that cannot do anything to the terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_bars_and_is_not_told_what_to_do() {
    let bytes = random(300_000);
    let names = ["one", "two\u{1b}[31m"];
    let server = Faulty::start(&names.map(|name| (name, &bytes[..])), |_, _| Fault::None);
    let here = TestDirectory::new();
    let urls = [server.url("one"), server.url("two%1b%5B31m")];
    let shown = |options: &str| {
        let program = env!("CARGO_BIN_EXE_ftp-cli");
        let command = format!(
            "stty cols 100; {program} get --plaintext --limit-rate 300K {options} {} {} -o {}",
            urls[0],
            urls[1],
            here.path()
        );
        let output = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("FTP_PASSWORD", SENTINEL)
            .env("NETRC", "/dev/null")
            .env("TERM", "xterm")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let bars = shown("");
    for part in [
        "KiB/s",
        "2 files",
        "one: transferred",
        "two\\u{1b}[31m: transferred",
    ] {
        assert!(bars.contains(part), "{part} is not there");
    }
    assert!(!bars.contains("\u{1b}[31m"));
    assert!(!bars.contains(SENTINEL));
    let quiet = shown("--quiet");
    assert!(
        !quiet.contains("KiB/s") && !quiet.contains("transferred"),
        "{quiet:?}"
    );
    let json = shown("--json");
    assert!(!json.contains("KiB/s"), "{json:?}");
}
