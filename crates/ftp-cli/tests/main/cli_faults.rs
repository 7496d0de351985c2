//! `login` against servers that are slow, rude or broken: the report names each fault.

use crate::common::Step::{Hear, HearAnything, Say, Silence};
use crate::common::{
    PLAIN, Program, Server, Step, after_greeting, after_user, check, login_to_script,
};
use serde_json::Value;

const TLS: &[&str] = &["--danger-accept-any-cert"];

/// A server that says nothing after these steps runs into the deadline of the phase.
fn check_silence(steps: Vec<Step>, security: &str, phase: &str) {
    let steps = steps.into_iter().chain([Silence]).collect();
    // Long enough for a slow machine to get to where the silence begins.
    let run = login_to_script(steps, &[security, "--timeout", "1.5"]);
    check(&run, 4, "timed_out", phase, None);
}

#[test]
fn silence_for_a_greeting_times_out() {
    check_silence(vec![], "--plaintext", "greeting");
}

#[test]
fn silence_after_user_times_out() {
    check_silence(after_greeting(vec![Hear("USER")]), "--plaintext", "user");
}

#[test]
fn silence_after_the_password_times_out() {
    check_silence(after_user(vec![]), "--plaintext", "password");
}

#[test]
fn silence_after_auth_times_out() {
    let steps = after_greeting(vec![Hear("AUTH TLS")]);
    check_silence(steps, "--danger-accept-any-cert", "security");
}

#[test]
fn silence_in_the_handshake_times_out() {
    let steps = after_greeting(vec![Hear("AUTH TLS"), Say(b"234 Go.\r\n")]);
    check_silence(steps, "--danger-accept-any-cert", "security");
}

#[test]
fn a_server_that_does_not_speak_ftp_is_at_fault() {
    for bytes in [
        &b"hello\r\n"[..],
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 400 Bad\r\n",
        b"\x16\x03\x01",
    ] {
        let run = login_to_script(vec![Say(bytes), Silence], PLAIN);
        check(&run, 5, "peer_fault", "greeting", None);
    }
}

#[test]
fn a_code_that_means_nothing_there_is_a_fault() {
    let run = login_to_script(
        after_greeting(vec![Hear("USER"), Say(b"250 ?\r\n"), Silence]),
        PLAIN,
    );
    check(&run, 5, "peer_fault", "user", Some(250));
}

#[test]
fn a_connection_closed_without_a_word_is_io() {
    check(&login_to_script(vec![], PLAIN), 4, "io", "greeting", None);
    check(
        &login_to_script(vec![Say(b"220-Re")], PLAIN),
        4,
        "io",
        "greeting",
        None,
    );
    check(
        &login_to_script(after_user(vec![]), PLAIN),
        4,
        "io",
        "password",
        None,
    );
}

#[test]
fn a_421_is_unavailable_wherever_it_comes() {
    let run = login_to_script(vec![Say(b"421 Too many.\r\n")], PLAIN);
    check(&run, 4, "unavailable", "greeting", Some(421));
    let run = login_to_script(after_user(vec![Say(b"421 Down.\r\n")]), PLAIN);
    check(&run, 4, "unavailable", "password", Some(421));
    let then = after_user(vec![Say(b"230 In.\r\n"), Hear("PWD"), Say(b"421 Out.\r\n")]);
    let run = login_to_script(then, &["--plaintext", "--then", "PWD"]);
    check(&run, 4, "unavailable", "ready", Some(421));
    assert_eq!(run.json()["logged_in_by"], "password");
}

#[test]
fn a_login_that_is_refused_under_tls_tells_what_was_agreed_and_what_to_do() {
    let server = Server::start(&[]);
    for (option, protection) in [("required", "private"), ("clear", "clear")] {
        for pipeline in [&[][..], &["--pipeline"]] {
            let options = ["--json", "--danger-accept-any-cert", "--protection", option];
            let run = server.login(&[&options, pipeline].concat(), "nobody");
            check(&run, 3, "refused", "password", Some(530));
            let report = run.json();
            assert_eq!(report["protection"], protection, "{run:?}");
            assert_eq!(report["tls"]["version"], "TLS 1.3", "{run:?}");
            let hint = report["hint"].as_str().unwrap();
            assert!(hint.contains("user name and password"), "{hint}");
        }
    }
}

#[test]
fn refusals_name_the_phase() {
    let refused = |steps| login_to_script(after_greeting(steps), TLS);
    let run = refused(vec![Hear("AUTH TLS"), Say(b"502 No TLS.\r\n"), Silence]);
    check(&run, 3, "refused", "security", Some(502));
    assert_eq!(run.json()["tls"], Value::Null);
    let run = login_to_script(
        after_greeting(vec![Hear("USER"), Say(b"530 No.\r\n"), Silence]),
        PLAIN,
    );
    check(&run, 3, "refused", "user", Some(530));
    let run = login_to_script(after_user(vec![Say(b"530 No.\r\n"), Silence]), PLAIN);
    check(&run, 3, "refused", "password", Some(530));
    let run = login_to_script(vec![Say(b"550 No.\r\n"), Silence], PLAIN);
    check(&run, 3, "refused", "greeting", Some(550));
}

