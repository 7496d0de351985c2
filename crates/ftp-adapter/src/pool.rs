//! Several connections to one server, lent to those who need one: who gets which, and when.

use std::collections::BTreeSet;
use std::mem::take;
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::client::{self, Phase};
use ftp_proto::wire::Code;

use crate::Error;

/// How a pool lends its connections.
///
/// ```
/// use std::time::Duration;
/// use ftp_adapter::PoolConfig;
///
/// let config = PoolConfig::new(4).check_after(Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    max: usize,
    check_after: Duration,
    bound_pause: Duration,
}

impl PoolConfig {
    /// At most this many connections at a time, and at least 1. Servers commonly allow 2 to 10 for one
    /// client.
    pub const fn new(max: usize) -> Self {
        Self {
            max: if max == 0 { 1 } else { max },
            check_after: Duration::from_secs(30),
            bound_pause: Duration::from_secs(60),
        }
    }

    /// A connection that was idle for this long is tried with `NOOP` before it is lent. Default 30 s: few
    /// servers or firewalls end a connection sooner, and the round trip is not worth it before.
    #[must_use]
    pub const fn check_after(mut self, idle: Duration) -> Self {
        self.check_after = idle;
        self
    }

    /// When the server answered 421 to one connection more, how long to wait before the next is tried.
    /// Default 60 s: other clients may have left by then, and a server that is full is not asked often.
    #[must_use]
    pub const fn bound_pause(mut self, pause: Duration) -> Self {
        self.bound_pause = pause;
        self
    }
}

/// The place of one caller in the queue of a [`PoolState`]. The smaller came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolTurn(u64);

/// What a caller in the queue is to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum PoolStep<C> {
    /// Use this connection. The caller has left the queue.
    Use(C),
    /// Try this connection with `NOOP` first, as it was idle for long. If that fails, open another in
    /// its stead, as for [`Open`](Self::Open). The caller has left the queue.
    Check(C),
    /// Open a connection; report with [`PoolState::opened`] or [`PoolState::failed`]. The caller has
    /// left the queue.
    Open,
    /// Ask again when the pool has changed, or at this time at the latest.
    Wait {
        /// When a further connection may be tried.
        until: Option<Instant>,
    },
    /// The pool is closed. The caller has left the queue.
    Closed,
}

/// The connections of a pool and its queue, without waiting and without I/O.
///
/// Whoever wants a connection [enters](Self::enter) the queue and [polls](Self::poll). What it is given
/// then takes one of the places of the pool, until it is [put back](Self::put_back) or
/// [gone](Self::gone). After each call that changes something, [`first`](Self::first) is to be woken.
///
/// Connections and the right to open one go out in the order in which the callers came. When the
/// server answers 421 to a login while other connections are open, no more than these are opened for
/// [a while](PoolConfig::bound_pause). Then one more is tried, and so on. When it refuses a login otherwise (530, for
/// example) while others are logged in with the same password, there are never more than these: the next
/// refusal may lock the account.
#[derive(Debug)]
pub struct PoolState<C> {
    config: PoolConfig,
    /// Those that nobody uses, and since when. The last was used last, and is lent first: so few are kept
    /// fresh, and the others time out at the server.
    idle: Vec<(C, Instant)>,
    /// Connections that are lent.
    lent: usize,
    /// Connections that are being opened.
    opening: usize,
    /// How many the server has room for, as far as is known. At least 1.
    bound: usize,
    /// When the bound is raised, if it is below the maximum. `None`: never.
    raise_at: Option<Instant>,
    waiting: BTreeSet<PoolTurn>,
    turns: u64,
    is_closed: bool,
}

