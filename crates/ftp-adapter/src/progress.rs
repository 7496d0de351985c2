//! How far a transfer has come.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How far a transfer has come: for a progress bar. Shown as `4096 of 10000 bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes went over the data connection so far; if the transfer began at an
    /// [offset](ftp_proto::client::Transfer::offset), those before it are counted too.
    pub bytes: u64,
    /// How many bytes the whole file has, if that is known: from
    /// [`Transfer::size`](ftp_proto::client::Transfer::size), or from the server's reply to a download of a
    /// whole file.
    pub total: Option<u64>,
}

impl Progress {
    /// Puts the two together.
    pub const fn new(bytes: u64, total: Option<u64>) -> Self {
        Self { bytes, total }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bytes, self.total) {
            (bytes, Some(total)) => write!(f, "{bytes} of {total} bytes"),
            (bytes, None) => write!(f, "{bytes} bytes"),
        }
    }
}

/// What to call with the progress of a transfer. Clones call the same.
#[derive(Clone)]
pub(crate) struct OnProgress(Arc<Mutex<dyn FnMut(Progress) + Send>>);

impl OnProgress {
    pub(crate) fn new(call: impl FnMut(Progress) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(call)))
    }

    pub(crate) fn call(&self, progress: Progress) {
        let mut call = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (*call)(progress);
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress(_)")
    }
}
