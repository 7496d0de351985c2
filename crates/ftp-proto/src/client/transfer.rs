//! What a client transfers, and what becomes of it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddrV4;

use thiserror::Error;

use crate::TlsSession;
use crate::data::{self, DataType, Direction};
use crate::ticket::Ticket;
use crate::wire::{Code, Command, InvalidText, Reply, Verb};

/// A file or a listing to be moved over a data connection: for
/// [`Connection::transfer`](super::Connection::transfer).
///
/// ```
/// use ftp_proto::client::Transfer;
/// use ftp_proto::data::Direction;
///
/// let rest = Transfer::retrieve("pub/data.bin")?.offset(4096);
/// assert_eq!(rest.direction(), Direction::Receive);
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing happens before a connection is given it"]
pub struct Transfer {
    pub(super) command: Command,
    pub(super) direction: Direction,
    pub(super) data_type: DataType,
    pub(super) offset: u64,
    pub(super) size: Option<u64>,
    pub(super) is_listing: bool,
}

impl Transfer {
    fn new(verb: Verb, path: Option<&[u8]>, direction: Direction) -> Result<Self, InvalidText> {
        Ok(Self {
            command: match path {
                Some(path) => Command::with_path(verb, path)?,
                None => Command::new(verb)?,
            },
            direction,
            data_type: DataType::Image,
            offset: 0,
            size: None,
            is_listing: false,
        })
    }

    /// `RETR`: a file of the server.
    ///
    /// # Errors
    /// [`InvalidText`] if the path is empty or holds CR, LF or NUL; the same holds for all others.
    pub fn retrieve(path: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        Self::new(Verb::Retr, Some(path.as_ref()), Direction::Receive)
    }

    /// `STOR`: a file for the server, in place of one that is there.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn store(path: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        Self::new(Verb::Stor, Some(path.as_ref()), Direction::Send)
    }

    /// `APPE`: bytes behind the end of a file, which is made if need be.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn append(path: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        Self::new(Verb::Appe, Some(path.as_ref()), Direction::Send)
    }

    /// `STOU`: a file under a name that the server chooses and tells in a reply
    /// (RFC 1123 §4.1.2.9).
    ///
    /// # Errors
    /// None in practice.
    pub fn store_unique() -> Result<Self, InvalidText> {
        Self::new(Verb::Stou, None, Direction::Send)
    }

    /// `LIST`: a directory, for people; `None` is the current one. Many servers take blanks and a
    /// leading `-` in the path for options: `CWD` there and list the current one instead.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn list(path: Option<&[u8]>) -> Result<Self, InvalidText> {
        Self::listing(Verb::List, path)
    }

    /// `NLST`: the names alone.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn names(path: Option<&[u8]>) -> Result<Self, InvalidText> {
        Self::listing(Verb::Nlst, path)
    }

    /// `MLSD`: a directory, for programs (RFC 3659 §7).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn machine_list(path: Option<&[u8]>) -> Result<Self, InvalidText> {
        Self::listing(Verb::Mlsd, path)
    }

    fn listing(verb: Verb, path: Option<&[u8]>) -> Result<Self, InvalidText> {
        Ok(Self {
            data_type: DataType::Ascii,
            is_listing: true,
            ..Self::new(verb, path, Direction::Receive)?
        })
    }

    /// Begins at this byte of the file (`REST`, RFC 3659 §5). Has no meaning for a listing.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = if self.is_listing { 0 } else { offset };
        self
    }

    /// Moves a file as text (`TYPE A`): lines end with CRLF on the way, and with LF in what the
    /// application reads and writes.
    pub fn data_type(mut self, data_type: DataType) -> Self {
        self.data_type = data_type;
        self
    }

    /// The size of the whole file, if it is known (`SIZE`, or the file that is sent): a transfer of
    /// fewer or more bytes is [`TransferError::LengthDiffers`]. Compared in [`DataType::Image`] only.
    pub fn size(mut self, size: Option<u64>) -> Self {
        self.size = size;
        self
    }

    /// Which way the bytes go.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What the server is told.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// The byte of the file at which it begins.
    pub fn first_byte(&self) -> u64 {
        self.offset
    }

    /// How many bytes the whole file has, if that was [said](Self::size) and means the bytes on the data
    /// connection: text is not as long there as in a file.
    pub fn whole_size(&self) -> Option<u64> {
        self.size.filter(|_| self.data_type == DataType::Image)
    }

    /// Whether a length that the server announces is that of the whole file. Not with an
    /// [`offset`](Self::offset): some servers mean the whole file, others the rest.
    pub fn announces_whole(&self) -> bool {
        self.data_type == DataType::Image && self.offset == 0
    }

    /// How many bytes the data connection must bring, if that is known. `announced` is what the reply
    /// said, which is the whole file with some servers and the rest with others.
    pub(super) fn differs(&self, moved: u64, announced: Option<u64>) -> Option<u64> {
        if self.is_listing || self.data_type != DataType::Image {
            return None;
        }
        let whole = self.offset.saturating_add(moved);
        let by_size = self.size.filter(|size| *size != whole);
        by_size.or_else(|| announced.filter(|said| *said != moved && *said != whole))
    }
}

/// Identifies a transfer. Equal to no other, not even of another connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub(crate) Ticket);

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferId({})", self.0.number())
    }
}

