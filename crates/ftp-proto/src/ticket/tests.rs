//! What belongs to one connection fits no other, though both have said and heard the same.

use alloc::sync::Arc;

use crate::client::CommandId;
use crate::server::{Misuse, RequestId};
use crate::wire::{Code, Command, Reply, Verb};
use crate::{Action, Instant, Machine, client, server};

const NOW: Instant = Instant::START;

/// A server that was asked for a directory by a user who is logged in.
fn asked() -> (server::Connection, RequestId) {
    let config = server::Config::new().security(server::Security::DangerousPlaintext);
    let mut server = server::Connection::new(Arc::new(config), NOW);
    let mut lines = ["USER anna\r\n", "PASS secret\r\n", "PWD\r\n"].iter();
    loop {
        match server.poll().unwrap() {
            Action::Event(server::Event::Authenticate(attempt)) => {
                server.decide(NOW, attempt.accept()).unwrap();
            }
            Action::Event(server::Event::Command(request)) => return (server, request.id()),
            Action::Event(_) => {}
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                server.wrote(NOW, count);
            }
            Action::Read { .. } => {
                let line = lines.next().unwrap();
                assert_eq!(server.received(NOW, line.as_bytes()), line.len());
            }
            Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => unreachable!(),
        }
    }
}

#[test]
fn a_reply_to_a_request_of_another_connection_is_refused() {
    let ((mut server, request), (_, elsewhere)) = (asked(), asked());
    assert_ne!(request, elsewhere);
    let reply = Reply::new(Code::new(257).unwrap(), "\"/\"").unwrap();
    assert_eq!(
        server.reply(NOW, elsewhere, &reply),
        Err(Misuse::NothingOpen)
    );
    assert_eq!(
        server.not_implemented(NOW, elsewhere),
        Err(Misuse::NothingOpen)
    );
    assert_eq!(server.reply(NOW, request, &reply), Ok(()));
    assert_eq!(
        server.reply(NOW, request, &reply),
        Err(Misuse::NothingOpen),
        "answered already"
    );
}

/// Two commands of a client that is logged in.
fn sent() -> [CommandId; 2] {
    let login = client::Login::new("anna", "secret").unwrap();
    let config = client::Config::new(login).security(client::Security::DangerousPlaintext);
    let mut client = client::Connection::new(config, NOW);
    let mut replies = ["220 \r\n", "331 \r\n", "230 \r\n"].iter();
    loop {
        match client.poll().unwrap() {
            Action::Event(client::Event::LoggedIn(_)) => {
                let command = || Command::new(Verb::Pwd).unwrap();
                return [(); 2].map(|()| client.send(NOW, command()).unwrap());
            }
            Action::Event(_) => {}
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                client.wrote(NOW, count);
            }
            Action::Read { .. } => {
                let reply = replies.next().unwrap();
                assert_eq!(client.received(NOW, reply.as_bytes()), reply.len());
            }
            Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => unreachable!(),
        }
    }
}

#[test]
fn a_command_of_another_connection_has_another_id() {
    let ([first, second], elsewhere) = (sent(), sent());
    assert!(first < second, "in the order of the commands");
    assert!(!elsewhere.contains(&first) && !elsewhere.contains(&second));
    assert_eq!(
        std::format!("{first:?}"),
        std::format!("{:?}", elsewhere[0]),
        "what is shown is the same for the same dialogue"
    );
}
