//! The guard beside a model that keeps every failure in a list and never forgets.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::*;
use ftp_guard::{Admission, AnswerFloor, CheckResult, GuardConfig, Lockout, Rule, Ruling};
use proptest::prelude::*;

/// One rule, in whole seconds.
#[derive(Debug, Clone, Copy)]
struct Plain {
    /// A multiple of seven, so that a slot is whole.
    window: u64,
    delay_after: Option<u64>,
    lock: Option<(u64, u64, u64, u64)>,
}

impl Plain {
    fn rule(&self) -> Rule {
        let mut rule = Rule::within(seconds(self.window));
        rule.delay_after = self.delay_after.map(|after| after as u32);
        rule.lockout = self.lock.map(|(after, first, longest, forgiven)| {
            Lockout::after(after as u32)
                .lasting(seconds(first), seconds(longest))
                .forgiven_every(seconds(forgiven))
        });
        rule
    }
}

const PAIR: Plain = Plain {
    window: 70,
    delay_after: None,
    lock: Some((3, 10, 80, 100)),
};
const ADDRESS: Plain = Plain {
    window: 140,
    delay_after: Some(4),
    lock: Some((8, 20, 90, 70)),
};
const NETWORK: Plain = Plain {
    window: 70,
    delay_after: Some(9),
    lock: Some((14, 30, 60, 50)),
};
const USER: Plain = Plain {
    window: 210,
    delay_after: Some(6),
    lock: Some((16, 40, 40, 40)),
};
const ALL: Plain = Plain {
    window: 35,
    delay_after: Some(12),
    lock: None,
};
const KNOWN: u64 = 300;
const FLOOR: u64 = 1;
const LONGEST_DELAY: u64 = 32;

#[derive(Debug, Default)]
struct Tally {
    failures: Vec<u64>,
    locked_until: u64,
    level: u64,
}

impl Tally {
    /// Failures whose slot is one of the last eight.
    fn count(&self, rule: Plain, now: u64) -> u64 {
        let slot = rule.window / 7;
        let recent = |failure: &&u64| *failure / slot + 8 > now / slot;
        let count = self.failures.iter().filter(recent).count() as u64;
        // The promise of the documentation: the window at least, an eighth slot at most.
        let least = self
            .failures
            .iter()
            .filter(|at| **at + rule.window > now)
            .count() as u64;
        let most = self
            .failures
            .iter()
            .filter(|at| **at + rule.window + slot > now)
            .count() as u64;
        assert!(least <= count && count <= most);
        count
    }

    fn is_locked(&self, rule: Plain, now: u64) -> bool {
        rule.lock.is_some() && now < self.locked_until
    }

    fn fail(&mut self, rule: Plain, now: u64) {
        self.failures.push(now);
        let Some((after, first, longest, forgiven)) = rule.lock else {
            return;
        };
        if self.count(rule, now) < after || self.is_locked(rule, now) {
            return;
        }
        let left = self
            .level
            .saturating_sub((now - self.locked_until.min(now)) / forgiven);
        let top = (1..).find(|level| first << (level - 1) >= longest).unwrap();
        self.level = (left + 1).min(top);
        self.locked_until = now + (first << (self.level - 1)).min(longest);
    }

    fn delay(&self, rule: Plain, now: u64) -> u64 {
        let over = rule
            .delay_after
            .and_then(|after| self.count(rule, now).checked_sub(after));
        over.map_or(0, |over| (1 << over.min(20)).min(LONGEST_DELAY))
    }
}

#[derive(Debug, Default)]
struct Model {
    pairs: BTreeMap<(u8, u8), Tally>,
    addresses: BTreeMap<u8, Tally>,
    networks: BTreeMap<u8, Tally>,
    users: BTreeMap<u8, Tally>,
    all: Tally,
    successes: BTreeMap<u8, u64>,
}

/// Addresses 0–3 lie in one network, 4–7 in another.
fn network(address: u8) -> u8 {
    address / 4
}

impl Model {
    fn is_known(&self, address: u8, now: u64) -> bool {
        self.successes
            .get(&address)
            .is_some_and(|success| success + KNOWN > now)
    }

    fn unknown_delay(&mut self, address: u8, now: u64) -> u64 {
        if self.is_known(address, now) {
            return 0;
        }
        let network = self.networks.entry(network(address)).or_default();
        network.delay(NETWORK, now).max(self.all.delay(ALL, now))
    }

