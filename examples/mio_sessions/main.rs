//! A thousand sessions at once in one thread, without an async runtime: a server and its clients
//! over loopback sockets, all behind one mio [`Poll`]. The driver is in `end.rs`, the two sides of a
//! session are in `sides.rs`. Each client logs in and rests until all are logged in; then each fetches a
//! file, gives it back and leaves.
//!
//! Run it with `cargo run -p ftp-examples --bin mio_sessions [SESSIONS]`. A session takes up to five
//! open files; the soft limit of those (`ulimit -n`) is raised to the hard one.
#![forbid(unsafe_code)]

mod end;
#[path = "../one_file.rs"]
mod one_file;
mod sides;

use std::sync::Arc;

use ftp_proto::{Instant, client, server};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::end::End;
use crate::one_file::Outcome;
use crate::sides::{Client, Server, accept};

static FILE: [u8; 10_000] = [b'.'; 10_000];

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
    allow_files(5 * sessions as u64 + 16)?;
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
    let (mut clients, mut servers) = (Vec::<Client>::new(), Vec::<Server>::new());
    let mut has_begun = false;
    while clients.len() < sessions || !clients.iter().all(|client| client.control.closed) {
        // No more at once than may wait to be accepted: the kernel forgets some of those beyond.
        while clients.len() < sessions.min(servers.len() + 100) {
            let machine = client::Connection::new(config.clone(), now());
            let stream = TcpStream::connect(listener.local_addr()?)?;
            let token = 4 * clients.len();
            let control = End::new(machine, stream, &poll, Token(token))?;
            clients.push(Client::new(control, Token(token + 1)));
        }
        let deadlines = clients.iter().filter_map(Client::deadline);
        let deadlines = deadlines.chain(servers.iter().filter_map(Server::deadline));
        let next = deadlines.min(); // for millions of sessions, keep a heap
        poll.poll(&mut events, next.map(|at| at - now()))?;
        for event in &events {
            match event.token().0 {
                usize::MAX => {
                    while let Some(stream) = accept(&listener)? {
                        let machine = server::Connection::new(policy.clone(), now());
                        let token = 4 * servers.len() + 2;
                        let control = End::new(machine, stream, &poll, Token(token))?;
                        let program = one_file::Server::new(FILE.to_vec());
                        servers.push(Server::new(control, Token(token + 1), program));
                    }
                }
                token if token % 4 < 2 => clients[token / 4].turn(&poll, now())?,
                token => servers[token / 4].turn(&poll, now())?,
            }
        }
        let is_late = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now());
        for client in clients.iter_mut().filter(|side| is_late(side.deadline())) {
            client.turn(&poll, now())?;
        }
        for server in servers.iter_mut().filter(|side| is_late(side.deadline())) {
            server.turn(&poll, now())?;
        }
        let resting = clients.iter().filter(|client| client.rests.is_some());
        if !has_begun && resting.count() == sessions {
            println!("{sessions} sessions are logged in at once");
            has_begun = true;
            for client in &mut clients {
                if let Some(event) = client.rests.take() {
                    client.hear(&poll, now(), event)?;
                    client.turn(&poll, now())?;
                }
            }
        }
    }
    let moved = |client: &&Client| client.program.has_moved(FILE.len());
    let moved = clients.iter().filter(moved).count();
    let whole = |server: &&Server| server.program.file == FILE;
    let whole = servers.iter().filter(whole).count();
    println!(
        "{moved} fetched it, {whole} have it back, after {:?}",
        start.elapsed()
    );
    assert_eq!((moved, whole), (sessions, sessions));
    Ok(())
}
