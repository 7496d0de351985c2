//! The thread in which a session's handler works, so that the session's own can keep the deadlines.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, Scope};
use std::time::Duration;

/// How long a thread without work is kept: an idle session has one thread.
const KEPT: Duration = Duration::from_secs(1);

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// Does one thing at a time in a thread of its own, which is there only while it is needed.
pub(crate) struct Worker<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    /// To the thread that was started last, if it is still there. Without room: what is taken is
    /// taken by a thread that waits for it, never left behind by one that ends.
    jobs: Option<SyncSender<Job<'scope>>>,
}

impl<'scope, 'env> Worker<'scope, 'env> {
    /// No thread yet.
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, jobs: None }
    }

    /// Begins to work. What comes of it is received; nothing, if the work panics.
    ///
    /// # Errors
    /// If there is no thread to be had. Nothing was done then.
    pub(crate) fn begin<A: Send + 'scope>(
        &mut self,
        work: impl FnOnce() -> A + Send + 'scope,
    ) -> io::Result<Receiver<A>> {
        let (answer, answered) = sync_channel(1);
        let mut job: Job<'scope> = Box::new(move || {
            // An error: nobody waits for it any more.
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
