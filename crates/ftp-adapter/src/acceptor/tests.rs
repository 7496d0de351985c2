//! How many are received, refused and ignored.

use super::*;
use crate::SystemClock;
use ftp_guard::{AttemptDecision, CheckResult, Guard, GuardConfig, Lockout, Rule, Seed};
use ftp_proto::Username;

/// Each from a network of its own.
fn peer(high: u8, low: u8) -> SocketAddr {
    ([10, high, low, 1], 4711).into()
}

/// With the default guard, and this known address.
fn acceptor(max_sessions: usize, known: SocketAddr) -> Acceptor<SystemClock> {
    let guard = Guard::new(GuardConfig::new(), Seed::new([7; 16]));
    let guard = SharedGuard::<SystemClock>::new(guard);
    guard.with(|guard, now| {
        let (mut connected, _) = guard.accept(now, known.ip()).connected().unwrap();
        let decision = guard.attempt(now, &mut connected, b"anna");
        let AttemptDecision::Check(attempt) = decision else {
            panic!("no other attempt is open");
        };
        let _ = guard.settle(now, &mut connected, attempt, CheckResult::Success);
        guard.release(now, connected);
    });
    let config = Config::new().security(Security::DangerousPlaintext);
    let mut acceptor = Acceptor::new(Arc::new(config), None).unwrap();
    // Set after the guard, to show that the order does not matter.
    acceptor.set_guard(guard);
    acceptor.set_max_sessions(max_sessions);
    acceptor
}

#[test]
fn the_guard_keeps_room_for_known_addresses_within_the_sessions_there_may_be() {
    let known = peer(2, 1);
    for (max_sessions, unknown) in [(1, 1), (2, 1), (16, 14), (900, 787)] {
        let acceptor = acceptor(max_sessions, known);
        let mut held = Vec::new();
        let mut refused = Vec::new();
        for n in 0..=u8::MAX {
            for high in [10, 11, 12, 13] {
                let (accepted, decision) = acceptor.receive(Availability::Free, peer(high, n));
                if let AcceptDecision::Greet = decision {
                    held.push(accepted);
                } else {
                    // Refused ones take no slot, also while they get their 421.
                    refused.push(accepted);
                }
            }
        }
        assert_eq!(held.len(), unknown);
        let (accepted, decision) = acceptor.receive(Availability::Free, known);
        if max_sessions == 1 {
            assert_eq!(accepted.refused, Some(Refused::OverLimit));
        } else {
            assert!(
                matches!(decision, AcceptDecision::Greet),
                "{max_sessions}: {accepted:?}"
            );
        }
        drop((held, accepted, refused));
        assert_eq!(acceptor.open.load(Ordering::Relaxed), 0);
        assert_eq!(acceptor.refusing.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_client_is_told_the_same_whatever_the_guard_refuses_it_for() {
    let mut reasons = Vec::new();
    let one_failure = Rule::within(Duration::from_secs(60)).lockout(Lockout::after(1));
    for config in [
        GuardConfig::new().connections(1),
        GuardConfig::new().connections_per_address(1),
        GuardConfig::new().connections_per_network(1),
        GuardConfig::new().address(one_failure),
        GuardConfig::new().network(one_failure),
    ] {
        let config_of_server = Config::new().security(Security::DangerousPlaintext);
        let mut acceptor = Acceptor::new(Arc::new(config_of_server), None).unwrap();
        let guard = Guard::new(config, Seed::new([7; 16]));
        acceptor.set_guard(SharedGuard::<SystemClock>::new(guard));
        let (mut first, _) = acceptor.receive(Availability::Free, peer(2, 1));
        // The first attempt is never settled, so it fails when the second is made.
        for _ in 0..2 {
            let guarded = first.guarded.as_mut().unwrap();
            let _ = guarded.may_check(&Username::new("anna").unwrap());
        }
        let (second, decision) = acceptor.receive(Availability::Free, peer(2, 1));
        assert!(matches!(decision, AcceptDecision::Refuse(REFUSED_TEXT)));
        reasons.push(second.refused);
    }
    let reasons_of_guard = [
        RefusedWhy::TooManyInAll,
        RefusedWhy::TooManyFromAddress,
        RefusedWhy::TooManyFromNetwork,
        RefusedWhy::AddressLockedOut,
        RefusedWhy::NetworkLockedOut,
    ];
    let expected = reasons_of_guard.map(|why| Some(Refused::ByGuard(why)));
    assert_eq!(reasons, expected);
}

#[test]
fn without_a_guard_so_many_are_received_and_so_many_told_that_there_is_no_room() {
    let config = Config::new().security(Security::DangerousPlaintext);
    let mut acceptor = Acceptor::<SystemClock>::new(Arc::new(config), None).unwrap();
    acceptor.set_max_sessions(3);
    let received: Vec<_> = (0..99)
        .map(|n| acceptor.receive(Availability::Free, peer(2, n)))
        .collect();
    let count = |wanted: fn(&AcceptDecision) -> bool| {
        let wanted = received.iter().filter(|(_, decision)| wanted(decision));
        wanted.count()
    };
    assert_eq!(
        count(|decision| matches!(decision, AcceptDecision::Greet)),
        3
    );
    let told = count(|decision| matches!(decision, AcceptDecision::Refuse(FULL_TEXT)));
    assert_eq!(told, REFUSED_AT_A_TIME);
    drop(received);
    let (_, decision) = acceptor.receive(Availability::Free, peer(2, 1));
    assert!(matches!(decision, AcceptDecision::Greet));
    // By hand there is no limit.
    let by_hand: Vec<_> = (0..9)
        .map(|n| acceptor.receive(Availability::Uncounted, peer(2, n)))
        .collect();
    let is_now = |(_, decision): &(_, _)| matches!(decision, AcceptDecision::Greet);
    assert!(by_hand.iter().all(is_now));
}

#[test]
fn what_will_not_pass_by_itself_is_waited_for_longer_and_longer() {
    let full = io::Error::from_raw_os_error(24);
    let mut pause = None;
    let mut pauses = Vec::new();
    for _ in 0..9 {
        pause = accept_pause(&full, pause);
        pauses.push(pause.map_or(0, |pause| pause.as_millis()));
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
}

#[test]
fn a_connection_that_broke_at_once_is_no_reason_to_wait() {
    assert_eq!(
        accept_pause(&io::ErrorKind::ConnectionAborted.into(), None),
        None
    );
}
