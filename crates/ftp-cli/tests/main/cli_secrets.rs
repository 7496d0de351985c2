//! No output repeats a password, whatever the server says.

use crate::common::Step::{Hear, Say, Silence};
use crate::common::{
    PLAIN, Program, SENTINEL, after_user, check, login_shown_to_script, login_to_script, scripted,
};

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
