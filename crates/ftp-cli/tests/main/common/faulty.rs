//! A server of a few files that does what a test tells it to do wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{PATIENCE, Program, SENTINEL};

/// What it does wrong about a command.
#[derive(Clone, Default)]
pub enum Fault {
    #[default]
    None,
    /// It answers this, and does nothing.
    Reply(String),
    /// After so many bytes of data it ends the data connection, and says that it failed.
    CutAfter(usize),
    /// After so many bytes of data it ends both connections.
    VanishAfter(usize),
    /// After so many bytes of data it says that all is done.
    DoneAfter(usize),
    /// It says nothing any more.
    Hang,
    /// It sends these bytes instead.
    Send(Vec<u8>),
    /// It sends nothing, and then answers this.
    EndWith(&'static str),
    /// It moves all, and then answers this.
    Deny(&'static str),
}

type Decide = dyn Fn(&str, usize) -> Fault + Send + Sync;

/// Files by their paths, and directories by theirs, which are empty.
type Files = BTreeMap<String, Option<Vec<u8>>>;

pub struct Faulty {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    files: Mutex<Files>,
    commands: Mutex<Vec<String>>,
    decide: Box<Decide>,
}

impl Faulty {
    /// `decide` is asked for each command but those of a login, with how many of the same line came before.
    pub fn start(
        files: &[(&str, &[u8])],
        decide: impl Fn(&str, usize) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let own = |(path, bytes): &(&str, &[u8])| ((*path).to_owned(), Some(bytes.to_vec()));
        let shared = Arc::new(Shared {
            files: Mutex::new(files.iter().map(own).collect()),
            commands: Mutex::default(),
            decide: Box::new(decide),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&shared);
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || Session::new(stream.unwrap(), shared).run());
            }
        });
        Self { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("ftp://anna@{}/{path}", self.address)
    }

    /// The program with these words, without TLS.
    pub fn program(&self, words: &[&str]) -> Program {
        self.retrying(words, "0")
    }

    /// The same, which tries so often again.
    pub fn retrying(&self, words: &[&str], retries: &str) -> Program {
        let options = ["--plaintext", "--retries", retries];
        Program::new(words.iter().chain(&options)).env("FTP_PASSWORD", SENTINEL)
    }

    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.shared
            .files
            .lock()
            .unwrap()
            .get(path)
            .cloned()
            .flatten()
    }

    pub fn paths(&self) -> Vec<String> {
        self.shared.files.lock().unwrap().keys().cloned().collect()
    }

    /// The commands that begin with this word.
    pub fn heard(&self, verb: &str) -> Vec<String> {
        let commands = self.shared.commands.lock().unwrap();
        let is_wanted = |line: &&String| line.starts_with(verb);
        commands.iter().filter(is_wanted).cloned().collect()
    }
}

struct Session {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    shared: Arc<Shared>,
    passive: Option<TcpListener>,
    active: Option<SocketAddr>,
    offset: usize,
    from: String,
}

