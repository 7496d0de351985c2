//! Files that are stored.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;

use ftp_files::{WriteFile, unique_name};
use ftp_proto::server::{FileError, StoreMode, VirtualPath};
use futures_util::try_join;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectMeta, PutMode, PutPayload, PutPayloadMut, Result};

use crate::bucket::Bucket;
use crate::pages::Store;
use crate::problem::{Problem, is_not_offered};
use crate::read::Version;

/// The most that S3 and Google Cloud Storage take.
const MOST_PIECES: usize = 10_000;
/// How a piece grows, so that a short file takes little.
const BLOCK: usize = 64 * 1024;

pub(crate) fn begin(
    bucket: &Bucket,
    path: &VirtualPath,
    mode: StoreMode,
) -> Result<Upload, FileError> {
    let looked = look(bucket, path)?;
    let (path, mode) = match (mode, looked.is_directory) {
        (StoreMode::Unique, true) => (path.resolve(&unique_name(b"upload")), mode),
        (StoreMode::Unique, false) => {
            let parent = path.parent().unwrap_or_default();
            (
                parent.resolve(&unique_name(path.name().unwrap_or_default())),
                mode,
            )
        }
        (_, _) => (path.clone(), mode),
    };
    let object = looked.object.filter(|_| mode != StoreMode::Unique);
    let is_in_the_way = looked.is_directory && object.is_none() && mode != StoreMode::Unique;
    let kept = match (mode, &object) {
        (StoreMode::Replace | StoreMode::New, _) if is_in_the_way => return Err(FileError::Exists),
        _ if is_in_the_way || !looked.has_parent => return Err(FileError::NotFound),
        (StoreMode::New, Some(_)) => return Err(FileError::Exists),
        (StoreMode::At(_), None) => return Err(FileError::NotFound),
        (StoreMode::At(offset), Some(object)) if offset > object.size => {
            return Err(FileError::TooShort);
        }
        (StoreMode::At(offset), Some(_)) => offset,
        (StoreMode::Append, Some(object)) => object.size,
        (StoreMode::Append | StoreMode::Replace | StoreMode::New | StoreMode::Unique, _) => 0,
        _ => return Err(FileError::NotSupported),
    };
    let key = bucket.root.key(&path)?;
    let in_place = matches!(mode, StoreMode::At(_) | StoreMode::Append);
    let keeps_from = match (&object, in_place) {
        (None, _) => Some(0),
        (Some(old), true) => Some(old.size),
        (Some(_), false) => None,
    };
    let may_overwrite = match mode {
        StoreMode::New | StoreMode::Unique => false,
        StoreMode::Append => object.is_some(),
        _ => true,
    };
    let mut upload = Upload::new(bucket, key, may_overwrite);
    upload.name = path.name().unwrap_or_default().to_vec();
    upload.keeps_from = keeps_from.filter(|_| bucket.keeps_incomplete);
    if let Some(object) = object {
        upload.copy(object, kept)?;
    }
    Ok(upload)
}

/// What there is at a path.
struct Looked {
    object: Option<ObjectMeta>,
    is_directory: bool,
    has_parent: bool,
}

fn look(bucket: &Bucket, path: &VirtualPath) -> Result<Looked, FileError> {
    let directory = bucket.root.directory(path)?;
    let parent = bucket.root.directory(&path.parent().unwrap_or_default())?;
    let key = bucket.root.key(path)?;
    bucket.run(|store| async move {
        let object = async {
            match directory.is_root {
                true => Ok(None),
                false => store.object(&key).await,
            }
        };
        let (object, is_directory, has_parent) = try_join!(
            object,
            store.is_directory(&directory),
            store.is_directory(&parent)
        )?;
        Ok::<_, Problem>(Looked {
            object,
            is_directory,
            has_parent,
        })
    })
}

/// Bytes are gathered until they are a piece. One piece at a time is under way.
pub(crate) struct Upload {
    bucket: Bucket,
    name: Vec<u8>,
    key: Path,
    may_overwrite: bool,
    /// If it fails and is longer than this, what came is kept.
    keeps_from: Option<u64>,
    bytes: u64,
    pieces: usize,
    piece: PutPayloadMut,
    /// If there was more than one piece.
    parts: Option<Box<dyn MultipartUpload>>,
    under_way: Option<Receiver<Result<()>>>,
    /// Until it is committed or discarded.
    is_open: bool,
}

impl Upload {
    /// Into which nothing has come.
    pub(crate) fn new(bucket: &Bucket, key: Path, may_overwrite: bool) -> Self {
        Self {
            bucket: bucket.clone(),
            name: Vec::new(),
            key,
            may_overwrite,
            keeps_from: None,
            bytes: 0,
            pieces: 0,
            piece: PutPayloadMut::new().with_block_size(BLOCK),
            parts: None,
            under_way: None,
            is_open: true,
        }
    }

