//! The layers between a machine and its transport, and how a connection ends.

use std::sync::Arc;

use ftp_proto::Instant;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ServerConfig};

use crate::sessions::{ClientSessions, ServerSessions};
use crate::tls_state::TlsState;
use crate::{ClientTls, Error, Offer, RefusedCertificate, TlsPhase};

/// The configurations are of one control connection and its data connections.
#[derive(Debug, Clone)]
pub(super) enum Role {
    Client(ClientTls, Arc<ClientSessions>),
    /// The sessions are there from the start of TLS on: many connections stay in clear. At a data connection,
    /// none means that it resumes none.
    Server(Arc<ServerConfig>, Option<Arc<ServerSessions>>),
    Clear,
}

impl Role {
    /// The name that a client asks for; a server learns it from the client.
    pub(super) fn requested_name(&self) -> Option<String> {
        match self {
            Self::Client(
                ClientTls {
                    server_name: ServerName::DnsName(name),
                    ..
                },
                _,
            ) => Some(name.as_ref().to_owned()),
            Self::Server(_, Some(sessions)) => sessions.requested_name(),
            Self::Client(..) | Self::Server(..) | Self::Clear => None,
        }
    }
}

/// What is between the machine and the transport.
#[derive(Debug)]
pub(super) enum TlsLayer {
    Clear,
    /// `hello_sent` is true at a server, which sends no ClientHello.
    Handshake {
        tls: Box<TlsState>,
        hello_sent: bool,
        since: Instant,
    },
    Established(Box<TlsState>),
    /// Our `close_notify` is being sent, and the peer's is awaited.
    Stopping(Box<TlsState>),
    /// It is over; at most a last write is unsent.
    Closing {
        tls: Option<Box<TlsState>>,
        closing: Closing,
    },
}

#[derive(Debug)]
pub(super) enum Closing {
    /// The machine is closed or failed.
    Machine,
    /// TLS failed. The machine's earlier events come first.
    Failing(Box<Failure>),
    /// TLS failed, and the machine is not polled again.
    Failed(Box<Failure>),
}

#[derive(Debug, Clone)]
pub(super) enum Failure {
    Tls {
        during: TlsPhase,
        source: rustls::Error,
        offered: Option<Box<Offer>>,
        certificate: Option<RefusedCertificate>,
    },
    HandshakeEof,
    NoTlsConfiguration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfInput {
    NotSeen,
    /// The transport has ended; the machine does not know yet.
    Seen,
    /// The transport broke; the machine does not know yet.
    Cut,
    /// The machine knows.
    Told,
}

/// An [`Action`](ftp_proto::Action) without its bytes and its deadline, which are asked for again when
/// needed: of the machine inside, and of the one with TLS around it.
pub(super) enum NextAction<E> {
    Event(E),
    Write,
    Read,
    Wait,
    Shutdown,
    /// Closed or failed.
    Over,
}

impl TlsLayer {
    pub(super) fn failing(tls: Option<Box<TlsState>>, failure: Failure) -> Self {
        Self::Closing {
            tls,
            closing: Closing::Failing(Box::new(failure)),
        }
    }

    /// The TLS state, if it has a use for more of the peer's bytes.
    pub(super) fn receiving(&mut self) -> Option<&mut TlsState> {
        let (tls, ready) = match self {
            Self::Handshake { tls, .. } => {
                let ready = !tls.is_agreed();
                (tls, ready)
            }
            Self::Established(tls) | Self::Stopping(tls) => {
                let waits = !tls.plaintext().is_empty() || tls.has_more();
                let ready = !waits && !tls.is_closed_by_peer();
                (tls, ready)
            }
            Self::Clear | Self::Closing { .. } => return None,
        };
        ready.then_some(tls)
    }

    pub(super) fn tls_mut(&mut self) -> Option<&mut TlsState> {
        match self {
            Self::Clear => None,
            Self::Handshake { tls, .. } | Self::Established(tls) | Self::Stopping(tls) => Some(tls),
            Self::Closing { tls, .. } => tls.as_deref_mut(),
        }
    }
}

impl Failure {
    /// `role` is the role of the side that failed.
    pub(super) fn tls(during: TlsPhase, source: rustls::Error, role: &Role) -> Self {
        let offered = match role {
            Role::Client(tls, _) if during == TlsPhase::Handshake && is_about_offers(&source) => {
                Offer::of(tls).map(Box::new)
            }
            _ => None,
        };
        let certificate = match source {
            rustls::Error::InvalidCertificate(_) => RefusedCertificate::take(),
            _ => None,
        };
        Self::Tls {
            during,
            source,
            offered,
            certificate,
        }
    }
}

/// Whether the two sides may have nothing in common.
fn is_about_offers(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure
                    | AlertDescription::InsufficientSecurity
                    | AlertDescription::ProtocolVersion
            )
    )
}

impl<E> From<Failure> for Error<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Tls {
                during,
                source,
                offered,
                certificate,
            } => Self::Tls {
                during,
                source,
                offered,
                certificate,
            },
            Failure::HandshakeEof => Self::HandshakeEof,
            Failure::NoTlsConfiguration => Self::NoTlsConfiguration,
        }
    }
}
