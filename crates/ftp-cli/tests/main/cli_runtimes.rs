//! `--runtime`: whatever moves the bytes, the dialogue and the outcome are the same.
#![cfg(unix)]

use crate::common::{Program, Run, SENTINEL, Server};
use serde_json::Value;

const RUNTIMES: &[&str] = &[
    "tokio",
    "smol",
    "blocking",
    #[cfg(feature = "async-std")]
    "async-std",
];

/// What a report says that is not a matter of time.
fn essence(run: &Run) -> Value {
    let mut report = run.json();
    let fields = report.as_object_mut().unwrap();
    fields.remove("elapsed_ms").expect("an elapsed time");
    report
}

fn is_the_same_on_all(log_in: impl Fn(&[&str]) -> Run) -> Value {
    let all: Vec<(i32, Value)> = RUNTIMES
        .iter()
        .map(|runtime| {
            let run = log_in(&["--json", "--runtime", runtime]);
            (run.code, essence(&run))
        })
        .collect();
    for (runtime, seen) in RUNTIMES.iter().zip(&all) {
        assert_eq!(seen, &all[0], "{runtime}");
    }
    all[0].1.clone()
}

#[test]
fn a_login_looks_the_same_on_every_runtime() {
    let server = Server::start(&[]);
    let report = is_the_same_on_all(|runtime| {
        let then = ["--danger-accept-any-cert", "--then", "PWD"];
        server.login(&[runtime, &then].concat(), "anna")
    });
    assert_eq!(report["outcome"], "logged_in");
    assert_eq!(report["replies"][0]["code"], 257);
}

#[test]
fn a_refusal_looks_the_same_on_every_runtime() {
    let server = Server::start(&["--require-tls"]);
    let report =
        is_the_same_on_all(|runtime| server.login(&[runtime, &["--plaintext"]].concat(), "anna"));
    assert_eq!(report["phase"], "user");
    assert_eq!(report["code"], 530);
}

#[test]
fn a_connection_that_is_refused_looks_the_same_on_every_runtime() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ftp://anna@{}", free.local_addr().unwrap());
    drop(free);
    let report = is_the_same_on_all(|runtime| {
        Program::new(["login", &url].into_iter().chain(runtime.iter().copied()))
            .env("FTP_PASSWORD", SENTINEL)
            .run()
    });
    assert_eq!(report["phase"], "connect");
}

#[test]
fn the_demo_ends_as_expected_on_every_runtime() {
    for runtime in RUNTIMES {
        let run = Program::new(["demo", "--all", "--runtime", runtime]).run();
        assert_eq!(run.code, 0, "{runtime}: {run:?}");
        assert_eq!(run.stdout.matches("as expected").count(), 6, "{runtime}");
    }
}
