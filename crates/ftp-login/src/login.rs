//! `ftp-login login`: one login to a real server, and what became of it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use ftp_proto::client::{
    Answer, Challenge, ChallengeKind, Config, DataProtection, Event, Security, Timeouts,
};
use ftp_proto::wire::{Code, Command, Verb, escape};
use ftp_proto::{Account, Password};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::{Roots, client_config};
use ftp_tokio::{Connector, Error};
use zeroize::Zeroizing;

use crate::certificate::{read_identity, read_roots};
use crate::cli::{LoginArguments, ProtectionChoice};
use crate::credentials::Credentials;
use crate::decode::ReplyRecord;
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};
use crate::report::{CommandReply, Dialogue, End, Outcome, Report};
use crate::retry::RetryPolicy;
use crate::target::Target;
use crate::transcript::{Live, Mask, Recorder, TimedPhase};

/// Runs the command.
///
/// # Errors
/// What is wrong before the first connection is tried. What becomes of the login is no error here.
pub(crate) async fn run(arguments: &LoginArguments, output: Arc<Output>) -> Result<Exit, Failure> {
    let plan = Plan::new(arguments, output)?;
    let report = plan.log_in().await?;
    plan.show(&report);
    plan.output.finish()?;
    Ok(report.outcome().exit())
}

/// Everything that is settled before the first connection.
struct Plan<'a> {
    arguments: &'a LoginArguments,
    output: Arc<Output>,
    /// `host:port`.
    address: String,
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    then: Vec<Command>,
    mask: Mask,
}

impl<'a> Plan<'a> {
    fn new(arguments: &'a LoginArguments, output: Arc<Output>) -> Result<Self, Failure> {
        let mut target = Target::parse(&arguments.url)?;
        let security = security(arguments, &target)?;
        let then = arguments.then.iter().map(|line| parse_then(line)).collect::<Result<_, _>>()?;
        let tls = match security {
            Security::DangerousPlaintext => None,
            _ => Some(tls_config(arguments)?),
        };
        let credentials = Credentials::gather(arguments, &mut target)?;
        warn(arguments, &target);
        Ok(Self {
            address: target.address(),
            config: config(arguments, security, &credentials)?,
            mask: mask(&credentials),
            tls,
            then,
            arguments,
            output,
        })
    }

    /// Tries until it is decided, or may not be tried again.
    async fn log_in(&self) -> Result<Report, Failure> {
        let policy = RetryPolicy::new(self.arguments.retries);
        let began = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (report, is_transient) = self.attempt(attempts).await?;
            let delay = policy.delay(attempts, began.elapsed(), random());
            let Some(delay) = delay.filter(|_| is_transient) else { return Ok(report) };
            complain(format_args!(
                "{}; trying again in {:.1} s",
                report.message(),
                delay.as_secs_f64()
            ));
            tokio::time::sleep(delay).await;
        }
    }

    /// One connection, from its start to its end; and whether another may fare better.
    async fn attempt(&self, attempts: u32) -> Result<(Report, bool), Failure> {
        let live = (!self.arguments.json && !self.arguments.quiet).then(|| Live {
            output: Arc::clone(&self.output),
            indent: "",
            timestamps: self.arguments.verbose,
        });
        let recorder = Arc::new(Recorder::new(self.mask.clone(), live));
        let mut connector = Connector::new(self.config.clone().observer(recorder.clone()));
        if let Some(tls) = &self.tls {
            connector = connector.tls(Arc::clone(tls));
        }
        let mut dialogue = Dialogue {
            session: None,
            replies: Vec::new(),
            is_plaintext: self.tls.is_none(),
            attempts,
        };
        let end = match self.talk(&connector, &recorder, &mut dialogue).await {
            Ok(end) => end,
            Err(Error::Address(error)) => return Err(Failure::usage(error.to_string())),
            Err(error) => End::Failed(error),
        };
        // A session that was lost after the login is not to be had by another login.
        let is_transient = match &end {
            End::Failed(error) => error.is_transient() && dialogue.session.is_none(),
            _ => false,
        };
        let recording = recorder.take(end.phase());
        let report = Report::new(&end, dialogue, recording, |text| recorder.masked(text));
        Ok((report, is_transient))
    }

    /// Connects, logs in, sends the commands of `--then`, and says goodbye.
    async fn talk(
        &self,
        connector: &Connector,
        recorder: &Recorder,
        dialogue: &mut Dialogue,
    ) -> Result<End, Error> {
        let mut connecting = connector.dial(&self.address).await?;
        recorder.connected();
        loop {
            match connecting.next_event().await? {
                Event::LoggedIn(session) => {
                    dialogue.session = Some(session);
                    break;
                }
                Event::Challenge(challenge) => {
                    let kind = challenge.kind();
                    let answer = ask(challenge, recorder).await.ok_or(Error::Unanswered(kind))?;
                    connecting.answer(answer)?;
                }
                _ => {}
            }
        }
        let mut client = connecting.await?;
        let needed_no_password =
            client.session().is_some_and(|s| s.logged_in_with.code() == Code::SUPERFLUOUS);
        for command in &self.then {
            let reply = client.command(command.clone()).await?;
            let record = ReplyRecord::of(reply.borrow()).map_lines(|line| recorder.masked(line));
            dialogue.replies.push(CommandReply { command: command.to_string(), reply: record });
            if needed_no_password && reply.code() == Code::NOT_LOGGED_IN {
                let message = format!("the server says after all that nobody is logged in: {reply}");
                return Ok(End::NotLoggedIn { code: reply.code().get(), message });
            }
        }
        if let Err(error) = client.quit().await {
            // The login is done; how its end went is worth a word, no more.
            if self.arguments.verbose {
                complain(format_args!("note: while saying goodbye: {error}"));
            }
        }
        Ok(End::Done)
    }

    fn show(&self, report: &Report) {
        if self.arguments.json {
            // Plain data: there is nothing in it that could fail to be written as JSON.
            self.output.line(&serde_json::to_string(report).unwrap_or_default());
            return;
        }
        if self.arguments.quiet {
            for CommandReply { reply, .. } in report.replies() {
                for line in reply.lines() {
                    self.output.line(&format!("{} {}", reply.code(), escape(line.as_bytes())));
                }
            }
        }
        if self.arguments.verbose {
            for phase in TimedPhase::ALL {
                let time = report.times().of(phase);
                self.output.line(&format!("{:>9.3} s {}", time.as_secs_f64(), phase.name()));
            }
        }
        match report.outcome() {
            Outcome::LoggedIn if self.arguments.quiet => {}
            Outcome::LoggedIn => self.output.line(&report.to_string()),
            _ => complain(format_args!("error: {report}")),
        }
    }
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
        complain("note: the path in the URL is not used: this only logs in");
    }
}

