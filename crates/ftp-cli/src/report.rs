//! What became of a login: for programs as JSON, for people as a sentence with advice.

use std::fmt;

use ftp_adapter::Error;
use ftp_proto::TlsSession;
use ftp_proto::client::{self, LoggedInBy, PeerFault, Protection, Session};
use ftp_proto::wire::{Code, ForeignProtocol, Reply};
use ftp_rustls::{CertificateFault, rustls};
use serde::{Serialize, Serializer};

use crate::certificate::{CertificateName, CertificateSummary};
use crate::decode::ReplyRecord;
use crate::exit::Exit;
use crate::transcript::{Direction, Entry, Recording, TimedPhase, Times};

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

    fn of(error: &Error) -> Self {
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
            // `Refused`, `PasswordNeeded`, and whatever else a server may say in due form.
            _ => Self::Refused,
        }
    }
}

impl Serialize for TimedPhase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Where an error happened. A failed handshake is a matter of security wherever it stood.
fn phase_of(error: &Error) -> TimedPhase {
    match error {
        Error::Tls { phase, .. } if *phase < client::Phase::Ready => TimedPhase::Security,
        _ => TimedPhase::from_name(error.phase_name()),
    }
}

/// The TLS session as told to programs.
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

/// What became of a login. Each field is always there.
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
    /// What the user can do about it.
    hint: Option<String>,
}

/// What is known when a dialogue is over, beside its end.
pub(crate) struct Dialogue {
    pub(crate) session: Option<std::sync::Arc<Session>>,
    /// The reply that completed the login, as it may be shown.
    pub(crate) logged_in_with: Option<Reply>,
    pub(crate) replies: Vec<CommandReply>,
    /// TLS was not wanted.
    pub(crate) is_plaintext: bool,
    pub(crate) trust: Trust,
    pub(crate) attempts: u32,
}

/// What makes a certificate a trusted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The operating system trusts its authority.
    Platform,
    /// It, or its authority, is in the file of `--ca`.
    File,
    /// `--cert-sha256` pins it.
    Pins,
    /// Nothing: any is taken.
    Any,
}

