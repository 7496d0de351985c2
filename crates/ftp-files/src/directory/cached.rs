//! Reading files without waiting for a disk, as far as Linux has them in memory.

use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::ReadFile;

/// The rest of a file from `offset` on. `None` if it has more than `most` bytes, if the system would have to
/// wait for its name or its bytes, or could not tell; and for what is no file.
pub(super) fn read(root: &Dir, path: &Path, offset: u64, most: usize) -> Option<Vec<u8>> {
    // Looked at before it is opened, since opening some devices does something.
    let size = size(&open(root, path, OFlags::PATH)?)?;
    let length = usize::try_from(size.checked_sub(offset)?).ok()?;
    if length > most {
        return None;
    }
    let file = open(root, path, OFlags::NONBLOCK | OFlags::NOCTTY)?;
    // It may be another by now.
    if self::size(&file)? != size {
        return None;
    }
    let mut bytes = vec![0; length];
    let mut space = [IoSliceMut::new(&mut bytes)];
    let count = preadv2(&file, &mut space, offset, ReadWriteFlags::NOWAIT).ok()?;
    (count == length).then_some(bytes)
}

/// A file that was opened, which can be read so if it is on the file system of the root.
pub(super) fn reader(root: &Dir, file: File) -> Box<dyn ReadFile> {
    match (fstat(root), fstat(&file)) {
        (Ok(root), Ok(here)) if root.st_dev == here.st_dev => Box::new(Cached(file)),
        _ => Box::new(file),
    }
}

struct Cached(File);

impl Read for Cached {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl ReadFile for Cached {
    fn as_file(&mut self) -> Option<&mut File> {
        Some(&mut self.0)
    }

    fn read_cached(&mut self, buffer: &mut [u8]) -> Option<usize> {
        /// From the file's own position on, which moves.
        const HERE: u64 = u64::MAX;
        let mut space = [IoSliceMut::new(buffer)];
        preadv2(&self.0, &mut space, HERE, ReadWriteFlags::NOWAIT).ok()
    }

    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        self.0.go_back(count)
    }
}

/// As `cap-std` does, but only if all parts of the path are in memory, and on the file system of the root.
fn open(root: &Dir, path: &Path, flags: OFlags) -> Option<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV
        | ResolveFlags::CACHED;
    openat2(root, path, flags, Mode::empty(), resolve).ok()
}

/// Of a regular file.
fn size(file: impl AsFd) -> Option<u64> {
    let known = fstat(file).ok()?;
    let is_file = FileType::from_raw_mode(known.st_mode).is_file();
    u64::try_from(known.st_size).ok().filter(|_| is_file)
}
