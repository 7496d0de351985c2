//! The configuration of the guard, with its defaults.

use alloc::vec::Vec;
use core::time::Duration;

use crate::answer_time::AnswerFloor;
use crate::network::Network;

/// When failures of one kind slow an attempt down, and when they lock out.
///
/// ```
/// use core::time::Duration;
/// use ftp_guard::{Lockout, Rule};
///
/// // Ten failures within an hour: locked for 5 minutes, then 10, 20, … up to a day.
/// let strict = Rule::within(Duration::from_secs(3600)).lockout(Lockout::after(10));
/// assert_eq!(strict.delay_after, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// For how long a failure counts: at least this long, and at most a seventh longer, since the
    /// window is counted in eight slots.
    pub window: Duration,
    /// From this many failures in the window on, answers wait:
    /// [`GuardConfig::delays`]. `None`: never.
    pub delay_after: Option<u32>,
    /// When it locks out. `None`: never.
    pub lockout: Option<Lockout>,
}

impl Rule {
    /// Counts failures for this long, and does nothing about them yet.
    pub const fn within(window: Duration) -> Self {
        Self {
            window,
            delay_after: None,
            lockout: None,
        }
    }

    /// Answers wait from this many failures on.
    #[must_use]
    pub const fn delay_after(mut self, failures: u32) -> Self {
        self.delay_after = Some(failures);
        self
    }

    /// Locks out.
    #[must_use]
    pub const fn lockout(mut self, lockout: Lockout) -> Self {
        self.lockout = Some(lockout);
        self
    }
}

/// A lockout: how many failures lead to it, how it grows, and how it is forgiven.
///
/// The first lasts [`first`](Self::first), each repetition twice as long as the one before, up to
/// [`longest`](Self::longest). The failures that led to it stay in the window, so after a lockout
/// a single further failure within the window is the next repetition. One repetition is forgiven
/// for each [`forgiven_every`](Self::forgiven_every) that passes after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lockout {
    /// Failures in the window that lock out. At least 1.
    pub after: u32,
    /// The length of the first. Default 5 minutes.
    pub first: Duration,
    /// The bound of its growth. Default one day.
    pub longest: Duration,
    /// How long it takes to forgive one repetition. Default one hour.
    pub forgiven_every: Duration,
}

impl Lockout {
    /// After this many failures; lengths as documented at the fields.
    pub const fn after(failures: u32) -> Self {
        Self {
            after: failures,
            first: Duration::from_secs(5 * 60),
            longest: Duration::from_secs(24 * 3600),
            forgiven_every: Duration::from_secs(3600),
        }
    }

    /// How long the first and the longest last. A longest below the first counts as the first.
    #[must_use]
    pub const fn lasting(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// How long it takes to forgive one repetition.
    #[must_use]
    pub const fn forgiven_every(mut self, duration: Duration) -> Self {
        self.forgiven_every = duration;
        self
    }
}

/// Everything a [`Guard`](crate::Guard) needs to know. The table of defaults, with reasons, is in
/// [the documentation of the crate](crate).
#[derive(Debug, Clone)]
pub struct GuardConfig {
    pub(crate) connections: u32,
    pub(crate) connections_per_address: u32,
    pub(crate) connections_per_network: u32,
    pub(crate) reserved: u32,
    pub(crate) unknown_share: bool,
    pub(crate) sessions_per_user: u32,
    pub(crate) user_at_address: Rule,
    pub(crate) address: Rule,
    pub(crate) network: Rule,
    pub(crate) user: Rule,
    pub(crate) all: Rule,
    pub(crate) first_delay: Duration,
    pub(crate) longest_delay: Duration,
    pub(crate) answer_floor: AnswerFloor,
    pub(crate) known_for: Duration,
    pub(crate) entries: usize,
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv4_network_prefix: u8,
    pub(crate) ipv6_prefix: u8,
    pub(crate) ipv6_network_prefix: u8,
    pub(crate) clock_start: Duration,
    pub(crate) allowed: Vec<Network>,
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(60))
}