/// How a dialogue ended.
pub(crate) enum End {
    /// Logged in, and out again.
    Done,
    /// The server said that the login had not been one after all. The message may be shown.
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
    /// Puts it together.
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
                hint(error, &recording, is_plaintext, trust),
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
    /// What happened and why; then the certificate that was refused, and what can be done about it,
    /// each on a line of its own.
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

/// The machine knows the phases of a login best.
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

/// What the user can do about it.
fn hint(error: &Error, recording: &Recording, is_plaintext: bool, trust: Trust) -> Option<String> {
    let last_sent = recording
        .entries
        .iter()
        .rev()
        .find(|entry| entry.dir == Direction::Sent)
        .map(|entry| entry.line.as_str())
        .unwrap_or_default();
    let hint = match error {
        Error::Resolve { .. } => "is the host's name right?",
        Error::Connect(_) => {
            "is the address right, and does a server listen there? ftp:// means port 21, ftps:// \
             port 990"
        }
        Error::ConnectTimedOut { .. } => {
            "a firewall may drop what is sent; --timeout gives it longer"
        }
        Error::Tls { error, .. } if is_about_trust(error) => {
            return hint_for_certificate(error, trust).map(str::to_owned);
        }
        // Nothing was said, not even a greeting: implicit TLS.
        Error::Tls { .. } if recording.entries.is_empty() => {
            "ftps:// is TLS from the first byte; a server on port 21 is asked for it with ftp://"
        }
        error if error.is_out_of_step() => {
            "the server sends replies too many; those to --then may belong to other commands"
        }
        Error::Protocol(error) if may_need_utf8(error, recording) => {
            "are user name and password right? Some servers (IIS) take a name that is not plain ASCII \
             only after OPTS UTF8 ON: --utf8 sends it"
        }
        Error::Protocol(error) => return hint_for_protocol(error, last_sent, is_plaintext),
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether a name that is not plain ASCII was refused, and nothing was said of UTF-8.
fn may_need_utf8(error: &client::Error, recording: &Recording) -> bool {
    let mut sent = recording
        .entries
        .iter()
        .filter(|entry| entry.dir == Direction::Sent);
    let is_refused = matches!(
        error,
        client::Error::Refused {
            phase: client::Phase::User | client::Phase::Password,
            ..
        }
    );
    is_refused
        && sent.clone().any(|entry| {
            let name = entry.line.strip_prefix("USER ");
            name.is_some_and(|name| !name.is_ascii())
        })
        && !sent.any(|entry| entry.line.starts_with("OPTS UTF8"))
}

fn hint_for_protocol(error: &client::Error, last_sent: &str, is_plaintext: bool) -> Option<String> {
    use client::Phase;
    let hint = match error {
        client::Error::AccountNeeded { .. } => "give the account with --account",
        client::Error::PasswordNeeded { .. } => {
            "give it with --password-file, --password-stdin, FTP_PASSWORD or a netrc file"
        }
        client::Error::ServiceUnavailable { .. } => "try again later; --retries does so by itself",
        client::Error::TimedOut {
            phase: Phase::Greeting,
            ..
        } if !is_plaintext => {
            "if this port wants TLS from the first byte, use ftps://; --timeout waits longer"
        }
        client::Error::TimedOut {
            phase: Phase::Security,
            ..
        } if last_sent.starts_with("AUTH") => {
            "if the server agreed to TLS and then said nothing, its TLS may be too old, or a \
             firewall on the way may not let it pass; --timeout waits longer"
        }
        client::Error::TimedOut { .. } => "--timeout waits longer",
        client::Error::Refused {
            phase: Phase::Security,
            ..
        } if last_sent.starts_with("PROT") || last_sent.starts_with("PBSZ") => {
            "the server does not encrypt data connections; --protection preferred logs in all \
             the same"
        }
        client::Error::Refused {
            phase: Phase::Security,
            ..
        } => {
            "the server refuses explicit TLS; ftps:// uses implicit TLS, --auth-ssl-fallback the \
             old name, --plaintext none at all (dangerous)"
        }
        client::Error::Refused {
            phase: Phase::User,
            reply,
            ..
        } if is_plaintext && reply.code() == Code::NOT_LOGGED_IN => {
            "the server may demand TLS: leave --plaintext out"
        }
        client::Error::Refused {
            phase: Phase::Password,
            reply,
            ..
        } if reply.code() == Code::NOT_LOGGED_IN => {
            "are user name and password right? Repeating a wrong one may lock the account"
        }
        client::Error::PeerFault {
            fault: PeerFault::ForeignProtocol(ForeignProtocol::Ssh),
            ..
        } => "SFTP is another protocol; this program cannot speak it",
        client::Error::PeerFault {
            fault: PeerFault::BytesBeforeTlsSwitch,
            ..
        } => "someone on the way may have put them there; nothing was sent but AUTH",
        client::Error::PeerFault {
            phase: Phase::Security | Phase::User,
            fault,
        } if is_greeting(fault) => {
            "--lenient-greeting takes several 220 replies as one greeting, as small devices send them"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn is_greeting(fault: &PeerFault) -> bool {
    match fault {
        PeerFault::UnsolicitedReply(reply) => reply.code() == Code::READY,
        PeerFault::UnexpectedCode { code } => *code == Code::READY,
        _ => false,
    }
}

/// Whether the certificate is the trouble.
fn is_about_trust(error: &ftp_rustls::Error<client::Error>) -> bool {
    matches!(
        error,
        ftp_rustls::Error::Tls {
            source: rustls::Error::InvalidCertificate(_),
            ..
        }
    )
}

/// What to do about a certificate: a pin helps with all that does not concern its key.
fn hint_for_certificate(
    error: &ftp_rustls::Error<client::Error>,
    trust: Trust,
) -> Option<&'static str> {
    use rustls::CertificateError as Refused;
    let ftp_rustls::Error::Tls {
        source: rustls::Error::InvalidCertificate(refused),
        ..
    } = error
    else {
        return None;
    };
    let hint = match (error.certificate_fault(), refused) {
        (Some(CertificateFault::NotPinned { .. }), _) => {
            "compare the hash with that of the server's certificate, as the server itself or its \
             operator shows it, before giving it to --cert-sha256"
        }
        (Some(CertificateFault::Authority), _) | (None, Refused::UnknownIssuer) => match trust {
            Trust::File => {
                "the file of --ca holds neither this certificate nor that of the authority that \
                 signed it; was the server's certificate replaced?"
            }
            _ => {
                "--ca FILE trusts the certificates in a file, for example that of a server whose \
                 certificate signs itself; --cert-sha256 HASH trusts the one with this hash"
            }
        },
        (
            Some(CertificateFault::Version { .. } | CertificateFault::CriticalExtension { .. }),
            _,
        ) => "--cert-sha256 HASH trusts the certificate with this hash, whatever else is in it",
        (
            None,
            Refused::NotValidForName
            | Refused::NotValidForNameContext { .. }
            | Refused::Expired
            | Refused::ExpiredContext { .. }
            | Refused::NotValidYet
            | Refused::NotValidYetContext { .. }
            | Refused::InvalidPurpose
            | Refused::InvalidPurposeContext { .. },
        ) => {
            "if the certificate cannot be replaced, --cert-sha256 HASH trusts the one with this \
             hash, whatever its names and dates"
        }
        _ => return None,
    };
    Some(hint)
}
