//! The verifiers for which only the key in the server's certificate counts.
//!
//! They read only the certificate's key. They ignore names, dates, purposes, version, extensions
//! and the signer.

use std::sync::Arc;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::signature;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::signature;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, ProtocolVersion,
    SignatureScheme,
};

use super::ConfigError;
use super::certificate::{Certificate, PublicKey};
use super::pin::{CertificatePin, Sha256};
use crate::{CertificateFault, RefusedCertificate};

/// Accepts every certificate, or every pinned one, and checks that the peer holds its private key.
#[derive(Debug)]
pub(super) struct KeyOnly {
    algorithms: WebPkiSupportedAlgorithms,
    /// `None` if any certificate will do.
    pins: Option<Pins>,
}

#[derive(Debug)]
struct Pins {
    pins: Vec<CertificatePin>,
    sha256: Sha256,
}

impl KeyOnly {
    /// **Dangerous**: any certificate.
    pub(super) fn any(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            pins: None,
        }
    }

    /// One of these certificates, or any with one of these keys.
    pub(super) fn pinned(
        pins: Vec<CertificatePin>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, ConfigError> {
        if pins.is_empty() {
            return Err(ConfigError::NoRoots);
        }
        let sha256 = Sha256::of(provider).ok_or(ConfigError::NoSha256)?;
        Ok(Self {
            algorithms: provider.signature_verification_algorithms,
            pins: Some(Pins { pins, sha256 }),
        })
    }

    fn verify(
        &self,
        version: ProtocolVersion,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = Certificate::parse(certificate).ok_or(CertificateFault::NoPublicKey)?;
        verify_signature(&self.algorithms, version, message, &certificate.key, signed)
    }
}

impl ServerCertVerifier for KeyOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = Certificate::parse(end_entity).ok_or(CertificateFault::NoPublicKey)?;
        if let Some(Pins { pins, sha256 }) = &self.pins {
            let of_certificate = sha256.hash(end_entity);
            let of_key = sha256.hash(certificate.key.whole);
            let matches = |pin: &CertificatePin| [of_certificate, of_key].contains(&Some(pin.0));
            if !pins.iter().any(matches) {
                let fault = CertificateFault::NotPinned {
                    certificate: CertificatePin(of_certificate.unwrap_or_default()),
                    key: CertificatePin(of_key.unwrap_or_default()),
                };
                return Err(RefusedCertificate::leave(end_entity, fault.into()));
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(ProtocolVersion::TLSv1_2, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(ProtocolVersion::TLSv1_3, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        // A server uses the first that it supports. Short keys need one of these.
        schemes.sort_by_key(|scheme| match scheme {
            _ if scheme_for_short_keys(*scheme).is_some() => 1,
            SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
            | SignatureScheme::RSA_PKCS1_SHA384 => 2,
            _ => 0,
        });
        schemes
    }
}

/// Checks the handshake's signature against a bare key, by the rules of rustls, whose own functions
/// take only certificates of version 3.
fn verify_signature(
    algorithms: &WebPkiSupportedAlgorithms,
    version: ProtocolVersion,
    message: &[u8],
    key: &PublicKey<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let unadvertised = || Error::from(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);
    if !is_allowed(signed.scheme, version) {
        return Err(unadvertised());
    }
    let (_, candidates) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme)
        .ok_or_else(unadvertised)?;
    // TLS 1.3 fixes the curve, TLS 1.2 does not.
    let count = match version {
        ProtocolVersion::TLSv1_3 => 1,
        _ => candidates.len(),
    };
    let Some(algorithm) = candidates
        .iter()
        .take(count)
        .find(|algorithm| key.fits(**algorithm))
    else {
        let wanted = candidates.first().ok_or_else(unadvertised)?;
        return Err(
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: wanted.signature_alg_id().as_ref().to_vec(),
                public_key_algorithm_id: key.algorithm.to_vec(),
            }
            .into(),
        );
    };
    match algorithm.verify_signature(key.bits, message, signed.signature()) {
        Ok(()) => Ok(HandshakeSignatureValid::assertion()),
        Err(_) if is_signed_with_short_key(key, message, signed) => {
            Ok(HandshakeSignatureValid::assertion())
        }
        Err(_) => Err(CertificateFault::of_key(key)
            .map_or_else(|| CertificateError::BadSignature.into(), Error::from)),
    }
}

/// Whether this signature is from an RSA key of 1024 bits or more that rustls does not take. Old
/// devices with such keys use the old signature scheme, which TLS 1.3 does not have.
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(unused_variables)
)]
fn is_signed_with_short_key(
    key: &PublicKey<'_>,
    message: &[u8],
    signed: &DigitallySignedStruct,
) -> bool {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    if let (Some(1024..2048), Some(algorithm)) =
        (key.rsa_bits(), scheme_for_short_keys(signed.scheme))
    {
        return signature::UnparsedPublicKey::new(algorithm, key.bits)
            .verify(message, signed.signature())
            .is_ok();
    }
    false
}

/// How signatures of short RSA keys are checked.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn scheme_for_short_keys(scheme: SignatureScheme) -> Option<&'static signature::RsaParameters> {
    match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => {
            Some(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            Some(&signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY)
        }
        _ => None,
    }
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn scheme_for_short_keys(_: SignatureScheme) -> Option<()> {
    None
}

/// Whether a handshake of this version may use this scheme (RFC 8446 §4.2.3).
fn is_allowed(scheme: SignatureScheme, version: ProtocolVersion) -> bool {
    match scheme {
        SignatureScheme::RSA_PKCS1_SHA256
        | SignatureScheme::RSA_PKCS1_SHA384
        | SignatureScheme::RSA_PKCS1_SHA512 => version == ProtocolVersion::TLSv1_2,
        SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::RSA_PSS_SHA384
        | SignatureScheme::RSA_PSS_SHA512
        | SignatureScheme::ECDSA_NISTP256_SHA256
        | SignatureScheme::ECDSA_NISTP384_SHA384
        | SignatureScheme::ECDSA_NISTP521_SHA512
        | SignatureScheme::ED25519 => true,
        // What came after TLS 1.2 is defined for Only TLS 1.3.
        _ => version == ProtocolVersion::TLSv1_3,
    }
}
