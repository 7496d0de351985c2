//! Files that are read.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::Receiver;

use bytes::{Buf, Bytes};
use ftp_files::{Opened, ReadFile};
use ftp_proto::server::FileError;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, Result};

use crate::bucket::Bucket;
use crate::pages::Store;

pub(crate) fn open(bucket: &Bucket, key: Path, offset: u64) -> Result<Opened, FileError> {
    let location = key.clone();
    let found = bucket.run(|store| async move { store.object(&location).await })?;
    let found = found.ok_or(FileError::NotFound)?;
    if offset > found.size {
        return Err(FileError::TooShort);
    }
    let mut reader = Reader {
        bucket: bucket.clone(),
        object: Version {
            key,
            tag: found.e_tag,
        },
        piece: Bytes::new(),
        ahead: None,
        error: None,
        position: offset,
        rest: offset..found.size,
    };
    reader.ask();
    Ok(Opened {
        reader: Box::new(reader),
        size: Some(found.size),
    })
}

/// An object as it was when it was looked up.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) key: Path,
    pub(crate) tag: Option<String>,
}

impl Version {
    /// Exactly these bytes of it.
    pub(crate) async fn read(self, store: Store, range: Range<u64>) -> Result<Bytes> {
        let length = range.end.saturating_sub(range.start);
        let options = GetOptions {
            if_match: self.tag,
            range: Some(GetRange::Bounded(range)),
            ..Default::default()
        };
        let bytes = store.objects.get_opts(&self.key, options).await?;
        let bytes = bytes.bytes().await?;
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(Error::Generic {
                store: "object",
                source: format!("{} bytes came, not {length}", bytes.len()).into(),
            })
        }
    }
}

/// Two pieces at most: that which is read, and the next one.
struct Reader {
    bucket: Bucket,
    object: Version,
    piece: Bytes,
    /// Of the next byte that is read.
    position: u64,
    ahead: Option<Receiver<Result<Bytes>>>,
    /// After it there is nothing more, and no end.
    error: Option<FileError>,
    /// What was not asked for yet.
    rest: Range<u64>,
}

impl Reader {
    fn ask(&mut self) {
        let end = self.rest.start.saturating_add(self.bucket.piece as u64);
        let range = self.rest.start..end.min(self.rest.end);
        if range.is_empty() {
            return;
        }
        self.rest.start = range.end;
        let object = self.object.clone();
        self.ahead = Some(self.bucket.begin(|store| object.read(store, range)));
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.ahead.is_none() && self.error.is_none() {
            // It went back.
            self.ask();
        }
        if let Some(ahead) = self.ahead.take_if(|_| self.piece.is_empty()) {
            match self.bucket.end(&ahead) {
                Ok(piece) => {
                    self.piece = piece;
                    self.ask();
                }
                Err(error) => self.error = Some(error),
            }
        }
        if let Some(error) = self.error {
            return Err(io::Error::other(error));
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl ReadFile for Reader {
    /// Nothing is asked for before it is read.
    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        self.position = self.position.saturating_sub(count);
        self.rest.start = self.position;
        (self.piece, self.ahead) = (Bytes::new(), None);
        Ok(true)
    }
}
