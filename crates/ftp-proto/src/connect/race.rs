//! Which address to try, and when (RFC 8305).

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::Instant;

/// Bounds of the Connection Attempt Delay (RFC 8305 §5 and §8).
const SHORTEST_ATTEMPT_DELAY: Duration = Duration::from_millis(100);
const LONGEST_ATTEMPT_DELAY: Duration = Duration::from_secs(2);

/// A race of connection attempts to the addresses of one server. The first connection wins.
///
/// IPv6 and IPv4 take turns. A new attempt starts every 250 ms while others are running, or at once
/// when one fails (RFC 8305 §4 and §5). So a family that does not work, or an address that does not
/// answer, costs a quarter of a second and not the whole timeout.
///
/// The race is polled like the machines: [`poll`](Self::poll) says what to do, and
/// [`connected`](Self::connected) and [`failed`](Self::failed) report the results. `E` is the
/// caller's error of a failed attempt, kept for [`into_failures`](Self::into_failures).
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::Instant;
/// use ftp_proto::connect::{Race, RaceStep};
///
/// let at = |ms| Instant::from_start(Duration::from_millis(ms));
/// let v6 = "[2001:db8::7]:21".parse()?;
/// let v4 = "192.0.2.7:21".parse()?;
///
/// let mut race = Race::<&str>::new(at(0), Duration::from_secs(30));
/// race.add(at(0), [v6, v4]); // in the resolver's order
/// race.resolved(at(0));
/// let RaceStep::Connect { address, .. } = race.poll(at(0)) else { panic!() };
/// assert_eq!(address, v6); // start connecting, and do not wait for it:
/// assert_eq!(race.poll(at(0)), RaceStep::Wait { until: at(250) });
///
/// // The IPv6 attempt hangs; after 250 ms the IPv4 address is tried beside it, and wins.
/// let RaceStep::Connect { address, .. } = race.poll(at(250)) else { panic!() };
/// assert_eq!(address, v4);
/// race.connected(at(270), v4);
/// assert_eq!(race.poll(at(270)), RaceStep::Connected(v4)); // drop the other attempt
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
///
/// # One attempt at a time
///
/// A caller that cannot wait for several connections at once uses
/// [`one_at_a_time`](Self::one_at_a_time). Each attempt then gets an equal share of the remaining
/// time, as the deadline of its [`RaceStep::Connect`], so that no address can use it all:
///
/// ```
/// # use core::time::Duration;
/// # use ftp_proto::Instant;
/// # use ftp_proto::connect::{Race, RaceStep};
/// # let at = |s| Instant::from_start(Duration::from_secs(s));
/// # let (v6, v4) = ("[2001:db8::7]:21".parse()?, "192.0.2.7:21".parse()?);
/// let mut race = Race::<&str>::new(at(0), Duration::from_secs(30)).one_at_a_time();
/// race.add(at(0), [v6, v4]);
/// race.resolved(at(0));
/// assert_eq!(race.poll(at(0)), RaceStep::Connect { address: v6, deadline: at(15) });
/// race.failed(at(15), v6, "no answer");
/// assert_eq!(race.poll(at(15)), RaceStep::Connect { address: v4, deadline: at(30) });
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Race<E> {
    attempt_delay: Duration,
    resolution_delay: Duration,
    first_family_count: usize,
    one_at_a_time: bool,
    deadline: Instant,
    /// The latest time given. Time never goes backwards.
    now: Instant,
    waiting: Waiting,
    /// All started attempts, in order.
    attempts: Vec<Attempt<E>>,
    /// When the next attempt may start if none fails before.
    next_start: Instant,
    /// How many attempts may start at once, because as many failed.
    owed: usize,
    /// Nothing starts before this time, because IPv6 addresses may follow (RFC 8305 §3).
    held_until: Option<Instant>,
    is_resolved: bool,
    end: Option<RaceStep>,
}

/// What to do next in a [`Race`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the race makes no progress until the step is done"]
pub enum RaceStep {
    /// Start connecting to this address, then poll again without waiting for the result. Report the
    /// result with [`Race::connected`] or [`Race::failed`]. Returned once for each address.
    Connect {
        /// The address to connect to.
        address: SocketAddr,
        /// When to give up this attempt: at the end of the race, unless attempts are made [one at a
        /// time](Race::one_at_a_time).
        deadline: Instant,
    },
    /// Wait for the running attempts, and for the resolver if it is not done. Poll again when one
    /// of them has a result, and in any case at this time.
    Wait {
        /// When the next attempt starts, an attempt is given up, or the race ends.
        until: Instant,
    },
    /// This address is connected. Drop all other attempts.
    Connected(SocketAddr),
    /// Every address failed, or there was none.
    Exhausted,
    /// The time is over. Drop all attempts.
    TimedOut,
}

#[derive(Debug)]
struct Attempt<E> {
    address: SocketAddr,
    state: AttemptState<E>,
}

#[derive(Debug)]
enum AttemptState<E> {
    Running { deadline: Instant },
    GivenUp,
    Failed(E),
}

impl<E> Attempt<E> {
    fn is_running(&self) -> bool {
        matches!(self.state, AttemptState::Running { .. })
    }
}

