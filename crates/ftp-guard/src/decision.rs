//! The guard's answers, and the values to give back to it.

use alloc::boxed::Box;

use crate::Instant;
use crate::key::{AddressKeys, AttemptKeys};

/// The answer to a new connection.
#[derive(Debug)]
#[must_use = "an admitted connection must be released when it ends"]
pub enum Admission {
    /// Greet it.
    Admit(Connected),
    /// Greet it, but not before `until`. An unknown address waits while its network, or the whole
    /// server, has too many failures. The connection counts as open from now on.
    Delay {
        /// When to send the greeting.
        until: Instant,
        /// The connection.
        connected: Connected,
    },
    /// Refuse it with the same text for any reason, and close it. There is nothing to release.
    Refuse {
        /// The reason, for the log. Do not send it to the peer.
        why: RefusedWhy,
    },
}

impl Admission {
    /// The connection, and when to greet it. `None` if it is refused.
    pub fn connected(self) -> Option<(Connected, Option<Instant>)> {
        match self {
            Self::Admit(connected) => Some((connected, None)),
            Self::Delay { until, connected } => Some((connected, Some(until))),
            Self::Refuse { .. } => None,
        }
    }
}

/// How many sessions a server runs, and how many it may run.
///
/// The guard counts the connections of all servers that share it. With a server's own numbers it
/// reserves room for known addresses within that server's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capacity {
    pub(crate) open: u32,
    pub(crate) most: u32,
}

impl Capacity {
    /// `open` sessions are open, without the new one, and `most` may be.
    pub const fn new(open: u32, most: u32) -> Self {
        Self { open, most }
    }
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedWhy {
    /// There are too many connections in all, or too many from unknown addresses, or this unknown
    /// address or network would have more than its share.
    TooManyInAll,
    /// This address has too many connections.
    TooManyFromAddress,
    /// This network has too many connections.
    TooManyFromNetwork,
    /// This address is locked out for its failures.
    AddressLockedOut,
    /// This network is locked out for its failures, and the address is unknown.
    NetworkLockedOut,
}

/// An open connection in the guard. Give it to [`Guard::release`](crate::Guard::release) when the
/// connection ends.
///
/// Dropping it does not release it: the connection would count as open for ever, and its last
/// attempt as undecided. So an adapter keeps it in a value that has a handle to the guard and
/// releases it on drop, also when a task is cancelled.
#[derive(Debug)]
#[must_use = "give it back with Guard::release when the connection ends"]
pub struct Connected {
    pub(crate) peer: AddressKeys,
    pub(crate) session: Option<u64>,
    /// Boxed: most of the time there is none.
    pub(crate) pending: Option<Box<Pending>>,
}

/// An unsettled attempt, as its connection remembers it.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) serial: u64,
    /// When it started, on the shared clock. Its result counts from then. Otherwise the end of a
    /// lockout would show how long the check took.
    pub(crate) started: u64,
    pub(crate) tried: AttemptKeys,
    pub(crate) ruling: Ruling,
}

/// The answer to an attempt to log in.
#[derive(Debug)]
#[must_use = "the client waits"]
pub enum AttemptDecision {
    /// Run the check and settle the attempt, for any ruling.
    Check(GuardedAttempt),
    /// Ask again at `at`. Nothing was counted. As many checks are running for this name at this
    /// address, or for this address, as failures are left before a lockout. Without this rule,
    /// guesses sent at once over many connections would all be checked before the first is counted.
    AskAgain {
        /// When to ask again.
        at: Instant,
    },
}

/// How the check's result will be used. It is fixed before the check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The result of the check counts.
    CheckAndObey,
    /// Locked out: run the check, or wait as long, but its result counts as wrong. So the right
    /// password of a locked name looks like a wrong one.
    CheckAndReject,
}

/// An attempt to log in, to be settled once with [`Guard::settle`](crate::Guard::settle).
///
/// If it is dropped, it counts as failed at the connection's next attempt or release. So a client
/// that leaves before the answer cannot guess for free.
#[derive(Debug)]
#[must_use = "settle it with Guard::settle"]
pub struct GuardedAttempt {
    pub(crate) serial: u64,
    pub(crate) started: Instant,
    pub(crate) earliest_reply: Instant,
    pub(crate) ruling: Ruling,
}

impl GuardedAttempt {
    /// How the check's result will be used. For adapters that wait instead of running the check;
    /// [`Guard::settle`](crate::Guard::settle) applies it in any case.
    pub fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// The earliest time of the answer, right or wrong.
    pub fn earliest_reply(&self) -> Instant {
        self.earliest_reply
    }
}

/// What the application's check found, or what to tell the client instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckResult {
    /// Name and password are right.
    Success,
    /// Name or password is wrong.
    Failure,
    /// Right so far, and more is needed (in FTP an account). Counts as neither success nor failure.
    Incomplete,
    /// The check could not be made. Counts as neither success nor failure.
    Unavailable,
}

/// What to tell the client, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the client is told this, not what the check found"]
pub struct Answer {
    /// What to tell the client instead of what the check found.
    pub result: CheckResult,
    /// The earliest time of the answer.
    pub not_before: Instant,
    /// The widest lockout that this attempt started, for the log.
    pub locked_out: Option<Scope>,
}

/// What failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A user name at one address.
    UserAtAddress,
    /// An address.
    Address,
    /// A network.
    Network,
    /// A user name, from any address.
    User,
}

/// Counts of what the guard did since it was made. They only grow, and stop at the largest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct GuardStatistics {
    /// Connections refused.
    pub refused: u64,
    /// Attempts ruled [`Ruling::CheckAndReject`].
    pub rejected: u64,
    /// Attempts that were right.
    pub successes: u64,
    /// Attempts that failed, including rejected and abandoned ones.
    pub failures: u64,
    /// Lockouts started, of any scope.
    pub lockouts: u64,
    /// Failures for which the tables had no room. They were counted in the sum of their set, and
    /// delay all keys of that set. If this grows, configure more entries.
    pub untracked: u64,
}
