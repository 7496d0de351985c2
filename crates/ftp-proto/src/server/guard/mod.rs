//! The guard across connections: who may connect, who may try a password, and when they hear.
//!
//! One connection can count its own failures; a guesser opens another. The guard sees all of them.
//! It is a value like the machines: no I/O, no clock, no random numbers of its own. One guard
//! serves one process (behind a mutex: a whole attempt takes about a microsecond of its time), and
//! several processes share what they know by [snapshots](Guard::snapshot).
//!
//! What does not live here: the failures and delays of one connection
//! ([`Config::max_attempts`](super::Config::max_attempts),
//! [`Config::failure_delay`](super::Config::failure_delay)), and the check itself.
//!
//! # From connecting to leaving
//!
//! ```
//! use core::time::Duration;
//! use ftp_proto::server::{
//!     Admission, AttemptDecision, Guard, GuardConfig, Outcome, Ruling, Seed,
//! };
//! use ftp_proto::{Instant, Username};
//!
//! // 16 bytes from the system's random generator; here from a book.
//! let mut guard = Guard::new(GuardConfig::new(), Seed::new(*b"now is the time "));
//! let at = |seconds| Instant::from_start(Duration::from_secs(seconds));
//! let alice = Username::new("alice")?;
//!
//! // 1. A connection was accepted. Admit it, delay its greeting, or send a 421.
//! let Admission::Admit(mut connected) = guard.accept(at(0), [192, 0, 2, 1].into()) else {
//!     panic!("nobody did anything wrong yet");
//! };
//!
//! // 2. An `Event::Authenticate`: ask before the check runs, settle when it is done.
//! for guess in 0..5 {
//!     let AttemptDecision::Check(attempt) = guard.attempt(at(guess), &mut connected, &alice) else {
//!         panic!("no other attempt is under way");
//!     };
//!     let checked = Outcome::Failure; // the password store says so
//!     let answer = guard.settle(at(guess), &mut connected, attempt, checked);
//!     assert_eq!(answer.outcome, Outcome::Failure);
//!     assert!(answer.not_before > at(guess)); // wait until then, and only then reply
//! }
//!
//! // Five failures: alice is locked out, from this address. The check runs all the same, and even
//! // the right password is answered like a wrong one.
//! let AttemptDecision::Check(attempt) = guard.attempt(at(9), &mut connected, &alice) else {
//!     panic!("no other attempt is under way");
//! };
//! assert_eq!(attempt.ruling(), Ruling::CheckAndReject);
//! let answer = guard.settle(at(9), &mut connected, attempt, Outcome::Success);
//! assert_eq!(answer.outcome, Outcome::Failure);
//!
//! // 3. The connection ended.
//! guard.release(at(10), connected);
//! assert_eq!(guard.connections(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! What `settle` returns maps onto the verdicts: [`Outcome::Success`] to
//! [`Attempt::accept`](super::Attempt::accept), [`Outcome::Failure`] to
//! [`reject`](super::Attempt::reject), [`Outcome::NeedsAccount`] to
//! [`need_account`](super::Attempt::need_account), [`Outcome::Unavailable`] to
//! [`unavailable`](super::Attempt::unavailable). A caller needs to know no policy.
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | connections in all | 16,384, and no more than the server runs sessions | 3 KiB each is 48 MiB: a small machine survives it |
//! | of these for familiar addresses only | an eighth | a flood of idle strangers leaves the regulars room |
//! | from a stranger's address | an eighth of what is left for strangers | see below |
//! | from a network, for strangers | twice what is left for strangers | see below |
//! | connections from one address | 64 | an office behind one address, ten transfers each |
//! | connections from one network | 512 | eight such offices |
//! | sessions of one user | 256 | a build farm that shares a name |
//! | user at an address | 5 failures in 15 min lock 1 min, doubling to 1 h | a person mistypes twice or thrice; 5 then 1 guesses an hour find nothing |
//! | address | from 5 failures in 15 min on answers wait; 20 lock 5 min, doubling to 24 h | more people than one may share an address, but not so many that err |
//! | network | from 40 failures in 15 min on strangers wait; 100 lock strangers out 5 min, doubling to 4 h | spraying from a network's addresses counts against the network |
//! | user, from wherever | from 25 failures in an hour on strangers wait; no lockout | slows a guesser with many addresses; see below |
//! | all | from 600 failures a minute on strangers wait | a spray from everywhere at many names |
//! | forgiveness | one repetition an hour | the fifth lockout of the week is not the fifth of the hour |
//! | waiting | 0.5 s, doubling to 8 s | well within the 60 s that a login may take |
//! | answer floor | 0.5 s, steps of 0.25 s | above what a password hash takes |
//! | familiar | 14 days after a success | who works daily stays familiar over a holiday |
//! | address | /32 and /64; networks /24 and /48 | what one customer is given, and what one site is |
//! | entries | 65,536 | 48 bytes each; 5.6 MiB with all else: see below |
//!
//! IPv6 addresses that carry an IPv4 one count as that one: mapped (`::ffff:192.0.2.1`), and
//! translated by NAT64 (`64:ff9b::192.0.2.1`), which would all be one address otherwise.
//!
//! # Who can keep whom out
//!
//! Connections that do nothing are as good as a lockout, if they are all there are. An eighth of them
//! is therefore kept for familiar addresses. Of the rest, a stranger's address gets one more only
//! while it has fewer than an eighth of what is left, and only while its network has fewer than twice
//! what is left. So few addresses cannot take the last ones: fifteen that hold all they can leave
//! about a sixth to newcomers, and one network, with however many addresses, leaves a third
//! ([`GuardConfig::strangers_share`]). The bounds for one address and one network hold besides, for
//! familiar addresses too.
//!
//! # Who can lock out whom
//!
//! A lockout by name alone is a gift to vandals: who knows a name can lock its owner out from
//! everywhere with a few wrong passwords. So by default the lockout is of *the name at an address*,
//! and the owner, who comes from elsewhere, does not notice. The price: a guesser with a thousand
//! addresses has a thousand times five guesses. Three things stand against him. The failures of a
//! name from everywhere are counted too, and once they are many, answers to *strangers*, that is to
//! addresses without a recent success, wait: that costs the owner nothing at home and some seconds
//! in a hotel. His addresses are locked out for their failures with any name. And so are their
//! networks, which spares addresses that are familiar, but not their neighbours: in a network that
//! is under lockout a stranger has to wait for its end.
//!
//! To stop such a guesser for good, at the price of the vandal, give [`GuardConfig::user`] a
//! lockout. It then holds everywhere, also at home.
//!
//! Many people behind one address share its failures: one program with an old password shuts the
//! whole office out. Name such an address ([`GuardConfig::allow`]): it is not locked out for its
//! failures, but each name at it still is for the name's.
//!
//! "Familiar" belongs to the address alone, not to the name, so that waiting tells nothing about
//! names. Hence who has an account of his own is a stranger nowhere he logged in; he is still held
//! by the lockouts of name and address. Success forgives the failures of *that name at that
//! address*, never those of the address: else a guesser would log in as himself now and then.
//!
//! # What a peer can learn
//!
//! Nothing about names. The guard is never told which exist, so unknown ones count like known ones,
//! and it says 421 only for addresses. The ruling is made before the check and the answer's time
//! does not depend on its outcome: it follows from the failures of the address, its network, and
//! all. Nor does the end of a lockout depend on how long checks took: failures count from when an
//! attempt started. One thing can be seen: a stranger can tell from the wait whether a *name* is
//! under attack from elsewhere, known or not; with [`delay_after`](Rule::delay_after) unset for
//! users he cannot.
//!
//! # Memory, and being forgotten
//!
//! All tables are allocated once and never grow: [`Guard::bytes`] says how much, and a call's work
//! does not depend on how full they are. Only keyed hashes of names and addresses are kept, so an
//! entry's size does not depend on what a peer sends. Names are hashed as the bytes they are:
//! `Alice` and `alice` are two names here. If your user store folds case, fold it before you ask,
//! else each spelling has guesses of its own.
//!
//! An entry gives up its place only when nothing in it can matter any more: no failure in the
//! window, no lockout, no repetition unforgiven. So spraying names or addresses never makes the
//! guard forget anyone. When there is no place for a new failure it is counted in the sum of those
//! places, and whatever would have belonged there, unless it is familiar, waits the longest delay:
//! a full guard gets slower for strangers, not blind. Successes live in a table of their own, which
//! only right passwords can write to.

