//! `ftp-cli login`: one login to a server, and its report.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use ftp_adapter::jitter;
use ftp_proto::Lenience;
use ftp_proto::client::{Config, DataProtection, Security, Timeouts, Utf8};
use ftp_proto::connect::Retry;
use ftp_proto::wire::{Command, Verb, escape};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::{ConfigError, Roots, client_config};

use crate::adapter::Adapter;
use crate::attempt::Attempt;
use crate::certificate::{read_identity, read_roots};
use crate::cli::{LoginArguments, ProtectionChoice, RuntimeChoice, Utf8Choice};
use crate::credentials::Credentials;
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};
use crate::report::{CommandReply, Outcome, Report, Trust};
use crate::target::Target;
use crate::transcript::{Live, Recorder, TimedPhase};

/// How many further replies a greeting may have with `--lenient-greeting`. Devices send three.
const MOST_GREETINGS: usize = 16;

/// Runs the command.
///
/// # Errors
/// What is wrong before the first connection. A failed login is not an error here: the report has
/// it.
pub(crate) fn run(arguments: &LoginArguments, output: Arc<Output>) -> Result<Exit, Failure> {
    let plan = Plan::new(arguments, output)?;
    let report = plan.log_in()?;
    plan.show(&report);
    plan.output.finish()?;
    Ok(report.outcome().exit())
}

/// Everything that is decided before the first connection.
struct Plan<'a> {
    arguments: &'a LoginArguments,
    output: Arc<Output>,
    adapter: Adapter,
    /// `host:port`.
    address: String,
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    then: Vec<Command>,
}

impl<'a> Plan<'a> {
    fn new(arguments: &'a LoginArguments, output: Arc<Output>) -> Result<Self, Failure> {
        let mut target = Target::parse(&arguments.url)?;
        let security = security(arguments, &target)?;
        let then = arguments
            .then
            .iter()
            .map(|line| parse_then(line))
            .collect::<Result<Vec<_>, _>>()?;
        let tls = match security {
            Security::DangerousPlaintext => None,
            _ => Some(tls_config(arguments)?),
        };
        let credentials = Credentials::gather(arguments, &mut target)?;
        warn(arguments, &target);
        Ok(Self {
            address: target.address(),
            config: config(arguments, security, &credentials)?,
            tls,
            then,
            adapter: start(arguments.runtime.runtime)?,
            arguments,
            output,
        })
    }

    /// Tries until a try succeeds or no other is allowed.
    fn log_in(&self) -> Result<Report, Failure> {
        let began = Instant::now();
        let now = || ftp_proto::Instant::from_start(began.elapsed());
        let mut retrying = Retry::new().retries(self.arguments.retries).start(now());
        loop {
            let (report, is_transient) = self.attempt(retrying.attempts())?;
            let Some(again) = retrying.failed(now(), is_transient, jitter()) else {
                return Ok(report);
            };
            let delay = again - now();
            complain(format_args!(
                "{}; trying again in {:.1} s",
                report.message(),
                delay.as_secs_f64()
            ));
            std::thread::sleep(delay);
        }
    }

    /// One connection, from start to end, and whether another may succeed.
    fn attempt(&self, attempts: u32) -> Result<(Report, bool), Failure> {
        let live = (!self.arguments.json && !self.arguments.quiet).then(|| Live {
            output: Arc::clone(&self.output),
            indent: "",
            timestamps: self.arguments.verbose,
        });
        let recorder = Arc::new(Recorder::new(live));
        let attempt = Attempt {
            adapter: &self.adapter,
            config: self.config.clone(),
            tls: self.tls.clone(),
            address: &self.address,
            then: &self.then,
            trust: trust(self.arguments),
            tells_all: self.arguments.verbose,
        };
        attempt.run(recorder, attempts)
    }

    fn show(&self, report: &Report) {
        if self.arguments.json {
            // Plain data: writing it as JSON cannot fail.
            self.output
                .line(&serde_json::to_string(report).unwrap_or_default());
            return;
        }
        if self.arguments.quiet {
            for CommandReply { reply, .. } in report.replies() {
                for line in reply.lines() {
                    self.output
                        .line(&format!("{} {}", reply.code(), escape(line.as_bytes())));
                }
            }
        }
        if self.arguments.verbose {
            for phase in TimedPhase::ALL {
                let time = report.times().of(phase);
                self.output
                    .line(&format!("{:>9.3} s {}", time.as_secs_f64(), phase.name()));
            }
        }
        match report.outcome() {
            Outcome::LoggedIn if self.arguments.quiet => {}
            Outcome::LoggedIn => self.output.line(&report.to_string()),
            _ => complain(format_args!("error: {report}")),
        }
    }
}

