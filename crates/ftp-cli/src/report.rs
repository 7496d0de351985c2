//! The result of a login: JSON for programs, a sentence for people, with advice from `hint`.

mod hint;

pub(crate) use self::hint::hint;

use std::fmt;

use ftp_adapter::Error;
use ftp_proto::TlsSession;
use ftp_proto::client::{self, LoggedInBy, Protection, Session};
use ftp_proto::wire::{Code, Reply};
use serde::{Serialize, Serializer};

use crate::certificate::{CertificateName, CertificateSummary};
use crate::decode::ReplyRecord;
use crate::exit::Exit;
use crate::transcript::{Entry, Recording, TimedPhase, Times};

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    LoggedIn,
    Refused,
    AccountNeeded,
    Unavailable,
    TimedOut,
    PeerFault,
    TlsFailed,
    Io,
}

impl Outcome {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::LoggedIn => Exit::Success,
            Self::Refused | Self::AccountNeeded => Exit::Refused,
            Self::Unavailable | Self::TimedOut | Self::Io => Exit::Unavailable,
            Self::PeerFault => Exit::PeerFault,
            Self::TlsFailed => Exit::Tls,
        }
    }

    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::ConnectTimedOut { .. } => Self::TimedOut,
            Error::Tls { .. } | Error::TlsConfiguration(_) | Error::NoTlsConfiguration => {
                Self::TlsFailed
            }
            Error::Protocol(error) => Self::of_protocol(error),
            Error::Unanswered(_) | Error::Refused(_) => Self::Refused,
            Error::Unsolicited(_) => Self::PeerFault,
            _ => Self::Io,
        }
    }

    fn of_protocol(error: &client::Error) -> Self {
        match error {
            client::Error::AccountNeeded { .. } => Self::AccountNeeded,
            client::Error::ServiceUnavailable { .. } => Self::Unavailable,
            client::Error::TimedOut { .. } => Self::TimedOut,
            client::Error::ConnectionClosed { .. } => Self::Io,
            client::Error::PeerFault { .. } => Self::PeerFault,
            // `Refused`, `PasswordNeeded`, and any other regular refusal.
            _ => Self::Refused,
        }
    }
}

impl Serialize for TimedPhase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The phase of an error. A failed handshake always counts as security.
fn phase_of(error: &Error) -> TimedPhase {
    match error {
        Error::Tls { phase, .. } if *phase < client::Phase::Ready => TimedPhase::Security,
        _ => TimedPhase::from_name(error.phase_name()),
    }
}

/// The TLS session in the report.
#[derive(Debug, Serialize)]
struct Tls {
    version: String,
    cipher_suite: String,
    resumed: bool,
    peer_certificate: Option<CertificateName>,
}

impl Tls {
    fn of(session: &TlsSession) -> Self {
        Self {
            version: session.version.to_string(),
            cipher_suite: session.cipher_suite.clone(),
            resumed: session.resumed,
            peer_certificate: CertificateName::of_peer(session),
        }
    }
}

/// Whole milliseconds for each phase; 0 for one that was not reached.
struct ElapsedMs(Times);

impl Serialize for ElapsedMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(TimedPhase::ALL.map(|phase| {
            (
                phase.name(),
                u64::try_from(self.0.of(phase).as_millis()).unwrap_or(u64::MAX),
            )
        }))
    }
}

/// The reply to a command of `--then`.
#[derive(Debug, Serialize)]
pub(crate) struct CommandReply {
    /// The command, secrets masked.
    pub(crate) command: String,
    #[serde(flatten)]
    pub(crate) reply: ReplyRecord,
}

/// The result of a login. Each field is always present.
#[derive(Serialize)]
pub(crate) struct Report {
    outcome: Outcome,
    phase: TimedPhase,
    code: Option<u16>,
    message: String,
    logged_in_by: Option<&'static str>,
    tls: Option<Tls>,
    protection: &'static str,
    irregular: bool,
    elapsed_ms: ElapsedMs,
    transcript: Vec<Entry>,
    replies: Vec<CommandReply>,
    /// How many times the login was tried.
    attempts: u32,
    /// The server's certificate, if it was refused.
    refused_certificate: Option<CertificateSummary>,
    /// Advice for the user.
    hint: Option<String>,
}

