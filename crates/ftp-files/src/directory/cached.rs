//! Reading small files without waiting for a disk, as far as Linux has them in memory.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::{ReadWriteFlags, preadv2};

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
