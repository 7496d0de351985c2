//! What the server asks the application about files, and the answers. Each question is a value that is
//! turned into its one [`Answer`], for [`Connection::answer`](super::Connection::answer).

use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use super::{HashAlgorithm, VirtualPath};
use crate::DateTime;
use crate::data::{DataType, Direction};
use crate::listing::{Entry, FactNames, Kind, WriteError, write_facts};
use crate::ticket::Ticket;
use crate::wire::{AddressFamily, Verb};

/// A question about files that needs no data connection.
///
/// Dropping it leaves the client waiting until
/// [`Timeouts::application`](super::Timeouts::application), then 421. So it is with all questions.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct FileRequest {
    pub(super) id: Ticket,
    pub(super) action: FileAction,
}

/// What is asked for. Paths are resolved, and the user has the right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileAction {
    /// `CWD`, `CDUP`: whether this is a directory that may be entered. Answer
    /// [`done`](FileRequest::done).
    ChangeDirectory(VirtualPath),
    /// `MLST`, `SIZE`, `MDTM`, and `RNFR`, which asks for no facts, but whether it is there. Answer
    /// [`facts`](FileRequest::facts).
    Facts {
        /// Of what.
        path: VirtualPath,
        /// Those that are needed. More do no harm.
        facts: FactNames,
    },
    /// `DELE`.
    Remove(VirtualPath),
    /// `MKD`.
    MakeDirectory(VirtualPath),
    /// `RMD`.
    RemoveDirectory(VirtualPath),
    /// `RNFR` and `RNTO`.
    Rename {
        /// What is there.
        from: VirtualPath,
        /// Its new name.
        to: VirtualPath,
        /// Whether a file of this name may be replaced; otherwise refuse with
        /// [`FileError::Exists`].
        may_overwrite: bool,
    },
    /// `MFMT`: set the time of the last change.
    SetModified {
        /// Of what.
        path: VirtualPath,
        /// In UTC.
        time: DateTime,
    },
    /// `SITE CHMOD`.
    SetPermissions {
        /// Of what.
        path: VirtualPath,
        /// The bits of `chmod`, at most `0o7777`.
        mode: u16,
    },
    /// `HASH`, of a whole file. Answer [`hash`](FileRequest::hash).
    Hash {
        /// Of what.
        path: VirtualPath,
        /// How.
        algorithm: HashAlgorithm,
    },
    /// `AVBL`: how much space there is for what is stored here. Answer [`space`](FileRequest::space).
    Space(VirtualPath),
}

impl FileRequest {
    /// What is asked for.
    pub fn action(&self) -> &FileAction {
        &self.action
    }

    /// Yes, or it is done. For [`FileAction::Facts`], [`FileAction::Hash`] and [`FileAction::Space`] this
    /// is no answer and counts as [`FileError::Failed`].
    pub fn done(self) -> Answer {
        Answer::new(self.id, AnswerKind::Done)
    }

    /// The facts of the file, for [`FileAction::Facts`]. For other actions it is the same as
    /// [`done`](Self::done). The entry's name is not used.
    pub fn facts(self, entry: &Entry<'_>) -> Answer {
        let kind = match &self.action {
            FileAction::Facts { path, facts } => {
                AnswerKind::Facts(FileFacts::new(path, entry, *facts))
            }
            _ => AnswerKind::Done,
        };
        Answer::new(self.id, kind)
    }

    /// The hash of a file and its size, for [`FileAction::Hash`].
    pub fn hash(self, hash: &[u8], size: u64) -> Answer {
        let hash = hash.to_vec();
        Answer::new(self.id, AnswerKind::Hash { hash, size })
    }

    /// So many bytes can be stored, for [`FileAction::Space`].
    pub fn space(self, bytes: u64) -> Answer {
        Answer::new(self.id, AnswerKind::Space(bytes))
    }

    /// It is not done.
    pub fn refused(self, error: FileError) -> Answer {
        Answer::new(self.id, AnswerKind::Refused(error))
    }
}

