//! Which names files can have, and names that are made here.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use ftp_proto::server::{FileError, VirtualPath};

/// Most systems take no longer one.
const LONGEST_NAME: usize = 255;
/// With the NUL at its end, what Linux takes.
const LONGEST_PATH: usize = 4095;
/// Uploads that are not at their end.
const TEMPORARY: &[u8] = b".ftp-upload-";

/// Whether a file can have this name, as one component of a path: it has at most 255 bytes, no `/`, CR,
/// LF and NUL, is not `.` or `..`, and does not begin as the names of uploads that are not at their end,
/// `.ftp-upload-`.
///
/// [`Directory`](crate::Directory) refuses and leaves out other names, even if such a file is there, and so
/// does [`Memory`](crate::Memory). On systems other than Unix, a name must also be one for
/// [`Entry::local_name`](ftp_proto::listing::Entry::local_name).
pub fn is_usable(name: &[u8]) -> bool {
    let is_plain = !matches!(name, b"" | b"." | b"..")
        && name.len() <= LONGEST_NAME
        && !name
            .iter()
            .any(|byte| matches!(byte, b'/' | b'\r' | b'\n' | 0));
    is_plain && !is_temporary(name) && is_usable_here(name)
}

#[cfg(unix)]
fn is_usable_here(_: &[u8]) -> bool {
    true
}

#[cfg(not(unix))]
fn is_usable_here(name: &[u8]) -> bool {
    use ftp_proto::listing::{Entry, Kind};
    Entry::new(name, Kind::File).local_name().is_some()
}

/// Some file systems make no difference between capital and small letters.
pub(crate) fn is_temporary(name: &[u8]) -> bool {
    name.get(..TEMPORARY.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(TEMPORARY))
}

/// Refuses a path with a name that no file can have.
pub(crate) fn check(path: &VirtualPath) -> Result<(), FileError> {
    if path.as_bytes().len() <= LONGEST_PATH && path.components().all(is_usable) {
        Ok(())
    } else {
        Err(FileError::NotAllowed)
    }
}

/// The directory and the name in it; `None` for the root.
pub(crate) fn split(path: &VirtualPath) -> Result<Option<(VirtualPath, &[u8])>, FileError> {
    check(path)?;
    Ok(path.parent().zip(path.name()))
}

/// What is wrong with renaming, whatever there is.
pub(crate) fn check_rename(from: &VirtualPath, to: &VirtualPath) -> Result<(), FileError> {
    check(from)?;
    check(to)?;
    if from.is_root() || to.is_root() || is_below(to, from) {
        return Err(FileError::NotAllowed);
    }
    Ok(())
}

/// Whether the one is in the other, at any depth.
pub(crate) fn is_below(path: &VirtualPath, directory: &VirtualPath) -> bool {
    let mut components = path.components();
    let is_start = directory
        .components()
        .all(|name| components.next() == Some(name));
    is_start && components.next().is_some()
}

/// No client can name it.
pub(crate) fn temporary() -> Vec<u8> {
    [TEMPORARY, digits().as_bytes()].concat()
}

/// A name that no file has (`STOU`): what the client proposed, as far as it fits in 255 bytes, and sixteen
/// random digits.
pub fn unique_name(proposed: &[u8]) -> Vec<u8> {
    let digits = digits();
    let length = proposed.len().min(LONGEST_NAME - digits.len() - 1);
    // Not in the middle of a character.
    let length = match std::str::from_utf8(proposed) {
        Ok(text) => (0..=length).rfind(|at| text.is_char_boundary(*at)),
        Err(_) => Some(length),
    };
    let mut name = proposed[..length.unwrap_or_default()].to_vec();
    name.push(b'.');
    name.extend_from_slice(digits.as_bytes());
    name
}

/// Sixteen, as random as the keys of hash maps are.
fn digits() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one((count, std::process::id()));
    format!("{random:016x}")
}
