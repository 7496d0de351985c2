//! Uploads that are written in place.

use std::io::{self, Write};

use ftp_proto::DateTime;
use ftp_proto::listing::FactNames;
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use crate::{Entries, Facts, Files, Opened, WriteFile};

/// Files that are replaced in place: a `STOR` writes over the file that is there, which keeps its place
/// on the disk, its permissions, its links and its owner; and a new file is seen while it grows. For
/// programs that watch a file, and where there is no room for the old file and the new one.
///
/// The price: who reads the file meanwhile gets some of each, and an upload that fails leaves what came
/// and nothing of the old file; if nothing came, the old file. If the process dies, the rest of the old file
/// is behind what came. A link is followed.
///
/// Where a file must not be replaced ([`StoreMode::New`], `STOU`), it appears as a whole as everywhere.
/// With a [`Quota`](crate::Quota), put that inside: then what is written over counts once.
///
/// ```
/// use std::io::Write;
/// use ftp_files::{Files, InPlace, Memory};
/// use ftp_proto::server::{StoreMode, VirtualPath};
///
/// let files = InPlace::new(Memory::new());
/// let path = VirtualPath::root().resolve(b"log");
/// let mut upload = files.store(&path, StoreMode::Replace)?;
/// upload.write_all(b"first")?;
/// assert_eq!(files.open(&path, 0)?.size, Some(5)); // not committed, and there
/// upload.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InPlace<F> {
    files: F,
}

impl<F: Files> InPlace<F> {
    /// These files, with uploads in place.
    pub fn new(files: F) -> Self {
        Self { files }
    }

    fn replace(&self, path: &VirtualPath) -> Result<Box<dyn WriteFile>, FileError> {
        match self.files.store(path, StoreMode::At(0)) {
            Ok(inner) => Ok(Box::new(Overwrite {
                inner: Some(inner),
                has_bytes: false,
            })),
            Err(FileError::NotFound) => match self.files.facts(path, FactNames::TYPE) {
                Ok(found) if found.kind.is_directory() => Err(FileError::Exists),
                Ok(_) => Err(FileError::NotAllowed),
                Err(_) => self.files.store(path, StoreMode::Append),
            },
            Err(error) => Err(error),
        }
    }
}

impl<F: Files> Files for InPlace<F> {
    fn is_local(&self) -> bool {
        self.files.is_local()
    }

    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.enter(path)
    }

    fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
        self.files.facts(path, needed)
    }

    fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
        self.files.list(path, needed)
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        self.files.open(path, offset)
    }

    fn read_cached(&self, path: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        self.files.read_cached(path, offset, most)
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        match mode {
            StoreMode::Replace => self.replace(path),
            mode => self.files.store(path, mode),
        }
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove(path)
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.make_directory(path)
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove_directory(path)
    }

    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError> {
        self.files.rename(from, to, may_overwrite)
    }

    fn space(&self, path: &VirtualPath) -> Result<u64, FileError> {
        self.files.space(path)
    }

    fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
        self.files.set_modified(path, time)
    }

    fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
        self.files.set_permissions(path, mode)
    }
}

/// A file that is written over from its start.
struct Overwrite {
    /// Until it is committed or discarded.
    inner: Option<Box<dyn WriteFile>>,
    has_bytes: bool,
}

impl Overwrite {
    /// To commit cuts off what is behind: with the rest of another file, what came would look whole.
    fn finish(&mut self, is_whole: bool) -> Result<(), FileError> {
        match self.inner.take() {
            Some(inner) if is_whole || self.has_bytes => inner.commit(),
            Some(inner) => inner.discard(),
            None => Ok(()),
        }
    }
}

impl Write for Overwrite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(inner) = &mut self.inner else {
            return Ok(0);
        };
        let count = inner.write(bytes)?;
        self.has_bytes |= count > 0;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Overwrite {
    fn name(&self) -> &[u8] {
        self.inner.as_ref().map_or(b"", |inner| inner.name())
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.finish(true)
    }

    fn discard(mut self: Box<Self>) -> Result<(), FileError> {
        self.finish(false)
    }
}

impl Drop for Overwrite {
    fn drop(&mut self) {
        let _ = self.finish(false);
    }
}
