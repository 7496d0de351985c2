//! What `--root` names: a directory, or an object store.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ftp_proto::server::{FilesConfig, VirtualPath};
use ftp_tokio::ftp_files::{Directory, Files};

use super::{failed, open_directory};
use crate::cli::Uploads;
use crate::exit::Failure;

pub(super) enum Root {
    Directory(Arc<Directory>),
    #[cfg(feature = "object-store")]
    Store(ftp_files_object_store::Bucket),
}

impl Root {
    /// Opens it, and asks a store whether it lets us in.
    pub(super) fn open(path: &Path, uploads: Uploads) -> Result<Self, Failure> {
        match path.to_str().filter(|text| text.contains("://")) {
            Some(url) => Self::open_store(url, uploads),
            None => Ok(Self::Directory(Arc::new(open_directory("--root", path)?))),
        }
    }

    #[cfg(feature = "object-store")]
    fn open_store(url: &str, uploads: Uploads) -> Result<Self, Failure> {
        use crate::exit::Exit;

        if uploads == Uploads::InPlace {
            return Err(Failure::usage(
                "--uploads in-place is for directories: in an object store a file appears as a whole",
            ));
        }
        // The URL may have a password in it.
        let bucket =
            ftp_files_object_store::Bucket::open(url, std::env::vars_os().filter_map(text))
                .map_err(|error| {
                    Failure::usage(format!("cannot serve the object store of --root: {error}"))
                })?
                .on_failure(|failure| {
                    let why = failure.to_string();
                    tracing::error!(why, "the object store failed");
                });
        bucket.probe().map_err(|failure| {
            let message = format!("cannot serve the object store of --root: {failure}");
            Failure::new(Exit::Unavailable, message)
        })?;
        Ok(Self::Store(bucket))
    }

    #[cfg(not(feature = "object-store"))]
    fn open_store(_: &str, _: Uploads) -> Result<Self, Failure> {
        let message = "--root is a URL, and this program was built without object stores";
        let failure = Failure::usage(message);
        Err(failure.hint("cargo install ftp-cli --features object-store"))
    }

    /// Whether it is not on this host.
    pub(super) fn is_store(&self) -> bool {
        !matches!(self, Self::Directory(_))
    }

    /// What is below a path in it.
    pub(super) fn below(&self, path: &[u8]) -> io::Result<Arc<dyn Files>> {
        let path = VirtualPath::root().resolve(path);
        match self {
            Self::Directory(root) if path.is_root() => Ok(root.clone()),
            Self::Directory(root) => Ok(Arc::new(root.below(&path).map_err(failed)?)),
            #[cfg(feature = "object-store")]
            Self::Store(root) => Ok(Arc::new(root.below(&path).map_err(failed)?)),
        }
    }

    /// What `FEAT` offers.
    pub(super) fn offered(&self, files: FilesConfig) -> FilesConfig {
        match self {
            Self::Directory(_) => files,
            #[cfg(feature = "object-store")]
            Self::Store(_) => files
                .facts(ftp_files_object_store::facts())
                .sets_times(false)
                .space(false),
        }
    }
}

/// Options of stores are text.
#[cfg(feature = "object-store")]
fn text((key, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((key.into_string().ok()?, value.into_string().ok()?))
}
