//! Who may connect, and how many at once.

use std::net::IpAddr;

use crate::common::*;
use ftp_guard::{Admission, Capacity, CheckResult, Connected, Guard, GuardConfig, RefusedWhy};
use proptest::prelude::*;

fn why(guard: &mut Guard, address: &str) -> Option<RefusedWhy> {
    match guard.accept(at(0), ip(address)) {
        Admission::Refuse { why } => Some(why),
        admitted => {
            let (connected, _) = admitted.connected().unwrap();
            guard.release(at(0), connected);
            None
        }
    }
}

/// How many connections get in, one from each address.
fn admitted(guard: &mut Guard, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<Connected> {
    let addresses = addresses.into_iter();
    addresses
        .filter_map(|address| Some(guard.accept(at(0), address).connected()?.0))
        .collect()
}

#[test]
fn one_address_gets_its_share_and_gets_it_back() {
    let mut guard = guard(GuardConfig::new().connections_per_address(2));
    let first = connect(&mut guard, at(0), ip("192.0.2.1"));
    let second = connect(&mut guard, at(0), ip("192.0.2.1"));
    assert_eq!(
        why(&mut guard, "192.0.2.1"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    assert_eq!(why(&mut guard, "192.0.2.2"), None);
    guard.release(at(0), first);
    assert_eq!(why(&mut guard, "192.0.2.1"), None);
    guard.release(at(0), second);
    assert_eq!(guard.connections(), 0);
    assert_eq!(guard.statistics().refused, 1);
}

#[test]
fn a_network_has_a_bound_of_its_own() {
    let mut guard = guard(GuardConfig::new().connections_per_network(3));
    let held = admitted(
        &mut guard,
        (1..=9).map(|host| IpAddr::from([192, 0, 2, host])),
    );
    assert_eq!(held.len(), 3);
    assert_eq!(
        why(&mut guard, "192.0.2.77"),
        Some(RefusedWhy::TooManyFromNetwork)
    );
    assert_eq!(why(&mut guard, "192.0.3.77"), None);
}

#[test]
fn unknown_addresses_leave_room_for_known_ones() {
    let mut guard = guard(GuardConfig::new().connections(16));
    succeed(&mut guard, at(0), ip("192.0.2.1"), "alice");
    let held = admitted(&mut guard, (0..100).map(scattered));
    assert_eq!(held.len(), 14);
    assert_eq!(
        why(&mut guard, "198.51.100.1"),
        Some(RefusedWhy::TooManyInAll)
    );
    assert_eq!(why(&mut guard, "192.0.2.1"), None);
    let last = admitted(&mut guard, [ip("192.0.2.1"); 9]);
    assert_eq!(last.len(), 2);
    assert_eq!(why(&mut guard, "192.0.2.1"), Some(RefusedWhy::TooManyInAll));
}

/// A server that runs fewer sessions than the guard may count connections.
struct Served {
    guard: Guard,
    most: u32,
    held: Vec<Connected>,
}

impl Served {
    fn new(config: GuardConfig, most: u32) -> Self {
        Self {
            guard: guard(config),
            most,
            held: Vec::new(),
        }
    }

    /// Whether one more connection from there is let in. It stays.
    fn lets_in(&mut self, address: IpAddr) -> bool {
        let open = u32::try_from(self.held.len()).unwrap();
        assert!(open <= self.most);
        if open == self.most {
            return false;
        }
        let capacity = Capacity::new(open, self.most);
        let admission = self.guard.accept_within(at(0), address, capacity);
        let connected = admission.connected().map(|(connected, _)| connected);
        let is_in = connected.is_some();
        self.held.extend(connected);
        is_in
    }
}

#[test]
fn room_is_kept_within_what_the_server_runs_however_little() {
    for (most, unknown) in [
        (1, 1),
        (2, 1),
        (3, 2),
        (8, 7),
        (9, 7),
        (900, 787),
        (20_000, 14_336),
    ] {
        let mut served = Served::new(GuardConfig::new(), most);
        succeed(&mut served.guard, at(0), ip("192.0.2.1"), "alice");
        let came = (0..most).filter(|n| served.lets_in(scattered(*n))).count();
        assert_eq!(came, unknown, "{most}");
        let is_kept = unknown < most as usize;
        assert_eq!(served.lets_in(ip("192.0.2.1")), is_kept, "{most}");
    }
}

#[test]
fn nothing_is_kept_where_no_address_can_be_known() {
    let config = GuardConfig::new().known_for(std::time::Duration::ZERO);
    let mut served = Served::new(config, 16);
    succeed(&mut served.guard, at(0), ip("192.0.2.1"), "alice");
    assert_eq!(
        (0..99).filter(|n| served.lets_in(scattered(*n))).count(),
        16
    );
}

#[test]
fn where_unknown_addresses_do_not_share_one_may_have_all_that_they_get() {
    for (config, most) in [
        (GuardConfig::new(), 4),
        (GuardConfig::new().unknown_share(false), 28),
    ] {
        let mut served = Served::new(config, 32);
        let came = (0..99).filter(|_| served.lets_in(ip("192.0.2.1"))).count();
        assert_eq!(came, most);
    }
}

#[test]
fn the_room_kept_grows_with_few_connections_too() {
    for (connections, unknown) in [(1, 1), (2, 1), (4, 3), (9, 7)] {
        let mut guard = guard(GuardConfig::new().connections(connections));
        assert_eq!(admitted(&mut guard, (0..99).map(scattered)).len(), unknown);
    }
}

/// The `n`th of the attackers' addresses, by how they lie.
fn attacker(kind: u8, n: u16) -> IpAddr {
    let [high, low] = n.to_be_bytes();
    match kind {
        // Each from another network.
        0 => scattered(u32::from(n)),
        // Neighbours of one /24.
        1 => [10, 1, 1, low].into(),
        // The /64s of one /48, and each from another /48.
        2 => [0x2001, 0xdb8, 1, n, 0, 0, 0, 9].into(),
        _ => [0x2001, 0xdb8, n, 1, 0, 0, u16::from(high), 9].into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the addresses, the order and the server's limit: they get all the connections that
    /// they can, and there is room for who logged in before, and for somebody new.
    #[test]
    fn a_few_addresses_cannot_shut_everybody_out(
        most in prop_oneof![40_u32..200, Just(900), 200_u32..4_000],
        attackers in 1_u16..=15,
        kind in 0_u8..4,
        in_turn in any::<bool>(),
    ) {
        let mut served = Served::new(GuardConfig::new().entries(1024), most);
        let (regular, newcomer) = (ip("192.0.2.1"), ip("198.51.100.1"));
        succeed(&mut served.guard, at(0), regular, "alice");
        let rounds = if in_turn { most } else { 1 };
        let at_once = if in_turn { 1 } else { most };
        for _ in 0..rounds {
            for n in 0..attackers {
                for _ in 0..at_once {
                    if !served.lets_in(attacker(kind, n)) {
                        break;
                    }
                }
            }
        }
        prop_assert!((0..attackers).all(|n| !served.lets_in(attacker(kind, n))));
        prop_assert!(served.lets_in(newcomer), "nothing for newcomers");
        // All that newcomers can take, and what is kept is still there.
        (0..most).for_each(|n| { served.lets_in(scattered(1_000 + n)); });
        let regulars = (0..most).filter(|_| served.lets_in(regular)).count();
        prop_assert!(regulars >= 1 && regulars >= (most / 8).min(64) as usize, "{regulars}");
    }
}

#[test]
fn ipv6_counts_by_prefix_and_mapped_ipv4_as_ipv4() {
    let mut guard = guard(GuardConfig::new().connections_per_address(1));
    let _one = connect(&mut guard, at(0), ip("2001:db8:1:2::1"));
    assert_eq!(
        why(&mut guard, "2001:db8:1:2:ffff::9"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    assert_eq!(why(&mut guard, "2001:db8:1:3::1"), None);
    let _two = connect(&mut guard, at(0), ip("::ffff:192.0.2.1"));
    assert_eq!(
        why(&mut guard, "192.0.2.1"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    assert_eq!(why(&mut guard, "::ffff:192.0.2.2"), None);
    // Translated by NAT64: each is the IPv4 address that it stands for.
    let refused = Some(RefusedWhy::TooManyFromAddress);
    assert_eq!(why(&mut guard, "64:ff9b::192.0.2.1"), refused);
    assert_eq!(why(&mut guard, "64:ff9b::192.0.2.2"), None);
    let _three = connect(&mut guard, at(0), ip("64:ff9b::198.51.100.1"));
    assert_eq!(why(&mut guard, "198.51.100.1"), refused);
    assert_eq!(why(&mut guard, "64:ff9b::198.51.100.2"), None);
    // Not mapped, not translated, only similar.
    for similar in [
        "::192.0.2.1",
        "64:ff9b:1::192.0.2.1",
        "64:ff9b::1:192.0.2.1",
    ] {
        assert_eq!(why(&mut guard, similar), None, "{similar}");
    }
}

#[test]
fn prefixes_can_be_chosen() {
    let config = GuardConfig::new()
        .connections_per_address(1)
        .connections_per_network(2);
    let mut guard = guard(config.ipv4_prefixes(30, 16).ipv6_prefixes(56, 32));
    let _held = [
        connect(&mut guard, at(0), ip("192.0.2.1")),
        connect(&mut guard, at(0), ip("2001:db8:0:aa01::1")),
    ];
    assert_eq!(
        why(&mut guard, "192.0.2.2"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    assert_eq!(
        why(&mut guard, "2001:db8:0:aa02::1"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    let _more = [
        connect(&mut guard, at(0), ip("192.0.2.4")),
        connect(&mut guard, at(0), ip("2001:db8:ff::1")),
    ];
    assert_eq!(
        why(&mut guard, "192.0.99.9"),
        Some(RefusedWhy::TooManyFromNetwork)
    );
    assert_eq!(
        why(&mut guard, "2001:db8:ee::1"),
        Some(RefusedWhy::TooManyFromNetwork)
    );
    assert_eq!(why(&mut guard, "192.1.2.1"), None);
    assert_eq!(why(&mut guard, "2001:db9::1"), None);
}

#[test]
fn a_prefix_of_zero_makes_everyone_one() {
    let config = GuardConfig::new()
        .ipv4_prefixes(0, 0)
        .ipv6_prefixes(200, 200);
    let mut guard = guard(config.connections_per_address(1));
    let _held = [
        connect(&mut guard, at(0), ip("192.0.2.1")),
        connect(&mut guard, at(0), ip("::2")),
    ];
    assert_eq!(
        why(&mut guard, "8.8.8.8"),
        Some(RefusedWhy::TooManyFromAddress)
    );
    assert_eq!(why(&mut guard, "::3"), None);
}

#[test]
fn a_user_has_so_many_sessions_and_no_more() {
    let mut guard = guard(GuardConfig::new().sessions_per_user(2));
    let mut held: Vec<_> = (0..3)
        .map(|n| connect(&mut guard, at(0), scattered(n)))
        .collect();
    let results: Vec<_> = held
        .iter_mut()
        .map(|connected| {
            let attempt = begin(&mut guard, at(0), connected, "alice");
            guard
                .settle(at(0), connected, attempt, CheckResult::Success)
                .result
        })
        .collect();
    assert_eq!(
        results,
        [
            CheckResult::Success,
            CheckResult::Success,
            CheckResult::Unavailable
        ]
    );

    // Logging in again on the same connection takes no second place, logging out gives it up.
    let attempt = begin(&mut guard, at(1), &mut held[0], "alice");
    let again = guard.settle(at(1), &mut held[0], attempt, CheckResult::Success);
    assert_eq!(again.result, CheckResult::Success);
    guard.logged_out(&mut held[0]);
    guard.logged_out(&mut held[0]);
    let attempt = begin(&mut guard, at(2), &mut held[2], "alice");
    let third = guard.settle(at(2), &mut held[2], attempt, CheckResult::Success);
    assert_eq!(third.result, CheckResult::Success);
    for connected in held {
        guard.release(at(3), connected);
    }
    assert_eq!(guard.connections(), 0);
}

#[test]
fn a_value_that_is_dropped_stays_counted() {
    let mut guard = guard(GuardConfig::new());
    drop(connect(&mut guard, at(0), ip("192.0.2.1")));
    assert_eq!(guard.connections(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Connect(u8),
    Attempt(usize, u8, Option<bool>),
    LogOut(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..6).prop_map(Step::Connect),
        3 => (any::<usize>(), 0_u8..3, any::<Option<bool>>())
            .prop_map(|(which, name, found)| Step::Attempt(which, name, found)),
        1 => any::<usize>().prop_map(Step::LogOut),
        2 => any::<usize>().prop_map(Step::Release),
    ]
}

proptest! {
    /// After any coming and going, releasing everything leaves nothing behind: all that was
    /// possible at first is possible again.
    #[test]
    fn counts_neither_leak_nor_underflow(steps in prop::collection::vec(step(), 0..120)) {
        let config = GuardConfig::new()
            .connections(12)
            .reserved_for_known(0)
            .unknown_share(false)
            .connections_per_address(4)
            .sessions_per_user(3)
            // No lockout in the way: this is about counting.
            .user_at_address(ftp_guard::Rule::within(seconds(60)))
            .address(ftp_guard::Rule::within(seconds(60)))
            .network(ftp_guard::Rule::within(seconds(60)));
        let mut guard = guard(config);
        let mut held: Vec<(u8, Connected)> = Vec::new();
        for step in steps {
            match step {
                Step::Connect(host) => {
                    let from_here = held.iter().filter(|(other, _)| *other == host).count();
                    let expected = held.len() < 12 && from_here < 4;
                    let admission = guard.accept(at(0), [192, 0, 2, host].into()).connected();
                    prop_assert_eq!(admission.is_some(), expected);
                    held.extend(admission.map(|(connected, _)| (host, connected)));
                }
                Step::Attempt(which, name, found) if !held.is_empty() => {
                    let index = which % held.len();
                    let connected = &mut held[index].1;
                    let attempt = begin(&mut guard, at(0), connected, &format!("user{name}"));
                    // `None`: the attempt is dropped.
                    if let Some(right) = found {
                        let found = if right { CheckResult::Success } else { CheckResult::Failure };
                        let _ = guard.settle(at(0), connected, attempt, found);
                    }
                }
                Step::LogOut(which) if !held.is_empty() => {
                    let index = which % held.len();
                    guard.logged_out(&mut held[index].1);
                }
                Step::Release(which) if !held.is_empty() => {
                    let index = which % held.len();
                    guard.release(at(0), held.swap_remove(index).1);
                }
                _ => {}
            }
            prop_assert_eq!(guard.connections() as usize, held.len());
        }
        for (_, connected) in held {
            guard.release(at(0), connected);
        }
        prop_assert_eq!(guard.connections(), 0);
        for host in 0..3 {
            for _ in 0..4 {
                prop_assert!(guard.accept(at(0), [192, 0, 2, host].into()).connected().is_some());
            }
        }
        prop_assert!(guard.accept(at(0), [192, 0, 2, 9].into()).connected().is_none());
    }
}
