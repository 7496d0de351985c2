//! Errors, provoked on purpose: `cli_errors.txt` has what is said, to be read as a stranger reads it. Each says
//! what was tried, what came, and what to do, and says it once.
//!
//! After a change that is meant, `FTP_CLI_WRITE_ERRORS=1 cargo test -p ftp-cli --test cli cli_errors` writes
//! the file anew. The messages of the operating system in it are those of Linux.
#![cfg(target_os = "linux")]

mod files;

use std::fmt::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::common::Step::{Hear, Say, Silence};
use crate::common::{PLAIN, Program, SENTINEL, Server, Step, TestDirectory, scripted};

/// All that is said, and what is replaced in it.
struct Page {
    text: String,
    count: usize,
    /// What is another each time, and what stands for it.
    replaced: Vec<(String, &'static str)>,
    here: TestDirectory,
}

impl Page {
    fn section(&mut self, title: &str) {
        writeln!(self.text, "\n## {title}").unwrap();
    }

    /// Runs this, in a directory that has the files of [`files`].
    fn says(&mut self, title: &str, exit: i32, words: &[&str]) {
        self.program(title, exit, words, Program::new(words));
    }

    fn program(&mut self, title: &str, exit: i32, words: &[&str], program: Program) {
        let run = program
            .env("FTP_PASSWORD", SENTINEL)
            .directory(&self.here.0)
            .run();
        let shown = self.plain(&words.join(" "));
        let said = self.plain(&run.stderr);
        // What is no error, and in the way of reading them.
        let said: Vec<_> = said
            .lines()
            .filter(|line| !line.starts_with("warning: "))
            .collect();
        assert_eq!(run.code, exit, "{title}: {run:?}");
        assert!(
            said.iter().any(|line| line.starts_with("error: ")),
            "{title}: {run:?}"
        );
        self.says_once(title, &said);
        let mut said = said.join("\n");
        // The table of what was done.
        if words[0] == "mirror" && !run.stdout.is_empty() {
            said = format!("{said}\n{}", run.stdout.trim_end());
        }
        writeln!(
            self.text,
            "\n# {title}\n$ ftp-cli {shown}\n{said}\nexit code {exit}"
        )
        .unwrap();
        self.count += 1;
    }

    /// No line comes twice, and no sentence of one in another.
    fn says_once(&self, title: &str, said: &[&str]) {
        for (index, line) in said
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            assert!(!said[index + 1..].contains(line), "{title}: {said:?}");
        }
        let sentences: Vec<_> = said.iter().flat_map(|line| line.split(": ")).collect();
        for (index, sentence) in sentences.iter().enumerate() {
            let is_again = |later: &&&str| sentence.len() > 15 && later.contains(sentence);
            assert!(
                !sentences[index + 1..].iter().any(|later| is_again(&later)),
                "{title}: {said:?}"
            );
        }
    }

    /// Without what is another each time, or on another computer.
    fn plain(&self, text: &str) -> String {
        let here = self.here.path();
        let replaced = self.replaced.iter().map(|(it, by)| (it.as_str(), *by));
        let text = [
            (here.as_str(), "HERE"),
            (
                "Temporary failure in name resolution",
                "Name or service not known",
            ),
        ]
        .into_iter()
        .chain(replaced)
        .fold(text.to_owned(), |text, (it, by)| text.replace(it, by));
        // How many bytes went out before a refusal came.
        let mut parts = text.split("failed after ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            format!(
                "{text}failed after N{}",
                part.trim_start_matches(|it: char| it.is_ascii_digit())
            )
        })
    }

    fn replace(&mut self, address: impl ToString, by: &'static str) {
        // A port that was free may be another one's since.
        let address = address.to_string();
        self.replaced.retain(|(before, _)| *before != address);
        self.replaced.push((address, by));
    }
}

#[test]
fn every_error_says_what_was_tried_what_came_and_what_to_do_once() {
    let here = TestDirectory::new();
    here.write("file", "content");
    here.write("other", "x");
    std::fs::create_dir(here.0.join("directory")).unwrap();
    let mut page = Page {
        text: String::new(),
        count: 0,
        replaced: Vec::new(),
        here,
    };
    usage(&mut page);
    connections(&mut page);
    certificates(&mut page);
    files::files_of_the_server(&mut page);
    files::local_files(&mut page);
    files::transfers(&mut page);
    files::mirrors(&mut page);
    serving(&mut page);
    assert!(page.count >= 40, "{}", page.count);
    let head = "What ftp-cli says of errors. Written by the test `cli_errors`: see there.\n";
    let text = format!("{head}{}", page.text);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/main/cli_errors.txt");
    if std::env::var_os("FTP_CLI_WRITE_ERRORS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    for (now, before) in text.split("\n# ").zip(known.split("\n# ")) {
        assert_eq!(now, before);
    }
    assert_eq!(text, known);
}

