//! Giving a transfer up from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Gives up the transfer that a client has under way, from another thread. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Aborter(Arc<AtomicBool>);

impl Aborter {
    /// The transfer under way fails with
    /// [`TransferError::Aborted`](ftp_proto::client::TransferError::Aborted), in the thread that runs it,
    /// after at most a tenth of a second and what the server then takes to answer `ABOR`. While the data
    /// connection is being made, nothing is noticed; that takes as long as
    /// [`Timeouts::connect`](ftp_proto::data::Timeouts::connect) at most. If no transfer is under way,
    /// nothing happens.
    pub fn abort(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// What was wanted before is over.
    pub(crate) fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is anybody who could want it.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}
