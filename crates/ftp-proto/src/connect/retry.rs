//! When to try again.

use core::time::Duration;

use crate::Instant;

/// How often, and after what delays, a login that failed for a transient reason is tried again.
///
/// The delay after the first failure is at most [`first_delay`](Self::first_delay); each later one
/// may be twice as long as the one before, up to [`longest_delay`](Self::longest_delay). A random
/// number from the caller chooses a delay in the upper half of that range. So the many clients of a
/// server that failed do not return all at the same time.
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::Instant;
/// use ftp_proto::connect::Retry;
///
/// let at = |seconds| Instant::from_start(Duration::from_secs(seconds));
/// let random = u64::MAX / 3; // from your random number generator
///
/// let mut retrying = Retry::new().retries(2).start(at(0));
/// // The first try fails: the next starts after 0.5 to 1 s …
/// let again = retrying.failed(at(0), true, random).unwrap();
/// assert!(again - at(0) >= Duration::from_millis(500) && again <= at(1));
/// // … and the one after that 1 to 2 s after the second failure.
/// assert!(retrying.failed(at(10), true, random).unwrap() >= at(11));
/// assert_eq!(retrying.failed(at(20), true, random), None); // that was the third try
///
/// // A permanent refusal is not tried again.
/// assert_eq!(Retry::new().start(at(0)).failed(at(0), false, random), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    retries: u32,
    first_delay: Duration,
    longest_delay: Duration,
    total_time: Duration,
}

impl Retry {
    /// The defaults, as documented at the setters.
    pub const fn new() -> Self {
        Self {
            retries: 3,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            total_time: Duration::from_secs(600),
        }
    }

    /// How many tries may follow the first. Default 3: with the default delays they take longer
    /// than the restart of a server, and a person still waits for the result. 0 never tries again.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The longest delay after the first failure; the actual delay is at least half of it. Default
    /// 1 s: by then a lost packet or a full queue of connections is no problem any more.
    #[must_use]
    pub const fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The longest delay of all; it also limits [`first_delay`](Self::first_delay). Default 30 s: a
    /// server that comes back is noticed within half a minute, and one that is down gets at most
    /// two tries a minute.
    #[must_use]
    pub const fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest_delay = delay;
        self
    }

    /// No try starts later than this after the start of the first. Default 10 minutes: a longer
    /// failure needs a person, or another program, to decide.
    ///
    /// A running try is limited by the timeouts of the login, not by this.
    #[must_use]
    pub const fn total_time(mut self, time: Duration) -> Self {
        self.total_time = time;
        self
    }

    /// Starts the first try at `now`.
    pub const fn start(self, now: Instant) -> Retrying {
        Retrying {
            retry: self,
            began: now,
            now,
            attempts: 1,
            is_over: false,
        }
    }

    /// The delay after this many failures.
    fn delay(&self, failures: u32, random: u64) -> Duration {
        let doublings = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_delay.saturating_mul(doublings);
        let longest = longest.min(self.longest_delay);
        let half = longest.checked_div(2).unwrap_or_default();
        let spread = u64::try_from(longest.saturating_sub(half).as_nanos()).unwrap_or(u64::MAX);
        // One more than the span, so that both its ends are possible; never zero.
        let jitter = match spread.checked_add(1) {
            Some(count) => random.checked_rem(count).unwrap_or(0),
            None => random,
        };
        half.saturating_add(Duration::from_nanos(jitter))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

/// Tries in progress: [`Retry::start`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrying {
    retry: Retry,
    began: Instant,
    /// The latest time given. Time never goes backwards.
    now: Instant,
    attempts: u32,
    is_over: bool,
}

impl Retrying {
    /// The current try failed. Returns when to start the next, or `None` to give up: the failure is
    /// not [transient](super#what-is-transient), there are no tries left, or the next would start
    /// later than [`Retry::total_time`] allows.
    ///
    /// `random` is a new random number for each call, uniform over all `u64`.
    ///
    /// After `None` it always returns `None`.
    pub fn failed(&mut self, now: Instant, is_transient: bool, random: u64) -> Option<Instant> {
        self.now = self.now.max(now);
        if self.is_over || !is_transient || self.attempts > self.retry.retries {
            self.is_over = true;
            return None;
        }
        let at = self.now + self.retry.delay(self.attempts, random);
        if at - self.began > self.retry.total_time {
            self.is_over = true;
            return None;
        }
        self.attempts = self.attempts.saturating_add(1);
        Some(at)
    }

    /// How many tries there were so far, with the current one: 1 before the first failure.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }
}
