//! Servers that follow a script, and logins to them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::Step::{Hear, Say};
use super::{PATIENCE, Program, Run, SENTINEL};

/// The options of a login without TLS.
pub const PLAIN: &[&str] = &["--plaintext"];

/// A step of a scripted server.
#[derive(Clone)]
pub enum Step {
    /// Send these bytes.
    Say(&'static [u8]),
    /// Wait for a line that begins with this.
    Hear(&'static str),
    /// Wait for a byte, whatever it is.
    HearAnything,
    /// Say nothing until the program closes the connection.
    Silence,
}

/// A server that says and expects exactly this on its one connection, then closes.
pub fn scripted(steps: Vec<Step>) -> (SocketAddr, JoinHandle<()>) {
    scripted_connections(vec![steps])
}

/// The same for several connections, one after the other.
pub fn scripted_connections(connections: Vec<Vec<Step>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for steps in connections {
            let (stream, _) = listener.accept().unwrap();
            play(stream, steps);
        }
    });
    (address, server)
}

fn play(stream: TcpStream, steps: Vec<Step>) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    for step in steps {
        match step {
            Step::Say(bytes) => writer.write_all(bytes).unwrap(),
            Step::Hear(start) => {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                assert!(line.starts_with(start), "{line:?} came, not {start:?}");
            }
            Step::HearAnything => assert!(!reader.fill_buf().unwrap().is_empty()),
            Step::Silence => {
                let mut rest = Vec::new();
                // However the program leaves, it is gone.
                let _ = reader.read_to_end(&mut rest);
            }
        }
    }
}

/// A server that asks every user for a password, refuses it, and writes down what it hears.
pub fn recorded() -> (SocketAddr, Recording) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let lines = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut lines = Vec::new();
        let mut say = |reply: &str| writer.write_all(reply.as_bytes()).is_ok();
        say("220 Ready.\r\n");
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { break };
            let reply = match line.get(..4) {
                Some(b"USER") => "331 Password?\r\n",
                Some(b"PASS") => "530 No.\r\n",
                _ => "221 Bye.\r\n",
            };
            if reply != "221 Bye.\r\n" {
                lines.push(line.strip_suffix(b"\r").unwrap().to_vec());
            }
            if !say(reply) {
                break;
            }
        }
        lines
    });
    (address, Recording { address, lines })
}

/// What a [`recorded`] server hears.
pub struct Recording {
    address: SocketAddr,
    lines: JoinHandle<Vec<Vec<u8>>>,
}

impl Recording {
    /// USER and PASS of its one client, without line ends; none if no client came.
    pub fn lines(self) -> Vec<Vec<u8>> {
        // If nobody has come, this is somebody who leaves at once.
        drop(TcpStream::connect(self.address));
        self.lines.join().unwrap()
    }
}

/// Runs `login --json` as anna against a script.
pub fn login_to_script(steps: Vec<Step>, options: &[&str]) -> Run {
    login_shown_to_script(steps, &[&["--json"], options].concat())
}

/// The same without `--json`.
pub fn login_shown_to_script(steps: Vec<Step>, options: &[&str]) -> Run {
    let (address, server) = scripted(steps);
    let url = format!("ftp://anna@{address}");
    let run = Program::new(["login"].iter().chain(options).chain([&url.as_str()]))
        .env("FTP_PASSWORD", SENTINEL)
        .run();
    server.join().unwrap();
    run
}

/// How the login ended, by its exit code and its report.
pub fn check(run: &Run, exit: i32, outcome: &str, phase: &str, code: Option<u16>) {
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

/// The steps after a greeting.
pub fn after_greeting(steps: Vec<Step>) -> Vec<Step> {
    [vec![Say(b"220 Ready.\r\n")], steps]
        .into_iter()
        .flatten()
        .collect()
}

/// The steps after the password.
pub fn after_user(steps: Vec<Step>) -> Vec<Step> {
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