/// Why something cannot be done. The client learns only this. The code depends on the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// 550: there is no such file or directory, or what is there is of the wrong kind.
    #[error("no such file or directory")]
    NotFound,
    /// 550: the user may not do that.
    #[error("not allowed")]
    NotAllowed,
    /// 553, to `MKD` 550: a file of this name is there.
    #[error("it exists already")]
    Exists,
    /// 550: there is something in the directory.
    #[error("the directory is not empty")]
    NotEmpty,
    /// 554 (RFC 1123 §4.1.2.12): the file ends before the offset of `REST`.
    #[error("the file is shorter than that")]
    TooShort,
    /// 452, or 552 once the transfer has begun.
    #[error("not enough space")]
    NoSpace,
    /// 450: someone else has it open, or there are too many transfers.
    #[error("busy")]
    Busy,
    /// 502: the files that are served know no such thing.
    #[error("not supported")]
    NotSupported,
    /// 451: anything else.
    #[error("local error")]
    Failed,
}

/// A transfer that the client asks for: open the file, or refuse. The data connection follows.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct TransferRequest {
    pub(super) id: Ticket,
    pub(super) action: TransferAction,
    pub(super) data_type: DataType,
}

/// What is to be transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferAction {
    /// `RETR`: send this file.
    Retrieve {
        /// Which.
        path: VirtualPath,
        /// From this byte on (`REST`).
        offset: u64,
    },
    /// `STOR`, `APPE`, `STOU`: a file comes.
    Store {
        /// Where it goes. To `STOU` a proposal, the current directory if the client made none.
        path: VirtualPath,
        /// What becomes of a file that is there.
        mode: StoreMode,
    },
    /// `LIST`, `NLST`, `MLSD`: send the entries of a directory, each on a line. Ends of lines are
    /// converted on the way: LF is enough.
    List {
        /// Which. `LIST` and `NLST` may name a file, or several of them by a pattern of the shell
        /// (`*.txt`), if there is none of that name: many clients leave patterns to the server.
        path: VirtualPath,
        /// How.
        kind: ListKind,
        /// The path as the client wrote it; empty if it is not for `NLST`. That says it before each name, in the
        /// place of the last part of a pattern: the client sends them back as they are (RFC 1123 §4.1.2.7).
        written: Vec<u8>,
    },
}

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreMode {
    /// In place of one that is there.
    Replace,
    /// Only if none is there; otherwise refuse with [`FileError::Exists`]. The user may not overwrite.
    New,
    /// Behind the first so many bytes of one that is there (`REST`). Refuse if it has fewer.
    At(u64),
    /// At the end of one that is there; otherwise a new one.
    Append,
    /// Under a name that no file has: answer with [`TransferRequest::begin_named`].
    Unique,
}

/// How entries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListKind {
    /// As `ls -l` does: [`write_list`](crate::listing::write_list).
    Long,
    /// The names alone.
    Names,
    /// With these facts: [`write_facts`].
    Facts(FactNames),
}

/// Identifies a transfer. Equal to no other, not even of another connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferId(pub(super) Ticket);

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferId({})", self.0.number())
    }
}

impl TransferAction {
    /// The file or directory.
    pub fn path(&self) -> &VirtualPath {
        match self {
            Self::Retrieve { path, .. } | Self::Store { path, .. } | Self::List { path, .. } => {
                path
            }
        }
    }

    /// Which way the bytes go, as the server sees it.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Store { .. } => Direction::Receive,
            Self::Retrieve { .. } | Self::List { .. } => Direction::Send,
        }
    }

    /// The command, as it stands in logs: `RETR`, `STOR`, `APPE`, `STOU`, `LIST`, `NLST` or `MLSD`.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Retrieve { .. } => Verb::Retr,
            Self::Store { mode, .. } => match mode {
                StoreMode::Append => Verb::Appe,
                StoreMode::Unique => Verb::Stou,
                StoreMode::Replace | StoreMode::New | StoreMode::At(_) => Verb::Stor,
            },
            Self::List { kind, .. } => match kind {
                ListKind::Long => Verb::List,
                ListKind::Names => Verb::Nlst,
                ListKind::Facts(_) => Verb::Mlsd,
            },
        }
    }
}

impl TransferRequest {
    /// What is asked for.
    pub fn action(&self) -> &TransferAction {
        &self.action
    }

