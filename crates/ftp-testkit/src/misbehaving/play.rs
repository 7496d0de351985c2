//! Playing a script on a socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{
    ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned,
};
use socket2::SockRef;

use super::Step;

/// Longest that a scripted peer holds on.
const LIFETIME: Duration = Duration::from_secs(25);
/// Most lines that are remembered: a peer that never stops must not fill the memory.
const MOST_LINES: usize = 10_000;

/// What a peer is made of beside its script.
pub enum Parts {
    /// It is a server, with this TLS.
    Server(Arc<ServerConfig>),
    /// It is a client, with this TLS.
    Client(Arc<ClientConfig>),
}

/// What the other side said, line by line.
#[derive(Debug, Default)]
pub struct Heard {
    /// In clear, without line ends.
    pub in_clear: Vec<Vec<u8>>,
    /// Under TLS.
    pub under_tls: Vec<Vec<u8>>,
    /// The script was played to its end.
    pub to_the_end: bool,
}

impl Heard {
    /// Takes the next whole line of these bytes, and remembers it.
    pub(super) fn next_line(&mut self, unread: &mut Vec<u8>, under_tls: bool) -> Option<Vec<u8>> {
        let end = unread.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = unread.drain(..=end).collect();
        while matches!(line.last(), Some(b'\r' | b'\n')) {
            line.pop();
        }
        let all = match under_tls {
            true => &mut self.under_tls,
            false => &mut self.in_clear,
        };
        if all.len() < MOST_LINES {
            all.push(line.clone());
        }
        Some(line)
    }

    /// All lines in order.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let all = self.in_clear.iter().chain(&self.under_tls);
        all.map(Vec::as_slice)
    }

    /// The first three bytes of each line, as text: a reply's code.
    pub fn codes(&self) -> String {
        let code = |line: &[u8]| String::from_utf8_lossy(&line[..line.len().min(3)]).into_owned();
        self.lines().map(code).collect::<Vec<_>>().join(" ")
    }

    /// Whether it holds these bytes anywhere.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.lines().any(|line| holds(line, bytes))
    }
}

/// Whether a line holds these bytes.
pub(super) fn holds(line: &[u8], bytes: &[u8]) -> bool {
    line.windows(bytes.len().max(1)).any(|part| part == bytes)
}

/// Plays these steps, then stays until the other side ends; `over` tells a deaf peer to go. What
/// the other side does to the connection ends the script and is no error of ours.
pub fn play(stream: TcpStream, parts: Parts, steps: &[Step], over: &AtomicBool) -> Heard {
    let mut player = Player {
        wire: Wire::Clear(stream),
        parts,
        over,
        unread: Vec::new(),
        heard: Heard::default(),
        end: Instant::now() + LIFETIME,
    };
    let played = player.begin().and_then(|()| player.play(steps));
    player.heard.to_the_end = played.is_ok();
    // What was said to someone who did not listen while he spoke.
    player.stay().unwrap_or_default();
    player.heard
}

struct Player<'a> {
    wire: Wire,
    parts: Parts,
    over: &'a AtomicBool,
    /// Came and is no whole line yet.
    unread: Vec<u8>,
    heard: Heard,
    end: Instant,
}

enum Wire {
    Clear(TcpStream),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Gone,
}

