//! What came of a login, in words that all adapters share.

use std::fmt;

use ftp_proto::client::{self, LoggedInBy, PeerFault, Phase, Timeout};
use ftp_proto::wire::{ForeignProtocol, Reply, ReplyErrorKind};
use ftp_rustls::TlsPhase;

/// What came of a login and of the step after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server let us in, and what was to be done then was done.
    LoggedIn {
        /// Where it did so.
        by: LoggedInBy,
        /// The code of the reply to the command sent after login, if one was.
        then: Option<u16>,
    },
    /// It said no in due form.
    Refused {
        /// In which phase.
        phase: Phase,
        /// With which code.
        code: u16,
    },
    /// It asks for what we have not got: an account or a password.
    Wanting {
        /// In which phase.
        phase: Phase,
    },
    /// 421.
    Unavailable {
        /// In which phase.
        phase: Phase,
    },
    /// It broke the protocol.
    PeerFault {
        /// In which phase.
        phase: Phase,
        /// How.
        fault: Fault,
    },
    /// A deadline of the machine passed.
    TimedOut {
        /// In which phase.
        phase: Phase,
        /// Which.
        what: Timeout,
    },
    /// The server closed the connection in due form.
    Closed {
        /// In which phase.
        phase: Phase,
        /// Within a reply.
        mid_reply: bool,
    },
    /// The connection broke.
    Lost {
        /// In which phase.
        phase: Phase,
    },
    /// TLS failed.
    TlsFailed {
        /// At what point; the handshake also if it was cut off.
        during: TlsPhase,
    },
    /// No address could be connected to.
    NotConnected,
    /// Nor within the time for connecting.
    ConnectTimedOut,
    /// What none of these cases may lead to, in the adapter's words.
    Other(String),
}

/// How a server broke the protocol: [`PeerFault`] without the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A code that has no meaning where it came.
    Unexpected(u16),
    /// Bytes that are no reply, or one over the limits.
    Malformed(ReplyErrorKind),
    /// Another protocol.
    Foreign(ForeignProtocol),
    /// A reply that came before what it would answer was sent.
    Unsolicited(u16),
    /// A reply that cannot answer the command it falls to.
    OutOfStep(u16),
    /// Bytes between the consent to switch TLS and the switch.
    BytesBeforeTlsSwitch,
    /// The password again.
    AskedAgain,
    /// Preliminary replies without an end.
    TooManyPreliminary,
    /// Blank lines or Telnet without an end.
    TooMuchFiller,
    /// One that this type does not know.
    Another,
}

