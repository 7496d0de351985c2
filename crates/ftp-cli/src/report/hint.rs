//! Advice for a login that failed.

use ftp_adapter::Error;
use ftp_proto::client::{self, PeerFault};
use ftp_proto::wire::{Code, ForeignProtocol};
use ftp_rustls::{CertificateFault, rustls};

use super::Trust;
use crate::transcript::{Direction, Recording};

/// The advice, if there is any.
pub(crate) fn hint(
    error: &Error,
    recording: &Recording,
    is_plaintext: bool,
    trust: Trust,
) -> Option<String> {
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
            "a firewall may drop the packets; --timeout sets a longer time"
        }
        Error::Tls { error, .. } if is_about_trust(error) => {
            return hint_for_certificate(error, trust).map(str::to_owned);
        }
        // There was no greeting yet, so this is implicit TLS.
        Error::Tls { .. } if recording.entries.is_empty() => {
            "ftps:// starts TLS at once; for a server on port 21 use ftp://"
        }
        error if error.is_out_of_step() => {
            "the server sends too many replies; those to --then may belong to other commands"
        }
        Error::Protocol(error) if may_need_utf8(error, recording) => {
            "are user name and password right? Some servers (IIS) take a name that is not plain ASCII \
             only after OPTS UTF8 ON: --utf8 sends it"
        }
        Error::Protocol(client::Error::ConnectionClosed { .. }) => {
            "it gave no reason: it may want TLS, or take no more clients for now; its log may say more"
        }
        Error::Protocol(error) => return hint_for_protocol(error, last_sent, is_plaintext),
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether a name that is not ASCII was refused, and `OPTS UTF8` was not sent.
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
            "if this port wants TLS from the first byte, use ftps://; --timeout sets a longer time"
        }
        client::Error::TimedOut {
            phase: Phase::Security,
            ..
        } if last_sent.starts_with("AUTH") => {
            "if the server agreed to TLS and then sent nothing, its TLS may be too old, or a \
             firewall may block it; --timeout sets a longer time"
        }
        client::Error::TimedOut { .. } => "--timeout sets a longer time",
        client::Error::Refused {
            phase: Phase::Security,
            ..
        } if last_sent.starts_with("PROT") || last_sent.starts_with("PBSZ") => {
            "the server does not encrypt data connections; --protection preferred logs in without \
             it"
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
        } => "SFTP is another protocol, which this program does not have",
        client::Error::PeerFault {
            fault: PeerFault::BytesBeforeTlsSwitch,
            ..
        } => "an attacker on the way may have sent them; the client sent only AUTH",
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

/// Whether the certificate was refused.
fn is_about_trust(error: &ftp_rustls::Error<client::Error>) -> bool {
    matches!(
        error,
        ftp_rustls::Error::Tls {
            source: rustls::Error::InvalidCertificate(_),
            ..
        }
    )
}

/// Advice for a refused certificate. A pin helps unless its key is the problem.
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
