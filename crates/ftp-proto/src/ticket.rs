//! What ties an answer to the one question that it answers.

use alloc::sync::Arc;
use core::fmt;

/// The identity of a question. Only copies of one ticket are equal, so an answer that is handed to
/// the wrong connection fits nothing there: a verdict cannot log in someone else, a password
/// cannot reach another server.
#[derive(Clone)]
pub(crate) struct Ticket(Arc<()>);

impl Ticket {
    /// One that equals no other.
    pub(crate) fn new() -> Self {
        Self(Arc::new(()))
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}