impl Wire {
    fn socket(&self) -> io::Result<&TcpStream> {
        match self {
            Self::Clear(socket) => Ok(socket),
            Self::Server(stream) => Ok(&stream.sock),
            Self::Client(stream) => Ok(&stream.sock),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(buffer),
            Self::Server(stream) => stream.read(buffer),
            Self::Client(stream) => stream.read(buffer),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let write = |stream: &mut dyn Write| {
            stream.write_all(bytes)?;
            stream.flush()
        };
        match self {
            Self::Clear(socket) => write(socket),
            Self::Server(stream) => write(stream.as_mut()),
            Self::Client(stream) => write(stream.as_mut()),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Player<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let socket = self.wire.socket()?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(LIFETIME))?;
        socket.set_write_timeout(Some(LIFETIME))
    }

    fn play(&mut self, steps: &[Step]) -> io::Result<()> {
        for step in steps {
            self.step(step)?;
        }
        self.stay()
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Say(bytes) => self.wire.write_all(bytes),
            Step::Drip(bytes, pause) => bytes.chunks(1).try_for_each(|byte| {
                self.wire.write_all(byte)?;
                self.pause(*pause)
            }),
            Step::Repeat(bytes, times, pause) => (0..*times).try_for_each(|_| {
                self.wire.write_all(bytes)?;
                self.pause(*pause)
            }),
            Step::Hear(part) => self.hear(part.as_bytes()),
            Step::HearAnything => match self.unread.is_empty() {
                true => self.read(),
                false => Ok(()),
            },
            Step::Pause(time) => self.pause(*time),
            Step::StartTls => self.start_tls(),
            Step::SayBeneathTls(bytes) => self.wire.socket()?.write_all(bytes),
            Step::CloseTls => self.close_tls(),
            Step::Close => {
                self.wire.socket()?.shutdown(Shutdown::Write)?;
                self.stay()
            }
            Step::Reset => self.reset(),
            Step::GoDeaf => {
                while !self.over.load(Ordering::Acquire) && Instant::now() < self.end {
                    std::thread::sleep(Duration::from_millis(10));
                }
                self.wire = Wire::Gone;
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    fn pause(&self, time: Duration) -> io::Result<()> {
        if Instant::now() > self.end || self.over.load(Ordering::Acquire) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if !time.is_zero() {
            std::thread::sleep(time);
        }
        Ok(())
    }

    /// Reads a little more, and says whether that is all there will be by an error.
    fn read(&mut self) -> io::Result<()> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.wire.socket()?.set_read_timeout(Some(left))?;
        let mut buffer = [0; 4096];
        match self.wire.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    fn hear(&mut self, part: &[u8]) -> io::Result<()> {
        loop {
            while let Some(line) = self.next_line() {
                if holds(&line, part) {
                    return Ok(());
                }
                if matches!(self.parts, Parts::Server(_)) {
                    self.wire.write_all(Step::OTHERWISE)?;
                }
            }
            self.read()?;
        }
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let under_tls = matches!(self.wire, Wire::Server(_) | Wire::Client(_));
        self.heard.next_line(&mut self.unread, under_tls)
    }

    /// Takes what comes until there is no more.
    fn stay(&mut self) -> io::Result<()> {
        let ended = loop {
            while self.next_line().is_some() {}
            if let Err(error) = self.read() {
                break error;
            }
        };
        match ended.kind() {
            io::ErrorKind::UnexpectedEof => Ok(()),
            _ => Err(ended),
        }
    }

    fn start_tls(&mut self) -> io::Result<()> {
        let Wire::Clear(mut socket) = std::mem::replace(&mut self.wire, Wire::Gone) else {
            return Err(io::ErrorKind::AlreadyExists.into());
        };
        self.unread.clear();
        self.wire = match &self.parts {
            Parts::Server(config) => {
                let mut tls = ServerConnection::new(Arc::clone(config)).map_err(failed)?;
                tls.complete_io(&mut socket)?;
                Wire::Server(Box::new(StreamOwned::new(tls, socket)))
            }
            Parts::Client(config) => {
                let name = ServerName::try_from("localhost").map_err(failed)?;
                let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(failed)?;
                tls.complete_io(&mut socket)?;
                Wire::Client(Box::new(StreamOwned::new(tls, socket)))
            }
        };
        Ok(())
    }

    fn close_tls(&mut self) -> io::Result<()> {
        match &mut self.wire {
            Wire::Server(stream) => {
                stream.conn.send_close_notify();
                stream.conn.write_tls(&mut stream.sock)?;
            }
            Wire::Client(stream) => {
                stream.conn.send_close_notify();
                stream.conn.write_tls(&mut stream.sock)?;
            }
            Wire::Clear(_) | Wire::Gone => return Err(io::ErrorKind::NotConnected.into()),
        }
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        SockRef::from(self.wire.socket()?).set_linger(Some(Duration::ZERO))?;
        self.wire = Wire::Gone;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}
