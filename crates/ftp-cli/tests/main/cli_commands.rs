//! `demo`, `hash`, `decode` and the command line itself.

use std::fs;
use std::path::Path;

use crate::common::{Program, Run, SENTINEL, TestFile};

fn run(arguments: &[&str]) -> Run {
    Program::new(arguments).run()
}

#[test]
fn the_demo_shows_five_dialogues_with_secrets_masked() {
    let run = run(&["demo", "--all"]);
    assert_eq!(run.code, 0, "{run:?}");
    for line in [
        "  → USER developer",
        "  → PASS ****",
        "  → ACCT ****",
        "  → AUTH TLS",
        "  ⇄ TLS 1.3 TLS_",
        "  ← 332 ",
        "  ← 421 ",
        "explicit TLS",
        "implicit TLS",
        "  → MLSD",
        "  → RETR weather.txt",
        "  → STOR copy.txt",
    ] {
        assert!(
            run.stdout.lines().any(|shown| shown.starts_with(line)),
            "{line}: {}",
            run.stdout
        );
    }
    for secret in ["correct horse", "payroll-7", "guess"] {
        assert!(!run.stdout.contains(secret));
    }
    assert_eq!(
        run.stdout.matches("as expected").count(),
        6,
        "{}",
        run.stdout
    );
}

