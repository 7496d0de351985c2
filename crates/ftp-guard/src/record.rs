//! The record of one address, network, user, or user at an address.

use crate::config::{Lockout, Rule};

/// How many slots a window is counted in.
const SLOTS: u64 = 8;

/// A [`Rule`] with times in milliseconds and computed bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// The length of a slot. Seven slots cover the window; the eighth is the current one.
    pub(crate) slot: u64,
    pub(crate) delay_after: Option<u32>,
    pub(crate) lock: Option<LockPolicy>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct LockPolicy {
    pub(crate) after: u32,
    first: u64,
    longest: u64,
    forgiven: u64,
    /// The repetition that first reaches the longest lockout. Counting further would only delay
    /// forgiveness.
    top: u8,
}

impl Policy {
    pub(crate) fn new(rule: &Rule) -> Self {
        let window = milliseconds(rule.window);
        Self {
            slot: window.div_ceil(SLOTS.wrapping_sub(1)).max(1),
            delay_after: rule.delay_after,
            lock: rule.lockout.as_ref().map(LockPolicy::new),
        }
    }
}

impl Policy {
    /// The longest lockout, zero if there is none.
    pub(crate) fn longest_lock(&self) -> u64 {
        self.lock.map_or(0, |lock| lock.longest)
    }

    /// The most repetitions that are counted.
    pub(crate) fn top_level(&self) -> u8 {
        self.lock.map_or(0, |lock| lock.top)
    }
}

impl LockPolicy {
    fn new(lockout: &Lockout) -> Self {
        let first = milliseconds(lockout.first).max(1);
        let longest = milliseconds(lockout.longest).max(first);
        let forgiven = milliseconds(lockout.forgiven_every).max(1);
        let mut policy = Self {
            after: lockout.after.max(1),
            first,
            longest,
            forgiven,
            top: u8::MAX,
        };
        policy.top = (1..64)
            .find(|level| policy.length(*level) == longest)
            .unwrap_or(64);
        policy
    }

