//! What several front ends share of their guards, through Redis.
//!
//! Each puts a snapshot under its own name, and merges those of the others. A merge keeps the worse of
//! two counts, so the order does not matter, and the store needs no transactions. Logins never wait
//! for it: a thread of its own exchanges, and while the store is away the guard goes on alone.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use ftp_guard::{Seed, SnapshotError};
use ftp_tokio::SharedGuard;
use redis::{Client, Commands, Connection, ConnectionInfo, IntoConnectionInfo, RedisResult};
use tracing::{debug, info, warn};
use zeroize::Zeroizing;

use crate::cli::StoreArguments;
use crate::exit::{Exit, Failure};

/// A hash: the name of a front end, its snapshot.
const KEY: &str = "ftp-guard";
/// Who guesses at all front ends at once has that much time before they compare notes.
const EVERY: Duration = Duration::from_millis(500);
/// A store that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(2);
/// So that no list of processes shows it.
const PASSWORD: &str = "FTP_GUARD_STORE_PASSWORD";

/// Shares a guard.
pub(super) struct Sharing {
    guard: SharedGuard,
    store: Store,
}

impl Sharing {
    /// What the options say; `None` if nothing is shared.
    ///
    /// # Errors
    /// If the options cannot be used. A store that is away is no error.
    pub(super) fn new(
        guard: Option<&SharedGuard>,
        arguments: &StoreArguments,
    ) -> Result<Option<Self>, Failure> {
        let (Some(guard), Some(url), Some(name)) = (guard, &arguments.url, &arguments.name) else {
            return Ok(None);
        };
        let store = Store {
            name: name.clone(),
            client: client(url)?,
            connection: None,
            started: false,
            away: false,
            unusable: HashMap::new(),
        };
        let guard = guard.clone();
        Ok(Some(Self { guard, store }))
    }

    /// Shares it for as long as the program runs.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(self) -> Result<(), Failure> {
        let Self { guard, mut store } = self;
        let exchange = move || {
            loop {
                store.exchange_and_log(&guard);
                thread::sleep(EVERY);
            }
        };
        let thread = thread::Builder::new().name("guard-store".to_owned());
        thread
            .spawn(exchange)
            .map(drop)
            .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))
    }
}

/// The errors of the crate could repeat a password.
fn client(url: &str) -> Result<Client, Failure> {
    let unusable = || {
        Failure::usage("--guard-store is not the address of a Redis server")
            .hint("it is redis://HOST, with or without :PORT and /DATABASE")
    };
    let mut info: ConnectionInfo = url.into_connection_info().map_err(|_| unusable())?;
    if let Some(password) = env::var_os(PASSWORD) {
        let password = Zeroizing::new(password.into_string().map_err(|_| {
            Failure::usage(format!(
                "{PASSWORD} is not UTF-8, which Redis' passwords are"
            ))
        })?);
        let settings = info
            .redis_settings()
            .clone()
            .set_password(password.as_str());
        info = info.set_redis_settings(settings);
    }
    Client::open(info).map_err(|_| unusable())
}

/// Reads the file of `--guard-seed`.
pub(super) fn read_seed(path: &Path) -> Result<Seed, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the seed {shown}: {error}")))?;
    let text = Zeroizing::new(text);
    let digits = text.trim();
    let is_seed = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u128::from_str_radix(digits, 16) {
        Ok(seed) if is_seed => Ok(Seed::new(seed.to_be_bytes())),
        _ => Err(
            Failure::usage(format!("the seed {shown} is not 32 hexadecimal digits"))
                .hint("this makes one: openssl rand -hex 16"),
        ),
    }
}

pub(super) fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}

/// The store, and what is known of it.
struct Store {
    name: String,
    client: Client,
    connection: Option<Connection>,
    /// The last snapshot of an earlier run was merged.
    started: bool,
    away: bool,
    /// The guards whose snapshots cannot be used, and why: said once.
    unusable: HashMap<String, SnapshotError>,
}

impl Store {
    fn exchange_and_log(&mut self, guard: &SharedGuard) {
        // Host and port, without user and password.
        let store = self.client.get_connection_info().addr().to_string();
        match self.exchange(guard) {
            Ok(()) if self.away => {
                self.away = false;
                info!(store, "the guard's store is back");
            }
            Ok(()) => {}
            Err(error) => {
                // The next exchange connects anew.
                self.connection = None;
                if !self.away {
                    self.away = true;
                    let why = error.to_string();
                    warn!(
                        store,
                        why, "the guard's store is away, the guard goes on alone"
                    );
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
                    debug!(name, entries = merged.entries, "merged what a guard knows");
                    self.unusable.remove(&name);
                }
                Err(why) if self.unusable.get(&name) == Some(&why) => {}
                Err(why) => {
                    warn!(name, %why, "cannot use what another guard knows");
                    self.unusable.insert(name, why);
                }
            }
        }
        self.started = true;
        let snapshot = guard.with(|guard, now| guard.snapshot(now));
        connection.hset(KEY, &self.name, snapshot)
    }
}

fn connect(client: &Client) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}
