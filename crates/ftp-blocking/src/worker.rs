//! The thread of a session's handler, so that the session's own thread can keep the deadlines.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, Scope};
use std::time::Duration;

/// How long a thread without work is kept: an idle session has one thread.
const KEPT: Duration = Duration::from_secs(1);

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// Does one job at a time in a thread of its own, which exists only while it is needed.
pub(crate) struct Worker<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    /// To the thread that was started last.
    jobs: Option<SyncSender<Job<'scope>>>,
    /// Whether that thread takes a job: it has done the last one, and has not ended. Who takes this back, the
    /// thread that ends or who has a job for it, can count on it.
    is_free: Arc<AtomicBool>,
}

impl<'scope, 'env> Worker<'scope, 'env> {
    /// No thread yet.
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self {
            scope,
            jobs: None,
            is_free: Arc::default(),
        }
    }

    /// Starts the work. The receiver gets its result; nothing, if the work panics.
    ///
    /// # Errors
    /// If no thread can be made. Then nothing was done.
    pub(crate) fn begin<A: Send + 'scope>(
        &mut self,
        work: impl FnOnce() -> A + Send + 'scope,
    ) -> io::Result<Receiver<A>> {
        let (answer, answered) = sync_channel(1);
        if let Some(jobs) = &self.jobs
            && self.is_free.swap(false, Ordering::AcqRel)
        {
            let is_free = Arc::clone(&self.is_free);
            let job = job(work, answer, is_free);
            jobs.try_send(job).map_err(|_| io::ErrorKind::BrokenPipe)?;
            return Ok(answered);
        }
        // One that still works, perhaps for ever, has its own.
        let is_free = Arc::<AtomicBool>::default();
        let first = job(work, answer, Arc::clone(&is_free));
        self.is_free = Arc::clone(&is_free);
        let (jobs, next) = sync_channel::<Job<'scope>>(1);
        let thread = Builder::new().name("ftp handler".to_owned());
        thread.spawn_scoped(self.scope, move || {
            first();
            loop {
                match next.recv_timeout(KEPT) {
                    Ok(job) => job(),
                    // Unless a job is on its way.
                    Err(RecvTimeoutError::Timeout) if !is_free.swap(false, Ordering::AcqRel) => {}
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        self.jobs = Some(jobs);
        Ok(answered)
    }
}

fn job<'scope, A: Send + 'scope>(
    work: impl FnOnce() -> A + Send + 'scope,
    answer: SyncSender<A>,
    is_free: Arc<AtomicBool>,
) -> Job<'scope> {
    Box::new(move || {
        let result = work();
        is_free.store(true, Ordering::Release);
        // An error means that the caller has stopped waiting.
        drop(answer.send(result));
    })
}
