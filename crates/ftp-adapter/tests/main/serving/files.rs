//! Files that say how they are read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use ftp_files::{Entries, Facts, Files, Memory, Opened, ReadFile, WriteFile};
use ftp_proto::listing::FactNames;
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use super::path;

/// Files that say how they are read.
#[derive(Clone, Default)]
pub(super) struct Watched {
    pub(super) files: Memory,
    pub(super) reading: Arc<Mutex<Reading>>,
    /// It cannot go back.
    pub(super) is_one_way: bool,
    /// The system has it in memory.
    pub(super) is_cached: bool,
    /// Of which only some is in memory, and not always.
    pub(super) is_patchy: bool,
}

#[derive(Default)]
pub(super) struct Reading {
    pub(super) position: usize,
    pub(super) largest: usize,
    pub(super) gone_back: usize,
}

impl Watched {
    /// With these bytes from there on.
    pub(super) fn put(&self, at: usize, bytes: &[u8]) {
        let mode = match at {
            0 => StoreMode::Replace,
            at => StoreMode::At(at as u64),
        };
        let mut file = self.files.store(&path(), mode).unwrap();
        file.write_all(bytes).unwrap();
        file.commit().unwrap();
    }

    pub(super) fn got(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut opened = self.files.open(&path(), 0).unwrap();
        opened.reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub(super) fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.reading.lock().unwrap()
    }
}

pub(super) struct WatchedFile(Box<dyn ReadFile>, Watched);

impl Read for WatchedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        let mut reading = self.1.reading();
        reading.position += count;
        reading.largest = reading.largest.max(count);
        Ok(count)
    }
}

impl ReadFile for WatchedFile {
    fn read_cached(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if !self.1.is_cached {
            return None;
        }
        let position = self.1.reading().position;
        let most = if self.1.is_patchy {
            // Linux 5.9 and 5.10 may say that there is nothing more, and there is.
            [None, Some(1), Some(70_000), Some(5000), Some(0)][position / 7 % 5]?
        } else {
            usize::MAX
        };
        let most = buffer.len().min(most);
        self.read(&mut buffer[..most]).ok()
    }

    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        if self.1.is_one_way {
            return Ok(false);
        }
        let mut reading = self.1.reading();
        reading.position -= count as usize;
        reading.gone_back += 1;
        self.0.go_back(count)
    }
}

impl Files for Watched {
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
        let opened = self.files.open(path, offset)?;
        Ok(Opened {
            reader: Box::new(WatchedFile(opened.reader, self.clone())),
            size: opened.size,
        })
    }
    fn read_cached(&self, _: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        let rest = self.got().get(offset as usize..)?.to_vec();
        Some(rest).filter(|rest| self.is_cached && rest.len() <= most)
    }
    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        self.files.store(path, mode)
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
    fn rename(&self, from: &VirtualPath, to: &VirtualPath, over: bool) -> Result<(), FileError> {
        self.files.rename(from, to, over)
    }
}
