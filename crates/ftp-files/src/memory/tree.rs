//! The tree: directories by number, so that one is moved by moving its number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ftp_proto::DateTime;
use ftp_proto::listing::Kind;
use ftp_proto::server::{FileError, VirtualPath};

use super::{kind_facts, lock, now};
use crate::Facts;

const ROOT: u64 = 0;

pub(super) struct Tree {
    pub(super) directories: BTreeMap<u64, Directory>,
    last_id: u64,
}

pub(super) struct Directory {
    pub(super) names: BTreeMap<Vec<u8>, Node>,
    /// How many files are being stored in it that have no name yet.
    pub(super) uploads: usize,
    pub(super) modified: DateTime,
    pub(super) permissions: u16,
}

#[derive(Clone)]
pub(super) enum Node {
    File(Arc<Mutex<File>>),
    Directory(u64),
}

pub(super) struct File {
    pub(super) id: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) modified: DateTime,
    pub(super) permissions: u16,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            directories: BTreeMap::from([(ROOT, Directory::new())]),
            last_id: ROOT,
        }
    }
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            names: BTreeMap::new(),
            uploads: 0,
            modified: now(),
            permissions: 0o755,
        }
    }
}

impl Tree {
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn new_file(&mut self) -> Arc<Mutex<File>> {
        Arc::new(Mutex::new(File {
            id: self.new_id(),
            bytes: Vec::new(),
            modified: now(),
            permissions: 0o644,
        }))
    }

    pub(super) fn node(&self, path: &VirtualPath) -> Result<Node, FileError> {
        let mut node = Node::Directory(ROOT);
        for name in path.components() {
            let Node::Directory(id) = node else {
                return Err(FileError::NotFound);
            };
            let found = self.at(id)?.names.get(name);
            node = found.ok_or(FileError::NotFound)?.clone();
        }
        Ok(node)
    }

    pub(super) fn directory(&self, path: &VirtualPath) -> Result<u64, FileError> {
        match self.node(path)? {
            Node::Directory(id) => Ok(id),
            Node::File(_) => Err(FileError::NotFound),
        }
    }

    pub(super) fn file(&self, path: &VirtualPath) -> Result<Arc<Mutex<File>>, FileError> {
        match self.node(path)? {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(FileError::NotFound),
        }
    }

    pub(super) fn at(&self, id: u64) -> Result<&Directory, FileError> {
        self.directories.get(&id).ok_or(FileError::NotFound)
    }

    pub(super) fn at_mut(&mut self, id: u64) -> Result<&mut Directory, FileError> {
        self.directories.get_mut(&id).ok_or(FileError::NotFound)
    }

    pub(super) fn put(&mut self, parent: u64, name: &[u8], node: Node) -> Result<(), FileError> {
        let parent = self.at_mut(parent)?;
        parent.names.insert(name.to_vec(), node);
        parent.modified = now();
        Ok(())
    }

    pub(super) fn take(&mut self, parent: u64, name: &[u8]) -> Result<Node, FileError> {
        let parent = self.at_mut(parent)?;
        parent.modified = now();
        parent.names.remove(name).ok_or(FileError::NotFound)
    }

    pub(super) fn facts(&self, name: &[u8], node: &Node) -> Facts {
        match node {
            Node::File(file) => {
                let file = lock(file);
                let (id, size) = (file.id, file.bytes.len());
                let mut facts = kind_facts(name, Kind::File, id, file.modified, file.permissions);
                facts.size = Some(size as u64);
                facts
            }
            Node::Directory(id) => match self.directories.get(id) {
                Some(it) => kind_facts(name, Kind::Directory, *id, it.modified, it.permissions),
                None => Facts::new(name, Kind::Directory),
            },
        }
    }
}
