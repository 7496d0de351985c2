//! Which address is tried when: RFC 8305 on virtual time, over networks of every kind.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::connect::{Race, RaceStep};
use proptest::prelude::*;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn at(millisecond: u64) -> Instant {
    Instant::from_start(ms(millisecond))
}

fn v6(host: u16) -> SocketAddr {
    (
        std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host),
        21,
    )
        .into()
}

fn v4(host: u8) -> SocketAddr {
    (std::net::Ipv4Addr::new(192, 0, 2, host), 21).into()
}

/// What becomes of an attempt, and after how many milliseconds.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fails(u64),
    Connects(u64),
    Hangs,
}

/// One that the resolver gives at some time, and what becomes of it.
#[derive(Debug, Clone, Copy)]
struct Host {
    address: SocketAddr,
    known_at: u64,
    fate: Fate,
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// When each attempt began.
    starts: Vec<(u64, SocketAddr)>,
    /// When an attempt failed.
    failures: BTreeSet<u64>,
    end: RaceStep,
    ended_at: u64,
    reported: Vec<(SocketAddr, Option<u64>)>,
}

/// Runs a race over a network of these hosts. Polls when something happened, when the race asked
/// for it, and at the further times given.
fn run(mut race: Race<u64>, hosts: &[Host], resolved_at: u64, polls: &[u64]) -> Outcome {
    let mut now = 0;
    let mut starts: Vec<(u64, SocketAddr)> = Vec::new();
    let mut failures = BTreeSet::new();
    let mut open: Vec<(u64, Host)> = Vec::new();
    let mut told = None;
    for _ in 0..10_000 {
        if told < Some(now) {
            let known = |host: &&Host| told < Some(host.known_at) && host.known_at <= now;
            let added: Vec<_> = hosts
                .iter()
                .filter(known)
                .map(|host| host.address)
                .collect();
            if !added.is_empty() {
                race.add(at(now), added);
            }
            if told < Some(resolved_at) && resolved_at <= now {
                race.resolved(at(now));
            }
            told = Some(now);
        }
        let (ended, still): (Vec<_>, Vec<_>) = open.into_iter().partition(|(end, _)| *end <= now);
        open = still;
        for (_, host) in ended {
            match host.fate {
                Fate::Connects(_) => race.connected(at(now), host.address),
                _ => {
                    failures.insert(now);
                    race.failed(at(now), host.address, now);
                }
            }
        }
        let until = match race.poll(at(now)) {
            RaceStep::Connect { address, deadline } => {
                starts.push((now, address));
                let host = *hosts.iter().find(|host| host.address == address).unwrap();
                let end = match host.fate {
                    Fate::Fails(after) | Fate::Connects(after) => now + after,
                    Fate::Hangs => u64::MAX,
                };
                if Instant::from_start(Duration::from_millis(end)) < deadline {
                    open.push((end, host));
                }
                continue;
            }
            RaceStep::Wait { until } => until,
            end => {
                assert_eq!(race.poll(at(now + 5)), end, "the end stays");
                let reported = race.into_failures();
                return Outcome {
                    starts,
                    failures,
                    end,
                    ended_at: now,
                    reported,
                };
            }
        };
        // In whole milliseconds, never early.
        let until = until.since_start().as_nanos().div_ceil(1_000_000) as u64;
        assert!(until > now, "a wait for the past at {now}");
        let arrivals = hosts.iter().map(|host| host.known_at).chain([resolved_at]);
        let ends = open.iter().map(|(end, _)| *end);
        let happens = arrivals.chain(ends).chain(polls.iter().copied());
        now = happens.filter(|time| *time > now).fold(until, u64::min);
    }
    panic!("the race does not end");
}

/// All known at once.
fn at_once(fates: impl IntoIterator<Item = (SocketAddr, Fate)>) -> Vec<Host> {
    let host = |(address, fate)| Host {
        address,
        known_at: 0,
        fate,
    };
    fates.into_iter().map(host).collect()
}

fn race() -> Race<u64> {
    Race::new(at(0), ms(30_000))
}

