//! The configuration of a server: policy, texts, limits.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::FilesConfig;
use crate::wire::{Code, InvalidText, Reply, TextKind, check_name};
use crate::{Lenience, Limits, Observer, Username};

/// Which protection the server offers or requires for the control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Security {
    /// `AUTH TLS` is offered, and `USER` gets 530 before it. The default.
    #[default]
    ExplicitTls,
    /// TLS from the first byte.
    ImplicitTls,
    /// `AUTH TLS` is offered, but a client may log in without it. Then others can read the name and
    /// password.
    DangerousOptionalTls,
    /// No TLS: `AUTH` gets 502.
    DangerousPlaintext,
}

/// The reply to `USER` for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum NameRule {
    /// 331: a password is needed. The default. If it is used for all names, replies do not show
    /// which names exist.
    #[default]
    Password,
    /// 230: the name alone logs in.
    Open,
    /// 332: an account is needed instead of a password.
    AccountOnly,
}

/// Decides by name.
type NameRuleOf = dyn Fn(&Username) -> NameRule + Send + Sync;

/// What `USER` does after login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum UserAfterLogin {
    /// The login starts again (RFC 959 §4.1.1). The default.
    #[default]
    StartsAgain,
    /// 503.
    Refused,
}

/// Which protection of data connections is required and offered (RFC 4217 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DataProtectionPolicy {
    /// `PROT P` and `PROT C` are both accepted. The default.
    #[default]
    Optional,
    /// Before `PROT P`, only commands that certainly use no data connection are allowed. Transfers
    /// and listings get 521, the others (`PASV`, `PORT`, `SITE`, …) 522. `PROT C` gets 534. With
    /// [`Config::files`], `PASV` and the like are accepted: no byte moves before the transfer.
    Required,
}

/// How long a peer, and the application, may take. Start from the defaults and change what you
/// need:
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::server::Timeouts;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.idle = Duration::from_secs(900);
/// # assert_eq!(timeouts.login, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the first command. Default 30 s.
    pub first_command: Duration,
    /// From the connection to the end of the login. Nothing extends it. Default 60 s.
    pub login: Duration,
    /// The whole TLS handshake. Default 20 s.
    pub handshake: Duration,
    /// Between commands after login. Default 300 s, the minimum of RFC 1123 §4.1.3.2.
    pub idle: Duration,
    /// Until the peer has taken one reply. Default 30 s.
    pub write: Duration,
    /// Until the application has answered an attempt, an account, a command or a question about
    /// files; it starts again after each preliminary reply. During a transfer: while no byte moves.
    /// Then the client gets 421 and the connection is closed. So no connection stays open if the
    /// application hangs, or has dropped the question. Default 300 s, as long as a client may be idle. Choose more if commands take longer, for example because
    /// they move files.
    pub application: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_command: Duration::from_secs(30),
            login: Duration::from_secs(60),
            handshake: Duration::from_secs(20),
            idle: Duration::from_secs(300),
            write: Duration::from_secs(30),
            application: Duration::from_secs(300),
        }
    }
}

/// The configuration of server connections. Build it once, and share it in an `Arc`.
#[derive(Clone)]
pub struct Config {
    pub(crate) security: Security,
    pub(crate) greeting: Reply,
    pub(crate) system: Reply,
    pub(crate) help: Reply,
    pub(crate) features: Vec<String>,
    pub(crate) name_rule: Option<Arc<NameRuleOf>>,
    pub(crate) hosts: Vec<String>,
    pub(crate) takes_accounts: bool,
    pub(crate) user_after_login: UserAfterLogin,
    pub(crate) data_protection: DataProtectionPolicy,
    pub(crate) files: Option<FilesConfig>,
    pub(crate) clear_command_channel: bool,
    pub(crate) auth_ssl: bool,
    pub(crate) max_attempts: u32,
    pub(crate) failure_delay: Duration,
    pub(crate) max_failure_delay: Duration,
    pub(crate) failure_step: Duration,
    pub(crate) max_bad_commands: u32,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) lenience: Lenience,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            security: Security::default(),
            greeting: Reply::from_static(Code::READY, b"220 Ready.\r\n"),
            system: Reply::from_static(Code::SYSTEM_NAME, b"215 UNIX Type: L8\r\n"),
            help: Reply::from_static(Code::HELP, b"214 Ask the administrator.\r\n"),
            features: Vec::new(),
            name_rule: None,
            hosts: Vec::new(),
            takes_accounts: false,
            user_after_login: UserAfterLogin::default(),
            data_protection: DataProtectionPolicy::default(),
            files: None,
            clear_command_channel: false,
            auth_ssl: true,
            max_attempts: 3,
            failure_delay: Duration::from_secs(1),
            max_failure_delay: Duration::from_secs(16),
            failure_step: Duration::from_millis(250),
            max_bad_commands: 20,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            lenience: Lenience::default(),
            observer: None,
        }
    }
}

impl Config {
    /// The safe defaults: explicit TLS required, three attempts, growing delays.
    pub fn new() -> Self {
        Self::default()
    }

