//! `ftp-cli check`: what it finds on servers of its own and on scripted ones.
//! (`interop/checks.py` looks at real servers.)

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::common::{Program, Run, SENTINEL, Server, TestFile};

fn check(options: &[&str], url: &str) -> Run {
    Program::new(["check"].iter().chain(options).chain([&url]))
        .env("FTP_PASSWORD", SENTINEL)
        .run()
}

/// The level of each finding.
fn levels(run: &Run) -> BTreeMap<String, String> {
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    let pair = |finding: &serde_json::Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        (text("subject"), text("level"))
    };
    findings.iter().map(pair).collect()
}

/// A server in clear that answers each line with what the function says, on any number of connections.
/// An empty answer is silence.
fn answering(
    greeting: &'static str,
    answer: impl Fn(&str) -> String + Send + Sync + Clone + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                // The program may be gone at any time.
                let mut say = |text: &str| writer.write_all(text.as_bytes()).is_ok();
                say(greeting);
                for line in BufReader::new(stream).lines() {
                    let Ok(line) = line else { return };
                    if !say(&answer(&line)) {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_server_of_our_own_has_no_fault_but_what_it_does_not_have() {
    let certificate = TestFile::new("");
    let server = Server::start(&["--write-cert", &certificate.path(), "--require-tls"]);
    let options = ["--json", "--ca", &certificate.path()];
    let run = check(&options, &server.url("ftp", "anna"));
    assert_eq!(run.code, 0, "{run:?}");
    let levels = levels(&run);
    for (subject, level) in [
        ("clear_passwords", "ok"),
        ("auth", "info"),
        ("injection", "ok"),
        ("tls_versions", "ok"),
        ("certificate", "ok"),
        ("login", "ok"),
        // It serves no files.
        ("features", "warning"),
        ("passive", "warning"),
        ("data_in_clear", "ok"),
        ("data_resumption", "unknown"),
    ] {
        assert_eq!(levels[subject], level, "{subject}: {run:?}");
    }
}

#[test]
fn a_server_that_takes_passwords_in_clear_is_an_error_for_scripts() {
    let server = Server::start(&[]);
    let url = server.url("ftp", "anna");
    for (options, code) in [
        (&[][..], 0),
        (&["--fail-on", "warning"], 1),
        (&["--fail-on", "error"], 1),
    ] {
        let run = check(&[options, &["--danger-accept-any-cert"]].concat(), &url);
        assert_eq!(run.code, code, "{run:?}");
        assert!(
            run.stdout.contains("error    passwords in clear"),
            "{run:?}"
        );
        assert!(run.stdout.contains("force_local_logins_ssl=YES"), "{run:?}");
    }
}

#[test]
fn no_password_is_sent_to_a_server_whose_certificate_is_not_trusted() {
    let server = Server::start(&["--require-tls"]);
    let run = check(&["--json", "--probe-users"], &server.url("ftp", "anna"));
    let levels = levels(&run);
    assert_eq!(levels["certificate"], "error", "{run:?}");
    assert_eq!(levels["login"], "unknown", "{run:?}");
    assert_eq!(levels["user_names"], "ok", "{run:?}");
    assert!(run.stderr.contains("two wrong logins"), "{run:?}");
    let (_, _, log) = server.stop("-TERM");
    assert!(!log.contains("logged in"), "{log}");
}

/// As with Ctrl-Z and `fg`: that ends calls which wait with a time-out.
#[test]
fn a_program_that_was_stopped_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ftp://anna@{}", listener.local_addr().unwrap());
    let (is_waiting, went_on) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
    let (has_come, greets) = (Arc::clone(&is_waiting), Arc::clone(&went_on));
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        has_come.store(true, Ordering::Relaxed);
        greets.wait();
        first.write_all(b"220 Ready.\r\n").unwrap();
        // Then it is gone.
    });
    let run = Program::new(["check", "--json", &url])
        .env("FTP_PASSWORD", SENTINEL)
        .signalled_when(
            || is_waiting.load(Ordering::Relaxed),
            |signal| {
                for _ in 0..5 {
                    thread::sleep(Duration::from_millis(20));
                    signal("-STOP");
                    thread::sleep(Duration::from_millis(20));
                    signal("-CONT");
                }
                went_on.wait();
            },
        );
    let found = run.json()["findings"][0].to_string();
    assert!(
        found.contains("the server closed the connection"),
        "{run:?}"
    );
}

