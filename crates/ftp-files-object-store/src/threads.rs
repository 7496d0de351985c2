//! The threads that wait for the store.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, EnterGuard, Runtime};

/// A runtime of its own.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("object-store")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Begins something. If the receiver is dropped it goes on, and what comes of it is dropped.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Receiver<T> {
        let (sender, receiver) = sync_channel(1);
        if let Some(runtime) = &self.0 {
            // There is room for the one value, so this does not block.
            runtime.spawn(async move { drop(sender.try_send(work.await)) });
        }
        receiver
    }

    /// For what wants to be made where a runtime is.
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

/// A runtime that is dropped waits for its threads, and may not be on those of another one.
impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