#[test]
fn families_take_turns_every_quarter_of_a_second() {
    let order = [v6(1), v6(2), v6(3), v4(1), v4(2)];
    let hosts = at_once(order.map(|address| (address, Fate::Hangs)));
    let outcome = run(race(), &hosts, 0, &[]);
    assert_eq!(
        outcome.starts,
        [
            (0, v6(1)),
            (250, v4(1)),
            (500, v6(2)),
            (750, v4(2)),
            (1000, v6(3))
        ]
    );
    assert_eq!(
        (outcome.end, outcome.ended_at),
        (RaceStep::TimedOut, 30_000)
    );
    assert!(outcome.reported.iter().all(|(_, error)| error.is_none()));
    assert_eq!(outcome.reported.len(), 5);
}

#[test]
fn the_resolver_says_which_family_is_first() {
    let hosts = at_once([v4(1), v4(2), v6(1)].map(|address| (address, Fate::Hangs)));
    let starts = run(race(), &hosts, 0, &[]).starts;
    assert_eq!(starts, [(0, v4(1)), (250, v6(1)), (500, v4(2))]);
    let hosts = at_once([v6(1), v6(2), v6(3), v4(1)].map(|address| (address, Fate::Hangs)));
    let starts = run(race().first_family_count(2), &hosts, 0, &[]).starts;
    assert_eq!(
        starts,
        [(0, v6(1)), (250, v6(2)), (500, v4(1)), (750, v6(3))]
    );
}

#[test]
fn a_failure_starts_the_next_at_once() {
    let hosts = at_once([
        (v6(1), Fate::Fails(10)),
        (v4(1), Fate::Hangs),
        (v6(2), Fate::Connects(40)),
    ]);
    let outcome = run(race(), &hosts, 0, &[]);
    assert_eq!(outcome.starts, [(0, v6(1)), (10, v4(1)), (260, v6(2))]);
    assert_eq!(
        (outcome.end, outcome.ended_at),
        (RaceStep::Connected(v6(2)), 300)
    );
    assert_eq!(outcome.reported, [(v6(1), Some(10)), (v4(1), None)]);
}

#[test]
fn each_failure_starts_one_however_seldom_it_is_polled() {
    let mut race = race();
    race.add(at(0), [v6(1), v6(2), v6(3), v6(4), v6(5)]);
    race.resolved(at(0));
    for start in [0, 250] {
        assert!(matches!(race.poll(at(start)), RaceStep::Connect { .. }));
    }
    race.failed(at(300), v6(1), 0);
    race.failed(at(300), v6(2), 0);
    assert!(matches!(race.poll(at(300)), RaceStep::Connect { address, .. } if address == v6(3)));
    assert!(matches!(race.poll(at(300)), RaceStep::Connect { address, .. } if address == v6(4)));
    assert_eq!(race.poll(at(300)), RaceStep::Wait { until: at(550) });
}

#[test]
fn ipv4_waits_a_moment_for_ipv6_and_no_longer() {
    let host = |address, known_at| Host {
        address,
        known_at,
        fate: Fate::Hangs,
    };
    let in_time = [host(v4(1), 20), host(v6(1), 60)];
    assert_eq!(
        run(race(), &in_time, 60, &[]).starts,
        [(60, v6(1)), (310, v4(1))]
    );
    let late = [host(v4(1), 20), host(v4(2), 20), host(v6(1), 100)];
    assert_eq!(
        run(race(), &late, 100, &[]).starts,
        [(70, v4(1)), (320, v6(1)), (570, v4(2))]
    );
    // IPv6 waits for nobody, and nobody waits once the resolver is done.
    assert_eq!(
        run(race(), &[host(v6(1), 20)], 300, &[]).starts,
        [(20, v6(1))]
    );
    assert_eq!(
        run(race(), &[host(v4(1), 20)], 20, &[]).starts,
        [(20, v4(1))]
    );
}

#[test]
fn no_address_at_all_is_the_end_once_the_resolver_is_done() {
    let outcome = run(race(), &[], 100, &[]);
    assert_eq!((outcome.end, outcome.ended_at), (RaceStep::Exhausted, 100));
    assert_eq!(outcome.reported, []);
    let outcome = run(race(), &[], 40_000, &[]);
    assert_eq!(
        (outcome.end, outcome.ended_at),
        (RaceStep::TimedOut, 30_000)
    );
}

