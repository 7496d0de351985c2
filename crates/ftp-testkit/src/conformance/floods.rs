//! Scenes of peers that never stop sending, and of who must get a turn all the same.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use ftp_proto::client::{self, Phase};
use ftp_proto::{Limits, server};
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::rustls::{ClientConnection, StreamOwned};

use super::fixture::{Fixture, PWD_AND_QUIT, Protected, by_password};
use super::{ClientStep, Serving, TestHandler};
use crate::misbehaving::Outcome;

/// A client that has no turn until then counts as having none.
const PATIENCE: Duration = Duration::from_secs(20);
/// Under TLS a flooder is so many commands ahead of the replies.
const AHEAD: usize = 20_000;

/// Clients that send commands for as long as anybody takes them.
struct Flood {
    sockets: Vec<TcpStream>,
}

impl Flood {
    /// More of them than a runtime has threads. Half of them read what they are told.
    fn begin(fixture: &Fixture<'_>, address: SocketAddr) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let mut sockets = Vec::new();
        for number in 0..2 * threads + 2 {
            let socket = TcpStream::connect(address)?;
            sockets.push(socket.try_clone()?);
            if fixture.protected == Protected::Implicit {
                let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
                let tls = ClientConnection::new(Arc::clone(&fixture.certificates.client), name);
                let stream = StreamOwned::new(tls.map_err(io::Error::other)?, socket);
                thread::spawn(move || talk_ahead(stream));
            } else {
                if number % 2 == 0 {
                    let mut replies = socket.try_clone()?;
                    thread::spawn(move || io::copy(&mut replies, &mut io::sink()));
                }
                thread::spawn(move || run(socket));
            }
        }
        Ok(Self { sockets })
    }

    fn count(&self) -> usize {
        self.sockets.len()
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // One that is closed already is what is wanted.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

fn run(mut to: impl Write) -> io::Result<()> {
    let commands = b"NOOP\r\n".repeat(1000);
    loop {
        to.write_all(&commands)?;
    }
}

/// The same over what cannot be read and written at once.
fn talk_ahead(mut stream: impl Read + Write) -> io::Result<()> {
    let mut replies = [0; 4096];
    let mut ahead = AHEAD;
    loop {
        while ahead > 0 {
            let commands = ahead.min(1000);
            stream.write_all(&b"NOOP\r\n".repeat(commands))?;
            ahead -= commands;
        }
        match stream.read(&mut replies)? {
            0 => return Ok(()),
            count => {
                ahead += replies[..count]
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count()
            }
        }
    }
}

/// Waits until that is so, while whatever goes on goes on.
fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return Err(format!("it does not come to this: {what}"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The server comes to its end although the floods go on.
fn end(mut serving: Serving, flood: Flood) -> Result<Arc<TestHandler>, String> {
    serving.stop();
    let (ended, end) = channel();
    let ending = thread::spawn(move || drop(ended.send(serving.end())));
    let handler = end.recv_timeout(PATIENCE);
    drop(flood);
    ending.join().expect("no panic");
    handler.map_err(|_| "the server does not stop".to_owned())
}

pub(super) fn somebody_logs_in(fixture: &Fixture<'_>) -> Result<(), String> {
    let serving = fixture.server.serve(&fixture.server_settings());
    let flood = Flood::begin(fixture, serving.address).map_err(|e| e.to_string())?;
    let came = || {
        serving
            .handler
            .log()
            .iter()
            .filter(|line| *line == "connected")
            .count()
    };
    let begun = wait_until("the floods have begun", || came() == flood.count());
    let config = client::Config::new(fixture.login()).timeouts(client::Timeouts::uniform(PATIENCE));
    let plan = fixture.client_plan_with(config, &PWD_AND_QUIT);
    let address = serving.address.to_string();
    let run = begun.map(|()| fixture.client.run(super::DriveMode::Plain, &address, &plan));
    let ended = end(serving, flood);
    fixture.compare(&run?, &by_password(&[257]))?;
    ended.map(drop)
}

pub(super) fn the_login_has_its_deadline(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut timeouts = server::Timeouts::default();
    timeouts.login = Duration::from_secs(1);
    let serving = fixture
        .server
        .serve(&fixture.server_settings_with(fixture.policy().timeouts(timeouts)));
    let flood = Flood::begin(fixture, serving.address).map_err(|e| e.to_string())?;
    let why = server::ClosedWhy::LoginTimeout.to_string();
    let left = || {
        serving
            .handler
            .log()
            .iter()
            .filter(|line| line.contains(&why))
            .count()
    };
    let left = wait_until("each flood ends at the login's deadline", || {
        left() == flood.count()
    });
    let ended = end(serving, flood);
    left?;
    ended.map(drop)
}

/// Whoever comes first to this address hears blank lines until the second, who is passed on to the
/// server, is logged in.
fn beside_a_flood(server: SocketAddr, handler: Arc<TestHandler>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        let (mut first, _) = listener.accept()?;
        let flood = thread::spawn(move || -> io::Result<()> {
            let end = Instant::now() + PATIENCE;
            let is_in = || handler.log().contains(&"logged in".to_owned());
            while !is_in() && Instant::now() < end {
                for _ in 0..100 {
                    first.write_all(&b"\r\n".repeat(1000))?;
                }
            }
            Ok(())
        });
        let (mut second, _) = listener.accept()?;
        let mut on = TcpStream::connect(server)?;
        let (mut back, mut reader) = (second.try_clone()?, on.try_clone()?);
        thread::spawn(move || {
            let copied = io::copy(&mut reader, &mut back);
            drop(back.shutdown(Shutdown::Write));
            copied
        });
        io::copy(&mut second, &mut on)?;
        on.shutdown(Shutdown::Write)?;
        drop(flood.join());
        Ok(())
    });
    Ok(address)
}

/// Two in one task or thread, and one of the two servers never stops.
pub(super) fn of_a_server(fixture: &Fixture<'_>) -> Result<(), String> {
    let serving = fixture.server.serve(&fixture.server_settings());
    let address = beside_a_flood(serving.address, Arc::clone(&serving.handler));
    let address = address.map_err(|e| e.to_string())?.to_string();
    let mut limits = Limits::default();
    limits.filler_bytes = usize::MAX;
    // The flood ends before that, if the other gets its turn.
    let timeouts = client::Timeouts::uniform(PATIENCE * 3);
    let config = client::Config::new(fixture.login())
        .limits(limits)
        .timeouts(timeouts);
    let plan = fixture.client_plan_with(config, &[ClientStep::Command("PWD")]);
    let begun = Instant::now();
    let talks = fixture.client.run_twice(&address, &plan);
    let waited = begun.elapsed() >= PATIENCE;
    drop(serving.end());
    let is_closed = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Closed {
                phase: Phase::Greeting,
                ..
            }
        )
    };
    let (flooded, other) = match &talks {
        [flooded, other] if is_closed(&flooded.outcome) => (flooded, other),
        [other, flooded] => (flooded, other),
    };
    fixture.compare(other, &by_password(&[257]))?;
    if !is_closed(&flooded.outcome) {
        return Err(format!("the flooded one came to {flooded:?}"));
    }
    if waited {
        return Err("one waited for the end of the other's flood".to_owned());
    }
    Ok(())
}
