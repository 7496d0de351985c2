//! The thread of a session's handler, so that the session's own thread can keep the deadlines.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, Scope};
use std::time::Duration;

/// How long a thread without work is kept: an idle session has one thread.
const KEPT: Duration = Duration::from_secs(1);

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// Does one job at a time in a thread of its own, which exists only while it is needed.
pub(crate) struct Worker<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    /// To the thread that was started last, if it still runs. A channel without room: a thread that
    /// waits takes each job, so a thread that ends leaves none.
    jobs: Option<SyncSender<Job<'scope>>>,
}

impl<'scope, 'env> Worker<'scope, 'env> {
    /// No thread yet.
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, jobs: None }
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
        let mut job: Job<'scope> = Box::new(move || {
            // An error means that the caller has stopped waiting.
            drop(answer.send(work()));
        });
        if let Some(jobs) = &self.jobs {
            job = match jobs.try_send(job) {
                Ok(()) => return Ok(answered),
                Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => job,
            };
        }
        let (jobs, next) = sync_channel::<Job<'scope>>(0);
        let thread = Builder::new().name("ftp handler".to_owned());
        thread.spawn_scoped(self.scope, move || {
            job();
            loop {
                match next.recv_timeout(KEPT) {
                    Ok(job) => job(),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        self.jobs = Some(jobs);
        Ok(answered)
    }
}