    fn length(&self, level: u8) -> u64 {
        let doublings = u32::from(level.saturating_sub(1));
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// Rounded up, so that nothing is shorter than configured.
pub(crate) fn milliseconds(duration: core::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Failures in a sliding window, and the lockout that followed. All times are milliseconds on the
/// shared clock. Always 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// The number of the newest slot with a count.
    pub(crate) newest: u64,
    /// When the last lockout ends or ended.
    pub(crate) locked_until: u64,
    /// The failures in slot `n`, at `n % SLOTS`.
    counts: [u16; SLOTS as usize],
    /// When a success forgave all earlier failures, in seconds; zero for never.
    pub(crate) cleared: u32,
    /// How often in a row it was locked, counted at the last lockout.
    pub(crate) level: u8,
}

impl Record {
    /// The count of a slot; zero if it is no longer kept.
    pub(crate) fn count(&self, slot: u64) -> u16 {
        match self.newest.checked_sub(slot) {
            Some(age) if age < SLOTS => self
                .counts
                .get((slot % SLOTS) as usize)
                .copied()
                .unwrap_or_default(),
            _ => 0,
        }
    }

    pub(crate) fn set_count(&mut self, slot: u64, count: u16) {
        if let Some(kept) = self.counts.get_mut((slot % SLOTS) as usize) {
            *kept = count;
        }
    }

    /// The slots that may still count at `now`, newest first. Includes slots from a clock ahead of
    /// ours.
    pub(crate) fn slots(&self, policy: &Policy, now: u64) -> impl Iterator<Item = u64> {
        let newest = self.newest;
        let present = now.checked_div(policy.slot).unwrap_or_default();
        (0..SLOTS)
            .map_while(move |age| newest.checked_sub(age))
            .take_while(move |slot| slot.saturating_add(SLOTS) > present)
    }

    /// Failures in the window.
    pub(crate) fn failures(&self, policy: &Policy, now: u64) -> u32 {
        self.slots(policy, now).fold(0, |sum: u32, slot| {
            sum.saturating_add(self.count(slot).into())
        })
    }

    pub(crate) fn add(&mut self, policy: &Policy, now: u64, failures: u16) {
        let slot = now
            .checked_div(policy.slot)
            .unwrap_or_default()
            .max(self.newest);
        if slot.saturating_sub(self.newest) >= SLOTS {
            self.counts = Default::default();
        } else {
            for passed in self.newest.saturating_add(1)..=slot {
                self.set_count(passed, 0);
            }
        }
        self.newest = slot;
        self.set_count(slot, self.count(slot).saturating_add(failures));
    }

    pub(crate) fn is_locked(&self, policy: &Policy, now: u64) -> bool {
        let Some(lock) = &policy.lock else {
            return false;
        };
        // More than twice the longest lockout is not valid: a damaged record must not lock for
        // ever.
        let remaining = self.locked_until.saturating_sub(now);
        remaining > 0 && remaining <= lock.longest.saturating_mul(2)
    }

    /// How many repetitions are not forgiven yet.
    pub(crate) fn unforgiven(&self, policy: &Policy, now: u64) -> u8 {
        let Some(lock) = &policy.lock else { return 0 };
        let since = now.saturating_sub(self.locked_until);
        let forgiven = since.checked_div(lock.forgiven).unwrap_or(u64::MAX);
        self.level
            .saturating_sub(u8::try_from(forgiven).unwrap_or(u8::MAX))
    }

    /// Whether anything in it still matters. Only records that are not live are replaced.
    pub(crate) fn is_live(&self, policy: &Policy, now: u64) -> bool {
        self.failures(policy, now) > 0
            || self.is_locked(policy, now)
            || self.unforgiven(policy, now) > 0
    }

    /// Whether other guards may still have the failures that a success forgave here.
    pub(crate) fn is_cleared(&self, policy: &Policy, now: u64) -> bool {
        let cleared = u64::from(self.cleared).saturating_mul(1000);
        let remembered = policy.slot.saturating_mul(SLOTS);
        self.cleared > 0 && cleared.saturating_add(remembered) > now
    }

    /// Whether it belongs into a snapshot.
    pub(crate) fn is_worth_telling(&self, policy: &Policy, now: u64) -> bool {
        self.is_live(policy, now) || self.is_cleared(policy, now)
    }

    /// Drops a success that is so old that the forgiven failures would have expired.
    fn expire_clearing(&mut self, policy: &Policy, now: u64) {
        if !self.is_cleared(policy, now) {
            self.cleared = 0;
        }
    }

    /// Counts a failure. Returns whether it started a lockout.
    pub(crate) fn fail(&mut self, policy: &Policy, now: u64) -> bool {
        self.expire_clearing(policy, now);
        self.add(policy, now, 1);
        let Some(lock) = &policy.lock else {
            return false;
        };
        if self.failures(policy, now) < lock.after || self.is_locked(policy, now) {
            return false;
        }
        self.level = self.unforgiven(policy, now).saturating_add(1).min(lock.top);
        self.locked_until = now.saturating_add(lock.length(self.level));
        true
    }

    /// Forgives all earlier failures, after a success.
    pub(crate) fn clear(&mut self, now: u64) {
        let seconds = u32::try_from(now / 1000).unwrap_or(u32::MAX);
        *self = Self {
            cleared: seconds.max(1),
            ..Self::default()
        };
    }

    /// Merges another record into this one. Commutative, associative, idempotent.
    pub(crate) fn join(&mut self, other: &Self, policy: &Policy, now: u64) {
        let mut other = *other;
        self.expire_clearing(policy, now);
        other.expire_clearing(policy, now);
        if self.cleared != other.cleared {
            if other.cleared > self.cleared {
                *self = other;
            }
            return;
        }
        if (other.locked_until, other.level) > (self.locked_until, self.level) {
            self.locked_until = other.locked_until;
            self.level = other.level;
        }
        let mut joined = Self {
            newest: self.newest.max(other.newest),
            ..*self
        };
        let newest = joined.newest;
        for slot in (0..SLOTS).map_while(|age| newest.checked_sub(age)) {
            joined.set_count(slot, self.count(slot).max(other.count(slot)));
        }
        *self = joined;
    }
}
