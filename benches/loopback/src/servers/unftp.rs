//! libunftp, whose files are nobody's concern here: there are none.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use libunftp::ServerBuilder;
use tokio::io::AsyncRead;
use unftp_core::auth::DefaultUser;
use unftp_core::storage::{self, Error, ErrorKind, Fileinfo, Metadata, StorageBackend};

/// Binds to the same address again, since it wants to listen by itself. Lets everyone in.
pub(super) fn serve(listener: TcpListener) {
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let server = ServerBuilder::new(Box::new(|| Nothing)).build();
    let server = server.expect("a server");
    super::tokio_runtime().block_on(async {
        server.listen(address).await.expect("served");
    });
}

/// No files at all.
#[derive(Debug)]
struct Nothing;

fn not_there<T>() -> storage::Result<T> {
    Err(Error::from(ErrorKind::PermanentFileNotAvailable))
}

impl Metadata for Nothing {
    fn len(&self) -> u64 {
        0
    }

    fn is_dir(&self) -> bool {
        true
    }

    fn is_file(&self) -> bool {
        false
    }

    fn is_symlink(&self) -> bool {
        false
    }

    fn modified(&self) -> storage::Result<SystemTime> {
        Ok(SystemTime::UNIX_EPOCH)
    }

    fn gid(&self) -> u32 {
        0
    }

    fn uid(&self) -> u32 {
        0
    }
}

#[async_trait]
impl StorageBackend<DefaultUser> for Nothing {
    type Metadata = Self;

    async fn metadata<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<Self> {
        not_there()
    }

    async fn list<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<Vec<Fileinfo<PathBuf, Self>>> {
        not_there()
    }

    async fn get<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
        _: u64,
    ) -> storage::Result<Box<dyn AsyncRead + Send + Sync + Unpin>> {
        not_there()
    }

    async fn put<
        P: AsRef<Path> + Send + std::fmt::Debug,
        R: AsyncRead + Send + Sync + Unpin + 'static,
    >(
        &self,
        _: &DefaultUser,
        _: R,
        _: P,
        _: u64,
    ) -> storage::Result<u64> {
        not_there()
    }

    async fn del<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<()> {
        not_there()
    }

    async fn mkd<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<()> {
        not_there()
    }

    async fn rename<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
        _: P,
    ) -> storage::Result<()> {
        not_there()
    }

    async fn rmd<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<()> {
        not_there()
    }

    async fn cwd<P: AsRef<Path> + Send + std::fmt::Debug>(
        &self,
        _: &DefaultUser,
        _: P,
    ) -> storage::Result<()> {
        not_there()
    }
}