#[test]
fn without_a_command_files_and_a_wrong_password_are_shown_on_a_screen() {
    let shown = run(&[]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let lines: Vec<_> = shown.stdout.lines().map(str::trim).collect();
    assert!(lines.len() <= 60, "{} lines", lines.len());
    for line in [
        "→ AUTH TLS            ← 234 Start the TLS handshake.",
        "→ PASS ****           ← 230 Logged in.",
        "→ PASS ****           ← 530 Login incorrect.",
        "weather.txt: 4.0 MiB",
        "4.0 MiB of 4.0 MiB",
        "4.0 MiB sent and confirmed",
    ] {
        assert!(lines.contains(&line), "{line}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains("horse"));
    assert!(!shown.stdout.contains('\u{1b}'), "no colours in a pipe");
}

/// A document of this crate or of the repository; `None` in a package, which has no other files.
fn document(path: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_package = !root.join("../../ARCHITECTURE.md").exists();
    (!is_package).then(|| fs::read_to_string(root.join(path)).unwrap())
}

/// The contents of the blocks that are fenced with this language.
fn blocks(text: &str, language: &str) -> Vec<Vec<String>> {
    let fence = format!("```{language}");
    let mut lines = text.lines();
    let mut found = Vec::new();
    while lines.any(|line| line == fence) {
        let block = lines.by_ref().take_while(|line| *line != "```");
        found.push(block.map(str::to_owned).collect());
    }
    found
}

/// The dialogues of a demo. Which cipher suite was agreed, and whether a session was resumed, may
/// differ from machine to machine.
fn dialogues(shown: &str) -> Vec<Vec<String>> {
    let is_spoken = |line: &&str| line.starts_with(['←', '→', '⇄']);
    let all = shown.split("\n\n").map(|paragraph| {
        let lines = paragraph.lines().map(str::trim_start).filter(is_spoken);
        lines.map(masked).collect::<Vec<_>>()
    });
    all.filter(|dialogue| !dialogue.is_empty()).collect()
}

fn masked(line: &str) -> String {
    match line.split_once(" TLS_") {
        Some((version, _)) => version.to_owned(),
        None => line.to_owned(),
    }
}

#[test]
fn the_transcripts_of_the_guide_are_those_of_the_demo() {
    let Some(guide) = document("../../docs/GUIDE.md") else {
        return;
    };
    let demo = dialogues(&run(&["demo", "--all"]).stdout);
    assert_eq!(demo.len(), 5);
    let sections: Vec<_> = guide.split("\n## ").collect();
    let transcripts = |title: &str| {
        let section = sections.iter().find(|text| text.starts_with(title));
        let shown = blocks(section.unwrap(), "text").into_iter();
        let masked = shown.map(|lines| lines.iter().map(|line| masked(line)).collect());
        masked.collect::<Vec<Vec<String>>>()
    };

    assert_eq!(transcripts("A login, step by step").concat(), demo[0]);
    let is_in = |dialogue: &[String], part: &Vec<String>| {
        dialogue.windows(part.len()).any(|lines| lines == part)
    };
    let [account, wrong] = &transcripts("When the login is not that simple")[..] else {
        panic!("two transcripts");
    };
    assert!(is_in(&demo[2], account), "{account:?}");
    assert!(is_in(&demo[3], wrong), "{wrong:?}");
    let [implicit] = &transcripts("What TLS changes")[..] else {
        panic!("one transcript");
    };
    assert!(is_in(&demo[1], implicit), "{implicit:?}");
}

#[test]
fn the_readme_shows_what_decode_prints() {
    let Some(readme) = document("README.md") else {
        return;
    };
    let lines = blocks(&readme, "console").concat();
    assert_eq!(lines.len(), 4);
    for shown in lines.chunks(2) {
        let (input, what) = shown[0]
            .strip_prefix("$ printf '")
            .and_then(|line| line.split_once("' | ftp-cli decode "))
            .unwrap();
        let input = input.replace("\\r\\n", "\r\n");
        assert_eq!(decode(what, input.as_bytes()).stdout.trim_end(), shown[1]);
    }
}

#[test]
fn a_hash_is_argon2id_with_a_salt_of_its_own() {
    let hash = || Program::new(["hash"]).input(format!("{SENTINEL}\n")).run();
    let (one, two) = (hash(), hash());
    assert_eq!(one.code, 0);
    assert!(one.stdout.starts_with("$argon2id$v=19$"), "{one:?}");
    assert_eq!(one.stdout.lines().count(), 1);
    assert_ne!(one.stdout, two.stdout);
    assert_eq!(run(&["hash"]).code, 2);
}

fn decode(what: &str, bytes: &[u8]) -> Run {
    Program::new(["decode", what]).input(bytes).run()
}

#[test]
fn decoded_replies_and_commands_are_one_object_a_line() {
    let run = decode("replies", b"220-first text\r\n220 end\r\n331 Pass");
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        "{\"code\":220,\"lines\":[\"first text\",\"end\"],\"multiline\":true,\"irregular\":false}\n\
         {\"incomplete\":8}\n"
    );
    let file = TestFile::new("user anna\r\nPASS  x \r\nSYST\r\n");
    let run = Program::new(["decode", "commands", &file.path()]).run();
    assert_eq!(
        run.stdout,
        "{\"verb\":\"USER\",\"argument\":\"anna\"}\n{\"verb\":\"PASS\",\"argument\":\" x \"}\n\
         {\"verb\":\"SYST\",\"argument\":null}\n"
    );
    assert_eq!(decode("replies", b"").stdout, "");
}

#[test]
fn a_fault_in_decoded_bytes_has_its_offset_and_exit_code() {
    let run = decode("replies", b"220 Ready.\r\nSSH-2.0\r\n");
    assert_eq!(run.code, 5);
    let last = &run.json_lines()[1];
    assert_eq!(last["at"], 12);
    assert!(last["error"].as_str().unwrap().contains("SSH"), "{last}");
    let run = decode("commands", b"NOOP\r\nUSER a\0\r\n");
    assert_eq!(
        (run.code, &run.json_lines()[1]["at"]),
        (5, &serde_json::json!(12))
    );
}

#[test]
fn decoded_bytes_that_are_not_utf8_are_kept_in_hexadecimal() {
    let run = decode("replies", b"220 caf\xe9\r\n\xff\xf1221 \xff\xfb\x01Bye\r\n");
    let records = run.json_lines();
    assert_eq!(records[0]["lines"][0], "caf\u{fffd}");
    assert_eq!(records[0]["raw"][0], "636166e9");
    assert_eq!(records[1]["lines"][0], "Bye");
    assert!(records[1].get("raw").is_none());
}

#[test]
fn what_cannot_be_done_is_a_usage_error_that_shows_no_password() {
    let url = |userinfo: &str| format!("ftp://{userinfo}@127.0.0.1");
    let secret = url(&format!("anna:{SENTINEL}%0d%0aDELE%20x"));
    let file = TestFile::new("two\nlines\n");
    let not_pem = TestFile::new("hello");
    for arguments in [
        vec!["login"],
        vec!["login", "http://host"],
        vec!["login", &secret],
        vec!["login", &url("an%0ana")],
        vec!["login", "--plaintext", "ftps://host"],
        vec!["login", "--timeout", "0", "ftp://host"],
        vec!["login", "--then", "NOOP\r\nDELE x", "ftp://host"],
        vec!["login", "--then", "QUIT", "ftp://host"],
        vec!["login", "--user", "a", "ftp://b@host"],
        vec!["login", "--host", "a\r\nb", "ftp://host"],
        vec![
            "login",
            "--password-file",
            "/nowhere/at/all",
            "ftp://anna@host",
        ],
        vec!["login", "--password-file", &file.path(), "ftp://anna@host"],
        vec!["login", "--ca", &not_pem.path(), "ftp://host"],
        vec!["login", "--client-cert", "x", "ftp://host"],
        vec!["serve"],
        vec!["serve", "--users", "/nowhere/at/all"],
        vec!["serve", "--anonymous", "--listen", "nonsense"],
        vec!["serve", "--anonymous", "--max-attempts", "0"],
        vec!["decode", "lines"],
        vec!["decode", "replies", "/nowhere/at/all"],
        vec!["dance"],
    ] {
        let run = run(&arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {run:?}");
    }
}

#[test]
fn a_broken_users_file_names_the_line() {
    let hash = crate::common::sentinel_hash();
    let users = TestFile::new(format!("# who\nanna:{hash}\nbob:{SENTINEL}\n"));
    let run = run(&["serve", "--users", &users.path()]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("line 3: the hash is not a PHC string"),
        "{run:?}"
    );
}

#[test]
fn a_netrc_file_that_cannot_be_understood_is_named_without_its_secrets() {
    let netrc = TestFile::new(format!("machine h login anna\npassword \"{SENTINEL}\n"));
    let run = Program::new(["login", "ftp://anna@h"])
        .env("NETRC", &netrc.0)
        .run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains(&netrc.path()), "{run:?}");
}

/// A screen of 60 lines and 100 columns; for `serve` two of them.
#[test]
fn the_help_of_each_command_is_a_screen_with_two_examples() {
    for command in [
        "",
        "demo",
        "login",
        "serve",
        "hash",
        "decode",
        "ls",
        "stat",
        "get",
        "put",
        "rm",
        "mv",
        "mkdir",
        "mirror",
        "completions",
        "man",
    ] {
        let arguments = [command, "--help"];
        let help = run(&arguments[usize::from(command.is_empty())..]);
        assert_eq!(help.code, 0);
        let lines: Vec<_> = help.stdout.lines().collect();
        let most = if command == "serve" { 120 } else { 60 };
        assert!(lines.len() <= most, "{command}: {} lines", lines.len());
        for line in &lines {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
        let examples = lines.iter().skip_while(|line| **line != "Examples:");
        let examples = examples.skip(1).take_while(|line| !line.is_empty());
        assert!(examples.count() >= 2, "{command}");
    }
}

#[test]
fn completions_and_pages_name_every_command() {
    for shell in ["bash", "fish", "zsh", "elvish", "powershell"] {
        let completions = run(&["completions", shell]);
        assert_eq!(completions.code, 0, "{shell}");
        for word in ["ftp-cli", "mirror", "max-delete"] {
            assert!(completions.stdout.contains(word), "{shell}: {word}");
        }
    }
    let page = run(&["man"]);
    assert_eq!(page.code, 0);
    assert!(page.stdout.contains(".TH ftp-cli 1"), "{page:?}");
    let directory = crate::common::TestDirectory::new();
    assert_eq!(run(&["man", &directory.path()]).code, 0);
    for name in ["ftp-cli.1", "ftp-cli-get.1", "ftp-cli-mirror.1"] {
        assert!(
            directory.read(name).is_some_and(|page| page.len() > 1000),
            "{name}"
        );
    }
    let nowhere = run(&["man", "/none/there"]);
    assert_eq!((nowhere.code, &*nowhere.stdout), (8, ""));
    assert_eq!(run(&["completions", "csh"]).code, 2);
}

#[test]
fn help_lists_the_exit_codes() {
    for arguments in [&["--help"][..], &["login", "--help"], &["serve", "--help"]] {
        assert!(
            run(arguments).stdout.contains("Exit codes:"),
            "{arguments:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_ftp-cli"))
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
