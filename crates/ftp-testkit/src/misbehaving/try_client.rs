//! Our client before misbehaving servers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ftp_proto::client::{Config, Login, Security, Timeouts};
use ftp_proto::{Account, Lenience, Limits};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{ClientCertificates, Identity, Roots};

use super::{ACCOUNT, Case, Heard, Outcome, PASSWORD, Parts, Protected, Step, USER, play, watched};
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
    /// What comes after the login: `QUIT`, `CCC`, `REIN`, or a command whose final reply is waited
    /// for. `None`: the connection is dropped.
    pub then: Option<String>,
}

/// The deadline of what a case is about, where it is silence.
const SHORT: Duration = Duration::from_millis(400);
/// That of everything else: if it passes, something was not noticed.
const LONG: Duration = Duration::from_secs(60);

/// Its certificate is of a CA that the client does not trust.
pub(super) const ANOTHER_CA: &str = "WITH another CA";
/// A reply that begins in one code may end in another, after a while.
pub(super) const FOREIGN_ENDS: &str = "WITH foreign ends";

/// What a line `DEADLINE` or `WITH` means. A deadline that is not named is long: no case may make
/// us wait for it.
pub(super) fn setting(line: &str) -> Option<fn(Config) -> Config> {
    Some(match line {
        "DEADLINE greeting" => |config| short(config, |timeouts| &mut timeouts.greeting),
        "DEADLINE handshake" => |config| short(config, |timeouts| &mut timeouts.handshake),
        "DEADLINE login" => |config| short(config, |timeouts| &mut timeouts.login),
        "DEADLINE quit" => |config| short(config, |timeouts| &mut timeouts.quit),
        "DEADLINE reply" => |config| short(config, |timeouts| &mut timeouts.reply),
        // In the login and in the TLS configuration.
        ACCOUNT_GIVEN | ANOTHER_CA => |config| config,
        "WITH AUTH SSL" => |config| config.auth_ssl_fallback(true),
        "WITH CCC" => |config| config.clear_command_channel(true),
        "WITH strict reading" => |config| config.lenience(Lenience::STRICT),
        "WITH two more greetings" => |config| {
            let mut lenience = Lenience::default();
            lenience.repeated_greetings = 2;
            config.lenience(lenience)
        },
        FOREIGN_ENDS => |config| {
            let mut lenience = Lenience::default();
            // The deadlines are long beside that.
            lenience.foreign_end_after = Some(Duration::from_millis(100));
            config.lenience(lenience)
        },
        // As little memory as can be lived with.
        "WITH tight limits" => |config| {
            let mut limits = Limits::default();
            limits.reply_line = 512;
            limits.reply_lines = 50;
            limits.reply_bytes = 4096;
            limits.filler_bytes = 4096;
            config.limits(limits)
        },
        "WITH endless filler" => |config| {
            let mut limits = Limits::default();
            limits.filler_bytes = usize::MAX;
            config.limits(limits)
        },
        _ => return None,
    })
}

const ACCOUNT_GIVEN: &str = "WITH account";

fn short(config: Config, choose: fn(&mut Timeouts) -> &mut Duration) -> Config {
    let mut timeouts = config.configured_timeouts();
    *choose(&mut timeouts) = SHORT;
    config.timeouts(timeouts)
}

/// How a client is to meet this server.
pub(super) fn config(case: &Case) -> Config {
    let mut login = Login::new(USER, PASSWORD).expect("a login");
    if case.has(ACCOUNT_GIVEN) {
        login = login.account(Account::new(ACCOUNT).expect("an account"));
    }
    let mut timeouts = Timeouts::uniform(LONG);
    timeouts.login = LONG;
    let config = Config::new(login)
        .security(match case.security {
            Protected::Clear => Security::DangerousPlaintext,
            Protected::ExplicitTls => Security::ExplicitTls,
            Protected::ImplicitTls => Security::ImplicitTls,
        })
        .timeouts(timeouts);
    let settings = case.settings.iter().filter_map(|line| setting(line));
    settings.fold(config, |config, tune| tune(config))
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
pub(super) fn try_all(cases: Vec<Case>, client: impl ClientUnderTest) {
    let certificates = Certificates::made();
    watched(cases, move |case| try_case(&client, case, &certificates));
}

fn try_case(
    client: &impl ClientUnderTest,
    case: &Case,
    certificates: &Certificates,
) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let tls = match case.is_trusted() {
        true => &certificates.client,
        false => &certificates.mistrustful,
    };
    let setup = Setup {
        config: config(case),
        tls: (case.security != Protected::Clear).then(|| Arc::clone(tls)),
        then: case.then.clone(),
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

/// Whether what came of it may, and nothing secret was sent that may not.
pub(super) fn judge(case: &Case, outcome: &Outcome, heard: &Heard) -> Result<(), String> {
    if !case.expects.contains(&outcome.to_string()) {
        return Err(format!(
            "came to \"{outcome}\", not {:?}; it heard: {}",
            case.expects,
            heard.codes()
        ));
    }
    let in_clear = Heard {
        in_clear: heard.in_clear.clone(),
        ..Heard::default()
    };
    let secret =
        |heard: &Heard| heard.holds(PASSWORD.as_bytes()) || heard.holds(ACCOUNT.as_bytes());
    if case.security != Protected::Clear && secret(&in_clear) {
        return Err("a secret was sent in clear".to_owned());
    }
    let asks = |step: &Step| matches!(step, Step::Hear(part) if part.starts_with("PASS"));
    let is_asked = outcome.is_after_password() || case.script.iter().any(asks);
    if !is_asked && heard.holds(PASSWORD.as_bytes()) {
        return Err("the password was sent before it was asked for".to_owned());
    }
    Ok(())
}
