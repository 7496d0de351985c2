//! Hashes of files.

use std::io;

use ftp_proto::server::{FileError, HashAlgorithm, VirtualPath};
use sha2::{Digest, Sha256, Sha512};

use crate::{Files, ReadFile, error_kind};

/// What is read at a time.
const PIECE: usize = 64 * 1024;

/// The hash of a whole file, and how many bytes were read for it.
pub(crate) fn hash_file(
    files: &dyn Files,
    path: &VirtualPath,
    algorithm: HashAlgorithm,
    is_awaited: impl Fn() -> bool,
) -> Result<(Vec<u8>, u64), FileError> {
    let hash = match algorithm {
        HashAlgorithm::Sha256 => read_all::<Sha256>,
        HashAlgorithm::Sha512 => read_all::<Sha512>,
        _ => return Err(FileError::NotSupported),
    };
    let mut reader = files.open(path, 0)?.reader;
    hash(&mut *reader, &is_awaited)
}

fn read_all<D: Digest>(
    reader: &mut dyn ReadFile,
    is_awaited: &dyn Fn() -> bool,
) -> Result<(Vec<u8>, u64), FileError> {
    let mut hash = D::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    while is_awaited() {
        let count = match reader.read(&mut piece) {
            Ok(0) => return Ok((hash.finalize().to_vec(), size)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error_kind(&error)),
        };
        hash.update(piece.get(..count).unwrap_or_default());
        size += count as u64;
    }
    Err(FileError::Failed)
}
