//! How the program ends: exit codes, and failures with advice.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, documented in `--help`.
///
/// When several files failed, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Logged in; or the command did its work.
    Success = 0,
    /// A dialogue of the demo ended in an unexpected way.
    Failed = 1,
    /// The options, the URL or a file named by them is wrong.
    Usage = 2,
    /// The server refused, or needs an account.
    Refused = 3,
    /// The server is unavailable or too slow, or input or output failed.
    Unavailable = 4,
    /// The peer broke the protocol.
    PeerFault = 5,
    /// No TLS session could be made.
    Tls = 6,
    /// A transfer was cut off, its length differs, or its outcome is unknown.
    CutOff = 7,
    /// A file of this computer could not be read or written.
    LocalFile = 8,
    /// A file was transferred, and what arrived could not be verified.
    Verification = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed, in words for the user. Never holds a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// The options, the URL or a file named by them is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
