//! What the guard answers, and the values that it wants back.

use crate::Instant;
use crate::key::{AddressKeys, AttemptKeys};

/// The answer to a new connection.
#[derive(Debug)]
#[must_use = "an admitted connection must be released when it ends"]
pub enum Admission {
    /// Greet it.
    Admit(Connected),
    /// Greet it, but not before `until`: an unknown address waits while its network, or the whole
    /// server, sees too many failures. It counts as open from now on.
    Delay {
        /// When to send the greeting.
        until: Instant,
        /// The connection.
        connected: Connected,
    },
    /// Refuse it, in the same words whatever the reason, and close. There is nothing to give back.
    Refuse {
        /// The reason: for the log, not for the peer.
        why: RefusedWhy,
    },
}

impl Admission {
    /// The connection and when to greet it, if it may stay.
    pub fn connected(self) -> Option<(Connected, Option<Instant>)> {
        match self {
            Self::Admit(connected) => Some((connected, None)),
            Self::Delay { until, connected } => Some((connected, Some(until))),
            Self::Refuse { .. } => None,
        }
    }
}

/// How many sessions the server that asks runs, and how many it may run.
///
/// The guard counts the connections of all who share it; a server that asks with its own numbers
/// gets an answer that keeps room for known addresses within *its* limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capacity {
    pub(crate) open: u32,
    pub(crate) most: u32,
}

impl Capacity {
    /// So many sessions are open, the one asked about not among them, and so many may be.
    pub const fn new(open: u32, most: u32) -> Self {
        Self { open, most }
    }
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedWhy {
    /// Too many connections in all, or all that unknown addresses get, or this address or network
    /// would have more than its share of what is left for unknown ones.
    TooManyInAll,
    /// Too many connections from this address.
    TooManyFromAddress,
    /// Too many connections from this network.
    TooManyFromNetwork,
    /// Too many failures from this address.
    AddressLockedOut,
    /// Too many failures from this network, and this address is not known.
    NetworkLockedOut,
}

/// An open connection, as the guard knows it. Give it back with
/// [`Guard::release`](crate::Guard::release) when the connection ends.
///
/// Dropping it cannot reach the guard: the connection would count as open for as long as the guard
/// lives, and its last attempt as undecided. An adapter therefore keeps it in a value that owns a
/// handle to the guard and releases on drop, so that a cancelled task releases too.
#[derive(Debug)]
#[must_use = "give it back with Guard::release when the connection ends"]
pub struct Connected {
    pub(crate) peer: AddressKeys,
    pub(crate) session: Option<u64>,
    pub(crate) pending: Option<Pending>,
}

/// An attempt under way, as its connection remembers it.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) serial: u64,
    /// When it started, on the shared clock. Its result counts from then: if it counted from the
    /// end of the check, the end of a lockout would tell how long the check took.
    pub(crate) started: u64,
    pub(crate) tried: AttemptKeys,
    pub(crate) ruling: Ruling,
}

/// The answer to an attempt to log in.
#[derive(Debug)]
#[must_use = "the client waits"]
pub enum AttemptDecision {
    /// Run the check and settle the attempt, whatever the ruling.
    Check(GuardedAttempt),
    /// As many checks are under way for this name and address, or this address, as there are
    /// failures left before a lockout. Ask again at `at`; nothing was counted. Without this, guesses
    /// sent over many connections at once would all be checked before the first is counted.
    AskAgain {
        /// When to ask again.
        at: Instant,
    },
}

/// What will become of the check's result. Known before the check runs, and never changed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The check decides.
    CheckAndObey,
    /// Locked out: the check runs (or its time is passed in another way), and whatever it says
    /// counts as wrong. So the right password of a locked name looks like a wrong one.
    CheckAndReject,
}

/// An attempt to log in, to be settled once with [`Guard::settle`](crate::Guard::settle).
///
/// If it is dropped, it counts as failed when the connection makes its next attempt or is released:
/// leaving before the answer is not a way to guess for free.
#[derive(Debug)]
#[must_use = "settle it with Guard::settle"]
pub struct GuardedAttempt {
    pub(crate) serial: u64,
    pub(crate) started: Instant,
    pub(crate) earliest_reply: Instant,
    pub(crate) ruling: Ruling,
}

impl GuardedAttempt {
    /// What will become of the check's result. For adapters that would rather pass the time than
    /// run the check; [`Guard::settle`](crate::Guard::settle) knows it anyway.
    pub fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// No answer before this, right or wrong.
    pub fn earliest_reply(&self) -> Instant {
        self.earliest_reply
    }
}

/// What the application's check found, or what the guard tells the client instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckResult {
    /// Name and password are right.
    Success,
    /// They are not.
    Failure,
    /// Right so far, and more is asked for (in FTP an account). Counts as neither.
    Incomplete,
    /// The check could not be made. Counts as neither.
    Unavailable,
}

/// What to tell the client, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the client is told this, not what the check found"]
pub struct Answer {
    /// What to tell the client instead of what the check found.
    pub result: CheckResult,
    /// Not before this.
    pub not_before: Instant,
    /// The widest lockout that this attempt brought about: for the log.
    pub locked_out: Option<Scope>,
}

/// What failures are counted for.
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

/// What the guard has done since it was made. Counts only grow (and stop at the largest number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct GuardStatistics {
    /// Connections refused.
    pub refused: u64,
    /// Attempts ruled [`Ruling::CheckAndReject`].
    pub rejected: u64,
    /// Attempts that were right.
    pub successes: u64,
    /// Attempts that failed, including those ruled out and those abandoned.
    pub failures: u64,
    /// Lockouts begun, of any scope.
    pub lockouts: u64,
    /// Failures for which the tables had no room. They were counted in the sum of their set and
    /// delay what belongs there; if this grows, give the guard more entries.
    pub untracked: u64,
}