#[test]
fn a_needed_account_is_told_from_a_refusal() {
    let run = login_to_script(after_user(vec![Say(b"332 Account?\r\n"), Silence]), PLAIN);
    check(&run, 3, "account_needed", "password", Some(332));
    let at_user = after_greeting(vec![Hear("USER"), Say(b"332 Account?\r\n"), Silence]);
    check(
        &login_to_script(at_user, PLAIN),
        3,
        "account_needed",
        "user",
        Some(332),
    );
}

#[test]
fn bytes_injected_behind_the_234_are_a_fault() {
    let steps = vec![
        Hear("AUTH TLS"),
        Say(b"234 Go.\r\n230 Welcome.\r\n"),
        Silence,
    ];
    check(
        &login_to_script(after_greeting(steps), TLS),
        5,
        "peer_fault",
        "security",
        None,
    );
}

#[test]
fn a_server_that_agrees_to_tls_and_speaks_none_fails_tls() {
    let steps = vec![
        Hear("AUTH TLS"),
        Say(b"234 Go.\r\n"),
        HearAnything,
        Say(b"500 What?\r\n"),
        Silence,
    ];
    let run = login_to_script(after_greeting(steps), TLS);
    check(&run, 6, "tls_failed", "security", None);
}

#[test]
fn a_server_that_leaves_during_the_handshake_fails_tls() {
    let steps = vec![Hear("AUTH TLS"), Say(b"234 Go.\r\n"), HearAnything];
    let run = login_to_script(after_greeting(steps), TLS);
    // Whether it ends with a reset or in order is up to the system; the outcome must not be.
    check(&run, 6, "tls_failed", "security", None);
}

#[test]
fn a_login_that_was_none_after_all_is_refused() {
    let steps = after_user(vec![
        Say(b"202 Not needed.\r\n"),
        Hear("PWD"),
        Say(b"530 Who?\r\n"),
        Silence,
    ]);
    let run = login_to_script(steps, &["--plaintext", "--then", "PWD"]);
    check(&run, 3, "refused", "ready", Some(530));
}

#[test]
fn a_reply_too_many_is_never_taken_quietly_for_that_to_a_later_command() {
    let pwd: &[&str] = &["--plaintext", "--then", "PWD"];
    let both: &[&str] = &["--plaintext", "--then", "TYPE I", "--then", "PWD"];
    let logged_in = |mut steps: Vec<Step>| {
        steps.insert(0, Say(b"230 In.\r\n"));
        steps.push(Silence);
        after_user(steps)
    };
    for (options, code, steps) in [
        // The second answer to PASS, late.
        (
            pwd,
            230,
            vec![Hear("PWD"), Say(b"230 In.\r\n257 \"/\"\r\n")],
        ),
        // At once.
        (pwd, 230, vec![Say(b"230 In.\r\n230 In.\r\n")]),
        // Behind the reply to the command: whether it is that is not known.
        (
            pwd,
            230,
            vec![
                Hear("PWD"),
                Say(b"257 \"/\"\r\n"),
                Hear("QUIT"),
                Say(b"230 In.\r\n"),
            ],
        ),
        // Other commands answered twice.
        (
            both,
            200,
            vec![
                Hear("TYPE"),
                Say(b"200 I.\r\n"),
                Hear("PWD"),
                Say(b"200 I.\r\n"),
            ],
        ),
        (
            both,
            257,
            vec![
                Hear("TYPE"),
                Say(b"500 No.\r\n"),
                Hear("PWD"),
                Say(b"500 No.\r\n"),
                Hear("QUIT"),
                Say(b"257 \"/\"\r\n"),
            ],
        ),
    ] {
        let steps = match &steps[..] {
            // Both in one segment.
            [Say(twice)] => after_user(vec![Say(twice), Silence]),
            _ => logged_in(steps),
        };
        let run = login_to_script(steps, options);
        check(&run, 5, "peer_fault", "ready", Some(code));
    }
    // Nothing hangs on it where nothing was asked.
    let steps = logged_in(vec![Hear("QUIT"), Say(b"230 In.\r\n")]);
    check(
        &login_to_script(steps, PLAIN),
        0,
        "logged_in",
        "ready",
        Some(230),
    );
}

#[test]
fn a_port_where_nobody_listens_is_io_at_connect() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("ftp://anna@{address}");
    let run = Program::new(["login", "--json", url.as_str()]).run();
    check(&run, 4, "io", "connect", None);
    assert_eq!(run.json()["transcript"], serde_json::json!([]));
}
