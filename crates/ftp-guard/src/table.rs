//! A table of records that never grows, and never loses a record that still matters.
//!
//! Different parts of a key's keyed hash choose two sets of eight places for it. A new key takes a
//! place whose record is not live. If there is none, it does *not* replace another: it is counted
//! in the sum of its set. Keys that are not in the table, but whose set has such a sum, are
//! [crowded](Table::is_crowded). So new keys cannot push out an old one, and are still counted.

use alloc::boxed::Box;
use alloc::vec;

use crate::record::{Policy, Record};

/// Places in a set.
const WAYS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: u64,
    record: Record,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    policy: Policy,
    places: Box<[Place]>,
    /// For each set, the failures of keys that found no place.
    sums: Box<[Record]>,
}

impl Table {
    /// Has at least this many places, rounded up to a power of two.
    pub(crate) fn new(policy: Policy, capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(2).next_power_of_two();
        Self {
            policy,
            places: vec![Place::default(); sets.saturating_mul(WAYS)].into(),
            sums: vec![Record::default(); sets].into(),
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[Place]>(&self.places).saturating_add(size_of_val::<[Record]>(&self.sums))
    }

    fn sets(&self, key: u64) -> [usize; 2] {
        let mask = self.sums.len().wrapping_sub(1);
        [key as usize & mask, (key >> 32) as usize & mask]
    }

    /// The first place in the key's two sets for which `fits` is true.
    fn find(&self, key: u64, fits: impl Fn(&Place) -> bool) -> Option<usize> {
        self.sets(key).into_iter().find_map(|set| {
            let start = set.saturating_mul(WAYS);
            let places = self.places.get(start..start.saturating_add(WAYS))?;
            Some(start.saturating_add(places.iter().position(&fits)?))
        })
    }

    pub(crate) fn get(&self, key: u64) -> Option<&Record> {
        let index = self.find(key, |place| place.key == key)?;
        Some(&self.places.get(index)?.record)
    }

    pub(crate) fn failures(&self, key: u64, now: u64) -> u32 {
        self.get(key)
            .map_or(0, |record| record.failures(&self.policy, now))
    }

    pub(crate) fn is_locked(&self, key: u64, now: u64) -> bool {
        self.get(key)
            .is_some_and(|record| record.is_locked(&self.policy, now))
    }

    /// Whether the key may have failures that found no place of their own.
    pub(crate) fn is_crowded(&self, key: u64, now: u64) -> bool {
        let [set, _] = self.sets(key);
        let sum = self
            .sums
            .get(set)
            .map_or(0, |sum| sum.failures(&self.policy, now));
        sum > 0 && self.get(key).is_none()
    }

    /// The record of the key, new if there was none; `None` if there is no room for it.
    fn place(&mut self, key: u64, now: u64) -> Option<&mut Record> {
        if let Some(index) = self.find(key, |place| place.key == key) {
            return self.places.get_mut(index).map(|place| &mut place.record);
        }
        // Records kept only for snapshots are replaced last.
        let index = self
            .find(key, |place| {
                !place.record.is_worth_telling(&self.policy, now)
            })
            .or_else(|| self.find(key, |place| !place.record.is_live(&self.policy, now)))?;
        let place = self.places.get_mut(index)?;
        *place = Place {
            key,
            record: Record::default(),
        };
        Some(&mut place.record)
    }

    fn sum(&mut self, key: u64) -> Option<&mut Record> {
        let [set, _] = self.sets(key);
        self.sums.get_mut(set)
    }

    pub(crate) fn fail(&mut self, key: u64, now: u64) -> Failed {
        let policy = self.policy;
        if let Some(record) = self.place(key, now) {
            return if record.fail(&policy, now) {
                Failed::Locked
            } else {
                Failed::Counted
            };
        }
        if let Some(sum) = self.sum(key) {
            sum.add(&policy, now, 1);
        }
        Failed::Untracked
    }

    /// Forgives the key's failures after a success. It is recorded even if there are none here:
    /// another guard may have some.
    pub(crate) fn clear(&mut self, key: u64, now: u64) {
        if let Some(record) = self.place(key, now) {
            record.clear(now);
        }
    }

    /// Merges another guard's state. Returns whether there was room.
    pub(crate) fn join(&mut self, key: u64, record: &Record, now: u64) -> bool {
        let policy = self.policy;
        if let Some(own) = self.place(key, now) {
            own.join(record, &policy, now);
            return true;
        }
        if let Some(sum) = self.sum(key) {
            sum.add(&policy, now, 1);
        }
        false
    }

    /// The records for a snapshot, in no order.
    pub(crate) fn worth_telling(&self, now: u64) -> impl Iterator<Item = (u64, &Record)> {
        self.places
            .iter()
            .filter(move |place| place.record.is_worth_telling(&self.policy, now))
            .map(|place| (place.key, &place.record))
    }
}

/// The result of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Counted,
    Locked,
    Untracked,
}
