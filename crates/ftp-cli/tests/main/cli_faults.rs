//! `login` against servers that are slow, rude or broken: each is told for what it is.

use crate::common::Step::{Hear, HearAnything, Say, Silence};
use crate::common::{
    Program, Run, SENTINEL, Step, login_shown_to_script, login_to_script, scripted,
    scripted_connections,
};
use serde_json::Value;

const PLAIN: &[&str] = &["--plaintext"];
const TLS: &[&str] = &["--danger-accept-any-cert"];

fn check(run: &Run, exit: i32, outcome: &str, phase: &str, code: Option<u16>) {
    let report = run.json();
    assert_eq!(run.code, exit, "{run:?}");
    assert_eq!(report["outcome"], outcome, "{run:?}");
    assert_eq!(report["phase"], phase, "{run:?}");
    assert_eq!(
        report["code"],
        code.map_or(Value::Null, Value::from),
        "{run:?}"
    );
    assert!(!report["message"].as_str().unwrap().is_empty());
}

fn after_greeting(steps: Vec<Step>) -> Vec<Step> {
    [vec![Say(b"220 Ready.\r\n")], steps]
        .into_iter()
        .flatten()
        .collect()
}

fn after_user(steps: Vec<Step>) -> Vec<Step> {
    after_greeting(
        [
            vec![Hear("USER anna"), Say(b"331 Password?\r\n"), Hear("PASS ")],
            steps,
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}

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
    let server = crate::common::Server::start(&[]);
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
fn who_is_logged_in_by_what_is_told() {
    let run = login_to_script(
        vec![
            Say(b"230 In already.\r\n"),
            Hear("QUIT"),
            Say(b"221 Bye.\r\n"),
        ],
        PLAIN,
    );
    check(&run, 0, "logged_in", "ready", Some(230));
    assert_eq!(run.json()["logged_in_by"], "greeting");
    let run = login_to_script(
        after_greeting(vec![
            Hear("USER anna"),
            Say(b"230 In.\r\n"),
            Hear("QUIT"),
            Say(b"221 Bye.\r\n"),
        ]),
        PLAIN,
    );
    check(&run, 0, "logged_in", "ready", Some(230));
    assert_eq!(run.json()["logged_in_by"], "user");
}

#[test]
fn an_irregular_reply_is_marked() {
    let steps = after_user(vec![
        Say(b"230-Hi\r\n200 In.\r\n"),
        Hear("QUIT"),
        Say(b"221 Bye.\r\n"),
    ]);
    let run = login_to_script(steps, PLAIN);
    check(&run, 0, "logged_in", "ready", Some(230));
    assert_eq!(run.json()["irregular"], true);
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
fn a_reply_that_repeats_the_password_is_masked_whole() {
    let text = format!("530-Is \"{SENTINEL}\"\r\n530 your password?\r\n");
    let wrong: &'static [u8] = text.leak().as_bytes();
    let run = login_to_script(after_user(vec![Say(wrong), Silence]), PLAIN);
    check(&run, 3, "refused", "password", Some(530));
    let report = run.json();
    assert_eq!(
        report["message"],
        "the server refused at password: 530 ****"
    );
    assert!(run.stdout.contains("\"line\":\"530 ****\""), "{run:?}");
    assert!(!run.stdout.contains("your password?"), "{run:?}");
}

/// Logs in with this password, and the server says this to it; standard output and error.
fn shown(password: &str, reply: &str, options: &[&str]) -> String {
    let steps = vec![
        Say(b"220 Ready, the server refused nobody yet.\r\n"),
        Hear("USER anna"),
        Say(b"331 Password required for anna.\r\n"),
        Hear("PASS"),
        Say(format!("{reply}\r\n").leak().as_bytes()),
        Silence,
    ];
    let (address, server) = scripted(steps);
    let url = format!("ftp://anna@{address}");
    let run = Program::new(
        ["login", "--plaintext"]
            .iter()
            .chain(options)
            .chain([&url.as_str()]),
    )
    .env("FTP_PASSWORD", password)
    .run();
    server.join().unwrap();
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
fn a_password_that_is_an_ordinary_word_is_not_given_away_by_gaps() {
    for password in [
        "password",
        "required",
        "refused",
        "server",
        "Ready",
        "nobody",
        "error",
        "anna",
        "USER",
        "PASS",
        "220 ",
        "331",
        "PLAINTEXT",
        "TLS",
        "hint",
        "at",
        "e",
        "the server refused at password",
    ] {
        for options in [&["--json"], &["--verbose"], &["--quiet"]] {
            let shown = shown(password, "530 No.", options);
            assert!(
                shown.contains("the server refused at password: 530"),
                "{password}: {shown}"
            );
            if options != &["--quiet"] {
                for line in [
                    "220 Ready, the server refused nobody yet.",
                    "331 Password required for anna.",
                    "USER anna",
                    "PASS ****",
                ] {
                    assert!(shown.contains(line), "{password}: {line} in {shown}");
                }
            }
        }
    }
}

#[test]
fn a_short_password_hides_every_text_behind_it() {
    let hidden = |reply: &str| shown("in", reply, &["--verbose"]);
    for reply in ["530 Not logged in.", "530 No."] {
        let shown = hidden(reply);
        assert!(shown.contains("error: the server refused at password: 530 ****"));
        assert!(!shown.contains(&reply[4..]), "{shown}");
    }
}

#[test]
fn what_a_fault_shows_of_the_servers_line_is_no_password() {
    for line in [
        SENTINEL.to_owned(),
        format!("5x0 {SENTINEL}"),
        format!("530{SENTINEL}"),
    ] {
        let shown = shown(SENTINEL, &line, &["--verbose"]);
        assert!(shown.contains("protocol fault of the server at password"));
        assert!(!shown.contains("correct"), "{shown}");
    }
}

#[test]
fn a_password_in_a_reply_out_of_step_is_masked() {
    let repeated: &'static [u8] = format!("230 {SENTINEL}\r\n").leak().as_bytes();
    let in_answer = vec![Hear("PWD"), Say(repeated), Silence];
    let unasked = vec![Hear("PWD"), Say(b"257 \"/\"\r\n"), Say(repeated), Silence];
    for steps in [in_answer, unasked] {
        for option in ["--json", "--verbose", "--quiet"] {
            let mut steps = steps.clone();
            steps.insert(0, Say(b"230 In.\r\n"));
            let options = ["--plaintext", "--then", "PWD", option];
            let run = login_shown_to_script(after_user(steps), &options);
            assert_eq!(run.code, 5, "{run:?}");
            let shown = format!("{}{}", run.stdout, run.stderr);
            assert!(shown.contains(": 230 ****"), "{run:?}");
        }
    }
}

#[test]
fn passwords_in_commands_of_then_are_masked_in_all_that_is_shown() {
    for (options, code) in [
        (["--json"], "200"),
        (["--verbose"], "200"),
        (["--quiet"], "200"),
    ] {
        let steps = after_user(vec![
            Say(b"230 In.\r\n"),
            Hear("SITE PSWD old-SENTINEL payroll-SENTINEL"),
            Say(b"200 Not old-SENTINEL but payroll-SENTINEL.\r\n"),
            Hear("QUIT"),
            Say(b"221 Bye, PAYROLL-sentinel.\r\n"),
        ]);
        let (address, server) = scripted(steps);
        let url = format!("ftp://anna@{address}");
        let run = Program::new(
            ["login", "--plaintext", "--then"]
                .iter()
                .chain(&["SITE PSWD old-SENTINEL payroll-SENTINEL"])
                .chain(&options)
                .chain([&url.as_str()]),
        )
        .env("FTP_PASSWORD", SENTINEL)
        .run();
        server.join().unwrap();
        assert_eq!(run.code, 0, "{run:?}");
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(shown.contains(code), "{shown}");
        assert!(!shown.to_lowercase().contains("sentinel"), "{shown}");
    }
}

/// The password goes out once, whatever comes of it but 421.
#[test]
fn the_password_is_sent_once_but_for_421() {
    let ends: [(Vec<Step>, &str); 4] = [
        (
            vec![Say(b"430 Invalid username or password.\r\n"), Silence],
            "refused",
        ),
        (vec![Say(b"450 Later.\r\n"), Silence], "refused"),
        (Vec::new(), "io"),
        (vec![Silence], "timed_out"),
    ];
    for runtime in ["tokio", "smol", "blocking"] {
        for (end, outcome) in &ends {
            let steps = after_user(end.clone());
            let options = [
                "--plaintext",
                "--retries",
                "3",
                "--timeout",
                "0.3",
                "--runtime",
                runtime,
            ];
            // A second connection would be refused: nobody listens any more.
            let run = login_to_script(steps, &options);
            let report = run.json();
            assert_eq!(report["outcome"], *outcome, "{run:?}");
            assert_eq!(report["attempts"], 1, "{run:?}");
        }
        let (address, server) = scripted_connections(vec![
            after_user(vec![Say(b"421 Too many.\r\n")]),
            after_user(vec![Say(b"530 No.\r\n"), Silence]),
        ]);
        let url = format!("ftp://anna@{address}");
        let options = [
            "login",
            "--json",
            "--plaintext",
            "--retries",
            "3",
            "--runtime",
        ];
        let run = Program::new(options.iter().chain([&runtime, &url.as_str()]))
            .env("FTP_PASSWORD", SENTINEL)
            .run();
        server.join().unwrap();
        assert_eq!(run.json()["attempts"], 2, "{run:?}");
    }
}

/// Logs in as Müller to a server that takes umlauts only in UTF-8, as IIS does.
fn log_in_as_mueller(option: &[&str], before: Vec<Step>, behind: Vec<Step>) -> Run {
    let name: Vec<Step> = vec![
        Hear("USER müller"),
        Say(b"331 Password?\r\n"),
        Hear("PASS "),
    ];
    let steps = after_greeting(before.into_iter().chain(name).chain(behind).collect());
    let (address, server) = scripted(steps);
    let url = format!("ftp://m%C3%BCller@{address}");
    let options = ["login", "--json", "--plaintext"];
    let run = Program::new(options.iter().chain(option).chain([&url.as_str()]))
        .env("FTP_PASSWORD", SENTINEL)
        .run();
    server.join().unwrap();
    run
}

#[test]
fn a_name_that_is_not_ascii_is_announced_as_utf8_where_that_is_asked_for() {
    let in_and_out = || {
        let ends: Vec<Step> = vec![Say(b"230 In.\r\n"), Hear("QUIT"), Say(b"221 Bye.\r\n")];
        ends
    };
    let on = || vec![Hear("OPTS UTF8 ON"), Say(b"200 On.\r\n")];
    let feat = vec![Hear("FEAT"), Say(b"211-Has\r\n UTF8\r\n211 End\r\n")];
    let feat = feat.into_iter().chain(on()).collect();
    for (option, before) in [
        (vec![], vec![]),
        (vec!["--utf8"], on()),
        (vec!["--utf8=always"], on()),
        (vec!["--utf8=announced"], feat),
        (vec!["--utf8=never"], vec![]),
    ] {
        let run = log_in_as_mueller(&option, before, in_and_out());
        check(&run, 0, "logged_in", "ready", Some(230));
    }
}

#[test]
fn a_refused_name_that_is_not_ascii_gets_the_hint_unless_it_was_followed() {
    let refused = || vec![Say(b"530 User cannot log in.\r\n"), Silence];
    let on = || vec![Hear("OPTS UTF8 ON"), Say(b"500 What?\r\n")];
    for (option, before, hinted) in [(None, Vec::new(), true), (Some("--utf8"), on(), false)] {
        let name = vec![
            Hear("USER müller"),
            Say(b"331 Password?\r\n"),
            Hear("PASS "),
        ];
        let steps = before.into_iter().chain(name).chain(refused()).collect();
        let (address, server) = scripted(after_greeting(steps));
        let url = format!("ftp://m%C3%BCller@{address}");
        let arguments = ["login", "--plaintext"].into_iter().chain(option);
        let run = Program::new(arguments.chain([url.as_str()]))
            .env("FTP_PASSWORD", SENTINEL)
            .run();
        server.join().unwrap();
        assert_eq!(run.stderr.contains("--utf8"), hinted, "{run:?}");
    }
}

/// With a longer wait than the test's patience for what must not be waited for.
#[test]
fn a_quit_that_is_not_answered_does_not_delay_the_result() {
    for runtime in ["tokio", "smol", "blocking"] {
        let steps = after_user(vec![Say(b"230 In.\r\n"), Hear("QUIT"), Silence]);
        let options = ["--plaintext", "--timeout", "86400", "--runtime", runtime];
        let run = login_to_script(steps, &options);
        check(&run, 0, "logged_in", "ready", Some(230));
        assert_eq!(run.stderr.matches("note:").count(), 0, "{run:?}");
    }
}

#[test]
fn what_is_transient_is_tried_again() {
    let (address, server) = scripted_connections(vec![
        vec![Say(b"421 Later.\r\n")],
        vec![Say(b"230 In.\r\n"), Hear("QUIT"), Say(b"221 Bye.\r\n")],
    ]);
    let url = format!("ftp://anna@{address}");
    let run = Program::new([
        "login",
        "--json",
        "--plaintext",
        "--retries",
        "3",
        url.as_str(),
    ])
    .env("FTP_PASSWORD", SENTINEL)
    .run();
    server.join().unwrap();
    check(&run, 0, "logged_in", "ready", Some(230));
    assert_eq!(run.json()["attempts"], 2);
    assert!(run.stderr.contains("trying again"), "{run:?}");
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

#[test]
fn host_and_commands_are_sent_where_they_belong() {
    let steps = after_greeting(vec![
        Hear("HOST ftp.example.com\r\n"),
        Say(b"220 Yes.\r\n"),
        Hear("USER anna\r\n"),
        Say(b"331 Password?\r\n"),
        Hear("PASS correct-horse-SENTINEL\r\n"),
        Say(b"230 In.\r\n"),
        Hear("SITE  two  spaces \r\n"),
        Say(b"200-One\r\n200 Two\r\n"),
        Hear("QUIT\r\n"),
    ]);
    let options = [
        "--plaintext",
        "--host",
        "ftp.example.com",
        "--then",
        "SITE  two  spaces ",
    ];
    let run = login_to_script(steps, &options);
    check(&run, 0, "logged_in", "ready", Some(230));
    assert_eq!(
        run.json()["replies"][0]["lines"],
        serde_json::json!(["One", "Two"])
    );
}

#[test]
fn a_greeting_of_several_replies_is_taken_where_that_is_asked_for() {
    for pieces in [
        vec![Say(b"220 Hello\r\n220 by\r\n220 Arduino\r\n"), Hear("USER")],
        vec![
            Say(b"220 Hello\r\n"),
            Hear("USER"),
            Say(b"220 by\r\n"),
            Say(b"220 Arduino\r\n"),
        ],
    ] {
        let mut steps = pieces;
        steps.extend([
            Say(b"331 Password?\r\n"),
            Hear("PASS"),
            Say(b"230 In.\r\n"),
            Hear("QUIT"),
            Say(b"221 Bye.\r\n"),
        ]);
        let run = login_to_script(steps, &["--plaintext", "--lenient-greeting"]);
        check(&run, 0, "logged_in", "ready", Some(230));
        assert_eq!(run.json()["irregular"], true);
    }
    let steps = vec![Say(b"220 Hello\r\n220 by\r\n"), Silence];
    let run = login_to_script(steps, PLAIN);
    check(&run, 5, "peer_fault", "user", Some(220));
}