#[test]
fn one_at_a_time_no_address_uses_the_time_of_the_others() {
    let hosts = at_once([
        (v6(1), Fate::Hangs),
        (v4(1), Fate::Fails(2_000)),
        (v6(2), Fate::Hangs),
        (v4(2), Fate::Connects(100)),
    ]);
    let outcome = run(race().one_at_a_time(), &hosts, 0, &[]);
    assert_eq!(
        outcome.starts,
        [(0, v6(1)), (7_500, v4(1)), (9_500, v6(2)), (19_750, v4(2))]
    );
    assert_eq!(outcome.end, RaceStep::Connected(v4(2)));
    assert_eq!(
        outcome.reported,
        [(v6(1), None), (v4(1), Some(9_500)), (v6(2), None)]
    );
}

#[test]
fn a_short_time_is_shared_too() {
    let hosts = at_once([(v6(1), Fate::Hangs), (v4(1), Fate::Connects(10))]);
    let outcome = run(Race::new(at(0), ms(240)), &hosts, 0, &[]);
    assert_eq!(outcome.starts, [(0, v6(1)), (120, v4(1))]);
    assert_eq!(outcome.end, RaceStep::Connected(v4(1)));
}

#[test]
fn what_does_not_belong_is_ignored() {
    let mut race = race();
    race.add(at(0), [v6(1), v6(1), v4(1)]);
    race.resolved(at(0));
    race.add(at(0), [v4(9)]);
    race.failed(at(0), v4(1), 1); // not begun
    race.connected(at(0), v4(1));
    assert!(matches!(race.poll(at(0)), RaceStep::Connect { address, .. } if address == v6(1)));
    race.failed(at(10), v6(1), 2);
    race.failed(at(10), v6(1), 3); // twice
    race.connected(at(10), v6(1)); // after its failure
    assert!(matches!(race.poll(at(5)), RaceStep::Connect { address, .. } if address == v4(1)));
    race.connected(at(20), v4(1));
    race.failed(at(20), v4(1), 4); // after its success
    assert_eq!(race.poll(at(40_000)), RaceStep::Connected(v4(1)));
    assert_eq!(race.into_failures(), [(v6(1), Some(2))]);
}

#[test]
fn an_address_that_comes_twice_is_tried_once() {
    let mut race = race();
    race.add(at(0), [v6(1), v6(1)]);
    assert!(matches!(race.poll(at(0)), RaceStep::Connect { .. }));
    race.failed(at(10), v6(1), 10);
    race.add(at(20), [v6(1)]);
    race.resolved(at(20));
    assert_eq!(race.poll(at(20)), RaceStep::Exhausted);
    assert_eq!(race.into_failures(), [(v6(1), Some(10))]);
}

#[test]
fn a_caller_may_block_in_the_only_attempt_that_is_left() {
    let mut race = Race::<u64>::new(at(0), ms(1_000));
    race.add(at(0), [v4(1)]);
    let RaceStep::Connect { address, .. } = race.poll(at(50)) else {
        panic!("nothing is tried");
    };
    assert!(!race.is_alone(), "the resolver may know another");
    race.add(at(50), [v4(2)]);
    race.resolved(at(50));
    assert!(!race.is_alone(), "another waits");
    let RaceStep::Connect { .. } = race.poll(at(300)) else {
        panic!("the other is not tried");
    };
    assert!(!race.is_alone(), "two are under way");
    race.failed(at(310), address, 0);
    assert!(race.is_alone());
    race.connected(at(320), v4(2));
    assert!(!race.is_alone(), "it is over");
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => (0_u64..4_000).prop_map(Fate::Fails),
        1 => (0_u64..4_000).prop_map(Fate::Connects),
        2 => Just(Fate::Hangs),
    ]
}

fn hosts() -> impl Strategy<Value = Vec<Host>> {
    let address = prop_oneof![(1..12_u16).prop_map(v6), (1..12_u8).prop_map(v4)];
    let known_at = prop_oneof![3 => Just(0_u64), 1 => 0_u64..3_000];
    let host = (address, known_at, fate());
    prop::collection::vec(host, 0..14).prop_map(|hosts| {
        let mut seen = BTreeSet::new();
        let hosts = hosts
            .into_iter()
            .filter(|(address, ..)| seen.insert(*address));
        hosts
            .map(|(address, known_at, fate)| Host {
                address,
                known_at,
                fate,
            })
            .collect()
    })
}

