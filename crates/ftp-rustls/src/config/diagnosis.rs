//! Finds out why a certificate was refused, if the verifier's error says too little.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::Certificate;
use crate::{CertificateFault, RefusedCertificate};

/// A verifier with better errors. It accepts and refuses the same; only an error may become a
/// [`CertificateFault`].
#[derive(Debug)]
pub(super) struct Diagnosed<V: ?Sized> {
    /// The authorities that the caller gave.
    authorities: Vec<CertificateDer<'static>>,
    verifier: Arc<V>,
}

impl<V: ?Sized> Diagnosed<V> {
    pub(super) fn new(verifier: Arc<V>, authorities: &[CertificateDer<'static>]) -> Self {
        Self {
            authorities: authorities.to_vec(),
            verifier,
        }
    }

    /// Why a certificate was refused.
    fn refused(
        &self,
        error: Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Error {
        let Some(certificate) = Certificate::parse(end_entity) else {
            return error;
        };
        match error {
            Error::InvalidCertificate(CertificateError::BadSignature) => self
                .short_authority(&certificate, intermediates)
                .map_or(error, Error::from),
            // Each of these is checked before anything else that is reported like this.
            Error::InvalidCertificate(
                CertificateError::Other(_)
                | CertificateError::BadEncoding
                | CertificateError::UnhandledCriticalExtension,
            ) => {
                if certificate.version < 3 {
                    let version = certificate.version;
                    CertificateFault::Version { version }.into()
                } else if let Some(oid) = certificate.unknown_critical_extension() {
                    CertificateFault::CriticalExtension { oid }.into()
                } else if certificate.is_authority() {
                    CertificateFault::Authority.into()
                } else {
                    error
                }
            }
            other => other,
        }
    }

    /// The fault of an authority in the chain whose key is too short to check its signatures.
    fn short_authority(
        &self,
        end_entity: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Option<CertificateFault> {
        let sent: Vec<_> = intermediates
            .iter()
            .filter_map(|der| Certificate::parse(der))
            .collect();
        let given = self
            .authorities
            .iter()
            .filter_map(|der| Certificate::parse(der));
        given
            .chain(sent.iter().copied())
            .filter(|authority| {
                [end_entity]
                    .into_iter()
                    .chain(&sent)
                    .any(|signed| signed.issuer == authority.subject)
            })
            .find_map(|authority| CertificateFault::of_authority(&authority))
    }
}

/// Why the handshake's signature was refused.
fn unverified(error: Error, der: &CertificateDer<'_>) -> Error {
    let error = match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            let certificate = Certificate::parse(der);
            certificate
                .and_then(|certificate| CertificateFault::of_key(&certificate.key))
                .map_or(error, Error::from)
        }
        other => other,
    };
    RefusedCertificate::leave(der, error)
}

impl ServerCertVerifier for Diagnosed<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| self.refused(error, end_entity, intermediates))
            .map_err(|error| RefusedCertificate::leave(end_entity, error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
            .map_err(|error| unverified(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
            .map_err(|error| unverified(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.verifier.root_hint_subjects()
    }
}

impl ClientCertVerifier for Diagnosed<dyn ClientCertVerifier> {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verifier
            .verify_client_cert(end_entity, intermediates, now)
            .map_err(|error| self.refused(error, end_entity, intermediates))
            .map_err(|error| RefusedCertificate::leave(end_entity, error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
            .map_err(|error| unverified(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
            .map_err(|error| unverified(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }
}