mod answer_time;
mod config;
mod counters;
mod decision;
mod familiar;
mod key;
mod network;
mod record;
mod rules;
mod snapshot;
mod table;

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::wire::{Code, Reply};
use crate::{Instant, Username};

pub use answer_time::AnswerFloor;
pub use config::{GuardConfig, Lockout, Rule};
pub use decision::{
    Admission, Answer, AttemptDecision, Capacity, Connected, GuardStatistics, GuardedAttempt,
    Outcome, RefusedWhy, Ruling, Scope,
};
pub use key::Seed;
pub use network::{Network, NetworkError};
pub use snapshot::{Merged, SnapshotError};

use counters::Counters;
use decision::Pending;
use familiar::Familiar;
use key::{Keys, Place, Target};
use record::{Policy, Record, milliseconds};
use table::{Failed, Table};

/// Keys that one connection can have in the counters: its address and network, its session, and
/// the name at the address, the address and the name of its attempt.
const COUNTED_KEYS: usize = 6;

/// What a refused connection is told: the same whatever the reason.
const REFUSAL: &[u8] = b"421 Service not available: too many connections or failed logins, \
    try again later.\r\n";

/// The guard across connections. See [the module](self) for what it does and how it is used.
pub struct Guard {
    config: GuardConfig,
    keys: Keys,
    latest: Instant,
    serial: u64,
    connections: u32,
    open: Counters,
    pairs: Table,
    addresses: Table,
    networks: Table,
    users: Table,
    all: Record,
    all_policy: Policy,
    familiar: Familiar,
    statistics: GuardStatistics,
}

