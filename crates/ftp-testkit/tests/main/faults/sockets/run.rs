//! Sessions with faults, many at a time, with one server.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use ftp_futures::ftp_files::Directory;
use ftp_proto::client::{self, DataMode, Login};
use ftp_proto::data;
use ftp_proto::server::{self, FilesConfig, Rights};
use ftp_testkit::conformance::{FileSettings, ServerSettings, raise_open_files};
use ftp_testkit::misbehaving::{PASSWORD, USER};

use super::client::{FILE, Job, Script, TARGET, Talk, content, name};
use super::proxy::{Carried, Fault, PATIENCE, Proxy};
use super::{Subject, left};
use crate::faults::{Where, tls};

/// What is there before something is stored in its place.
pub(super) const OLD: &[u8] = b"What was there before.\n";
/// How long one waits who is to be waited for no longer.
const SHORT: Duration = Duration::from_millis(500);
/// And otherwise.
const LONG: Duration = Duration::from_secs(60);

/// How data connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Passive,
    /// The same, each asked for with the transfer before.
    Ahead,
    Active,
}

/// How sessions are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) is_protected: bool,
    pub(super) mode: Mode,
    /// Nobody waits long.
    pub(super) is_impatient: bool,
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Passive => "passive",
            Mode::Ahead => "passive, asked ahead",
            Mode::Active => "active",
        };
        let security = if self.is_protected { "TLS" } else { "clear" };
        write!(f, "{security}, {mode}")
    }
}

/// What is to happen in a session.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) faults: Vec<(Where, Fault)>,
}

/// What happened in it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) plan: Plan,
    pub(super) talk: Talk,
    pub(super) carried: Carried,
    /// What the server has in the end where something was stored.
    pub(super) stored: Vec<u8>,
    /// All that it has.
    pub(super) names: BTreeSet<String>,
}

/// A place for files, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftp-faults-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is in the system's place for such things.
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// Runs these sessions, so many at a time, and returns them when nothing is left of any.
///
/// # Panics
/// If something is.
pub(super) fn run(
    subject: &Subject,
    settings: Settings,
    plans: Vec<Plan>,
    at_once: usize,
) -> Vec<Session> {
    raise_open_files();
    let place = Place::new();
    let serving = subject.adapter.serve(&settings.server(&place.0));
    let address = serving.address;
    let (next, ran) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..at_once.min(plans.len()) {
            scope.spawn(|| {
                loop {
                    let count = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(count) else { break };
                    let directory = place.0.join(number(count));
                    lay_out(&directory, plan);
                    let (talk, carried) = play(subject, settings, plan, (address, number(count)));
                    let mut ran = ran.lock().unwrap_or_else(PoisonError::into_inner);
                    ran.push((count, talk, carried));
                }
            });
        }
    });
    let ran = ran.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ports = ran
        .iter()
        .flat_map(|(_, _, carried)| carried.ports.iter().copied())
        .collect();
    await_none("sessions", || match serving.handler.sessions() {
        0 => Vec::new(),
        sessions => vec![format!("{sessions}")],
    });
    await_none("sockets", || left::sockets(&ports));
    await_none("files", || left::files(&place.0));
    await_none("tasks", || {
        match crate::adapters::tasks_of(address.port()) {
            None | Some(0) => Vec::new(),
            Some(tasks) => vec![format!("{tasks}")],
        }
    });
    let log = serving.end().log();
    crate::adapters::forget_tasks_of(address.port());
    assert!(
        !log.iter().any(|line| line.starts_with("out of order")),
        "{log:?}"
    );
    let session = |(count, talk, carried): (usize, Talk, Carried)| {
        let directory = place.0.join(number(count));
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let names = fs::read_dir(&directory).expect("a directory");
        Session {
            plan: plans[count].clone(),
            talk,
            carried,
            stored: fs::read(directory.join(TARGET)).expect("a file"),
            names: names
                .map(|entry| name(entry).to_string_lossy().into_owned())
                .collect(),
        }
    };
    let ran: Vec<Session> = ran.into_iter().map(session).collect();
    let stores = |plan: &Plan| {
        plan.jobs
            .iter()
            .filter(|job| matches!(job, Job::Store(_)))
            .count()
    };
    if plans.iter().all(|plan| stores(plan) == 1) {
        let told = log
            .iter()
            .filter(|line| *line == "transferred STOR: Ok(())")
            .count();
        let stored = ran.iter().filter(|session| session.stored != OLD).count();
        // It cannot report one if the control connection ended while it was being kept.
        let may_miss = plans.iter().any(|plan| !plan.faults.is_empty());
        let is_right = told == stored || may_miss && told < stored;
        assert!(is_right, "{told} are reported as stored, {stored} are");
    }
    ran
}

