//! `--retries`: what is tried again, and what is not.

use crate::common::Step::{Hear, Say, Silence};
use crate::common::{
    Program, SENTINEL, Step, TestDirectory, after_user, check, login_to_script,
    scripted_connections,
};

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

/// Several wrong passwords may lock the account.
#[test]
fn a_password_that_was_refused_is_not_sent_for_each_file() {
    let here = TestDirectory::new();
    here.write("a", "1");
    let local = here.0.join("a").to_str().unwrap().to_owned();
    let to = here.path();
    for words in [
        &["get", "--parallel=3", "-o", &to][..],
        &["rm"],
        &["mkdir"],
        &["put", &local, &local, &local],
    ] {
        // A second connection would be refused: nobody listens any more.
        let no = after_user(vec![Say(b"530 No.\r\n"), Silence]);
        let (address, server) = scripted_connections(vec![no]);
        let urls = ["a", "b", "c"].map(|name| format!("ftp://anna@{address}/{name}"));
        let directory = format!("ftp://anna@{address}/there/");
        let options = ["--json", "--plaintext", "--retries=1"];
        let mut all = [words, &options].concat();
        match words[0] {
            "put" => all.push(&directory),
            _ => all.extend(urls.iter().map(String::as_str)),
        }
        let run = Program::new(all).env("FTP_PASSWORD", SENTINEL).run();
        server.join().unwrap();
        assert_eq!(run.code, 3, "{run:?}");
        let codes = run
            .json_lines()
            .into_iter()
            .map(|line| line["code"].clone());
        assert_eq!(codes.collect::<Vec<_>>(), [530, 530, 530], "{run:?}");
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
