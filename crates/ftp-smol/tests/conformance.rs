//! The suite that all adapters pass, and the misbehaving peers of `ftp-testkit`, on smol.

use std::net::TcpListener;

use ftp_smol::Smol;
use ftp_testkit::conformance::{Async, Platform, play_all};
use ftp_testkit::misbehaving::{try_client, try_server};

struct OnSmol;

impl Platform for OnSmol {
    type Runtime = Smol;
    const NAME: &'static str = "smol";

    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn listener(listener: TcpListener) -> smol::net::TcpListener {
        smol::Async::new(listener).unwrap().into()
    }
}

#[test]
fn every_scenario_comes_to_what_it_must() {
    let adapter = Async::<OnSmol>::new();
    play_all(&adapter, &adapter);
}

#[test]
fn misbehaving_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Async::<OnSmol>::new());
}

#[test]
fn misbehaving_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Async::<OnSmol>::new());
}
