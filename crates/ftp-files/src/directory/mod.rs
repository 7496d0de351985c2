//! A directory on disk. All paths go through `cap-std`, which keeps them in it.

#[cfg(target_os = "linux")]
mod cached;
mod disk;
mod entries;
mod reading;
mod rename;
mod upload;

use std::fs::FileTimes;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use crate::facts::date_time;
use crate::names;
use crate::{Entries, Facts, Files, Opened, ReadFile, WriteFile, error_kind};

/// A directory on disk and all below it. Nothing leads out: not `..`, no link, and no directory that
/// somebody exchanges for a link at the wrong moment.
///
/// * Symbolic links that stay inside are followed; those that leave give [`FileError::NotAllowed`]. A
///   listing shows links as links, and not where they lead. Hard links are files like others.
/// * Devices, pipes and sockets are never opened.
/// * An upload has a hidden name in its directory, `.ftp-upload-` and digits, until it replaces the file
///   at once. It gets the permissions of the file that it replaces, and the server's process as owner.
///   Clients neither see nor reach such names. If the process dies, one is left; it is removed when the
///   directory is listed a day later, or removed.
/// * Clients do not learn the owner, the group, and the path on the host.
///
/// ```no_run
/// let files = ftp_files::Directory::open("/srv/ftp")?.sync(true);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Directory {
    root: Arc<Dir>,
    sync: bool,
    is_local: bool,
}

impl Directory {
    /// Serves this directory, which must exist. It is opened here: renaming it later changes nothing.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self {
            is_local: disk::holds(&root),
            root: Arc::new(root),
            sync: false,
        })
    }

    /// Serves a directory below this one, say a user's own, with the same options.
    ///
    /// # Errors
    /// As [`Files::enter`].
    pub fn below(&self, path: &VirtualPath) -> Result<Self, FileError> {
        let root = self.root.open_dir(relative(path)?).map_err(file_error)?;
        // It may be on another file system, unless the application says what is known of none.
        let is_disk = disk::holds(&root) || !disk::holds(&self.root);
        Ok(Self {
            root: Arc::new(root),
            is_local: self.is_local && is_disk,
            ..*self
        })
    }

    /// Whether a committed upload is on the disk before success is reported (`fsync`, of the
    /// file and, on Unix, of its directory). Default off: after a power failure, a file of the last
    /// seconds may be missing or empty.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Whether the directory is on a disk of this host, and not on a network file system or a device that may
    /// take long. By default that is asked of the system on Linux, where an unknown file system is not; elsewhere
    /// it is taken for granted. It decides only in which thread a server makes its calls: see
    /// [`Files::is_local`], [`Files::read_cached`] and [`ReadFile::read_cached`].
    #[must_use]
    pub fn local(mut self, local: bool) -> Self {
        self.is_local = local;
        self
    }

    #[cfg(target_os = "linux")]
    fn reader(&self, file: std::fs::File) -> Box<dyn ReadFile> {
        match self.is_local {
            true => cached::reader(&self.root, file),
            false => Box::new(file),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reader(&self, file: std::fs::File) -> Box<dyn ReadFile> {
        Box::new(file)
    }

    /// Opens the directory that something is in: what is done there stays there, whatever becomes of the
    /// path. `None` for the root.
    fn parent<'a>(&self, path: &'a VirtualPath) -> Result<Option<(Arc<Dir>, &'a Path)>, FileError> {
        let Some((parent, name)) = names::split(path)? else {
            return Ok(None);
        };
        let directory = match parent.is_root() {
            true => Arc::clone(&self.root),
            false => self.open_directory(&parent)?,
        };
        Ok(Some((directory, path_of(name)?)))
    }

    fn open_directory(&self, path: &VirtualPath) -> Result<Arc<Dir>, FileError> {
        let opened = self.root.open_dir(relative(path)?);
        opened.map(Arc::new).map_err(file_error)
    }
}

