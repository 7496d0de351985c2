//! A server: its connections, and its errors in words.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use ftp_adapter::{Error, Fact, FileFacts, jitter};
use ftp_proto::Password;
use ftp_proto::client::{DataMode, Security};
use ftp_proto::connect::Retry;
use ftp_proto::wire::{Reply, escape};
use ftp_rustls::Versions;
use ftp_tokio::{Connector, Pool, Pooled, ResumeOptions};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::advice::{Advice, NOT_SEEN};
use super::clock::ServerClock;
use super::outcome::{Trouble, is_of_login};
use crate::cli::SessionArguments;
use crate::connection::{config, security, tls_config, trust, warn};
use crate::credentials::Credentials;
use crate::exit::Failure;
use crate::output::complain;
use crate::report::{Trust, hint};
use crate::target::{RemotePath, Target};
use crate::transcript::{Layout, Live, Recorder};

/// How long a file is at most that is not asked about before it is moved, so that it starts over if it is cut:
/// that costs no more than to ask. TCP sends so much in its first flight (RFC 6928).
const SHORT: u64 = 10 * 1460;

/// How often something is tried again, unless told otherwise.
const RETRIES: u32 = 3;

/// A server and a user, with connections that are opened when they are needed.
pub(crate) struct Site {
    pool: Pool,
    /// How the first login ended, where another one would end the same way. Until then there is no other.
    login: OnceCell<Option<Error>>,
    retries: u32,
    /// Tells what is tried again.
    pub(super) tells: bool,
    /// How far the server's clock is off, when that was looked at.
    pub(super) clock_seen: OnceCell<ServerClock>,
    recorder: Arc<Recorder>,
    is_plaintext: bool,
    is_active: bool,
    trust: Trust,
    key: Key,
}

/// What makes two URLs mean the same site.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    is_implicit: bool,
    address: String,
    user: Option<Vec<u8>>,
}

impl Key {
    fn of(target: &Target) -> Self {
        Self {
            is_implicit: target.security == Security::ImplicitTls,
            address: target.address(),
            user: target
                .username
                .as_ref()
                .map(|name| name.as_bytes().to_vec()),
        }
    }
}

/// The servers of one command.
pub(crate) struct Sites<'a> {
    arguments: &'a SessionArguments,
    /// Connections to each.
    parallel: usize,
    sites: Vec<Arc<Site>>,
}

impl<'a> Sites<'a> {
    pub(crate) fn new(arguments: &'a SessionArguments, parallel: u16) -> Self {
        warn(&arguments.connection);
        Self {
            arguments,
            parallel: parallel.into(),
            sites: Vec::new(),
        }
    }

    /// The site of this URL. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the options, or cannot be read.
    pub(crate) fn of(&mut self, target: &mut Target) -> Result<Arc<Site>, Failure> {
        let key = Key::of(target);
        if let Some(site) = self.sites.iter().find(|site| site.key == key) {
            return Ok(Arc::clone(site));
        }
        if !self.sites.is_empty() && self.arguments.connection.password_stdin {
            return Err(Failure::usage(
                "--password-stdin has one password, and the URLs have several servers or users",
            ));
        }
        let site = Arc::new(Site::new(self.arguments, target, key, self.parallel)?);
        self.sites.push(Arc::clone(&site));
        Ok(site)
    }

    /// Ends all connections in order. What was given up is settled with the server before.
    pub(crate) async fn close(&self) {
        for site in &self.sites {
            site.pool.close().await;
        }
    }
}

