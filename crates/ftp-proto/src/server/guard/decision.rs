//! What the guard answers, and the values that it wants back.

use crate::Instant;
use crate::wire::Reply;

use super::key::{Place, Target};

/// The answer to a new connection.
#[derive(Debug)]
#[must_use = "an admitted connection must be released when it ends"]
pub enum Admission {
    /// Greet it.
    Admit(Connected),
    /// Greet it, but not before `until`: strangers wait while its network, or the whole server,
    /// sees too many failures. It counts as open from now on.
    Delay {
        /// When to send the greeting.
        until: Instant,
        /// The connection.
        connected: Connected,
    },
    /// Send this reply, a 421, and close. Nothing is to be given back.
    Refuse {
        /// The reply. The same whatever the reason.
        reply: Reply,
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
    pub(super) open: u32,
    pub(super) most: u32,
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
    /// Too many connections in all, or all that strangers get, or this address or network would
    /// have more than its share of what is left for strangers.
    TooManyInAll,
    /// Too many connections from this address.
    TooManyFromAddress,
    /// Too many connections from this network.
    TooManyFromNetwork,
    /// Too many failures from this address.
    AddressLockedOut,
    /// Too many failures from this network, and no recent success from this address.
    NetworkLockedOut,
}

/// An open connection, as the guard knows it. Give it back with
/// [`Guard::release`](super::Guard::release) when the connection ends.
///
/// Dropping it cannot reach the guard: the connection would count as open for as long as the guard
/// lives, and its last attempt as undecided. An adapter therefore keeps it in a value that owns a
/// handle to the guard and releases on drop, so that a cancelled task releases too.
#[derive(Debug)]
#[must_use = "give it back with Guard::release when the connection ends"]
pub struct Connected {
    pub(super) place: Place,
    pub(super) session: Option<u64>,
    pub(super) pending: Option<Pending>,
}

/// An attempt under way, as its connection remembers it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) serial: u64,
    /// When it started, on the shared clock. Its outcome counts from then: if it counted from the
    /// end of the check, the end of a lockout would tell how long the check took.
    pub(super) started: u64,
    pub(super) target: Target,
    pub(super) ruling: Ruling,
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

/// What will become of the check's outcome. Known before the check runs, and never changed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The check decides.
    CheckAndObey,
    /// Locked out: the check runs (or its time is passed in another way), and whatever it says
    /// counts as wrong. So the right password of a locked name looks like a wrong one.
    CheckAndReject,
}

/// An attempt to log in, to be settled once with [`Guard::settle`](super::Guard::settle).
///
/// If it is dropped, it counts as failed when the connection makes its next attempt or is released:
/// leaving before the answer is not a way to guess for free.
#[derive(Debug)]
#[must_use = "settle it with Guard::settle"]
pub struct GuardedAttempt {
    pub(super) serial: u64,
    pub(super) started: Instant,
    pub(super) earliest_reply: Instant,
    pub(super) ruling: Ruling,
}

impl GuardedAttempt {
    /// What will become of the check's outcome. For adapters that would rather pass the time than
    /// run the check; [`Guard::settle`](super::Guard::settle) knows it anyway.
    pub fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// No answer before this, right or wrong.
    pub fn earliest_reply(&self) -> Instant {
        self.earliest_reply
    }
}

/// What the application's check found, and what the guard makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Name and password are right: 230.
    Success,
    /// They are not: 530.
    Failure,
    /// Right so far, an account is needed: 332. Counts as neither.
    NeedsAccount,
    /// The check could not be made: 421. Counts as neither.
    Unavailable,
}

/// What to tell the client, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "this, not the check's outcome, is what the client is told"]
pub struct Answer {
    /// What to tell the client in place of the check's outcome.
    pub outcome: Outcome,
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
    /// A user name, wherever it is tried from.
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
    /// Attempts that failed, those ruled out and those abandoned included.
    pub failures: u64,
    /// Lockouts begun, of any scope.
    pub lockouts: u64,
    /// Failures for which the tables had no room. They were counted in the sum of their set and
    /// delay what belongs there; if this grows, the guard deserves more entries.
    pub untracked: u64,
}