impl Default for GuardConfig {
    fn default() -> Self {
        let quarter = minutes(15);
        Self {
            connections: 16_384,
            connections_per_address: 64,
            connections_per_network: 512,
            reserved: 2_048,
            unknown_share: true,
            sessions_per_user: 256,
            user_at_address: Rule::within(quarter)
                .lockout(Lockout::after(5).lasting(minutes(1), minutes(60))),
            address: Rule::within(quarter)
                .delay_after(5)
                .lockout(Lockout::after(20)),
            network: Rule::within(quarter)
                .delay_after(40)
                .lockout(Lockout::after(100).lasting(minutes(5), minutes(4 * 60))),
            user: Rule::within(minutes(60)).delay_after(25),
            all: Rule::within(minutes(1)).delay_after(600),
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(8),
            answer_floor: AnswerFloor::default(),
            known_for: minutes(14 * 24 * 60),
            entries: 65_536,
            ipv4_prefix: 32,
            ipv4_network_prefix: 24,
            ipv6_prefix: 64,
            ipv6_network_prefix: 48,
            clock_start: Duration::ZERO,
            allowed: Vec::new(),
        }
    }
}

impl GuardConfig {
    /// The most connections that a guard can be told to count.
    pub const MOST_CONNECTIONS: u32 = 1 << 20;
    /// The most entries that a guard can be told to keep.
    pub const MOST_ENTRIES: usize = 1 << 24;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connections open at once, in all. 1 to [`MOST_CONNECTIONS`](Self::MOST_CONNECTIONS). An
    /// eighth of them, rounded up, is kept for known addresses: see
    /// [`reserved_for_known`](Self::reserved_for_known), which this sets.
    ///
    /// A server that runs fewer sessions says so when it asks
    /// ([`Guard::accept_within`](crate::Guard::accept_within)). The servers of the adapters do:
    /// what `max_sessions` says there need not be repeated here.
    #[must_use]
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most.clamp(1, Self::MOST_CONNECTIONS);
        let eighth = self.connections.div_ceil(8);
        self.reserved_for_known(eighth)
    }

    /// How many of all connections are given to known addresses only, so that a flood of idle
    /// connections from unknown ones leaves room for regular users. At most all but one. If a
    /// server runs fewer sessions than there may be connections, the same share of its sessions is
    /// kept, rounded up. Nothing is kept where [no address can be known](Self::known_for).
    #[must_use]
    pub fn reserved_for_known(mut self, connections: u32) -> Self {
        self.reserved = connections.min(self.connections.saturating_sub(1));
        self
    }

    /// Whether unknown addresses share what is left of the connections: one address holds at most an
    /// eighth of what is left for unknown ones, and one network at most twice what is left. Default
    /// true. Turn it off where all clients come from one address, for example from a balancer that
    /// does not pass on their addresses.
    #[must_use]
    pub fn unknown_share(mut self, on: bool) -> Self {
        self.unknown_share = on;
        self
    }

    /// Connections open at once from one address. At least 1.
    #[must_use]
    pub fn connections_per_address(mut self, most: u32) -> Self {
        self.connections_per_address = most.max(1);
        self
    }

    /// Connections open at once from one network. At least 1.
    #[must_use]
    pub fn connections_per_network(mut self, most: u32) -> Self {
        self.connections_per_network = most.max(1);
        self
    }

    /// Sessions (connections that are logged in) of one user at once. At least 1.
    #[must_use]
    pub fn sessions_per_user(mut self, most: u32) -> Self {
        self.sessions_per_user = most.max(1);
        self
    }

    /// Failures of one user name from one address: the lockout that protects a password from
    /// guessing, and does not let others lock its owner out. `delay_after` has no effect here: a
    /// delay by name would show in the time of the answer.
    #[must_use]
    pub fn user_at_address(mut self, rule: Rule) -> Self {
        self.user_at_address = rule;
        self
    }

    /// Failures from one address, whatever the names.
    #[must_use]
    pub fn address(mut self, rule: Rule) -> Self {
        self.address = rule;
        self
    }

    /// Failures from one network. Its delay and lockout spare known addresses.
    #[must_use]
    pub fn network(mut self, rule: Rule) -> Self {
        self.network = rule;
        self
    }

    /// Failures of one user name, from any address. The delay spares known addresses. A lockout
    /// here is the *global lock*: it stops an attacker with many addresses for good, and lets
    /// anyone who knows the name lock its owner out. Default: none.
    #[must_use]
    pub fn user(mut self, rule: Rule) -> Self {
        self.user = rule;
        self
    }

    /// All failures. The delay spares known addresses. A lockout would let an attacker shut
    /// everybody out, so `lockout` has no effect here.
    #[must_use]
    pub fn all(mut self, rule: Rule) -> Self {
        self.all = rule;
        self
    }

    /// The delay at the failure that a rule's `delay_after` names, and the bound up to which it
    /// doubles with each further one.
    #[must_use]
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest.max(first);
        self
    }

    /// The floor under every answer.
    #[must_use]
    pub fn answer_floor(mut self, floor: AnswerFloor) -> Self {
        self.answer_floor = floor;
        self
    }

    /// These addresses are never locked out, and never wait, for failures of theirs or of their
    /// networks. For an office behind one address, where one person's mistakes would shut all others
    /// out, and for balancers and monitors. Each call adds some. They count as known.
    ///
    /// Their failures count for the user, and for the user at the address, which is locked out as
    /// anywhere else. So a password is no easier to guess from there. Failures with many names from
    /// there slow nobody down, except through [`all`](Self::all). The bounds for connections hold.
    #[must_use]
    pub fn allow(mut self, addresses: Network) -> Self {
        self.allowed.push(addresses);
        self
    }

    /// How long an address counts as known after a login from it succeeded. Zero: no address
    /// becomes known by a login.
    #[must_use]
    pub fn known_for(mut self, duration: Duration) -> Self {
        self.known_for = duration;
        self
    }

    /// Entries in all tables together, 64 to [`MOST_ENTRIES`](Self::MOST_ENTRIES), rounded up to a
    /// power of two. A quarter each for addresses, networks, users, and users at an address; as
    /// many again as one of these for known addresses. See [`Guard::bytes`](crate::Guard::bytes).
    #[must_use]
    pub fn entries(mut self, entries: usize) -> Self {
        self.entries = entries.clamp(64, Self::MOST_ENTRIES);
        self
    }

    /// How many leading bits of an IPv4 address make one address, and one network. Above 32 counts
    /// as 32; the network is never longer than the address.
    #[must_use]
    pub fn ipv4_prefixes(mut self, address: u8, network: u8) -> Self {
        self.ipv4_prefix = address.min(32);
        self.ipv4_network_prefix = network.min(self.ipv4_prefix);
        self
    }

    /// How many leading bits of an IPv6 address make one address, and one network. Above 128
    /// counts as 128; the network is never longer than the address.
    #[must_use]
    pub fn ipv6_prefixes(mut self, address: u8, network: u8) -> Self {
        self.ipv6_prefix = address.min(128);
        self.ipv6_network_prefix = network.min(self.ipv6_prefix);
        self
    }

    /// What [`connections`](Self::connections) says.
    pub fn configured_connections(&self) -> u32 {
        self.connections
    }

    /// What [`connections_per_address`](Self::connections_per_address) says.
    pub fn configured_connections_per_address(&self) -> u32 {
        self.connections_per_address
    }

    /// What [`connections_per_network`](Self::connections_per_network) says.
    pub fn configured_connections_per_network(&self) -> u32 {
        self.connections_per_network
    }

    /// What [`sessions_per_user`](Self::sessions_per_user) says.
    pub fn configured_sessions_per_user(&self) -> u32 {
        self.sessions_per_user
    }

    /// The rule for a [user at an address](Self::user_at_address), to change a part of it.
    pub fn configured_user_at_address(&self) -> Rule {
        self.user_at_address
    }

    /// The rule for an [address](Self::address), to change a part of it.
    pub fn configured_address(&self) -> Rule {
        self.address
    }

    /// The rule for a [network](Self::network), to change a part of it.
    pub fn configured_network(&self) -> Rule {
        self.network
    }

    /// The rule for a [user](Self::user), to change a part of it.
    pub fn configured_user(&self) -> Rule {
        self.user
    }

    /// The [floor under every answer](Self::answer_floor).
    pub fn configured_answer_floor(&self) -> AnswerFloor {
        self.answer_floor
    }

    /// What the shared clock shows at [`Instant::START`](crate::Instant::START) of this guard's
    /// clock: for example the time since the Unix epoch when the process started.
    ///
    /// Needed only for [snapshots](crate::Guard::snapshot): an instant means nothing in another
    /// process, so times in a snapshot count from a moment that all processes agree on.
    #[must_use]
    pub fn clock_start(mut self, since_shared_epoch: Duration) -> Self {
        self.clock_start = since_shared_epoch;
        self
    }
}