/// A transfer that is whole: the data ended as it should, and the server confirmed it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Transferred {
    /// The final reply, 2yz.
    pub reply: Reply,
    /// How many bytes went over the data connection.
    pub bytes: u64,
    /// The length that the server announced before, if it did so to the byte.
    pub announced: Option<u64>,
    /// The TLS session of the data connection, if there was one.
    pub tls: Option<Arc<TlsSession>>,
    /// The address in the reply to `PASV`, if that was used. It is not believed, but for the port.
    pub passive_address: Option<SocketAddrV4>,
}

/// Why a transfer is not whole, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The server refused before it began; nothing was moved. After a 421 the connection is over, too.
    #[error("the server refused {verb}: {reply}")]
    Refused {
        /// Which command of the transfer: `RETR`, but also `PASV` or `REST`.
        verb: Verb,
        /// What it said.
        reply: Reply,
    },
    /// The reply does not say what it must, such as a 227 without an address; nothing was moved.
    #[error("the reply to {verb} cannot be used: {reply}")]
    UnusableReply {
        /// The command.
        verb: Verb,
        /// What it said.
        reply: Reply,
    },
    /// The data connection could not be made within the time allowed.
    #[error("the data connection could not be made")]
    NotOpened,
    /// The transfer began, and the server says that it failed.
    #[error("the transfer failed after {bytes} bytes: {reply}{}", Hint(.reply, .tls))]
    Failed {
        /// What it said.
        reply: Reply,
        /// How many bytes were moved.
        bytes: u64,
        /// The TLS session of the data connection, if there was one. Some servers refuse it with 425,
        /// 450 or 522 if it does not [resume](TlsSession::resumed) that of the control connection.
        tls: Option<Box<TlsSession>>,
    },
    /// The data connection did not end as it should, or the server confirmed an upload before all of it
    /// was sent. A file can be resumed from there.
    #[error("cut off after {bytes} bytes: {error}{}", AndReply(.reply))]
    CutOff {
        /// How many bytes were moved.
        bytes: u64,
        /// What happened.
        error: data::Error,
        /// What the server said of it, which may be that all is well.
        reply: Option<Reply>,
    },
    /// All seems well, but there were more or fewer bytes than the server or the caller had said.
    #[error("{bytes} bytes were moved, and {expected} were announced: {reply}")]
    LengthDiffers {
        /// How many bytes were moved.
        bytes: u64,
        /// How many there should have been; with an offset, those of the whole file.
        expected: u64,
        /// What the server said.
        reply: Reply,
    },
    /// The control connection ended, or nothing came over it, before the transfer command was sent. Nothing
    /// was moved. Servers that closed an idle connection are often noticed only then.
    #[error("the transfer did not begin: its command was not sent")]
    NotBegun,
    /// The control connection ended, or nothing came over it, before the server confirmed the
    /// transfer. It may be whole or not. If the transfer had failed before, that is reported instead.
    #[error("whether the transfer is whole is not known: the server did not confirm it")]
    Unknown,
    /// The application gave it up.
    #[error("the transfer was aborted")]
    Aborted,
}

impl TransferError {
    /// A negative reply, or one that is none and of no use.
    pub(super) fn refusal(verb: Verb, reply: Reply) -> Self {
        match reply.code().is_negative() {
            true => Self::Refused { verb, reply },
            false => Self::UnusableReply { verb, reply },
        }
    }

    /// What the server said of it, if anything.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Refused { reply, .. }
            | Self::UnusableReply { reply, .. }
            | Self::Failed { reply, .. }
            | Self::LengthDiffers { reply, .. } => Some(reply),
            Self::CutOff { reply, .. } => reply.as_ref(),
            Self::NotOpened | Self::NotBegun | Self::Unknown | Self::Aborted => None,
        }
    }

    /// The same error with `****` in place of all that the server said: for logs. Codes stay.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut error = self.clone();
        match &mut error {
            Self::Refused { reply, .. }
            | Self::UnusableReply { reply, .. }
            | Self::Failed { reply, .. }
            | Self::LengthDiffers { reply, .. }
            | Self::CutOff {
                reply: Some(reply), ..
            } => *reply = reply.redacted(),
            Self::CutOff { reply: None, .. }
            | Self::NotOpened
            | Self::NotBegun
            | Self::Unknown
            | Self::Aborted => {}
        }
        error
    }

    /// Whether the server turned the transfer down because the TLS session of the data connection was
    /// not resumed from the control connection, as far as its code tells.
    pub fn wants_resumption(&self) -> bool {
        match self {
            Self::Failed { reply, tls, .. } => wants_resumption(reply, tls.as_deref()),
            _ => false,
        }
    }
}

fn wants_resumption(reply: &Reply, tls: Option<&TlsSession>) -> bool {
    tls.is_some_and(|tls| !tls.resumed) && is_about_resumption(reply.code())
}

/// Whether servers refuse a data connection with this code whose TLS session is new.
pub(super) fn is_about_resumption(code: Code) -> bool {
    matches!(code.get(), 425 | 450 | 522)
}

struct Hint<'a>(&'a Reply, &'a Option<Box<TlsSession>>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if wants_resumption(self.0, self.1.as_deref()) {
            return f.write_str(
                " (perhaps because the TLS session of the control connection was not resumed)",
            );
        }
        Ok(())
    }
}

struct AndReply<'a>(&'a Option<Reply>);

impl fmt::Display for AndReply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reply) => write!(f, "; the server said: {reply}"),
            None => Ok(()),
        }
    }
}
