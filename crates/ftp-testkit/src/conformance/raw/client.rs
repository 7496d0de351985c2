//! A client as plain as can be: what it sends and when is the test's to say. A reply that does not come is a
//! failure after a while.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::misbehaving::{PASSWORD, USER};

/// How long to wait for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A control connection.
pub(super) struct Raw {
    stream: Stream,
    unread: Vec<u8>,
    server: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection, in clear or under TLS.
pub(super) enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Raw {
    /// Logs in, under TLS if that is given, and data, too.
    pub(super) fn log_in(server: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Self {
        let mut raw = Self {
            stream: Stream::Clear(connect(server)),
            unread: Vec::new(),
            server,
            tls,
        };
        assert_eq!(raw.code(), 220);
        if let Some(tls) = raw.tls.clone() {
            assert_eq!(raw.ask("AUTH TLS"), 234);
            let clear = raw.stream.tcp().try_clone().expect("a socket");
            raw.stream = Stream::Clear(clear).under(tls);
            assert_eq!(raw.ask("PBSZ 0"), 200);
            assert_eq!(raw.ask("PROT P"), 200);
        }
        raw.log_in_again();
        raw
    }

    pub(super) fn log_in_again(&mut self) {
        assert_eq!(self.ask(format!("USER {USER}")), 331);
        assert_eq!(self.ask(format!("PASS {PASSWORD}")), 230);
        assert_eq!(self.ask("TYPE I"), 200);
    }

    pub(super) fn send(&mut self, line: impl AsRef<[u8]>) {
        let line = [line.as_ref(), b"\r\n"].concat();
        self.stream.write_all(&line).expect("the server reads");
        self.stream.flush().expect("the server reads");
    }

    /// The next reply, all its lines.
    pub(super) fn reply(&mut self) -> String {
        let mut reply = self.line();
        while reply
            .rfind('\n')
            .map_or(&*reply, |at| &reply[at + 1..])
            .as_bytes()[3]
            == b'-'
            || reply
                .lines()
                .last()
                .is_some_and(|line| line.starts_with(' '))
        {
            reply = format!("{reply}\n{}", self.line());
        }
        reply
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let rest = self.unread.split_off(end + 2);
                let line = std::mem::replace(&mut self.unread, rest);
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            let mut some = [0; 4096];
            let count = self.stream.read(&mut some).expect("a reply in time");
            assert!(count > 0, "the connection ended; {:?}", self.unread);
            self.unread.extend_from_slice(&some[..count]);
        }
    }

    pub(super) fn code(&mut self) -> u16 {
        let reply = self.reply();
        reply[..3].parse().unwrap_or_else(|_| panic!("{reply}"))
    }

    /// Sends a line; the code of its reply.
    pub(super) fn ask(&mut self, line: impl AsRef<[u8]>) -> u16 {
        self.send(line);
        self.code()
    }

    /// The server closes the connection, and says nothing more.
    pub(super) fn ends(&mut self) {
        assert_eq!(self.unread, b"");
        match self.stream.read(&mut [0; 100]) {
            Ok(0) => {}
            Ok(count) => panic!("{count} bytes more"),
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "it goes on"),
        }
    }

    /// Where the server listens for a data connection.
    pub(super) fn passive(&mut self) -> SocketAddr {
        self.send("EPSV");
        let reply = self.reply();
        let port = reply.split('|').nth(3).and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{reply}"));
        SocketAddr::new(self.server.ip(), port)
    }

    /// A data connection, before its transfer is asked for; without TLS yet.
    pub(super) fn connected(&mut self) -> TcpStream {
        connect(self.passive())
    }

    /// A transfer, which has begun: the text of the 150, and its data connection.
    pub(super) fn begin(&mut self, command: impl AsRef<[u8]>) -> (String, Stream) {
        let data = Stream::Clear(self.connected());
        self.send(command);
        let reply = self.reply();
        assert!(reply.starts_with("150"), "{reply}");
        let data = match &self.tls {
            Some(tls) => data.under(Arc::clone(tls)),
            None => data,
        };
        (reply, data)
    }

    /// A whole download.
    pub(super) fn get(&mut self, command: impl AsRef<[u8]>) -> Vec<u8> {
        let (_, mut data) = self.begin(command);
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).expect("a whole download");
        data.finish();
        assert_eq!(self.code(), 226);
        bytes
    }

    /// A whole upload; the code that it ends with.
    pub(super) fn put(&mut self, command: impl AsRef<[u8]>, bytes: &[u8]) -> u16 {
        let (_, mut data) = self.begin(command);
        // The server may have had enough.
        if data.write_all(bytes).is_ok() {
            data.finish();
        }
        self.code()
    }

    /// Whether the session goes on, and is in step.
    pub(super) fn goes_on(&mut self) {
        assert_eq!(self.ask("PWD"), 257);
    }
}

/// A connection that does not wait for ever.
pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Nobody listens there any more. A server of another test may have got the same port, and does not keep it.
pub(super) fn assert_closed(address: SocketAddr) {
    let since = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(since.elapsed() < PATIENCE, "somebody listens at {address}");
        thread::sleep(Duration::from_millis(50));
    }
}

impl Stream {
    /// Shakes hands.
    pub(super) fn under(self, tls: Arc<ClientConfig>) -> Self {
        let Self::Clear(stream) = self else {
            panic!("TLS already");
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(tls, name).expect("a configuration");
        let mut stream = StreamOwned::new(connection, stream);
        stream.flush().expect("a handshake");
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .expect("a handshake");
        }
        Self::Tls(Box::new(stream))
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Closes the sending side, with the end that TLS has, and waits for the other's.
    pub(super) fn finish(mut self) {
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
        }
        // The server may have closed its side.
        let _flushed = self.flush();
        let _closed = self.tcp().shutdown(std::net::Shutdown::Write);
        let _ended = self.read_to_end(&mut Vec::new());
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(space),
            Self::Tls(stream) => stream.read(space),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
