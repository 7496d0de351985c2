//! A client that repeats a wrong password until the server closes. It uses only rustls and the wire
//! parsers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use ftp_proto::wire::{Command, Reply, ReplyParser, Status, Verb};
use ftp_proto::{Dialogue, Instant, Observer, TlsSession, TlsVersion};
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{ClientConfig, ClientConnection, ProtocolVersion, StreamOwned};

use super::{TIMEOUT, USER};
use crate::transcript::Recorder;

/// Runs the dialogue over implicit TLS.
///
/// # Errors
/// If the server did not do what it must.
pub(super) fn run(
    server: SocketAddr,
    tls: Arc<ClientConfig>,
    recorder: Arc<Recorder>,
) -> Result<(), String> {
    let mut peer = Peer::connect(server, tls, recorder).map_err(|error| error.to_string())?;
    be_locked_out(&mut peer).map_err(|error| error.to_string())
}

fn be_locked_out(peer: &mut Peer) -> io::Result<()> {
    peer.expect(220)?;
    for wrong in ["first guess", "second guess", "third guess"] {
        peer.send(Verb::User, USER)?;
        peer.expect(331)?;
        peer.send(Verb::Pass, wrong)?;
        peer.expect(530)?;
    }
    peer.expect(421)?;
    peer.expect_close()
}

/// The connection to the server.
struct Peer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    parser: ReplyParser,
    received: Vec<u8>,
    recorder: Arc<Recorder>,
}

impl Peer {
    fn connect(
        server: SocketAddr,
        tls: Arc<ClientConfig>,
        recorder: Arc<Recorder>,
    ) -> io::Result<Self> {
        let mut socket = TcpStream::connect_timeout(&server, TIMEOUT)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        socket.set_nodelay(true)?;
        recorder.connected();
        let name = ServerName::from(server.ip());
        let mut connection = ClientConnection::new(tls, name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        recorder.observe(Instant::START, Dialogue::TlsStarted(&describe(&connection)));
        Ok(Self {
            stream: StreamOwned::new(connection, socket),
            parser: ReplyParser::default(),
            received: Vec::new(),
            recorder,
        })
    }

    fn send(&mut self, verb: Verb, argument: &str) -> io::Result<()> {
        let command = Command::with_argument(verb, argument).map_err(io::Error::other)?;
        let mut line = Vec::new();
        command.encode(&mut line);
        self.recorder
            .observe(Instant::START, Dialogue::Command(command.borrow()));
        self.stream.write_all(&line)?;
        self.stream.flush()
    }

    fn expect(&mut self, code: u16) -> io::Result<()> {
        match self.reply()? {
            Some(reply) if reply.code().get() == code => Ok(()),
            Some(reply) => Err(io::Error::other(format!("expected {code}, got {reply}"))),
            None => Err(io::Error::other(format!(
                "expected {code}, got the end of the connection"
            ))),
        }
    }

    fn expect_close(&mut self) -> io::Result<()> {
        match self.reply()? {
            None => Ok(()),
            Some(reply) => Err(io::Error::other(format!(
                "expected the end of the connection, got {reply}"
            ))),
        }
    }

    /// The next reply; `None` if the server closed the connection.
    fn reply(&mut self) -> io::Result<Option<Reply>> {
        let mut chunk = [0; 1024];
        loop {
            match self
                .parser
                .parse(&self.received)
                .map_err(io::Error::other)?
            {
                Status::Complete(reply, length) => {
                    self.recorder
                        .observe(Instant::START, Dialogue::Reply(reply));
                    let reply = reply.to_reply();
                    self.received.drain(..length);
                    return Ok(Some(reply));
                }
                Status::Partial => {}
            }
            match self.stream.read(&mut chunk)? {
                0 => return Ok(None),
                count => self
                    .received
                    .extend_from_slice(chunk.get(..count).unwrap_or_default()),
            }
        }
    }
}

fn describe(connection: &ClientConnection) -> TlsSession {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
        Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        other => TlsVersion::Other(other.map(u16::from).unwrap_or_default()),
    };
    let suite = connection.negotiated_cipher_suite();
    // rustls writes `TLS13_` in names of suites, IANA `TLS_`.
    let suite = suite.map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"));
    let mut session = TlsSession::new(version, suite.unwrap_or_default());
    session.resumed =
        connection.handshake_kind() == Some(ftp_rustls::rustls::HandshakeKind::Resumed);
    session
}