    /// Protection of the control connection. Default [`Security::ExplicitTls`].
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// The greeting, of one line or more. Default `Ready.`, so that it shows no name or version.
    ///
    /// # Errors
    /// [`InvalidText`] if there is no line, or one holds CR, LF or NUL.
    pub fn greeting<T: AsRef<[u8]>>(
        mut self,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidText> {
        self.greeting = Reply::multiline(Code::READY, lines)?;
        Ok(self)
    }

    /// The text of the reply 215 to `SYST`. Default `UNIX Type: L8`, which most clients expect.
    ///
    /// # Errors
    /// [`InvalidText`] if the text holds CR, LF or NUL.
    pub fn system(mut self, text: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        self.system = Reply::new(Code::SYSTEM_NAME, text)?;
        Ok(self)
    }

    /// The lines of the reply 214 to `HELP`. Default `Ask the administrator.`
    ///
    /// # Errors
    /// [`InvalidText`] if there is no line, or one holds CR, LF or NUL.
    pub fn help<T: AsRef<[u8]>>(
        mut self,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidText> {
        self.help = Reply::multiline(Code::HELP, lines)?;
        Ok(self)
    }

    /// Additional lines for `FEAT` (RFC 2389), each without a space in front. This crate adds the
    /// lines for the commands that it answers itself. Default none.
    ///
    /// # Errors
    /// [`InvalidText`] if a line is empty or holds CR, LF or NUL.
    pub fn features<T: Into<String>>(
        mut self,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidText> {
        self.features = lines.into_iter().map(Into::into).collect();
        for line in &self.features {
            check_name(TextKind::ReplyText, line.as_bytes())?;
        }
        Ok(self)
    }

    /// Decides the reply to `USER` by name. Default: [`NameRule::Password`] for all. The function
    /// must be quick, and its time must not show whether a name exists.
    #[must_use]
    pub fn name_rule(
        mut self,
        rule: impl Fn(&Username) -> NameRule + Send + Sync + 'static,
    ) -> Self {
        self.name_rule = Some(Arc::new(rule));
        self
    }

    /// The names that `HOST` (RFC 7151) accepts, in any letter case. Default none: every `HOST`
    /// gets 504.
    #[must_use]
    pub fn hosts<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.hosts = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether `ACCT` after login goes to the application as
    /// [`Event::Account`](super::Event::Account). Otherwise it gets 202. Default off.
    #[must_use]
    pub fn takes_accounts(mut self, on: bool) -> Self {
        self.takes_accounts = on;
        self
    }

    /// What `USER` does after login.
    #[must_use]
    pub fn user_after_login(mut self, rule: UserAfterLogin) -> Self {
        self.user_after_login = rule;
        self
    }

    /// Which protection of data connections is required.
    #[must_use]
    pub fn data_protection(mut self, policy: DataProtectionPolicy) -> Self {
        self.data_protection = policy;
        self
    }

    /// Serves files: the connection then answers the commands about files and data connections itself
    /// (RFC 959, 1123, 2389, 2428, 3659), and asks the application with [`Event::Files`],
    /// [`Event::Transfer`] and others. Commands that it does not know are the application's as before.
    /// Default off: all commands after login are [`Event::Command`].
    ///
    /// [`Event::Command`]: super::Event::Command
    /// [`Event::Files`]: super::Event::Files
    /// [`Event::Transfer`]: super::Event::Transfer
    #[must_use]
    pub fn files(mut self, files: FilesConfig) -> Self {
        self.files = Some(files);
        self
    }

    /// Whether `CCC` is accepted. Default off: it gets 534.
    #[must_use]
    pub fn clear_command_channel(mut self, allowed: bool) -> Self {
        self.clear_command_channel = allowed;
        self
    }

    /// Whether `AUTH SSL` and `AUTH TLS-P` are accepted as other names of `AUTH TLS`. Default on:
    /// the handshake is the same. `TLS-P` includes `PBSZ 0` and `PROT P`.
    #[must_use]
    pub fn auth_ssl(mut self, allowed: bool) -> Self {
        self.auth_ssl = allowed;
        self
    }

    /// After how many failed attempts the connection is closed. At least 1; default 3
    /// (RFC 2577 §5 suggests 5 or fewer).
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The delay of the replies to failed attempts: at least `first` after the first attempt, and
    /// twice as long after each further one, up to `most`. Default 1 s and 16 s.
    #[must_use]
    pub fn failure_delay(mut self, first: Duration, most: Duration) -> Self {
        self.failure_delay = first;
        self.max_failure_delay = most.max(first);
        self
    }

    /// If a check takes longer than the [delay](Self::failure_delay) of its failure, the reply
    /// waits for the next whole step after the delay. So its time does not show how long the check
    /// took, and whether the name exists. Zero: reply at once. Default 250 ms.
    #[must_use]
    pub fn failure_step(mut self, step: Duration) -> Self {
        self.failure_step = step;
        self
    }

    /// After how many malformed, unknown or too long commands the connection is closed. The count
    /// starts again when TLS is started or stopped. At least 1; default 20.
    #[must_use]
    pub fn max_bad_commands(mut self, commands: u32) -> Self {
        self.max_bad_commands = commands.max(1);
        self
    }

    /// How long a peer may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Limits of memory.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Which deviations from the RFCs are accepted.
    #[must_use]
    pub fn lenience(mut self, lenience: Lenience) -> Self {
        self.lenience = lenience;
        self
    }

    /// Gets every line of the dialogue.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The configured security. Adapters use it to check whether a TLS configuration is missing.
    pub fn configured_security(&self) -> Security {
        self.security
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("security", &self.security)
            .field("greeting", &self.greeting)
            .field("system", &self.system)
            .field("help", &self.help)
            .field("features", &self.features)
            .field("hosts", &self.hosts)
            .field("takes_accounts", &self.takes_accounts)
            .field("user_after_login", &self.user_after_login)
            .field("data_protection", &self.data_protection)
            .field("files", &self.files)
            .field("clear_command_channel", &self.clear_command_channel)
            .field("auth_ssl", &self.auth_ssl)
            .field("max_attempts", &self.max_attempts)
            .field("failure_delay", &self.failure_delay)
            .field("max_failure_delay", &self.max_failure_delay)
            .field("failure_step", &self.failure_step)
            .field("max_bad_commands", &self.max_bad_commands)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("lenience", &self.lenience)
            .finish_non_exhaustive()
    }
}
