//! Files that are being stored: under a hidden name, or in place.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions};
use ftp_proto::server::{FileError, VirtualPath};

use super::rename::{rename_new, replace};
use super::{bytes_of, file_error, open_file, path_of, relative};
use crate::{WriteFile, names};

/// Begins one under a hidden name.
pub(super) fn begin(
    directory: Arc<Dir>,
    name: &Path,
    may_overwrite: bool,
    sync: bool,
) -> Result<Box<dyn WriteFile>, FileError> {
    let old = match directory.symlink_metadata(name) {
        Ok(old) if !may_overwrite || old.is_dir() => return Err(FileError::Exists),
        Ok(old) if !old.is_file() && !old.is_symlink() => return Err(FileError::NotAllowed),
        Ok(old) => Some(old).filter(|old| old.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(file_error(error)),
    };
    let temporary = path_of(&names::temporary())?.to_owned();
    let options = OpenOptions::new().write(true).create_new(true).clone();
    let file = directory
        .open_with(&temporary, &options)
        .map_err(file_error)?;
    let upload = Upload {
        file: Some(file.into_std()),
        directory,
        temporary,
        name: name.to_owned(),
        may_overwrite,
        sync,
        has_bytes: false,
    };
    if let (Some(old), Some(file)) = (old, &upload.file) {
        // Not all file systems have permissions.
        let _ = set_permissions(file, &old);
    }
    Ok(Box::new(upload))
}

#[cfg(unix)]
fn set_permissions(file: &File, old: &cap_std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = cap_std::fs::MetadataExt::mode(old) & 0o777;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_permissions(_: &File, _: &cap_std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Under a hidden name, until it is committed or discarded.
struct Upload {
    /// Until it has its name, or none.
    file: Option<File>,
    directory: Arc<Dir>,
    temporary: PathBuf,
    name: PathBuf,
    may_overwrite: bool,
    sync: bool,
    has_bytes: bool,
}

impl Upload {
    /// What remains under the hidden name after that goes.
    fn rename(&mut self, may_overwrite: bool) -> Result<(), FileError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let synced = match self.sync {
            true => file.sync_all().map_err(file_error),
            false => Ok(()),
        };
        drop(file);
        let from = (&*self.directory, self.temporary.as_path());
        let to = (&*self.directory, self.name.as_path());
        let renamed = synced.and_then(|()| match may_overwrite {
            true => replace(from, to),
            false => rename_new(from, to).map_err(file_error),
        });
        match renamed {
            Err(_) => _ = self.directory.remove_file(&self.temporary),
            Ok(()) if self.sync => sync_directory(&self.directory).map_err(file_error)?,
            Ok(()) => {}
        }
        renamed
    }

    fn keep_or_remove(&mut self) -> Result<(), FileError> {
        if self.has_bytes {
            return match self.rename(false) {
                Err(FileError::Exists) => Ok(()),
                kept => kept,
            };
        }
        match self.file.take() {
            Some(_) => self
                .directory
                .remove_file(&self.temporary)
                .map_err(file_error),
            None => Ok(()),
        }
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Dir) -> io::Result<()> {
    directory.open(".")?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Dir) -> io::Result<()> {
    Ok(())
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else {
            return Ok(0);
        };
        let count = file.write(bytes)?;
        self.has_bytes |= count > 0;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Upload {
    fn name(&self) -> &[u8] {
        bytes_of(self.name.as_os_str()).unwrap_or_default()
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.rename(self.may_overwrite)
    }

    fn discard(mut self: Box<Self>) -> Result<(), FileError> {
        self.keep_or_remove()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = self.keep_or_remove();
    }
}

/// In place, from a byte on.
pub(super) fn at(
    root: &Dir,
    path: &VirtualPath,
    offset: u64,
    sync: bool,
) -> Result<Box<dyn WriteFile>, FileError> {
    let (mut file, size) = open_file(root, &relative(path)?, OpenOptions::new().write(true))?;
    if size < offset {
        return Err(FileError::TooShort);
    }
    file.seek(SeekFrom::Start(offset)).map_err(file_error)?;
    Ok(Box::new(InPlace::new(file, path, Some(offset), sync)))
}

/// In place, at the end.
pub(super) fn append(
    root: &Dir,
    path: &VirtualPath,
    sync: bool,
) -> Result<Box<dyn WriteFile>, FileError> {
    let relative = relative(path)?;
    let open = || open_file(root, &relative, OpenOptions::new().append(true)).map(|(file, _)| file);
    let file = match open() {
        Err(FileError::NotFound) if root.symlink_metadata(&relative).is_err() => {
            let mut new = OpenOptions::new();
            new.append(true).create_new(true);
            match root.open_with(&relative, &new).map_err(file_error) {
                // Somebody else made it just now.
                Err(FileError::Exists) => open()?,
                made => made?.into_std(),
            }
        }
        opened => opened?,
    };
    Ok(Box::new(InPlace::new(file, path, None, sync)))
}

struct InPlace {
    file: File,
    name: Vec<u8>,
    /// Where the next byte goes; `None` for the end.
    position: Option<u64>,
    sync: bool,
}

impl InPlace {
    fn new(file: File, path: &VirtualPath, position: Option<u64>, sync: bool) -> Self {
        Self {
            file,
            name: path.name().unwrap_or_default().to_vec(),
            position,
            sync,
        }
    }
}

impl Write for InPlace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        if let Some(position) = &mut self.position {
            *position += count as u64;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for InPlace {
    fn name(&self) -> &[u8] {
        &self.name
    }

    fn commit(self: Box<Self>) -> Result<(), FileError> {
        if let Some(end) = self.position
            && self.file.metadata().map_err(file_error)?.len() > end
        {
            self.file.set_len(end).map_err(file_error)?;
        }
        if self.sync {
            self.file.sync_all().map_err(file_error)?;
        }
        Ok(())
    }

    fn discard(self: Box<Self>) -> Result<(), FileError> {
        Ok(())
    }
}
