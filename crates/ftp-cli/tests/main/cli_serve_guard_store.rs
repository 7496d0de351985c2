//! `serve --guard-store`: front ends that share what their guards know. The store is one of the
//! tests', which speaks as much of Redis' protocol as is needed.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Peer, Program, SENTINEL, Server, TestFile, sentinel_hash};

type Snapshots = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A store that takes a password, if there is one, and has one hash.
struct Store {
    address: SocketAddr,
    snapshots: Snapshots,
    /// All commands but those of the hash.
    said: Arc<Mutex<Vec<String>>>,
}

impl Store {
    fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let store = Self {
            address: listener.local_addr().unwrap(),
            snapshots: Snapshots::default(),
            said: Arc::default(),
        };
        let (snapshots, said) = (store.snapshots.clone(), store.said.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (snapshots, said) = (snapshots.clone(), said.clone());
                thread::spawn(move || serve(client.unwrap(), &snapshots, &said));
            }
        });
        store
    }

    fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Waits until the snapshots are as wanted.
    fn comes_to(&self, is_wanted: impl Fn(&BTreeMap<String, Vec<u8>>) -> bool) {
        for _ in 0..3000 {
            if is_wanted(&self.snapshots.lock().unwrap()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{:?}", self.snapshots.lock().unwrap());
    }

    fn length(&self, name: &str) -> usize {
        self.snapshots.lock().unwrap()[name].len()
    }
}

fn serve(client: TcpStream, snapshots: &Snapshots, said: &Mutex<Vec<String>>) {
    let mut client = BufReader::new(client);
    while let Some(words) = command(&mut client) {
        let text = |at: usize| String::from_utf8(words[at].clone()).unwrap();
        let mut answer = Vec::new();
        match &*text(0) {
            "HGETALL" => {
                let all = snapshots.lock().unwrap();
                answer.extend(format!("*{}\r\n", 2 * all.len()).bytes());
                for (name, snapshot) in &*all {
                    for word in [name.as_bytes(), snapshot] {
                        answer.extend(format!("${}\r\n", word.len()).bytes());
                        answer.extend(word);
                        answer.extend(b"\r\n");
                    }
                }
            }
            "HSET" => {
                snapshots.lock().unwrap().insert(text(2), words[3].clone());
                answer.extend(b":1\r\n");
            }
            _ => {
                let words: Vec<_> = (0..words.len()).map(text).collect();
                said.lock().unwrap().push(words.join(" "));
                answer.extend(b"+OK\r\n");
            }
        }
        // The program may have ended.
        if client.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

/// The words of a command; `None` at the end.
fn command(client: &mut BufReader<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let number = |client: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        client.read_line(&mut line).ok()?;
        line.get(1..)?.trim().parse::<usize>().ok()
    };
    let count = number(client)?;
    (0..count)
        .map(|_| {
            let mut word = vec![0; number(client)? + 2];
            client.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(word)
        })
        .collect()
}

fn seed(last: char) -> TestFile {
    TestFile::new(format!("0123456789abcdef0123456789abcde{last}\n"))
}

fn front_end(name: &str, url: &str, seed: &TestFile) -> Server {
    let hash = sentinel_hash();
    let options = [
        "--danger-optional-tls",
        "--guard",
        "user-at-address=2",
        "--guard-store",
        url,
        "--guard-seed",
        &seed.path(),
        "--guard-name",
        name,
    ];
    Server::start_with_users(format!("anna:{hash}\nbob:{hash}\n"), &options)
}

fn lock_out(server: &Server, user: &str) {
    let mut peer = Peer::connect(server);
    for _ in 0..2 {
        peer.ask(&format!("USER {user}"));
        assert!(peer.ask("PASS wrong").starts_with("530 "));
    }
}

fn log_in(server: &Server, user: &str) -> String {
    let mut peer = Peer::connect(server);
    peer.ask(&format!("USER {user}"));
    peer.ask(&format!("PASS {SENTINEL}"))
}

#[test]
fn a_lockout_holds_at_all_front_ends_and_after_a_restart() {
    let store = Store::start("127.0.0.1:0");
    let seed = seed('f');
    let first = front_end("first", &store.url(), &seed);
    let second = front_end("second", &store.url(), &seed);
    store.comes_to(|all| all.len() == 2);
    let empty = store.length("second");
    lock_out(&first, "anna");
    // The second has merged it, and says so in a snapshot of its own.
    store.comes_to(|all| all["second"].len() > empty && all["second"].len() == all["first"].len());
    assert!(log_in(&second, "anna").starts_with("530 "));
    second.log_has("locked out", "right=true");
    assert!(log_in(&second, "bob").starts_with("230 "));
    first.stop("-TERM");
    let again = front_end("first", &store.url(), &seed);
    let other = front_end("third", &store.url(), &seed);
    store.comes_to(|all| all.get("third").is_some_and(|it| it.len() > empty));
    assert!(log_in(&other, "anna").starts_with("530 "));
    drop(again);
}

#[test]
fn without_its_store_a_guard_goes_on_alone_until_it_is_back() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("redis://{free}");
    let server = front_end("alone", &url, &seed('f'));
    server.log_has("the guard's store is away", &free.to_string());
    assert!(log_in(&server, "bob").starts_with("230 "));
    lock_out(&server, "anna");
    assert!(log_in(&server, "anna").starts_with("530 "));
    let store = Store::start(&free.to_string());
    server.log_has("the guard's store is back", "");
    store.comes_to(|all| all.contains_key("alone"));
    let log = server.stop("-TERM").2;
    assert_eq!(log.matches("is away").count(), 1, "{log}");
}

#[test]
fn another_seed_is_said_once_and_changes_nothing() {
    let store = Store::start("127.0.0.1:0");
    let first = front_end("first", &store.url(), &seed('f'));
    lock_out(&first, "anna");
    store.comes_to(|all| all.len() == 1);
    let second = front_end("second", &store.url(), &seed('0'));
    second.log_has("cannot use what another guard knows", "first");
    assert!(log_in(&second, "anna").starts_with("230 "));
    // At least one more exchange.
    store.snapshots.lock().unwrap().remove("second");
    store.comes_to(|all| all.contains_key("second"));
    let log = second.stop("-TERM").2;
    assert_eq!(log.matches("cannot use").count(), 1, "{log}");
}

#[test]
fn the_password_of_the_store_is_sent_and_never_shown() {
    let store = Store::start("127.0.0.1:0");
    let (users, seed) = (TestFile::new(""), seed('f'));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftp-cli"));
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--anonymous",
            "--guard-name",
            "one",
        ])
        .args(["--guard-store", &store.url(), "--guard-seed", &seed.path()])
        .env("FTP_GUARD_STORE_PASSWORD", SENTINEL)
        .stdin(Stdio::null());
    let server = Server::of_command(command, users);
    store.comes_to(|all| all.contains_key("one"));
    // It searches its output.
    server.stop("-TERM");
    let said = store.said.lock().unwrap();
    assert!(
        said.iter().any(|it| it == &format!("AUTH {SENTINEL}")),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_shared_is_a_usage_error() {
    let good = seed('f');
    let short = TestFile::new("0123456789abcdef");
    let odd = TestFile::new(format!("+{}", "0".repeat(31)));
    let (good, short, odd) = (good.path(), short.path(), odd.path());
    let url = "redis://127.0.0.1:1";
    for (options, named) in [
        (&["--guard-store", url][..], "--guard-seed"),
        (&["--guard-seed", &good], "--guard-store"),
        (
            &["--guard-store", url, "--guard-seed", &good],
            "--guard-name",
        ),
        (
            &[
                "--guard-store",
                url,
                "--guard-seed",
                &short,
                "--guard-name",
                "a",
            ],
            "32 hexadecimal digits",
        ),
        (
            &[
                "--guard-store",
                url,
                "--guard-seed",
                &odd,
                "--guard-name",
                "a",
            ],
            "32 hexadecimal digits",
        ),
        (
            &[
                "--guard-store",
                "http://x",
                "--guard-seed",
                &good,
                "--guard-name",
                "a",
            ],
            "not the address of a Redis server",
        ),
        (
            &[
                "--guard-store",
                url,
                "--guard-seed",
                &good,
                "--guard-name",
                "a",
                "--danger-no-guard",
            ],
            "--danger-no-guard",
        ),
    ] {
        let first = ["serve", "--listen", "127.0.0.1:0", "--anonymous"];
        let run = Program::new(first.iter().chain(options)).run();
        assert_eq!(run.code, 2, "{options:?}: {run:?}");
        assert!(run.stderr.contains(named), "{named}: {run:?}");
    }
}
