//! Our client before misbehaving servers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ftp_proto::Account;
use ftp_proto::client::{Config, Login, Security, Timeouts};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{ClientCertificates, Identity, Roots};

use super::{ACCOUNT, Heard, Outcome, PASSWORD, Parts, Step, USER, play, report, watched};
use crate::SelfMade;

/// A client of some adapter.
pub trait ClientUnderTest: Send + Sync + 'static {
    /// Connects to the server, whose name is `localhost` as far as TLS is concerned, logs in, does
    /// what [`Setup::then`] says, and tells what came of it. Blocks until that is known.
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome;
}

/// What a client is to do.
pub struct Setup {
    /// How to log in.
    pub config: Config,
    /// With this TLS, unless it is to be in clear.
    pub tls: Option<Arc<ClientConfig>>,
    /// What comes after the login.
    pub then: Then,
}

/// What comes after a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the connection is dropped.
    Leave,
    /// This command, whose final reply is waited for.
    Command(&'static str),
    /// `QUIT`, and its answer is waited for.
    Quit,
    /// `CCC`.
    ClearCommandChannel,
    /// `REIN` with the same credentials.
    Reinitialize,
}

/// A misbehaving server.
pub struct FaultyServer {
    /// Its name, for the command line.
    pub name: &'static str,
    /// What it does that it should not.
    pub case: &'static str,
    /// What it does, step by step.
    pub script: Vec<Step>,
    /// How the client is to protect the connection.
    pub security: Security,
    /// What comes after the login.
    pub then: Then,
    /// What must come of it: one of these. More than one only where that is a matter of timing.
    pub outcomes: Vec<Outcome>,
    /// Whether the client is to trust its certificate.
    pub is_trusted: bool,
    pub(super) tune: fn(Config) -> Config,
}

impl FaultyServer {
    /// In clear, and nothing after login.
    pub(super) fn new(
        name: &'static str,
        case: &'static str,
        script: impl IntoIterator<Item = Step>,
        outcome: Outcome,
    ) -> Self {
        Self {
            name,
            case,
            script: script.into_iter().collect(),
            security: Security::DangerousPlaintext,
            then: Then::Leave,
            outcomes: vec![outcome],
            tune: |config| config,
            is_trusted: true,
        }
    }

    pub(super) fn or(mut self, outcome: Outcome) -> Self {
        self.outcomes.push(outcome);
        self
    }

    pub(super) fn explicit(mut self) -> Self {
        self.security = Security::ExplicitTls;
        self
    }

    pub(super) fn implicit(mut self) -> Self {
        self.security = Security::ImplicitTls;
        self
    }

    pub(super) fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    /// What of the client's configuration matters here.
    pub(super) fn with(mut self, tune: fn(Config) -> Config) -> Self {
        self.tune = tune;
        self
    }

    pub(super) fn untrusted(mut self) -> Self {
        self.is_trusted = false;
        self
    }
}

/// The deadline of what a case is about, where it is silence.
const SHORT: Duration = Duration::from_millis(400);
/// That of everything else: if it passes, something was not noticed.
const LONG: Duration = Duration::from_secs(60);

/// Deadlines that no case may make us wait for.
pub(super) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::uniform(LONG);
    timeouts.login = LONG;
    timeouts
}

/// The same but for one of them.
pub(super) fn short(choose: fn(&mut Timeouts) -> &mut Duration) -> Timeouts {
    let mut timeouts = patient();
    *choose(&mut timeouts) = SHORT;
    timeouts
}

/// Certificates for all cases.
pub(crate) struct Certificates {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
    /// Trusts another.
    pub(crate) mistrustful: Arc<ClientConfig>,
}

impl Certificates {
    pub(crate) fn made() -> Self {
        let (mine, other) = (SelfMade::for_loopback(), SelfMade::for_loopback());
        let trusting = |made: &SelfMade| {
            let roots = ftp_rustls::roots_from_pem(made.certificate_pem.as_bytes());
            ftp_rustls::client_config(Roots::Store(roots.expect("roots")), None).expect("a client")
        };
        Self {
            client: trusting(&mine),
            mistrustful: trusting(&other),
            server: server_tls(&mine),
        }
    }
}

fn server_tls(made: &SelfMade) -> Arc<ServerConfig> {
    let identity = Identity::from_pem(made.certificate_pem.as_bytes(), made.key_pem.as_bytes());
    ftp_rustls::server_config(identity.expect("an identity"), ClientCertificates::NotAsked)
        .expect("a server")
}

/// Lets a client meet these servers.
pub(super) fn try_all(cases: Vec<FaultyServer>, client: impl ClientUnderTest) {
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    let certificates = Certificates::made();
    let results = watched(cases, move |case| try_lie(&client, &case, &certificates));
    report(&names, results);
}

fn try_lie(
    client: &impl ClientUnderTest,
    case: &FaultyServer,
    certificates: &Certificates,
) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let tls = if case.is_trusted {
        &certificates.client
    } else {
        &certificates.mistrustful
    };
    let login = Login::new(USER, PASSWORD).map_err(|error| error.to_string())?;
    let config = Config::new(login)
        .security(case.security)
        .timeouts(patient());
    let setup = Setup {
        config: (case.tune)(config),
        tls: (case.security != Security::DangerousPlaintext).then(|| Arc::clone(tls)),
        then: case.then,
    };
    let (script, server_tls) = (case.script.clone(), Arc::clone(&certificates.server));
    let over = Arc::new(AtomicBool::new(false));
    let peer = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || listen_and_play(&listener, &script, server_tls, &over))
    };
    let outcome = client.log_in(address, &setup);
    over.store(true, Ordering::Release);
    let heard = peer
        .join()
        .map_err(|_| "the peer panicked".to_owned())?
        .map_err(|error| format!("nobody connected to the peer: {error}"))?;
    judge(case, &outcome, &heard)
}

/// Plays the case to the next client that connects.
///
/// # Errors
/// If no one could be accepted.
pub fn listen_and_play(
    listener: &TcpListener,
    script: &[Step],
    tls: Arc<ServerConfig>,
    over: &AtomicBool,
) -> std::io::Result<Heard> {
    let (stream, _) = listener.accept()?;
    Ok(play(stream, Parts::Server(tls), script, over))
}

fn judge(case: &FaultyServer, outcome: &Outcome, heard: &Heard) -> Result<(), String> {
    if !case.outcomes.contains(outcome) {
        return Err(format!(
            "came to {outcome:?}, not {:?}; it heard: {}",
            case.outcomes,
            heard.codes()
        ));
    }
    let in_clear = Heard {
        in_clear: heard.in_clear.clone(),
        ..Heard::default()
    };
    let secret =
        |heard: &Heard| heard.holds(PASSWORD.as_bytes()) || heard.holds(ACCOUNT.as_bytes());
    if case.security != Security::DangerousPlaintext && secret(&in_clear) {
        return Err("a secret was sent in clear".to_owned());
    }
    let asks = |step: &Step| matches!(step, Step::Hear(part) if part.starts_with("PASS"));
    let is_asked = case.outcomes.iter().any(Outcome::is_after_password);
    if !is_asked && !case.script.iter().any(asks) && heard.holds(PASSWORD.as_bytes()) {
        return Err("the password was sent before it was asked for".to_owned());
    }
    Ok(())
}

/// With the account that some servers ask for.
pub(super) fn with_account(config: Config) -> Config {
    let account = Account::new(ACCOUNT);
    let login = Login::new(USER, PASSWORD).expect("a login");
    let security = config.configured_security();
    Config::new(login.account(account.expect("an account")))
        .security(security)
        .timeouts(config.configured_timeouts())
}