impl Session {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            reader: BufReader::new(stream.try_clone().unwrap()),
            writer: stream,
            shared,
            passive: None,
            active: None,
            offset: 0,
            from: String::new(),
        }
    }

    fn run(mut self) {
        self.say("220 Ready.");
        let mut line = String::new();
        while self
            .reader
            .read_line(&mut line)
            .is_ok_and(|count| count > 0)
        {
            let command = line.trim_end().to_owned();
            line.clear();
            let before = self.remember(&command);
            let is_login = ["USER", "PASS", "TYPE", "EPSV", "QUIT"];
            let fault = match is_login.iter().any(|verb| command.starts_with(verb)) {
                true => Fault::None,
                false => (self.shared.decide)(&command, before),
            };
            if let Fault::Reply(reply) = fault {
                self.say(&reply);
                continue;
            }
            if matches!(fault, Fault::Hang) {
                loop {
                    thread::park();
                }
            }
            if self.obey(&command, &fault).is_none() {
                return;
            }
        }
    }

    fn remember(&self, command: &str) -> usize {
        let mut commands = self.shared.commands.lock().unwrap();
        let before = commands.iter().filter(|line| *line == command).count();
        commands.push(command.to_owned());
        before
    }

    fn say(&mut self, reply: &str) {
        // The client may be gone.
        let _ = self.writer.write_all(format!("{reply}\r\n").as_bytes());
    }

    /// `None`: it leaves.
    fn obey(&mut self, command: &str, fault: &Fault) -> Option<()> {
        let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
        let path = path.to_owned();
        let found = self.shared.files.lock().unwrap().get(&path).cloned();
        match (verb, found) {
            ("USER", _) => self.say("331 Password?"),
            ("PASS", _) => self.say("230 Welcome."),
            ("TYPE" | "NOOP" | "OPTS" | "ABOR", _) => self.say("200 Fine."),
            ("FEAT", _) => self.say(
                "211-Features\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n HASH SHA-256*\r\n211 End",
            ),
            ("PWD", _) => self.say("257 \"/\""),
            ("CWD", Some(Some(_))) => self.say("550 It is a file."),
            ("CWD", _) => self.say("250 Fine."),
            ("EPSV", _) => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                self.passive = Some(listener);
                self.say(&format!("229 Passive (|||{port}|)"));
            }
            ("PORT", _) => {
                let numbers: Vec<u16> = path.split(',').map(|n| n.parse().unwrap()).collect();
                let port = numbers[4] * 256 + numbers[5];
                self.active = Some(SocketAddr::new([127, 0, 0, 1].into(), port));
                self.say("200 Fine.");
            }
            ("SIZE", Some(Some(bytes))) => self.say(&format!("213 {}", bytes.len())),
            ("MDTM", Some(Some(_))) => self.say("213 20240501120000"),
            ("REST", _) => {
                self.offset = path.parse().unwrap();
                self.say("350 Fine.");
            }
            ("RETR", Some(Some(bytes))) => {
                let offset = std::mem::take(&mut self.offset);
                return self.send(&bytes[offset..], fault);
            }
            ("MLSD", _) => {
                let listing = self.listing(&path);
                return self.send(&listing, fault);
            }
            ("STOR" | "APPE", _) => return self.receive(verb, &path, fault),
            ("MKD", None) => {
                self.shared.files.lock().unwrap().insert(path, None);
                self.say("257 \"made\"");
            }
            ("DELE", Some(Some(_))) | ("RMD", Some(None)) => {
                self.shared.files.lock().unwrap().remove(&path);
                self.say("250 Gone.");
            }
            ("RNFR", Some(_)) => {
                self.from = path;
                self.say("350 To what?");
            }
            ("RNTO", None) => {
                let mut files = self.shared.files.lock().unwrap();
                let moved = files.remove(&self.from).unwrap();
                files.insert(path, moved);
                drop(files);
                self.say("250 Renamed.");
            }
            ("QUIT", _) => {
                self.say("221 Bye.");
                return None;
            }
            ("SIZE" | "MDTM" | "RETR" | "DELE" | "RMD" | "MKD" | "RNFR" | "RNTO" | "MLST", _) => {
                self.say("550 No.");
            }
            _ => self.say("502 What?"),
        }
        Some(())
    }

    fn listing(&self, directory: &str) -> Vec<u8> {
        let files = self.shared.files.lock().unwrap();
        let mut names = BTreeMap::new();
        for (path, content) in files.iter() {
            let below = match directory {
                "" => Some(path.as_str()),
                directory => path
                    .strip_prefix(directory)
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            let Some(below) = below else { continue };
            match (below.split_once('/'), content) {
                (None, Some(bytes)) => {
                    names.insert(below, format!("type=file;size={}", bytes.len()))
                }
                (None, None) => names.insert(below, "type=dir".to_owned()),
                (Some((name, _)), _) => names.insert(name, "type=dir".to_owned()),
            };
        }
        let line = |(name, facts): (&&str, &String)| {
            format!("{facts};modify=20240501120000; {name}\r\n").into_bytes()
        };
        names.iter().flat_map(line).collect()
    }

    fn data(&mut self) -> TcpStream {
        match self.active.take() {
            Some(address) => TcpStream::connect(address).unwrap(),
            None => self.passive.take().unwrap().accept().unwrap().0,
        }
    }

    fn send(&mut self, bytes: &[u8], fault: &Fault) -> Option<()> {
        self.say("150 Here it comes.");
        let mut data = self.data();
        let bytes = match fault {
            Fault::Send(others) => others.as_slice(),
            Fault::EndWith(_) => &[],
            Fault::CutAfter(count) | Fault::VanishAfter(count) | Fault::DoneAfter(count) => {
                &bytes[..bytes.len().min(*count)]
            }
            _ => bytes,
        };
        // The client may have gone.
        let _ = data.write_all(bytes);
        let _ = data.shutdown(Shutdown::Write);
        // It has read all before it hears anything else.
        let _ = data.read_to_end(&mut Vec::new());
        self.end(fault)
    }

    fn receive(&mut self, verb: &str, path: &str, fault: &Fault) -> Option<()> {
        self.say("150 Send it.");
        let mut data = self.data();
        let offset = std::mem::take(&mut self.offset);
        let mut bytes = self
            .shared
            .files
            .lock()
            .unwrap()
            .get(path)
            .cloned()
            .flatten();
        let bytes = bytes.get_or_insert_default();
        if verb == "STOR" {
            bytes.truncate(offset);
        }
        let mut came = Vec::new();
        match fault {
            Fault::CutAfter(count) | Fault::VanishAfter(count) | Fault::DoneAfter(count) => {
                let _ = (&mut data).take(*count as u64).read_to_end(&mut came);
            }
            _ => drop(data.read_to_end(&mut came)),
        }
        drop(data);
        bytes.extend(came);
        let mut files = self.shared.files.lock().unwrap();
        files.insert(path.to_owned(), Some(std::mem::take(bytes)));
        drop(files);
        self.end(fault)
    }

    fn end(&mut self, fault: &Fault) -> Option<()> {
        match fault {
            Fault::VanishAfter(_) => return None,
            Fault::CutAfter(_) => self.say("426 Something broke."),
            Fault::EndWith(reply) | Fault::Deny(reply) => self.say(reply),
            _ => self.say("226 Done."),
        }
        Some(())
    }
}
