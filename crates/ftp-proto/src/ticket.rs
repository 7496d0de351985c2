//! What ties an answer to the one question that it answers, and a reply to its command.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How many connections there were.
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// The identity of a question or a command. No two are equal, be they of one connection or of two.
/// So an answer that is handed to the wrong connection fits nothing there: a verdict cannot log in
/// someone else, a password cannot reach another server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket {
    connection: usize,
    number: u64,
}

impl Ticket {
    /// How many were issued before it on its connection.
    pub(crate) fn number(self) -> u64 {
        self.number
    }
}

/// The same on every connection, so that what a machine shows does not depend on others.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

/// Issues the tickets of one connection.
pub(crate) struct Tickets {
    next: Ticket,
}

impl Tickets {
    /// For a new connection. Where `usize` has 32 bits, the count of connections starts again after
    /// 2³² of them: a ticket would have to be kept for that long to fit another connection.
    pub(crate) fn new() -> Self {
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self {
            next: Ticket {
                connection,
                number: 0,
            },
        }
    }

    /// One that equals no other.
    pub(crate) fn issue(&mut self) -> Ticket {
        let ticket = self.next;
        self.next.number = ticket.number.saturating_add(1);
        ticket
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

#[cfg(test)]
mod tests;