impl Site {
    fn new(
        arguments: &SessionArguments,
        target: &mut Target,
        key: Key,
        parallel: usize,
    ) -> Result<Self, Failure> {
        let options = &arguments.connection;
        let security = security(options, target)?;
        let versions = match arguments.tls12 {
            true => Versions::Tls12,
            false => Versions::default(),
        };
        let tls = match security {
            Security::DangerousPlaintext => None,
            _ => Some(tls_config(options, versions)?),
        };
        let mut credentials = Credentials::gather(options, target)?;
        if options.client_cert.is_none() {
            ask_password(&mut credentials, &key.address)?;
        }
        let live = arguments.verbose.then_some(Live {
            output: None,
            indent: "",
            layout: Layout::Timed,
        });
        let recorder = Arc::new(Recorder::of_last_lines(live));
        let mut config = config(options, security, &credentials, false)?
            .observer(recorder.clone())
            .transfer_keep_alive(arguments.keep_alive)
            .transfer_pipelining(arguments.pipeline_transfers);
        if arguments.active.is_some() {
            config = config.data_mode(DataMode::Active);
        }
        let mut connector = Connector::new(config);
        if let Some(tls) = tls {
            connector = connector.tls(tls);
        }
        if let Some(Some(address)) = arguments.active {
            connector = connector.active_address(address);
        }
        Ok(Self {
            pool: Pool::new(connector, &key.address, parallel),
            login: OnceCell::new(),
            retries: options.retries.unwrap_or(RETRIES),
            tells: !arguments.quiet && !arguments.json,
            clock_seen: OnceCell::new(),
            recorder,
            is_active: arguments.active.is_some(),
            is_plaintext: security == Security::DangerousPlaintext,
            trust: trust(options),
            key,
        })
    }

    /// The connections, once one of them is logged in.
    ///
    /// # Errors
    /// That of the login.
    pub(crate) async fn pool(&self) -> Result<&Pool, Error> {
        if !matches!(self.login.get(), Some(None)) {
            self.ask(async |_| Ok(())).await?;
        }
        Ok(&self.pool)
    }

    /// A connection that is logged in. A password that was refused once is not sent for each file: that may lock the
    /// account.
    async fn connection(&self) -> Result<Pooled, Error> {
        let log_in = || async {
            match self.pool.get().await {
                Ok(_) => Ok(None),
                Err(error) => lasting(&error).map(Some).ok_or(error),
            }
        };
        let login = self.login.get_or_try_init(log_in).await?;
        match login.as_ref().and_then(lasting) {
            Some(error) => Err(error),
            None => self.pool.get().await,
        }
    }

    /// How often something is tried again.
    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    fn retry(&self) -> Retry {
        Retry::new().retries(self.retries)
    }

    /// How transfers are tried again.
    pub(crate) fn resume_options(&self) -> ResumeOptions {
        ResumeOptions::new().retry(self.retry())
    }

    /// How a file of this length is sent that the server has no part of: of a short one nothing is asked.
    pub(crate) fn resume_options_for(&self, length: u64) -> ResumeOptions {
        match length <= SHORT {
            true => self.resume_options().asked(FileFacts::default()),
            false => self.resume_options(),
        }
    }

