//! The guard, with its calls in the order of a connection's life.

use alloc::boxed::Box;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::counters::Counters;
use crate::decision::Pending;
use crate::key::{AddressKeys, AttemptKeys, Keys};
use crate::known::KnownAddresses;
use crate::record::{Policy, Record, milliseconds};
use crate::table::{Failed, Table};
use crate::{
    Admission, Answer, AnswerFloor, AttemptDecision, Capacity, CheckResult, Connected, GuardConfig,
    GuardStatistics, GuardedAttempt, Instant, Ruling, Scope, Seed,
};

/// How many keys one connection can have in the counters: its address and network, its session, and
/// the name at the address, the address and the name of its attempt.
const COUNTED_KEYS: usize = 6;

/// A guard over all connections of a server. See [the crate](crate) for what it does and how to use
/// it.
pub struct Guard {
    pub(crate) config: GuardConfig,
    pub(crate) keys: Keys,
    latest: Instant,
    serial: u64,
    pub(crate) connections: u32,
    pub(crate) open: Counters,
    pub(crate) pairs: Table,
    pub(crate) addresses: Table,
    pub(crate) networks: Table,
    pub(crate) users: Table,
    pub(crate) all: Record,
    pub(crate) all_policy: Policy,
    pub(crate) known: KnownAddresses,
    statistics: GuardStatistics,
}

impl Guard {
    /// An empty guard. Allocates all memory that it will ever use.
    pub fn new(config: GuardConfig, seed: Seed) -> Self {
        let entries = config.entries / 4;
        let table = |rule| Table::new(Policy::new(rule), entries);
        Self {
            keys: Keys::new(&config, seed),
            latest: Instant::START,
            serial: 0,
            connections: 0,
            open: Counters::new((config.connections as usize).saturating_mul(COUNTED_KEYS)),
            pairs: table(&config.user_at_address),
            addresses: table(&config.address),
            networks: table(&config.network),
            users: table(&config.user),
            all: Record::default(),
            all_policy: Policy::new(&config.all),
            known: KnownAddresses::new(milliseconds(config.known_for), entries),
            statistics: GuardStatistics::default(),
            config,
        }
    }

    /// Decides whether a client that connected from `address` may stay, and when to greet it.
    ///
    /// A server that runs fewer sessions than [`GuardConfig::connections`] asks with
    /// [`accept_within`](Self::accept_within): otherwise unknown addresses can take all of them.
    pub fn accept(&mut self, now: Instant, address: IpAddr) -> Admission {
        self.accept_with(now, address, None)
    }

    /// As [`accept`](Self::accept), for a server that runs no more sessions than `capacity` says.
    pub fn accept_within(
        &mut self,
        now: Instant,
        address: IpAddr,
        capacity: Capacity,
    ) -> Admission {
        self.accept_with(now, address, Some(capacity))
    }

    fn accept_with(
        &mut self,
        now: Instant,
        address: IpAddr,
        capacity: Option<Capacity>,
    ) -> Admission {
        let time = self.advance(now);
        let peer = self.peer_keys(address);
        if let Err(why) = self.admit(peer, capacity, time) {
            count(&mut self.statistics.refused);
            return Admission::Refuse { why };
        }
        self.connections = self.connections.saturating_add(1);
        let connected = Connected {
            peer,
            session: None,
            pending: None,
        };
        match self.unknown_delay(peer, time) {
            Duration::ZERO => Admission::Admit(connected),
            delay => Admission::Delay {
                until: self.latest + delay,
                connected,
            },
        }
    }

    /// Call this before the password of `user` is checked for this connection.
    ///
    /// An earlier attempt of this connection that was not settled counts as failed.
    pub fn attempt(
        &mut self,
        now: Instant,
        connected: &mut Connected,
        user: &[u8],
    ) -> AttemptDecision {
        let time = self.advance(now);
        self.abandon(connected);
        let peer = connected.peer;
        let tried = self.keys.of_attempt(peer, user);
        let ruling = self.ruling(peer, tried, time);
        match ruling {
            Ruling::CheckAndReject => count(&mut self.statistics.rejected),
            Ruling::CheckAndObey if self.hold(peer, tried, time) => {}
            Ruling::CheckAndObey => {
                let pause = self
                    .config
                    .answer_floor
                    .step()
                    .max(Duration::from_millis(1));
                return AttemptDecision::AskAgain {
                    at: self.latest + pause,
                };
            }
        }
        self.serial = self.serial.wrapping_add(1);
        connected.pending = Some(Box::new(Pending {
            serial: self.serial,
            started: time,
            tried,
            ruling,
        }));
        let delay = self
            .attempt_delay(peer, tried, time)
            .max(self.config.answer_floor.floor());
        AttemptDecision::Check(GuardedAttempt {
            serial: self.serial,
            started: self.latest,
            earliest_reply: self.latest + delay,
            ruling,
        })
    }

    /// Call this when the check is done. Send the returned answer to the client, not before its
    /// time.
    ///
    /// For an attempt that is not the current one of this connection, the answer is
    /// [`CheckResult::Failure`] and nothing changes.
    pub fn settle(
        &mut self,
        now: Instant,
        connected: &mut Connected,
        attempt: GuardedAttempt,
        result: CheckResult,
    ) -> Answer {
        self.advance(now);
        let floor = attempt.earliest_reply - attempt.started;
        let floor = AnswerFloor::new(floor, self.config.answer_floor.step());
        let not_before = floor.reply_not_before(attempt.started, self.latest);
        let present = connected
            .pending
            .take_if(|pending| pending.serial == attempt.serial);
        let Some(pending) = present else {
            return Answer {
                result: CheckResult::Failure,
                not_before,
                locked_out: None,
            };
        };
        let (result, locked_out) = self.conclude(connected, &pending, result);
        Answer {
            result,
            not_before,
            locked_out,
        }
    }