    /// The beginning of an object.
    pub(crate) fn copy(&mut self, object: ObjectMeta, length: u64) -> Result<(), FileError> {
        let version = Version {
            key: object.location,
            tag: object.e_tag,
        };
        let mut from = 0;
        while from < length {
            let room = (self.bucket.piece - self.piece.content_length()) as u64;
            let until = length.min(from + room);
            let version = version.clone();
            let bytes = self.bucket.run(|store| version.read(store, from..until))?;
            self.piece.push(bytes);
            self.bytes += until - from;
            from = until;
            if self.piece.content_length() >= self.bucket.piece {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Sends the piece when the one before has arrived. After a failure nothing of it is kept.
    fn send(&mut self) -> Result<(), FileError> {
        let sent = self.try_send();
        if sent.is_err() {
            self.keeps_from = None;
        }
        sent
    }

    fn try_send(&mut self) -> Result<(), FileError> {
        self.wait()?;
        if self.pieces >= MOST_PIECES {
            return Err(FileError::NoSpace);
        }
        self.pieces += 1;
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => {
                let key = self.key.clone();
                let options = Default::default();
                self.bucket.run(|store| async move {
                    store.objects.put_multipart_opts(&key, options).await
                })?
            }
        };
        let payload = self.take_piece();
        self.under_way = Some(self.bucket.begin(|_| parts.put_part(payload)));
        self.parts = Some(parts);
        Ok(())
    }

    fn take_piece(&mut self) -> PutPayload {
        let empty = PutPayloadMut::new().with_block_size(BLOCK);
        std::mem::replace(&mut self.piece, empty).freeze()
    }

    fn wait(&mut self) -> Result<(), FileError> {
        match self.under_way.take() {
            Some(under_way) => self.bucket.end(&under_way),
            None => Ok(()),
        }
    }

    /// The object appears.
    fn finish(&mut self, may_overwrite: bool) -> Result<(), FileError> {
        let key = self.key.clone();
        if self.parts.is_none() {
            let payload = self.take_piece();
            return self
                .bucket
                .run(|store| async move { put(&store, &key, payload, may_overwrite).await });
        }
        if self.piece.content_length() > 0 {
            self.send()?;
        }
        self.wait()?;
        if !may_overwrite {
            self.bucket
                .run(|store| async move { check_free(&store, &key).await })?;
        }
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        self.bucket.run(|_| async move {
            let completed = parts.complete().await;
            if completed.is_err() {
                // What became of it is not known; if it is there, there is nothing to abort.
                let _ = parts.abort().await;
            }
            completed.map(|_| ())
        })
    }

    pub(crate) fn commit(&mut self) -> Result<(), FileError> {
        if !std::mem::replace(&mut self.is_open, false) {
            return Err(FileError::Failed);
        }
        let done = self.finish(self.may_overwrite);
        if done.is_err() {
            let _ = self.abort();
        }
        done
    }

    fn give_up(&mut self) -> Result<(), FileError> {
        if !std::mem::replace(&mut self.is_open, false) {
            return Ok(());
        }
        // A file that was resumed is there; a new one must not take the place of one that came meanwhile.
        let kept = match self.keeps_from {
            Some(from) if self.bytes > from => match self.finish(from > 0) {
                Err(FileError::Exists) => Ok(()),
                kept => kept,
            },
            _ => Ok(()),
        };
        kept.and(self.abort())
    }

    /// Frees what the store holds, if anything.
    fn abort(&mut self) -> Result<(), FileError> {
        // An upload that is aborted while a part is under way may keep that part.
        let _ = self.wait();
        match self.parts.take() {
            Some(mut parts) => self.bucket.run(|_| async move { parts.abort().await }),
            None => Ok(()),
        }
    }
}

/// Stores an object at once.
pub(crate) async fn put(
    store: &Store,
    key: &Path,
    payload: PutPayload,
    may_overwrite: bool,
) -> Result<(), Problem> {
    if !may_overwrite {
        let mode = PutMode::Create.into();
        match store.objects.put_opts(key, payload.clone(), mode).await {
            Err(error) if is_not_offered(&error) => check_free(store, key).await?,
            done => return Ok(done.map(|_| ())?),
        }
    }
    let mode = PutMode::Overwrite.into();
    Ok(store
        .objects
        .put_opts(key, payload, mode)
        .await
        .map(|_| ())?)
}

async fn check_free(store: &Store, key: &Path) -> Result<(), Problem> {
    match store.object(key).await? {
        Some(_) => Err(FileError::Exists.into()),
        None => Ok(()),
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_open {
            return Ok(0);
        }
        if self.piece.content_length() >= self.bucket.piece {
            self.send().map_err(io::Error::other)?;
        }
        let room = self.bucket.piece - self.piece.content_length();
        let count = room.min(bytes.len());
        self.piece.extend_from_slice(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
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
        Self::commit(&mut self)
    }

    fn discard(mut self: Box<Self>) -> Result<(), FileError> {
        self.give_up()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = self.give_up();
    }
}
