//! A store, the part of it that is served, and how.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ftp_proto::server::{FileError, VirtualPath};
use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::path::Path;

use crate::Failure;
use crate::keys::Root;
use crate::pages::Store;
use crate::problem::Problem;
use crate::threads::Threads;

/// The files in an object store, below a prefix. Clones share the connections to it, and its threads.
///
/// The crate's page says what each command does.
#[derive(Clone)]
pub struct Bucket {
    shared: Arc<Shared>,
    pub(crate) root: Root,
    pub(crate) piece: usize,
    pub(crate) keeps_incomplete: bool,
    report: Option<Arc<Report>>,
}

type Report = dyn Fn(&Failure) + Send + Sync;

struct Shared {
    store: Store,
    threads: Threads,
}

/// S3 takes no smaller ones in a multipart upload.
const SMALLEST_PIECE: usize = 5 * 1024 * 1024;
const USUAL_PIECE: usize = 8 * 1024 * 1024;

impl Bucket {
    /// All of a store. It is told to list a directory at once, so memory grows with the directory: see
    /// [`paged`](Self::paged).
    ///
    /// ```
    /// use ftp_files_object_store::Bucket;
    /// use ftp_files_object_store::object_store::memory::InMemory;
    ///
    /// let files = Bucket::new(InMemory::new())?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no threads can be started.
    pub fn new(store: impl ObjectStore) -> io::Result<Self> {
        Self::of(Store {
            objects: Arc::new(store),
            pages: None,
        })
    }

    /// All of a store that lists in pages: those for S3, Google Cloud Storage and Azure do. A page at a time is
    /// in memory.
    ///
    /// # Errors
    /// If no threads can be started.
    pub fn paged(store: impl ObjectStore + PaginatedListStore) -> io::Result<Self> {
        let store = Arc::new(store);
        Self::of(Store {
            objects: store.clone(),
            pages: Some(store),
        })
    }

    fn of(store: Store) -> io::Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                threads: Threads::start()?,
            }),
            root: Root::default(),
            piece: USUAL_PIECE,
            keeps_incomplete: false,
            report: None,
        })
    }

    /// Serves what is below a prefix, which need not be there yet.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &Path) -> Self {
        self.root = Root::new(prefix);
        self
    }

    /// The same store below a directory, for the home of a user. Whether the directory is there is not looked
    /// up: as a root it always is.
    ///
    /// # Errors
    /// [`FileError::NotAllowed`] for names that no object has here.
    pub fn below(&self, path: &VirtualPath) -> Result<Self, FileError> {
        let mut bucket = self.clone();
        bucket.root = self.root.below(path)?;
        Ok(bucket)
    }

    /// How many bytes are read or stored with one request: at least 5 MiB, and 8 MiB by default. A transfer
    /// holds two of them. S3 and Google Cloud Storage take 10,000 in an upload, so a file can have 10,000
    /// times as many bytes; a longer one is refused (552) when it comes to that.
    #[must_use]
    pub fn piece(mut self, bytes: usize) -> Self {
        self.piece = bytes.max(SMALLEST_PIECE);
        self
    }

    /// Whether what came of a failed upload is kept, if the file is new, or was resumed, so that the client can
    /// go on from there. Default `false`: an object that is there is whole, which is what programs expect
    /// that are told of new objects; the client begins again.
    #[must_use]
    pub fn keeps_incomplete(mut self, keeps: bool) -> Self {
        self.keeps_incomplete = keeps;
        self
    }

    /// Is called for each failure of the store itself, on any thread: clients are not told what it was. That
    /// there is no such object is none.
    #[must_use]
    pub fn on_failure(mut self, report: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    /// Asks the store for a name below the prefix: whether it can be reached, and lets us in.
    ///
    /// # Errors
    /// Why not.
    pub fn probe(&self) -> Result<(), Failure> {
        let directory = self.root.directory(&VirtualPath::root());
        let directory = directory.map_err(|_| Failure::text("the prefix is too long"))?;
        let found = self.begin(|store| async move { store.some(&directory, 1).await });
        match found.recv() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(&error)),
            Err(_) => Err(Failure::text("the thread that asked has ended")),
        }
    }

    /// Begins to ask the store.
    pub(crate) fn begin<T, F>(&self, work: impl FnOnce(Store) -> F) -> Receiver<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let _runtime = self.shared.threads.enter();
        self.shared.threads.spawn(work(self.shared.store.clone()))
    }

    /// Waits for what was begun.
    pub(crate) fn end<T, E: Into<Problem>>(
        &self,
        work: &Receiver<Result<T, E>>,
    ) -> Result<T, FileError> {
        // It panicked, or the runtime has ended.
        let done = work.recv().map_err(|_| FileError::Failed)?;
        done.map_err(|error| {
            let problem = error.into();
            if let (Some(report), Some(failure)) = (&self.report, problem.failure()) {
                report(&failure);
            }
            problem.kind()
        })
    }

    /// Asks the store, and waits.
    pub(crate) fn run<T, E, F>(&self, work: impl FnOnce(Store) -> F) -> Result<T, FileError>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.end(&self.begin(work))
    }
}

/// A store may show its credentials.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("root", &self.root)
            .field("piece", &self.piece)
            .finish_non_exhaustive()
    }
}
