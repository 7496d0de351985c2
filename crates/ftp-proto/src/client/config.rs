//! What the client is told before it starts.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::KeepAlive;
use crate::data;
use crate::wire::{InvalidText, TextKind, check_name};
use crate::{Account, Lenience, Limits, Observer, Password, Username};

/// How the control connection is protected. There is no opportunistic mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Security {
    /// Port 21, `AUTH TLS` before any credentials (RFC 4217). The login fails if the server
    /// refuses.
    #[default]
    ExplicitTls,
    /// Port 990, TLS from the first byte.
    ImplicitTls,
    /// No TLS: name, password and everything else can be read and changed on the way.
    DangerousPlaintext,
}

impl Security {
    /// The port that is customary for it.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::ImplicitTls => 990,
            Self::ExplicitTls | Self::DangerousPlaintext => 21,
        }
    }
}

/// Whether data connections are to be encrypted (`PROT P`, RFC 4217 §9). Without TLS on the
/// control connection nothing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DataProtection {
    /// `PBSZ 0` and `PROT P`; the login fails if the server refuses them. The default.
    #[default]
    Required,
    /// `PBSZ 0` and `PROT P`; a refusal is recorded in the session.
    Preferred,
    /// Neither command is sent.
    Clear,
}

/// Whether the server is told, before `USER`, that names are in UTF-8: `OPTS UTF8 ON`.
///
/// RFC 2640 needs no such command, but servers that came before it do (IIS, and the draft that it
/// follows): without it they take a name that is not ASCII for one in their own character set, and
/// answer 530. A server that refuses the command is logged in to all the same. Names are sent as
/// they were given; that they are in UTF-8 is the caller's to see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Utf8 {
    /// Nothing is sent: no round trip more than the login needs. The default.
    #[default]
    Never,
    /// `FEAT` (RFC 2389) before `USER`, and `OPTS UTF8 ON` if it lists `UTF8`: one or two round trips
    /// more.
    IfAnnounced,
    /// `OPTS UTF8 ON` unasked: one round trip more, with
    /// [`pipelining`](Config::pipelining) none.
    Always,
}

/// How data connections are made (RFC 959 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataMode {
    /// The client connects to the server. Works through firewalls and NAT on the client's side.
    Passive(PassiveCommand),
    /// The server connects to the client, at the address that the application tells
    /// ([`Event::Listen`](super::Event::Listen)).
    Active,
}

impl Default for DataMode {
    fn default() -> Self {
        Self::Passive(PassiveCommand::default())
    }
}

/// Which command asks for a passive data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PassiveCommand {
    /// `EPSV`, and if it is refused or its port cannot be reached, `PASV`. What worked is used from
    /// then on. The default.
    #[default]
    Either,
    /// `EPSV` alone (RFC 2428).
    Epsv,
    /// `PASV` alone.
    Pasv,
}

/// The user, and how to answer the server's questions.
#[derive(Debug, Clone)]
pub struct Login {
    pub(crate) username: Option<Username>,
    pub(crate) password: Option<Password>,
    pub(crate) account: Option<Account>,
    pub(crate) ask: bool,
}

