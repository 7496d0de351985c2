//! Faults of a peer's certificate for which rustls has no error.

use std::sync::Arc;

use rustls::{CertificateError, OtherError};
use thiserror::Error;

use crate::config::certificate::PublicKey;
use crate::{CertificatePin, config::certificate::Certificate};

/// A fault of a peer's certificate for which rustls has no error. It is inside a
/// [`CertificateError::Other`]; [`Error::certificate_fault`](crate::Error::certificate_fault) finds
/// it there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Neither the certificate nor its key is among those pinned with
    /// [`Roots::Pinned`](crate::Roots::Pinned).
    #[error(
        "the server's certificate is not the pinned one: its SHA-256 is {certificate}, that of its \
         key {key}; if the server did not get a new one, someone on the way poses as the server"
    )]
    NotPinned {
        /// The hash of the peer's certificate.
        certificate: CertificatePin,
        /// The hash of the key in it.
        key: CertificatePin,
    },
    /// The signature cannot be checked, because the RSA key that made it is too short or too long.
    ///
    /// If the certificate is pinned, or any is accepted, keys of 1024 bits and more work if the
    /// server signs as is usual under TLS 1.2 (PKCS#1 v1.5). Some servers do not.
    #[error(
        "the RSA key {} has {bits} bits, and signatures of keys with less than 2048 or more than \
         8192 bits cannot be checked, but for some of TLS 1.2 under a pin; a new key and \
         certificate are needed",
        if *.of_authority { "of an authority that signed the peer's certificate" } else { "in the peer's certificate" }
    )]
    RsaKeyLength {
        /// How many bits the key has.
        bits: usize,
        /// Whether the key is that of an authority, and not the peer's own.
        of_authority: bool,
    },
    /// No public key can be found in the certificate.
    #[error("the peer's certificate cannot be read: no public key is found in it")]
    NoPublicKey,
    /// The certificate is of an old version of X.509, which has no place for the names of hosts.
    #[error(
        "the peer's certificate is of X.509 version {version}, and only version 3 can name the \
         hosts that it is for; pin it, or have a new one issued"
    )]
    Version {
        /// 1 or 2.
        version: u16,
    },
    /// The certificate has a critical extension (RFC 5280 §4.2) that is not known here.
    #[error(
        "the peer's certificate has a critical extension that is not known here ({oid}), so it \
         must not be used; pin it, or have one issued without"
    )]
    CriticalExtension {
        /// Which.
        oid: String,
    },
    /// The certificate is an authority's, and is not itself trusted.
    #[error(
        "the peer's certificate is that of an authority (CA:TRUE), and not one that is trusted \
         here; add it to the trusted ones, or have one issued with CA:FALSE"
    )]
    Authority,
}

impl CertificateFault {
    /// The possible reason why a signature could not be checked with a peer's key.
    pub(crate) fn of_key(key: &PublicKey<'_>) -> Option<Self> {
        let bits = key.rsa_bits()?;
        (!(2048..=8192).contains(&bits)).then_some(Self::RsaKeyLength {
            bits,
            of_authority: false,
        })
    }

    /// The same for the key of an authority.
    pub(crate) fn of_authority(certificate: &Certificate<'_>) -> Option<Self> {
        match Self::of_key(&certificate.key)? {
            Self::RsaKeyLength { bits, .. } => Some(Self::RsaKeyLength {
                bits,
                of_authority: true,
            }),
            other => Some(other),
        }
    }
}

impl From<CertificateFault> for rustls::Error {
    fn from(fault: CertificateFault) -> Self {
        CertificateError::Other(OtherError(Arc::new(fault))).into()
    }
}
