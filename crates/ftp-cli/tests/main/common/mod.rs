//! Running the program, and being its peer byte by byte.
#![allow(unreachable_pub)]

pub mod faulty;
pub mod ftp;
mod peer;
mod script;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::mem::take;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

pub use peer::Peer;
pub use script::{
    PLAIN, Step, after_greeting, after_user, check, login_shown_to_script, login_to_script,
    recorded, scripted, scripted_connections,
};

/// The password of all tests. No output may ever hold it.
pub const SENTINEL: &str = "correct-horse-SENTINEL";
/// The account of all tests. No output may ever hold it.
pub const ACCOUNT_SENTINEL: &str = "payroll-SENTINEL";

/// How long a scripted peer waits for the program: for ever, as tests go.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Standard output as one JSON object and nothing else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as one JSON object a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A run of the program in an environment that holds nothing of the user's.
pub struct Program {
    command: Command,
    input: Vec<u8>,
}

impl Program {
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ftp-cli"));
        command
            .args(arguments)
            .env_remove("FTP_PASSWORD")
            .env_remove("NETRC")
            .env("HOME", empty_home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            input: Vec::new(),
        }
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The same, started by this command of a shell.
    pub fn of_shell<A: AsRef<OsStr>>(
        shell: &[&str],
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut program = Self::new(arguments);
        let mut command = Command::new(shell[0]);
        command
            .args(&shell[1..])
            .arg(program.command.get_program())
            .args(program.command.get_args())
            .env_remove("NETRC")
            .env("HOME", empty_home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program.command = command;
        program
    }

    /// In this directory.
    pub fn directory(mut self, path: &std::path::Path) -> Self {
        self.command.current_dir(path);
        self
    }

    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Runs to the end; no secret may have been shown.
    pub fn run(self) -> Run {
        let run = self.run_unchecked();
        for secret in [SENTINEL, ACCOUNT_SENTINEL] {
            assert!(!run.stdout.contains(secret), "{run:?}");
            assert!(!run.stderr.contains(secret), "{run:?}");
        }
        run
    }

    /// Runs to the end: the exit code and standard output, which is no text.
    pub fn run_bytes(mut self) -> (i32, Vec<u8>) {
        let output = self.command.output().unwrap();
        (output.status.code().unwrap(), output.stdout)
    }

    /// Runs until this is so, and is killed then.
    pub fn killed_when(mut self, is_time: impl Fn() -> bool) {
        let mut child = Process(self.command.spawn().unwrap());
        while !is_time() {
            thread::sleep(Duration::from_millis(5));
        }
        child.0.kill().unwrap();
        child.0.wait().unwrap();
    }

    /// Runs until Ctrl-C is pressed when this is so, and again when the program has answered. Its exit code.
    pub fn interrupted_twice(mut self, is_time: impl Fn() -> bool) -> i32 {
        let mut child = Process(self.command.spawn().unwrap());
        while !is_time() {
            thread::sleep(Duration::from_millis(5));
        }
        let id = child.0.id().to_string();
        let interrupt = || {
            let kill = Command::new("kill").args(["-INT", &id]).status();
            assert!(kill.unwrap().success());
        };
        let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
        interrupt();
        let mut line = String::new();
        while !line.contains("Ctrl-C") {
            line.clear();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
        }
        interrupt();
        child.0.wait().unwrap().code().unwrap()
    }

    /// Runs to the end, which is brought on with Ctrl-C as soon as this is so.
    pub fn interrupted_when(self, is_time: impl Fn() -> bool) -> Run {
        self.signalled_when(is_time, |signal| signal("-INT"))
    }

    /// Runs to the end. When this is so it gets the signals that `send` sends.
    pub fn signalled_when(
        mut self,
        is_time: impl Fn() -> bool,
        send: impl FnOnce(&dyn Fn(&str)),
    ) -> Run {
        let child = self.command.spawn().unwrap();
        while !is_time() {
            thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        send(&|signal| {
            let kill = Command::new("kill").args([signal, &id]).status();
            assert!(kill.unwrap().success());
        });
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs to the end.
    pub fn run_unchecked(mut self) -> Run {
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        // The program may end without having read it.
        let writer = thread::spawn(move || stdin.write_all(&input).is_ok());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A file for one test, gone with it.
pub struct TestFile(pub PathBuf);

impl TestFile {
    pub fn new(content: impl AsRef<[u8]>) -> Self {
        Self::ending(content, "")
    }

    /// With this end of its name, such as `.toml`.
    pub fn ending(content: impl AsRef<[u8]>, end: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}{end}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        Self(path)
    }

    pub fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }
}

/// A directory for one test, gone with it.
pub struct TestDirectory(pub PathBuf);

impl TestDirectory {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("directory-{}-{number}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    /// What is in it, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let names = entries.map(|entry| name(entry).into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).unwrap();
    }

    /// What a file has; `None` if there is none.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(name)).ok()
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn empty_home() -> PathBuf {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("empty-home");
    fs::create_dir_all(&home).unwrap();
    home
}

/// An argon2id hash of the sentinel password, made by the program.
pub fn sentinel_hash() -> String {
    let run = Program::new(["hash"]).input(format!("{SENTINEL}\n")).run();
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout.trim_end().to_owned()
}

/// `ftp-cli serve` on a free port, with the users `anna`, and `bob` who has an account.
pub struct Server {
    child: Process,
    pub address: SocketAddr,
    /// What it printed behind its address.
    stdout: JoinHandle<String>,
    lines: Receiver<String>,
    stderr: JoinHandle<()>,
    /// What it has logged so far.
    log: Arc<Mutex<String>>,
    pub users: TestFile,
}

/// A process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // If it has ended already, all is well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Server {
    /// Started so that tests can speak in clear, unless the options say something about TLS.
    pub fn start(options: &[&str]) -> Self {
        let says = |option: &&str| option.ends_with("-tls") || *option == "--implicit";
        if options.iter().any(says) {
            Self::start_with(options)
        } else {
            Self::start_with(&[&["--danger-optional-tls"], options].concat())
        }
    }

    /// Started with these options and no others.
    pub fn start_with(options: &[&str]) -> Self {
        let hash = sentinel_hash();
        let users = format!("anna:{hash}\nbob:{hash}:{ACCOUNT_SENTINEL}\n");
        Self::start_with_users(users, options)
    }

    /// The same with this users file.
    pub fn start_with_users(users: impl AsRef<[u8]>, options: &[&str]) -> Self {
        Self::start_with_users_file(TestFile::new(users), options)
    }

    /// The same with a users file of TOML.
    pub fn start_with_tables(users: impl AsRef<[u8]>, options: &[&str]) -> Self {
        let options = [&["--danger-optional-tls"], options].concat();
        Self::start_with_users_file(TestFile::ending(users, ".toml"), &options)
    }

    fn start_with_users_file(users: TestFile, options: &[&str]) -> Self {
        let path = users.path();
        let options = [&["--users", &path], options].concat();
        Self::launch(users, &options)
    }

    /// Started without a users file.
    pub fn start_without_users(options: &[&str]) -> Self {
        Self::launch(TestFile::new(""), options)
    }

    fn launch(users: TestFile, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ftp-cli"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null());
        Self::of_command(command, users)
    }

    /// What this command starts.
    pub fn of_command(mut command: Command, users: TestFile) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::<Mutex<String>>::default();
        let logged = log.clone();
        let stderr = thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).unwrap() > 0 {
                logged.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let Some(address) = first.strip_prefix("listening on ") else {
            child.wait().unwrap();
            stderr.join().unwrap();
            panic!("{first:?}: {}", log.lock().unwrap());
        };
        let (lines, later_lines) = channel();
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            while stdout.read_line(&mut text).unwrap() > 0 {
                let last = text.lines().next_back().unwrap_or_default();
                // Nobody may be waiting for lines any more.
                drop(lines.send(last.to_owned()));
            }
            text
        });
        let address = address.trim_end().parse().unwrap();
        Self {
            child: Process(child),
            address,
            stdout,
            lines: later_lines,
            stderr,
            log,
            users,
        }
    }

