//! `ftp-cli login`: one login to a server, and its report.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use ftp_adapter::jitter;
use ftp_proto::client::{Config, Security};
use ftp_proto::connect::Retry;
use ftp_proto::wire::{Command, Verb, escape};
use ftp_rustls::Versions;
use ftp_rustls::rustls::ClientConfig;

use crate::adapter::Adapter;
use crate::attempt::Attempt;
use crate::cli::{LoginArguments, RuntimeChoice};
use crate::connection::{config, security, tls_config, trust, warn};
use crate::credentials::Credentials;
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};
use crate::report::{CommandReply, Outcome, Report};
use crate::target::Target;
use crate::transcript::{Layout, Live, Recorder, TimedPhase};

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
        let security = security(&arguments.connection, &target)?;
        let then = arguments
            .then
            .iter()
            .map(|line| parse_then(line))
            .collect::<Result<Vec<_>, _>>()?;
        let tls = match security {
            Security::DangerousPlaintext => None,
            _ => Some(tls_config(&arguments.connection, Versions::default())?),
        };
        let credentials = Credentials::gather(&arguments.connection, &mut target)?;
        warn(&arguments.connection);
        if !target.path.is_start() {
            complain("note: the path in the URL is ignored: this command only logs in");
        }
        Ok(Self {
            address: target.address(),
            config: config(
                &arguments.connection,
                security,
                &credentials,
                io::stdin().is_terminal(),
            )?,
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
        let mut retrying = Retry::new()
            .retries(self.arguments.connection.retries.unwrap_or(0))
            .start(now());
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
            output: Some(Arc::clone(&self.output)),
            indent: "",
            layout: match self.arguments.verbose {
                true => Layout::Timed,
                false => Layout::Lines,
            },
        });
        let recorder = Arc::new(Recorder::new(live));
        let attempt = Attempt {
            adapter: &self.adapter,
            config: self.config.clone(),
            tls: self.tls.clone(),
            address: &self.address,
            then: &self.then,
            trust: trust(&self.arguments.connection),
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
