//! The dialogue of `login` with servers that do as they should, each in its own way.

use crate::common::Step::{Hear, Say, Silence};
use crate::common::{
    PLAIN, Program, Run, SENTINEL, Step, after_greeting, after_user, check, login_to_script,
    scripted,
};

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
