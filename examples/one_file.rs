//! What the programs for custom stacks have in common, because it is no matter of a stack: a client that
//! fetches a file and gives it back, and a server that has it. All of it is in memory.

use std::error::Error;

use ftp_proto::Instant;
use ftp_proto::client::{self, Transfer, Transferred};
use ftp_proto::data::{self, Detached, Direction, Ticket};
use ftp_proto::server::{self, RequestId};
use ftp_proto::wire::{Reply, Verb};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Moves bytes between a data connection and a file, as far as they go: what came is put behind the file,
/// and what is sent is taken from its front. To be done at the start and at each event.
pub(crate) fn move_bytes(data: &mut data::Connection, now: Instant, file: &mut Vec<u8>) {
    file.extend_from_slice(data.readable());
    data.consume(now, usize::MAX);
    if data.direction() == Direction::Send {
        let sent = data.write(now, file);
        file.drain(..sent);
        if file.is_empty() {
            data.finish(now);
        }
    }
}

/// The client's program.
#[derive(Default)]
pub(crate) struct Client {
    /// What it has of the file.
    pub(crate) file: Vec<u8>,
    /// The transfers so far: one there, one back.
    pub(crate) transfers: Vec<Transferred>,
}

impl Client {
    /// What it does at an event. With a ticket, the stack is to open the data connection.
    pub(crate) fn hear(
        &mut self,
        client: &mut client::Connection,
        now: Instant,
        event: client::Event,
    ) -> Outcome<Option<Ticket>> {
        match event {
            client::Event::LoggedIn(_) => {
                client.transfer(now, Transfer::retrieve("poem.txt")?)?;
            }
            client::Event::OpenData(ticket) => return Ok(Some(ticket)),
            client::Event::Transferred { outcome, .. } => {
                self.transfers.push(outcome?);
                if self.transfers.len() == 1 {
                    client.transfer(now, Transfer::store("poem.txt")?)?;
                } else {
                    client.quit(now)?;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Whether the file came and went, with all its bytes.
    pub(crate) fn has_moved(&self, length: usize) -> bool {
        let moved = |transfer: &Transferred| transfer.bytes == length as u64;
        self.transfers.len() == 2 && self.transfers.iter().all(moved)
    }
}

/// The server's program.
pub(crate) struct Server {
    /// What it has of the file.
    pub(crate) file: Vec<u8>,
    /// The request that waits for the stack.
    request: Option<RequestId>,
}

/// What the server's stack is to do.
pub(crate) enum Wanted {
    /// Listen for a data connection, and tell the [port](Server::listens).
    Listener,
    /// Let this run over the connection that was accepted there, and [say](Server::moved) when it ended.
    Data(Detached),
}

impl Server {
    pub(crate) fn new(file: Vec<u8>) -> Self {
        Self {
            file,
            request: None,
        }
    }

    /// What it does at an event. All are welcome: this is about the transport.
    pub(crate) fn hear(
        &mut self,
        server: &mut server::Connection,
        now: Instant,
        event: server::Event,
    ) -> Outcome<Option<Wanted>> {
        let request = match event {
            server::Event::Authenticate(attempt) => {
                server.decide(now, attempt.accept())?;
                return Ok(None);
            }
            server::Event::Command(request) => request,
            _ => return Ok(None),
        };
        let (direction, id) = match request.command().verb() {
            Verb::Epsv => {
                self.request = Some(request.id());
                return Ok(Some(Wanted::Listener));
            }
            Verb::Type => {
                server.reply(now, request.id(), &Reply::new(200.try_into()?, "Done.")?)?;
                return Ok(None);
            }
            Verb::Retr => (Direction::Send, request.id()),
            Verb::Stor => (Direction::Receive, request.id()),
            _ => {
                server.not_implemented(now, request.id())?;
                return Ok(None);
            }
        };
        server.preliminary(now, id, &Reply::new(150.try_into()?, "Here it goes.")?)?;
        self.request = Some(id);
        let is_protected = server.is_data_protected();
        let data = Detached::new(direction).protected(is_protected);
        Ok(Some(Wanted::Data(data)))
    }

    /// The stack listens.
    pub(crate) fn listens(
        &mut self,
        server: &mut server::Connection,
        now: Instant,
        port: u16,
    ) -> Outcome<()> {
        let text = format!("Entering Extended Passive Mode (|||{port}|)");
        self.answer(server, now, &Reply::new(229.try_into()?, text)?)
    }

    /// The data connection ended, and is closed.
    pub(crate) fn moved(
        &mut self,
        server: &mut server::Connection,
        now: Instant,
        data: data::Connection,
    ) -> Outcome<()> {
        data.into_end().result()?;
        self.answer(server, now, &Reply::new(226.try_into()?, "All of it.")?)
    }

    fn answer(
        &mut self,
        server: &mut server::Connection,
        now: Instant,
        reply: &Reply,
    ) -> Outcome<()> {
        let request = self.request.take().ok_or("nothing waits for an answer")?;
        Ok(server.reply(now, request, reply)?)
    }
}
