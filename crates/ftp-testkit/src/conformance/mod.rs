//! One suite for all adapters: the same logins over real sockets, client and server, and the same
//! end of each.
//!
//! * [`Adapter`]: what the suite asks of one; [`Async`] does it for every runtime of `ftp-futures`,
//!   [`Blocking`] for `ftp-blocking`.
//! * [`scenarios`]: what is played, each with what must come of it.
//! * [`play_all`]: plays them with the client of one adapter and the server of another.
//!
//! What only misbehaving peers do is in [`misbehaving`](crate::misbehaving), which runs on the same adapters.

mod awkward;
mod blocking;
mod ends;
mod fixture;
mod floods;
mod futures;
mod handler;
mod hanging;
mod logins;
mod once;
mod probing;
mod raw;
mod scenarios;
mod scratch;
mod serving;
mod under_load;
mod urgent;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ftp_futures::ftp_files::Files;
use ftp_futures::{ExternalAddress, PeerCheck};
use ftp_guard::{Guard, GuardConfig, Seed};
use ftp_proto::client::{self, LoggedInBy};
use ftp_proto::connect::Retry;
use ftp_proto::server;
use ftp_rustls::rustls::{ClientConfig, ServerConfig};

pub use blocking::Blocking;
pub use futures::{Async, Platform};
pub use handler::TestHandler;
pub use probing::{probe, probe_blocking};
pub use raw::use_files;
pub use scenarios::{Scenario, scenarios};
pub use serving::serve_files;
pub use under_load::{many_at_once, raise_open_files};

use crate::misbehaving::{ClientUnderTest, Outcome, ServerUnderTest};

/// An adapter, client and server.
pub trait Adapter: ClientUnderTest + ServerUnderTest {
    /// Its name: the crate's, without `ftp-`.
    fn name(&self) -> &'static str;

    /// Connects, logs in, and does what is to be done, in this mode. Blocks until it is over.
    fn run(&self, mode: DriveMode, address: &str, plan: &ClientPlan) -> ClientRun;

    /// So many talks at once.
    fn run_at_once(&self, count: usize, address: &str, plan: &ClientPlan) -> Vec<ClientRun>;

    /// Two talks in turns: in one task, or in one thread.
    fn run_twice(&self, address: &str, plan: &ClientPlan) -> [ClientRun; 2];

    /// Serves on a free port of 127.0.0.1 until told to stop.
    fn serve(&self, settings: &ServerSettings) -> Serving;
}

/// How a run is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveMode {
    /// As a program would.
    Plain,
    /// Each read gives one byte, each write takes one, and both have to wait in between.
    InBytes,
    /// Whatever waits is given up and begun again: a future is dropped at every await, a blocking
    /// call returns after a moment.
    GivingUp,
    /// Each step in another task, or in another thread.
    Moving,
    /// No write is ever taken.
    Stuck,
    /// Again and again, while what goes wrong may pass by itself.
    Retrying,
}

impl DriveMode {
    /// How often one tries again who does.
    fn retry() -> Retry {
        let retry = Retry::new().retries(200);
        retry
            .first_delay(Duration::from_millis(10))
            .longest_delay(Duration::from_millis(50))
    }
}

/// What a client does, and how.
#[derive(Clone)]
pub struct ClientPlan {
    /// How to log in.
    pub config: client::Config,
    /// With this TLS, unless it is to be in clear.
    pub tls: Option<Arc<ClientConfig>>,
    /// What to answer if asked for a password.
    pub answer: Option<&'static str>,
    /// What to do then.
    pub steps: Vec<ClientStep>,
}

/// What a plan does once it is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStep {
    /// Sends this and waits for the final reply.
    Command(&'static str),
    /// Sends all of these, then waits for their replies.
    Pipeline(&'static [&'static str]),
    /// `ACCT`, with the account of [`misbehaving`](crate::misbehaving).
    Account,
    /// `REIN`, with the same credentials.
    Reinitialize,
    /// `CCC`.
    ClearCommandChannel,
    /// Says nothing until the server ends it.
    Listen,
    /// `QUIT`.
    Quit,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRun {
    /// The codes of the final replies to the commands of [`ClientPlan::steps`].
    pub replies: Vec<u16>,
    /// How it ended. [`Outcome::LoggedIn`] if all was done.
    pub outcome: Outcome,
    /// What the login was under.
    pub tls: Option<Tls>,
}

/// TLS, as a session tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tls {
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