impl Login {
    /// A user with a password.
    ///
    /// # Errors
    /// [`InvalidText`] if either cannot be sent: CR, LF or NUL inside, or an empty name.
    pub fn new(
        username: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidText> {
        Ok(Self::user(Username::new(username)?).password(Password::new(password)?))
    }

    /// A user whose password is not known yet; [`password`](Self::password) or
    /// [`ask`](Self::ask) supplies it. Servers that need none accept this as it is.
    pub fn user(username: Username) -> Self {
        Self {
            username: Some(username),
            password: None,
            account: None,
            ask: false,
        }
    }

    /// `anonymous`, with the password that RFC 1635 suggests in a form that gives nothing away:
    /// `anonymous@`.
    pub fn anonymous() -> Self {
        // Both are valid by inspection; `ok()` keeps panics out of the crate.
        Self {
            username: Username::new("anonymous").ok(),
            password: Password::new("anonymous@").ok(),
            account: None,
            ask: false,
        }
    }

    /// Everything is asked for when the server wants it, the name too:
    /// [`Event::Challenge`](super::Event::Challenge).
    pub fn interactive() -> Self {
        Self {
            username: None,
            password: None,
            account: None,
            ask: true,
        }
    }

    /// Sets the password; for anonymous logins an e-mail address (RFC 1635).
    #[must_use]
    pub fn password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets the account, sent when the server asks for one with 332.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Ask the application ([`Event::Challenge`](super::Event::Challenge)) for whatever is missing
    /// or asked for again, instead of failing.
    #[must_use]
    pub fn ask(mut self) -> Self {
        self.ask = true;
        self
    }
}

/// How long each step may take. Start from the defaults or from [`uniform`](Self::uniform) and
/// change what should differ:
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::client::Timeouts;
///
/// let mut timeouts = Timeouts::uniform(Duration::from_secs(10));
/// timeouts.greeting = Duration::from_secs(60); // it looks our address up first
/// # assert_eq!(timeouts.reply, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Establishing the transport; used by adapters. Default 30 s.
    pub connect: Duration,
    /// Until the greeting, and again after each 120. Default 30 s.
    pub greeting: Duration,
    /// From the last byte of a command to the end of its reply. Default 30 s.
    pub reply: Duration,
    /// The whole TLS handshake. Default 30 s.
    pub handshake: Duration,
    /// Handing one command to the transport. Default 30 s.
    pub write: Duration,
    /// From `QUIT`, once nothing else is unanswered, to the end of its reply. The connection is
    /// closed then all the same, and that is no error: the work is done. Default 3 s, enough for any
    /// server that answers at all.
    pub quit: Duration,
    /// From the start of the machine to the end of the login, however much traffic there is; not
    /// counted while the application is asked for credentials. Default 120 s.
    pub login: Duration,
    /// Of a transfer: from its command to the first reply, and from the end of the data to the final
    /// one. Default 60 s. While data moves, [`data_timeouts`](Config::data_timeouts) hold.
    pub transfer: Duration,
}

