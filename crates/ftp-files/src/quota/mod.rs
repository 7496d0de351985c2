//! A limit to how much there is.

mod upload;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use crate::names::is_below;
use crate::{Entries, Facts, Files, Opened, WriteFile};
use upload::Upload;

/// How much there is, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The bytes in all files.
    pub bytes: u64,
    /// Files and directories, without the root.
    pub files: u64,
}

/// Files with a limit: [`FileError::NoSpace`] beyond it.
///
/// Uploads count while they come, beside the file that they replace. Bytes are counted before they are
/// written, so any number of threads stay below the limit together. An upload that reaches it takes as
/// many bytes as there is room for.
///
/// So that the count is exact, a file that is written in place (`REST` and `STOR`, `APPE`) is
/// [`FileError::Busy`] to all who would store, rename or remove it, and so is renaming a directory into
/// which something is being stored. The count is of what is done through this value: have one for
/// all sessions, and no links among the files.
///
/// ```
/// use std::io::Write;
/// use ftp_files::{Files, Memory, Quota, Usage};
/// use ftp_proto::server::{FileError, StoreMode, VirtualPath};
///
/// let files = Quota::measure(Memory::new(), Usage { bytes: 10, files: 2 })?;
/// let mut upload = files.store(&VirtualPath::root().resolve(b"a"), StoreMode::New)?;
/// upload.write_all(b"ten bytes!")?;
/// let error = upload.write(b"one more").unwrap_err();
/// assert_eq!(ftp_files::error_kind(&error), FileError::NoSpace);
/// upload.commit()?;
/// assert_eq!(files.used(), Usage { bytes: 10, files: 1 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Quota<F> {
    shared: Arc<Shared<F>>,
}

#[derive(Debug)]
struct Shared<F> {
    files: F,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Usage,
    used: Usage,
    uploads: Vec<Storing>,
}

/// A file that is being stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Storing {
    path: VirtualPath,
    in_place: bool,
}

impl<F: Files> Quota<F> {
    /// Limits files of which so much is `used` already.
    pub fn new(files: F, limit: Usage, used: Usage) -> Self {
        let uploads = Vec::new();
        Self {
            shared: Arc::new(Shared {
                files,
                state: Mutex::new(State {
                    limit,
                    used,
                    uploads,
                }),
            }),
        }
    }

    /// Counts what there is, which looks at every file. There may be more than the limit; then there
    /// will be no more.
    ///
    /// # Errors
    /// Those of [`Files::list`]. What is removed meanwhile is none.
    pub fn measure(files: F, limit: Usage) -> Result<Self, FileError> {
        let mut used = Usage::default();
        let mut directories = vec![VirtualPath::root()];
        while let Some(directory) = directories.pop() {
            let entries = match files.list(&directory, FactNames::TYPE | FactNames::SIZE) {
                Err(FileError::NotFound) if !directory.is_root() => continue,
                entries => entries?,
            };
            for facts in entries {
                let facts = facts?;
                used.files += 1;
                used.bytes = used.bytes.saturating_add(facts.size.unwrap_or_default());
                if facts.kind == Kind::Directory {
                    directories.push(directory.resolve(&facts.name));
                }
            }
        }
        Ok(Self::new(files, limit, used))
    }

    /// Changes the limit, also for uploads under way. If there is more already, nothing is removed.
    pub fn set_limit(&self, limit: Usage) {
        self.shared.state().limit = limit;
    }

    /// How much there is now, with what is being stored.
    pub fn used(&self) -> Usage {
        self.shared.state().used
    }
}

impl<F: Files> Shared<F> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self, path: &VirtualPath) -> Option<Facts> {
        self.files.facts(path, FactNames::ALL).ok()
    }
}

impl State {
    fn add_file(&mut self) -> Result<(), FileError> {
        if self.used.files >= self.limit.files {
            return Err(FileError::NoSpace);
        }
        self.used.files += 1;
        Ok(())
    }

    /// One is no more, which these were the facts of.
    fn gone(&mut self, facts: Option<&Facts>) {
        let own_size = facts.filter(|facts| !facts.is_link);
        let size = own_size.and_then(|facts| facts.size).unwrap_or_default();
        self.release(size, 1);
    }

    fn release(&mut self, bytes: u64, files: u64) {
        self.used.bytes = self.used.bytes.saturating_sub(bytes);
        self.used.files = self.used.files.saturating_sub(files);
    }

    fn check_not_in_place(&self, path: &VirtualPath) -> Result<(), FileError> {
        let mut uploads = self.uploads.iter();
        match uploads.any(|upload| upload.in_place && upload.path == *path) {
            true => Err(FileError::Busy),
            false => Ok(()),
        }
    }

    fn check_none_below(&self, path: &VirtualPath) -> Result<(), FileError> {
        let mut uploads = self.uploads.iter();
        match uploads.any(|upload| is_below(&upload.path, path)) {
            true => Err(FileError::Busy),
            false => Ok(()),
        }
    }
}

impl<F: Files> Files for Quota<F> {
    fn is_local(&self) -> bool {
        self.shared.files.is_local()
    }

    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.shared.files.enter(path)
    }

    fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
        self.shared.files.facts(path, needed)
    }

    fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
        self.shared.files.list(path, needed)
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        self.shared.files.open(path, offset)
    }

    fn read_cached(&self, path: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        self.shared.files.read_cached(path, offset, most)
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        Ok(Box::new(Upload::begin(&self.shared, path, mode)?))
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        let mut state = self.shared.state();
        state.check_not_in_place(path)?;
        let facts = self.shared.facts(path);
        self.shared.files.remove(path)?;
        state.gone(facts.as_ref());
        Ok(())
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let mut state = self.shared.state();
        state.add_file()?;
        self.shared
            .files
            .make_directory(path)
            .inspect_err(|_| state.release(0, 1))
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let mut state = self.shared.state();
        self.shared.files.remove_directory(path)?;
        state.release(0, 1);
        Ok(())
    }

    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError> {
        let mut state = self.shared.state();
        state.check_not_in_place(from)?;
        state.check_not_in_place(to)?;
        state.check_none_below(from)?;
        let old = self.shared.facts(to);
        // Two names of one file, or the same name: nothing is replaced. But a link may be.
        let unique = |facts: Option<&Facts>| {
            let own = facts.filter(|facts| !facts.is_link);
            own.and_then(|facts| facts.unique.clone())
        };
        let id = unique(old.as_ref());
        let is_same =
            from == to || (id.is_some() && id == unique(self.shared.facts(from).as_ref()));
        self.shared.files.rename(from, to, may_overwrite)?;
        if old.is_some() && !is_same {
            state.gone(old.as_ref());
        }
        Ok(())
    }

    /// What is left of the limit, or less, if there is less.
    fn space(&self, path: &VirtualPath) -> Result<u64, FileError> {
        let left = {
            let state = self.shared.state();
            state.limit.bytes.saturating_sub(state.used.bytes)
        };
        match self.shared.files.space(path) {
            Ok(space) => Ok(space.min(left)),
            Err(FileError::NotSupported) => self.shared.files.enter(path).map(|()| left),
            Err(error) => Err(error),
        }
    }

    fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
        self.shared.files.set_modified(path, time)
    }

    fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
        self.shared.files.set_permissions(path, mode)
    }
}