prop_compose! {
    fn any_race()(
        within in prop_oneof![0_u64..3_000, Just(30_000)],
        delay in prop_oneof![Just(250_u64), 0_u64..3_000],
        one_at_a_time: bool,
        count in 0_usize..4,
    ) -> (u64, u64, bool, usize) {
        (within, delay, one_at_a_time, count)
    }
}

fn build((within, delay, one_at_a_time, count): (u64, u64, bool, usize)) -> Race<u64> {
    let race = Race::new(at(0), ms(within))
        .attempt_delay(ms(delay))
        .first_family_count(count);
    if one_at_a_time {
        race.one_at_a_time()
    } else {
        race
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_race_keeps_its_rules(config in any_race(), hosts in hosts(), late in 0_u64..5_000) {
        let (within, delay, one_at_a_time, _) = config;
        let resolved_at = hosts.iter().map(|host| host.known_at).max().unwrap_or(0) + late;
        let outcome = run(build(config), &hosts, resolved_at, &[]);

        // Each at most once, never before it is known, never at or after the end.
        let tried: Vec<_> = outcome.starts.iter().map(|(_, address)| *address).collect();
        prop_assert_eq!(tried.iter().collect::<BTreeSet<_>>().len(), tried.len());
        for (start, address) in &outcome.starts {
            let host = hosts.iter().find(|host| host.address == *address).unwrap();
            prop_assert!(host.known_at <= *start && *start < within);
        }
        prop_assert!(outcome.ended_at <= within);

        // All failed: each exactly once, and reported in the order in which it was tried.
        if outcome.end == RaceStep::Exhausted {
            prop_assert_eq!(tried.len(), hosts.len());
            prop_assert!(outcome.reported.iter().all(|(_, error)| error.is_some()) || one_at_a_time);
        }
        let mut reported = outcome.reported.iter().map(|(address, _)| *address).collect::<Vec<_>>();
        if let RaceStep::Connected(winner) = outcome.end {
            reported.push(winner);
            reported.sort_by_key(|address| tried.iter().position(|each| each == address));
        }
        prop_assert_eq!(&reported, &tried);

        // Starts keep their distance, unless one failed or was given up in between.
        let shortest = ms(delay).clamp(ms(100), ms(2_000)).as_millis() as u64;
        for pair in outcome.starts.windows(2) {
            let (before, after) = (pair[0].0, pair[1].0);
            let failed = outcome.failures.range(before..=after).next().is_some();
            let time_is_short = within.saturating_sub(before) / 15 < shortest;
            let distance = if time_is_short { shortest.min(100) } else { shortest };
            prop_assert!(failed || one_at_a_time || after - before >= distance, "{pair:?}");
        }
    }

    #[test]
    fn families_alternate_as_long_as_both_have_addresses(
        config in any_race(),
        hosts in hosts(),
    ) {
        let hosts: Vec<_> = hosts.into_iter().map(|host| Host { known_at: 0, ..host }).collect();
        let count = config.3.max(1);
        let starts = run(build(config), &hosts, 0, &[]).starts;
        let of = |ipv6| hosts.iter().map(|host| host.address).filter(move |a| a.is_ipv6() == ipv6);
        let (mut ours, mut theirs) = match hosts.first() {
            Some(first) => (of(first.address.is_ipv6()), of(!first.address.is_ipv6())),
            None => return Ok(()),
        };
        let mut expected = Vec::new();
        expected.extend(ours.by_ref().take(count));
        for _ in 0..hosts.len() {
            expected.extend(theirs.next());
            expected.extend(ours.next());
        }
        let starts: Vec<_> = starts.into_iter().map(|(_, address)| address).collect();
        prop_assert_eq!(&starts[..], &expected[..starts.len()]);
    }

    #[test]
    fn spurious_polls_change_nothing(
        config in any_race(),
        hosts in hosts(),
        polls in prop::collection::vec(0_u64..6_000, 0..60),
    ) {
        let resolved_at = hosts.iter().map(|host| host.known_at).max().unwrap_or(0);
        let seldom = run(build(config), &hosts, resolved_at, &[]);
        let often = run(build(config), &hosts, resolved_at, &polls);
        prop_assert_eq!(seldom, often);
    }
}
