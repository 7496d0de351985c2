//! `serve` where connections are scarce: who still gets one.
#![cfg(unix)]

use crate::common::{Peer, Server};

/// A server that believes the headers of the tests: each client's address is what a test says.
fn server(options: &[&str]) -> Server {
    Server::start(&[&["--proxy-protocol", "127.0.0.1"], options].concat())
}

/// A connection from this address, if it is greeted.
fn greeted(server: &Server, address: &str) -> Option<Peer> {
    let family = if address.contains(':') {
        "TCP6"
    } else {
        "TCP4"
    };
    let mut peer = Peer::silent(server);
    peer.send(format!("PROXY {family} {address} {address} 4711 21\r\n").as_bytes());
    let greeting = peer.try_hear().unwrap_or_default();
    greeting.starts_with("220 ").then_some(peer)
}

/// All the connections that these addresses can get, and hold.
fn all_they_get(server: &Server, addresses: impl Iterator<Item = String>) -> Vec<Peer> {
    let all_of = |address: String| std::iter::from_fn(move || greeted(server, &address));
    addresses.flat_map(all_of).collect()
}

fn log_in_and_leave(server: &Server, address: &str) {
    let mut regular = greeted(server, address).expect("greeted");
    regular.log_in();
    assert!(regular.ask("QUIT").starts_with("221 "));
    assert!(regular.is_closed());
}

#[test]
fn fifteen_addresses_that_hold_all_they_can_shut_nobody_out() {
    type Attackers = fn(u32) -> String;
    let kinds: [Attackers; 3] = [
        |n| format!("10.0.{n}.1"),
        |n| format!("10.0.0.{n}"),
        |n| format!("2001:db8:1:{n:x}::1"),
    ];
    for (kind, attacker) in kinds.into_iter().enumerate() {
        let server = server(&["--max-sessions", "48"]);
        log_in_and_leave(&server, "192.0.2.1");
        let mut held = all_they_get(&server, (1..=15).map(attacker));
        assert!(held.len() > 15, "{kind}: {}", held.len());
        // Somebody new, and more of them than there is room for.
        let mut newcomer = greeted(&server, "198.51.100.1").expect("room for a newcomer");
        newcomer.log_in();
        held.extend(all_they_get(
            &server,
            (1..=60).map(|n| format!("10.9.{n}.1")),
        ));
        assert!(greeted(&server, "203.0.113.1").is_none(), "{kind}");
        let mut regulars: Vec<_> = (0..6)
            .map(|_| greeted(&server, "192.0.2.1").expect("room for a regular"))
            .collect();
        regulars.iter_mut().for_each(Peer::log_in);
        newcomer.ask("NOOP");
        let (_, _, log) = server.stop("-TERM");
        let refused = log
            .lines()
            .find(|line| line.contains("refused by the guard"));
        let refused = refused.unwrap_or_else(|| panic!("{kind}: {log}"));
        assert!(refused.contains("option=\"--max-sessions,"), "{refused}");
    }
}

#[test]
fn two_places_are_one_for_anybody_and_one_for_who_was_here_before() {
    let server = server(&["--max-sessions", "2"]);
    log_in_and_leave(&server, "192.0.2.1");
    let _held = all_they_get(&server, (1..=99).map(|n| format!("10.0.{n}.1")));
    greeted(&server, "192.0.2.1").expect("room").log_in();
}

#[test]
fn one_address_may_have_them_all_where_the_operator_says_so() {
    let options = ["--max-sessions", "8", "--guard"];
    for (option, most) in [("connections-per-address=8", 7), ("address=20", 1)] {
        let server = server(&[&options[..], &[option]].concat());
        assert_eq!(
            all_they_get(&server, ["10.0.0.1".into()].into_iter()).len(),
            most
        );
    }
}
