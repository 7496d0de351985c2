//! A login and a file, there and back, by hand: machines of a client and of a server, and byte queues
//! for the wires.
//!
//! What [`turn`] does is all that a driver has to do, whatever it moves the bytes over; other programs put a
//! socket in the queues' place. Run it with `cargo run -p ftp-proto --example in_memory`.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use ftp_proto::client::{self, Transfer};
use ftp_proto::data::{self, Detached, Direction};
use ftp_proto::server::{self, Request, RequestId};
use ftp_proto::wire::{Reply, Verb};
use ftp_proto::{Action, Instant, Machine};

const NAME: &str = "developer";
const PASSWORD: &str = "correct horse";
const POEM: &[u8] = b"A file without end\nis a file to come.\n";

/// No time passes here; else the time since a start that you pick.
const NOW: Instant = Instant::START;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One direction of a connection.
#[derive(Default)]
struct Lane {
    bytes: VecDeque<u8>,
    is_ended: bool,
}

/// Both of them.
#[derive(Default)]
struct Wire {
    to_client: Lane,
    to_server: Lane,
}

/// How a turn of one side ended.
enum Turn<E> {
    /// The machine tells something, and can go on.
    Told(E),
    /// It needs the other side's turn.
    Waits,
    /// It is done.
    Closed,
}

/// Does what the machine asks for, as far as it goes.
///
/// Deadlines are left out: in memory nothing is late. With a socket, wait for it no longer than
/// the action's deadline, and call `timed_out` when that has passed.
fn turn<M: Machine>(
    machine: &mut M,
    inbox: &mut Lane,
    outbox: &mut Lane,
) -> Result<Turn<M::Event>, M::Error> {
    loop {
        match machine.poll()? {
            Action::Event(event) => return Ok(Turn::Told(event)),
            Action::Write { bytes, .. } => {
                outbox.bytes.extend(bytes);
                let count = bytes.len(); // a socket may take fewer
                machine.wrote(NOW, count);
            }
            Action::Read { .. } if !inbox.bytes.is_empty() => {
                // What the machine does not take now, it takes at its next `Read`.
                let taken = machine.received(NOW, inbox.bytes.make_contiguous());
                inbox.bytes.drain(..taken);
                if taken == 0 {
                    return Ok(Turn::Waits);
                }
            }
            Action::Read { .. } if inbox.is_ended => machine.received_eof(NOW),
            Action::Read { .. } | Action::Wait { .. } => return Ok(Turn::Waits),
            Action::Shutdown { .. } => {
                outbox.is_ended = true; // a socket is closed for writing here
                machine.shut_down(NOW);
            }
            Action::Closed => {
                outbox.is_ended = true; // a socket is closed here
                return Ok(Turn::Closed);
            }
        }
    }
}

/// Moves bytes between a data connection and a file: what came is put behind the file, and what is sent is
/// taken from its front. Says whether that is done.
fn move_bytes(
    data: &mut data::Connection,
    inbox: &mut Lane,
    outbox: &mut Lane,
    file: &mut Vec<u8>,
) -> Outcome<bool> {
    loop {
        if data.direction() == Direction::Send {
            let sent = data.write(NOW, file);
            file.drain(..sent);
            if file.is_empty() {
                data.finish(NOW);
            }
        }
        match turn(data, inbox, outbox)? {
            Turn::Told(data::Event::Readable) => {
                file.extend_from_slice(data.readable());
                data.consume(NOW, usize::MAX);
            }
            Turn::Told(_) => {}
            Turn::Waits => return Ok(false),
            Turn::Closed => return Ok(true),
        }
    }
}

/// The client, whose program is to log in, fetch a file, give it back, and leave.
struct Client {
    control: client::Connection,
    data: Option<data::Connection>,
    file: Vec<u8>,
}

impl Client {
    /// Whether something was done.
    fn turn(&mut self, control: &mut Wire, data: &mut Wire) -> Outcome<bool> {
        if let Some(mut machine) = self.data.take() {
            let (inbox, outbox) = (&mut data.to_client, &mut data.to_server);
            if move_bytes(&mut machine, inbox, outbox, &mut self.file)? {
                println!(
                    "client: {} bytes: {:?}",
                    machine.moved(),
                    machine.direction()
                );
                self.control.data_ended(NOW, machine.into_end())?;
            } else {
                self.data = Some(machine);
            }
        }
        let (inbox, outbox) = (&mut control.to_client, &mut control.to_server);
        match turn(&mut self.control, inbox, outbox)? {
            Turn::Told(event) => self.hear(event, data).map(|()| true),
            Turn::Waits | Turn::Closed => Ok(false),
        }
    }

