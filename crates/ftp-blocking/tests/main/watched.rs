//! A watchdog: what goes on for ever is a failure.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Far more than anything here needs, and less than any default deadline.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does this in a thread, and does not wait for ever.
pub(crate) fn watched<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = channel();
    let thread = thread::spawn(move || drop(done.send(what())));
    match outcome.recv_timeout(PATIENCE) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => panic!("it goes on for ever"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("nothing came of it"),
        },
    }
}
