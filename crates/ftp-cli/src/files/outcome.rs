//! What became of a file: the outcome and the exit code for each error, and the line of JSON.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ftp_adapter::{DataFailure, DriverError, Error, ResumeReport};
use ftp_proto::TlsSession;
use ftp_proto::client::{self, Phase, TransferError};
use ftp_proto::wire::{Code, Reply};
use serde::Serialize;

use crate::exit::Exit;
use crate::report;
use crate::target::RemotePath;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Transferred,
    Skipped,
    Refused,
    Failed,
    CutOff,
    LengthDiffers,
    Unknown,
    LocalError,
    LoginFailed,
    /// Of commands that transfer nothing.
    Done,
    Deleted,
    LeftOut,
}

/// Why a file was not transferred.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The library says why.
    Ftp(Error),
    /// A file of this computer.
    Local(String),
    /// It came whole, and is not what the server has: it differs, or nobody knows.
    Unverified {
        outcome: Outcome,
        differs: bool,
        message: String,
    },
    /// It came whole, or was there, and the server did not give it its name.
    NotRenamed { what: String, error: Error },
    /// The user pressed Ctrl-C.
    Cancelled,
}

impl Trouble {
    /// A failure of the file or directory that is named.
    pub(crate) fn local(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::Local(format!("{what}: {error}"))
    }

    /// The same, with the name of the local file if that failed.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Ftp(Error::Local(error)) => Self::local(path.display(), &error),
            other => other,
        }
    }

    /// `what` did not get its name, and has this one.
    pub(crate) fn not_renamed(what: &str, left: &RemotePath, error: Error) -> Self {
        let what = format!("{what} {left}");
        Self::NotRenamed { what, error }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Ftp(error) | Self::NotRenamed { error, .. } => outcome_of(error),
            Self::Local(_) => Outcome::LocalError,
            Self::Unverified { outcome, .. } => *outcome,
            Self::Cancelled => Outcome::CutOff,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Ftp(error) | Self::NotRenamed { error, .. } => exit_of(error),
            Self::Local(_) => Exit::LocalFile,
            Self::Unverified { .. } => Exit::Verification,
            Self::Cancelled => Exit::CutOff,
        }
    }

    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Ftp(error) | Self::NotRenamed { error, .. } => error.code().map(Code::get),
            _ => None,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ftp(error)
    }
}

/// Whether it happened before a connection was logged in.
pub(crate) fn is_of_login(error: &Error) -> bool {
    error.phase().is_none_or(|phase| phase < Phase::Ready)
}

fn outcome_of(error: &Error) -> Outcome {
    match error {
        Error::AtPath { error, .. } => outcome_of(error),
        error if is_of_login(error) => Outcome::LoginFailed,
        Error::Transfer { error, cause } => match &**error {
            _ if cause.as_deref().is_some_and(is_tls) => Outcome::Failed,
            TransferError::Refused { .. } => Outcome::Refused,
            TransferError::Failed { reply, .. } if is_cut(reply) => Outcome::CutOff,
            TransferError::CutOff { .. } => Outcome::CutOff,
            TransferError::LengthDiffers { .. } => Outcome::LengthDiffers,
            TransferError::Unknown => Outcome::Unknown,
            _ => Outcome::Failed,
        },
        Error::Refused(_)
        | Error::NotSupported(_)
        | Error::Protocol(client::Error::Refused { .. }) => Outcome::Refused,
        Error::Local(_) | Error::InvalidCommand(_) => Outcome::LocalError,
        Error::FileChanged => Outcome::LengthDiffers,
        _ => Outcome::Failed,
    }
}

/// The exit code for this.
pub(crate) fn exit_of(error: &Error) -> Exit {
    match error {
        Error::AtPath { error, .. } => exit_of(error),
        error if is_of_login(error) => report::Outcome::of(error).exit(),
        Error::Transfer { error, cause } => match &**error {
            _ if cause.as_deref().is_some_and(is_tls) => Exit::Tls,
            TransferError::Failed { reply, .. } if is_cut(reply) => Exit::CutOff,
            TransferError::Refused { reply, .. } | TransferError::Failed { reply, .. } => {
                exit_of_refusal(reply)
            }
            TransferError::UnusableReply { .. } => Exit::PeerFault,
            TransferError::CutOff { .. }
            | TransferError::LengthDiffers { .. }
            | TransferError::Unknown => Exit::CutOff,
            _ => Exit::Unavailable,
        },
        Error::Refused(reply) => exit_of_refusal(reply),
        Error::NotSupported(_) => Exit::Refused,
        Error::Local(_) | Error::InvalidCommand(_) => Exit::LocalFile,
        Error::FileChanged => Exit::CutOff,
        Error::UnusableReply { .. } | Error::UnsafeName | Error::TooDeep => Exit::PeerFault,
        error => report::Outcome::of(error).exit(),
    }
}