    fn hear(&mut self, event: client::Event, data: &mut Wire) -> Outcome<()> {
        match event {
            client::Event::LoggedIn(session) => {
                println!("client: logged in: {}", session.logged_in_with);
                self.control.transfer(NOW, Transfer::retrieve("poem")?)?;
            }
            client::Event::OpenData(ticket) => {
                println!("client: {:?}", ticket.open());
                *data = Wire::default(); // a socket is connected here
                self.data = Some(self.control.data_opened(NOW, ticket)?);
            }
            client::Event::Transferred { outcome, .. } => {
                println!("client: {}", outcome?.reply);
                if self.file.is_empty() {
                    self.control.quit(NOW)?;
                } else {
                    assert_eq!(self.file, POEM);
                    self.control.transfer(NOW, Transfer::store("poem")?)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The server, which has one user and one file.
struct Server {
    control: server::Connection,
    data: Option<(RequestId, data::Connection)>,
    file: Vec<u8>,
}

impl Server {
    /// Whether something was done.
    fn turn(&mut self, control: &mut Wire, data: &mut Wire) -> Outcome<bool> {
        if let Some((request, mut machine)) = self.data.take() {
            let (inbox, outbox) = (&mut data.to_server, &mut data.to_client);
            if move_bytes(&mut machine, inbox, outbox, &mut self.file)? {
                let reply = Reply::new(226.try_into()?, "All of it.")?;
                self.control.reply(NOW, request, &reply)?;
            } else {
                self.data = Some((request, machine));
            }
        }
        let (inbox, outbox) = (&mut control.to_server, &mut control.to_client);
        match turn(&mut self.control, inbox, outbox)? {
            Turn::Told(event) => self.hear(event).map(|()| true),
            Turn::Waits | Turn::Closed => Ok(false),
        }
    }

    fn hear(&mut self, event: server::Event) -> Outcome<()> {
        match event {
            server::Event::Authenticate(attempt) => {
                println!("server: {} wants to log in", attempt.username());
                // A real one compares with a hash, and takes the same time for names that it has not.
                let is_right = attempt.username().as_bytes() == NAME.as_bytes()
                    && attempt.password().map(|password| password.expose())
                        == Some(PASSWORD.as_bytes());
                let verdict = if is_right {
                    attempt.accept()
                } else {
                    attempt.reject()
                };
                self.control.decide(NOW, verdict)?;
            }
            server::Event::Command(request) => self.answer(&request)?,
            server::Event::Closed(why) => println!("server: {why}"),
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Outcome<()> {
        println!("server: {}", request.command());
        let direction = match request.command().verb() {
            Verb::Retr => Direction::Send,
            Verb::Stor => Direction::Receive,
            verb => {
                let (code, text) = match verb {
                    Verb::Type => (200, "Done."),
                    // The port of a listener; here the client takes the one wire that there is.
                    Verb::Epsv => (229, "Entering Extended Passive Mode (|||49152|)"),
                    _ => (502, "No."),
                };
                let reply = Reply::new(code.try_into()?, text)?;
                return Ok(self.control.reply(NOW, request.id(), &reply)?);
            }
        };
        let reply = Reply::new(150.try_into()?, "Here it goes.")?;
        self.control.preliminary(NOW, request.id(), &reply)?;
        self.data = Some((request.id(), Detached::new(direction).connect(NOW)));
        Ok(())
    }
}

fn main() -> Outcome<()> {
    // In clear: TLS would be one more machine around each, `ftp_rustls::Secured`.
    let config = client::Config::new(client::Login::new(NAME, PASSWORD)?)
        .security(client::Security::DangerousPlaintext);
    let mut client = Client {
        control: client::Connection::new(config, NOW),
        data: None,
        file: Vec::new(),
    };
    let policy = server::Config::new().security(server::Security::DangerousPlaintext);
    let mut server = Server {
        control: server::Connection::new(Arc::new(policy), NOW),
        data: None,
        file: POEM.to_vec(),
    };

    let (mut control, mut data) = (Wire::default(), Wire::default());
    for _ in 0..100 {
        if client.turn(&mut control, &mut data)? || server.turn(&mut control, &mut data)? {
            continue;
        }
        if control.to_server.is_ended && control.to_client.is_ended {
            println!("both sides are closed");
            assert_eq!(server.file, POEM);
            return Ok(());
        }
    }
    Err("the two sides talk in circles".into())
}