fn usage(page: &mut Page) {
    page.section("The command line");
    page.says(
        "a scheme that is not FTP's",
        2,
        &["get", "https://example.com/file"],
    );
    page.says("SFTP", 2, &["ls", "sftp://example.com/"]);
    page.says("no host", 2, &["ls", "ftp://anna@/"]);
    page.says("no such port", 2, &["ls", "ftp://anna@example.com:66000/"]);
    page.says(
        "a # in the password",
        2,
        &["ls", "ftp://anna:a#b@example.com/"],
    );
    page.says(
        "a directory for get",
        2,
        &["get", "ftp://anna@example.com/reports/"],
    );
    page.says(
        "a conversion that is not done",
        2,
        &["get", "ftp://anna@example.com/a.txt;type=a"],
    );
    page.says(
        "one name for two files",
        2,
        &["get", "ftp://a@example.com/x/f", "ftp://a@example.com/y/f"],
    );
    page.says(
        "no directory to put it into",
        2,
        &["get", "ftp://a@example.com/f", "-o", "missing/"],
    );
    page.says("no URL for put", 2, &["put", "file", "other"]);
    page.says(
        "a directory for put",
        2,
        &["put", "directory", "ftp://anna@example.com/"],
    );
    page.says(
        "several files for one name",
        2,
        &["put", "file", "other", "ftp://anna@example.com/name"],
    );
    page.says("two directories here", 2, &["mirror", "directory", "other"]);
    page.says(
        "an option with a slip of the pen",
        2,
        &["get", "--parallels", "2", "ftp://a@example.com/f"],
    );
    page.says(
        "a rate that is none",
        2,
        &["get", "--limit-rate", "fast", "ftp://a@example.com/f"],
    );
    page.says(
        "a time that is none",
        2,
        &["get", "--timeout", "-1", "ftp://a@example.com/f"],
    );
    page.says(
        "options that exclude each other",
        2,
        &[
            "put",
            "--append",
            "--atomic",
            "file",
            "ftp://a@example.com/f",
        ],
    );
    page.says(
        "all of a server",
        2,
        &["rm", "-r", "ftp://anna@example.com/"],
    );
    page.says(
        "from one server to another",
        2,
        &["mv", "ftp://anna@example.com/a", "ftp://anna@example.org/a"],
    );
    page.says(
        "no such file of passwords",
        2,
        &[
            "ls",
            "--password-file",
            "missing",
            "ftp://anna@example.com/",
        ],
    );
    page.says(
        "a file of certificates that has none",
        2,
        &["ls", "--ca", "file", "ftp://anna@example.com/"],
    );
    page.says(
        "a hash that is none",
        2,
        &["ls", "--cert-sha256", "abc", "ftp://anna@example.com/"],
    );
    page.says(
        "bytes to decode that are not there",
        2,
        &["decode", "replies", "missing"],
    );
}

/// One line of a server that greets with this.
fn greeted(page: &mut Page, title: &str, exit: i32, options: &[&str], steps: Vec<Step>) {
    let (address, server) = scripted(steps);
    page.replace(address, "SERVER");
    let url = format!("ftp://anna@{address}/file");
    page.says(
        title,
        exit,
        &[&["get", "--retries", "0"], options, &[&url]].concat(),
    );
    server.join().unwrap();
}

