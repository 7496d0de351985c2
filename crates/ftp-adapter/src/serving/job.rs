//! What blocks: the questions about files, and their reading and writing.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use ftp_files::{Files, Listing, ReadFile, WriteFile, error_kind};
use ftp_proto::server::{
    Answer, FileError, ListenRequest, Rights, StoreMode, TransferAction, TransferId,
    TransferRequest, VirtualPath,
};

use super::moving::{Bytes, FIRST_PIECE, Moving};
use super::piece::Piece;
use super::served::User;
use crate::ActiveListener;

/// How many bytes are read in the thread of a runtime: no more than are soon copied.
const AT_ONCE: usize = 64 * 1024;

/// Something that blocks.
#[must_use = "the client waits for it"]
pub struct FileJob {
    what: What,
    pub(super) is_short: bool,
}

enum What {
    Open(TransferRequest, Rights, Arc<User>),
    Read(Reading),
    Other(Box<dyn FnOnce() -> Done + Send>),
}

/// The next of a file.
pub(super) struct Reading {
    pub(super) id: TransferId,
    pub(super) file: Box<dyn ReadFile>,
    /// Where it goes.
    pub(super) space: Piece,
    /// How many bytes.
    pub(super) size: usize,
    /// All that there should be was read.
    pub(super) is_end_due: bool,
}

/// What came of a [`FileJob`], for [`FileSession::done`](super::FileSession::done).
#[must_use = "the client waits for it"]
pub struct FileDone(pub(super) Done);

pub(super) enum OpenFile {
    Read(Box<dyn ReadFile>),
    Write(Box<dyn WriteFile>),
}

pub(super) enum Done {
    Answered(Answer),
    /// And the external address, if it could be found.
    Listening(ListenRequest, ActiveListener, Option<IpAddr>),
    /// And the path that was found, of `STOU`.
    Opened(Option<VirtualPath>, Answer, Box<Moving>),
    Read(TransferId, OpenFile, Piece, io::Result<bool>),
    GaveBack(TransferId, OpenFile, Bytes, io::Result<bool>),
    Wrote(TransferId, OpenFile, Piece, io::Result<()>),
    /// By a [`FilePump`](super::FilePump).
    Pumped(Box<Moving>, io::Result<()>),
    Left,
}

impl FileJob {
    pub(super) fn new(job: impl FnOnce() -> Done + Send + 'static) -> Self {
        Self::of(What::Other(Box::new(job)))
    }

    pub(super) fn open(request: TransferRequest, rights: Rights, user: Arc<User>) -> Self {
        Self::of(What::Open(request, rights, user))
    }

    pub(super) fn read(reading: Reading) -> Self {
        Self::of(What::Read(reading))
    }

    fn of(what: What) -> Self {
        Self {
            what,
            is_short: false,
        }
    }

    /// Whether it ends soon, because the files are [local](Files::is_local): a thread that serves one session
    /// may do it by itself.
    pub fn is_short(&self) -> bool {
        self.is_short
    }

    /// Does it, if it need not wait for anything: it opens a small file, which the system
    /// [has in memory](Files::read_cached), or reads what [it has](ReadFile::read_cached) of a large one. Otherwise the
    /// job is given back, to be [run](Self::run).
    ///
    /// # Errors
    /// The job.
    pub fn run_at_once(self) -> Result<FileDone, Self> {
        match self.what {
            What::Open(request, rights, user) => match read_cached(&request, &user) {
                Some((moving, size)) => {
                    let answer = request.begin(Some(size));
                    Ok(FileDone(Done::Opened(None, answer, Box::new(moving))))
                }
                None => Err(Self {
                    what: What::Open(request, rights, user),
                    ..self
                }),
            },
            What::Read(mut reading) => match reading.run_cached() {
                Some(is_read) => Ok(FileDone(reading.done(Ok(is_read)))),
                None => Err(Self {
                    what: What::Read(reading),
                    ..self
                }),
            },
            what => Err(Self { what, ..self }),
        }
    }

    /// Does it. Blocks.
    pub fn run(self) -> FileDone {
        FileDone(match self.what {
            What::Open(request, rights, user) => match user.files() {
                Ok(files) => open(files, request, rights),
                Err(error) => Done::Answered(request.refused(error)),
            },
            What::Read(mut reading) => {
                let result = reading.space.fill(&mut *reading.file, reading.size);
                reading.done(result)
            }
            What::Other(work) => work(),
        })
    }
}

impl Reading {
    /// Whether all was read, unless that would have to wait. An end that is not due is not believed: Linux 5.9
    /// and 5.10 say so of what is not in memory, too.
    fn run_cached(&mut self) -> Option<bool> {
        let size = self.size.min(AT_ONCE);
        let is_read = self.space.fill_cached(&mut *self.file, size)?;
        (!is_read || self.is_end_due).then_some(is_read)
    }

    fn done(self, result: io::Result<bool>) -> Done {
        Done::Read(self.id, OpenFile::Read(self.file), self.space, result)
    }
}

/// A small file that is to be sent, with the size of all of it.
fn read_cached(request: &TransferRequest, user: &User) -> Option<(Moving, u64)> {
    let TransferAction::Retrieve { path, offset } = request.action() else {
        return None;
    };
    let bytes = user
        .known_files()?
        .read_cached(path, *offset, FIRST_PIECE)?;
    let size = offset.checked_add(bytes.len() as u64)?;
    Some((Moving::whole(request.id(), bytes), size))
}

/// Opens what is to be transferred, and reads the first of it: so a small file needs no other job.
pub(super) fn open(files: &dyn Files, request: TransferRequest, rights: Rights) -> Done {
    let id = request.id();
    let opened = match request.action() {
        TransferAction::Retrieve { path, offset } => files.open(path, *offset).map(|opened| {
            let left = opened.size.map(|size| size.saturating_sub(*offset));
            (Moving::reading(id, opened.reader, left), opened.size)
        }),
        TransferAction::Store { path, mode } => {
            return match files.store(path, *mode) {
                Ok(file) => store(files, request, file),
                Err(error) => Done::Answered(request.refused(error)),
            };
        }
        TransferAction::List {
            path,
            kind,
            written,
        } => {
            let listing = Listing::open(files, path, *kind, rights);
            listing.map(|listing| (Moving::listing(id, listing.written(written)), None))
        }
        _ => Err(FileError::NotSupported),
    };
    let opened = opened.and_then(|(mut moving, size)| match moving.begin() {
        Ok(()) => Ok((moving, size)),
        Err(error) => Err(error_kind(&error)),
    });
    match opened {
        Ok((moving, size)) => Done::Opened(None, request.begin(size), Box::new(moving)),
        Err(error) => Done::Answered(request.refused(error)),
    }
}

/// Begins to store this file.
fn store(files: &dyn Files, request: TransferRequest, file: Box<dyn WriteFile>) -> Done {
    let id = request.id();
    let (found, answer) = match request.action() {
        TransferAction::Store {
            mode: StoreMode::Unique,
            path,
        } => {
            let directory = match files.enter(path) {
                Ok(()) => path.clone(),
                Err(_) => path.parent().unwrap_or_default(),
            };
            let found = directory.resolve(file.name());
            (Some(found), request.begin_named(file.name()))
        }
        _ => (None, request.begin(None)),
    };
    Done::Opened(found, answer, Box::new(Moving::writing(id, file)))
}

impl fmt::Debug for FileJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileJob")
    }
}

impl fmt::Debug for FileDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileDone")
    }
}
