//! Data connections that are made, and put under TLS, before the command that they are for.

use ftp_proto::data::{self, Direction, Error, Event};
use ftp_proto::server::{Config, FilesConfig, Misuse, Resumption, Rights, Security};
use ftp_proto::{Action, Machine, Securable};

use super::file_service::LISTENER;
use super::harness::{Server, seconds, tls_session};

/// Logged in under TLS, and listening.
fn listening(resumption: Resumption) -> Server {
    let files = FilesConfig::new()
        .rights(Rights::ALL)
        .resumption(resumption);
    let config = Config::new()
        .security(Security::ExplicitTls)
        .clear_command_channel(true)
        .files(files);
    let mut server = Server::new(config);
    server.said();
    for line in [
        "AUTH TLS",
        "USER anna",
        "PASS right",
        "PBSZ 0",
        "PROT P",
        "TYPE I",
    ] {
        let said = server.send(line);
        assert!(said.starts_with(['2', '3']), "{line}: {said}");
    }
    listen(&mut server);
    server
}

fn listen(server: &mut Server) {
    server.send("EPSV");
    assert_eq!(&server.listen(LISTENER)[..3], "229");
}

/// TLS stands on it.
fn early(server: &mut Server) -> data::Connection {
    let mut data = server.connection.early_data(server.now).expect("it may be");
    assert!(matches!(data.poll(), Ok(Action::Event(Event::StartTls))));
    assert!(
        matches!(data.poll(), Ok(Action::Wait { deadline: Some(at) }) if at == server.now + seconds(30))
    );
    data.tls_started(server.now, tls_session());
    assert!(matches!(
        data.poll(),
        Ok(Action::Event(Event::TlsEstablished(_)))
    ));
    assert!(matches!(data.poll(), Ok(Action::Wait { deadline: None })));
    data
}

/// Asks for a transfer and gives it this data connection.
fn take_on(server: &mut Server, command: &str, data: &mut data::Connection) -> Result<(), Misuse> {
    server.send(command);
    server.begin();
    let ticket = server.held.ticket.take().expect("a ticket");
    server
        .connection
        .early_data_opened(server.now, ticket, data)
}

#[test]
fn it_waits_for_its_transfer_and_is_told_which_way_the_bytes_go() {
    for (command, direction) in [("RETR a", Direction::Send), ("STOR a", Direction::Receive)] {
        let mut server = listening(Resumption::Report);
        let mut data = early(&mut server);
        // Not a byte moves before that.
        assert_eq!(data.received(server.now, b"early"), 0);
        assert_eq!(data.write(server.now, b"early"), 0);
        server.now = server.now + seconds(100);
        assert_eq!(server.send("NOOP"), "200 Done.\r\n");
        assert_eq!(take_on(&mut server, command, &mut data), Ok(()));
        assert_eq!(&server.said()[..3], "150");
        assert_eq!(data.direction(), direction);
        assert!(data.is_protected());
        let moved = match direction {
            Direction::Send => data.write(server.now, b"bytes"),
            Direction::Receive => data.received(server.now, b"bytes"),
        };
        assert_eq!(moved, 5);
    }
}

/// Before the command nobody knows whose end this is: it is no end of a file.
#[test]
fn its_end_before_the_command_is_no_end_of_an_upload() {
    let mut server = listening(Resumption::Report);
    let mut data = early(&mut server);
    data.received_eof(server.now);
    assert!(matches!(data.poll(), Err(Error::CutOff)));
    assert_eq!(take_on(&mut server, "STOR a", &mut data), Ok(()));
    assert_eq!(&server.said()[..3], "150");
    server.held.data = Some(data);
    assert_eq!(&server.end_data()[..3], "426");
}

#[test]
fn it_may_shake_hands_after_the_command_too() {
    let mut server = listening(Resumption::Report);
    let mut data = server.connection.early_data(server.now).unwrap();
    assert_eq!(take_on(&mut server, "RETR a", &mut data), Ok(()));
    assert_eq!(&server.said()[..3], "150");
    server.held.data = Some(data);
    server.move_all(b"notes");
    assert_eq!(&server.end_data()[..3], "226");
}

#[test]
fn a_session_that_is_not_resumed_is_refused_at_the_command() {
    let mut server = listening(Resumption::Require);
    let mut data = early(&mut server);
    assert_eq!(take_on(&mut server, "RETR a", &mut data), Ok(()));
    assert_eq!(&server.said()[..3], "150");
    assert!(matches!(data.poll(), Err(Error::NotResumed)));
    assert_eq!(data.write(server.now, b"secret"), 0);
    server.held.data = Some(data);
    assert_eq!(&server.end_data()[..3], "522");
}

#[test]
fn there_is_none_without_a_listener_or_without_protection() {
    let mut server = listening(Resumption::Report);
    server.send("ABOR");
    assert!(server.connection.early_data(server.now).is_none());
    listen(&mut server);
    server.send("PROT C");
    assert!(server.connection.early_data(server.now).is_none());
    server.send("PROT P");
    assert!(server.connection.early_data(server.now).is_some());
    server.send("RETR a");
    assert!(server.connection.early_data(server.now).is_some());
    server.begin();
    assert!(server.connection.early_data(server.now).is_none());
}

#[test]
fn it_is_dropped_by_whatever_changes_what_it_was_made_for() {
    for commands in [
        &["PROT C", "PROT P"][..],
        &["ABOR"],
        &["EPSV"],
        &["REIN"],
        &["CCC"],
    ] {
        let mut server = listening(Resumption::Report);
        let mut data = early(&mut server);
        assert!(server.connection.keeps_early_data(&data));
        for line in ["NOOP", "TYPE A", "CWD b"] {
            server.send(line);
            if server.held.file.is_some() {
                server.done();
            }
            assert!(server.connection.keeps_early_data(&data), "{line}");
        }
        for command in commands {
            let said = server.send(command);
            assert!(
                said.is_empty() || said.starts_with('2'),
                "{command}: {said}"
            );
        }
        assert!(!server.connection.keeps_early_data(&data), "{commands:?}");
        if commands == ["EPSV"] {
            server.listen(LISTENER);
            let opened = take_on(&mut server, "RETR a", &mut data);
            assert_eq!(opened, Err(Misuse::NothingOpen));
            assert_eq!(&server.said()[..3], "425");
        }
    }
}

/// Nor is that of another session.
#[test]
fn that_of_another_session_is_not_taken() {
    let (mut one, mut other) = (listening(Resumption::Report), listening(Resumption::Report));
    early(&mut one);
    let mut data = early(&mut other);
    assert_eq!(
        take_on(&mut one, "RETR a", &mut data),
        Err(Misuse::NothingOpen)
    );
}