fn connections(page: &mut Page) {
    page.section("Connections and logins");
    page.says(
        "no such host",
        4,
        &["ls", "--retries", "0", "ftp://anna@ftp.invalid/"],
    );
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    page.replace(address, "NOBODY");
    page.says(
        "nobody listens",
        4,
        &["ls", "--retries", "0", &format!("ftp://anna@{address}/")],
    );
    greeted(page, "silence", 4, &["--timeout", "1"], vec![Silence]);
    greeted(
        page,
        "not FTP",
        5,
        &[],
        vec![Say(b"SSH-2.0-OpenSSH_9.6\r\n"), Silence],
    );
    greeted(
        page,
        "too many clients",
        4,
        &[],
        vec![Say(b"421 Too many connections.\r\n")],
    );
    greeted(
        page,
        "no TLS there",
        3,
        &[],
        vec![
            Say(b"220 Ready.\r\n"),
            Hear("AUTH TLS"),
            Say(b"502 No.\r\n"),
            Silence,
        ],
    );
    greeted(
        page,
        "the connection ends in the login",
        4,
        PLAIN,
        vec![Say(b"220 Ready.\r\n"), Hear("USER")],
    );
    greeted(
        page,
        "an account is needed",
        3,
        PLAIN,
        vec![
            Say(b"220 Ready.\r\n"),
            Hear("USER"),
            Say(b"331 Password?\r\n"),
            Hear("PASS"),
            Say(b"332 Account?\r\n"),
            Silence,
        ],
    );
    let server = Server::start_with(&["--max-attempts", "9"]);
    page.replace(server.address, "SERVER");
    page.says(
        "TLS is demanded",
        3,
        &[
            "get",
            "--plaintext",
            "--retries",
            "0",
            &format!("{}/file", server.url("ftp", "anna")),
        ],
    );
}

fn certificates(page: &mut Page) {
    page.section("Certificates");
    for (title, name, is_expired) in [
        ("an unknown authority", "127.0.0.1", false),
        ("another name", "camera.local", false),
        ("an expired certificate", "127.0.0.1", true),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if is_expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let certificate = params.self_signed(&key).unwrap().pem();
        page.here.write("certificate.pem", certificate);
        page.here.write("key.pem", key.serialize_pem());
        let path = |name| page.here.0.join(name).to_str().unwrap().to_owned();
        let server = Server::start_with(&[
            "--cert",
            &path("certificate.pem"),
            "--key",
            &path("key.pem"),
        ]);
        page.replace(server.address, "SERVER");
        let url = format!("{}/file", server.url("ftp", "anna"));
        let trust: &[&str] = if title == "an unknown authority" {
            &[]
        } else {
            &["--ca", "certificate.pem"]
        };
        page.says(
            title,
            6,
            &[&["get", "--retries", "0"], trust, &[&url]].concat(),
        );
        if title == "an unknown authority" {
            let url = format!("{}/file", server.url("ftps", "anna"));
            page.says(
                "ftps:// at a port of ftp://",
                6,
                &["get", "--retries", "0", &url],
            );
        }
    }
}

fn serving(page: &mut Page) {
    page.section("A server");
    page.says("no users file", 2, &["serve", "--users", "missing"]);
    page.says("neither users nor anonymous", 2, &["serve"]);
    page.here.write("users", "anna:secret\n");
    page.says(
        "a password in place of its hash",
        2,
        &["serve", "--users", "users"],
    );
    page.here.write("users.toml", "[anna]\npassword = 1\n");
    page.says(
        "a table that is wrong",
        2,
        &["serve", "--users", "users.toml"],
    );
    page.here.write("users.toml", "[anna\n");
    page.says("no TOML", 2, &["serve", "--users", "users.toml"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    page.replace(address, "TAKEN");
    page.says(
        "the port is taken",
        4,
        &[
            "serve",
            "--anonymous=directory",
            "--listen",
            &address.to_string(),
        ],
    );
    page.says(
        "an address that is none",
        2,
        &["serve", "--anonymous=directory", "--listen", "localhost"],
    );
    page.says(
        "an address of somebody else",
        4,
        &[
            "serve",
            "--anonymous=directory",
            "--listen",
            "192.0.2.1:2121",
        ],
    );
    page.says(
        "no directory to serve",
        2,
        &["serve", "--user", "anna", "--root", "missing"],
    );
    page.says(
        "a certificate without its key",
        2,
        &[
            "serve",
            "--anonymous=directory",
            "--cert",
            "certificate.pem",
        ],
    );
    page.says(
        "a key that is none",
        2,
        &[
            "serve",
            "--anonymous=directory",
            "--cert",
            "certificate.pem",
            "--key",
            "file",
        ],
    );
    page.says(
        "ports that are none",
        2,
        &["serve", "--anonymous=directory", "--passive-ports", "9-1"],
    );
    page.says(
        "a limit that is none",
        2,
        &["serve", "--anonymous=directory", "--quota", "lots"],
    );
}
