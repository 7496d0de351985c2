//! Known addresses: those from which a login succeeded recently.
//!
//! Only a right password writes here, so an attacker with many names or addresses removes no entry.
//! In a full set the oldest success is replaced.

use alloc::boxed::Box;
use alloc::vec;

const WAYS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: u64,
    /// The time of the login, in milliseconds on the shared clock.
    success: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct KnownAddresses {
    places: Box<[Place]>,
    sets: usize,
    /// For how many milliseconds a success counts.
    lasting: u64,
}

impl KnownAddresses {
    pub(crate) fn new(lasting: u64, capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(2).next_power_of_two();
        Self {
            places: vec![Place::default(); sets.saturating_mul(WAYS)].into(),
            sets,
            lasting,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[Place]>(&self.places)
    }

    fn lasts(&self, success: u64, now: u64) -> bool {
        success.saturating_add(self.lasting) > now
    }

    fn set(&self, key: u64) -> core::ops::Range<usize> {
        let start = (key as usize & self.sets.wrapping_sub(1)).saturating_mul(WAYS);
        start..start.saturating_add(WAYS)
    }

    pub(crate) fn contains(&self, key: u64, now: u64) -> bool {
        let set = self.places.get(self.set(key)).unwrap_or_default();
        set.iter()
            .any(|place| place.key == key && self.lasts(place.success, now))
    }

    /// Records a success at `success`, unless a later one is known. Returns whether it was
    /// recorded.
    pub(crate) fn insert(&mut self, key: u64, success: u64) -> bool {
        let set = self.set(key);
        let set = self.places.get_mut(set).unwrap_or_default();
        let known = set.iter().position(|place| place.key == key);
        let oldest = || {
            set.iter()
                .enumerate()
                .min_by_key(|(_, place)| place.success)
                .map(|(at, _)| at)
        };
        let Some(place) = known.or_else(oldest).and_then(|at| set.get_mut(at)) else {
            return false;
        };
        if place.success > success {
            return place.key == key;
        }
        *place = Place { key, success };
        true
    }

    /// Key and time of each success that still counts, in no order.
    pub(crate) fn iter(&self, now: u64) -> impl Iterator<Item = (u64, u64)> {
        let lasting = self
            .places
            .iter()
            .filter(move |place| self.lasts(place.success, now));
        lasting
            .filter(|place| place.key != 0)
            .map(|place| (place.key, place.success))
    }
}
