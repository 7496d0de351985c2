//! A login and a download without std: the client's machines against the server's words, in memory.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;

use ftp_proto::client::{Config, Connection, Error, Event, Login, Misuse, Transfer, TransferError};
use ftp_proto::data::{self, Ticket};
use ftp_proto::wire::InvalidText;
use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsVersion};

const NOW: Instant = Instant::START;

/// What the client must send, and what the server says to it: the login.
const LOGIN: [(&[u8], &[u8]); 6] = [
    (b"", b"220-Welcome\r\n220 Ready.\r\n"),
    (b"AUTH TLS\r\n", b"234 Go ahead.\r\n"),
    (b"PBSZ 0\r\n", b"200 PBSZ=0\r\n"),
    (b"PROT P\r\n", b"200 Private.\r\n"),
    (b"USER developer\r\n", b"331 Password required.\r\n"),
    (b"PASS correct horse\r\n", b"230 Logged in.\r\n"),
];

/// The download.
const DOWNLOAD: [(&[u8], &[u8]); 3] = [
    (b"TYPE I\r\n", b"200 Done.\r\n"),
    (
        b"EPSV\r\n",
        b"229 Entering Extended Passive Mode (|||49152|)\r\n",
    ),
    (
        b"RETR readings\r\n",
        b"150 Here it goes.\r\n226 All of it.\r\n",
    ),
];

/// The file.
const READINGS: &[u8] = b"20.5 20.7 21.0\n";

/// Why it did not end as it must.
#[derive(Debug)]
pub enum Failure {
    /// The credentials or the path could not be built.
    Invalid(InvalidText),
    /// The machine stopped.
    Stopped(Error),
    /// The machine did not allow a call.
    Misuse(Misuse),
    /// The file did not come.
    Transfer(TransferError),
    /// The machine of the data connection stopped.
    Data(data::Error),
    /// The client sent something else than the dialogue has, wanted to go on behind its end, or did not
    /// tell what it must.
    OffScript,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Stopped(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
            Self::Transfer(error) => error.fmt(f),
            Self::Data(error) => error.fmt(f),
            Self::OffScript => f.write_str("the client left the dialogue"),
        }
    }
}

impl From<InvalidText> for Failure {
    fn from(error: InvalidText) -> Self {
        Self::Invalid(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Stopped(error)
    }
}

impl From<Misuse> for Failure {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<data::Error> for Failure {
    fn from(error: data::Error) -> Self {
        Self::Data(error)
    }
}

/// Drives a client through the [login](LOGIN) by hand.
///
/// # Errors
/// [`Failure`] unless the client says that it is logged in, with the server's last words.
pub fn log_in() -> Result<Connection, Failure> {
    let login = Login::new("developer", "correct horse")?;
    let mut client = Connection::new(Config::new(login), NOW);
    let mut script = Script::new(&LOGIN);
    loop {
        match script.next(&mut client)? {
            Event::StartTls => {
                let session = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
                client.tls_started(NOW, session);
            }
            Event::LoggedIn(session) => {
                let is_last = session.logged_in_with.text() == b"Logged in." && script.is_over();
                return is_last.then_some(client).ok_or(Failure::OffScript);
            }
            _ => {}
        }
    }
}

/// Drives a client that is logged in through the [download](DOWNLOAD) by hand.
///
/// # Errors
/// [`Failure`] unless all of the file comes, and the client says so.
pub fn download(client: &mut Connection) -> Result<(), Failure> {
    client.transfer(NOW, Transfer::retrieve("readings")?)?;
    let mut script = Script::new(&DOWNLOAD);
    loop {
        match script.next(client)? {
            Event::OpenData(ticket) => receive(client, ticket)?,
            Event::Transferred { outcome, .. } => {
                let transferred = outcome.map_err(Failure::Transfer)?;
                let is_whole = transferred.bytes == READINGS.len() as u64 && script.is_over();
                return is_whole.then_some(()).ok_or(Failure::OffScript);
            }
            _ => {}
        }
    }
}

/// The data connection: the file and its end come at once.
fn receive(client: &mut Connection, ticket: Ticket) -> Result<(), Failure> {
    let mut data = client.data_opened(NOW, ticket)?;
    loop {
        let moved = data.moved();
        match data.poll()? {
            Action::Event(data::Event::StartTls) => {
                let session = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
                data.tls_started(NOW, session);
            }
            Action::Event(data::Event::Readable) => {
                if data.readable() != READINGS {
                    return Err(Failure::OffScript);
                }
                data.consume(NOW, READINGS.len());
            }
            Action::Read { .. } if moved == 0 => {
                let _ = data.received(NOW, READINGS);
            }
            Action::Read { .. } => data.received_eof(NOW),
            Action::Closed => break,
            Action::Event(_) => {}
            Action::Write { .. } | Action::Wait { .. } | Action::Shutdown { .. } => {
                return Err(Failure::OffScript);
            }
        }
    }
    Ok(client.data_ended(NOW, data.into_end())?)
}

/// The server: a dialogue, and how far it has come.
struct Script {
    rest: core::slice::Iter<'static, (&'static [u8], &'static [u8])>,
    /// What the client is still to send of the present command.
    unsent: &'static [u8],
    /// What it has not read yet of the reply.
    reply: &'static [u8],
}

impl Script {
    fn new(dialogue: &'static [(&'static [u8], &'static [u8])]) -> Self {
        Self {
            rest: dialogue.iter(),
            unsent: b"",
            reply: b"",
        }
    }

    fn is_over(&self) -> bool {
        self.rest.len() == 0
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        (self.unsent, self.reply) = *self.rest.next().ok_or(Failure::OffScript)?;
        Ok(())
    }

    /// The client's next event.
    fn next(&mut self, client: &mut Connection) -> Result<Event, Failure> {
        loop {
            match client.poll()? {
                Action::Write { bytes, deadline: _ } => {
                    if self.unsent.is_empty() {
                        self.go_on()?;
                    }
                    let count = bytes.len();
                    self.unsent = self.unsent.strip_prefix(bytes).ok_or(Failure::OffScript)?;
                    client.wrote(NOW, count);
                }
                Action::Read { deadline: _ } => {
                    if self.reply.is_empty() {
                        self.go_on()?;
                    }
                    if !self.unsent.is_empty() {
                        return Err(Failure::OffScript);
                    }
                    let taken = client.received(NOW, self.reply);
                    self.reply = self.reply.get(taken..).unwrap_or_default();
                }
                Action::Event(event) => return Ok(event),
                Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => {
                    return Err(Failure::OffScript);
                }
            }
        }
    }
}
