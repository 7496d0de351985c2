//! The configuration of the guard, with its defaults.

use alloc::vec::Vec;
use core::time::Duration;

use crate::answer_time::AnswerFloor;
use crate::network::Network;

/// After how many failures of one kind answers wait, and after how many a lockout begins.
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
    /// How long a failure counts: at least this long, and at most a seventh longer, since the
    /// window has eight slots.
    pub window: Duration,
    /// Answers wait from this many failures in the window on, as long as [`GuardConfig::delays`]
    /// says. `None`: never.
    pub delay_after: Option<u32>,
    /// After how many failures it locks out, and for how long. `None`: never.
    pub lockout: Option<Lockout>,
}

impl Rule {
    /// Counts failures for this long. It neither delays nor locks out.
    pub const fn within(window: Duration) -> Self {
        Self {
            window,
            delay_after: None,
            lockout: None,
        }
    }

    /// Delays answers from this many failures on.
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

/// A lockout: how many failures start it, how it grows, and when it is forgiven.
///
/// The first lasts [`first`](Self::first), each repetition twice as long as the one before, up to
/// [`longest`](Self::longest). The failures that led to it stay in the window, so after a lockout
/// a single further failure within the window is the next repetition. One repetition is forgiven
/// for each [`forgiven_every`](Self::forgiven_every) that passes after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lockout {
    /// How many failures in the window start it. At least 1.
    pub after: u32,
    /// The length of the first. Default 5 minutes.
    pub first: Duration,
    /// The longest length. Default one day.
    pub longest: Duration,
    /// How long it takes to forgive one repetition. Default one hour.
    pub forgiven_every: Duration,
}

impl Lockout {
    /// Locks out after this many failures, with the default lengths.
    pub const fn after(failures: u32) -> Self {
        Self {
            after: failures,
            first: Duration::from_secs(5 * 60),
            longest: Duration::from_secs(24 * 3600),
            forgiven_every: Duration::from_secs(3600),
        }
    }