/// Starts the adapter that was chosen.
///
/// # Errors
/// If it cannot start its threads.
pub(crate) fn start(choice: RuntimeChoice) -> Result<Adapter, Failure> {
    Adapter::new(choice)
        .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))
}

fn security(arguments: &LoginArguments, target: &Target) -> Result<Security, Failure> {
    match (arguments.plaintext, target.security) {
        (true, Security::ImplicitTls) => Err(Failure::usage(
            "--plaintext and ftps:// contradict each other: ftps:// is TLS from the first byte",
        )),
        (true, _) => Ok(Security::DangerousPlaintext),
        (false, security) => Ok(security),
    }
}

fn warn(arguments: &LoginArguments, target: &Target) {
    if arguments.plaintext {
        complain(
            "warning: --plaintext: no TLS; name, password and all else can be read and changed on \
             the way",
        );
    }
    if arguments.danger_accept_any_cert {
        complain(
            "warning: --danger-accept-any-cert: anyone on the way can pose as the server and read \
             the password",
        );
    }
    if target.has_path {
        complain("note: the path in the URL is ignored: this command only logs in");
    }
}

/// A command of `--then`.
fn parse_then(line: &str) -> Result<Command, Failure> {
    let command = Command::from_line(line)
        .map_err(|why| Failure::usage(format!("a command of --then {}", why.problem)))?;
    match command.verb() {
        Verb::User
        | Verb::Pass
        | Verb::Auth
        | Verb::Adat
        | Verb::Ccc
        | Verb::Rein
        | Verb::Host
        | Verb::Quit => Err(Failure::usage(format!(
            "{} cannot be sent with --then: it is part of logging in or out",
            command.verb()
        ))),
        _ => Ok(command),
    }
}

/// Which certificates the options trust.
fn trust(arguments: &LoginArguments) -> Trust {
    match arguments.ca {
        _ if arguments.danger_accept_any_cert => Trust::Any,
        Some(_) => Trust::File,
        None if !arguments.cert_sha256.is_empty() => Trust::Pins,
        None => Trust::Platform,
    }
}

fn tls_config(arguments: &LoginArguments) -> Result<Arc<ClientConfig>, Failure> {
    let roots = match (&arguments.ca, trust(arguments)) {
        (_, Trust::Any) => Roots::DangerousAnyCertificate,
        (_, Trust::Pins) => Roots::Pinned(arguments.cert_sha256.clone()),
        (Some(path), _) => Roots::Store(read_roots(path)?),
        (None, _) => Roots::Platform,
    };
    let identity = match (&arguments.client_cert, &arguments.client_key) {
        (Some(chain), Some(key)) => Some(read_identity(chain, key)?),
        _ => None,
    };
    client_config(roots, identity).map_err(|error| {
        let file = match error {
            ConfigError::KeyMismatch | ConfigError::Identity(_) => &arguments.client_cert,
            ConfigError::RootsForOtherPurpose => &arguments.ca,
            _ => &None,
        };
        let file = file
            .as_deref()
            .map(|path| format!(" with {}", path.display()));
        Failure::usage(format!(
            "cannot set up TLS{}: {error}",
            file.unwrap_or_default()
        ))
    })
}

fn config(
    arguments: &LoginArguments,
    security: Security,
    credentials: &Credentials,
) -> Result<Config, Failure> {
    let config = Config::new(credentials.to_login(io::stdin().is_terminal()))
        .security(security)
        .data_protection(match arguments.protection {
            ProtectionChoice::Required => DataProtection::Required,
            ProtectionChoice::Preferred => DataProtection::Preferred,
            ProtectionChoice::Clear => DataProtection::Clear,
        })
        .auth_ssl_fallback(arguments.auth_ssl_fallback)
        .utf8(match arguments.utf8 {
            Utf8Choice::Never => Utf8::Never,
            Utf8Choice::Announced => Utf8::IfAnnounced,
            Utf8Choice::Always => Utf8::Always,
        })
        .pipelining(arguments.pipeline)
        .lenience(lenience(arguments))
        .timeouts(Timeouts::uniform(arguments.timeout));
    match &arguments.host {
        Some(name) => config
            .host(name)
            .map_err(|why| Failure::usage(format!("the name of --host {}", why.problem))),
        None => Ok(config),
    }
}

fn lenience(arguments: &LoginArguments) -> Lenience {
    let mut lenience = Lenience::default();
    if arguments.lenient_greeting {
        lenience.repeated_greetings = MOST_GREETINGS;
    }
    lenience
}
