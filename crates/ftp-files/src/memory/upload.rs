//! Files that are being stored: without a name, or in place.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use super::tree::{File, Node, Tree};
use super::{lock, now, position};
use crate::{WriteFile, names};

pub(super) fn begin(
    shared: &Arc<Mutex<Tree>>,
    path: &VirtualPath,
    mode: StoreMode,
) -> Result<Box<dyn WriteFile>, FileError> {
    let mut tree = lock(shared);
    let (parent, name) = match (mode, tree.directory(path)) {
        (StoreMode::Unique, Ok(directory)) => (directory, names::unique_name(b"upload")),
        (StoreMode::Replace | StoreMode::New, Ok(_)) => return Err(FileError::Exists),
        (_, Ok(_)) => return Err(FileError::NotFound),
        (_, Err(_)) => {
            let (parent, name) = names::split(path)?.ok_or(FileError::NotFound)?;
            let name = match mode {
                StoreMode::Unique => names::unique_name(name),
                _ => name.to_vec(),
            };
            (tree.directory(&parent)?, name)
        }
    };
    let old = match tree.at(parent)?.names.get(&name) {
        Some(Node::File(file)) => Some(Arc::clone(file)),
        _ => None,
    };
    let in_place = |file, position| {
        let name = name.clone();
        Ok(Box::new(InPlace {
            file,
            name,
            position,
        }) as Box<dyn WriteFile>)
    };
    match (mode, old) {
        (StoreMode::New | StoreMode::Unique, Some(_)) => Err(FileError::Exists),
        (StoreMode::At(_), None) => Err(FileError::NotFound),
        (StoreMode::At(offset), Some(file)) => {
            let size = lock(&file).bytes.len();
            in_place(file, Some(position(offset, size)?))
        }
        (StoreMode::Append, Some(file)) => in_place(file, None),
        (StoreMode::Append, None) => {
            let file = tree.new_file();
            tree.put(parent, &name, Node::File(Arc::clone(&file)))?;
            in_place(file, None)
        }
        (StoreMode::Replace | StoreMode::New | StoreMode::Unique, old) => {
            let file = tree.new_file();
            if let Some(old) = old {
                lock(&file).permissions = lock(&old).permissions;
            }
            tree.at_mut(parent)?.uploads += 1;
            Ok(Box::new(Upload {
                tree: Arc::clone(shared),
                file: Some(file),
                parent,
                name,
                may_overwrite: mode == StoreMode::Replace,
            }))
        }
        _ => Err(FileError::NotSupported),
    }
}

/// Without a name, until it is committed or discarded.
struct Upload {
    tree: Arc<Mutex<Tree>>,
    /// Until it has its name, or none.
    file: Option<Arc<Mutex<File>>>,
    parent: u64,
    name: Vec<u8>,
    may_overwrite: bool,
}

impl Upload {
    fn finish(&mut self, may_overwrite: bool, keeps_empty: bool) -> Result<(), FileError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let mut tree = lock(&self.tree);
        let parent = tree.at_mut(self.parent)?;
        parent.uploads -= 1;
        let is_kept = keeps_empty || !lock(&file).bytes.is_empty();
        match parent.names.get(&self.name) {
            _ if !is_kept => Ok(()),
            Some(Node::File(_)) if may_overwrite => {
                tree.put(self.parent, &self.name, Node::File(file))
            }
            Some(_) => Err(FileError::Exists),
            None => tree.put(self.parent, &self.name, Node::File(file)),
        }
    }

    fn keep_or_remove(&mut self) -> Result<(), FileError> {
        match self.finish(false, false) {
            Err(FileError::Exists) => Ok(()),
            kept => kept,
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &self.file else {
            return Ok(0);
        };
        let mut file = lock(file);
        file.bytes.extend_from_slice(bytes);
        file.modified = now();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Upload {
    fn name(&self) -> &[u8] {
        &self.name
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.finish(self.may_overwrite, true)
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

struct InPlace {
    file: Arc<Mutex<File>>,
    name: Vec<u8>,
    /// Where the next byte goes; `None` for the end.
    position: Option<usize>,
}

impl Write for InPlace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut file = lock(&self.file);
        file.modified = now();
        match &mut self.position {
            None => file.bytes.extend_from_slice(bytes),
            Some(position) => {
                let end = *position + bytes.len();
                // Somebody else may have cut it off.
                let length = file.bytes.len().max(end);
                file.bytes.resize(length, 0);
                file.bytes[*position..end].copy_from_slice(bytes);
                *position = end;
            }
        }
        Ok(bytes.len())
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
        let mut file = lock(&self.file);
        if let Some(end) = self.position.filter(|end| *end < file.bytes.len()) {
            file.bytes.truncate(end);
            file.modified = now();
        }
        Ok(())
    }

    fn discard(self: Box<Self>) -> Result<(), FileError> {
        Ok(())
    }
}
