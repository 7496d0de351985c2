//! A control connection that is driven by hand. It says what the client's machine never says, so that
//! the answers show what the server allows.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_proto::wire::{Reply, ReplyParser, Status, TelnetFilter, escape};
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{self, ClientConfig, ClientConnection, StreamOwned};
use ftp_rustls::{ClientTls, Roots, client_config};
use zeroize::Zeroizing;

use super::socket::Socket;

/// How many bytes of a data connection are read at most.
const MOST_DATA: usize = 16 * 1024 * 1024;

/// The server, and how long each step may take.
pub(super) struct Server {
    pub(super) addresses: Vec<SocketAddr>,
    name: ServerName<'static>,
    timeout: Duration,
}

impl Server {
    /// # Errors
    /// If the name cannot be resolved.
    pub(super) fn resolve(host: &str, address: &str, timeout: Duration) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(
                ErrorKind::NotFound,
                "the name has no address",
            ));
        }
        let trusting = client_config(Roots::DangerousAnyCertificate, None);
        let named = trusting.and_then(|config| ClientTls::for_host(config, host));
        let name = named.map_err(io::Error::other)?.server_name().clone();
        Ok(Self {
            addresses,
            name,
            timeout,
        })
    }

    /// A connection to the first address that takes one.
    pub(super) fn connect(&self) -> Result<Control<'_>, ProbeError> {
        let mut last = None;
        for address in &self.addresses {
            match self.dial(*address) {
                Ok(stream) => return Ok(Control::new(self, stream)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(ProbeError::Closed, ProbeError::Io))
    }

    /// Connects to this address.
    pub(super) fn dial(&self, address: SocketAddr) -> io::Result<Socket> {
        Socket::connect(address, self.timeout)
    }

    /// Connects, and hears the greeting.
    pub(super) fn greeted(&self) -> Result<Control<'_>, ProbeError> {
        let mut control = self.connect()?;
        control.reply()?;
        Ok(control)
    }
}

/// Why a probe got no answer.
#[derive(Debug)]
pub(super) enum ProbeError {
    Io(io::Error),
    Tls(rustls::Error),
    TimedOut,
    /// The server closed the connection.
    Closed,
    /// The server refused `AUTH TLS`.
    NoTls,
    /// What came is no reply.
    NoReply,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Tls(error) => write!(f, "{error}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Closed => f.write_str("the server closed the connection"),
            Self::NoTls => f.write_str("the server refuses AUTH TLS"),
            Self::NoReply => f.write_str("what came is no reply of FTP"),
        }
    }
}

impl From<io::Error> for ProbeError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Self::Closed
            }
            // rustls wraps its own errors.
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(inner) => Self::Tls(rustls::Error::clone(inner)),
                None => Self::Io(error),
            },
        }
    }
}

/// A stream of bytes, in clear or under TLS.
pub(super) enum Stream {
    Clear(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Clear(socket) => socket,
            Self::Tls(tls) => &mut tls.sock,
        }
    }

    /// Reads within the time that is left.
    fn read(&mut self, space: &mut [u8], until: Instant) -> Result<usize, ProbeError> {
        self.socket().set_until(until);
        Ok(match self {
            Self::Clear(socket) => socket.read(space)?,
            Self::Tls(tls) => tls.read(space)?,
        })
    }

    pub(super) fn write_all(&mut self, bytes: &[u8], until: Instant) -> Result<(), ProbeError> {
        self.socket().set_until(until);
        match self {
            Self::Clear(socket) => socket.write_all(bytes)?,
            Self::Tls(tls) => {
                tls.write_all(bytes)?;
                tls.flush()?;
            }
        }
        Ok(())
    }

    /// Puts TLS on top, and completes the handshake.
    fn under_tls(self, connection: ClientConnection, until: Instant) -> Result<Self, ProbeError> {
        let Self::Clear(mut socket) = self else {
            return Ok(self);
        };
        socket.set_until(until);
        let mut tls = StreamOwned::new(connection, socket);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(Self::Tls(Box::new(tls)))
    }

    pub(super) fn connection(&self) -> Option<&ClientConnection> {
        match self {
            Self::Clear(_) => None,
            Self::Tls(tls) => Some(&tls.conn),
        }
    }

    /// Says that nothing more comes. Errors do not matter: the connection is given up.
    fn close(mut self) {
        if let Self::Tls(tls) = &mut self {
            tls.conn.send_close_notify();
            drop(tls.conn.write_tls(&mut tls.sock));
        }
        drop(self.socket().shutdown(Shutdown::Both));
    }
}

/// A control connection. What is said on it is written down, without secrets.
pub(super) struct Control<'a> {
    server: &'a Server,
    stream: Option<Stream>,
    telnet: TelnetFilter,
    parser: ReplyParser,
    /// What came and is no whole reply yet.
    input: Vec<u8>,
    /// What was said, as `> USER anna` and `< 331 Password?`.
    pub(super) seen: Vec<String>,
}

impl<'a> Control<'a> {
    fn new(server: &'a Server, socket: Socket) -> Self {
        Self {
            server,
            stream: Some(Stream::Clear(socket)),
            telnet: TelnetFilter::new(),
            parser: ReplyParser::default(),
            input: Vec::new(),
            seen: Vec::new(),
        }
    }

    pub(super) fn until(&self) -> Instant {
        Instant::now() + self.server.timeout
    }

    /// The address of the server, as this connection reached it.
    pub(super) fn peer(&mut self) -> Result<SocketAddr, ProbeError> {
        let stream = self.stream.as_mut().ok_or(ProbeError::Closed)?;
        Ok(stream.socket().peer_addr()?)
    }

