//! One TLS connection: rustls, its input and output, and what it has decrypted.
//!
//! All that touches rustls' API without buffers is here; its two buffers have files of their own.

mod input;
mod unsent;

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use ftp_proto::{TlsSession, TlsVersion};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{CommonState, HandshakeKind, InvalidMessage, ProtocolVersion, ServerConfig};
use zeroize::Zeroizing;

use self::input::Input;
use self::unsent::Unsent;
use crate::record::RecordBounds;
use crate::{ClientTls, RefusedCertificate};

/// How much a server encrypts at once: little, since it keeps what a client does not read. What comes from its
/// machine is kept there, too.
const MOST_OF_SERVER: usize = 48 * 1024;
/// The same of a client, which has few transfers: each piece costs a system call.
const MOST_OF_CLIENT: usize = 256 * 1024;
/// The most that a record holds (RFC 8446 §5.1), and more than it takes beyond that.
const RECORD: usize = 16 * 1024;
const OVERHEAD: usize = 64;
/// The alert as it is before there are keys (RFC 5246 §7.2, RFC 8446 §6).
const CLEAR_CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];

/// A TLS connection without a transport. Bytes for the peer gather in [`unsent`](Self::unsent).
pub(crate) struct TlsState {
    connection: Connection,
    record: RecordBounds,
    input: Input,
    output: Output,
    /// Our `close_notify` is in the output.
    closing: bool,
    /// Why it is over: rustls must not be asked again.
    failure: Option<rustls::Error>,
}

