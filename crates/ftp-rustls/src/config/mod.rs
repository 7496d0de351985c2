//! TLS configurations in one call, for those who do not want to build them with rustls by hand.
//!
//! Everything here returns plain rustls configurations; one made elsewhere serves as well. All of
//! it names its crypto provider explicitly (see [`provider`]) and never looks at the process-wide
//! default, so that what another library installs there changes nothing here.
//!
//! Share one configuration among all connections to the same servers: sessions are resumed through
//! it, which saves a signature and, under TLS 1.2, a round trip.

mod anchored;
pub(crate) mod certificate;
mod client;
mod der;
mod diagnosis;
mod error;
mod identity;
mod key_only;
mod pem;
mod pin;
mod server;
mod trusted;

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;

pub use client::{ClientTls, Roots, client_config, client_config_with_versions};
pub use error::ConfigError;
pub use identity::Identity;
pub use pem::{PemError, PemProblem, certificates_from_pem, private_key_from_pem};
pub use pin::{CertificatePin, InvalidPin};
pub use server::{ClientCertificates, server_config, server_config_with_versions};
pub use trusted::TrustedCertificates;

/// Which versions of TLS are spoken. Anything older than TLS 1.2 is not, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Versions {
    /// TLS 1.3, or 1.2 if the peer knows no better. The default.
    #[default]
    Tls12AndTls13,
    /// TLS 1.2 alone, for peers that mishandle 1.3.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

impl Versions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12AndTls13 => vec![&rustls::version::TLS13, &rustls::version::TLS12],
            Self::Tls12 => vec![&rustls::version::TLS12],
            Self::Tls13 => vec![&rustls::version::TLS13],
        }
    }
}

/// The crypto provider that the crate's features chose: AWS-LC with `aws-lc-rs` (also where both
/// are on), *ring* with `ring` alone.
///
/// # Errors
/// [`ConfigError::NoCryptoProvider`] if the crate was built with neither.
pub fn provider() -> Result<Arc<CryptoProvider>, ConfigError> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return Err(ConfigError::NoCryptoProvider);
}

/// Reads certificates to trust from PEM text: a CA's, or a server's own self-signed one. Other
/// kinds of PEM sections are skipped.
///
/// # Errors
/// * [`ConfigError::Pem`] if the text is broken or cut; never are fewer certificates read than it
///   has.
/// * [`ConfigError::InvalidRoot`] if a certificate in it cannot be read.
/// * [`ConfigError::NoCertificate`] if there is none in it.
pub fn roots_from_pem(pem: &[u8]) -> Result<TrustedCertificates, ConfigError> {
    let mut roots = TrustedCertificates::empty();
    for certificate in certificates_from_pem(pem)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}