#[test]
fn a_server_that_repeats_the_password_is_not_repeated() {
    let address = answering("220 Ready.\r\n", |line| match line.split_once(' ') {
        Some(("USER", _)) => "331 Password?\r\n".into(),
        Some(("PASS", password)) => format!("230-You said {password}\r\n230 {password}\r\n"),
        _ => "502 No.\r\n".into(),
    });
    let run = check(&["--json", "--plaintext"], &format!("ftp://anna@{address}"));
    assert_eq!(run.code, 0, "{run:?}");
    let levels = levels(&run);
    assert_eq!(levels["login"], "ok", "{run:?}");
    assert_eq!(levels["clear_passwords"], "error", "{run:?}");
    assert_eq!(levels["auth"], "error", "{run:?}");
    assert_eq!(levels["passive"], "warning", "{run:?}");
}

#[test]
fn an_address_of_another_host_is_a_warning() {
    let address = answering("220 Ready.\r\n", |line| {
        match line {
            "PASV" => "227 Entering Passive Mode (10,1,2,3,4,5).\r\n",
            "EPSV" => "500 What?\r\n",
            _ if line.starts_with("USER") => "230 Welcome.\r\n",
            _ => "502 No.\r\n",
        }
        .into()
    });
    let run = check(&["--plaintext"], &format!("ftp://anna@{address}"));
    let says = "PASV names 10.1.2.3, and the server is 127.0.0.1; EPSV does not work";
    assert!(run.stdout.contains(says), "{run:?}");
}

#[test]
fn a_silent_or_strange_server_does_not_stop_it() {
    type Answer = fn(&str) -> String;
    let silent: Answer = |_| String::new();
    let noise: Answer = |_| "\0\u{1b}[31m no reply\r\n".repeat(1000);
    for (greeting, answer) in [
        ("", silent),
        ("220 Ready.\r\n", silent),
        ("SSH-2.0-OpenSSH_9.2\r\n", silent),
        ("220 Ready.\r\n", noise),
    ] {
        let address = answering(greeting, answer);
        let url = format!("ftp://anna@{address}");
        let run = check(&["--json", "--timeout", "0.3", "--probe-users"], &url);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(levels(&run)["clear_passwords"], "unknown", "{run:?}");
        let run = check(&["--verbose", "--timeout", "0.3"], &url);
        assert!(!run.stdout.contains(['\u{1b}', '\0']), "{run:?}");
    }
}

/// Each byte comes within the time-out, and the listing never ends.
#[test]
fn a_listing_that_drips_does_not_hold_it() {
    let data = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = data.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in data.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                while stream.write_all(b"a").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    let address = answering("220 Ready.\r\n", move |line| match line {
        "EPSV" => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
        "NOOP" => "200 Done.\r\n".into(),
        "LIST" => "150 Here it comes.\r\n".into(),
        _ if line.starts_with("USER") => "230 Welcome.\r\n".into(),
        _ => "502 No.\r\n".into(),
    });
    let url = format!("ftp://anna@{address}");
    let run = check(&["--json", "--plaintext", "--timeout", "0.5"], &url);
    assert_eq!(run.code, 0, "{run:?}");
    let levels = levels(&run);
    assert_eq!(levels["passive"], "ok", "{run:?}");
    assert_eq!(levels["delay"], "unknown", "{run:?}");
}

#[test]
fn nobody_there_is_a_failure() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = check(&[], &format!("ftp://anna@{address}"));
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("cannot reach"), "{run:?}");
    let run = check(&["--write-test", "a\nb"], &format!("ftp://anna@{address}"));
    assert_eq!(run.code, 2, "{run:?}");
}