impl ClientRun {
    /// Logged in, and all was done.
    pub(crate) fn done(by: LoggedInBy, replies: &[u16]) -> Self {
        Self {
            replies: replies.to_vec(),
            outcome: Outcome::LoggedIn { by, then: None },
            tls: None,
        }
    }

    /// It came to nothing.
    pub(crate) fn ended(outcome: Outcome) -> Self {
        Self {
            replies: Vec::new(),
            outcome,
            tls: None,
        }
    }
}

/// What a server is set up with.
#[derive(Clone)]
pub struct ServerSettings {
    /// Its policy.
    pub config: Arc<server::Config>,
    /// Its TLS, if it has any.
    pub tls: Option<Arc<ServerConfig>>,
    /// How many it lets in at a time.
    pub max_sessions: usize,
    /// Whether it asks for an account.
    pub wants_account: bool,
    /// Whether it reads and writes byte by byte.
    pub in_bytes: bool,
    /// Whether `MLST`, `ACCT` after login and one password are never answered.
    pub hangs: bool,
    /// What its guard is to be, if it has one.
    pub guard: Option<GuardConfig>,
    /// The files that it serves, if any.
    pub files: Option<FileSettings>,
}

/// What is set for a server with files.
#[derive(Clone)]
pub struct FileSettings {
    /// The files.
    pub files: Arc<dyn Files>,
    /// What clients are told instead of the own address.
    pub external_address: Option<ExternalAddress>,
    /// Who may make data connections.
    pub peer_check: PeerCheck,
    /// In bytes per second, for each session.
    pub session_bandwidth: Option<u64>,
    /// In bytes per second, for all.
    pub total_bandwidth: Option<u64>,
    /// How many transfers there may be.
    pub max_transfers: Option<usize>,
}

impl FileSettings {
    /// These files, and the defaults.
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self {
            files,
            external_address: None,
            peer_check: PeerCheck::default(),
            session_bandwidth: None,
            total_bandwidth: None,
            max_transfers: None,
        }
    }
}

/// A server with these settings. The servers of both dialects have the same methods.
macro_rules! serving_files {
    ($server:expr, $settings:expr) => {{
        let mut server = $server;
        if let Some(settings) = $settings {
            let settings: FileSettings = settings;
            server = server
                .files_for(move |_| Ok(Arc::clone(&settings.files)))
                .peer_check(settings.peer_check);
            if let Some(address) = settings.external_address {
                server = server.external_address(address);
            }
            if let Some(rate) = settings.session_bandwidth {
                server = server.session_bandwidth(rate);
            }
            if let Some(rate) = settings.total_bandwidth {
                server = server.total_bandwidth(rate);
            }
            if let Some(transfers) = settings.max_transfers {
                server = server.max_transfers(transfers);
            }
        }
        server
    }};
}
use serving_files;

impl ServerSettings {
    /// Its guard, which knows nobody yet.
    fn guard(&self) -> Option<Guard> {
        let config = self.guard.clone()?;
        Some(Guard::new(config, Seed::new([7; 16])))
    }

    /// How long it may take to stop.
    fn drain_time(&self) -> Duration {
        Duration::from_secs(if self.hangs { 1 } else { 10 })
    }
}

/// A server that runs.
pub struct Serving {
    /// Where.
    pub address: SocketAddr,
    /// What happened.
    pub handler: Arc<TestHandler>,
    stop: Option<Box<dyn FnOnce() + Send>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Tells it to stop: every session gets 421. Does not wait.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }

    /// Stops it and waits until all sessions are over.
    pub fn end(mut self) -> Arc<TestHandler> {
        self.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
        Arc::clone(&self.handler)
    }
}

/// Plays all scenarios with this client and this server.
///
/// # Panics
/// If one came to something else than it must; says which, and what.
pub fn play_all(client: &dyn Adapter, server: &dyn Adapter) {
    play(client, server, |_| true);
}

/// The same without those that take a crowd.
///
/// # Panics
/// As there.
pub fn play_light(client: &dyn Adapter, server: &dyn Adapter) {
    play(client, server, |scenario| !scenario.is_heavy);
}

fn play(client: &dyn Adapter, server: &dyn Adapter, chosen: fn(&Scenario) -> bool) {
    raise_open_files();
    let failures: Vec<String> = scenarios()
        .iter()
        .filter(|scenario| chosen(scenario))
        .filter_map(|scenario| {
            let failure = scenario.play(client, server).err()?;
            Some(format!("{}: {failure}", scenario.name))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "the client of {} and the server of {}:\n{}",
        client.name(),
        server.name(),
        failures.join("\n")
    );
}
