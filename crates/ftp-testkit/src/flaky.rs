//! A small file server in clear, over sockets, that fails on request: for pools and transfers that
//! are resumed.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// How a transfer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The data connection is reset after this many bytes; 426.
    Reset(usize),
    /// The data connection ends in due form after this many bytes; 426.
    Ended(usize),
    /// The same, but 226: all is said to be well.
    Concealed(usize),
    /// Both connections are lost after this many bytes.
    Lost(usize),
    /// The transfer is whole, but the control connection is lost before 226.
    Unconfirmed,
    /// The transfer command is answered with this reply.
    Refused(&'static str),
}

/// A file of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlakyFile {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// When it was changed: this many seconds after the start of 2024. Changes by upload count on.
    pub changed: u64,
}

/// What the server does, and what it was told.
#[derive(Debug, Default)]
pub struct Flaky {
    /// How many clients are served at a time; others get 421.
    pub room: usize,
    /// The files, by the path in the command.
    pub files: BTreeMap<String, FlakyFile>,
    /// How the next transfers fail; after these all go well.
    pub cuts: VecDeque<Cut>,
    /// Called before each transfer command, for example to change the file.
    pub before: Option<fn(&mut Flaky)>,
    /// An upload that failed leaves the old file as it was.
    pub keeps_old: bool,
    /// Commands that are answered with 502.
    pub unknown: Vec<&'static str>,
    /// `REST` is answered with 350 and has no effect.
    pub ignores_rest: bool,
    /// The replies to `PASS` of the next logins; 230 after these.
    pub logins: VecDeque<&'static str>,
    /// The commands that came, without `USER` and `PASS`.
    pub log: Vec<String>,
    clock: u64,
    open: Vec<TcpStream>,
    accepted: usize,
}

impl Flaky {
    /// How many clients are connected.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many clients were served so far.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Cuts all clients off.
    pub fn kill_all(&mut self) {
        for stream in &self.open {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often a command with this verb came.
    pub fn count(&self, verb: &str) -> usize {
        self.log
            .iter()
            .filter(|line| line.split(' ').next() == Some(verb))
            .count()
    }
}

/// The server. It runs until the program ends.
#[derive(Debug, Clone)]
pub struct FlakyServer {
    address: SocketAddr,
    shared: Arc<Mutex<Flaky>>,
}

impl FlakyServer {
    /// A server on the loopback for this many clients at a time, without files. The rest is set in its
    /// [`state`](Self::state).
    pub fn start(room: usize) -> Self {
        let flaky = Flaky {
            room,
            ..Flaky::default()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let server = Self {
            address: listener.local_addr().expect("it is bound"),
            shared: Arc::new(Mutex::new(flaky)),
        };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.accept(stream);
            }
        });
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does, and what it was told.
    pub fn state(&self) -> MutexGuard<'_, Flaky> {
        self.shared.lock().expect("no session panics with the lock")
    }

    /// A file's bytes.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.state().files.get(path).map(|file| file.bytes.clone())
    }

    fn accept(&self, mut stream: TcpStream) {
        let mut state = self.state();
        if state.open.len() >= state.room {
            // It may be gone already.
            let _ = stream.write_all(b"421 Too many clients.\r\n");
            return;
        }
        state.open.push(stream.try_clone().expect("a handle"));
        state.accepted += 1;
        drop(state);
        let server = self.clone();
        thread::spawn(move || {
            let peer = stream.peer_addr().ok();
            let mut session = Session {
                server: server.clone(),
                data: None,
                offset: 0,
            };
            // A client that leaves ends the session.
            let _ = session.run(&mut stream);
            let _ = stream.shutdown(Shutdown::Both);
            server
                .state()
                .open
                .retain(|open| open.peer_addr().ok() != peer && open.peer_addr().is_ok());
        });
    }
}

struct Session {
    server: FlakyServer,
    data: Option<TcpListener>,
    offset: usize,
}

impl Session {
    fn run(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(b"220 Ready.\r\n")?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while let Some(line) = lines.next().transpose()? {
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            if verb != "USER" && verb != "PASS" {
                self.server.state().log.push(line.clone());
            }
            let reply = if self.server.state().unknown.contains(&verb) {
                "502 Not here.".to_owned()
            } else {
                self.answer(verb, argument, stream)?
            };
            stream.write_all(format!("{reply}\r\n").as_bytes())?;
            if verb == "QUIT" {
                return Ok(());
            }
        }
        Ok(())
    }

