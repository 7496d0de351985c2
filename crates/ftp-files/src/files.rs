//! What a server asks of the place where its files are.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use ftp_proto::DateTime;
use ftp_proto::listing::FactNames;
use ftp_proto::server::{
    Answer, FileAction, FileError, FileRequest, Rights, StoreMode, VirtualPath,
};

use crate::Facts;
use crate::hash::hash_file;

/// Where a server's files are. Calls block, but for [`read_cached`](Self::read_cached); a server with an async
/// runtime makes them on a thread that may block.
///
/// Whether the user may do what is asked was decided before ([`Rights`]). A path names a file as the
/// client sees it, from the root of what is served.
///
/// These errors are common to all methods: [`FileError::NotFound`] if there is no such file or
/// directory, or something of the wrong kind; [`FileError::NotAllowed`] for a name that no file can
/// have here (see [`is_usable`](crate::is_usable)), and where the system refuses;
/// [`FileError::NoSpace`]; and [`FileError::Failed`] for all else that goes wrong.
pub trait Files: Send + Sync + 'static {
    /// Whether its calls, and those of its readers and writers, end soon: they wait for no network, and for no more
    /// than a disk of this host. A server with a thread for each session makes them in that thread then,
    /// and looks at the control connection afterwards. Without this method: `false`.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether this is a directory that may be entered (`CWD`).
    fn enter(&self, path: &VirtualPath) -> Result<(), FileError>;

    /// What is known of a file or directory (`MLST`, `SIZE`, `MDTM`, `RNFR`). Facts that are not
    /// `needed` may be left out. A link is followed.
    fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError>;

    /// What is in a directory, in any order, one after the other: memory does not grow with the
    /// directory. Facts that are not `needed` may be left out; without [`FactNames::TYPE`] too, no
    /// file is looked at. Links are not followed. Names that are not
    /// [usable](crate::is_usable) are left out.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if it is a file; [`Listing`](crate::Listing) lists files.
    fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError>;

    /// Opens a file for reading, from a byte on (`RETR`, `REST`).
    ///
    /// # Errors
    /// [`FileError::TooShort`] if the file is shorter than `offset`.
    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError>;

    /// Reads the rest of a file, from a byte on, if it has at most `most` bytes and the system has it in memory.
    /// The only method that never waits: a server with an async runtime calls it in the runtime's
    /// thread. `None` if this cannot be done, for whatever reason: then [`open`](Self::open) is called. Without
    /// this method: `None`.
    fn read_cached(&self, path: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        let _ = (path, offset, most);
        None
    }

    /// Begins to store a file (`STOR`, `APPE`, `STOU`).
    ///
    /// With [`StoreMode::Replace`], [`StoreMode::New`] and [`StoreMode::Unique`] the file appears when
    /// the writer [commits](WriteFile::commit), as a whole. [`StoreMode::At`] and
    /// [`StoreMode::Append`] write in place. A link is replaced by the former and followed by the
    /// latter.
    ///
    /// # Errors
    /// [`FileError::Exists`] where `New` finds something, and `Replace` a directory;
    /// [`FileError::TooShort`] if the file is shorter than `At` says; [`FileError::NotAllowed`] if `Replace` finds a device
    /// or the like.
    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError>;

    /// Removes a file, or a link itself (`DELE`).
    fn remove(&self, path: &VirtualPath) -> Result<(), FileError>;

    /// Makes a directory (`MKD`).
    ///
    /// # Errors
    /// [`FileError::Exists`] if something has this name.
    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError>;

    /// Removes an empty directory (`RMD`).
    ///
    /// # Errors
    /// [`FileError::NotEmpty`] if it is not empty, or an upload into it is not at its end.
    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError>;

    /// Renames a file or directory, or a link itself (`RNFR`, `RNTO`). A file takes the place of another
    /// at once if it `may_overwrite` it; directories neither replace nor are replaced.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something has the new name that is not replaced.
    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError>;

    /// How many bytes can be stored in this directory (`AVBL`). Without this method:
    /// [`FileError::NotSupported`].
    fn space(&self, path: &VirtualPath) -> Result<u64, FileError> {
        let _ = path;
        Err(FileError::NotSupported)
    }

    /// Sets the time of the last change, in UTC (`MFMT`). Without this method:
    /// [`FileError::NotSupported`].
    fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
        let _ = (path, time);
        Err(FileError::NotSupported)
    }

    /// Sets the permissions (`SITE CHMOD`). Without this method: [`FileError::NotSupported`].
    ///
    /// # Errors
    /// [`FileError::NotAllowed`] for other bits than `0o777`: no client makes a program run as another
    /// user.
    fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
        let _ = (path, mode);
        Err(FileError::NotSupported)
    }
}

/// What is in a directory. After an error it has ended.
pub type Entries = Box<dyn Iterator<Item = Result<Facts, FileError>> + Send>;

/// A file that is open for reading.
pub struct Opened {
    /// Its bytes, from the offset on.
    pub reader: Box<dyn ReadFile>,
    /// The size of the whole file.
    pub size: Option<u64>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut opened = f.debug_struct("Opened");
        opened.field("size", &self.size).finish_non_exhaustive()
    }
}

/// Bytes that are sent.
pub trait ReadFile: Read + Send {
    /// The file itself, at the same position, if it is one on disk: systems can send it faster.
    fn as_file(&mut self) -> Option<&mut File> {
        None
    }

    /// Reads what comes next, as [`read`](Read::read) does, as far as the system has it in memory. The only method
    /// that never waits: a server with an async runtime calls it in the runtime's thread. `None` if this
    /// cannot be done, for whatever reason: then `read` is called. Without this method: `None`.
    fn read_cached(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let _ = buffer;
        None
    }

