//! One of several front ends that share what their guards know, through Redis.
//!
//! ```sh
//! export GUARD_SEED=…                # 32 hexadecimal digits, secret, the same everywhere
//! export GUARD_STORE=redis://…       # may hold a password, hence no argument
//! export FTP_PASSWORD=…              # of the only user, `developer`
//! cargo run -p ftp-examples --bin shared_guard -- first 127.0.0.1:2121
//! cargo run -p ftp-examples --bin shared_guard -- second 127.0.0.1:2122
//! ```
//! Every front end puts its snapshot under its own name, and merges those of the others. A merge
//! keeps the worse of two counts, so it does not matter who was when where; and as nobody writes
//! what another has written, the store needs no transactions. A front end that starts again
//! merges its own last snapshot, too. While the store is away each guard goes on with what it
//! knows: logins never wait for it.
//!
//! Whoever can write to the store can lock anyone out; it can also be read, but tells no names and
//! no addresses without the seed.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ftp_proto::server::{Attempt, Config, Request, Security, Verdict};
use ftp_proto::wire::Reply;
use ftp_tokio::ftp_guard::{Guard, GuardConfig, Lockout, Seed};
use ftp_tokio::{Handler, Server, SessionEvent, SessionInfo, SharedGuard};
use redis::{Commands, Connection, RedisResult};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

/// A hash: the name of a front end, its snapshot.
const KEY: &str = "ftp-guard";
/// Who guesses at all front ends at once has that much time before they compare notes.
const EVERY: Duration = Duration::from_millis(500);
/// A store that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(listen)) = (arguments.next(), arguments.next()) else {
        return Err("usage: shared_guard NAME ADDRESS:PORT (and see its first lines)".into());
    };
    let guard = guard()?;
    let store = Store::new(name)?;
    let password = env::var("FTP_PASSWORD")?;

    // In clear, so that the example needs no certificate: keep it on the loopback interface.
    let config = Config::new().security(Security::DangerousPlaintext);
    let server = Server::new(Arc::new(config), None)?.guard(guard.clone());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        () = server.serve(listener, Developer { password }, std::future::pending()) => {}
        () = store.exchange_for_ever(guard) => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}

fn guard() -> Result<SharedGuard, Box<dyn Error>> {
    let digits = env::var("GUARD_SEED")?;
    let seed = u128::from_str_radix(&digits, 16).map_err(|_| "GUARD_SEED is not hexadecimal")?;
    // All front ends count from the same moment.
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let config = GuardConfig::new().clock_start(since_epoch);
    // Five minutes for the first lockout of a name at an address, not one.
    let rule = config.configured_user_at_address();
    let config = config.user_at_address(rule.lockout(Lockout::after(5)));
    let seed = Seed::new(seed.to_be_bytes());
    Ok(SharedGuard::new(Guard::new(config, seed)))
}

/// The store, and what this front end has seen of it.
struct Store {
    name: String,
    client: redis::Client,
    connection: Option<Connection>,
    /// How many entries each of the others had.
    seen: HashMap<String, usize>,
    started: bool,
    away: bool,
}

impl Store {
    fn new(name: String) -> Result<Self, Box<dyn Error>> {
        // The error could repeat the password.
        let client = redis::Client::open(env::var("GUARD_STORE")?)
            .map_err(|_| "GUARD_STORE is not the address of a Redis server")?;
        Ok(Self {
            name,
            client,
            connection: None,
            seen: HashMap::new(),
            started: false,
            away: false,
        })
    }

    /// Gives and takes, again and again. Never ends.
    async fn exchange_for_ever(mut self, guard: SharedGuard) {
        loop {
            let guard = guard.clone();
            let exchanged = spawn_blocking(move || {
                self.exchange_and_say(&guard);
                self
            });
            match exchanged.await {
                Ok(store) => self = store,
                // A panic, which has been shown: the guard goes on alone.
                Err(_) => return std::future::pending().await,
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    fn exchange_and_say(&mut self, guard: &SharedGuard) {
        // Host and port, without user and password.
        let address = self.client.get_connection_info().addr().to_string();
        match self.exchange(guard) {
            Ok(()) if self.away => {
                self.away = false;
                println!("the store {address} is back");
            }
            Ok(()) => {}
            Err(error) => {
                // The next exchange connects anew.
                self.connection = None;
                if !self.away {
                    self.away = true;
                    println!("the store {address} is away, going on alone: {error}");
                }
            }
        }
    }

    fn exchange(&mut self, guard: &SharedGuard) -> RedisResult<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.client)?),
        };
        let all: HashMap<String, Vec<u8>> = connection.hgetall(KEY)?;
        for (name, snapshot) in all {
            if name == self.name && self.started {
                continue;
            }
            match guard.with(|guard, now| guard.merge(now, &snapshot)) {
                Ok(merged) => {
                    if self.seen.insert(name.clone(), merged.entries) != Some(merged.entries) {
                        println!("knows {} entries of {name:?}", merged.entries);
                    }
                }
                Err(error) => println!("cannot use what {name:?} knows: {error}"),
            }
        }
        self.started = true;
        let snapshot = guard.with(|guard, now| guard.snapshot(now));
        connection.hset(KEY, &self.name, snapshot)
    }
}

fn connect(client: &redis::Client) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}

/// Lets one user in, who can do nothing. A real application compares hashes.
struct Developer {
    password: String,
}

impl Handler for Developer {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        let known = attempt.username().as_bytes() == b"developer";
        let given = attempt.password().map(|password| password.expose());
        if known && given == Some(self.password.as_bytes()) {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        if let SessionEvent::Attempted(attempt) = event {
            let (peer, outcome) = (session.peer, attempt.outcome);
            let (ruling, locked_out) = (attempt.ruling, attempt.locked_out);
            println!("{peer}: {outcome:?}, ruled {ruling:?}, lockout of {locked_out:?}");
        }
    }
}
