//! Transports that always have something to read: everything comes to an end in its time. That it
//! ends at all is what is asked; a watchdog asks.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ftp_blocking::{
    Connector, Error, Handler, Server, SessionEvent, SessionInfo, Shutdown, Transport,
};
use ftp_proto::Limits;
use ftp_proto::client::{self, Login, Timeout};
use ftp_proto::server::{self, Attempt, ClosedWhy, Event, Request, Verdict};
use ftp_proto::wire::Reply;

use crate::watched::watched;

/// A deadline that is reached soon. All others are the defaults: half a minute and more.
const SOON: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Taken,
    Stuck,
    Failing,
    /// Reads are interrupted, again and again, and nothing comes.
    Interrupted,
}

struct Endless {
    first: VecDeque<Vec<u8>>,
    then: &'static [u8],
    kind: Kind,
}

impl Endless {
    fn new(first: &[&str], then: &'static [u8], kind: Kind) -> Self {
        Self {
            first: first
                .iter()
                .map(|piece| piece.as_bytes().to_vec())
                .collect(),
            then,
            kind,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let piece = match self.first.pop_front() {
            Some(piece) => piece,
            None if self.kind == Kind::Interrupted => {
                thread::sleep(Duration::from_millis(1));
                return Err(io::ErrorKind::Interrupted.into());
            }
            None => self.then.to_vec(),
        };
        space[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Taken | Kind::Interrupted => Ok(bytes.len()),
            Kind::Stuck => {
                thread::sleep(Duration::from_millis(1));
                Err(io::ErrorKind::WouldBlock.into())
            }
            Kind::Failing => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Endless {
    fn set_read_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn config(timeouts: client::Timeouts) -> client::Config {
    let mut limits = Limits::default();
    limits.filler_bytes = usize::MAX;
    client::Config::new(Login::new("anna", "correct horse").unwrap())
        .security(client::Security::DangerousPlaintext)
        .limits(limits)
        .timeouts(timeouts)
}

fn log_in(timeouts: client::Timeouts, transport: Endless) -> Error {
    watched(move || {
        let connector = Connector::new(config(timeouts));
        let outcome = connector.over(transport, "localhost");
        outcome.map(drop).unwrap_err()
    })
}

fn timed_out(error: &Error) -> Timeout {
    match error {
        Error::Protocol(client::Error::TimedOut { what, .. }) => *what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_gives_up_in_time_while_bytes_come_without_an_end() {
    for nothing in [&b"\r\n"[..], b"\xff\xf1", b"\xff\xfano end"] {
        let mut timeouts = client::Timeouts::default();
        timeouts.greeting = SOON;
        let error = log_in(timeouts, Endless::new(&[], nothing, Kind::Taken));
        assert_eq!(timed_out(&error), Timeout::Greeting);

        let mut timeouts = client::Timeouts::default();
        timeouts.login = SOON;
        let begin = ["220 Ready.\r\n", "331 Go on.\r\n"];
        let error = log_in(timeouts, Endless::new(&begin, nothing, Kind::Taken));
        assert_eq!(timed_out(&error), Timeout::Login);
    }
}

#[test]
fn a_write_that_is_not_taken_is_given_up_while_bytes_come() {
    let mut timeouts = client::Timeouts::default();
    timeouts.write = SOON;
    let transport = Endless::new(&["220 Ready.\r\n"], b"\r\n", Kind::Stuck);
    assert_eq!(timed_out(&log_in(timeouts, transport)), Timeout::Write);
}

#[test]
fn a_transport_that_fails_is_not_read_for_ever() {
    for then in [&b"\r\n"[..], b"\xff\xf1", b"331-x\r\n"] {
        let transport = Endless::new(&["220 Ready.\r\n"], then, Kind::Failing);
        let error = log_in(client::Timeouts::default(), transport);
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }
}

#[test]
fn signals_without_an_end_put_off_no_deadline() {
    let mut timeouts = client::Timeouts::default();
    timeouts.greeting = SOON;
    let error = log_in(timeouts, Endless::new(&[], b"", Kind::Interrupted));
    assert_eq!(timed_out(&error), Timeout::Greeting);
}

#[test]
fn who_waits_for_a_moment_waits_no_longer_because_bytes_come() {
    watched(|| {
        let begin = ["220 Ready.\r\n", "331 Go on.\r\n", "230 In.\r\n"];
        let transport = Endless::new(&begin, b"\r\n", Kind::Taken);
        let connector = Connector::new(config(client::Timeouts::default()));
        let mut client = connector.over(transport, "localhost").unwrap();
        let event = client.next_event_within(SOON);
        assert!(matches!(event, Ok(Poll::Pending)));
    });
}

fn server(timeouts: server::Timeouts) -> Server {
    let config = server::Config::new()
        .security(server::Security::DangerousPlaintext)
        .max_bad_commands(u32::MAX)
        .timeouts(timeouts);
    Server::new(Arc::new(config), None).unwrap()
}

#[test]
fn a_server_ends_a_login_in_time_while_bytes_come_without_an_end() {
    let mut first_command = server::Timeouts::default();
    first_command.first_command = SOON;
    let mut login = server::Timeouts::default();
    login.login = SOON;
    let mut write = server::Timeouts::default();
    write.write = SOON;
    for (timeouts, then, kind, why) in [
        (
            first_command,
            &b"\r\n"[..],
            Kind::Taken,
            ClosedWhy::FirstCommandTimeout,
        ),
        (
            first_command,
            b"\xff\xf1",
            Kind::Taken,
            ClosedWhy::FirstCommandTimeout,
        ),
        (login, b"NOOP\r\n", Kind::Taken, ClosedWhy::LoginTimeout),
        (
            login,
            b"XYZZY\r\nNOOP\r\n",
            Kind::Taken,
            ClosedWhy::LoginTimeout,
        ),
        (write, b"NOOP\r\n", Kind::Stuck, ClosedWhy::WriteTimeout),
    ] {
        let mut session = server(timeouts).session(Endless::new(&[], then, kind));
        let end = watched(move || {
            loop {
                if let Some(Event::Closed(why)) = session.next_event().unwrap() {
                    return why;
                }
            }
        });
        assert_eq!(end, why);
    }
}

struct Nobody;

impl Handler for Nobody {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.reject()
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, _: &SessionEvent) {}
}

#[test]
fn a_client_that_goes_on_talking_is_left_in_the_end_and_when_the_server_stops() {
    let peer = SocketAddr::from(([127, 0, 0, 1], 21));
    watched(move || {
        let transport = Endless::new(&["QUIT\r\n"], b"NOOP\r\n", Kind::Taken);
        let server = server(server::Timeouts::default());
        server.run_session(transport, peer, &Nobody, &Shutdown::new());
    });
    watched(move || {
        let shutdown = Shutdown::new();
        let transport = Endless::new(&[], b"NOOP\r\n", Kind::Taken);
        let server = server(server::Timeouts::default());
        thread::scope(|scope| {
            scope.spawn(|| server.run_session(transport, peer, &Nobody, &shutdown));
            thread::sleep(SOON);
            shutdown.stop();
        });
    });
}
