//! Our server before misbehaving clients.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp_proto::server::{Attempt, ClosedWhy, Config, Security, Timeouts, Verdict};
use ftp_rustls::rustls::ServerConfig;
use socket2::SockRef;

use super::outcome::words;
use super::try_client::Certificates;
use super::{Case, Heard, PASSWORD, Parts, Protected, USER, play, watched};

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

impl fmt::Display for ServerEnd {
    /// As the files of the cases say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(why) => f.write_str(&words(why)),
            Self::TlsFailed => f.write_str("TLS failed"),
            Self::Lost => f.write_str("lost"),
        }
    }
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

    pub(super) fn outcome(&self) -> ServerOutcome {
        let outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone()
    }
}

/// The deadline of what a case is about, where it is silence.
const SHORT: Duration = Duration::from_millis(400);
/// That of everything else.
const LONG: Duration = Duration::from_secs(60);

/// The client takes very little before it has to read.
const SMALL_BUFFERS: &str = "WITH small buffers";

/// What a line `DEADLINE` or `WITH` means. A deadline that is not named is long.
pub(super) fn setting(line: &str) -> Option<fn(Config) -> Config> {
    Some(match line {
        "DEADLINE first command" => |config| short(config, |timeouts| &mut timeouts.first_command),
        "DEADLINE handshake" => |config| short(config, |timeouts| &mut timeouts.handshake),
        "DEADLINE idle" => |config| short(config, |timeouts| &mut timeouts.idle),
        "DEADLINE login" => |config| short(config, |timeouts| &mut timeouts.login),
        "DEADLINE write" => |config| short(config, |timeouts| &mut timeouts.write),
        SMALL_BUFFERS => |config| config,
        "WITH long help" => |config| {
            let lines = std::iter::repeat_n("x".repeat(70), 1000);
            config.help(lines).expect("lines of x")
        },
        "WITH three bad commands" => |config| config.max_bad_commands(3),
        _ => return None,
    })
}

fn short(config: Config, choose: fn(&mut Timeouts) -> &mut Duration) -> Config {
    let mut timeouts = patient();
    *choose(&mut timeouts) = SHORT;
    config.timeouts(timeouts)
}

/// Deadlines that no case may make us wait for.
fn patient() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.first_command = LONG;
    timeouts.login = LONG;
    timeouts.handshake = LONG;
    timeouts.idle = LONG;
    timeouts.write = LONG;
    timeouts
}

/// How a server is to meet this client.
pub(super) fn config(case: &Case) -> Config {
    let config = Config::new()
        .security(match case.security {
            Protected::Clear => Security::DangerousPlaintext,
            Protected::ExplicitTls => Security::ExplicitTls,
            Protected::ImplicitTls => Security::ImplicitTls,
        })
        .failure_delay(Duration::from_millis(1), Duration::from_millis(1))
        .failure_step(Duration::ZERO)
        .timeouts(patient());
    let settings = case.settings.iter().filter_map(|line| setting(line));
    settings.fold(config, |config, tune| tune(config))
}

/// Lets a server meet these clients.
pub(super) fn try_all(cases: Vec<Case>, server: impl ServerUnderTest) {
    let certificates = Certificates::made();
    watched(cases, move |case| try_case(&server, case, &certificates));
}

fn try_case(
    server: &impl ServerUnderTest,
    case: &Case,
    certificates: &Certificates,
) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let stream = TcpStream::connect(listener.local_addr().map_err(|e| e.to_string())?)
        .map_err(|e| e.to_string())?;
    if case.has(SMALL_BUFFERS) {
        SockRef::from(&stream)
            .set_recv_buffer_size(4096)
            .map_err(|e| e.to_string())?;
    }
    let setup = ServerSetup {
        tls: (case.security != Protected::Clear).then(|| Arc::clone(&certificates.server)),
        config: Arc::new(config(case)),
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
    judge(case, &record.outcome(), &heard)
}

/// Whether what came of it may, and nothing secret was said back.
pub(super) fn judge(case: &Case, outcome: &ServerOutcome, heard: &Heard) -> Result<(), String> {
    let codes = heard.codes();
    if case.hears.as_ref().is_some_and(|hears| *hears != codes) {
        return Err(format!("heard {codes}; {outcome:?}"));
    }
    let ends_well = outcome
        .end
        .as_ref()
        .is_some_and(|end| case.expects.contains(&end.to_string()));
    if !ends_well || (outcome.checked, outcome.logins) != (case.checked, case.logins) {
        return Err(format!("came to {outcome:?}; heard {codes}"));
    }
    if heard.holds(PASSWORD.as_bytes()) {
        return Err("the password was said back".to_owned());
    }
    Ok(())
}
