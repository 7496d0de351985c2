//! A login by hand: a client's and a server's machine, and two byte queues for the wire.
//!
//! What [`turn`] does is all that a driver has to do, whatever it moves the bytes over; the other
//! examples beside this one put a socket in the queues' place. Run it with
//! `cargo run -p ftp-proto --example in_memory`.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use ftp_proto::wire::Reply;
use ftp_proto::{Action, Instant, Machine, client, server};

const NAME: &str = "developer";
const PASSWORD: &str = "correct horse";

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
    now: Instant,
    inbox: &mut VecDeque<u8>,
    outbox: &mut VecDeque<u8>,
) -> Result<Turn<M::Event>, M::Error> {
    loop {
        match machine.poll()? {
            Action::Event(event) => return Ok(Turn::Told(event)),
            Action::Write { bytes, .. } => {
                outbox.extend(bytes);
                let count = bytes.len(); // a socket may take fewer
                machine.wrote(now, count);
            }
            Action::Read { .. } if inbox.is_empty() => return Ok(Turn::Waits),
            Action::Read { .. } => {
                // What the machine does not take now, it takes at its next `Read`.
                let taken = machine.received(now, inbox.make_contiguous());
                inbox.drain(..taken);
                if taken == 0 {
                    return Ok(Turn::Waits);
                }
            }
            Action::Shutdown { .. } => machine.shut_down(now), // a socket is closed for writing here
            Action::Wait { .. } => return Ok(Turn::Waits),
            Action::Closed => return Ok(Turn::Closed),
        }
    }
}

/// The client's program: log in, ask where we are, leave. Keeps the answer.
fn client_hears(
    client: &mut client::Connection,
    now: Instant,
    event: client::Event,
    answer: &mut Option<Reply>,
) -> Result<(), Box<dyn Error>> {
    match event {
        client::Event::LoggedIn(session) => {
            println!("client: logged in: {}", session.logged_in_with);
            client.send(now, "PWD".try_into()?)?;
        }
        client::Event::Reply { reply, .. } => {
            println!("client: {reply}");
            *answer = Some(reply);
            client.quit(now)?;
        }
        _ => {}
    }
    Ok(())
}

/// The server's program: one user, one command.
fn server_hears(
    server: &mut server::Connection,
    now: Instant,
    event: server::Event,
) -> Result<(), Box<dyn Error>> {
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
            server.decide(now, verdict)?;
        }
        server::Event::Command(request) => {
            println!("server: {}", request.command());
            let here = Reply::new(257.try_into()?, "\"/\" is the current directory")?;
            server.reply(now, request.id(), &here)?;
        }
        server::Event::Closed(why) => println!("server: {why}"),
        _ => {}
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // In clear: TLS would be one more machine around each of the two, `ftp_rustls::Secured`.
    let now = Instant::START; // no time passes here; else the time since a start that you pick
    let config = client::Config::new(client::Login::new(NAME, PASSWORD)?)
        .security(client::Security::DangerousPlaintext);
    let mut client = client::Connection::new(config, now);
    let policy = server::Config::new().security(server::Security::DangerousPlaintext);
    let mut server = server::Connection::new(Arc::new(policy), now);

    let (mut to_client, mut to_server) = (VecDeque::new(), VecDeque::new());
    let mut answer = None;
    for _ in 0..100 {
        let of_client = turn(&mut client, now, &mut to_client, &mut to_server)?;
        if let Turn::Told(event) = of_client {
            client_hears(&mut client, now, event, &mut answer)?;
            continue;
        }
        match turn(&mut server, now, &mut to_server, &mut to_client)? {
            Turn::Told(event) => server_hears(&mut server, now, event)?,
            Turn::Closed if matches!(of_client, Turn::Closed) => {
                println!("both sides are closed");
                assert_eq!(answer.map(|reply| reply.code().get()), Some(257));
                return Ok(());
            }
            _ => {}
        }
    }
    Err("the two sides talk in circles".into())
}