    /// `None` for refused, or the delay of the greeting.
    fn accept(&mut self, address: u8, now: u64) -> Option<u64> {
        let shut = self
            .addresses
            .entry(address)
            .or_default()
            .is_locked(ADDRESS, now)
            || (!self.is_known(address, now)
                && self
                    .networks
                    .entry(network(address))
                    .or_default()
                    .is_locked(NETWORK, now));
        (!shut).then(|| self.unknown_delay(address, now))
    }

    /// Whether the check is ruled out, and the delay of the answer.
    fn attempt(&mut self, address: u8, name: u8, now: u64) -> (bool, u64) {
        let user = self.users.entry(name).or_default();
        let user_locked = user.is_locked(USER, now);
        let mut delay = user.delay(USER, now);
        let locked = user_locked
            || self
                .pairs
                .entry((address, name))
                .or_default()
                .is_locked(PAIR, now);
        if self.is_known(address, now) {
            delay = 0;
        }
        delay = delay.max(self.unknown_delay(address, now));
        delay = delay.max(
            self.addresses
                .entry(address)
                .or_default()
                .delay(ADDRESS, now),
        );
        (locked, delay.max(FLOOR))
    }

    fn settle(&mut self, address: u8, name: u8, rejected: bool, right: bool, now: u64) {
        if right && !rejected {
            self.pairs.insert((address, name), Tally::default());
            self.successes.insert(address, now);
            return;
        }
        if !rejected {
            self.pairs
                .entry((address, name))
                .or_default()
                .fail(PAIR, now);
            self.users.entry(name).or_default().fail(USER, now);
        }
        self.addresses
            .entry(address)
            .or_default()
            .fail(ADDRESS, now);
        self.networks
            .entry(network(address))
            .or_default()
            .fail(NETWORK, now);
        self.all.fail(ALL, now);
    }
}

fn config() -> GuardConfig {
    light()
        .user_at_address(PAIR.rule())
        .address(ADDRESS.rule())
        .network(NETWORK.rule())
        .user(USER.rule())
        .all(ALL.rule())
        .delays(seconds(1), seconds(LONGEST_DELAY))
        .answer_floor(AnswerFloor::new(seconds(FLOOR), seconds(1)))
        .known_for(seconds(KNOWN))
}

/// Mostly short pauses, so that lockouts happen, and now and then a long one.
fn steps() -> impl Strategy<Value = Vec<(u64, u8, u8, bool)>> {
    let pause = prop_oneof![12 => 0_u64..3, 3 => 0_u64..60, 1 => 0_u64..400];
    prop::collection::vec(
        (pause, 0_u8..8, 0_u8..4, prop::bool::weighted(0.06)),
        1..250,
    )
}

proptest! {
    #[test]
    fn the_guard_decides_as_a_model_with_exact_counts_does(
        steps in steps(),
        ipv6 in any::<bool>(),
    ) {
        let mut guard = guard(config());
        let mut model = Model::default();
        let mut now = 1000;
        for (pause, host, name, right) in steps {
            now += pause;
            let net = network(host);
            let address = if ipv6 {
                ip(&format!("2001:db8:{net}:{host}::{now:x}"))
            } else {
                ip(&format!("198.51.{net}.{host}"))
            };
            let admission = guard.accept(at(now), address);
            let greeting = match &admission {
                Admission::Admit(_) => Some(0),
                Admission::Delay { until, .. } => Some((*until - at(now)).as_secs()),
                Admission::Refuse { .. } => None,
            };
            prop_assert_eq!(greeting, model.accept(host, now));
            let Some((mut connected, _)) = admission.connected() else {
                continue;
            };
            let attempt = begin(&mut guard, at(now), &mut connected, &format!("user{name}"));
            let rejected = attempt.ruling() == Ruling::CheckAndReject;
            let delay = (attempt.earliest_reply() - at(now)).as_secs();
            prop_assert_eq!((rejected, delay), model.attempt(host, name, now));
            let found = if right { CheckResult::Success } else { CheckResult::Failure };
            let answer = guard.settle(at(now), &mut connected, attempt, found);
            model.settle(host, name, rejected, right, now);
            let expected = if rejected { CheckResult::Failure } else { found };
            prop_assert_eq!(answer.result, expected);
            prop_assert_eq!(answer.not_before - at(now), Duration::from_secs(delay));
            guard.release(at(now), connected);
        }
        prop_assert_eq!(guard.statistics().untracked, 0);
    }
}