    /// Goes back by so many bytes of those read: they are read again next. So a server need not keep what
    /// a slow client does not take. `false` if this cannot be done, and nothing is changed; without this
    /// method, it never can. Going back by nothing says whether it can.
    ///
    /// What is read again must be what was read before, or the transfer fails.
    ///
    /// # Errors
    /// When it is not known any more what is read next. The transfer fails.
    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        let _ = count;
        Ok(false)
    }
}

impl ReadFile for File {
    fn as_file(&mut self) -> Option<&mut File> {
        Some(self)
    }

    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        let Ok(count) = i64::try_from(count) else {
            return Ok(false);
        };
        // What cannot be gone back in, such as a pipe, stays where it is.
        Ok(self.seek(SeekFrom::Current(-count)).is_ok())
    }
}

/// A file that is being stored. [`error_kind`](crate::error_kind) turns the errors of `write` into those
/// of the server. Dropping it does what [`discard`](Self::discard) does, and blocks as long.
pub trait WriteFile: Write + Send {
    /// The last component of the file's path: for `STOU` the name that was found.
    fn name(&self) -> &[u8];

    /// All bytes have come: keep the file. With [`StoreMode::At`], what was in the file behind them is
    /// cut off.
    ///
    /// # Errors
    /// [`FileError::Exists`] if what has the name by now is not replaced. What came is then lost, if it
    /// was not written in place.
    fn commit(self: Box<Self>) -> Result<(), FileError>;

    /// The upload failed. A file that was there stays as it was. If none is there, what came is kept, so
    /// that the client can go on from there; unless nothing came. What was written in place stays. A store whose
    /// files appear as a whole only may keep nothing.
    fn discard(self: Box<Self>) -> Result<(), FileError>;
}

/// Does what a server's machine asks for, and gives the answer. The rights are the user's: they are shown
/// as the fact `perm`. `is_awaited` is asked now and then while a file is hashed; if nobody waits for the
/// answer any more, the rest is not read.
pub fn answer(
    files: &dyn Files,
    request: FileRequest,
    rights: Rights,
    is_awaited: impl Fn() -> bool,
) -> Answer {
    let done = match request.action() {
        FileAction::Hash { path, algorithm } => {
            match hash_file(files, path, *algorithm, is_awaited) {
                Ok((hash, size)) => return request.hash(&hash, size),
                Err(error) => Err(error),
            }
        }
        FileAction::Space(path) => match files.space(path) {
            Ok(bytes) => return request.space(bytes),
            Err(error) => Err(error),
        },
        FileAction::Facts { path, facts } => match files.facts(path, *facts) {
            Ok(found) => return request.facts(&found.with_rights(rights).entry()),
            Err(error) => Err(error),
        },
        FileAction::ChangeDirectory(path) => files.enter(path),
        FileAction::Remove(path) => files.remove(path),
        FileAction::MakeDirectory(path) => files.make_directory(path),
        FileAction::RemoveDirectory(path) => files.remove_directory(path),
        FileAction::Rename {
            from,
            to,
            may_overwrite,
        } => files.rename(from, to, *may_overwrite),
        FileAction::SetModified { path, time } => files.set_modified(path, *time),
        FileAction::SetPermissions { path, mode } => files.set_permissions(path, *mode),
        _ => Err(FileError::NotSupported),
    };
    match done {
        Ok(()) => request.done(),
        Err(error) => request.refused(error),
    }
}

/// The server's error for an error of the system, or of a reader or writer.
pub fn error_kind(error: &io::Error) -> FileError {
    use io::ErrorKind as Kind;
    if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return *known;
    }
    #[cfg(unix)]
    if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP) {
        return FileError::NotFound;
    }
    match error.kind() {
        Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory => FileError::NotFound,
        Kind::PermissionDenied
        | Kind::ReadOnlyFilesystem
        | Kind::InvalidFilename
        | Kind::InvalidInput => FileError::NotAllowed,
        Kind::AlreadyExists => FileError::Exists,
        Kind::DirectoryNotEmpty => FileError::NotEmpty,
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => FileError::NoSpace,
        Kind::ResourceBusy | Kind::ExecutableFileBusy => FileError::Busy,
        Kind::Unsupported => FileError::NotSupported,
        _ => FileError::Failed,
    }
}

macro_rules! delegate {
    ($pointer:ty) => {
        impl<F: Files + ?Sized> Files for $pointer {
            fn is_local(&self) -> bool {
                (**self).is_local()
            }
            fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
                (**self).enter(path)
            }
            fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
                (**self).facts(path, needed)
            }
            fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
                (**self).list(path, needed)
            }
            fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
                (**self).open(path, offset)
            }
            fn read_cached(&self, path: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
                (**self).read_cached(path, offset, most)
            }
            fn store(
                &self,
                path: &VirtualPath,
                mode: StoreMode,
            ) -> Result<Box<dyn WriteFile>, FileError> {
                (**self).store(path, mode)
            }
            fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
                (**self).remove(path)
            }
            fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
                (**self).make_directory(path)
            }
            fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
                (**self).remove_directory(path)
            }
            fn rename(
                &self,
                from: &VirtualPath,
                to: &VirtualPath,
                may_overwrite: bool,
            ) -> Result<(), FileError> {
                (**self).rename(from, to, may_overwrite)
            }
            fn space(&self, path: &VirtualPath) -> Result<u64, FileError> {
                (**self).space(path)
            }
            fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
                (**self).set_modified(path, time)
            }
            fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
                (**self).set_permissions(path, mode)
            }
        }
    };
}

delegate!(Arc<F>);
delegate!(Box<F>);