    /// The lengths of the first and the longest lockout. A longest below the first counts as the
    /// first.
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

/// The configuration of a [`Guard`](crate::Guard). The defaults, with their reasons, are in [the
/// documentation of the crate](crate).
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
    /// The most connections that can be configured.
    pub const MOST_CONNECTIONS: u32 = 1 << 20;
    /// The most entries that can be configured.
    pub const MOST_ENTRIES: usize = 1 << 24;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections may be open in all. 1 to [`MOST_CONNECTIONS`](Self::MOST_CONNECTIONS).
    /// An eighth of them, rounded up, is reserved for known addresses: see
    /// [`reserved_for_known`](Self::reserved_for_known), which this sets.
    ///
    /// A server that runs fewer sessions passes its own number
    /// ([`Guard::accept_within`](crate::Guard::accept_within)). The adapters' servers pass their
    /// `max_sessions`, so you need not repeat it here.
    #[must_use]
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most.clamp(1, Self::MOST_CONNECTIONS);
        let eighth = self.connections.div_ceil(8);
        self.reserved_for_known(eighth)
    }

    /// How many of all connections are for known addresses only, so that a flood of idle
    /// connections from unknown ones leaves room for regular users. At most all but one. If a
    /// server runs fewer sessions than this guard allows connections, the same share of its
    /// sessions is reserved, rounded up. Nothing is reserved if [no address can become
    /// known](Self::known_for).
    #[must_use]
    pub fn reserved_for_known(mut self, connections: u32) -> Self {
        self.reserved = connections.min(self.connections.saturating_sub(1));
        self
    }

    /// Whether unknown addresses must share the free connections: one address has at most an eighth
    /// of the free ones for unknown addresses, and one network at most twice their number. Default
    /// true. Turn it off if all clients have one address, for example that of a balancer that does
    /// not pass on their addresses.
    #[must_use]
    pub fn unknown_share(mut self, on: bool) -> Self {
        self.unknown_share = on;
        self
    }

    /// How many connections one address may have open. At least 1.
    #[must_use]
    pub fn connections_per_address(mut self, most: u32) -> Self {
        self.connections_per_address = most.max(1);
        self
    }

    /// How many connections one network may have open. At least 1.
    #[must_use]
    pub fn connections_per_network(mut self, most: u32) -> Self {
        self.connections_per_network = most.max(1);
        self
    }

    /// How many sessions (connections that are logged in) one user may have. At least 1.
    #[must_use]
    pub fn sessions_per_user(mut self, most: u32) -> Self {
        self.sessions_per_user = most.max(1);
        self
    }

    /// The rule for one user name at one address. Its lockout protects the password from guessing,
    /// and others cannot lock out the owner. `delay_after` has no effect here: the answer's time
    /// would show something about the name.
    #[must_use]
    pub fn user_at_address(mut self, rule: Rule) -> Self {
        self.user_at_address = rule;
        self
    }

    /// The rule for one address, with any names.
    #[must_use]
    pub fn address(mut self, rule: Rule) -> Self {
        self.address = rule;
        self
    }

    /// The rule for one network. Its delay and lockout do not apply to known addresses.
    #[must_use]
    pub fn network(mut self, rule: Rule) -> Self {
        self.network = rule;
        self
    }

    /// The rule for one user name, from any address. The delay does not apply to known addresses. A
    /// lockout here is the *global lock*: it stops an attacker with many addresses, but anyone who
    /// knows the name can lock out its owner. Default: no lockout.
    #[must_use]
    pub fn user(mut self, rule: Rule) -> Self {
        self.user = rule;
        self
    }

    /// The rule for all failures together. The delay does not apply to known addresses. `lockout`
    /// has no effect here: with it an attacker could lock out everyone.
    #[must_use]
    pub fn all(mut self, rule: Rule) -> Self {
        self.all = rule;
        self
    }

    /// The delay at the failure number `delay_after`, and the longest delay. The delay doubles with
    /// each failure.
    #[must_use]
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest.max(first);
        self
    }

    /// The least time of every answer.
    #[must_use]
    pub fn answer_floor(mut self, floor: AnswerFloor) -> Self {
        self.answer_floor = floor;
        self
    }

    /// These addresses are never locked out and never wait for failures of their own or of their
    /// networks. Use it for an office behind one address, where one person's mistakes would lock
    /// out all others, and for balancers and monitors. Each call adds one. They count as known.
    ///
    /// Their failures still count for the user, and for the user at the address, which can be
    /// locked out as anywhere else. So a password is no easier to guess from there. Failures with
    /// many names from there delay others only through [`all`](Self::all). The limits for
    /// connections still apply.
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

    /// How many entries all tables have together, 64 to [`MOST_ENTRIES`](Self::MOST_ENTRIES),
    /// rounded up to a power of two. Addresses, networks, users, and users at an address get a
    /// quarter each. The table of known addresses has as many entries as one of these, in addition.
    /// See [`Guard::bytes`](crate::Guard::bytes).
    #[must_use]
    pub fn entries(mut self, entries: usize) -> Self {
        self.entries = entries.clamp(64, Self::MOST_ENTRIES);
        self
    }

    /// How many leading bits of an IPv4 address identify an address and a network. More than 32
    /// counts as 32; the network's prefix is never longer than the address's.
    #[must_use]
    pub fn ipv4_prefixes(mut self, address: u8, network: u8) -> Self {
        self.ipv4_prefix = address.min(32);
        self.ipv4_network_prefix = network.min(self.ipv4_prefix);
        self
    }

    /// How many leading bits of an IPv6 address identify an address and a network. More than 128
    /// counts as 128; the network's prefix is never longer than the address's.
    #[must_use]
    pub fn ipv6_prefixes(mut self, address: u8, network: u8) -> Self {
        self.ipv6_prefix = address.min(128);
        self.ipv6_network_prefix = network.min(self.ipv6_prefix);
        self
    }

    /// The value of [`connections`](Self::connections).
    pub fn configured_connections(&self) -> u32 {
        self.connections
    }

    /// The value of [`connections_per_address`](Self::connections_per_address).
    pub fn configured_connections_per_address(&self) -> u32 {
        self.connections_per_address
    }

    /// The value of [`connections_per_network`](Self::connections_per_network).
    pub fn configured_connections_per_network(&self) -> u32 {
        self.connections_per_network
    }

    /// The value of [`sessions_per_user`](Self::sessions_per_user).
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

    /// The value of [`answer_floor`](Self::answer_floor).
    pub fn configured_answer_floor(&self) -> AnswerFloor {
        self.answer_floor
    }

    /// The time of the shared clock at [`Instant::START`](crate::Instant::START): for example the
    /// time since the Unix epoch when the process started.
    ///
    /// Needed only for [snapshots](crate::Guard::snapshot). An instant has no meaning in another
    /// process, so times in a snapshot count from a moment that all processes share.
    #[must_use]
    pub fn clock_start(mut self, since_shared_epoch: Duration) -> Self {
        self.clock_start = since_shared_epoch;
        self
    }
}