    /// How the bytes stand on the data connection (`TYPE`). Listings are text.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Its identity, which is that of the transfer.
    pub fn id(&self) -> TransferId {
        TransferId(self.id)
    }

    /// The file is open. [`Event::OpenData`](super::Event::OpenData) follows. The size is that of the
    /// whole file; for `RETR` it is in the text of the 150.
    pub fn begin(self, size: Option<u64>) -> Answer {
        Answer::new(self.id, AnswerKind::Begin { size, name: None })
    }

    /// As [`begin`](Self::begin), for [`StoreMode::Unique`]: the file has this name, which is in the text of
    /// the 150.
    pub fn begin_named(self, name: impl Into<Vec<u8>>) -> Answer {
        let (size, name) = (None, Some(name.into()));
        Answer::new(self.id, AnswerKind::Begin { size, name })
    }

    /// It is not begun.
    pub fn refused(self, error: FileError) -> Answer {
        Answer::new(self.id, AnswerKind::Refused(error))
    }
}

/// All bytes of a file have come, and the client ended them as it should: keep the file. The client gets 226
/// only after that.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct CommitRequest {
    pub(super) id: Ticket,
    pub(super) transfer: TransferId,
    pub(super) bytes: u64,
}

impl CommitRequest {
    /// Which transfer.
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// How many bytes came over the data connection, in its [`DataType`](crate::data::DataType).
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file is kept: 226.
    pub fn committed(self) -> Answer {
        Answer::new(self.id, AnswerKind::Done)
    }

    /// It is not: 552 without space, otherwise 451.
    pub fn refused(self, error: FileError) -> Answer {
        Answer::new(self.id, AnswerKind::Refused(error))
    }
}

/// The client wants to connect (`PASV`, `EPSV`): listen for it.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct ListenRequest {
    pub(super) id: Ticket,
    pub(super) family: Option<AddressFamily>,
}

impl ListenRequest {
    /// The network protocol that the client asks for; if `None`, that of the control connection.
    pub fn family(&self) -> Option<AddressFamily> {
        self.family
    }

    /// The client reaches the listener at this address. The reply to `EPSV` has only the port.
    ///
    /// For `PASV`, an IPv6 address, or the port 0, counts as
    /// [`not_listening`](Self::not_listening), and
    /// [`Event::StopListening`](super::Event::StopListening) follows.
    pub fn listening(self, address: SocketAddr) -> Answer {
        Answer::new(self.id, AnswerKind::Listening(address))
    }

    /// There is no way to listen: 425.
    pub fn not_listening(self) -> Answer {
        Answer::new(self.id, AnswerKind::NotListening)
    }
}

/// The answer to a question about files.
#[derive(Debug)]
#[must_use = "hand it to Connection::answer"]
pub struct Answer {
    pub(super) id: Ticket,
    pub(super) kind: AnswerKind,
}

#[derive(Debug)]
pub(super) enum AnswerKind {
    Done,
    Refused(FileError),
    Facts(FileFacts),
    Hash {
        hash: Vec<u8>,
        size: u64,
    },
    Space(u64),
    Begin {
        size: Option<u64>,
        name: Option<Vec<u8>>,
    },
    Listening(SocketAddr),
    NotListening,
}

impl Answer {
    fn new(id: Ticket, kind: AnswerKind) -> Self {
        Self { id, kind }
    }
}

/// What is known of a file.
#[derive(Debug)]
pub(super) struct FileFacts {
    pub(super) is_file: bool,
    pub(super) size: Option<u64>,
    /// In UTC.
    pub(super) modified: Option<DateTime>,
    /// For `MLST`.
    pub(super) line: Result<Vec<u8>, WriteError>,
}

impl FileFacts {
    fn new(path: &VirtualPath, entry: &Entry<'_>, facts: FactNames) -> Self {
        let named = Entry {
            name: path.as_bytes(),
            ..*entry
        };
        let mut line = Vec::new();
        let line = write_facts(&mut line, &named, facts).map(|()| line);
        let modified = entry.modified.filter(|modified| modified.is_utc);
        Self {
            is_file: matches!(entry.kind, Kind::File | Kind::Link),
            size: entry.size,
            modified: modified.map(|modified| modified.time),
            line,
        }
    }
}
