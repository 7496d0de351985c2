//! The suite that all adapters pass, and the misbehaving peers of `ftp-testkit`, on tokio.

use std::net::TcpListener;

use ftp_testkit::conformance::{Async, Platform, play_all, serve_files, use_files};
use ftp_testkit::misbehaving::{try_client, try_server};
use ftp_tokio::Tokio;

struct OnTokio;

impl Platform for OnTokio {
    type Runtime = Tokio;
    const NAME: &'static str = "tokio";

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(future)
    }

    fn listener(listener: TcpListener) -> tokio::net::TcpListener {
        listener.set_nonblocking(true).unwrap();
        tokio::net::TcpListener::from_std(listener).unwrap()
    }
}

#[test]
fn every_scenario_comes_to_what_it_must() {
    let adapter = Async::<OnTokio>::new();
    play_all(&adapter, &adapter);
}

#[test]
fn whatever_clients_do_with_files_comes_to_what_it_must() {
    use_files(&Async::<OnTokio>::new());
}

#[test]
fn files_are_served() {
    serve_files::<OnTokio>(&Async::<OnTokio>::new());
}

#[test]
fn misbehaving_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Async::<OnTokio>::new());
}

#[test]
fn misbehaving_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Async::<OnTokio>::new());
}