impl<E> Race<E> {
    /// Starts a race at `now` that ends `within` this time. Use
    /// [`Timeouts::connect`](crate::client::Timeouts::connect), which includes resolving the name.
    pub const fn new(now: Instant, within: Duration) -> Self {
        Self {
            attempt_delay: Duration::from_millis(250),
            resolution_delay: Duration::from_millis(50),
            first_family_count: 1,
            one_at_a_time: false,
            deadline: Instant::from_start(now.since_start().saturating_add(within)),
            now,
            waiting: Waiting::new(),
            attempts: Vec::new(),
            next_start: now,
            owed: 0,
            held_until: None,
            is_resolved: false,
            end: None,
        }
    }

    /// The Connection Attempt Delay (RFC 8305 §5): the time after which the next attempt starts
    /// while others are running. Default 250 ms, as the RFC recommends: longer than most round
    /// trips, and hardly noticed by a person. At least 100 ms and at most 2 s, the RFC's bounds.
    ///
    /// If the race's time is short, the delay shrinks, down to 100 ms, so that every address is
    /// tried.
    #[must_use]
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay.clamp(SHORTEST_ATTEMPT_DELAY, LONGEST_ATTEMPT_DELAY);
        self
    }

    /// The Resolution Delay (RFC 8305 §3): how long IPv4 addresses that come first wait for IPv6
    /// ones while the resolver is running. Default 50 ms, as the RFC recommends. No effect if all
    /// addresses come at once.
    #[must_use]
    pub const fn resolution_delay(mut self, delay: Duration) -> Self {
        self.resolution_delay = delay;
        self
    }

    /// The First Address Family Count (RFC 8305 §4): how many addresses of the resolver's first
    /// family are tried before one of the other family. Default 1, as the RFC recommends; 0 counts
    /// as 1.
    #[must_use]
    pub const fn first_family_count(mut self, count: usize) -> Self {
        self.first_family_count = count;
        self
    }

    /// Starts an attempt only when the one before has failed or is past its deadline, for callers
    /// that block in each. At a new [`RaceStep::Connect`], drop the attempt before it.
    ///
    /// A caller with a thread for each attempt does not need this.
    #[must_use]
    pub const fn one_at_a_time(mut self) -> Self {
        self.one_at_a_time = true;
        self
    }

    /// Adds addresses in the resolver's order (RFC 6724). More may be added while the race runs. A
    /// known address is not tried again. Nothing is added after the end or after
    /// [`resolved`](Self::resolved).
    pub fn add(&mut self, now: Instant, addresses: impl IntoIterator<Item = SocketAddr>) {
        self.advance(now);
        if self.end.is_some() || self.is_resolved {
            return;
        }
        let untried = self.attempts.is_empty();
        let was_empty = self.waiting.is_empty();
        let mut has_ipv6 = false;
        for address in addresses {
            has_ipv6 |= self.waiting.add(address) && address.is_ipv6();
        }
        if !untried || self.waiting.is_empty() {
            return;
        }
        if self.held_until.is_some() && has_ipv6 {
            // The awaited IPv6 address goes first.
            self.held_until = None;
            self.waiting.prefer_ipv6();
        } else if was_empty && !has_ipv6 {
            self.held_until = Some(self.now + self.resolution_delay);
        }
    }

    /// The resolver is done: no more addresses will be added. Before this call the race goes on
    /// until its time is over, even if all addresses have failed.
    pub fn resolved(&mut self, now: Instant) {
        self.advance(now);
        self.is_resolved = true;
        self.held_until = None;
        self.check_exhausted();
    }

    /// What to do next. Each [`RaceStep::Connect`] is returned once; the last three steps stay.
    pub fn poll(&mut self, now: Instant) -> RaceStep {
        self.advance(now);
        if let Some(end) = self.end {
            return end;
        }
        let start = self.start_time();
        if start.is_some_and(|at| at <= self.now)
            && let Some(step) = self.start()
        {
            return step;
        }
        let until = start.map_or(self.deadline, |at| at.min(self.deadline));
        RaceStep::Wait { until }
    }

    /// Whether one attempt is running and no other can start during or after it. Then the caller
    /// may block in it up to its deadline, without another thread or task.
    pub fn is_alone(&self) -> bool {
        let running = self.attempts.iter().filter(|each| each.is_running());
        self.end.is_none() && self.is_resolved && self.waiting.is_empty() && running.count() == 1
    }

    /// The connection to this address is made. The first one ends the race. No effect for an
    /// address that is not being tried.
    pub fn connected(&mut self, now: Instant, address: SocketAddr) {
        // A connection that was made counts as in time.
        self.now = self.now.max(now);
        if self.end.is_none() && self.running(address).is_some() {
            self.end = Some(RaceStep::Connected(address));
        }
    }

    /// The attempt at this address failed: the next one starts at once. No effect for an address
    /// that is not being tried.
    pub fn failed(&mut self, now: Instant, address: SocketAddr, error: E) {
        let Some(index) = self.running(address) else {
            self.advance(now);
            return;
        };
        if let Some(attempt) = self.attempts.get_mut(index) {
            attempt.state = AttemptState::Failed(error);
        }
        self.advance(now);
        if self.owed < self.waiting.len() {
            self.owed = self.owed.saturating_add(1);
        } else {
            self.next_start = self.next_start.min(self.now);
        }
        self.check_exhausted();
    }

    /// The attempts without a connection, in order. Without an error, the attempt had no result
    /// when its time was over or when another connected.
    pub fn into_failures(self) -> Vec<(SocketAddr, Option<E>)> {
        let winner = match self.end {
            Some(RaceStep::Connected(address)) => Some(address),
            _ => None,
        };
        let failed = self.attempts.into_iter();
        let failed = failed.filter(|attempt| Some(attempt.address) != winner);
        failed
            .map(|attempt| match attempt.state {
                AttemptState::Failed(error) => (attempt.address, Some(error)),
                AttemptState::Running { .. } | AttemptState::GivenUp => (attempt.address, None),
            })
            .collect()
    }

    /// When the next attempt starts. `None` if no address is waiting.
    fn start_time(&self) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        let running = self.attempts.iter().rev().find(|last| last.is_running());
        let at = match running.map(|last| &last.state) {
            Some(AttemptState::Running { deadline }) if self.one_at_a_time => *deadline,
            // No attempt is running, so there is nothing to wait for.
            None => self.now,
            Some(_) if self.owed > 0 => self.now,
            Some(_) => self.next_start,
        };
        Some(self.held_until.map_or(at, |held| at.max(held)))
    }

    fn start(&mut self) -> Option<RaceStep> {
        let begun = self.attempts.len().saturating_add(1);
        let address = self.waiting.next(begun < self.first_family_count)?;
        self.owed = self.owed.saturating_sub(1);
        self.held_until = None;
        let left = self.deadline - self.now;
        // The resolver may still add an address.
        let others = self.waiting.len();
        let share = share(left, others.saturating_add(usize::from(!self.is_resolved)));
        let delay = self.attempt_delay.min(share).max(SHORTEST_ATTEMPT_DELAY);
        self.next_start = self.now + delay;
        let deadline = if self.one_at_a_time {
            self.give_up_all();
            self.now + share
        } else {
            self.deadline
        };
        self.attempts.push(Attempt {
            address,
            state: AttemptState::Running { deadline },
        });
        Some(RaceStep::Connect { address, deadline })
    }

    /// Updates the time, and ends the race if its time is over.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.end.is_none() && self.now >= self.deadline {
            self.end = Some(RaceStep::TimedOut);
        }
    }

    fn check_exhausted(&mut self) {
        let is_running = self.attempts.iter().any(Attempt::is_running);
        if self.end.is_none() && self.is_resolved && self.waiting.is_empty() && !is_running {
            self.end = Some(RaceStep::Exhausted);
        }
    }

    fn give_up_all(&mut self) {
        for attempt in self.attempts.iter_mut().filter(|each| each.is_running()) {
            attempt.state = AttemptState::GivenUp;
        }
    }

    fn running(&self, address: SocketAddr) -> Option<usize> {
        let is_it = |each: &Attempt<E>| each.address == address && each.is_running();
        self.attempts.iter().position(is_it)
    }
}

