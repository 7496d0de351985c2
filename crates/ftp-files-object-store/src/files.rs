//! What a server asks of a bucket.

use ftp_files::{Facts, Files, Opened, WriteFile};
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::{FileError, StoreMode, VirtualPath};
use futures_util::try_join;
use object_store::{ObjectStoreExt, PutPayload};

use crate::bucket::Bucket;
use crate::keys::MARKER;
use crate::pages::{Entries, facts};
use crate::problem::Problem;
use crate::{read, rename, upload};

impl Files for Bucket {
    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        let directory = self.root.directory(path)?;
        match self.run(|store| async move { store.is_directory(&directory).await })? {
            true => Ok(()),
            false => Err(FileError::NotFound),
        }
    }

    fn facts(&self, path: &VirtualPath, _: FactNames) -> Result<Facts, FileError> {
        let directory = self.root.directory(path)?;
        let name = String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
        let key = self.root.key(path)?;
        self.run(|store| async move {
            if !directory.is_root
                && let Some(found) = store.object(&key).await?
            {
                return Ok(facts(&name, &found));
            }
            match store.is_directory(&directory).await? {
                true => Ok(Facts::new(name, Kind::Directory)),
                false => Err(Problem::Files(FileError::NotFound)),
            }
        })
    }

    fn list(&self, path: &VirtualPath, _: FactNames) -> Result<ftp_files::Entries, FileError> {
        let directory = self.root.directory(path)?;
        Ok(Box::new(Entries::open(self, directory)?))
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        if path.is_root() {
            return Err(FileError::NotFound);
        }
        read::open(self, self.root.key(path)?, offset)
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        Ok(Box::new(upload::begin(self, path, mode)?))
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        let key = self.root.key(path)?;
        let parent = path.parent().ok_or(FileError::NotFound)?;
        let parent = self.root.directory(&parent)?;
        self.run(|store| async move {
            // To remove what is not there is no error to stores.
            if store.object(&key).await?.is_none() {
                return Err(Problem::Files(FileError::NotFound));
            }
            store.objects.delete(&key).await?;
            rename::keep(&store, &parent).await
        })
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let key = self.root.key(path)?;
        let directory = self.root.directory(path)?;
        let parent = path.parent().ok_or(FileError::Exists)?;
        let parent = self.root.directory(&parent)?;
        self.run(|store| async move {
            let (object, is_directory, has_parent) = try_join!(
                store.object(&key),
                store.is_directory(&directory),
                store.is_directory(&parent)
            )?;
            if !has_parent {
                return Err(Problem::Files(FileError::NotFound));
            }
            if object.is_some() || is_directory {
                return Err(FileError::Exists.into());
            }
            upload::put(&store, &directory.marker(), PutPayload::new(), false).await
        })
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        let directory = self.root.directory(path)?;
        let parent = path.parent().ok_or(FileError::NotAllowed)?;
        let parent = self.root.directory(&parent)?;
        self.run(|store| async move {
            // The marker, and one more.
            let found = store.some(&directory, 2).await?;
            let is_marker = |key| directory.rest(key) == Some(MARKER);
            match found.iter().find(|meta| !is_marker(&meta.location)) {
                // Its name ends with `/`, and cannot be said.
                Some(other) if found.len() == 1 && directory.rest(&other.location).is_none() => {
                    return Err(Problem::Files(FileError::NotAllowed));
                }
                Some(_) => return Err(FileError::NotEmpty.into()),
                None if found.is_empty() => return Err(FileError::NotFound.into()),
                None => store.objects.delete(&directory.marker()).await?,
            }
            rename::keep(&store, &parent).await
        })
    }

    fn rename(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        may_overwrite: bool,
    ) -> Result<(), FileError> {
        rename::rename(self, from, to, may_overwrite)
    }
}