impl Files for Directory {
    /// Not if uploads are [synchronized](Self::sync), which a disk may take seconds for.
    fn is_local(&self) -> bool {
        self.is_local && !self.sync
    }

    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        // As a name in it: the system looks whether it may be searched, and whether it is a directory.
        let inside = relative(path)?.join(".");
        let metadata = self.root.metadata(inside).map_err(file_error)?;
        if metadata.is_dir() {
            Ok(())
        } else {
            Err(FileError::NotFound)
        }
    }

    fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
        let relative = relative(path)?;
        let mut metadata = self.root.symlink_metadata(&relative).map_err(file_error)?;
        let is_link = metadata.is_symlink();
        if is_link {
            metadata = self.root.metadata(&relative).map_err(file_error)?;
        }
        let mut facts = facts(path.name().unwrap_or_default().to_vec(), &metadata, needed);
        facts.is_link = is_link;
        Ok(facts)
    }

    fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
        let entries = reading::read(&self.root, &relative(path)?).map_err(file_error)?;
        Ok(entries::entries(entries, needed))
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        let relative = relative(path)?;
        let (mut file, size) = open_file(&self.root, &relative, OpenOptions::new().read(true))?;
        if offset > size {
            return Err(FileError::TooShort);
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(file_error)?;
        }
        Ok(Opened {
            reader: self.reader(file),
            size: Some(size),
        })
    }

    /// On Linux since 5.12, and not of all file systems.
    #[cfg(target_os = "linux")]
    fn read_cached(&self, path: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        let path = relative(path).ok().filter(|_| self.is_local)?;
        cached::read(&self.root, &path, offset, most)
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        if mode == StoreMode::Unique {
            // The proposal may be a directory, in which to find a name.
            let is_directory = match self.root.metadata(relative(path)?) {
                Ok(metadata) => metadata.is_dir(),
                Err(_) => false,
            };
            let proposal = path.name().filter(|_| !is_directory).unwrap_or(b"upload");
            let name = names::unique_name(proposal);
            let parent = match is_directory {
                true => self.open_directory(path)?,
                false => self.parent(path)?.ok_or(FileError::NotFound)?.0,
            };
            return upload::begin(parent, path_of(&name)?, false, self.sync);
        }
        let Some((parent, name)) = self.parent(path)? else {
            return Err(match mode {
                StoreMode::Replace | StoreMode::New => FileError::Exists,
                _ => FileError::NotFound,
            });
        };
        match mode {
            StoreMode::Replace => upload::begin(parent, name, true, self.sync),
            StoreMode::New => upload::begin(parent, name, false, self.sync),
            // Through links that lead to other directories, so from the root.
            StoreMode::At(offset) => upload::at(&self.root, path, offset, self.sync),
            StoreMode::Append => upload::append(&self.root, path, self.sync),
            _ => Err(FileError::NotSupported),
        }
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = self.parent(path)?.ok_or(FileError::NotFound)?;
        parent.remove_file(name).map_err(|error| {
            // To remove a directory like a file is "not permitted" on some systems.
            match parent.symlink_metadata(name) {
                Ok(metadata) if metadata.is_dir() => FileError::NotFound,
                _ => file_error(error),
            }
        })
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = self.parent(path)?.ok_or(FileError::Exists)?;
        parent.create_dir(name).map_err(file_error)
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = self.parent(path)?.ok_or(FileError::NotAllowed)?;
        match parent.remove_dir(name).map_err(file_error) {
            Err(FileError::NotEmpty) => {}
            done => return done,
        }
        // There may be nothing in it but what no client sees.
        if reading::read(&parent, name).is_ok_and(entries::remove_leftovers) {
            return parent.remove_dir(name).map_err(file_error);
        }
        Err(FileError::NotEmpty)
    }

    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError> {
        names::check_rename(from, to)?;
        let (from, to) = (self.parent(from)?, self.parent(to)?);
        let (from, to) = from.zip(to).ok_or(FileError::NotAllowed)?;
        rename::rename((&from.0, from.1), (&to.0, to.1), may_overwrite)
    }

    /// What the system leaves to programs without privileges.
    #[cfg(unix)]
    fn space(&self, path: &VirtualPath) -> Result<u64, FileError> {
        let directory = self.root.open_dir(relative(path)?).map_err(file_error)?;
        let found = rustix::fs::fstatvfs(&directory);
        let found = found.map_err(|error| error_kind(&error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
        let seconds = Duration::from_secs(time.unix().unsigned_abs());
        let time = match time.unix() < 0 {
            true => SystemTime::UNIX_EPOCH.checked_sub(seconds),
            false => SystemTime::UNIX_EPOCH.checked_add(seconds),
        };
        let time = time.ok_or(FileError::NotAllowed)?;
        let file = self.open_any(path)?;
        file.set_times(FileTimes::new().set_modified(time))
            .map_err(file_error)
    }

    #[cfg(unix)]
    fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
        use std::os::unix::fs::PermissionsExt;
        if mode & !0o777 != 0 {
            return Err(FileError::NotAllowed);
        }
        match self.open_any(path) {
            Ok(file) => {
                let permissions = std::fs::Permissions::from_mode(mode.into());
                file.set_permissions(permissions).map_err(file_error)
            }
            // Its owner may have locked themselves out.
            Err(FileError::NotAllowed) => {
                let permissions = cap_std::fs::PermissionsExt::from_mode(mode.into());
                self.root
                    .set_permissions(relative(path)?, permissions)
                    .map_err(file_error)
            }
            Err(error) => Err(error),
        }
    }
}