    fn answer(&mut self, verb: &str, path: &str, stream: &mut TcpStream) -> io::Result<String> {
        let offset = std::mem::take(&mut self.offset);
        Ok(match verb {
            "USER" => "331 Password?".into(),
            "PASS" => {
                let reply = self.server.state().logins.pop_front();
                reply.unwrap_or("230 In.").into()
            }
            "NOOP" | "TYPE" => "200 Fine.".into(),
            "QUIT" => "221 Bye.".into(),
            "ABOR" => "226 Nothing to abort.".into(),
            "SIZE" => match self.server.state().files.get(path) {
                Some(file) => format!("213 {}", file.bytes.len()),
                None => "550 No such file.".into(),
            },
            "MDTM" => match self.server.state().files.get(path) {
                Some(FlakyFile { changed, .. }) => {
                    format!(
                        "213 20240101{:02}{:02}{:02}",
                        changed / 3600,
                        changed / 60 % 60,
                        changed % 60
                    )
                }
                None => "550 No such file.".into(),
            },
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let port = listener.local_addr()?.port();
                self.data = Some(listener);
                format!("229 Here (|||{port}|)")
            }
            "REST" => {
                self.offset = path.parse().map_err(|_| ErrorKind::InvalidData)?;
                "350 From there.".into()
            }
            "RETR" | "STOR" => {
                let mut state = self.server.state();
                if let Some(before) = state.before {
                    before(&mut state);
                }
                let cut = state.cuts.pop_front();
                let offset = if state.ignores_rest { 0 } else { offset };
                let file = state.files.get(path).cloned();
                drop(state);
                if let Some(Cut::Refused(reply)) = cut {
                    return Ok(reply.into());
                }
                if verb == "RETR" {
                    match file {
                        Some(file) => {
                            self.send(&file.bytes[offset.min(file.bytes.len())..], cut, stream)?
                        }
                        None => "550 No such file.".into(),
                    }
                } else {
                    let mut bytes = file.unwrap_or_default().bytes;
                    bytes.truncate(offset);
                    self.receive(path, bytes, cut, stream)?
                }
            }
            _ => "502 Not here.".into(),
        })
    }

    fn open(&mut self, stream: &mut TcpStream) -> io::Result<TcpStream> {
        stream.write_all(b"150 Here it comes.\r\n")?;
        let listener = self.data.take().ok_or(ErrorKind::NotConnected)?;
        listener.accept().map(|(data, _)| data)
    }

    fn send(
        &mut self,
        bytes: &[u8],
        cut: Option<Cut>,
        stream: &mut TcpStream,
    ) -> io::Result<String> {
        let mut data = self.open(stream)?;
        let count = bytes.len().min(limit(cut));
        if data.write_all(&bytes[..count]).is_err() {
            return Ok("426 You left.".into());
        }
        end(data, cut, stream)
    }

    /// Receives what follows after `bytes`.
    fn receive(
        &mut self,
        path: &str,
        mut bytes: Vec<u8>,
        cut: Option<Cut>,
        stream: &mut TcpStream,
    ) -> io::Result<String> {
        let mut data = self.open(stream)?;
        let most = u64::try_from(limit(cut)).unwrap_or(u64::MAX);
        let whole = Read::by_ref(&mut data)
            .take(most)
            .read_to_end(&mut bytes)
            .is_ok();
        let mut state = self.server.state();
        let is_whole = whole && matches!(cut, None | Some(Cut::Unconfirmed));
        if is_whole || !state.keeps_old || !state.files.contains_key(path) {
            state.clock += 1;
            let changed = state.clock;
            state
                .files
                .insert(path.into(), FlakyFile { bytes, changed });
        }
        drop(state);
        if !whole {
            return Ok("426 You left.".into());
        }
        end(data, cut, stream)
    }
}

/// After how many bytes a transfer is cut.
fn limit(cut: Option<Cut>) -> usize {
    match cut {
        Some(Cut::Reset(after) | Cut::Ended(after) | Cut::Concealed(after) | Cut::Lost(after)) => {
            after
        }
        Some(Cut::Unconfirmed | Cut::Refused(_)) | None => usize::MAX,
    }
}

fn end(data: TcpStream, cut: Option<Cut>, stream: &mut TcpStream) -> io::Result<String> {
    Ok(match cut {
        None | Some(Cut::Refused(_)) => "226 Done.".into(),
        Some(Cut::Concealed(_)) => {
            drain(data)?;
            "226 Done.".into()
        }
        Some(Cut::Ended(_)) => {
            drain(data)?;
            "426 Cut.".into()
        }
        Some(Cut::Reset(_)) => {
            SockRef::from(&data).set_linger(Some(Duration::ZERO))?;
            "426 Cut.".into()
        }
        Some(Cut::Lost(_)) => {
            SockRef::from(&data).set_linger(Some(Duration::ZERO))?;
            stream.shutdown(Shutdown::Both)?;
            return Err(ErrorKind::NotConnected.into());
        }
        Some(Cut::Unconfirmed) => {
            drain(data)?;
            stream.shutdown(Shutdown::Both)?;
            return Err(ErrorKind::NotConnected.into());
        }
    })
}

/// Ends a data connection so that nothing that was sent is lost: unread bytes would make it a reset.
fn drain(mut data: TcpStream) -> io::Result<()> {
    data.shutdown(Shutdown::Write)?;
    // The client may reset it.
    let _ = io::copy(&mut data, &mut io::sink());
    Ok(())
}