    /// The user is logged out, but the connection stays (`REIN`, `USER` after login, `AUTH`).
    pub fn logged_out(&mut self, connected: &mut Connected) {
        if let Some(session) = connected.session.take() {
            self.open.remove(session);
        }
    }

    /// The connection ended. An attempt that was not settled counts as failed.
    pub fn release(&mut self, now: Instant, mut connected: Connected) {
        self.advance(now);
        self.abandon(&mut connected);
        self.logged_out(&mut connected);
        for key in self.open_keys(connected.peer) {
            self.open.remove(key);
        }
        self.connections = self.connections.saturating_sub(1);
    }

    /// Forgives the failures of an address and its network, and of a user if one is given. An
    /// operator can let a user in before a lockout ends.
    pub fn forgive(&mut self, now: Instant, address: IpAddr, user: Option<&[u8]>) {
        let time = self.advance(now);
        let peer = self.keys.of_address(address);
        self.addresses.clear(peer.address, time);
        self.networks.clear(peer.network, time);
        if let Some(user) = user {
            let tried = self.keys.of_attempt(peer, user);
            self.pairs.clear(tried.pair, time);
            self.users.clear(tried.user, time);
        }
    }

    /// How many connections are open: admitted and not released.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// Counts of what it did so far.
    pub fn statistics(&self) -> GuardStatistics {
        self.statistics
    }

    /// The size of its tables in memory. It never changes.
    pub fn bytes(&self) -> usize {
        [&self.pairs, &self.addresses, &self.networks, &self.users]
            .into_iter()
            .fold(self.open.bytes(), |sum, table| {
                sum.saturating_add(table.bytes())
            })
            .saturating_add(self.known.bytes())
            .saturating_add(size_of::<Self>())
    }

    fn peer_keys(&self, address: IpAddr) -> AddressKeys {
        let mut allowed = self.config.allowed.iter();
        AddressKeys {
            allowed: allowed.any(|network| network.contains(address)),
            ..self.keys.of_address(address)
        }
    }

    /// The time on the shared clock, in milliseconds. It never goes backwards.
    pub(crate) fn advance(&mut self, now: Instant) -> u64 {
        self.latest = self.latest.max(now);
        let shared = self
            .config
            .clock_start
            .saturating_add(self.latest.since_start());
        u64::try_from(shared.as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts an attempt that was never settled as a failure.
    fn abandon(&mut self, connected: &mut Connected) {
        if let Some(pending) = connected.pending.take() {
            self.conclude(connected, &pending, CheckResult::Failure);
        }
    }

    /// Counts the result. Returns what to tell the client, and the widest lockout that it started.
    fn conclude(
        &mut self,
        connected: &mut Connected,
        pending: &Pending,
        result: CheckResult,
    ) -> (CheckResult, Option<Scope>) {
        let (peer, tried, time) = (connected.peer, pending.tried, pending.started);
        if pending.ruling == Ruling::CheckAndObey {
            let held = self.held(peer, tried).map(|(_, _, held)| held);
            held.into_iter()
                .flatten()
                .for_each(|key| self.open.remove(key));
        }
        match (pending.ruling, result) {
            (_, CheckResult::Unavailable) => (CheckResult::Unavailable, None),
            (Ruling::CheckAndReject, _) => (CheckResult::Failure, self.fail(peer, None, time)),
            (Ruling::CheckAndObey, CheckResult::Failure) => {
                (CheckResult::Failure, self.fail(peer, Some(tried), time))
            }
            (Ruling::CheckAndObey, CheckResult::Incomplete) => (CheckResult::Incomplete, None),
            (Ruling::CheckAndObey, CheckResult::Success) => {
                count(&mut self.statistics.successes);
                self.pairs.clear(tried.pair, time);
                self.known.insert(peer.address, time);
                (self.open_session(connected, tried.user), None)
            }
        }
    }

    /// Logs the user in on this connection. A user logged in before is logged out.
    fn open_session(&mut self, connected: &mut Connected, user: u64) -> CheckResult {
        self.logged_out(connected);
        let session = self.keys.session(user);
        if self.open.get(session) >= self.config.sessions_per_user || !self.open.add(session) {
            return CheckResult::Unavailable;
        }
        connected.session = Some(session);
        CheckResult::Success
    }

    /// Counts a failure. It does not count for the name if the guard itself rejected the attempt:
    /// otherwise a program that repeats a right password would extend its own lockout for ever.
    fn fail(&mut self, peer: AddressKeys, tried: Option<AttemptKeys>, time: u64) -> Option<Scope> {
        count(&mut self.statistics.failures);
        self.all.add(&self.all_policy, time, 1);
        let named = tried.map(|tried| {
            [
                (Scope::UserAtAddress, self.pairs.fail(tried.pair, time)),
                (Scope::User, self.users.fail(tried.user, time)),
            ]
        });
        let placed = (!peer.allowed).then(|| {
            [
                (Scope::Address, self.addresses.fail(peer.address, time)),
                (Scope::Network, self.networks.fail(peer.network, time)),
            ]
        });
        let mut widest = None;
        for (scope, failed) in named.into_iter().chain(placed).flatten() {
            match failed {
                Failed::Counted => {}
                Failed::Untracked => count(&mut self.statistics.untracked),
                Failed::Locked => {
                    count(&mut self.statistics.lockouts);
                    widest = widest.max(Some(scope));
                }
            }
        }
        widest
    }
}

impl fmt::Debug for Guard {
    /// Without the tables: they are large, and hold only hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("config", &self.config)
            .field("latest", &self.latest)
            .field("connections", &self.connections)
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