impl Directory {
    /// A file or directory, to change what is known of it.
    fn open_any(&self, path: &VirtualPath) -> Result<std::fs::File, FileError> {
        let relative = relative(path)?;
        // Windows wants it for changing times.
        let write = cfg!(windows);
        let mut options = OpenOptions::new();
        options.read(true).write(write);
        Ok(
            open_checked(&self.root, &relative, &mut options, |metadata| {
                metadata.is_file() || metadata.is_dir()
            })?
            .0,
        )
    }
}

/// Opens a regular file; also returns its size.
fn open_file(
    root: &Dir,
    path: &Path,
    options: &mut OpenOptions,
) -> Result<(std::fs::File, u64), FileError> {
    let (file, metadata) = open_checked(root, path, options, Metadata::is_file)?;
    Ok((file, metadata.len()))
}

/// Looks before it opens, since opening some devices does something; and again after that, since it may
/// be another by then. In between, opening does not wait.
fn open_checked(
    root: &Dir,
    path: &Path,
    options: &mut OpenOptions,
    is_wanted: fn(&Metadata) -> bool,
) -> Result<(std::fs::File, Metadata), FileError> {
    let check = |metadata: io::Result<Metadata>| match metadata.map_err(file_error)? {
        metadata if is_wanted(&metadata) => Ok(metadata),
        _ => Err(FileError::NotFound),
    };
    // A link is looked through; most are none.
    match root.symlink_metadata(path).map_err(file_error)? {
        metadata if metadata.is_symlink() => check(root.metadata(path))?,
        metadata => check(Ok(metadata))?,
    };
    let file: File = root
        .open_with(path, without_waiting(options))
        .map_err(file_error)?;
    let metadata = check(file.metadata())?;
    Ok((file.into_std(), metadata))
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use cap_std::fs::OpenOptionsExt;
    use rustix::fs::OFlags;
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
}

#[cfg(not(unix))]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Of these facts, all that are `needed`.
fn facts(name: Vec<u8>, metadata: &Metadata, needed: FactNames) -> Facts {
    let kind = kind(metadata.file_type());
    let mut facts = Facts::new(name, kind);
    facts.size = Some(metadata.len()).filter(|_| kind == Kind::File);
    facts.modified = metadata
        .modified()
        .ok()
        .map(|time| date_time(time.into_std()));
    #[cfg(unix)]
    {
        use cap_std::fs::MetadataExt;
        facts.permissions = u16::try_from(metadata.mode() & 0o7777).ok();
        if needed.contains(FactNames::UNIQUE) {
            let unique = format!("{:x}g{:x}", metadata.dev(), metadata.ino());
            facts.unique = Some(unique.into_bytes());
        }
    }
    #[cfg(not(unix))]
    let _ = needed;
    facts
}

fn kind(kind: cap_std::fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        Kind::File
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// The path from the root.
fn relative(path: &VirtualPath) -> Result<PathBuf, FileError> {
    names::check(path)?;
    if path.is_root() {
        return Ok(".".into());
    }
    path.components().map(path_of).collect()
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> Result<&Path, FileError> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(std::ffi::OsStr::from_bytes(name)))
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> Result<&Path, FileError> {
    let name = std::str::from_utf8(name).map_err(|_| FileError::NotAllowed)?;
    Ok(Path::new(name))
}

/// The name as the client sees it; `None` if it cannot.
#[cfg(unix)]
fn bytes_of(name: &std::ffi::OsStr) -> Option<&[u8]> {
    use std::os::unix::ffi::OsStrExt;
    Some(name.as_bytes())
}

#[cfg(not(unix))]
fn bytes_of(name: &std::ffi::OsStr) -> Option<&[u8]> {
    name.to_str().map(str::as_bytes)
}

fn file_error(error: io::Error) -> FileError {
    error_kind(&error)
}
