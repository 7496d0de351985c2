//! One TLS connection: rustls, its output, and what it has decrypted.

use core::fmt;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use ftp_proto::{TlsSession, TlsVersion};
use rustls::{
    ClientConnection, Connection, HandshakeKind, InvalidMessage, IoState, ProtocolVersion,
    ServerConfig, ServerConnection,
};

use crate::record::RecordBounds;
use crate::{ClientTls, RefusedCertificate};

/// How much is encrypted at once. The machine keeps it until all of it is sent: so a peer that does not read
/// costs it twice.
const MOST_ENCRYPTED: usize = 48 * 1024;
/// More than its records take beyond their bytes.
const OVERHEAD: usize = 256;

/// A TLS connection without a transport. Bytes for the peer gather in [`unsent`](Self::unsent).
pub(crate) struct TlsState {
    connection: Connection,
    record: RecordBounds,
    output: Vec<u8>,
    /// How much of `output` has been sent.
    sent: usize,
    /// How much of the unsent output the transport was offered last.
    offered: usize,
    /// How many bytes of the machine's present write are encrypted in `output`.
    encrypted: usize,
    /// Our `close_notify` is in the output.
    closing: bool,
    peer_closed: bool,
}

impl TlsState {
    /// Starts as a client. The ClientHello is unsent from the beginning.
    pub(crate) fn client(tls: &ClientTls) -> Result<Self, rustls::Error> {
        let connection = ClientConnection::new(Arc::clone(&tls.config), tls.server_name.clone())?;
        Ok(Self::new(connection.into()))
    }

