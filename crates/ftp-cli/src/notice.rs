//! A word to the user while nothing happens.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Says something after a while, unless it is dropped before.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Nothing is sent: that this end is gone is all that the thread is told.
    _cancel: Sender<()>,
}

impl Notice {
    pub(crate) fn after(delay: Duration, say: impl FnOnce() + Send + 'static) -> Self {
        let (cancel, cancelled) = channel::<()>();
        // Without a thread nothing is said, which harms nobody.
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
