//! Renaming: a copy, and the removal of the old.

use ftp_proto::server::{FileError, VirtualPath};
use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use object_store::path::Path;
use object_store::{
    ObjectMeta, ObjectStoreExt, PutPayloadMut, RenameOptions, RenameTargetMode, Result,
};

use crate::bucket::Bucket;
use crate::keys::Directory;
use crate::pages::Store;
use crate::problem::{Problem, is_not_offered};
use crate::upload;

/// The most objects that a directory may have in it, at any depth, to be renamed.
pub const MOST_RENAMED: usize = 1000;
/// What S3 copies with one request.
const LONGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;
/// How many requests are under way at a time for one directory.
const AT_A_TIME: usize = 8;

pub(crate) fn rename(
    bucket: &Bucket,
    from: &VirtualPath,
    to: &VirtualPath,
    may_overwrite: bool,
) -> Result<(), FileError> {
    let paths = Paths::new(bucket, from, to)?;
    if is_below(to, from) {
        return Err(FileError::NotAllowed);
    }
    let is_same = from == to;
    let found = bucket.run(|store| async move { paths.look(&store).await })?;
    let paths = found.paths;
    match found.object {
        None if !found.is_directory => Err(FileError::NotFound),
        _ if !found.has_new_parent => Err(FileError::NotFound),
        Some(_) if is_same && may_overwrite => Ok(()),
        Some(_) if found.is_taken && !may_overwrite => Err(FileError::Exists),
        Some(_) if found.is_directory_at_new && !found.is_taken => Err(FileError::Exists),
        None if found.is_taken || found.is_directory_at_new => Err(FileError::Exists),
        Some(object) if object.size > LONGEST_COPY => {
            let mut copy = upload::Upload::new(bucket, paths.new.clone(), may_overwrite);
            let size = object.size;
            copy.copy(object, size)?;
            copy.commit()?;
            bucket.run(|store| async move {
                store.objects.delete(&paths.old).await?;
                keep(&store, &paths.old_parent).await
            })
        }
        Some(_) => bucket.run(|store| async move {
            rename_object(&store, &paths.old, &paths.new, may_overwrite).await?;
            keep(&store, &paths.old_parent).await
        }),
        None => bucket.run(|store| async move {
            rename_directory(&store, &paths.old_directory, &paths.new_directory).await?;
            keep(&store, &paths.old_parent).await
        }),
    }
}

/// Whether the one is in the other, at any depth.
fn is_below(path: &VirtualPath, directory: &VirtualPath) -> bool {
    let mut components = path.components();
    let is_start = directory
        .components()
        .all(|name| components.next() == Some(name));
    is_start && components.next().is_some()
}

struct Paths {
    old: Path,
    new: Path,
    old_directory: Directory,
    new_directory: Directory,
    old_parent: Directory,
    new_parent: Directory,
}

struct Found {
    paths: Paths,
    object: Option<ObjectMeta>,
    is_directory: bool,
    /// By an object.
    is_taken: bool,
    is_directory_at_new: bool,
    has_new_parent: bool,
}

impl Paths {
    fn new(bucket: &Bucket, from: &VirtualPath, to: &VirtualPath) -> Result<Self, FileError> {
        let root = &bucket.root;
        let (Some(old_parent), Some(new_parent)) = (from.parent(), to.parent()) else {
            return Err(FileError::NotAllowed);
        };
        Ok(Self {
            old: root.key(from)?,
            new: root.key(to)?,
            old_directory: root.directory(from)?,
            new_directory: root.directory(to)?,
            old_parent: root.directory(&old_parent)?,
            new_parent: root.directory(&new_parent)?,
        })
    }

    async fn look(self, store: &Store) -> Result<Found> {
        let (object, is_directory, at_new, is_directory_at_new, has_new_parent) = try_join!(
            store.object(&self.old),
            store.is_directory(&self.old_directory),
            store.object(&self.new),
            store.is_directory(&self.new_directory),
            store.is_directory(&self.new_parent),
        )?;
        Ok(Found {
            paths: self,
            object,
            is_directory,
            is_taken: at_new.is_some(),
            is_directory_at_new,
            has_new_parent,
        })
    }
}

async fn rename_object(store: &Store, old: &Path, new: &Path, may_overwrite: bool) -> Result<()> {
    if !may_overwrite {
        // That it is free was looked up, for stores that cannot do this.
        let options = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
        match store.objects.rename_opts(old, new, options).await {
            Err(error) if is_not_offered(&error) => {}
            done => return done,
        }
    }
    store.objects.rename(old, new).await
}

/// All are copied before the first one is removed. If a copy fails, the copies are removed.
async fn rename_directory(store: &Store, old: &Directory, new: &Directory) -> Result<(), Problem> {
    let found = store.all(old, MOST_RENAMED + 1).await?;
    if found.len() > MOST_RENAMED {
        return Err(FileError::NotAllowed.into());
    }
    let moves: Vec<(Path, Path)> = found
        .iter()
        .filter_map(|meta| Some((meta.location.clone(), new.at(old.rest(&meta.location)?))))
        .collect();
    if moves.len() < found.len() {
        // The name of one ends with `/`, and cannot be said.
        return Err(FileError::NotAllowed.into());
    }
    let copies = stream::iter(moves.clone())
        .map(|(from, to)| copy(store.clone(), from, to))
        .buffer_unordered(AT_A_TIME)
        .try_collect::<()>()
        .await;
    if let Err(error) = copies {
        for (_, to) in &moves {
            // There may be none yet.
            let _ = store.objects.delete(to).await;
        }
        return Err(error.into());
    }
    stream::iter(moves)
        .map(|(from, _)| remove(store.clone(), from))
        .buffer_unordered(AT_A_TIME)
        .try_collect::<()>()
        .await?;
    Ok(())
}

async fn copy(store: Store, from: Path, to: Path) -> Result<()> {
    store.objects.copy(&from, &to).await
}

async fn remove(store: Store, key: Path) -> Result<()> {
    store.objects.delete(&key).await
}

/// A directory stays when the last thing in it is gone.
pub(crate) async fn keep(store: &Store, directory: &Directory) -> Result<(), Problem> {
    if store.is_directory(directory).await? {
        return Ok(());
    }
    let empty = PutPayloadMut::new().freeze();
    upload::put(store, &directory.marker(), empty, true).await
}