    /// Waits for a line of its log that has both.
    pub fn log_has(&self, message: &str, more: &str) {
        let has = |line: &str| line.contains(message) && line.contains(more);
        for _ in 0..3000 {
            if self.log.lock().unwrap().lines().any(has) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "no {message:?} with {more:?} in {}",
            self.log.lock().unwrap()
        );
    }

    /// Waits for the line of its output that begins with this, and gives the rest of it.
    pub fn next_line(&self, start: &str) -> String {
        loop {
            let line = self.lines.recv().unwrap();
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// A URL of it for this user.
    pub fn url(&self, scheme: &str, user: &str) -> String {
        format!("{scheme}://{user}@{}", self.address)
    }

    /// Runs `login` against it with the sentinel password.
    pub fn login(&self, options: &[&str], user: &str) -> Run {
        let url = self.url("ftp", user);
        Program::new(["login"].iter().chain(options).chain([&url.as_str()]))
            .env("FTP_PASSWORD", SENTINEL)
            .run()
    }

    /// Sends it a signal that does not end it.
    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.child.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Ends it with a signal, waits, and gives its exit status, output and log.
    pub fn stop(mut self, signal: &str) -> (ExitStatus, String, String) {
        let kill = Command::new("kill")
            .args([signal, &self.child.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let status = self.child.0.wait().unwrap();
        self.stderr.join().unwrap();
        let log = take(&mut *self.log.lock().unwrap());
        for secret in [SENTINEL, ACCOUNT_SENTINEL] {
            assert!(!log.contains(secret), "{log}");
        }
        (status, self.stdout.join().unwrap(), log)
    }
}