fn number(count: usize) -> String {
    format!("{count:05}")
}

/// One of them.
fn play(
    subject: &Subject,
    settings: Settings,
    plan: &Plan,
    (server, directory): (SocketAddr, String),
) -> (Talk, Carried) {
    let proxy = Proxy::new(server, plan.faults.clone(), settings.is_protected);
    let detour = || (tls::client_config(), proxy.detour());
    let script = Script {
        address: proxy.address.to_string(),
        config: settings.client(),
        tls: settings.is_protected.then(detour),
        directory,
        jobs: plan.jobs.clone(),
    };
    let talk = (subject.talk)(&script);
    let Some(carried) = proxy.end() else {
        panic!("{plan:?} has no end: {talk:?}");
    };
    (talk, carried)
}

/// Waits until there is none left.
pub(super) fn await_none(what: &str, left: impl Fn() -> Vec<String>) {
    let begun = Instant::now();
    loop {
        let left = left();
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} are left: {left:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The files that a session finds.
fn lay_out(directory: &Path, plan: &Plan) {
    fs::create_dir(directory).expect("a new directory");
    fs::write(directory.join(TARGET), OLD).expect("a file");
    for job in &plan.jobs {
        if let Job::Fetch(size) = job {
            fs::write(directory.join(name(*size)), content(*size)).expect("a file");
        }
    }
}

impl Settings {
    fn data_timeouts(self) -> data::Timeouts {
        let mut timeouts = data::Timeouts::default();
        let long = if self.is_impatient { SHORT } else { LONG };
        (timeouts.connect, timeouts.handshake, timeouts.stall) = (long, long, long);
        timeouts.close = long / 2;
        timeouts
    }

    fn client(self) -> client::Config {
        let login = Login::new(USER, PASSWORD).expect("a login");
        let security = match self.is_protected {
            true => client::Security::ExplicitTls,
            false => client::Security::DangerousPlaintext,
        };
        let long = if self.is_impatient { SHORT } else { LONG };
        let mode = match self.mode {
            Mode::Active => DataMode::Active,
            Mode::Passive | Mode::Ahead => DataMode::default(),
        };
        client::Config::new(login)
            .security(security)
            .data_mode(mode)
            .transfer_pipelining(self.mode == Mode::Ahead)
            .timeouts(client::Timeouts::uniform(long))
            .data_timeouts(self.data_timeouts())
    }

    fn server(self, root: &Path) -> ServerSettings {
        let security = match self.is_protected {
            true => server::Security::ExplicitTls,
            false => server::Security::DangerousPlaintext,
        };
        let files = FilesConfig::new().rights(Rights::ALL).active(true);
        let mut timeouts = server::Timeouts::default();
        if self.is_impatient {
            (timeouts.first_command, timeouts.login) = (SHORT, SHORT * 4);
            (timeouts.idle, timeouts.write) = (SHORT * 2, SHORT);
            (timeouts.handshake, timeouts.application) = (SHORT, SHORT * 4);
        }
        let config = server::Config::new()
            .security(security)
            .timeouts(timeouts)
            .files(files.timeouts(self.data_timeouts()));
        let directory = Directory::open(root).expect("the directory is there");
        ServerSettings {
            config: Arc::new(config),
            tls: self.is_protected.then(tls::server_config),
            max_sessions: 900,
            wants_account: false,
            in_bytes: false,
            hangs: false,
            guard: None,
            files: Some(FileSettings::new(Arc::new(directory))),
        }
    }
}

impl Plan {
    /// The listing, if what is stored has this size.
    pub(super) fn listing(&self, size: usize) -> Vec<u8> {
        let size = |name: &String| match name.strip_prefix(FILE) {
            Some(size) => format!("{name} {size}\n"),
            None => format!("{name} {size}\n"),
        };
        self.names()
            .iter()
            .map(size)
            .collect::<String>()
            .into_bytes()
    }

    /// The names of all files.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let fetched = self.jobs.iter().filter_map(|job| match job {
            Job::Fetch(size) => Some(name(*size)),
            _ => None,
        });
        fetched.chain([TARGET.to_owned()]).collect()
    }
}
