//! `login` against `serve`: every way in, and what is told about it.
#![cfg(unix)]

use crate::common::{ACCOUNT_SENTINEL, Program, SENTINEL, Server, TestFile};
use serde_json::{Value, json};

const ANY: &str = "--danger-accept-any-cert";

fn lines(report: &Value) -> Vec<&str> {
    let transcript = report["transcript"].as_array().unwrap();
    transcript
        .iter()
        .map(|entry| entry["line"].as_str().unwrap())
        .collect()
}

#[test]
fn a_login_under_explicit_tls_is_told_in_every_field() {
    let server = Server::start(&[]);
    let run = server.login(&["--json", ANY, "--then", "PWD", "--then", "noop"], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    let mut fields: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "attempts",
            "code",
            "elapsed_ms",
            "hint",
            "irregular",
            "logged_in_by",
            "message",
            "outcome",
            "phase",
            "protection",
            "refused_certificate",
            "replies",
            "tls",
            "transcript",
        ]
    );
    assert_eq!(report["outcome"], "logged_in");
    assert_eq!(report["phase"], "ready");
    assert_eq!(report["code"], 230);
    assert!(report["message"].is_string());
    assert_eq!(report["logged_in_by"], "password");
    assert_eq!(report["protection"], "private");
    assert_eq!(report["irregular"], false);
    assert_eq!(report["tls"]["version"], "TLS 1.3");
    assert!(
        report["tls"]["cipher_suite"]
            .as_str()
            .unwrap()
            .starts_with("TLS")
    );
    assert_eq!(report["tls"]["resumed"], false);
    let certificate = &report["tls"]["peer_certificate"];
    assert_eq!(certificate["subject"], "CN=ftp-cli, made for this run");
    for phase in [
        "connect", "greeting", "security", "user", "password", "account", "ready",
    ] {
        assert!(report["elapsed_ms"][phase].is_u64(), "{phase}");
    }
    assert_eq!(report["replies"][0]["command"], "PWD");
    assert_eq!(report["replies"][0]["code"], 257);
    assert_eq!(
        report["replies"][0]["lines"],
        json!(["\"/\" is the current directory."])
    );
    assert_eq!(report["replies"][1]["code"], 200);
    assert!(lines(&report).contains(&"PASS ****"));
    assert_eq!(report["transcript"][0]["dir"], "received");
    assert_eq!(
        report["transcript"][1],
        json!({"dir": "sent", "line": "AUTH TLS"})
    );

    let (status, stdout, log) = server.stop("-TERM");
    assert!(status.success());
    let printed = format!(
        "certificate SHA-256 {}\n",
        certificate["sha256"].as_str().unwrap()
    );
    assert_eq!(stdout, printed);
    assert!(log.contains("logged in"), "{log}");
}

#[test]
fn implicit_tls_and_pipelining_log_in_too() {
    let server = Server::start(&["--implicit"]);
    let url = server.url("ftps", "anna");
    let run = Program::new(["login", "--json", "--pipeline", ANY, url.as_str()])
        .env("FTP_PASSWORD", SENTINEL)
        .run();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json()["transcript"][0]["dir"], "tls");
    assert!(server.stop("-INT").0.success());
}

#[test]
fn the_account_is_sent_when_it_is_asked_for() {
    let server = Server::start(&[]);
    let run = server.login(&["--json", ANY, "--account", ACCOUNT_SENTINEL], "bob");
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["logged_in_by"], "account");
    assert!(lines(&report).contains(&"ACCT ****"));

    let run = server.login(&["--json", ANY], "bob");
    assert_eq!(run.code, 3, "{run:?}");
    let report = run.json();
    assert_eq!(report["outcome"], "account_needed");
    assert_eq!(report["phase"], "password");
    assert_eq!(report["code"], 332);
    assert_eq!(report["logged_in_by"], Value::Null);

    let run = server.login(&["--json", ANY, "--account", "wrong"], "bob");
    assert_eq!((run.code, &run.json()["phase"]), (3, &json!("account")));
}

#[test]
fn a_wrong_password_is_refused_and_never_retried() {
    let server = Server::start(&[]);
    let url = server.url("ftp", "anna");
    let run = Program::new([
        "login",
        "--json",
        "--plaintext",
        "--retries",
        "5",
        url.as_str(),
    ])
    .env("FTP_PASSWORD", "wrong")
    .run();
    assert_eq!(run.code, 3);
    let report = run.json();
    assert_eq!(report["outcome"], "refused");
    assert_eq!(report["phase"], "password");
    assert_eq!(report["code"], 530);
    assert_eq!(report["tls"], Value::Null);
    assert_eq!(report["protection"], "clear");
    assert_eq!(report["attempts"], 1);
    assert!(run.stderr.contains("warning: --plaintext"), "{run:?}");
}

#[test]
fn a_certificate_that_is_not_trusted_fails_tls() {
    let server = Server::start(&[]);
    let run = server.login(&["--json"], "anna");
    assert_eq!(run.code, 6, "{run:?}");
    let report = run.json();
    assert_eq!(report["outcome"], "tls_failed");
    assert_eq!(report["phase"], "security");
    assert_eq!(report["code"], Value::Null);
    assert!(!lines(&report).iter().any(|line| line.starts_with("USER")));
}

