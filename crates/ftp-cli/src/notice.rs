//! A notice to the user while nothing happens.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Calls a function after some time, unless it is dropped before.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Nothing is sent. Dropping it ends the thread.
    _cancel: Sender<()>,
}

impl Notice {
    pub(crate) fn after(delay: Duration, say: impl FnOnce() + Send + 'static) -> Self {
        let (cancel, cancelled) = channel::<()>();
        // Without a thread there is no notice, which is harmless.
        drop(thread::Builder::new().spawn(move || {
            if cancelled.recv_timeout(delay) == Err(RecvTimeoutError::Timeout) {
                say();
            }
        }));
        Self { _cancel: cancel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_unless_it_was_dropped() {
        let (said, heard) = channel();
        let notice = Notice::after(Duration::ZERO, move || said.send("waiting").unwrap());
        assert_eq!(heard.recv(), Ok("waiting"));
        drop(notice);

        let (said, heard) = channel();
        let never = move || said.send("waiting").unwrap();
        drop(Notice::after(Duration::from_secs(86_400), never));
        assert!(heard.recv().is_err(), "the thread ended and said nothing");
    }
}
