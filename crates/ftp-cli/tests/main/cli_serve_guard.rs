//! `serve` across connections: the guard, and what the log says about it.
#![cfg(unix)]

use crate::common::{Peer, SENTINEL, Server};

/// The reply to a password on a connection of its own.
fn on_its_own(server: &Server, password: &str) -> String {
    Peer::connect(server).try_password(password)
}

/// The line of the log that has this message.
fn line_with<'a>(log: &'a str, message: &str) -> &'a str {
    let line = log.lines().find(|line| line.contains(message));
    line.unwrap_or_else(|| panic!("no {message:?} in {log}"))
}

#[test]
fn five_wrong_passwords_lock_a_name_at_an_address_and_the_log_says_what_to_do() {
    let server = Server::start(&[]);
    let wrong = on_its_own(&server, "wrong");
    assert!(wrong.starts_with("530 "), "{wrong}");
    for _ in 0..4 {
        assert_eq!(on_its_own(&server, "wrong"), wrong);
    }
    assert_eq!(on_its_own(&server, SENTINEL), wrong);
    let (_, _, log) = server.stop("-TERM");
    let begins = line_with(
        &log,
        "lockout begins: for now even the right password is refused",
    );
    assert!(
        begins.contains("option=\"--guard user-at-address=N\""),
        "{begins}"
    );
    let locked = line_with(&log, "locked out, answered like a wrong password");
    assert!(locked.contains("right=true"), "{locked}");
    for line in [begins, locked] {
        for field in ["connection=", "peer=127.0.0.1:", "user=\"anna\""] {
            assert!(line.contains(field), "{line}");
        }
    }
}

#[test]
fn without_the_guard_another_connection_is_another_start() {
    let server = Server::start(&["--danger-no-guard"]);
    for _ in 0..6 {
        assert!(on_its_own(&server, "wrong").starts_with("530 "));
    }
    assert!(on_its_own(&server, SENTINEL).starts_with("230 "));
    line_with(&server.stop("-TERM").2, "there is no guard");
}

#[test]
fn connections_of_one_address_have_a_limit_and_the_log_says_which() {
    let server = Server::start(&["--guard", "connections-per-address=1"]);
    let mut first = Peer::connect(&server);
    let mut second = Peer::silent(&server);
    assert!(second.hear().starts_with("421 "));
    assert!(first.ask("NOOP").starts_with("200 "));
    let (_, _, log) = server.stop("-TERM");
    let line = line_with(&log, "refused by the guard");
    assert!(
        line.contains("option=\"--guard connections-per-address=N\""),
        "{line}"
    );
}

#[test]
fn an_address_that_is_allowed_is_not_locked_out_but_names_are() {
    let rules = ["--guard", "address=3", "--guard", "user-at-address=2"];
    for allowed in [&[][..], &["--guard-allow", "127.0.0.0/8"]] {
        let server = Server::start(&[&rules, allowed].concat());
        for name in ["one", "two", "three", "bob", "bob"] {
            let mut peer = Peer::silent(&server);
            let greeting = peer.hear();
            if allowed.is_empty() && greeting.starts_with("421 ") {
                assert!(greeting.contains("failed logins"), "{greeting}");
                continue;
            }
            assert!(greeting.starts_with("220 "), "{greeting}");
            peer.ask(&format!("USER {name}"));
            assert!(peer.ask("PASS wrong").starts_with("530 "));
        }
        let mut peer = Peer::silent(&server);
        let code = peer.hear()[..4].to_owned();
        if allowed.is_empty() {
            assert_eq!(code, "421 ");
            let (_, _, log) = server.stop("-TERM");
            let line = line_with(&log, "refused by the guard");
            assert!(line.contains("--guard-allow ADDR"), "{line}");
        } else {
            assert_eq!(code, "220 ");
            peer.log_in();
            // Guessed too often, also here.
            let mut peer = Peer::connect(&server);
            peer.ask("USER bob");
            assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("530 "));
        }
    }
}

/// What could begin a line, move the cursor, colour the text or turn it around: line and paragraph
/// separators of Unicode, NEL, escape sequences in both forms, bidirectional controls, and what
/// closes a quoted field.
const HOSTILE: &str =
    "x\" connection=9\x1b[31m\u{9b}2J\u{85}\u{2028}\u{2029}\u{202e}\u{2066}\u{7}\u{8}\\n";

#[test]
fn what_a_client_says_cannot_forge_lines_of_the_log() {
    for format in ["text", "json"] {
        let server = Server::start(&["--log-format", format, "--guard", "user-at-address=1"]);
        let mut peer = Peer::connect(&server);
        for _ in 0..2 {
            peer.ask(&format!("USER {HOSTILE}"));
            assert!(peer.ask("PASS wrong").starts_with("530 "));
        }
        peer.log_in();
        peer.ask(&format!("STAT {HOSTILE}"));
        peer.ask(HOSTILE);
        peer.ask("QUIT");
        let (_, _, log) = server.stop("-TERM");
        for message in [
            "login refused",
            "locked out, answered",
            "lockout begins",
            "logged in",
        ] {
            let line = line_with(&log, message);
            assert!(line.contains("connection"), "{line}");
        }
        assert!(line_with(&log, "STAT").contains("command"));
        assert!(log.matches("connection=9").count() >= 4, "{log}");
        // As it is in the terminal, whatever splits its lines.
        for character in log.chars().filter(|character| *character != '\n') {
            let is_plain = !character.is_control()
                && !matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(is_plain, "{character:?} in {log}");
        }
        for line in log.lines() {
            if format == "json" {
                let object: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_ne!(object["connection"], 9, "{line}");
            } else {
                assert!(
                    !line.contains(" connection=9") || line.contains("x\\\" connection=9"),
                    "{line}"
                );
            }
        }
    }
}
