//! Why a TLS configuration could not be made.

use rustls::server::VerifierBuilderError;
use thiserror::Error;

use super::PemError;

/// Why a TLS configuration could not be made. None of these shows a private key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The default crypto provider is not compiled in.
    #[error(
        "the default crypto provider, AWS-LC, is not compiled in: enable the feature `aws-lc-rs` of \
         ftp-rustls, or choose another with `client_config_with_provider` or \
         `server_config_with_provider`"
    )]
    NoCryptoProvider,
    /// The text is not PEM, or was cut.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// There is no certificate in what was given.
    #[error("no certificate found: PEM text with `-----BEGIN CERTIFICATE-----` is expected")]
    NoCertificate,
    /// There is no private key in what was given.
    #[error("no private key found: PEM text in PKCS#8, PKCS#1 or SEC1 form is expected")]
    NoPrivateKey,
    /// The private key is protected by a passphrase.
    #[error(
        "the private key is encrypted; decrypt it first, for example with `openssl pkey -in KEY -out PLAIN`"
    )]
    EncryptedPrivateKey,
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the certificate that comes first in the chain")]
    KeyMismatch,
    /// rustls does not take the certificate or the key.
    #[error("certificate or private key cannot be used: {0}")]
    Identity(rustls::Error),
    /// A certificate to be trusted cannot be read.
    #[error("a certificate to be trusted cannot be read: {0}")]
    InvalidRoot(rustls::Error),
    /// No certificate is trusted, so that every peer would be refused.
    #[error("no certificate is trusted: every peer would be refused")]
    NoRoots,
    /// All of the certificates to be trusted are for other purposes.
    #[error(
        "none of the certificates to be trusted may be used for this: their extended key usage \
         allows other purposes only"
    )]
    RootsForOtherPurpose,
    /// The crypto provider has no SHA-256, which pins need.
    #[error("the crypto provider has no SHA-256, so pins cannot be checked")]
    NoSha256,
    /// The operating system's trust store cannot be used.
    #[error("the operating system's trusted certificates cannot be used: {0}")]
    Platform(rustls::Error),
    /// Server certificates cannot be checked with the given roots.
    #[error("server certificates cannot be checked: {0}")]
    ServerVerifier(VerifierBuilderError),
    /// Client certificates cannot be checked with the given roots.
    #[error("client certificates cannot be checked: {0}")]
    ClientVerifier(VerifierBuilderError),
    /// The crypto provider does not fit the protocol versions.
    #[error("crypto provider and TLS versions do not fit together: {0}")]
    Versions(rustls::Error),
    /// The crypto provider failed, for want of random bytes.
    #[error("the crypto provider failed: {0}")]
    Provider(rustls::Error),
    /// The host is neither a DNS name nor an IP address.
    #[error("\"{}\" is neither a DNS name nor an IP address, so no certificate can be checked against it", .host.escape_debug())]
    InvalidServerName {
        /// What was given.
        host: String,
    },
}

impl ConfigError {
    /// Sorts rustls' complaint about a chain and its key.
    pub(super) fn from_identity(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => Self::KeyMismatch,
            other => Self::Identity(other),
        }
    }
}
