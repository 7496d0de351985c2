//! The misbehaving peers before both machines; and they find clients and servers that trust them.
#![cfg(feature = "tls")]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use ftp_proto::client::LoggedInBy;
use ftp_proto::server::ClosedWhy;
use ftp_testkit::misbehaving::{
    Case, ClientUnderTest, Outcome, Record, ServerEnd, ServerSetup, ServerUnderTest, Setup, Side,
    clients, servers, try_client, try_client_machine, try_server, try_server_machine,
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
#[should_panic(expected = "pass-eof: came to \"logged in by password\"")]
fn a_client_that_always_believes_to_be_logged_in_is_caught() {
    try_client(Credulous);
}

#[test]
#[should_panic(expected = "pipelined-guesses: heard")]
fn a_server_that_lets_everyone_in_is_caught() {
    try_server(Credulous);
}

fn without_sockets(cases: Vec<Case>) -> Vec<Case> {
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| !case.needs_sockets())
        .collect();
    assert!(cases.len() >= 30, "the collection shrinks");
    cases
}

#[test]
fn the_client_logs_in_to_misbehaving_servers_rightly_or_not_at_all() {
    try_client_machine(&without_sockets(servers()));
}

#[test]
fn the_server_tells_misbehaving_clients_what_is_due_and_nothing_more() {
    try_server_machine(&without_sockets(clients()));
}

#[test]
#[should_panic(expected = "wrong: came to \"refused 530 in user\"")]
fn a_client_s_machine_that_comes_to_another_end_is_caught() {
    let text = "CASE wrong: x\nS: 220 Hi.\nC: USER\nS: 530 No.\nEXPECT refused 530 in password\n";
    try_client_machine(&Case::parse(text, Side::Server).unwrap());
}

#[test]
#[should_panic(expected = "wrong: heard 220 221")]
fn a_server_s_machine_that_says_something_else_is_caught() {
    let text = "CASE wrong: x\nC: QUIT\nHEARS 220 421\nEXPECT quit\n";
    try_server_machine(&Case::parse(text, Side::Client).unwrap());
}

#[test]
fn what_is_no_case_is_named_by_its_line() {
    let line = |text: &str| Case::parse(text, Side::Server).err().map(|(line, _)| line);
    assert_eq!(line("# fine\n\nCASE a: b\nS: 220 Hi.\nEXPECT x\n"), None);
    for (text, wrong) in [
        ("S: 220 Ready.\n", 1),
        ("CASE without a description\n", 1),
        ("CASE a: b\n\nS 220 Ready.\nEXPECT x\n", 3),
        ("CASE a: b\nWITH unheard of\nEXPECT x\n", 2),
        ("CASE a: b\nDEADLINE first command\nEXPECT x\n", 2),
        ("CASE a: b\nSECURITY some\nEXPECT x\n", 2),
        ("CASE a: b\nHEARS 220\nEXPECT x\n", 2),
        ("CASE a: b\nSEND \"unclosed\nEXPECT x\n", 2),
        ("CASE a: b\nSEND \"\\y\"\nEXPECT x\n", 2),
        ("CASE a: b\nSEND 3 \"x\"\nEXPECT x\n", 2),
        ("CASE a: b\nFLOOD \"\"\nEXPECT x\n", 2),
        ("CASE a: b\nPAUSE 3\nEXPECT x\n", 2),
        ("CASE a: b\nCLOSE\n", 2),
    ] {
        assert_eq!(line(text), Some(wrong), "{text}");
    }
}

#[test]
fn every_case_has_a_name_of_its_own_and_a_script_that_differs() {
    let servers = servers();
    let mut told = HashSet::new();
    for case in &servers {
        let script = format!("{:?} {:?} {:?}", case.script, case.security, case.then);
        assert!(told.insert(case.name.clone()), "{} twice", case.name);
        let is_strict = case.name.ends_with("where-strict");
        assert!(
            told.insert(script) || is_strict,
            "{}: told before",
            case.name
        );
    }
    let clients = clients();
    let names: HashSet<_> = clients.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), clients.len());
    assert!(
        servers.len() >= 241 && clients.len() >= 76,
        "the collection shrinks"
    );
}
