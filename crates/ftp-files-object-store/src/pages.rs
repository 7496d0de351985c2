//! What is in a directory, page by page.

use std::borrow::Cow;
use std::sync::Arc;

use ftp_files::Facts;
use ftp_proto::DateTime;
use ftp_proto::listing::Kind;
use ftp_proto::server::FileError;
use futures_util::TryStreamExt;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, ObjectStore, ObjectStoreExt, Result};

use crate::bucket::Bucket;
use crate::keys::Directory;
use crate::problem::Problem;

/// How a store is asked.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// If it lists in pages.
    pub(crate) pages: Option<Arc<dyn PaginatedListStore>>,
}

/// Where a listing goes on.
#[derive(Debug)]
pub(crate) struct Next(String);

impl Store {
    /// A page of a directory.
    pub(crate) async fn page(
        &self,
        directory: &Directory,
        next: Option<Next>,
    ) -> Result<(ListResult, Option<Next>)> {
        let Some(pages) = &self.pages else {
            let prefix = directory.at("");
            let all = self.objects.list_with_delimiter(Some(&prefix)).await?;
            return Ok((all, None));
        };
        let options = PaginatedListOptions {
            delimiter: Some(Cow::Borrowed("/")),
            page_token: next.map(|next| next.0),
            ..Default::default()
        };
        let prefix = Some(directory.prefix()).filter(|prefix| !prefix.is_empty());
        let page = pages.list_paginated(prefix, options).await?;
        Ok((page.result, page.page_token.map(Next)))
    }

    /// The first keys below a directory, at any depth, in any order; with an object whose name is that of
    /// the directory and `/`, which others make.
    pub(crate) async fn some(&self, directory: &Directory, most: usize) -> Result<Vec<ObjectMeta>> {
        let Some(pages) = &self.pages else {
            return self.all(directory, most).await;
        };
        let prefix = Some(directory.prefix()).filter(|prefix| !prefix.is_empty());
        let mut token = None;
        // A page may be empty, and not the last one.
        loop {
            let options = PaginatedListOptions {
                max_keys: Some(most),
                page_token: token,
                ..Default::default()
            };
            let page = pages.list_paginated(prefix, options).await?;
            if !page.result.objects.is_empty() || page.page_token.is_none() {
                return Ok(page.result.objects);
            }
            token = page.page_token;
        }
    }

    /// All keys below a directory, at any depth, but at most so many.
    pub(crate) async fn all(&self, directory: &Directory, most: usize) -> Result<Vec<ObjectMeta>> {
        use futures_util::StreamExt;
        let prefix = directory.at("");
        self.objects
            .list(Some(&prefix))
            .take(most)
            .try_collect()
            .await
    }

    /// A directory is there if anything is in it.
    pub(crate) async fn is_directory(&self, directory: &Directory) -> Result<bool> {
        Ok(directory.is_root || !self.some(directory, 1).await?.is_empty())
    }

    /// What is known of an object, if there is one.
    pub(crate) async fn object(&self, key: &Path) -> Result<Option<ObjectMeta>> {
        match self.objects.head(key).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What is known of an object.
pub(crate) fn facts(name: &str, meta: &ObjectMeta) -> Facts {
    let mut facts = Facts::new(name, Kind::File);
    facts.size = Some(meta.size);
    facts.modified = Some(DateTime::from_unix(meta.last_modified.timestamp()));
    facts
}

/// A listing: a page at a time is in memory.
pub(crate) struct Entries {
    bucket: Bucket,
    directory: Directory,
    page: std::vec::IntoIter<Facts>,
    next: Option<Next>,
}

impl Entries {
    /// With the first page.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is no such directory.
    pub(crate) fn open(
        bucket: &Bucket,
        directory: Directory,
    ) -> std::result::Result<Self, FileError> {
        let mut entries = Self {
            bucket: bucket.clone(),
            directory,
            page: Vec::new().into_iter(),
            next: None,
        };
        let is_empty = entries.turn()?;
        if is_empty && entries.next.is_none() && !entries.directory.is_root {
            return Err(FileError::NotFound);
        }
        Ok(entries)
    }

    /// Reads the next page. `true` if nothing is in it, not even a marker.
    fn turn(&mut self) -> std::result::Result<bool, FileError> {
        let (directory, next) = (self.directory.clone(), self.next.take());
        let (page, next) = self.bucket.run(|store| async move {
            let (page, next) = store.page(&directory, next).await?;
            Ok::<_, Problem>((page, next))
        })?;
        self.next = next;
        let is_empty = page.common_prefixes.is_empty() && page.objects.is_empty();
        let directories = page.common_prefixes.iter().filter_map(|prefix| {
            let name = self.directory.name(prefix)?;
            Some(Facts::new(name, Kind::Directory))
        });
        let files = page
            .objects
            .iter()
            .filter_map(|meta| Some(facts(self.directory.name(&meta.location)?, meta)));
        self.page = directories.chain(files).collect::<Vec<_>>().into_iter();
        Ok(is_empty)
    }
}

impl Iterator for Entries {
    type Item = std::result::Result<Facts, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(facts) = self.page.next() {
                return Some(Ok(facts));
            }
            self.next.as_ref()?;
            if let Err(error) = self.turn() {
                self.next = None;
                return Some(Err(error));
            }
        }
    }
}
