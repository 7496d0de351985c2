//! Data connections without a control connection.

use super::ticket::{Held, Plan};
use super::{Connection, DataType, Direction, Timeouts};
use crate::Instant;
use crate::server::Resumption;
use crate::ticket::Tickets;

/// Makes a data connection that belongs to no control connection of this crate: for programs that have
/// a dialogue of their own, and for tests. How it ended fits no control connection.
///
/// Without other settings: as bytes are, in clear, [`Timeouts::default`].
#[derive(Debug, Clone, Copy)]
#[must_use = "it does nothing until it is connected"]
pub struct Detached {
    plan: Plan,
}

impl Detached {
    /// For bytes that go this way.
    pub fn new(direction: Direction) -> Self {
        Self {
            plan: Plan {
                direction,
                data_type: DataType::Image,
                is_protected: false,
                lenient_end: false,
                timeouts: Timeouts::default(),
                resumption: Resumption::Report,
                hold: None,
            },
        }
    }

    /// How the bytes stand on the connection. Default [`DataType::Image`].
    pub fn data_type(mut self, data_type: DataType) -> Self {
        self.plan.data_type = data_type;
        self
    }

    /// Whether TLS is put around it. Default `false`.
    pub fn protected(mut self, is_protected: bool) -> Self {
        self.plan.is_protected = is_protected;
        self
    }

    /// Whether an end without `close_notify` counts as an end under TLS, as in clear. Default `false`.
    /// Whoever can cut the connection can then shorten what comes, unnoticed.
    pub fn lenient_end(mut self, is_lenient: bool) -> Self {
        self.plan.lenient_end = is_lenient;
        self
    }

    /// Whether a session is resumed, at a server. Default [`Resumption::Report`].
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.plan.resumption = resumption;
        self
    }

    /// How long it may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.plan.timeouts = timeouts;
        self
    }

    /// The transport stands.
    pub fn connect(self, now: Instant) -> Connection {
        Connection::new(Tickets::new().issue(), Held::new(self.plan), now)
    }
}
