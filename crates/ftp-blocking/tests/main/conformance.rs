//! The suite that all adapters pass, and the misbehaving peers of `ftp-testkit`, on blocking sockets.

use ftp_testkit::conformance::{Blocking, play_all, use_files};
use ftp_testkit::misbehaving::{try_client, try_server};

#[test]
fn every_scenario_comes_to_what_it_must() {
    play_all(&Blocking, &Blocking);
}

#[test]
fn whatever_clients_do_with_files_comes_to_what_it_must() {
    use_files(&Blocking);
}

#[test]
fn misbehaving_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Blocking);
}

#[test]
fn misbehaving_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Blocking);
}