impl Guard {
    /// A guard that knows nobody yet. Allocates all that it will ever use.
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
            familiar: Familiar::new(milliseconds(config.familiar_for), entries),
            statistics: GuardStatistics::default(),
            config,
        }
    }

    /// Someone connected from `address`. Decides whether it may stay, and when to greet it.
    ///
    /// A server that runs fewer sessions than [`GuardConfig::connections`] asks with
    /// [`accept_within`](Self::accept_within): otherwise strangers can take all that it runs.
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
        let place = self.place(address);
        if let Err(why) = self.admit(place, capacity, time) {
            count(&mut self.statistics.refused);
            let reply = Reply::from_static(Code::SERVICE_UNAVAILABLE, REFUSAL);
            return Admission::Refuse { reply, why };
        }
        self.connections = self.connections.saturating_add(1);
        let connected = Connected {
            place,
            session: None,
            pending: None,
        };
        match self.stranger_delay(place, time) {
            Duration::ZERO => Admission::Admit(connected),
            delay => Admission::Delay {
                until: later(self.latest, delay),
                connected,
            },
        }
    }

    /// `user` is about to be checked for this connection. Ask before the check runs.
    ///
    /// An earlier attempt of this connection that was not settled counts as failed.
    pub fn attempt(
        &mut self,
        now: Instant,
        connected: &mut Connected,
        user: &Username,
    ) -> AttemptDecision {
        let time = self.advance(now);
        self.abandon(connected);
        let place = connected.place;
        let target = self.keys.target(place, user);
        let ruling = self.ruling(place, target, time);
        match ruling {
            Ruling::CheckAndReject => count(&mut self.statistics.rejected),
            Ruling::CheckAndObey if self.hold(place, target, time) => {}
            Ruling::CheckAndObey => {
                let pause = self
                    .config
                    .answer_floor
                    .step()
                    .max(Duration::from_millis(1));
                return AttemptDecision::AskAgain {
                    at: later(self.latest, pause),
                };
            }
        }
        self.serial = self.serial.wrapping_add(1);
        connected.pending = Some(Pending {
            serial: self.serial,
            started: time,
            target,
            ruling,
        });
        let delay = self
            .attempt_delay(place, target, time)
            .max(self.config.answer_floor.floor());
        AttemptDecision::Check(GuardedAttempt {
            serial: self.serial,
            started: self.latest,
            earliest_reply: later(self.latest, delay),
            ruling,
        })
    }

    /// The check is done at `now`. Tell the client what the answer says, when it says.
    ///
    /// An attempt that is not this connection's present one is answered with
    /// [`Outcome::Failure`] and changes nothing.
    pub fn settle(
        &mut self,
        now: Instant,
        connected: &mut Connected,
        attempt: GuardedAttempt,
        outcome: Outcome,
    ) -> Answer {
        self.advance(now);
        let earliest = attempt.earliest_reply.since_start();
        let floor = earliest.saturating_sub(attempt.started.since_start());
        let floor = AnswerFloor::new(floor, self.config.answer_floor.step());
        let not_before = floor.reply_not_before(attempt.started, self.latest);
        let present = connected
            .pending
            .take_if(|pending| pending.serial == attempt.serial);
        let Some(pending) = present else {
            return Answer {
                outcome: Outcome::Failure,
                not_before,
                locked_out: None,
            };
        };
        let (outcome, locked_out) = self.conclude(connected, &pending, outcome);
        Answer {
            outcome,
            not_before,
            locked_out,
        }
    }

    /// The user of this connection is logged in no longer, but the connection stays (`REIN`,
    /// `USER` after login, `AUTH`).
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
        for key in self.open_keys(connected.place) {
            self.open.remove(key);
        }
        self.connections = self.connections.saturating_sub(1);
    }

    /// Forgives what was counted for an address and its network, and for a user if one is named:
    /// the operator's way to let someone in before a lockout ends.
    pub fn forgive(&mut self, now: Instant, address: IpAddr, user: Option<&Username>) {
        let time = self.advance(now);
        let place = self.keys.place(address);
        self.addresses.clear(place.address, time);
        self.networks.clear(place.network, time);
        if let Some(user) = user {
            let target = self.keys.target(place, user);
            self.pairs.clear(target.pair, time);
            self.users.clear(target.user, time);
        }
    }

    /// How many connections are open: admitted and not released.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// What it has done so far.
    pub fn statistics(&self) -> GuardStatistics {
        self.statistics
    }

    /// How much memory its tables take. Fixed when it is made.
    pub fn bytes(&self) -> usize {
        [&self.pairs, &self.addresses, &self.networks, &self.users]
            .into_iter()
            .fold(self.open.bytes(), |sum, table| {
                sum.saturating_add(table.bytes())
            })
            .saturating_add(self.familiar.bytes())
            .saturating_add(size_of::<Self>())
    }

    fn place(&self, address: IpAddr) -> Place {
        let mut allowed = self.config.allowed.iter();
        Place {
            allowed: allowed.any(|network| network.contains(address)),
            ..self.keys.place(address)
        }
    }

    /// The time on the shared clock, in milliseconds. Time that runs backwards is ignored.
    fn advance(&mut self, now: Instant) -> u64 {
        self.latest = self.latest.max(now);
        let shared = self
            .config
            .clock_start
            .saturating_add(self.latest.since_start());
        u64::try_from(shared.as_millis()).unwrap_or(u64::MAX)
    }

    /// An attempt that was never settled is a failure.
    fn abandon(&mut self, connected: &mut Connected) {
        if let Some(pending) = connected.pending.take() {
            self.conclude(connected, &pending, Outcome::Failure);
        }
    }

    /// Counts the outcome. Returns what it is to the client, and the widest lockout it led to.
    fn conclude(
        &mut self,
        connected: &mut Connected,
        pending: &Pending,
        outcome: Outcome,
    ) -> (Outcome, Option<Scope>) {
        let (place, target, time) = (connected.place, pending.target, pending.started);
        if pending.ruling == Ruling::CheckAndObey {
            let held = self.held(place, target).map(|(_, _, held)| held);
            held.into_iter()
                .flatten()
                .for_each(|key| self.open.remove(key));
        }
        match (pending.ruling, outcome) {
            (_, Outcome::Unavailable) => (Outcome::Unavailable, None),
            (Ruling::CheckAndReject, _) => (Outcome::Failure, self.fail(place, None, time)),
            (Ruling::CheckAndObey, Outcome::Failure) => {
                (Outcome::Failure, self.fail(place, Some(target), time))
            }
            (Ruling::CheckAndObey, Outcome::NeedsAccount) => (Outcome::NeedsAccount, None),
            (Ruling::CheckAndObey, Outcome::Success) => {
                count(&mut self.statistics.successes);
                self.pairs.clear(target.pair, time);
                self.familiar.insert(place.address, time);
                (self.open_session(connected, target.user), None)
            }
        }
    }

    /// Logs the user in on this connection, in place of whoever was.
    fn open_session(&mut self, connected: &mut Connected, user: u64) -> Outcome {
        self.logged_out(connected);
        let session = self.keys.session(user);
        if self.open.get(session) >= self.config.sessions_per_user || !self.open.add(session) {
            return Outcome::Unavailable;
        }
        connected.session = Some(session);
        Outcome::Success
    }

    /// Counts a failure: against the name too, unless the guard itself ruled the attempt out. Else
    /// a program that keeps trying a right password would keep its own lockout alive.
    fn fail(&mut self, place: Place, target: Option<Target>, time: u64) -> Option<Scope> {
        count(&mut self.statistics.failures);
        self.all.add(&self.all_policy, time, 1);
        let named = target.map(|target| {
            [
                (Scope::UserAtAddress, self.pairs.fail(target.pair, time)),
                (Scope::User, self.users.fail(target.user, time)),
            ]
        });
        let placed = (!place.allowed).then(|| {
            [
                (Scope::Address, self.addresses.fail(place.address, time)),
                (Scope::Network, self.networks.fail(place.network, time)),
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
    /// Not the tables: they are large, and hashes say nothing.
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

fn later(instant: Instant, duration: Duration) -> Instant {
    Instant::from_start(instant.since_start().saturating_add(duration))
}
