//! Small transfers, whose bytes the session's own thread moves: the control connection is looked at all the while.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::Duration;

use ftp_blocking::ftp_files::{Entries, Facts, Files, Memory, Opened, WriteFile};
use ftp_blocking::ftp_proto::listing::FactNames;
use ftp_blocking::ftp_proto::server::{
    Attempt, Config, FileError, FilesConfig, Request, Rights, Security, StoreMode, Verdict,
    VirtualPath,
};
use ftp_blocking::ftp_proto::wire::Reply;
use ftp_blocking::{Handler, Server, SessionInfo, Shutdown};

struct Everybody;

impl Handler for Everybody {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept().rights(Rights::ALL)
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

/// A control connection by hand.
struct Control(BufReader<TcpStream>);

impl Control {
    fn login(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut control = Self(BufReader::new(stream));
        control.expect("220");
        for (command, code) in [("USER anna", "331"), ("PASS x", "230"), ("TYPE I", "200")] {
            control.say(command);
            control.expect(code);
        }
        control
    }

    fn say(&mut self, command: &str) {
        let line = format!("{command}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }

    /// The last line of a reply with this code.
    fn expect(&mut self, code: &str) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if !line.starts_with([' ', '-']) && line.get(3..4) != Some("-") {
                assert!(line.starts_with(code), "{code} was expected: {line:?}");
                return line;
            }
        }
    }

    /// The data connection of a transfer that has begun.
    fn begin(&mut self, command: &str) -> TcpStream {
        self.say("EPSV");
        let reply = self.expect("229");
        let port = reply.rsplit('|').nth(1).and_then(|port| port.parse().ok());
        let data = TcpStream::connect((Ipv4Addr::LOCALHOST, port.unwrap())).unwrap();
        self.say(command);
        self.expect("150");
        data
    }
}

/// A server of these files, as long as the client works.
fn serve(files: impl Files, client: impl FnOnce(u16)) {
    let config = Config::new().security(Security::DangerousPlaintext);
    let config = Arc::new(config.files(FilesConfig::new()));
    let server = Server::new(config, None).unwrap().files(files);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = Shutdown::new();
    thread::scope(|scope| {
        let serving = scope.spawn(|| server.serve(listener, Everybody, &shutdown));
        client(port);
        shutdown.stop();
        serving.join().unwrap().unwrap();
    });
}

/// The same, but its server may not wait for it.
struct Distant(Memory);

/// Panics when a directory is entered.
struct Panics(Memory);

macro_rules! files {
    ($name:ident, $is_local:expr, $enter:expr) => {
        impl Files for $name {
            fn is_local(&self) -> bool {
                $is_local
            }
            fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
                let enter: fn(&Memory, &VirtualPath) -> Result<(), FileError> = $enter;
                enter(&self.0, path)
            }
            fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
                self.0.facts(path, needed)
            }
            fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
                self.0.list(path, needed)
            }
            fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
                self.0.open(path, offset)
            }
            fn store(
                &self,
                path: &VirtualPath,
                mode: StoreMode,
            ) -> Result<Box<dyn WriteFile>, FileError> {
                self.0.store(path, mode)
            }
            fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
                self.0.remove(path)
            }
            fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
                self.0.make_directory(path)
            }
            fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
                self.0.remove_directory(path)
            }
            fn rename(
                &self,
                from: &VirtualPath,
                to: &VirtualPath,
                over: bool,
            ) -> Result<(), FileError> {
                self.0.rename(from, to, over)
            }
        }
    };
}

files!(Distant, false, |files, path| files.enter(path));
files!(Panics, true, |_, _| panic!("as it should"));

fn upload_that_waits(port: u16) {
    let mut control = Control::login(port);
    let mut data = control.begin("STOR a");
    data.write_all(b"some").unwrap();
    control.say("NOOP");
    control.expect("200");
    control.say("STAT");
    control.expect("211");
    data.write_all(b" more").unwrap();
    drop(data);
    control.expect("226");
    control.say("SIZE a");
    assert_eq!(control.expect("213"), "213 9\r\n");

    let mut data = control.begin("STOR a");
    data.write_all(b"given up").unwrap();
    control.say("ABOR");
    control.expect("426");
    control.expect("226");
    control.say("SIZE a");
    assert_eq!(control.expect("213"), "213 9\r\n");
}

#[test]
fn commands_are_answered_while_a_small_upload_waits() {
    serve(Memory::new(), upload_that_waits);
    serve(Distant(Memory::new()), upload_that_waits);
}

/// There is always something for the session's thread to do.
#[test]
fn a_command_is_answered_while_an_upload_trickles() {
    const MOST: usize = 12_000;
    serve(Memory::new(), |port| {
        let mut control = Control::login(port);
        let mut data = control.begin("STOR a");
        let (answered, is_answered) = channel();
        thread::scope(|scope| {
            let trickle = scope.spawn(move || {
                let mut sent = 0;
                while is_answered.try_recv() == Err(TryRecvError::Empty) && sent < MOST {
                    data.write_all(b".").unwrap();
                    sent += 1;
                    thread::sleep(Duration::from_millis(1));
                }
                sent
            });
            control.say("NOOP");
            control.expect("200");
            answered.send(()).unwrap();
            assert!(trickle.join().unwrap() < MOST);
        });
        control.expect("226");
    });
}

#[test]
fn short_calls_that_panic_end_the_session_with_421_and_no_other() {
    serve(Panics(Memory::new()), |port| {
        for _ in 0..2 {
            let mut control = Control::login(port);
            // The files are chosen by the first question, in another thread.
            control.say("SIZE a");
            control.expect("550");
            control.say("CWD a");
            control.expect("421");
        }
    });
}