    pub(super) fn connection(&self) -> Option<&ClientConnection> {
        self.stream.as_ref().and_then(Stream::connection)
    }

    /// The next reply.
    pub(super) fn reply(&mut self) -> Result<Reply, ProbeError> {
        self.reply_until(self.until())
    }

    pub(super) fn reply_until(&mut self, until: Instant) -> Result<Reply, ProbeError> {
        loop {
            match self.parser.parse(&self.input) {
                Err(_) => return Err(ProbeError::NoReply),
                Ok(Status::Complete(reply, length)) => {
                    let reply = reply.to_reply();
                    self.input.drain(..length);
                    self.heard(&reply);
                    return Ok(reply);
                }
                Ok(_) => {}
            }
            let stream = self.stream.as_mut().ok_or(ProbeError::Closed)?;
            let mut space = [0; 4096];
            let count = stream.read(&mut space, until)?;
            if count == 0 {
                return Err(ProbeError::Closed);
            }
            // The server's offers of Telnet options stay unanswered.
            let (telnet, input) = (&mut self.telnet, &mut self.input);
            telnet.filter(&space[..count], |plain| input.extend(plain), |_| {});
        }
    }

    fn heard(&mut self, reply: &Reply) {
        let line = reply.lines().last().unwrap_or_default();
        self.seen
            .push(format!("< {} {}", reply.code(), escape(line)));
    }

    /// Sends a command, and waits for its reply.
    pub(super) fn command(&mut self, line: &str) -> Result<Reply, ProbeError> {
        self.send(line)?;
        self.reply()
    }

    pub(super) fn send(&mut self, line: &str) -> Result<(), ProbeError> {
        self.seen.push(format!("> {}", escape(line.as_bytes())));
        self.send_bytes(format!("{line}\r\n").as_bytes())
    }

    /// Sends a command whose argument is not written down, nor what the server says of it.
    pub(super) fn secret(&mut self, verb: &str, argument: &[u8]) -> Result<Reply, ProbeError> {
        self.seen.push(format!("> {verb} …"));
        let line = Zeroizing::new([verb.as_bytes(), b" ", argument, b"\r\n"].concat());
        self.send_bytes(&line)?;
        let reply = self.reply()?;
        self.seen.pop();
        self.seen.push(format!("< {} …", reply.code()));
        Ok(reply.redacted())
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ProbeError> {
        let until = self.until();
        let stream = self.stream.as_mut().ok_or(ProbeError::Closed)?;
        stream.write_all(bytes, until)
    }

    /// Reads what comes, once, as it is.
    pub(super) fn read_raw(&mut self, space: &mut [u8]) -> Result<usize, ProbeError> {
        let until = self.until();
        let stream = self.stream.as_mut().ok_or(ProbeError::Closed)?;
        stream.read(space, until)
    }

    /// Shakes hands.
    pub(super) fn start_tls(&mut self, config: &Arc<ClientConfig>) -> Result<(), ProbeError> {
        let until = self.until();
        let connection = ClientConnection::new(Arc::clone(config), self.server.name.clone());
        let stream = self.stream.take().ok_or(ProbeError::Closed)?;
        self.stream = Some(stream.under_tls(connection.map_err(ProbeError::Tls)?, until)?);
        Ok(())
    }

    /// Opens a data connection to this port of the server.
    pub(super) fn open_data(&mut self, port: u16) -> Result<Stream, ProbeError> {
        let address = SocketAddr::new(self.peer()?.ip(), port);
        Ok(Stream::Clear(self.server.dial(address)?))
    }

    /// Shakes hands on a data connection.
    pub(super) fn secure_data(
        &self,
        data: Stream,
        config: &Arc<ClientConfig>,
    ) -> Result<Stream, ProbeError> {
        let connection = ClientConnection::new(Arc::clone(config), self.server.name.clone());
        data.under_tls(connection.map_err(ProbeError::Tls)?, self.until())
    }

    /// Reads a data connection to its end; `true` if the end was in order: under TLS, with a
    /// `close_notify`.
    pub(super) fn read_all(&self, data: &mut Stream) -> Result<(Vec<u8>, bool), ProbeError> {
        let mut bytes = Vec::new();
        let mut space = vec![0; 64 * 1024];
        let until = self.until();
        loop {
            match data.read(&mut space, until) {
                Ok(0) => return Ok((bytes, true)),
                Ok(count) => bytes.extend(&space[..count]),
                Err(ProbeError::Closed) => return Ok((bytes, false)),
                Err(error) => return Err(error),
            }
            if bytes.len() > MOST_DATA {
                return Ok((bytes, true));
            }
        }
    }

    /// Ends the connection politely.
    pub(super) fn quit(mut self) -> Vec<String> {
        // The connection is over in any case.
        if self.send_bytes(b"QUIT\r\n").is_ok() {
            drop(self.reply().inspect(|_| ()));
        }
        if let Some(stream) = self.stream.take() {
            stream.close();
        }
        self.seen
    }
}

impl Stream {
    /// Says that all was sent, and reads to the peer's end: what is unread would make the close a reset.
    pub(super) fn finish(mut self, until: Instant) -> Result<(), ProbeError> {
        self.socket().set_until(until);
        if let Self::Tls(tls) = &mut self {
            tls.conn.send_close_notify();
            while tls.conn.wants_write() {
                tls.conn.write_tls(&mut tls.sock)?;
            }
        }
        self.socket().shutdown(Shutdown::Write)?;
        let mut ignored = [0; 4096];
        // However the peer ends: its reply says whether all arrived.
        while let Ok(1..) = self.read(&mut ignored, until) {}
        Ok(())
    }

    /// Ends a data connection that was read to its end.
    pub(super) fn end(self) {
        self.close();
    }
}