/// What is known when a dialogue has ended, without its end.
pub(crate) struct Dialogue {
    pub(crate) session: Option<std::sync::Arc<Session>>,
    /// The reply that completed the login, as it may be shown.
    pub(crate) logged_in_with: Option<Reply>,
    pub(crate) replies: Vec<CommandReply>,
    /// The user chose no TLS.
    pub(crate) is_plaintext: bool,
    pub(crate) trust: Trust,
    pub(crate) attempts: u32,
}

/// Which certificates are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those that the operating system trusts.
    Platform,
    /// The certificate or its authority is in the file of `--ca`.
    File,
    /// Those pinned with `--cert-sha256`.
    Pins,
    /// Any certificate.
    Any,
}

/// How a dialogue ended.
pub(crate) enum End {
    /// Logged in, and `QUIT` was sent.
    Done,
    /// After the login, the server said that the user is not logged in. The message may be shown.
    NotLoggedIn { code: u16, message: String },
    /// It failed.
    Failed(Error),
}

impl End {
    /// Where it ended.
    pub(crate) fn phase(&self) -> TimedPhase {
        match self {
            Self::Done | Self::NotLoggedIn { .. } => TimedPhase::Ready,
            Self::Failed(error) => phase_of(error),
        }
    }
}

impl Report {
    /// Builds the report.
    pub(crate) fn new(end: &End, dialogue: Dialogue, mut recording: Recording) -> Self {
        let Dialogue {
            session,
            logged_in_with,
            replies,
            is_plaintext,
            trust,
            attempts,
        } = dialogue;
        let session = session.as_deref();
        if let Some(session) = session {
            set_phase_times(&mut recording.times, session);
        }
        let (outcome, code, message, hint) = match (end, logged_in_with) {
            (End::Failed(error), _) => (
                Outcome::of(error),
                error.code().map(Code::get),
                recording.mask.error(error),
                hint::hint(error, &recording, is_plaintext, trust),
            ),
            (End::NotLoggedIn { code, message }, _) => {
                (Outcome::Refused, Some(*code), message.clone(), None)
            }
            (End::Done, Some(reply)) => (
                Outcome::LoggedIn,
                Some(reply.code().get()),
                format!("logged in: {reply}"),
                None,
            ),
            (End::Done, None) => (Outcome::LoggedIn, None, "logged in".to_owned(), None),
        };
        let protection =
            session.map_or(recording.protection.agreed(), |session| session.protection);
        let refused_certificate = match end {
            End::Failed(Error::Tls { error, .. }) => error
                .refused_certificate()
                .map(|refused| CertificateSummary::of(refused.der())),
            _ => None,
        };
        Self {
            outcome,
            phase: end.phase(),
            code,
            message,
            logged_in_by: session
                .map(|session| session.logged_in_by)
                .map(LoggedInBy::name),
            tls: recording.tls.as_ref().map(Tls::of),
            protection: if protection == Protection::Private {
                "private"
            } else {
                "clear"
            },
            irregular: recording.irregular || session.is_some_and(|session| session.irregular),
            elapsed_ms: ElapsedMs(recording.times),
            transcript: recording.entries,
            replies,
            attempts,
            refused_certificate,
            hint,
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    pub(crate) fn phase(&self) -> TimedPhase {
        self.phase
    }

    pub(crate) fn code(&self) -> Option<u16> {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn logged_in_by(&self) -> Option<&'static str> {
        self.logged_in_by
    }

    pub(crate) fn is_under_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn times(&self) -> Times {
        self.elapsed_ms.0
    }

    pub(crate) fn replies(&self) -> &[CommandReply] {
        &self.replies
    }
}

impl fmt::Display for Report {
    /// What happened and why. The refused certificate and the advice follow, each on a line of its
    /// own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.outcome == Outcome::LoggedIn {
            match &self.tls {
                Some(tls) => {
                    write!(
                        f,
                        " ({}, data connections {})",
                        tls.version, self.protection
                    )?;
                }
                None => f.write_str(" (without TLS)")?,
            }
        }
        if let Some(certificate) = &self.refused_certificate {
            write!(f, "\ncertificate: {certificate}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Takes the times of the phases from the machine, which knows them best.
fn set_phase_times(times: &mut Times, session: &Session) {
    let phases = &session.phases;
    for (phase, time) in [
        (TimedPhase::Greeting, phases.greeting),
        (TimedPhase::Security, phases.security),
        (TimedPhase::User, phases.user),
        (TimedPhase::Password, phases.password),
        (TimedPhase::Account, phases.account),
    ] {
        times.set(phase, time);
    }
}
