//! A place on disk, and short ways to ask.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ftp_files::{Directory, Facts, Files};
use ftp_proto::listing::FactNames;
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

/// A directory of its own for one test, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftp-files-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn files(&self) -> Directory {
        Directory::open(&self.0).expect("the directory is there")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn path(path: impl AsRef<[u8]>) -> VirtualPath {
    VirtualPath::root().resolve(path.as_ref())
}

pub(crate) fn read(files: &impl Files, name: impl AsRef<[u8]>) -> Result<Vec<u8>, FileError> {
    let mut opened = files.open(&path(name), 0)?;
    let mut bytes = Vec::new();
    opened.reader.read_to_end(&mut bytes).expect("readable");
    Ok(bytes)
}

/// Stores a whole file; gives its name.
pub(crate) fn store(
    files: &impl Files,
    name: impl AsRef<[u8]>,
    mode: StoreMode,
    bytes: impl AsRef<[u8]>,
) -> Result<Vec<u8>, FileError> {
    let mut upload = files.store(&path(name), mode)?;
    upload
        .write_all(bytes.as_ref())
        .map_err(|error| ftp_files::error_kind(&error))?;
    let name = upload.name().to_vec();
    upload.commit()?;
    Ok(name)
}

pub(crate) fn facts(files: &impl Files, name: impl AsRef<[u8]>) -> Result<Facts, FileError> {
    files.facts(&path(name), FactNames::ALL)
}

/// The names in a directory, in order.
pub(crate) fn names(files: &impl Files, name: impl AsRef<[u8]>) -> Result<Vec<String>, FileError> {
    let entries = files.list(&path(name), FactNames::NONE)?;
    let mut names = entries
        .map(|entry| Ok(entry?.name.escape_ascii().to_string()))
        .collect::<Result<Vec<_>, FileError>>()?;
    names.sort();
    Ok(names)
}
