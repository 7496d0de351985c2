//! rustls' errors in sentences: what is wrong, and what to do about it.

use core::fmt;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerMisbehaved};

use super::{CertificateFault, TlsPhase};

pub(super) struct Explained<'a> {
    pub(super) during: TlsPhase,
    pub(super) error: &'a Error,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            Error::InvalidCertificate(error) => certificate(f, error),
            Error::AlertReceived(alert) => received(f, self.during, *alert),
            Error::NoCertificatesPresented => {
                f.write_str("the peer showed no certificate, and one is required here")
            }
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => match self.during {
                TlsPhase::Handshake => f.write_str(
                    "the peer answered with something that is not TLS; does it expect TLS on this \
                     port, and from this point on?",
                ),
                TlsPhase::Session | TlsPhase::Close => f.write_str(
                    "the peer sent something that is not TLS, without closing TLS first",
                ),
            },
            Error::PeerIncompatible(_) => write!(
                f,
                "the two sides have no version or parameters of TLS in common; servers older than \
                 TLS 1.2 must be updated ({})",
                self.error
            ),
            Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName) => f.write_str(
                "the client asked for a server by a name that no host can have, such as an address \
                 in brackets, or with a port behind it (RFC 6066 §3); it should send none",
            ),
            Error::DecryptError => {
                f.write_str("a message cannot be decrypted: it was changed on its way")
            }
            other => other.fmt(f),
        }
    }
}

/// In UTC.
struct Time(UnixTime);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        write!(f, "{}Z", ftp_proto::DateTime::from_unix(seconds))
    }
}

fn certificate(f: &mut fmt::Formatter<'_>, error: &CertificateError) -> fmt::Result {
    match error {
        CertificateError::UnknownIssuer => f.write_str(
            "the peer's certificate is not signed by an authority that is trusted here; if it is \
             self-signed or from an authority of your own, add that certificate to the trusted ones",
        ),
        CertificateError::ExpiredContext { not_after, .. } => write!(
            f,
            "the peer's certificate is out of date since {}; it must be renewed, unless the clock of \
             this machine is wrong",
            Time(*not_after)
        ),
        CertificateError::Expired => f.write_str(
            "the peer's certificate is out of date; it must be renewed, unless the clock of this \
             machine is wrong",
        ),
        CertificateError::NotValidYetContext { not_before, .. } => write!(
            f,
            "the peer's certificate is not valid before {}; is the clock of this machine right?",
            Time(*not_before)
        ),
        CertificateError::NotValidYet => f.write_str(
            "the peer's certificate is not valid yet; is the clock of this machine right?",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            write!(
                f,
                "the server's certificate is for another name; connect by a name that it is for, \
                 or have it issued for this one ({error})"
            )
        }
        CertificateError::BadSignature => f.write_str(
            "a signature is wrong: either the peer does not hold the key of its certificate, or \
             the authority that is trusted here under that name did not sign it (was the \
             authority's own certificate replaced?)",
        ),
        CertificateError::Revoked => {
            f.write_str("the peer's certificate was revoked; it must be replaced")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => write!(
            f,
            "the peer's certificate is for another purpose; servers and clients need the matching \
             extended key usage ({error})"
        ),
        CertificateError::Other(other) => match other.0.downcast_ref::<CertificateFault>() {
            Some(fault) => write!(f, "{fault}"),
            None => write!(f, "the peer's certificate cannot be used: {}", other.0),
        },
        other => write!(f, "the peer's certificate cannot be used: {other}"),
    }
}

fn received(f: &mut fmt::Formatter<'_>, during: TlsPhase, alert: AlertDescription) -> fmt::Result {
    let meaning = match alert {
        AlertDescription::UnknownCA | AlertDescription::BadCertificate => {
            "it does not trust our certificate"
        }
        AlertDescription::CertificateExpired => "our certificate is out of date",
        AlertDescription::CertificateRevoked => "our certificate was revoked",
        AlertDescription::CertificateUnknown | AlertDescription::UnsupportedCertificate => {
            "it cannot use our certificate"
        }
        AlertDescription::CertificateRequired => "it requires a client certificate",
        AlertDescription::AccessDenied => "our certificate is valid, but it gives us no access",
        AlertDescription::ProtocolVersion => "it has no version of TLS that is allowed here",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "there are no parameters that both sides allow, or it requires a client certificate"
        }
        AlertDescription::RecordOverflow
        | AlertDescription::DecodeError
        | AlertDescription::IllegalParameter
        | AlertDescription::UnexpectedMessage
            if during == TlsPhase::Handshake =>
        {
            "it cannot read our messages: its TLS is old or not complete, or a device on the way \
             changed them"
        }
        AlertDescription::UnrecognisedName => "it does not serve the host name that was asked for",
        _ => "see RFC 8446 §6 for its meaning",
    };
    write!(f, "the peer refused with alert {alert:?}: {meaning}")
}
