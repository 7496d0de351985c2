//! Whether what arrived is what was sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ftp_adapter::Error;
use ftp_tokio::Hash;
use sha2::{Digest, Sha256, Sha512};

use super::outcome::{Outcome, Trouble};
use super::site::Site;
use crate::target::RemotePath;

/// The hash of the server's file, by an algorithm that is known here.
///
/// # Errors
/// [`Trouble::Unverified`] if the server has none. Those of the question.
pub(crate) async fn server_hash(site: &Site, path: &RemotePath) -> Result<Hash, Trouble> {
    match site
        .ask(async |client| client.hash(path.as_bytes()).await)
        .await
    {
        Ok(hash) if is_known(hash.algorithm) => Ok(hash),
        Ok(hash) => Err(unverified(format!(
            "cannot be verified: the server hashes files with {} alone, and SHA-256 or SHA-512 are known \
             here; --verify size compares sizes",
            hash.algorithm
        ))),
        Err(Error::NotSupported(_)) => Err(no_hash()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the server lists a way to hash files, before anything is sent.
///
/// # Errors
/// [`Trouble::Unverified`] if not. Those of the question.
pub(crate) async fn can_hash(site: &Site) -> Result<(), Trouble> {
    let features = site.ask(async |client| client.features().await).await?;
    let lists = |name: &&str| features.contains(name);
    match ["HASH", "XSHA512", "XSHA256"].iter().any(lists) {
        true => Ok(()),
        false => Err(no_hash()),
    }
}

/// Compares the hash of a local file with that of the server's.
///
/// # Errors
/// [`Trouble::Unverified`] if they differ; [`Trouble::Local`] if the file cannot be read.
pub(crate) async fn compare_hash(server: Hash, local: &Path) -> Result<(), Trouble> {
    let path = local.to_path_buf();
    let algorithm = server.algorithm;
    let hashing = tokio::task::spawn_blocking(move || local_hash(algorithm, path));
    let hex = hashing
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    let hex = hex.map_err(|error| Trouble::local(local.display(), &error))?;
    if hex == server.hex {
        return Ok(());
    }
    Err(Trouble::Unverified {
        outcome: Outcome::Failed,
        differs: true,
        message: format!(
            "verification failed: the {algorithm} of the server's file is {}, that of {} is {hex}",
            server.hex,
            local.display()
        ),
    })
}

/// Compares sizes.
///
/// # Errors
/// [`Trouble::Unverified`] if they differ, or the server does not say it.
pub(crate) fn compare_size(server: Option<u64>, local: u64) -> Result<(), Trouble> {
    match server {
        Some(size) if size == local => Ok(()),
        Some(size) => Err(Trouble::Unverified {
            outcome: Outcome::LengthDiffers,
            differs: true,
            message: format!(
                "verification failed: the server's file has {size} bytes, the local one {local}"
            ),
        }),
        None => Err(no_size()),
    }
}

/// The server does not say the size.
pub(crate) fn no_size() -> Trouble {
    unverified("cannot be verified: the server does not say the size (SIZE)".to_owned())
}

fn unverified(message: String) -> Trouble {
    Trouble::Unverified {
        outcome: Outcome::Failed,
        differs: false,
        message,
    }
}

fn no_hash() -> Trouble {
    unverified(
        "cannot be verified: the server does not list a hash of files (HASH, XSHA512, XSHA256); --verify \
         size compares sizes"
            .to_owned(),
    )
}

fn is_known(algorithm: &str) -> bool {
    matches!(algorithm, "SHA-256" | "SHA-512")
}

fn local_hash(algorithm: &str, path: PathBuf) -> io::Result<String> {
    match algorithm {
        "SHA-512" => hash_of::<Sha512>(path),
        _ => hash_of::<Sha256>(path),
    }
}

fn hash_of<D: Digest>(path: PathBuf) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = D::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => digest.update(&piece[..count]),
        }
    }
    let digits = digest.finalize();
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}
