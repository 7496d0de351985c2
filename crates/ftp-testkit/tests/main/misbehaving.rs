//! The misbehaving peers find clients and servers that trust them.
#![cfg(feature = "tls")]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use ftp_proto::client::LoggedInBy;
use ftp_proto::server::ClosedWhy;
use ftp_testkit::misbehaving::{
    ClientUnderTest, Outcome, Record, ServerEnd, ServerSetup, ServerUnderTest, Setup, clients,
    servers, try_client, try_server,
};

struct Credulous;

impl ClientUnderTest for Credulous {
    fn log_in(&self, server: SocketAddr, _: &Setup) -> Outcome {
        TcpStream::connect(server).unwrap();
        Outcome::LoggedIn {
            by: LoggedInBy::Password,
            then: None,
        }
    }
}

impl ServerUnderTest for Credulous {
    fn serve_one(&self, listener: TcpListener, _: &ServerSetup, record: &Arc<Record>) {
        listener.accept().unwrap();
        record.logged_in();
        record.ended(ServerEnd::Closed(ClosedWhy::Quit));
    }
}

#[test]
#[should_panic(expected = "pass-530: came to LoggedIn")]
fn a_client_that_always_believes_to_be_logged_in_is_caught() {
    try_client(Credulous);
}

#[test]
#[should_panic(expected = "pipelined-guesses: heard")]
fn a_server_that_lets_everyone_in_is_caught() {
    try_server(Credulous);
}

#[test]
fn every_lie_has_a_name_of_its_own_and_a_script_that_differs() {
    let servers = servers::all();
    let mut told = HashSet::new();
    for case in &servers {
        let script = format!("{:?} {:?} {:?}", case.script, case.security, case.then);
        assert!(told.insert(case.name.to_owned()), "{} twice", case.name);
        let is_strict = case.name.ends_with("where-strict");
        assert!(
            told.insert(script) || is_strict,
            "{}: told before",
            case.name
        );
        assert!(!case.case.is_empty() && !case.outcomes.is_empty());
    }
    let clients = clients::all();
    let names: HashSet<_> = clients.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), clients.len());
    assert!(
        servers.len() >= 60 && clients.len() >= 60,
        "the collection shrinks"
    );
}
