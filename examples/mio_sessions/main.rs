//! A thousand sessions at once in one thread, without an async runtime: a server and its clients
//! over loopback sockets, all behind one mio [`Poll`]. The driver is in `end.rs`. Each client logs in and rests until all are
//! logged in; then each asks where it is and leaves.
//!
//! Run it with `cargo run -p ftp-examples --bin mio_sessions [SESSIONS]`. A session takes two open
//! files; the soft limit of those (`ulimit -n`) is raised to the hard one.
#![forbid(unsafe_code)]

mod end;

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;

use ftp_proto::wire::Reply;
use ftp_proto::{Instant, client, server};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::end::End;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The clients' program. Counts how many logged in, and how many were told where they are.
fn serve_client(
    end: &mut End<client::Connection>,
    now: Instant,
    told: &mut [usize; 2],
) -> Outcome<()> {
    while let Some(event) = end.next(now)? {
        match event {
            client::Event::LoggedIn(_) => told[0] += 1,
            client::Event::Reply { reply, .. } => {
                told[1] += usize::from(reply.code().get() == 257);
                end.machine.quit(now)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The server's program. All are welcome: this is about sessions, not about passwords.
fn serve(end: &mut End<server::Connection>, now: Instant) -> Outcome<()> {
    while let Some(event) = end.next(now)? {
        match event {
            server::Event::Authenticate(attempt) => end.machine.decide(now, attempt.accept())?,
            server::Event::Command(request) => {
                let reply = Reply::new(257.try_into()?, "\"/\"")?;
                end.machine.reply(now, request.id(), &reply)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Raises the limit of open files, where there is one.
#[cfg_attr(not(unix), allow(unused_variables))]
fn allow_files(needed: u64) -> Outcome<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut files = getrlimit(Resource::Nofile);
        files.current = files.maximum;
        setrlimit(Resource::Nofile, files)?;
        if files.maximum.is_some_and(|most| most < needed) {
            return Err(format!("{needed} open files are needed: see `ulimit -Hn`").into());
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let sessions: usize = std::env::args()
        .nth(1)
        .map_or(Ok(1000), |number| number.parse())?;
    allow_files(2 * sessions as u64 + 16)?;
    let start = std::time::Instant::now();
    let now = || Instant::from_start(start.elapsed());
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    poll.registry()
        .register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    let config = client::Config::new(client::Login::new("developer", "correct horse")?)
        .security(client::Security::DangerousPlaintext);
    let policy = server::Config::new().security(server::Security::DangerousPlaintext);
    let policy = Arc::new(policy);
    let (mut clients, mut servers) = (Vec::new(), Vec::new());
    let (mut told, mut asked) = ([0; 2], false);
    while clients.len() < sessions || !clients.iter().all(|end: &End<_>| end.closed) {
        // No more at once than may wait to be accepted: the kernel forgets some of those beyond.
        while clients.len() < sessions.min(servers.len() + 100) {
            let machine = client::Connection::new(config.clone(), now());
            let stream = TcpStream::connect(listener.local_addr()?)?;
            clients.push(End::new(machine, stream, &poll, 2 * clients.len())?);
        }
        let deadlines = clients.iter().map(|end| end.deadline);
        let deadlines = deadlines.chain(servers.iter().map(|end: &End<_>| end.deadline));
        let next = deadlines.flatten().min(); // for millions of sessions, keep a heap
        poll.poll(&mut events, next.map(|at| at - now()))?;
        for event in &events {
            match event.token().0 {
                usize::MAX => loop {
                    let stream = match listener.accept() {
                        Ok((stream, _)) => stream,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error.into()),
                    };
                    let machine = server::Connection::new(policy.clone(), now());
                    servers.push(End::new(machine, stream, &poll, 2 * servers.len() + 1)?);
                },
                token if token % 2 == 0 => serve_client(&mut clients[token / 2], now(), &mut told)?,
                token => serve(&mut servers[token / 2], now())?,
            }
        }
        let is_late = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now());
        for end in clients.iter_mut().filter(|end| is_late(end.deadline)) {
            serve_client(end, now(), &mut told)?;
        }
        for end in servers.iter_mut().filter(|end| is_late(end.deadline)) {
            serve(end, now())?;
        }
        if told[0] == sessions && !asked {
            println!("{sessions} sessions are logged in at once");
            asked = true;
            for end in &mut clients {
                end.machine.send(now(), "PWD".try_into()?)?;
                serve_client(end, now(), &mut told)?;
            }
        }
    }
    println!(
        "{} were answered and left, after {:?}",
        told[1],
        start.elapsed()
    );
    assert_eq!(told[1], sessions);
    Ok(())
}