    /// What the server says of a file: of a short one, unless `with_time`, its size alone.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) async fn facts(
        &self,
        path: &RemotePath,
        with_time: bool,
    ) -> Result<FileFacts, Error> {
        self.ask(async |client| {
            let size = Fact::from_answer(client.size(path.as_bytes()).await)?;
            let mut facts = FileFacts {
                size,
                ..FileFacts::default()
            };
            if with_time || !Self::is_short(facts) {
                facts.modified = Fact::from_answer(client.modified(path.as_bytes()).await)?;
            }
            Ok(facts)
        })
        .await
    }

    /// Whether a file of these facts starts over if it is cut.
    pub(crate) fn is_short(facts: FileFacts) -> bool {
        facts.size.known().is_some_and(|size| size <= SHORT)
    }

    /// Does this over a connection that is logged in, and again over another one where it was cut off or
    /// may pass. Only for what can be done twice.
    ///
    /// # Errors
    /// The error of the last try.
    pub(crate) async fn ask<T>(
        &self,
        work: impl AsyncFn(&mut Pooled) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let now = || ftp_proto::Instant::from_start(start.elapsed());
        let mut retrying = self.retry().start(now());
        loop {
            let (error, may_pass) = match self.connection().await {
                Ok(mut client) => match work(&mut client).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        let may_pass = error.may_pass();
                        (error, may_pass)
                    }
                },
                Err(error) => {
                    let may_pass = error.is_transient();
                    (error, may_pass)
                }
            };
            let Some(again) = retrying.failed(now(), may_pass, jitter()) else {
                return Err(error);
            };
            let delay = again - now();
            if self.tells {
                let why = self.recorder.shown_error(&error);
                let seconds = delay.as_secs_f64();
                complain(format_args!("{why}; trying again in {seconds:.1} s"));
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// Does this once over a connection that is logged in. Only the login is tried again.
    ///
    /// # Errors
    /// Those of the login and of the work.
    pub(crate) async fn once<T>(
        &self,
        work: impl AsyncFnOnce(&mut Pooled) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ask(async |_| Ok(())).await?;
        let mut client = self.connection().await?;
        work(&mut client).await
    }

    /// `user@host:port`.
    pub(crate) fn name(&self) -> String {
        let user = self.key.user.as_deref().unwrap_or_default();
        format!("{}@{}", escape(user), self.key.address)
    }

    /// What a server says, without secrets.
    pub(crate) fn shown(&self, reply: &Reply) -> String {
        let reply = self.recorder.shown(reply);
        escape(reply.text()).to_string()
    }

    /// Why something failed, without secrets and without what a terminal obeys.
    pub(crate) fn message(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Ftp(error) => self.recorder.shown_error(error),
            Trouble::Local(message) | Trouble::Unverified { message, .. } => message.clone(),
            Trouble::NotRenamed { what, error } => {
                format!("{what}: {}", self.recorder.shown_error(error))
            }
            Trouble::Cancelled => "cancelled".to_owned(),
        }
    }

    /// The same for an error of the library.
    pub(crate) fn message_of(&self, error: &Error) -> String {
        self.recorder.shown_error(error)
    }

    /// What to do about it.
    pub(crate) fn hint(&self, trouble: &Trouble, advice: Advice) -> Option<String> {
        match trouble {
            Trouble::Ftp(error) if is_of_login(error) => self
                .recorder
                .look(|recording| hint(error, recording, self.is_plaintext, self.trust)),
            Trouble::Ftp(error) => advice.about(error, self.is_active).map(str::to_owned),
            Trouble::Unverified { differs: true, .. } => advice.not_verified.map(str::to_owned),
            _ => None,
        }
    }

    /// The end of a command that failed as a whole.
    pub(crate) fn failure(&self, what: &str, trouble: &Trouble) -> Failure {
        let message = self.message(trouble);
        let message = format!("{what} at {}: {message}", self.key.address);
        let failure = Failure::new(trouble.exit(), message);
        let advice = Advice {
            not_seen: Some(NOT_SEEN),
            ..Advice::default()
        };
        match self.hint(trouble, advice) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The error of a login, if another login would send the same password again, or end the same way.
fn lasting(error: &Error) -> Option<Error> {
    match error {
        Error::Protocol(error) if !error.is_transient() => Some(Error::Protocol(error.clone())),
        Error::Io {
            phase,
            error,
            secret_sent: true,
        } => Some(Error::Io {
            phase: *phase,
            error: error.kind().into(),
            secret_sent: true,
        }),
        _ => None,
    }
}

/// Asks for the password at once: several connections cannot each ask for it.
fn ask_password(credentials: &mut Credentials, address: &str) -> Result<(), Failure> {
    let Some(user) = &credentials.username else {
        return Ok(());
    };
    if credentials.password.is_some() || !io::stdin().is_terminal() {
        return Ok(());
    }
    let prompt = format!("Password for {user} at {address}: ");
    let typed = match rpassword::prompt_password(prompt) {
        Ok(typed) => Zeroizing::new(typed),
        Err(error) => {
            complain(format_args!("note: cannot read from the terminal: {error}"));
            return Ok(());
        }
    };
    let password = Password::new(&*typed)
        .map_err(|why| Failure::usage(format!("the password {}", why.problem)))?;
    credentials.password = Some(password);
    Ok(())
}