    /// Starts as a server, which waits for the ClientHello.
    pub(crate) fn server(config: &Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self::new(ServerConnection::new(Arc::clone(config))?.into()))
    }

    fn new(connection: Connection) -> Self {
        let mut tls = Self {
            connection,
            record: RecordBounds::default(),
            output: Vec::new(),
            sent: 0,
            offered: 0,
            encrypted: 0,
            closing: false,
            peer_closed: false,
        };
        tls.collect_output();
        tls
    }

    /// Whether both sides have agreed. Our last flight may still be unsent.
    pub(crate) fn is_agreed(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Whether TLS 1.3 was agreed on.
    pub(crate) fn is_tls13(&self) -> bool {
        self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Whether the peer's `close_notify` has come. What follows it is not TLS.
    pub(crate) fn is_closed_by_peer(&self) -> bool {
        self.peer_closed
    }

    /// Takes bytes up to the end of the present record at most, and returns how many.
    ///
    /// On an error the alert for the peer is in the unsent output, unless our `close_notify` was
    /// sent before: what follows that is clear text to the peer.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<usize, rustls::Error> {
        if self.closing && self.record.is_between() && !bytes.first().is_some_and(is_record) {
            return Err(InvalidMessage::InvalidContentType.into());
        }
        let count = self.record.advance(bytes);
        let mut record = bytes.get(..count).unwrap_or_default();
        let mut outcome = Ok(());
        // rustls reads 4 KiB at a time.
        while !record.is_empty() && outcome.is_ok() {
            outcome = match self.connection.read_tls(&mut record) {
                // Only after a close_notify, and then it gets nothing.
                Ok(0) => break,
                Ok(_) => self
                    .process()
                    .map(|state| self.peer_closed |= state.peer_has_closed()),
                Err(error) => Err(rustls::Error::General(error.to_string())),
            };
        }
        if !self.closing {
            self.collect_output();
        }
        outcome.map(|()| count)
    }

    /// After our `close_notify`, a faulty record makes rustls send another alert, and with debug
    /// assertions rustls asserts that there is only one. After `CCC`, only the peer's own
    /// `close_notify` shows where TLS ends, so its records must be read, and only rustls can find a
    /// faulty one. A peer must not be able to crash us, so the assertion is caught and becomes the
    /// error that it hid: a record that does not decrypt. Nothing of the connection is used after
    /// that.
    fn process(&mut self) -> Result<IoState, rustls::Error> {
        if self.connection.is_handshaking() {
            // One that was left by a connection of another kind in this thread.
            drop(RefusedCertificate::take());
        }
        if !self.closing {
            return self.connection.process_new_packets();
        }
        let connection = &mut self.connection;
        catch_unwind(AssertUnwindSafe(|| connection.process_new_packets()))
            .unwrap_or_else(|_| Err(rustls::Error::DecryptError))
    }

    /// What has been decrypted and not been consumed: up to one record.
    pub(crate) fn plaintext(&mut self) -> &[u8] {
        // An error means that there is nothing, now or ever. Both count as nothing here; the
        // machine learns of the end through `is_closed_by_peer`.
        self.connection
            .reader()
            .into_first_chunk()
            .unwrap_or_default()
    }

    pub(crate) fn consume_plaintext(&mut self, count: usize) {
        self.connection.reader().consume(count);
    }

    /// Encrypts the machine's present write, or a first part of it, into the output.
    pub(crate) fn encrypt(&mut self, bytes: &[u8]) -> Result<(), rustls::Error> {
        let bytes = bytes.get(..MOST_ENCRYPTED).unwrap_or(bytes);
        match self.connection.writer().write(bytes) {
            Ok(0) | Err(_) => Err(rustls::Error::EncryptError),
            Ok(count) => {
                self.encrypted = count;
                // Not as much more as a vector takes by itself.
                self.output.reserve_exact(count.saturating_add(OVERHEAD));
                self.collect_output();
                Ok(())
            }
        }
    }

    /// Puts a `close_notify` after the unsent bytes. A second call has no effect.
    pub(crate) fn close(&mut self) {
        if self.closing {
            return;
        }
        self.closing = true;
        self.connection.send_close_notify();
        self.collect_output();
    }

    /// Whether there is a `close_notify` of ours.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether our `close_notify` was sent.
    pub(crate) fn has_closed(&self) -> bool {
        self.closing && self.unsent().is_empty()
    }

    /// The bytes that must still be sent to the peer.
    pub(crate) fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// [`unsent`](Self::unsent), to hand to the transport.
    pub(crate) fn offer(&mut self) -> &[u8] {
        self.offered = self.unsent().len();
        self.unsent()
    }

    /// The transport took this many of the bytes offered. When everything is sent, returns how many
    /// bytes of the machine's write are complete, if any.
    pub(crate) fn sent(&mut self, count: usize) -> Option<usize> {
        let count = count.min(self.offered);
        self.offered = self.offered.saturating_sub(count);
        self.sent = self.sent.saturating_add(count);
        if self.sent < self.output.len() {
            return None;
        }
        self.sent = 0;
        // Freed: an idle connection needs none.
        self.output = Vec::new();
        match core::mem::take(&mut self.encrypted) {
            0 => None,
            encrypted => Some(encrypted),
        }
    }

    fn collect_output(&mut self) {
        while self.connection.wants_write() {
            // Writing to a vector does not fail; if it did, there would be nothing to collect.
            if self.connection.write_tls(&mut self.output).is_err() {
                break;
            }
        }
    }

    /// What was agreed, as the core's type. A server gets the requested name from rustls.
    pub(crate) fn session(&self, requested_name: Option<&str>) -> TlsSession {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            Some(other) => TlsVersion::Other(u16::from(other)),
            None => TlsVersion::Other(0),
        };
        let mut session = TlsSession::new(version, self.cipher_suite());
        session.resumed = self.connection.handshake_kind() == Some(HandshakeKind::Resumed);
        session.peer_certificates = self
            .connection
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| Bytes::copy_from_slice(certificate))
            .collect();
        let server_name = match &self.connection {
            Connection::Client(_) => requested_name,
            Connection::Server(server) => server.server_name(),
        };
        session.server_name = server_name.map(str::to_owned);
        session
    }

    /// The name in IANA's registry. rustls marks the suites of TLS 1.3 differently.
    fn cipher_suite(&self) -> String {
        let Some(suite) = self.connection.negotiated_cipher_suite() else {
            return String::new();
        };
        let name = format!("{:?}", suite.suite());
        match name.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => name,
        }
    }
}

impl fmt::Debug for TlsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsState")
            .field("agreed", &self.is_agreed())
            .field("unsent", &self.unsent().len())
            .field("peer_closed", &self.peer_closed)
            .finish_non_exhaustive()
    }
}

/// Whether a record can begin with this byte: its content type (RFC 8446 §5.1).
fn is_record(first: &u8) -> bool {
    (20..=23).contains(first)
}