/// A command of `--then`.
fn parse_then(line: &str) -> Result<Command, Failure> {
    let command = Command::from_line(line)
        .map_err(|why| Failure::usage(format!("a command of --then {why}")))?;
    match command.verb() {
        Verb::User | Verb::Pass | Verb::Auth | Verb::Adat | Verb::Pbsz | Verb::Prot | Verb::Ccc
        | Verb::Rein | Verb::Host | Verb::Quit => Err(Failure::usage(format!(
            "{} cannot be sent with --then: it is part of logging in or out",
            command.verb()
        ))),
        _ => Ok(command),
    }
}

fn tls_config(arguments: &LoginArguments) -> Result<Arc<ClientConfig>, Failure> {
    let roots = match &arguments.ca {
        _ if arguments.danger_accept_any_cert => Roots::DangerousAnyCertificate,
        Some(path) => Roots::Store(read_roots(path)?),
        None => Roots::Platform,
    };
    let identity = match (&arguments.client_cert, &arguments.client_key) {
        (Some(chain), Some(key)) => Some(read_identity(chain, key)?),
        _ => None,
    };
    client_config(roots, identity)
        .map_err(|error| Failure::usage(format!("cannot set up TLS: {error}")))
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
        .pipelining(arguments.pipeline)
        .timeouts(Timeouts::uniform(arguments.timeout));
    match &arguments.host {
        Some(name) => config
            .host(name)
            .map_err(|why| Failure::usage(format!("the name of --host {why}"))),
        None => Ok(config),
    }
}

fn mask(credentials: &Credentials) -> Mask {
    let Some(name) = &credentials.username else { return Mask::new(b"anonymous") };
    let mut mask = Mask::new(name.as_bytes());
    if let Some(password) = &credentials.password {
        mask.hide(password.expose());
    }
    if let Some(account) = &credentials.account {
        mask.hide(account.expose());
    }
    mask
}

/// Asks at the terminal for what the server wants to know. `None` if there is no usable answer,
/// which the user has been told then.
async fn ask(challenge: Challenge, recorder: &Recorder) -> Option<Answer> {
    let text = challenge.reply().map(|reply| recorder.masked(&reply.to_string()));
    let what = match challenge.kind() {
        ChallengeKind::Password => "Password",
        ChallengeKind::Account => "Account",
        _ => return None,
    };
    let prompt = match text {
        Some(text) => format!("{text}\n{what}: "),
        None => format!("{what}: "),
    };
    // Reading a terminal blocks its thread.
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    let typed = match typed {
        Ok(Ok(typed)) => Zeroizing::new(typed),
        Ok(Err(error)) => {
            complain(format_args!("error: cannot read from the terminal: {error}"));
            return None;
        }
        Err(error) => {
            complain(format_args!("error: the prompt failed: {error}"));
            return None;
        }
    };
    recorder.hide(typed.as_bytes());
    let answer = match challenge.kind() {
        ChallengeKind::Account => Account::new(&*typed).map(|account| challenge.account(account)),
        _ => Password::new(&*typed).map(|password| challenge.password(password)),
    };
    match answer {
        Ok(answer) => Some(answer),
        Err(why) => {
            complain(format_args!("error: what was typed {why}"));
            None
        }
    }
}

/// A number that no one can foresee, for the jitter between tries.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
