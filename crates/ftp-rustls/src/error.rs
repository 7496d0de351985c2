//! Why a secured connection ended.

mod explain;
mod fault;

use core::fmt;

use rustls::CertificateError;

use self::explain::Explained;
pub use self::fault::CertificateFault;
use crate::{Offer, RefusedCertificate};

/// Why a secured connection ended. It stays the same.
///
/// `E` is the error of the machine inside, [`ftp_proto::client::Error`] or
/// [`ftp_proto::server::Error`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error<E> {
    /// The machine inside failed. Displayed as its own error.
    Machine(E),
    /// TLS failed. Before this is reported, the alert was sent to the peer, unless the peer did not
    /// read it in time.
    #[non_exhaustive]
    Tls {
        /// The phase of TLS.
        during: TlsPhase,
        /// rustls' error.
        source: rustls::Error,
        /// What this client offered, if the two sides have nothing in common.
        offered: Option<Box<Offer>>,
        /// The peer's certificate, if it was refused by a configuration that was made with
        /// [`config`](crate::config).
        certificate: Option<RefusedCertificate>,
    },
    /// The peer closed the connection in the middle of the TLS handshake.
    HandshakeEof,
    /// The machine asked for TLS, and [`Secured::clear`](crate::Secured::clear) has no
    /// configuration.
    NoTlsConfiguration,
}

impl<E> Error<E> {
    /// The error of the machine inside, if it is one.
    pub fn machine(&self) -> Option<&E> {
        match self {
            Self::Machine(error) => Some(error),
            Self::Tls { .. } | Self::HandshakeEof | Self::NoTlsConfiguration => None,
        }
    }

    /// The peer's certificate, if it was refused.
    pub fn refused_certificate(&self) -> Option<&RefusedCertificate> {
        match self {
            Self::Tls { certificate, .. } => certificate.as_ref(),
            Self::Machine(_) | Self::HandshakeEof | Self::NoTlsConfiguration => None,
        }
    }

    /// What is wrong with the peer's certificate, where rustls has no error of its own for it.
    pub fn certificate_fault(&self) -> Option<&CertificateFault> {
        match self {
            Self::Tls {
                source: rustls::Error::InvalidCertificate(CertificateError::Other(other)),
                ..
            } => other.0.downcast_ref(),
            _ => None,
        }
    }
}

/// A phase of a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsPhase {
    /// Before both sides have agreed.
    Handshake,
    /// While the control connection runs under TLS. Under TLS 1.3 a server's verdict on the
    /// client's certificate comes only here.
    Session,
    /// While TLS is being closed (`CCC`).
    Close,
}

impl fmt::Display for TlsPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "TLS handshake",
            Self::Session => "TLS session",
            Self::Close => "end of TLS",
        })
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(error) => error.fmt(f),
            Self::Tls {
                during,
                source,
                offered,
                ..
            } => {
                let explained = Explained {
                    during: *during,
                    error: source,
                };
                write!(f, "{during} failed: {explained}")?;
                match offered {
                    Some(offer) => write!(f, ". The client offered {offer}"),
                    None => Ok(()),
                }
            }
            Self::HandshakeEof => f.write_str(
                "the peer closed the connection during the TLS handshake, without an alert",
            ),
            Self::NoTlsConfiguration => {
                f.write_str("the connection needs TLS, but has no TLS configuration")
            }
        }
    }
}

impl<E: std::error::Error> std::error::Error for Error<E> {
    /// What is not in the text yet: rustls' error is.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.machine()?.source()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use ftp_proto::client::Error as ClientError;
    use rustls::AlertDescription;
    use rustls::server::VerifierBuilderError;

    use super::*;
    use crate::ConfigError;

    #[test]
    fn what_the_text_says_is_no_source_again() {
        let tls = || rustls::Error::General("told once".into());
        let failed = |source| Error::<ClientError>::Tls {
            during: TlsPhase::Handshake,
            source,
            offered: None,
            certificate: None,
        };
        let fault = CertificateFault::NoPublicKey;
        let alert = rustls::Error::AlertReceived(AlertDescription::UnknownCA);
        for source in [tls(), alert, fault.into()] {
            let error = failed(source);
            assert!(error.to_string().starts_with("TLS handshake failed: "));
            assert!(error.source().is_none(), "{error}");
        }
        for error in [
            ConfigError::Identity(tls()),
            ConfigError::InvalidRoot(tls()),
            ConfigError::Platform(tls()),
            ConfigError::Versions(tls()),
            ConfigError::Provider(tls()),
            ConfigError::ServerVerifier(VerifierBuilderError::NoRootAnchors),
            ConfigError::ClientVerifier(VerifierBuilderError::NoRootAnchors),
            crate::certificates_from_pem(b"-----BEGIN ").unwrap_err(),
        ] {
            assert!(error.source().is_none(), "{error}");
        }
    }
}
