//! A place on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ftp_futures::ftp_files::Directory;

/// A directory of its own, removed at its end.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftp-conformance-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A directory in it, made for this, to be served.
    pub(super) fn directory(&self, name: &str) -> Directory {
        let path = self.0.join(name);
        fs::create_dir(&path).expect("a new directory");
        Directory::open(path).expect("the directory is there")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is in the system's place for such things.
        let _left = fs::remove_dir_all(&self.0);
    }
}
