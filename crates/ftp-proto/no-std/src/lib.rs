//! A login without std: the client's machine against the server's words, in memory.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;

use ftp_proto::client::{Config, Connection, Error, Event, Login};
use ftp_proto::wire::InvalidText;
use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsVersion};

/// What the client must send, and what the server says to it.
const DIALOGUE: [(&[u8], &[u8]); 6] = [
    (b"", b"220-Welcome\r\n220 Ready.\r\n"),
    (b"AUTH TLS\r\n", b"234 Go ahead.\r\n"),
    (b"PBSZ 0\r\n", b"200 PBSZ=0\r\n"),
    (b"PROT P\r\n", b"200 Private.\r\n"),
    (b"USER developer\r\n", b"331 Password required.\r\n"),
    (b"PASS correct horse\r\n", b"230 Logged in.\r\n"),
];

/// Why the login did not end as it must.
#[derive(Debug)]
pub enum Failure {
    /// The credentials could not be built.
    Invalid(InvalidText),
    /// The machine stopped.
    Stopped(Error),
    /// The client sent something else than the dialogue has, or wanted to go on behind its end.
    OffScript,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Stopped(error) => error.fmt(f),
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

/// Drives a client through [the dialogue](DIALOGUE) by hand.
///
/// # Errors
/// [`Failure`] unless the client says that it is logged in, with the server's last words.
pub fn log_in() -> Result<(), Failure> {
    let now = Instant::START;
    let login = Login::new("developer", "correct horse")?;
    let mut client = Connection::new(Config::new(login), now);
    let mut dialogue = DIALOGUE.iter();
    let mut unsent: &[u8] = b"";
    let mut reply: &[u8] = b"";

    loop {
        match client.poll()? {
            Action::Write { bytes, deadline: _ } => {
                if unsent.is_empty() {
                    (unsent, reply) = *dialogue.next().ok_or(Failure::OffScript)?;
                }
                let count = bytes.len();
                unsent = unsent.strip_prefix(bytes).ok_or(Failure::OffScript)?;
                client.wrote(now, count);
            }
            Action::Read { deadline: _ } => {
                if reply.is_empty() {
                    (unsent, reply) = *dialogue.next().ok_or(Failure::OffScript)?;
                }
                if !unsent.is_empty() {
                    return Err(Failure::OffScript);
                }
                let taken = client.received(now, reply);
                reply = reply.get(taken..).unwrap_or_default();
            }
            Action::Event(Event::StartTls) => {
                let session = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
                client.tls_started(now, session);
            }
            Action::Event(Event::LoggedIn(session)) => {
                return if session.logged_in_with.text() == b"Logged in." && dialogue.len() == 0 {
                    Ok(())
                } else {
                    Err(Failure::OffScript)
                };
            }
            Action::Event(_) => {}
            Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => {
                return Err(Failure::OffScript);
            }
        }
    }
}
