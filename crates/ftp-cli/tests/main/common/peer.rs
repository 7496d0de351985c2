//! A client of `serve`, spoken by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::{PATIENCE, SENTINEL, Server};

/// A client in clear.
pub struct Peer(BufReader<TcpStream>);

impl Peer {
    /// Connects and hears the greeting.
    pub fn connect(server: &Server) -> Self {
        Self::connect_saying(server, b"")
    }

    /// The same, with these bytes first, as a balancer has.
    pub fn connect_saying(server: &Server, first: &[u8]) -> Self {
        let mut peer = Self::silent(server);
        peer.send(first);
        let greeting = peer.hear();
        assert!(greeting.starts_with("220 "), "{greeting:?}");
        peer
    }

    /// Connects, and waits for nothing.
    pub fn silent(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        // Nothing waits for a server that hangs.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// The last byte as urgent data.
    pub fn send_urgent(&mut self, bytes: &[u8]) {
        let socket = socket2::SockRef::from(self.0.get_ref());
        assert_eq!(socket.send_out_of_band(bytes).unwrap(), bytes.len());
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// A line, or the end: `None` if the connection was reset.
    pub fn try_hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().map(|_| line)
    }

    /// Says a line and gives the reply, one line long.
    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// The reply to this password for anna.
    pub fn try_password(&mut self, password: &str) -> String {
        self.ask("USER anna");
        self.ask(&format!("PASS {password}"))
    }

    /// Logs anna in.
    pub fn log_in(&mut self) {
        let reply = self.try_password(SENTINEL);
        assert!(reply.starts_with("230 "), "{reply}");
    }

    /// Waits until something came, and leaves without having read it: the system then sends a reset.
    pub fn reset(self) {
        assert!(self.0.get_ref().peek(&mut [0]).unwrap() > 0);
    }

    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest.is_empty()
    }
}