impl fmt::Display for Outcome {
    /// As the files of the cases say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn { by, then } => {
                write!(f, "logged in by {}", words(by))?;
                then.map_or(Ok(()), |code| write!(f, ", answered {code}"))
            }
            Self::Refused { phase, code } => write!(f, "refused {code} in {phase}"),
            Self::Wanting { phase } => write!(f, "asked for more in {phase}"),
            Self::Unavailable { phase } => write!(f, "unavailable in {phase}"),
            Self::PeerFault { phase, fault } => write!(f, "{} in {phase}", words(fault)),
            Self::TimedOut { phase, what } => write!(f, "{} deadline in {phase}", words(what)),
            Self::Closed { phase, mid_reply } => {
                let within = if *mid_reply { " within a reply" } else { "" };
                write!(f, "closed{within} in {phase}")
            }
            Self::Lost { phase } => write!(f, "lost in {phase}"),
            Self::TlsFailed { during } => write!(f, "TLS failed in {}", words(during)),
            Self::NotConnected => f.write_str("not connected"),
            Self::ConnectTimedOut => f.write_str("connect deadline"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// A value's `Debug` in words: `Malformed(LineTooLong)` is "malformed line too long".
pub(super) fn words(value: &impl fmt::Debug) -> String {
    let mut words = String::new();
    for sign in format!("{value:?}").chars() {
        if (sign.is_uppercase() || !sign.is_alphanumeric()) && !words.ends_with(' ') {
            words.push(' ');
        }
        words.extend(sign.is_alphanumeric().then(|| sign.to_ascii_lowercase()));
    }
    words.trim().to_owned()
}

impl Outcome {
    /// What the machine's error means.
    pub fn of(error: &client::Error) -> Self {
        let phase = error.phase();
        match error {
            client::Error::Refused { reply, .. } => Self::Refused {
                phase,
                code: reply.code().get(),
            },
            client::Error::AccountNeeded { .. } | client::Error::PasswordNeeded { .. } => {
                Self::Wanting { phase }
            }
            client::Error::ServiceUnavailable { .. } => Self::Unavailable { phase },
            client::Error::TimedOut { what, .. } => Self::TimedOut { phase, what: *what },
            client::Error::ConnectionClosed { mid_reply, .. } => Self::Closed {
                phase,
                mid_reply: *mid_reply,
            },
            client::Error::PeerFault { fault, .. } => Self::PeerFault {
                phase,
                fault: Fault::of(fault),
            },
            other => Self::Other(other.to_string()),
        }
    }

    /// A "no" to what came after the login; the connection goes on.
    pub fn refused_later(reply: &Reply) -> Self {
        Self::Refused {
            phase: Phase::Ready,
            code: reply.code().get(),
        }
    }

    /// What an error of the machine under TLS means.
    pub fn of_tls(error: &ftp_rustls::Error<client::Error>) -> Self {
        match error {
            ftp_rustls::Error::Machine(error) => Self::of(error),
            ftp_rustls::Error::Tls { during, .. } => Self::TlsFailed { during: *during },
            ftp_rustls::Error::HandshakeEof => Self::TlsFailed {
                during: TlsPhase::Handshake,
            },
            other => Self::Other(other.to_string()),
        }
    }

    /// What an adapter's error means.
    #[cfg(feature = "adapters")]
    pub fn of_adapter(error: &ftp_adapter::Error) -> Self {
        use ftp_adapter::Error;
        match error {
            Error::Protocol(error) => Self::of(error),
            Error::Tls { error, .. } => Self::of_tls(error),
            Error::Io { phase, .. } => Self::Lost { phase: *phase },
            Error::Refused(reply) => Self::refused_later(reply),
            Error::Unsolicited(reply) => Self::PeerFault {
                phase: Phase::Ready,
                fault: Fault::Unsolicited(reply.code().get()),
            },
            Error::Connect(_) => Self::NotConnected,
            Error::ConnectTimedOut { .. } => Self::ConnectTimedOut,
            Error::Unanswered(_) => Self::Wanting {
                phase: error.phase().unwrap_or(Phase::Closing),
            },
            error => Self::Other(error.to_string()),
        }
    }

    /// Whether the password may have been sent when it came to this.
    pub(super) fn is_after_password(&self) -> bool {
        match self {
            Self::LoggedIn { .. } | Self::Other(_) => true,
            Self::NotConnected | Self::ConnectTimedOut => false,
            Self::TlsFailed { during } => *during != TlsPhase::Handshake,
            Self::Refused { phase, .. }
            | Self::Wanting { phase }
            | Self::Unavailable { phase }
            | Self::PeerFault { phase, .. }
            | Self::TimedOut { phase, .. }
            | Self::Closed { phase, .. }
            | Self::Lost { phase } => *phase >= Phase::Password,
        }
    }
}

impl Fault {
    fn of(fault: &PeerFault) -> Self {
        match fault {
            PeerFault::UnexpectedCode { code } => Self::Unexpected(code.get()),
            PeerFault::Malformed { kind, .. } => Self::Malformed(*kind),
            PeerFault::ForeignProtocol(protocol) => Self::Foreign(*protocol),
            PeerFault::UnsolicitedReply(reply) => Self::Unsolicited(reply.code().get()),
            PeerFault::OutOfStep { reply, .. } => Self::OutOfStep(reply.code().get()),
            PeerFault::BytesBeforeTlsSwitch => Self::BytesBeforeTlsSwitch,
            PeerFault::AskedAgain => Self::AskedAgain,
            PeerFault::TooManyPreliminary => Self::TooManyPreliminary,
            PeerFault::TooMuchFiller => Self::TooMuchFiller,
            _ => Self::Another,
        }
    }
}
