//! Our server before misbehaving clients.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp_proto::server::{Attempt, ClosedWhy, Config, Security, Timeouts, Verdict};
use ftp_rustls::rustls::ServerConfig;
use socket2::SockRef;

use super::try_client::Certificates;
use super::{Heard, PASSWORD, Parts, Step, USER, play, report, watched};

/// A server of some adapter.
pub trait ServerUnderTest: Send + Sync + 'static {
    /// Accepts one connection, runs it to its end, and tells how it ended. Every attempt to log in
    /// goes to [`Record::check`], and what happens is told to the record.
    fn serve_one(&self, listener: TcpListener, setup: &ServerSetup, record: &Arc<Record>);
}

/// How a server is to be.
pub struct ServerSetup {
    /// Its policy.
    pub config: Arc<Config>,
    /// Its TLS, if it has any.
    pub tls: Option<Arc<ServerConfig>>,
}

/// How a server's connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEnd {
    /// In due form, or because the client broke the protocol.
    Closed(ClosedWhy),
    /// TLS failed.
    TlsFailed,
    /// The transport broke.
    Lost,
}

/// What a server made of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerOutcome {
    /// How many passwords were checked.
    pub checked: usize,
    /// How many times someone was logged in.
    pub logins: usize,
    /// How it ended.
    pub end: Option<ServerEnd>,
}

/// What happens at a server, told by its adapter.
#[derive(Debug, Default)]
pub struct Record(Mutex<ServerOutcome>);

impl Record {
    /// Whether it is the one user with the right password.
    pub fn check(&self, attempt: Attempt) -> Verdict {
        self.change(|outcome| outcome.checked += 1);
        let is_right = attempt.username().as_bytes() == USER.as_bytes()
            && attempt
                .password()
                .is_some_and(|password| password.expose() == PASSWORD.as_bytes());
        if is_right {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    /// Someone is logged in.
    pub fn logged_in(&self) {
        self.change(|outcome| outcome.logins += 1);
    }

    /// The connection is over. The first end counts.
    pub fn ended(&self, end: ServerEnd) {
        self.change(|outcome| {
            outcome.end.get_or_insert(end);
        });
    }

    fn change(&self, change: impl FnOnce(&mut ServerOutcome)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn outcome(&self) -> ServerOutcome {
        let outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone()
    }
}

/// A misbehaving client.
pub struct FaultyClient {
    /// Its name.
    pub name: &'static str,
    /// What it does that it should not.
    pub case: &'static str,
    /// What it does, step by step.
    pub script: Vec<Step>,
    /// The codes that it must hear, in order. `None` where it cannot hear them all.
    pub hears: Option<&'static str>,
    /// How the server must end: one of these.
    pub ends: Vec<ServerEnd>,
    /// How many passwords must have been checked.
    pub checked: usize,
    /// How many logins there must have been.
    pub logins: usize,
    pub(super) tune: fn(Config) -> Config,
    pub(super) has_small_buffers: bool,
}

impl FaultyClient {
    /// Against a server in clear; nothing is checked, and nobody is logged in.
    pub(super) fn new(
        name: &'static str,
        case: &'static str,
        script: impl IntoIterator<Item = Step>,
        hears: &'static str,
        end: ServerEnd,
    ) -> Self {
        Self {
            name,
            case,
            script: script.into_iter().collect(),
            hears: Some(hears),
            ends: vec![end],
            checked: 0,
            logins: 0,
            tune: |config| config,
            has_small_buffers: false,
        }
    }

    pub(super) fn or(mut self, end: ServerEnd) -> Self {
        self.ends.push(end);
        self
    }

    /// So many passwords are checked, and so many logins come of it.
    pub(super) fn checked(mut self, checked: usize, logins: usize) -> Self {
        (self.checked, self.logins) = (checked, logins);
        self
    }

    pub(super) fn with(mut self, tune: fn(Config) -> Config) -> Self {
        self.tune = tune;
        self
    }

    /// What is said to it gets lost, is no text, or is too much to count.
    pub(super) fn unheard(mut self) -> Self {
        self.hears = None;
        self
    }

    /// It takes very little before it has to read.
    pub(super) fn with_small_buffers(mut self) -> Self {
        self.has_small_buffers = true;
        self
    }
}

/// The deadline of what a case is about, where it is silence.
const SHORT: Duration = Duration::from_millis(400);
/// That of everything else.
const LONG: Duration = Duration::from_secs(60);

/// Deadlines that no case may make us wait for.
pub(super) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.first_command = LONG;
    timeouts.login = LONG;
    timeouts.handshake = LONG;
    timeouts.idle = LONG;
    timeouts.write = LONG;
    timeouts
}

/// The same but for one of them.
pub(super) fn short(choose: fn(&mut Timeouts) -> &mut Duration) -> Timeouts {
    let mut timeouts = patient();
    *choose(&mut timeouts) = SHORT;
    timeouts
}

/// Lets a server meet these clients.
pub(super) fn try_all(cases: Vec<FaultyClient>, server: impl ServerUnderTest) {
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    let certificates = Certificates::made();
    let results = watched(cases, move |case| try_lie(&server, case, &certificates));
    report(&names, results);
}

fn try_lie(
    server: &impl ServerUnderTest,
    case: FaultyClient,
    certificates: &Certificates,
) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let stream = TcpStream::connect(listener.local_addr().map_err(|e| e.to_string())?)
        .map_err(|e| e.to_string())?;
    if case.has_small_buffers {
        SockRef::from(&stream)
            .set_recv_buffer_size(4096)
            .map_err(|e| e.to_string())?;
    }
    let config = Config::new()
        .security(Security::DangerousPlaintext)
        .failure_delay(Duration::from_millis(1), Duration::from_millis(1))
        .failure_step(Duration::ZERO)
        .timeouts(patient());
    let config = (case.tune)(config);
    let setup = ServerSetup {
        tls: (config.configured_security() != Security::DangerousPlaintext)
            .then(|| Arc::clone(&certificates.server)),
        config: Arc::new(config),
    };
    let over = Arc::new(AtomicBool::new(false));
    let peer = {
        let (over, tls) = (Arc::clone(&over), Arc::clone(&certificates.client));
        let script = case.script.clone();
        std::thread::spawn(move || play(stream, Parts::Client(tls), &script, &over))
    };
    let record = Arc::default();
    server.serve_one(listener, &setup, &record);
    over.store(true, Ordering::Release);
    let heard = peer.join().map_err(|_| "the peer panicked".to_owned())?;
    judge(&case, &record.outcome(), &heard)
}

fn judge(case: &FaultyClient, outcome: &ServerOutcome, heard: &Heard) -> Result<(), String> {
    let codes = heard.codes();
    if case.hears.is_some_and(|hears| hears != codes) {
        return Err(format!("heard {codes}; {outcome:?}"));
    }
    let ends_well = outcome
        .end
        .as_ref()
        .is_some_and(|end| case.ends.contains(end));
    if !ends_well || (outcome.checked, outcome.logins) != (case.checked, case.logins) {
        return Err(format!("came to {outcome:?}; heard {codes}"));
    }
    if heard.holds(PASSWORD.as_bytes()) {
        return Err("the password was said back".to_owned());
    }
    Ok(())
}
