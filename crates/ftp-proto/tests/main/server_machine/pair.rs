//! The two machines with each other, data connections too.

use ftp_proto::client::{self, Event, Login, Transfer, TransferError, Transferred};
use ftp_proto::data;
use ftp_proto::server::Config;
use ftp_proto::{Action, Instant, Machine};

use super::file_service::{LISTENER, serving};
use super::harness::Server;

struct Pair {
    client: client::Connection,
    server: Server,
    events: Vec<Event>,
    /// How much of what the server said the client has.
    heard: usize,
    data: Option<data::Connection>,
    /// What the client read, and is to write.
    file: Vec<u8>,
    outcome: Option<Result<Transferred, TransferError>>,
}

impl Pair {
    fn new(config: Config) -> Self {
        let login = Login::new("anna", "right").unwrap();
        let config_of_client =
            client::Config::new(login).security(client::Security::DangerousPlaintext);
        let mut pair = Self {
            client: client::Connection::new(config_of_client, Instant::START),
            server: Server::new(config),
            events: Vec::new(),
            heard: 0,
            data: None,
            file: Vec::new(),
            outcome: None,
        };
        pair.run();
        assert!(matches!(pair.events[..], [Event::LoggedIn(_)]));
        pair
    }

    fn run(&mut self) {
        for _ in 0..1000 {
            if !self.step() && !self.pump() {
                return;
            }
        }
        panic!("no end");
    }

    /// One step of the dialogue; whether there was one to take.
    fn step(&mut self) -> bool {
        let now = self.server.now;
        self.server.run();
        if self.serve() {
            return true;
        }
        match self.client.poll().unwrap() {
            Action::Event(event) => self.hear(event),
            Action::Write { bytes, .. } => {
                let bytes = bytes.to_vec();
                self.server.receive(&bytes);
                self.client.wrote(now, bytes.len());
            }
            Action::Read { .. } | Action::Wait { .. } => {
                let rest = &self.server.output[self.heard..];
                self.heard += self.client.received(now, rest);
                return !rest.is_empty();
            }
            action => panic!("{action:?}"),
        }
        true
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::OpenData(ticket) => {
                let data = self.client.data_opened(self.server.now, ticket).unwrap();
                self.data = Some(data);
            }
            Event::Transferred { outcome, .. } => self.outcome = Some(outcome),
            event => self.events.push(event),
        }
    }

    /// The application and the driver of the server; whether there was something to do.
    fn serve(&mut self) -> bool {
        let server = &mut self.server;
        if server.held.listen.is_some() {
            server.listen(LISTENER);
        } else if server.held.file.is_some() {
            server.facts();
        } else if server.held.transfer.is_some() {
            server.begin();
        } else if server.held.ticket.is_some() {
            server.open_data();
        } else if server.held.commit.is_some() {
            server.commit();
        } else {
            return false;
        }
        true
    }

    /// Moves bytes between the two ends; whether something happened.
    fn pump(&mut self) -> bool {
        let now = self.server.now;
        let (Some(ours), Some(theirs)) = (&mut self.data, &mut self.server.held.data) else {
            return false;
        };
        let (sender, receiver) = match ours.direction() {
            data::Direction::Send => (ours, theirs),
            data::Direction::Receive => (theirs, ours),
        };
        let bytes: &[u8] = b"notes";
        if sender.moved() == 0 {
            assert_eq!(sender.write(now, bytes), bytes.len());
            sender.finish(now);
        }
        match sender.poll() {
            Ok(Action::Write { bytes, .. }) => {
                let count = receiver.received(now, bytes);
                sender.wrote(now, count);
            }
            Ok(Action::Shutdown { .. }) => {
                sender.shut_down(now);
                receiver.received_eof(now);
                self.file = receiver.readable().to_vec();
                let end = self.data.take().unwrap().into_end();
                self.client.data_ended(now, end).unwrap();
                self.server.end_data();
            }
            other => panic!("{other:?}"),
        }
        true
    }

    fn transfer(&mut self, transfer: Transfer) -> Result<Transferred, TransferError> {
        self.client.transfer(self.server.now, transfer).unwrap();
        self.run();
        self.outcome.take().expect("it is over")
    }
}

#[test]
fn client_and_server_agree_on_transfers() {
    let mut pair = Pair::new(serving());
    for transfer in [
        Transfer::retrieve("notes"),
        Transfer::store("notes"),
        Transfer::append("notes"),
        Transfer::store_unique(),
        Transfer::list(None),
        Transfer::names(Some(b"pub")),
        Transfer::machine_list(None),
        Transfer::retrieve("notes").map(|transfer| transfer.offset(0)),
        Transfer::store("notes").map(|transfer| transfer.offset(2)),
    ] {
        let transferred = pair.transfer(transfer.unwrap()).unwrap();
        assert_eq!(transferred.bytes, 5);
        assert_eq!(pair.file, b"notes");
    }
}

#[test]
fn client_and_server_are_in_step_after_an_abort() {
    let mut pair = Pair::new(serving());
    let transfer = Transfer::retrieve("notes").unwrap();
    pair.client.transfer(pair.server.now, transfer).unwrap();
    // Up to the 150.
    while pair.server.held.data.is_none() {
        pair.step();
    }
    pair.data = None;
    pair.client.abort(pair.server.now).unwrap();
    pair.run();
    let outcome = pair.outcome.take().expect("it is over");
    assert_eq!(outcome.unwrap_err(), TransferError::Aborted);
    let transfer = Transfer::retrieve("notes").unwrap();
    assert_eq!(pair.transfer(transfer).unwrap().bytes, 5);
}
