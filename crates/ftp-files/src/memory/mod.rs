//! Files in memory.

mod tree;
mod upload;

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use crate::facts::date_time;
use crate::{Entries, Facts, Files, Opened, ReadFile, WriteFile, names};
use tree::{Directory, File, Node, Tree};

/// Files in memory, for tests and demonstrations. All is as in a [`Directory`](crate::Directory), but there
/// are no links. Clones share the files.
///
/// There is no limit to what it takes: put it into a [`Quota`](crate::Quota) if strangers may write.
#[derive(Clone, Default)]
pub struct Memory {
    tree: Arc<Mutex<Tree>>,
}

impl Memory {
    /// Nothing but the root.
    pub fn new() -> Self {
        Self::default()
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }
}

/// All that is locked is right at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Files for Memory {
    fn is_local(&self) -> bool {
        true
    }

    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        names::check(path)?;
        self.tree().directory(path).map(|_| ())
    }

    fn facts(&self, path: &VirtualPath, _: FactNames) -> Result<Facts, FileError> {
        names::check(path)?;
        let tree = self.tree();
        let node = tree.node(path)?;
        Ok(tree.facts(path.name().unwrap_or_default(), &node))
    }

    fn list(&self, path: &VirtualPath, _: FactNames) -> Result<Entries, FileError> {
        names::check(path)?;
        let tree = self.tree();
        let id = tree.directory(path)?;
        let names = &tree.at(id)?.names;
        let entries = names.iter().map(|(name, node)| Ok(tree.facts(name, node)));
        Ok(Box::new(entries.collect::<Vec<_>>().into_iter()))
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        names::check(path)?;
        let contents = self.tree().file(path)?;
        let size = lock(&contents).bytes.len();
        let position = position(offset, size)?;
        Ok(Opened {
            reader: Box::new(Reader { contents, position }),
            size: Some(size as u64),
        })
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        names::check(path)?;
        upload::begin(&self.tree, path, mode)
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = names::split(path)?.ok_or(FileError::NotFound)?;
        let mut tree = self.tree();
        let parent = tree.directory(&parent)?;
        match tree.at(parent)?.names.get(name) {
            Some(Node::File(_)) => tree.take(parent, name).map(|_| ()),
            _ => Err(FileError::NotFound),
        }
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = names::split(path)?.ok_or(FileError::Exists)?;
        let mut tree = self.tree();
        let parent = tree.directory(&parent)?;
        if tree.at(parent)?.names.contains_key(name) {
            return Err(FileError::Exists);
        }
        let id = tree.new_id();
        tree.directories.insert(id, Directory::new());
        tree.put(parent, name, Node::Directory(id))
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let (parent, name) = names::split(path)?.ok_or(FileError::NotAllowed)?;
        let mut tree = self.tree();
        let parent = tree.directory(&parent)?;
        let id = tree.directory(path)?;
        let directory = tree.at(id)?;
        if !directory.names.is_empty() || directory.uploads > 0 {
            return Err(FileError::NotEmpty);
        }
        tree.directories.remove(&id);
        tree.take(parent, name).map(|_| ())
    }

    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError> {
        names::check_rename(from, to)?;
        let from = names::split(from)?.ok_or(FileError::NotAllowed)?;
        let to = names::split(to)?.ok_or(FileError::NotAllowed)?;
        let mut tree = self.tree();
        let (source, target) = (tree.directory(&from.0)?, tree.directory(&to.0)?);
        let is_file = match tree.at(source)?.names.get(from.1) {
            Some(node) => matches!(node, Node::File(_)),
            None => return Err(FileError::NotFound),
        };
        match tree.at(target)?.names.get(to.1) {
            Some(Node::File(_)) if may_overwrite && is_file => {}
            Some(_) => return Err(FileError::Exists),
            None => {}
        }
        let node = tree.take(source, from.1)?;
        tree.put(target, to.1, node)
    }

    fn set_modified(&self, path: &VirtualPath, time: DateTime) -> Result<(), FileError> {
        self.change(path, |modified, _| *modified = time)
    }

    fn set_permissions(&self, path: &VirtualPath, mode: u16) -> Result<(), FileError> {
        if mode & !0o777 != 0 {
            return Err(FileError::NotAllowed);
        }
        self.change(path, |_, permissions| *permissions = mode)
    }
}

impl Memory {
    fn change(
        &self,
        path: &VirtualPath,
        change: impl FnOnce(&mut DateTime, &mut u16),
    ) -> Result<(), FileError> {
        names::check(path)?;
        let mut tree = self.tree();
        match tree.node(path)? {
            Node::File(file) => {
                let mut file = lock(&file);
                let file = &mut *file;
                change(&mut file.modified, &mut file.permissions);
            }
            Node::Directory(id) => {
                let directory = tree.at_mut(id)?;
                change(&mut directory.modified, &mut directory.permissions);
            }
        }
        Ok(())
    }
}

/// Reads what is there at the time of each read, as from a disk.
struct Reader {
    contents: Arc<Mutex<File>>,
    position: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let contents = lock(&self.contents);
        let mut rest = contents.bytes.get(self.position..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

impl ReadFile for Reader {
    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        let back = usize::try_from(count).ok();
        let position = back.and_then(|back| self.position.checked_sub(back));
        self.position = position.unwrap_or(self.position);
        Ok(position.is_some())
    }
}

fn position(offset: u64, size: usize) -> Result<usize, FileError> {
    let position = usize::try_from(offset).ok();
    let position = position.filter(|position| *position <= size);
    position.ok_or(FileError::TooShort)
}

fn now() -> DateTime {
    date_time(SystemTime::now())
}

fn kind_facts(name: &[u8], kind: Kind, id: u64, modified: DateTime, permissions: u16) -> Facts {
    let mut facts = Facts::new(name, kind);
    facts.modified = Some(modified);
    facts.permissions = Some(permissions);
    facts.unique = Some(format!("{id:x}").into_bytes());
    facts
}
