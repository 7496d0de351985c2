//! What keeps an idle connection alive.

use core::time::Duration;

use thiserror::Error;

use crate::wire::{Command, Verb};

/// When a connection that is logged in and silent is kept alive, and with which command. Off by
/// default; see [`Config::keep_alive`](super::Config::keep_alive).
///
/// A `Duration`, or an `Option` of one, is a keep-alive with `NOOP`.
///
/// ```
/// use core::time::Duration;
/// use ftp_proto::client::KeepAlive;
/// use ftp_proto::wire::{Command, Verb};
///
/// // For servers to which NOOP is no sign of life.
/// let keep_alive = KeepAlive::every(Duration::from_secs(60)).command(Command::new(Verb::Pwd)?)?;
/// # let _ = keep_alive;
/// assert!(KeepAlive::every(Duration::from_secs(60)).command("QUIT".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeepAlive {
    after: Option<Duration>,
    /// `None`: `NOOP`.
    command: Option<Command>,
}

impl KeepAlive {
    /// Nothing is sent unasked.
    pub const fn off() -> Self {
        Self {
            after: None,
            command: None,
        }
    }

    /// `NOOP` whenever the connection was silent for this long. Taken as one second if less.
    pub fn every(after: Duration) -> Self {
        Self {
            after: Some(after.max(Duration::from_secs(1))),
            command: None,
        }
    }

    /// Sends this command instead of `NOOP`: some servers count only others as a sign of life.
    ///
    /// The application does not learn of it, so it must be one that changes nothing that the
    /// application relies on: `NOOP`, `PWD`, `XPWD`, `STAT`, `SYST`, `HELP`, `FEAT`, `CLNT`, `SIZE`,
    /// `MDTM`, `MLST`, and `TYPE`, `MODE`, `STRU`, `CWD` and `XCWD`, with which it is up to you to say
    /// what is in force anyway (`CWD .`). Some servers have a `SITE` command for it (`SITE IDLE
    /// 7200`); it must carry no secret.
    ///
    /// # Errors
    /// [`UnfitForKeepAlive`] for any other command: those that log in or out, change the security or
    /// have a method of their own, open a data connection or prepare one, and change files.
    pub fn command(mut self, command: Command) -> Result<Self, UnfitForKeepAlive> {
        let verb = command.verb();
        let is_fit = matches!(
            verb,
            Verb::Noop
                | Verb::Pwd
                | Verb::Xpwd
                | Verb::Stat
                | Verb::Syst
                | Verb::Help
                | Verb::Feat
                | Verb::Clnt
                | Verb::Size
                | Verb::Mdtm
                | Verb::Mlst
                | Verb::Type
                | Verb::Mode
                | Verb::Stru
                | Verb::Cwd
                | Verb::Xcwd
                | Verb::Site
        );
        if !is_fit || command.carries_secret() {
            return Err(UnfitForKeepAlive { verb });
        }
        self.command = Some(command);
        Ok(self)
    }

    /// After how long a silence, if at all.
    pub(super) fn after(&self) -> Option<Duration> {
        self.after
    }

    /// What to send; `None` for `NOOP`.
    pub(super) fn chosen(&self) -> Option<&Command> {
        self.command.as_ref()
    }
}

impl From<Duration> for KeepAlive {
    fn from(after: Duration) -> Self {
        Self::every(after)
    }
}

impl From<Option<Duration>> for KeepAlive {
    fn from(after: Option<Duration>) -> Self {
        after.map_or_else(Self::off, Self::every)
    }
}

/// The command cannot be sent behind the application's back: [`KeepAlive::command`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{verb} is no command to keep a connection alive with: it may change what the application relies on"
)]
pub struct UnfitForKeepAlive {
    verb: Verb,
}

impl UnfitForKeepAlive {
    /// Which command.
    pub fn verb(&self) -> Verb {
        self.verb
    }
}
