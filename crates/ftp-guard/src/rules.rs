//! The decisions: which connections are admitted, which attempts are rejected, and how long answers
//! wait. It counts only what is open.

use core::time::Duration;

use crate::Guard;
use crate::decision::{Capacity, RefusedWhy, Ruling};
use crate::key::{AddressKeys, AttemptKeys};
use crate::record::Policy;
use crate::table::Table;

impl Guard {
    pub(crate) fn open_keys(&self, peer: AddressKeys) -> [u64; 2] {
        [self.keys.open(peer.address), self.keys.open(peer.network)]
    }

    /// Counts the connection, or returns why it is refused.
    pub(crate) fn admit(
        &mut self,
        peer: AddressKeys,
        capacity: Option<Capacity>,
        time: u64,
    ) -> Result<(), RefusedWhy> {
        let known = self.is_known(peer, time);
        let left = self.connections_left(capacity, known);
        let [address, network] = self.open_keys(peer);
        let (of_address, of_network) = (self.open.get(address), self.open.get(network));
        if left == 0 {
            return Err(RefusedWhy::TooManyInAll);
        }
        if of_address >= self.config.connections_per_address {
            return Err(RefusedWhy::TooManyFromAddress);
        }
        if of_network >= self.config.connections_per_network {
            return Err(RefusedWhy::TooManyFromNetwork);
        }
        if self.is_address_locked(peer, time) {
            return Err(RefusedWhy::AddressLockedOut);
        }
        if !known && self.networks.is_locked(peer.network, time) {
            return Err(RefusedWhy::NetworkLockedOut);
        }
        let has_its_share = of_address >= left.div_ceil(8) || of_network >= left.saturating_mul(2);
        if !known && self.config.unknown_share && has_its_share {
            return Err(RefusedWhy::TooManyInAll);
        }
        if self.count_all([Some(address), Some(network)]) {
            Ok(())
        } else {
            Err(RefusedWhy::TooManyInAll)
        }
    }

    /// How many more connections are allowed, by the guard's limit and the server's.
    fn connections_left(&self, capacity: Option<Capacity>, known: bool) -> u32 {
        let config = &self.config;
        let nobody_can_be = config.known_for.is_zero() && config.allowed.is_empty();
        let keeps_none = known || nobody_can_be;
        let left = |open: u32, most: u32, reserved: u32| {
            let reserved = if keeps_none { 0 } else { reserved };
            most.saturating_sub(reserved).saturating_sub(open)
        };
        let by_guard = left(self.connections, config.connections, config.reserved);
        let by_server = capacity.map_or(u32::MAX, |Capacity { open, most }| {
            let share = u64::from(config.reserved).saturating_mul(u64::from(most));
            let share = share.div_ceil(u64::from(config.connections.max(1)));
            let reserved = u32::try_from(share).unwrap_or(u32::MAX);
            left(open, most, reserved.min(most.saturating_sub(1)))
        });
        by_guard.min(by_server)
    }

    fn is_known(&self, peer: AddressKeys, time: u64) -> bool {
        peer.allowed || self.known.contains(peer.address, time)
    }

    fn is_address_locked(&self, peer: AddressKeys, time: u64) -> bool {
        !peer.allowed && self.addresses.is_locked(peer.address, time)
    }

    /// Counts all of these keys as open, or none.
    fn count_all<const N: usize>(&mut self, keys: [Option<u64>; N]) -> bool {
        let keys = || keys.into_iter().flatten();
        let counted = keys().take_while(|key| self.open.add(*key)).count();
        let complete = counted == keys().count();
        if !complete {
            keys().take(counted).for_each(|key| self.open.remove(key));
        }
        complete
    }

    pub(crate) fn ruling(&self, peer: AddressKeys, tried: AttemptKeys, time: u64) -> Ruling {
        let locked = self.pairs.is_locked(tried.pair, time)
            || self.is_address_locked(peer, time)
            || self.users.is_locked(tried.user, time)
            || (self.networks.is_locked(peer.network, time) && !self.is_known(peer, time));
        if locked {
            Ruling::CheckAndReject
        } else {
            Ruling::CheckAndObey
        }
    }

    /// What can lock out this attempt, with the key of its count while it is undecided.
    pub(crate) fn held(
        &self,
        peer: AddressKeys,
        tried: AttemptKeys,
    ) -> [(&Table, u64, Option<u64>); 3] {
        let scopes = [
            (&self.pairs, tried.pair),
            (&self.addresses, peer.address),
            (&self.users, tried.user),
        ];
        scopes.map(|(table, key)| {
            let spares = peer.allowed && key == peer.address;
            let locks = table.policy().lock.is_some() && !spares;
            (table, key, locks.then(|| self.keys.pending(key)))
        })
    }

    /// Counts the attempt as undecided, unless the undecided ones could already use up all failures
    /// before a lockout. One at a time is always allowed.
    pub(crate) fn hold(&mut self, peer: AddressKeys, tried: AttemptKeys, time: u64) -> bool {
        let held = self.held(peer, tried);
        let exhausted = held.into_iter().any(|(table, key, held)| {
            let undecided = held.map_or(0, |held| self.open.get(held));
            let after = table.policy().lock.map_or(u32::MAX, |lock| lock.after);
            undecided > 0 && table.failures(key, time).saturating_add(undecided) >= after
        });
        let keys = held.map(|(_, _, held)| held);
        !exhausted && self.count_all(keys)
    }

    /// How long unknown addresses wait, for any name.
    pub(crate) fn unknown_delay(&self, peer: AddressKeys, time: u64) -> Duration {
        if self.is_known(peer, time) {
            return Duration::ZERO;
        }
        if self.addresses.is_crowded(peer.address, time)
            || self.networks.is_crowded(peer.network, time)
        {
            return self.config.longest_delay;
        }
        let all = self.all.failures(&self.all_policy, time);
        self.delay(&self.all_policy, all)
            .max(self.table_delay(&self.networks, peer.network, time))
    }

    pub(crate) fn attempt_delay(
        &self,
        peer: AddressKeys,
        tried: AttemptKeys,
        time: u64,
    ) -> Duration {
        let address = if peer.allowed {
            Duration::ZERO
        } else {
            self.table_delay(&self.addresses, peer.address, time)
        };
        if self.is_known(peer, time) {
            return address;
        }
        let crowded =
            self.pairs.is_crowded(tried.pair, time) || self.users.is_crowded(tried.user, time);
        let user = if crowded {
            self.config.longest_delay
        } else {
            self.table_delay(&self.users, tried.user, time)
        };
        address.max(user).max(self.unknown_delay(peer, time))
    }

    fn table_delay(&self, table: &Table, key: u64, time: u64) -> Duration {
        self.delay(table.policy(), table.failures(key, time))
    }

    fn delay(&self, policy: &Policy, failures: u32) -> Duration {
        let Some(doublings) = policy
            .delay_after
            .and_then(|after| failures.checked_sub(after))
        else {
            return Duration::ZERO;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.config
            .first_delay
            .saturating_mul(factor)
            .min(self.config.longest_delay)
    }
}