#[test]
fn a_server_that_demands_tls_refuses_a_login_in_clear() {
    let server = Server::start(&["--require-tls"]);
    let run = server.login(&["--plaintext"], "anna");
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("leave --plaintext out"), "{run:?}");
    assert!(run.stdout.contains("→ USER anna\n"), "{run:?}");
    assert!(!run.stdout.contains("PASS"), "{run:?}");
}

#[test]
fn every_source_of_a_password_works() {
    let server = Server::start(&[]);
    let url = server.url("ftp", "anna");
    let with_password = url.replace("anna", &format!("anna:{SENTINEL}"));
    let file = TestFile::new(format!("{SENTINEL}\n"));
    let netrc = TestFile::new(format!(
        "machine 127.0.0.1 login anna password {SENTINEL}\n\
         machine 127.0.0.1 login bob password {SENTINEL} account {ACCOUNT_SENTINEL}\n"
    ));
    let login = |options: &[&str], url: &str| {
        Program::new(
            ["login", "--quiet", ANY]
                .iter()
                .chain(options)
                .chain([&url]),
        )
    };
    for program in [
        login(&["--password-file", &file.path()], &url),
        login(&["--password-stdin"], &url).input(format!("{SENTINEL}\r\nmore\n")),
        login(&[], &url).env("FTP_PASSWORD", SENTINEL),
        login(&[], &with_password),
        login(&[], &url).env("NETRC", file_name(&netrc)),
        login(&["--user", "bob"], &url.replace("anna@", "")).env("NETRC", file_name(&netrc)),
        // The earlier source wins.
        login(&["--password-file", &file.path()], &url).env("FTP_PASSWORD", "wrong"),
        login(&[], &url.replace("anna", "anna:wrong")).env("FTP_PASSWORD", SENTINEL),
    ] {
        let run = program.run();
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
    }
    // None at all: the server asks, and there is nobody to ask.
    let run = login(&["--json"], &url).run();
    assert_eq!((run.code, &run.json()["code"]), (3, &json!(331)), "{run:?}");
}

fn file_name(file: &TestFile) -> &std::path::Path {
    &file.0
}

#[test]
fn without_a_user_the_login_is_anonymous_and_no_password_is_given_away() {
    let server = Server::start(&["--anonymous"]);
    let url = format!("ftp://{}", server.address);
    let run = Program::new(["login", "--json", ANY, url.as_str()])
        .env("FTP_PASSWORD", SENTINEL)
        .run();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(lines(&run.json()).contains(&"USER anonymous"));
    assert!(run.stderr.contains("FTP_PASSWORD is not used"), "{run:?}");
    // Named, it needs no password either.
    let run = Program::new(["login", "--quiet", ANY, &server.url("ftp", "ftp")]).run();
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn people_get_a_transcript_and_quiet_ones_only_replies() {
    let server = Server::start(&[]);
    let run = server.login(&[ANY, "--then", "PWD"], "anna");
    for line in [
        "← 220 Ready.",
        "→ AUTH TLS",
        "⇄ TLS 1.3 ",
        "→ PASS ****",
        "logged in: 230 ",
    ] {
        assert!(
            run.stdout.lines().any(|shown| shown.starts_with(line)),
            "{line}: {run:?}"
        );
    }
    let run = server.login(&[ANY, "--quiet", "--then", "PWD"], "anna");
    assert_eq!(run.stdout, "257 \"/\" is the current directory.\n");
    let run = server.login(&[ANY, "--verbose"], "anna");
    assert!(
        run.stdout.lines().any(|line| line.ends_with(" s password")),
        "{run:?}"
    );
}

#[test]
fn the_greeting_of_a_file_has_all_its_lines() {
    let greeting = TestFile::new("Welcome.\n\nMind the gap.\n");
    let server = Server::start(&["--greeting", &greeting.path()]);
    let run = server.login(&["--json", ANY], "anna");
    let report = run.json();
    assert_eq!(
        &lines(&report)[..3],
        ["220-Welcome.", "220-", "220 Mind the gap."]
    );
}

#[test]
fn a_json_log_has_one_object_a_line_with_connection_and_peer() {
    let server = Server::start(&["--log-format", "json"]);
    let peer = server.address;
    server.login(&["--quiet", "--plaintext"], "an%0ana");
    server.login(&["--quiet", "--plaintext", "--then", "PWD"], "anna");
    let (status, _, log) = server.stop("-TERM");
    assert!(status.success());
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let logged_in = events
        .iter()
        .find(|event| event["message"] == "logged in")
        .unwrap();
    assert_eq!(logged_in["user"], "anna");
    assert!(logged_in["connection"].is_u64());
    assert!(
        logged_in["peer"]
            .as_str()
            .unwrap()
            .starts_with(&peer.ip().to_string())
    );
    let command = events
        .iter()
        .find(|event| event["message"] == "command")
        .unwrap();
    assert_eq!(
        (&command["command"], &command["code"]),
        (&json!("PWD"), &json!(257))
    );
}
