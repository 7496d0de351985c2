//! Transfers of the scripted dialogue: the two ends in a test's hands.

use ftp_proto::client::{
    Config, Event, Security, Transfer, TransferError, TransferId, Transferred,
};
use ftp_proto::data::{self, Ticket};
use ftp_proto::{Action, Machine};

use super::Dialogue;

pub const EPSV: &str = "229 Entering Extended Passive Mode (|||6446|)\r\n";

pub fn ready(config: Config) -> Dialogue {
    let mut dialogue = Dialogue::new(config.security(Security::DangerousPlaintext));
    for reply in ["220 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.forget();
    dialogue
}

pub fn retrieve() -> Transfer {
    Transfer::retrieve("notes").unwrap()
}

impl Dialogue {
    pub fn begin(&mut self, transfer: Transfer) -> TransferId {
        let id = self.client.transfer(self.now, transfer).unwrap();
        self.drive();
        id
    }

    /// What is sent, and the reply to it.
    pub fn exchange(&mut self, sent: &str, reply: &str) {
        assert_eq!(self.take_sent(), sent);
        self.hear(reply);
    }

    pub fn ticket(&mut self) -> Ticket {
        let is_ticket = |event: &Event| matches!(event, Event::OpenData(_));
        let at = self.events.iter().position(is_ticket);
        match self
            .events
            .remove(at.expect("no data connection is wanted"))
        {
            Event::OpenData(ticket) => ticket,
            _ => unreachable!(),
        }
    }

    pub fn open(&mut self) -> data::Connection {
        let ticket = self.ticket();
        let connection = self.client.data_opened(self.now, ticket).unwrap();
        self.drive();
        connection
    }

    pub fn end(&mut self, connection: data::Connection) {
        self.client
            .data_ended(self.now, connection.into_end())
            .unwrap();
        self.drive();
    }

    /// All of a download's data, and its end.
    pub fn receive(&mut self, mut connection: data::Connection, bytes: &[u8]) {
        assert_eq!(connection.received(self.now, bytes), bytes.len());
        connection.received_eof(self.now);
        while let Ok(Action::Event(_)) = connection.poll() {}
        self.end(connection);
    }

    /// The data breaks after these bytes.
    pub fn break_off(&mut self, mut connection: data::Connection, bytes: &[u8]) {
        assert_eq!(connection.received(self.now, bytes), bytes.len());
        connection.cut_off(self.now);
        self.end(connection);
    }

    pub fn outcome(&mut self) -> Option<Result<Transferred, TransferError>> {
        let is_over = |event: &Event| matches!(event, Event::Transferred { .. });
        let at = self.events.iter().position(is_over)?;
        match self.events.remove(at) {
            Event::Transferred { outcome, .. } => Some(outcome),
            _ => unreachable!(),
        }
    }

    pub fn error_of_transfer(&mut self) -> TransferError {
        self.outcome().expect("it is not over").unwrap_err()
    }

    /// A `RETR` is sent, and the data connection stands.
    pub fn retrieving(&mut self) -> data::Connection {
        self.begin(retrieve());
        self.exchange("TYPE I\r\n", "200 x\r\n");
        self.exchange("EPSV\r\n", EPSV);
        let connection = self.open();
        assert_eq!(self.take_sent(), "RETR notes\r\n");
        connection
    }

    /// The connection is in step: a command gets its own reply.
    pub fn assert_in_step(&mut self) {
        self.forget();
        self.send("PWD");
        self.exchange("PWD\r\n", "257 \"/here\"\r\n");
        let replies: Vec<_> = self
            .events
            .iter()
            .map(|event| match event {
                Event::Reply { reply, .. } => reply.code().get(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(replies, [257]);
    }
}