impl Timeouts {
    /// The same bound for every single step, but no more than its default for `QUIT`; the whole login
    /// gets four times as much, and a transfer's replies twice as much.
    pub fn uniform(step: Duration) -> Self {
        Self {
            connect: step,
            greeting: step,
            reply: step,
            handshake: step,
            write: step,
            quit: step.min(Duration::from_secs(3)),
            login: step.saturating_mul(4),
            transfer: step.saturating_mul(2),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::uniform(Duration::from_secs(30))
    }
}

/// Everything a client connection needs to know.
///
/// Cheap to clone, and connections made from clones of one configuration share all of it but the
/// credentials.
#[derive(Clone)]
pub struct Config {
    pub(crate) login: Login,
    pub(crate) settings: Arc<Settings>,
}

/// All of a [`Config`] that is no secret and does not change while a connection lasts.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) security: Security,
    pub(crate) data_protection: DataProtection,
    pub(crate) auth_ssl_fallback: bool,
    pub(crate) host: Option<String>,
    pub(crate) utf8: Utf8,
    pub(crate) pipelining: bool,
    pub(crate) clear_command_channel: bool,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) transfer_keep_alive: Option<Duration>,
    pub(crate) transfer_pipelining: bool,
    pub(crate) telnet_abort: bool,
    pub(crate) data_mode: DataMode,
    pub(crate) timeouts: Timeouts,
    pub(crate) data_timeouts: data::Timeouts,
    pub(crate) limits: Limits,
    pub(crate) lenience: Lenience,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Config {
    /// Explicit TLS, data protection required, nothing unusual.
    pub fn new(login: Login) -> Self {
        let settings = Settings {
            security: Security::default(),
            data_protection: DataProtection::default(),
            auth_ssl_fallback: false,
            host: None,
            utf8: Utf8::default(),
            pipelining: false,
            clear_command_channel: false,
            keep_alive: KeepAlive::off(),
            transfer_keep_alive: None,
            transfer_pipelining: false,
            telnet_abort: false,
            data_mode: DataMode::default(),
            timeouts: Timeouts::default(),
            data_timeouts: data::Timeouts::default(),
            limits: Limits::default(),
            lenience: Lenience::default(),
            observer: None,
        };
        Self {
            login,
            settings: Arc::new(settings),
        }
    }

    /// How the control connection is protected. Default [`Security::ExplicitTls`].
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.settings_mut().security = security;
        self
    }

    /// Whether data connections are to be encrypted. Default [`DataProtection::Required`].
    #[must_use]
    pub fn data_protection(mut self, data_protection: DataProtection) -> Self {
        self.settings_mut().data_protection = data_protection;
        self
    }

    /// Try `AUTH SSL` once when `AUTH TLS` is refused: some servers older than RFC 4217 know only
    /// that name. What follows is the same TLS handshake. Default off.
    #[must_use]
    pub fn auth_ssl_fallback(mut self, allowed: bool) -> Self {
        self.settings_mut().auth_ssl_fallback = allowed;
        self
    }

    /// Send `HOST name` (RFC 7151) before `USER`. A server that does not know the command
    /// (500, 502, 202) is logged in to all the same. Default: not sent.
    ///
    /// # Errors
    /// [`InvalidText`] if the name is empty or holds CR, LF or NUL.
    pub fn host(mut self, name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        check_name(TextKind::HostName, name.as_bytes())?;
        self.settings_mut().host = Some(name);
        Ok(self)
    }

    /// Whether `OPTS UTF8 ON` is sent before `USER`, after `HOST`. Default [`Utf8::Never`].
    #[must_use]
    pub fn utf8(mut self, utf8: Utf8) -> Self {
        self.settings_mut().utf8 = utf8;
        self
    }

    /// At the login under TLS, send `PBSZ`, `PROT` (and `HOST`, `FEAT`, `OPTS UTF8 ON`) and `USER` in one
    /// write; saves two round trips. Where `FEAT` is asked for, `USER` waits for its reply. `PASS` is never
    /// sent before its 331. Default off: some servers drop what follows a command.
    #[must_use]
    pub fn pipelining(mut self, on: bool) -> Self {
        self.settings_mut().pipelining = on;
        self
    }

    /// Allow [`Connection::clear_command_channel`](super::Connection::clear_command_channel).
    /// Default off: it takes the protection away from all later commands.
    #[must_use]
    pub fn clear_command_channel(mut self, allowed: bool) -> Self {
        self.settings_mut().clear_command_channel = allowed;
        self
    }

    /// After login, send `NOOP`, or the command of [`KeepAlive::command`], whenever the connection was
    /// silent for this long and nothing is unanswered, so that neither the server nor a middlebox on
    /// the way closes it for idleness, and a connection that is dead is noticed: the reply has its
    /// deadline ([`Timeouts::reply`]). Takes a [`KeepAlive`], a `Duration`, or an
    /// `Option<Duration>`. Default off: nothing is sent unasked.
    /// Blank lines and Telnet commands of the server do not break the silence.
    ///
    /// The reply is not told as an event, whatever it says: it shows that the server is there. Only
    /// 421 ends the connection as ever, and 530 after a login by 202 is
    /// [`Event::NotLoggedIn`](super::Event::NotLoggedIn). What the application sends meanwhile goes
    /// out, in its order, when that reply has come, so a server that takes one command at a time
    /// is never sent two.
    ///
    /// It is the deadline of [`Action::Read`](crate::Action::Read) that makes it happen: a driver
    /// that does not run while the application rests sends nothing.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: impl Into<KeepAlive>) -> Self {
        self.settings_mut().keep_alive = keep_alive.into();
        self
    }

    /// While a transfer runs, send `NOOP` whenever the control connection was silent for this long, so
    /// that nothing on the way closes it for idleness before the server confirms the transfer. Taken
    /// as one second if less. Default off: nothing is sent during a transfer, and servers differ in what
    /// they do with it.
    ///
    /// The first is sent when the server has said that the transfer begins (1yz), at most 1000 are
    /// unanswered at a time, and none follows one that was refused. The answers give no events. Some
    /// servers give them at once, some after the transfer, some never. They are told from the
    /// transfer's replies by their code, so with this option a server that confirms transfers with 200
    /// and not, as RFC 959 says, with 226 or 250 leaves them
    /// [unknown](super::TransferError::Unknown). After the transfer the client waits for the answers that
    /// are owed until none came for a second, and asks for proof with `PWD` if some are missing, if there
    /// were too many, or after `ABOR`. Only then comes [`Event::Transferred`](super::Event::Transferred), and nothing
    /// else is sent before.
    ///
    /// As with [`keep_alive`](Self::keep_alive), nothing is sent while no driver runs.
    /// TCP keep-alive, which adapters turn on, disturbs no server and is enough for many networks.
    #[must_use]
    pub fn transfer_keep_alive(mut self, every: impl Into<Option<Duration>>) -> Self {
        let every = every.into();
        self.settings_mut().transfer_keep_alive =
            every.map(|every| every.max(Duration::from_secs(1)));
        self
    }

    /// Send `EPSV` or `PASV` for the next transfer with the command of this one, in one write; saves a
    /// round trip for each file and listing but the first. Default off. Nothing is asked ahead in
    /// [`DataMode::Active`], nor with [`transfer_keep_alive`](Self::transfer_keep_alive).
    ///
    /// Only for servers that keep a command until the transfer is over, or answer it meanwhile: vsftpd,
    /// ProFTPD, Pure-FTPd and that of this project do. With others a transfer may be refused, cut off or
    /// unknown, or the connection end with [`Error::TimedOut`](super::Error::TimedOut): pyftpdlib closes the
    /// data connection that is in use, aioftp the control connection, ftp-srv forgets the port, and some
    /// servers drop what follows a command.
    ///
    /// Two replies are owed then, and told apart by their codes. A 425, 450, 500 to 504, 522 or 530 that comes
    /// after the 1yz may be either's: what comes next decides. So a server that says 226 after a failure with
    /// one of these codes is believed.
    ///
    /// The last transfer leaves the server listening. A port that was asked for more than ten seconds ago is not
    /// used, and one that cannot be reached is asked for anew.
    #[must_use]
    pub fn transfer_pipelining(mut self, on: bool) -> Self {
        self.settings_mut().transfer_pipelining = on;
        self
    }

    /// Before `ABOR`, send Telnet IP and DM (RFC 959 §4.1.3, the bytes FF F4 FF F2), for servers that look
    /// for it only then. They are sent in line, not as urgent data. Default off: the data connection
    /// is closed first, which stops servers, and some take these bytes for a part of the command.
    #[must_use]
    pub fn telnet_abort(mut self, on: bool) -> Self {
        self.settings_mut().telnet_abort = on;
        self
    }

    /// How data connections are made. Default: passive, `EPSV` before `PASV`.
    #[must_use]
    pub fn data_mode(mut self, mode: DataMode) -> Self {
        self.settings_mut().data_mode = mode;
        self
    }

    /// How long each step of a data connection may take.
    #[must_use]
    pub fn data_timeouts(mut self, timeouts: data::Timeouts) -> Self {
        self.settings_mut().data_timeouts = timeouts;
        self
    }

    /// How long each step may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings_mut().timeouts = timeouts;
        self
    }

    /// Bounds on memory.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings_mut().limits = limits;
        self
    }

    /// How far replies may stray from the RFCs.
    #[must_use]
    pub fn lenience(mut self, lenience: Lenience) -> Self {
        self.settings_mut().lenience = lenience;
        self
    }

    /// Is told of every line of the dialogue.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.settings_mut().observer = Some(observer);
        self
    }

    /// The configured security; adapters need it to choose the port.
    pub fn configured_security(&self) -> Security {
        self.settings.security
    }

    /// The configured timeouts; adapters need the one for connecting.
    pub fn configured_timeouts(&self) -> Timeouts {
        self.settings.timeouts
    }

    /// This configuration's own settings, no longer shared with its clones.
    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("login", &self.login)
            .field("settings", &self.settings)
            .finish()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("security", &self.security)
            .field("data_protection", &self.data_protection)
            .field("auth_ssl_fallback", &self.auth_ssl_fallback)
            .field("host", &self.host)
            .field("utf8", &self.utf8)
            .field("pipelining", &self.pipelining)
            .field("clear_command_channel", &self.clear_command_channel)
            .field("keep_alive", &self.keep_alive)
            .field("transfer_keep_alive", &self.transfer_keep_alive)
            .field("transfer_pipelining", &self.transfer_pipelining)
            .field("telnet_abort", &self.telnet_abort)
            .field("data_mode", &self.data_mode)
            .field("timeouts", &self.timeouts)
            .field("data_timeouts", &self.data_timeouts)
            .field("limits", &self.limits)
            .field("lenience", &self.lenience)
            .finish_non_exhaustive()
    }
}