/// The share of the remaining time for one attempt, with this many others waiting.
fn share(left: Duration, others: usize) -> Duration {
    let parts = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
    left.checked_div(parts).unwrap_or(left)
}

/// The addresses not tried yet, each family in the resolver's order.
#[derive(Debug)]
struct Waiting {
    ipv6: VecDeque<SocketAddr>,
    ipv4: VecDeque<SocketAddr>,
    /// Whether the next turn is IPv6's; `None` before the first address.
    ipv6_is_next: Option<bool>,
    /// All addresses that were added.
    known: BTreeSet<SocketAddr>,
}

impl Waiting {
    const fn new() -> Self {
        Self {
            ipv6: VecDeque::new(),
            ipv4: VecDeque::new(),
            ipv6_is_next: None,
            known: BTreeSet::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.ipv6.len().saturating_add(self.ipv4.len())
    }

    /// Adds an address. Returns whether it is new.
    fn add(&mut self, address: SocketAddr) -> bool {
        let is_new = self.known.insert(address);
        if is_new {
            self.ipv6_is_next.get_or_insert(address.is_ipv6());
            let family = match address {
                SocketAddr::V6(_) => &mut self.ipv6,
                SocketAddr::V4(_) => &mut self.ipv4,
            };
            family.push_back(address);
        }
        is_new
    }

    fn prefer_ipv6(&mut self) {
        self.ipv6_is_next = Some(true);
    }

    /// Removes the next address. The next turn is the other family's, unless this one has another
    /// turn.
    fn next(&mut self, has_another_turn: bool) -> Option<SocketAddr> {
        let address = if self.ipv6_is_next? {
            self.ipv6.pop_front().or_else(|| self.ipv4.pop_front())
        } else {
            self.ipv4.pop_front().or_else(|| self.ipv6.pop_front())
        }?;
        self.ipv6_is_next = Some(address.is_ipv6() == has_another_turn);
        Some(address)
    }
}