impl<C> PoolState<C> {
    /// No connections yet.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            config,
            idle: Vec::new(),
            lent: 0,
            opening: 0,
            bound: config.max,
            raise_at: Some(Instant::START),
            waiting: BTreeSet::new(),
            turns: 0,
            is_closed: false,
        }
    }

    /// A caller wants a connection: it is the last in the queue now.
    pub fn enter(&mut self) -> PoolTurn {
        let turn = PoolTurn(self.turns);
        self.turns += 1;
        self.waiting.insert(turn);
        turn
    }

    /// The caller does not wait any more.
    pub fn leave(&mut self, turn: PoolTurn) {
        self.waiting.remove(&turn);
    }

    /// Who is the first in the queue.
    pub fn first(&self) -> Option<PoolTurn> {
        self.waiting.first().copied()
    }

    /// What this caller, which waits in the queue, is to do now.
    pub fn poll(&mut self, now: Instant, turn: PoolTurn) -> PoolStep<C> {
        if self.is_closed {
            self.leave(turn);
            return PoolStep::Closed;
        }
        if self.first() != Some(turn) {
            return PoolStep::Wait { until: None };
        }
        let step = self.take(now);
        if !matches!(step, PoolStep::Wait { .. }) {
            self.leave(turn);
        }
        step
    }

    fn take(&mut self, now: Instant) -> PoolStep<C> {
        if let Some((connection, since)) = self.idle.pop() {
            self.lent += 1;
            if now - since < self.config.check_after {
                return PoolStep::Use(connection);
            }
            return PoolStep::Check(connection);
        }
        if self.len() >= self.bound {
            if self.len() >= self.config.max {
                return PoolStep::Wait { until: None };
            }
            if self.raise_at.is_none_or(|raise_at| now < raise_at) {
                let until = self.raise_at;
                return PoolStep::Wait { until };
            }
            self.bound = self.len() + 1;
            self.raise_at = Some(now + self.config.bound_pause);
        }
        self.opening += 1;
        PoolStep::Open
    }

    /// The connection that was to be opened is open and lent.
    pub fn opened(&mut self) {
        self.opening -= 1;
        self.lent += 1;
        // Several may be opened at a time: one that had room after all.
        self.bound = self.bound.max(self.idle.len() + self.lent);
    }

    /// The connection that this caller was to open cannot be opened, for this reason. Returns whether the caller waits
    /// in the queue again, at its old place: the server has no room for more than there are. Otherwise the caller is to
    /// report the error.
    #[must_use]
    pub fn failed(&mut self, now: Instant, turn: PoolTurn, error: &Error) -> bool {
        self.opening -= 1;
        let open = self.idle.len() + self.lent;
        let is_full = error.code() == Some(Code::SERVICE_UNAVAILABLE);
        // The others have the same password, so that is not why.
        let is_one_too_many = open > 0 && is_refused_login(error);
        if !is_full && !is_one_too_many {
            return false;
        }
        self.bound = open.max(1);
        let raise_at = self.raise_at.filter(|_| is_full);
        self.raise_at = raise_at.map(|_| now + self.config.bound_pause);
        let waits = !self.is_closed && open + self.opening > 0;
        if waits {
            self.waiting.insert(turn);
        }
        waits
    }

    /// What was to be opened is not waited for any more.
    pub fn not_wanted(&mut self) {
        self.opening -= 1;
    }

    /// A connection that was lent is not any more, and can be used again. It is returned if the pool is
    /// closed; drop it then.
    pub fn put_back(&mut self, now: Instant, connection: C) -> Option<C> {
        self.gone();
        if self.is_closed {
            return Some(connection);
        }
        self.idle.push((connection, now));
        None
    }

    /// A connection that was lent broke, or is the borrower's for good.
    pub fn gone(&mut self) {
        self.lent -= 1;
    }

    /// A connection that was lent broke, and the borrower opens another in its place.
    pub fn reopening(&mut self) {
        self.gone();
        self.opening += 1;
    }

    /// Closes the pool, and returns the connections that nobody uses. Those that are lent are not taken
    /// back.
    pub fn close(&mut self) -> Vec<C> {
        self.is_closed = true;
        let idle = take(&mut self.idle);
        idle.into_iter().map(|(connection, _)| connection).collect()
    }

    /// How many connections are open or being opened.
    pub fn len(&self) -> usize {
        self.idle.len() + self.lent + self.opening
    }

    /// Whether no connection is open or being opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many connections are open that nobody uses.
    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    /// How many connections there may be at present.
    pub fn bound(&self) -> usize {
        self.bound
    }
}

fn is_refused_login(error: &Error) -> bool {
    matches!(
        error,
        Error::Protocol(client::Error::Refused { phase, .. }) if *phase < Phase::Ready
    )
}
