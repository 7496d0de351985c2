//! Stores that show how they are asked, and short ways to ask.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ftp_files::Files;
use ftp_files_object_store::Bucket;
use ftp_files_object_store::object_store::list::{
    PaginatedListOptions, PaginatedListResult, PaginatedListStore,
};
use ftp_files_object_store::object_store::memory::InMemory;
use ftp_files_object_store::object_store::path::Path;
use ftp_files_object_store::object_store::{
    self, CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, UploadPart,
};
use ftp_proto::listing::FactNames;
use ftp_proto::server::{FileError, StoreMode, VirtualPath};
pub(crate) use ftp_testkit::content;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};

/// More than two pieces.
pub(crate) const LONG: usize = 12 * 1024 * 1024 + 17;

pub(crate) fn path(path: impl AsRef<[u8]>) -> VirtualPath {
    VirtualPath::root().resolve(path.as_ref())
}

pub(crate) fn read(files: &dyn Files, name: impl AsRef<[u8]>) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let mut opened = files.open(&path(name), 0)?;
    match opened.reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(ftp_files::error_kind(&error)),
    }
}

/// Stores a whole file; gives its name.
pub(crate) fn store(
    files: &dyn Files,
    name: impl AsRef<[u8]>,
    mode: StoreMode,
    bytes: impl AsRef<[u8]>,
) -> Result<Vec<u8>, FileError> {
    let mut upload = files.store(&path(name), mode)?;
    match upload.write_all(bytes.as_ref()) {
        Ok(()) => {
            let name = upload.name().to_vec();
            upload.commit().map(|()| name)
        }
        Err(error) => Err(ftp_files::error_kind(&error)),
    }
}

/// The names in a directory, in order; directories with `/`.
pub(crate) fn names(files: &dyn Files, name: impl AsRef<[u8]>) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in files.list(&path(name), FactNames::ALL)? {
        let entry = entry?;
        let end = if entry.kind.is_directory() { "/" } else { "" };
        names.push(format!("{}{end}", String::from_utf8_lossy(&entry.name)));
    }
    names.sort();
    Ok(names)
}

/// What is asked of a store.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    count: AtomicUsize,
    /// The request that fails, and all after it if it says so.
    fails: AtomicUsize,
    pub(crate) fails_for_good: std::sync::atomic::AtomicBool,
    pub(crate) pages: AtomicUsize,
    /// Multipart uploads that were neither completed nor aborted.
    pub(crate) unfinished: AtomicUsize,
    pub(crate) texts: Mutex<Vec<String>>,
}

impl Asked {
    /// Counts from here.
    pub(crate) fn fail_at(&self, request: usize) {
        self.count.store(0, Ordering::SeqCst);
        self.fails.store(request, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn ask(&self) -> Result<(), Error> {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = self.fails.load(Ordering::SeqCst);
        let for_good = self.fails_for_good.load(Ordering::SeqCst);
        if fails > 0 && (count == fails || (for_good && count > fails)) {
            return Err(Error::Generic {
                store: "test",
                source: "it is out of order https://host/key?sig=SECRET".into(),
            });
        }
        Ok(())
    }
}

/// A store in memory that lists two at a time, like those that can neither copy nor store "if there is
/// nothing" unless told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) inner: Arc<InMemory>,
    pub(crate) asked: Arc<Asked>,
    pub(crate) is_simple: bool,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(InMemory::new()),
            asked: Arc::default(),
            is_simple: false,
        }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        let texts = self.asked.clone();
        let bucket = Bucket::paged(self.clone()).unwrap().piece(0);
        bucket.on_failure(move |failure| texts.texts.lock().unwrap().push(failure.to_string()))
    }

    fn refuse_if_simple(&self, is_create: bool) -> Result<(), Error> {
        match self.is_simple && is_create {
            true => Err(Error::NotImplemented {
                operation: "create".to_owned(),
                implementer: "test".to_owned(),
            }),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

#[async_trait]
impl ObjectStore for Kept {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.asked.ask()?;
        self.refuse_if_simple(options.mode == PutMode::Create)?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.asked.ask()?;
        self.asked.unfinished.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Parts {
            inner: self.inner.put_multipart_opts(location, options).await?,
            asked: self.asked.clone(),
        }))
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.asked.ask()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let asked = self.asked.clone();
        let locations = locations.and_then(move |path| {
            let asked = asked.ask();
            async move { asked.map(|()| path) }
        });
        self.inner.delete_stream(locations.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        match self.asked.ask() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> object_store::Result<ListResult> {
        panic!("all of a directory at once");
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.asked.ask()?;
        self.refuse_if_simple(options.mode == CopyMode::Create)?;
        self.inner.copy_opts(from, to, options).await
    }
}

/// As S3 lists: names that begin with the prefix, of which those that go on behind `/` are one.
#[async_trait]
impl PaginatedListStore for Kept {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        options: PaginatedListOptions,
    ) -> object_store::Result<PaginatedListResult> {
        self.asked.ask()?;
        self.asked.pages.fetch_add(1, Ordering::SeqCst);
        let prefix = prefix.unwrap_or_default();
        let most = options.max_keys.unwrap_or(2).min(2);
        let after = options.page_token.unwrap_or_default();
        let mut found: Vec<ObjectMeta> = self.inner.list(None).try_collect().await?;
        found.sort_by(|one, other| one.location.cmp(&other.location));
        let mut result = ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
            extensions: Default::default(),
        };
        let mut last = None;
        for object in found {
            let key = object.location.as_ref();
            let Some(rest) = key.strip_prefix(prefix) else {
                continue;
            };
            let group = rest.split_once('/').filter(|_| options.delimiter.is_some());
            let shown = match group {
                Some((name, _)) => format!("{prefix}{name}/"),
                None => key.to_owned(),
            };
            if shown <= after || last.as_ref() == Some(&shown) {
                continue;
            }
            if result.common_prefixes.len() + result.objects.len() == most {
                return Ok(PaginatedListResult {
                    result,
                    page_token: last,
                });
            }
            match group {
                Some(_) => result.common_prefixes.push(Path::parse(&shown).unwrap()),
                None => result.objects.push(object),
            }
            last = Some(shown);
        }
        Ok(PaginatedListResult {
            result,
            page_token: None,
        })
    }
}

#[derive(Debug)]
struct Parts {
    inner: Box<dyn MultipartUpload>,
    asked: Arc<Asked>,
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // As the clouds do, all but the last have the same size.
        assert!(data.content_length() <= 5 * 1024 * 1024);
        let (asked, part) = (self.asked.ask(), self.inner.put_part(data));
        Box::pin(async move {
            asked?;
            part.await
        })
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.asked.ask()?;
        let done = self.inner.complete().await?;
        self.asked.unfinished.fetch_sub(1, Ordering::SeqCst);
        Ok(done)
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.asked.unfinished.fetch_sub(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}

/// Puts an object there as other programs do.
pub(crate) fn put(store: &Kept, key: &str, bytes: &[u8]) {
    let key = Path::parse(key).unwrap();
    let put = store.inner.put(&key, PutPayload::from(bytes.to_vec()));
    put.now_or_never().expect("memory does not wait").unwrap();
}

/// All keys.
pub(crate) fn keys(store: &Kept) -> Vec<String> {
    let all = store.inner.list(None).try_collect::<Vec<_>>();
    let all = all.now_or_never().expect("memory does not wait").unwrap();
    let mut keys: Vec<String> = all.iter().map(|it| it.location.to_string()).collect();
    keys.sort();
    keys
}
