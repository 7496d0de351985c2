//! The suite that all adapters pass, and the misbehaving peers of `ftp-testkit`, on async-std.

use std::net::TcpListener;

use ftp_async_std::AsyncStd;
use ftp_testkit::conformance::{Async, Platform, play_all, serve_files, use_files};
use ftp_testkit::misbehaving::{try_client, try_server};

struct OnAsyncStd;

impl Platform for OnAsyncStd {
    type Runtime = AsyncStd;
    const NAME: &'static str = "async-std";

    fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn listener(listener: TcpListener) -> async_std::net::TcpListener {
        listener.into()
    }
}

#[test]
fn every_scenario_comes_to_what_it_must() {
    let adapter = Async::<OnAsyncStd>::new();
    play_all(&adapter, &adapter);
}

#[test]
fn whatever_clients_do_with_files_comes_to_what_it_must() {
    use_files(&Async::<OnAsyncStd>::new());
}

#[test]
fn files_are_served() {
    serve_files::<OnAsyncStd>(&Async::<OnAsyncStd>::new());
}

#[test]
fn misbehaving_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Async::<OnAsyncStd>::new());
}

#[test]
fn misbehaving_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Async::<OnAsyncStd>::new());
}