enum Connection {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// What comes of it: bytes for the peer, and what the peer said.
struct Output {
    /// For the peer.
    unsent: Unsent,
    /// Decrypted, and not all of it taken yet.
    plaintext: Zeroizing<Vec<u8>>,
    /// How much of that was taken.
    taken: usize,
    peer_closed: bool,
    /// There may be more in the input, once the plaintext is taken.
    has_more: bool,
}

/// Takes some of what was decrypted, and says how much.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&[u8]) -> usize;

/// What rustls is to do, beside the handshake.
enum Task<'a> {
    Receive(Take<'a>),
    Encrypt(&'a [u8]),
    Close,
}

/// Whether another state of rustls may follow at once.
enum Turn {
    Again,
    Done,
}

impl TlsState {
    /// Starts as a client. The ClientHello is unsent from the beginning.
    pub(crate) fn client(tls: &ClientTls, is_data: bool) -> Result<Self, rustls::Error> {
        let name = tls.server_name.clone();
        let connection = UnbufferedClientConnection::new(Arc::clone(&tls.config), name)?;
        Self::new(Connection::Client(connection), is_data)
    }

    /// Starts as a server, which waits for the ClientHello.
    pub(crate) fn server(config: &Arc<ServerConfig>, is_data: bool) -> Result<Self, rustls::Error> {
        let connection = UnbufferedServerConnection::new(Arc::clone(config))?;
        Self::new(Connection::Server(connection), is_data)
    }

    fn new(connection: Connection, is_data: bool) -> Result<Self, rustls::Error> {
        let is_client = matches!(connection, Connection::Client(_));
        let mut tls = Self {
            connection,
            record: RecordBounds::default(),
            input: Input::new(!is_data),
            output: Output {
                unsent: Unsent::new(is_data && is_client),
                plaintext: Zeroizing::default(),
                taken: 0,
                peer_closed: false,
                has_more: false,
            },
            closing: false,
            failure: None,
        };
        tls.run(Task::Receive(&mut keep))?;
        Ok(tls)
    }

    fn common(&self) -> &CommonState {
        match &self.connection {
            Connection::Client(client) => client,
            Connection::Server(server) => server,
        }
    }

    /// Whether both sides have agreed. Our last flight may still be unsent.
    pub(crate) fn is_agreed(&self) -> bool {
        !self.common().is_handshaking()
    }

    /// Whether TLS 1.3 was agreed on.
    pub(crate) fn is_tls13(&self) -> bool {
        self.common().protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Whether the peer's `close_notify` has come. What follows it is not TLS.
    pub(crate) fn is_closed_by_peer(&self) -> bool {
        self.output.peer_closed
    }

    /// Takes bytes up to the end of the present record at most, and returns how many. `take` gets what they
    /// hold, and says how much of it was taken: the rest is [`plaintext`](Self::plaintext).
    ///
    /// On an error of rustls the alert for the peer is in the unsent output, unless our `close_notify` was
    /// sent before: what follows that is clear text to the peer.
    pub(crate) fn receive(&mut self, bytes: &[u8], take: Take<'_>) -> Result<usize, rustls::Error> {
        if self.closing && self.record.is_between() && !bytes.first().is_some_and(is_record) {
            return Err(InvalidMessage::InvalidContentType.into());
        }
        let count = self.record.advance(bytes);
        self.input.put(bytes.get(..count).unwrap_or_default())?;
        if self.common().is_handshaking() {
            // One that was left by a connection of another kind in this thread.
            drop(RefusedCertificate::take());
        }
        self.run(Task::Receive(take))?;
        self.input.free();
        Ok(count)
    }

    /// Goes on where [`plaintext`](Self::plaintext) had to be taken first.
    pub(crate) fn receive_more(&mut self, take: Take<'_>) -> Result<(), rustls::Error> {
        self.run(Task::Receive(take))
    }

    /// Whether there may be [more](Self::receive_more) to decrypt.
    pub(crate) fn has_more(&self) -> bool {
        self.output.has_more
    }

    /// Decrypts what has come, as much as fits into this space. How much that is. What comes before a fault is
    /// given first.
    pub(crate) fn decrypt(&mut self, space: &mut [u8]) -> Result<usize, rustls::Error> {
        let mut filled: usize = 0;
        let mut take = |plaintext: &[u8]| {
            let rest = space.get_mut(filled..).unwrap_or_default();
            let count = plaintext.len().min(rest.len());
            let (to, from) = (rest.get_mut(..count), plaintext.get(..count));
            if let (Some(to), Some(from)) = (to, from) {
                to.copy_from_slice(from);
            }
            filled = filled.saturating_add(count);
            count
        };
        self.offer_plaintext(&mut take);
        if self.output.plaintext.is_empty()
            && let Err(error) = self.run(Task::Receive(&mut take))
        {
            if filled == 0 {
                return Err(error);
            }
            // Asked again, it says so.
            self.output.has_more = true;
        }
        Ok(filled)
    }

    /// Where the transport may put what comes next.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.input.room()
    }

    /// So much has come.
    pub(crate) fn filled(&mut self, count: usize) {
        let mut came = self.input.filled(count);
        while !came.is_empty() {
            let count = self.record.advance(came);
            came = came.get(count..).unwrap_or_default();
        }
    }

    /// Gives memory back that what waits does not need.
    pub(crate) fn shrink(&mut self) {
        self.input.shrink();
        self.output.unsent.shrink();
    }

    /// What has been decrypted and not been taken: up to one record, unless something was encrypted or closed
    /// meanwhile.
    pub(crate) fn plaintext(&self) -> &[u8] {
        self.output.plaintext()
    }

    /// Offers [`plaintext`](Self::plaintext) once more. How much was taken.
    pub(crate) fn offer_plaintext(&mut self, take: Take<'_>) -> usize {
        let plaintext = self.output.plaintext();
        let taken = take(plaintext).min(plaintext.len());
        let is_all = taken == plaintext.len();
        self.output.taken = self.output.taken.saturating_add(taken);
        if is_all {
            (self.output.plaintext, self.output.taken) = Default::default();
        }
        taken
    }

    /// Encrypts the machine's present write, or a first part of it, into the output, and returns how much.
    pub(crate) fn encrypt(&mut self, bytes: &[u8]) -> Result<usize, rustls::Error> {
        let most = match self.connection {
            Connection::Client(_) => MOST_OF_CLIENT,
            Connection::Server(_) => MOST_OF_SERVER,
        };
        let bytes = bytes.get(..most).unwrap_or(bytes);
        self.run(Task::Encrypt(bytes))?;
        self.output.unsent.encrypted(bytes.len());
        Ok(bytes.len())
    }

    /// Puts a `close_notify` after the unsent bytes. A second call has no effect, nor has one amid the
    /// handshake, where rustls has no way to say so.
    pub(crate) fn close(&mut self) {
        if self.closing {
            return;
        }
        if self.common().protocol_version().is_none() {
            self.output.unsent.extend(CLEAR_CLOSE_NOTIFY);
        } else {
            // If that fails, the peer is told nothing: it notices the end all the same.
            let _failed = self.run(Task::Close);
        }
        self.closing = true;
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
        self.output.unsent.bytes()
    }

    /// [`unsent`](Self::unsent), to hand to the transport.
    pub(crate) fn offer(&mut self) -> &[u8] {
        self.output.unsent.offer()
    }

    /// The transport took this many of the bytes offered. Returns how many more bytes of the machine's write are
    /// sent now: all of them together when everything is, or, of a client's file, never too many.
    pub(crate) fn sent(&mut self, count: usize) -> usize {
        self.output.unsent.sent(count)
    }

    /// Has rustls do what can be done now. An error stays.
    fn run(&mut self, mut task: Task<'_>) -> Result<(), rustls::Error> {
        self.output.has_more = false;
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let before = self.unsent().len();
        let result = loop {
            match self.turn(&mut task) {
                Ok(Turn::Again) => {}
                Ok(Turn::Done) => break Ok(()),
                Err(error) => {
                    // It says why to the peer, and must see no more input.
                    while self.common().wants_write() && self.turn(&mut task).is_ok() {}
                    self.failure = Some(error.clone());
                    break Err(error);
                }
            }
        };
        if self.closing {
            // It is clear text to the peer.
            self.output.unsent.truncate(before);
        }
        result
    }

    /// Goes through one state of rustls.
    ///
    /// After our `close_notify`, a faulty record makes rustls send another alert, and with debug
    /// assertions rustls asserts that there is only one. After `CCC`, only the peer's own
    /// `close_notify` shows where TLS ends, so its records must be read, and only rustls can find a
    /// faulty one. A peer must not be able to crash us, so the assertion is caught and becomes the
    /// error that it hid: a record that does not decrypt. Nothing of the connection is used after
    /// that.
    fn turn(&mut self, task: &mut Task<'_>) -> Result<Turn, rustls::Error> {
        let (connection, output) = (&mut self.connection, &mut self.output);
        let input = self.input.waiting();
        let mut turn = || match connection {
            Connection::Client(client) => output.follow(client.process_tls_records(input), task),
            Connection::Server(server) => output.follow(server.process_tls_records(input), task),
        };
        let (used, turn) = if self.closing {
            catch_unwind(AssertUnwindSafe(turn)).unwrap_or((0, Err(rustls::Error::DecryptError)))
        } else {
            turn()
        };
        self.input.use_up(used);
        turn
    }

    /// What was agreed, as the core's type.
    pub(crate) fn session(&self, server_name: Option<String>) -> TlsSession {
        let version = match self.common().protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            Some(other) => TlsVersion::Other(u16::from(other)),
            None => TlsVersion::Other(0),
        };
        let mut session = TlsSession::new(version, self.cipher_suite());
        session.resumed = self.common().handshake_kind() == Some(HandshakeKind::Resumed);
        session.peer_certificates = self
            .common()
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| Bytes::copy_from_slice(certificate))
            .collect();
        session.server_name = server_name;
        session
    }

