//! TLS configurations in one call, instead of building them with rustls by hand.
//!
//! All functions return plain rustls configurations; one made elsewhere works as well. They name
//! their crypto provider (see [`provider`]) and never use the process-wide default, so what another
//! library installs there changes nothing here.
//!
//! Share one configuration among all connections to the same servers: sessions of TLS 1.3 are resumed
//! through it, which saves a signature.

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

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use rustls::NamedGroup;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;

pub use client::{
    ClientTls, Roots, client_config, client_config_with_provider, client_config_with_versions,
};
pub use error::ConfigError;
pub use identity::Identity;
pub use pem::{PemError, PemProblem, certificates_from_pem, private_key_from_pem};
pub use pin::{CertificatePin, InvalidPin};
pub use server::{
    ClientCertificates, server_config, server_config_with_provider, server_config_with_versions,
};
pub use trusted::TrustedCertificates;

/// The versions of TLS to use. Nothing older than TLS 1.2 is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Versions {
    /// TLS 1.3, or 1.2 if the peer does not support it. The default.
    #[default]
    Tls12AndTls13,
    /// Only TLS 1.2, for peers that fail with 1.3.
    Tls12,
    /// Only TLS 1.3.
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

/// The crypto provider of a configuration. Features only make it available; a call chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// AWS-LC, with post-quantum key exchange for peers that ask for it. The default of all
    /// functions without a provider argument.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    /// *ring*.
    #[cfg(feature = "ring")]
    Ring,
}

impl Provider {
    /// The provider for rustls, with small key shares first.
    ///
    /// A client's first message has a key share for the first group, and only the names of the
    /// others. A server can ask for another group's share, which costs a round trip; the client
    /// remembers it for the next connection. Here the groups with small shares come first, so that
    /// the first message has a few hundred bytes. The share of a post-quantum group has more than a
    /// kilobyte. Some devices and firewalls cut such a message, or do not answer it. So the
    /// post-quantum key exchange is used only if the server asks for it. To offer it from the
    /// start, sort `kx_groups` of this value differently, and pass it to
    /// [`client_config_with_provider`].
    pub fn crypto(self) -> Arc<CryptoProvider> {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => small_shares_first(rustls::crypto::aws_lc_rs::default_provider()),
            #[cfg(feature = "ring")]
            Self::Ring => small_shares_first(rustls::crypto::ring::default_provider()),
        }
    }

    /// Encrypts a server's session tickets.
    fn ticketer(self) -> Result<Arc<dyn ProducesTickets>, ConfigError> {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => {
                rustls::crypto::aws_lc_rs::Ticketer::new().map_err(ConfigError::Provider)
            }
            #[cfg(feature = "ring")]
            Self::Ring => rustls::crypto::ring::Ticketer::new().map_err(ConfigError::Provider),
        }
    }

    /// The default: AWS-LC, even if others are compiled in.
    ///
    /// # Errors
    /// [`ConfigError::NoCryptoProvider`] if the feature `aws-lc-rs` is off.
    pub fn by_default() -> Result<Self, ConfigError> {
        #[cfg(feature = "aws-lc-rs")]
        return Ok(Self::AwsLcRs);
        #[cfg(not(feature = "aws-lc-rs"))]
        return Err(ConfigError::NoCryptoProvider);
    }
}

/// The crypto provider of [`Provider::by_default`].
///
/// # Errors
/// As there.
pub fn provider() -> Result<Arc<CryptoProvider>, ConfigError> {
    Provider::by_default().map(Provider::crypto)
}

/// The order of the default depends on the features of rustls that other crates turn on.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn small_shares_first(mut provider: CryptoProvider) -> Arc<CryptoProvider> {
    provider
        .kx_groups
        .sort_by_key(|group| has_large_share(group.name()));
    Arc::new(provider)
}

/// Whether a share for this group has more than a kilobyte.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn has_large_share(group: NamedGroup) -> bool {
    matches!(
        group,
        NamedGroup::MLKEM512
            | NamedGroup::MLKEM768
            | NamedGroup::MLKEM1024
            | NamedGroup::secp256r1MLKEM768
            | NamedGroup::X25519MLKEM768
    )
}

/// Reads certificates to trust from PEM text: a CA's, or a server's own self-signed one. Other
/// kinds of PEM sections are skipped.
///
/// # Errors
/// * [`ConfigError::Pem`] if the text is broken or cut; it never returns fewer certificates than
///   the text has.
/// * [`ConfigError::InvalidRoot`] if a certificate in it cannot be read.
/// * [`ConfigError::NoCertificate`] if there is none in it.
pub fn roots_from_pem(pem: &[u8]) -> Result<TrustedCertificates, ConfigError> {
    let mut roots = TrustedCertificates::empty();
    for certificate in certificates_from_pem(pem)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}
