//! What blocks: the questions about files, and their reading and writing.

use std::fmt;
use std::io::{self, Read};
use std::net::IpAddr;

use ftp_files::{Files, Listing, ReadFile, WriteFile};
use ftp_proto::server::{
    Answer, FileError, ListenRequest, Rights, StoreMode, TransferAction, TransferId,
    TransferRequest, VirtualPath,
};

use super::moving::{Moving, PIECE};
use crate::ActiveListener;

/// Something that blocks.
#[must_use = "the client waits for it"]
pub struct FileJob(Box<dyn FnOnce() -> FileDone + Send>);

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
    Opened(TransferId, Option<VirtualPath>, Answer, OpenFile),
    Read(TransferId, OpenFile, Vec<u8>, io::Result<bool>),
    Wrote(TransferId, OpenFile, Vec<u8>, io::Result<()>),
    /// By a [`FilePump`](super::FilePump).
    Pumped(Box<Moving>, io::Result<()>),
    Left,
}

impl FileJob {
    pub(super) fn new(job: impl FnOnce() -> Done + Send + 'static) -> Self {
        Self(Box::new(|| FileDone(job())))
    }

    /// Does it. Blocks.
    pub fn run(self) -> FileDone {
        (self.0)()
    }
}

/// Opens what is to be transferred.
pub(super) fn open(files: &dyn Files, request: TransferRequest, rights: Rights) -> Done {
    let opened = match request.action() {
        TransferAction::Retrieve { path, offset } => {
            let opened = files.open(path, *offset);
            opened.map(|opened| (OpenFile::Read(opened.reader), opened.size))
        }
        TransferAction::Store { path, mode } => {
            let opened = files.store(path, *mode);
            opened.map(|file| (OpenFile::Write(file), None))
        }
        TransferAction::List { path, kind } => {
            let listing = Listing::open(files, path, *kind, rights);
            listing.map(|listing| (OpenFile::Read(Box::new(listing)), None))
        }
        _ => Err(FileError::NotSupported),
    };
    let id = request.id();
    match (opened, request.action()) {
        (Err(error), _) => Done::Answered(request.refused(error)),
        (
            Ok((OpenFile::Write(file), _)),
            TransferAction::Store {
                mode: StoreMode::Unique,
                path,
            },
        ) => {
            let directory = match files.enter(path) {
                Ok(()) => path.clone(),
                Err(_) => path.parent().unwrap_or_default(),
            };
            let found = directory.resolve(file.name());
            let answer = request.begin_named(file.name());
            Done::Opened(id, Some(found), answer, OpenFile::Write(file))
        }
        (Ok((file, size)), _) => Done::Opened(id, None, request.begin(size), file),
    }
}

/// Reads as much as a piece holds; `true` if that is all there is.
pub(super) fn fill(file: &mut dyn ReadFile, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    let count = file.take(PIECE as u64).read_to_end(piece)?;
    Ok(count < PIECE)
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