/// "Connection closed; transfer aborted."
fn is_cut(reply: &Reply) -> bool {
    reply.code().get() == 426
}

/// Not found, not allowed, no space; or something that may pass.
fn exit_of_refusal(reply: &Reply) -> Exit {
    match reply.code().get() {
        421 | 425 | 451 => Exit::Unavailable,
        522 => Exit::Tls,
        _ => Exit::Refused,
    }
}

/// Whether TLS failed on the data connection, other than by a cut.
fn is_tls(cause: &DataFailure) -> bool {
    match cause {
        DataFailure::Broken(DriverError::Machine(error)) => !matches!(
            error,
            ftp_rustls::Error::Machine(_) | ftp_rustls::Error::HandshakeEof
        ),
        DataFailure::ControlLost(error) => matches!(**error, Error::Tls { .. }),
        _ => false,
    }
}

/// How a file went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Success {
    #[default]
    Transferred,
    /// Nothing was transferred, as nothing was missing.
    Skipped,
    /// There was nothing to transfer.
    Done,
    Deleted,
}

/// A file that went well.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) success: Success,
    pub(crate) reply: Option<Reply>,
    pub(crate) tls: Option<Arc<TlsSession>>,
    /// More to say of it.
    pub(crate) note: Option<String>,
}

impl Whole {
    pub(crate) fn of(report: ResumeReport) -> Self {
        Self {
            success: match report.reply.is_none() && report.bytes == 0 {
                true => Success::Skipped,
                false => Success::Transferred,
            },
            reply: report.reply,
            tls: report.tls,
            note: (report.tries > 1).then(|| format!("after {} tries", report.tries)),
        }
    }

    /// Adds something to say.
    pub(crate) fn note(mut self, note: &str) -> Self {
        self.note = Some(match self.note {
            Some(before) => format!("{before}; {note}"),
            None => note.to_owned(),
        });
        self
    }
}

/// The TLS session of a data connection.
#[derive(Debug, Serialize)]
struct Tls {
    version: String,
    resumed: bool,
}

/// A line of JSON about a file.
#[derive(Debug, Serialize)]
pub(crate) struct FileRecord {
    pub(crate) path: String,
    pub(crate) outcome: Outcome,
    /// How many were moved.
    pub(crate) bytes: u64,
    pub(crate) code: Option<u16>,
    pub(crate) message: String,
    tls: Option<Tls>,
    elapsed_ms: u64,
}

impl FileRecord {
    /// Of a file that is left out.
    pub(crate) fn left_out(path: &[u8], why: &str) -> Self {
        Self {
            path: String::from_utf8_lossy(path).into_owned(),
            outcome: Outcome::LeftOut,
            bytes: 0,
            code: None,
            message: why.to_owned(),
            tls: None,
            elapsed_ms: 0,
        }
    }

    /// `message` is what may be shown of the reply or of the error.
    pub(crate) fn new(
        path: String,
        bytes: u64,
        elapsed: Duration,
        result: &Result<Whole, Trouble>,
        message: String,
    ) -> Self {
        let (outcome, code, tls) = match result {
            Ok(whole) => {
                let outcome = match whole.success {
                    Success::Transferred => Outcome::Transferred,
                    Success::Skipped => Outcome::Skipped,
                    Success::Done => Outcome::Done,
                    Success::Deleted => Outcome::Deleted,
                };
                let code = whole.reply.as_ref().map(|reply| reply.code().get());
                (outcome, code, whole.tls.as_deref())
            }
            Err(trouble) => (trouble.outcome(), trouble.code(), None),
        };
        Self {
            path,
            outcome,
            bytes,
            code,
            message,
            tls: tls.map(|tls| Tls {
                version: tls.version.to_string(),
                resumed: tls.resumed,
            }),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