    /// The name in IANA's registry. rustls marks the suites of TLS 1.3 differently.
    fn cipher_suite(&self) -> String {
        let Some(suite) = self.common().negotiated_cipher_suite() else {
            return String::new();
        };
        let name = format!("{:?}", suite.suite());
        match name.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => name,
        }
    }
}

impl Output {
    /// Does what a state of rustls asks for. How much of the input it has done with.
    fn follow<Side>(
        &mut self,
        status: UnbufferedStatus<'_, '_, Side>,
        task: &mut Task<'_>,
    ) -> (usize, Result<Turn, rustls::Error>) {
        let UnbufferedStatus { mut discard, state } = status;
        let turn = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                match traffic.next_record() {
                    Some(Ok(record)) => {
                        discard = discard.saturating_add(record.discard);
                        self.decrypted(record.payload, task);
                    }
                    Some(Err(error)) => break Err(error),
                    None => break Ok(self.after_reading(task)),
                }
            },
            Ok(ConnectionState::EncodeTlsData(mut message)) => self
                .unsent
                .append(0, |space| match message.encode(space) {
                    Err(EncodeError::InsufficientSize(size)) => Err(Some(size.required_size)),
                    encoded => encoded.map_err(|_| None),
                })
                .map(|()| Turn::Again),
            Ok(ConnectionState::TransmitTlsData(message)) => {
                message.done();
                Ok(Turn::Again)
            }
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Turn::Again)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let result = match task {
                    Task::Receive(_) => Ok(()),
                    Task::Encrypt(bytes) => {
                        // One may be cut short, and a change of keys comes in one more.
                        let records = (bytes.len() / RECORD).saturating_add(2);
                        let room = bytes.len().saturating_add(OVERHEAD.saturating_mul(records));
                        self.unsent
                            .append(room, |space| traffic.encrypt(bytes, space).map_err(needed))
                    }
                    Task::Close => self.unsent.append(OVERHEAD, |space| {
                        traffic.queue_close_notify(space).map_err(needed)
                    }),
                };
                result.map(|()| Turn::Done)
            }
            Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => match task {
                Task::Encrypt(_) => Err(rustls::Error::EncryptError),
                Task::Receive(_) | Task::Close => Ok(Turn::Done),
            },
            Ok(state) => Err(rustls::Error::General(format!("rustls says {state:?}"))),
            Err(error) => Err(error),
        };
        (discard, turn)
    }

    fn plaintext(&self) -> &[u8] {
        self.plaintext.get(self.taken..).unwrap_or_default()
    }

    fn decrypted(&mut self, bytes: &[u8], task: &mut Task<'_>) {
        let taken = match task {
            Task::Receive(take) if self.plaintext.is_empty() => take(bytes),
            Task::Receive(_) | Task::Encrypt(_) | Task::Close => 0,
        };
        let rest = bytes.get(taken..).unwrap_or_default();
        self.plaintext.extend_from_slice(rest);
    }

    /// It stops where somebody must take what is decrypted first.
    fn after_reading(&mut self, task: &Task<'_>) -> Turn {
        match task {
            Task::Receive(_) if !self.plaintext.is_empty() => {
                self.has_more = true;
                Turn::Done
            }
            Task::Receive(_) | Task::Encrypt(_) | Task::Close => Turn::Again,
        }
    }
}

/// How much room it takes, if that is what was wrong.
fn needed(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

/// Takes nothing: it is kept.
fn keep(_: &[u8]) -> usize {
    0
}

impl fmt::Debug for TlsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsState")
            .field("agreed", &self.is_agreed())
            .field("unsent", &self.unsent().len())
            .field("peer_closed", &self.output.peer_closed)
            .finish_non_exhaustive()
    }
}

/// Whether a record can begin with this byte: its content type (RFC 8446 §5.1).
fn is_record(first: &u8) -> bool {
    (20..=23).contains(first)
}
