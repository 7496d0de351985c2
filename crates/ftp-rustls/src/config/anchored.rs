//! The verifiers for certificates that the caller gave.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::{Certificate, Purpose};
use super::{ConfigError, TrustedCertificates};

/// Checks a given certificate by its own contents, and any other by its chain, as rustls does.
#[derive(Debug)]
struct Anchored<V: ?Sized> {
    given: Vec<CertificateDer<'static>>,
    purpose: Purpose,
    /// `None` if none of the given ones may vouch for others.
    chains: Option<Arc<V>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl<V: ?Sized> Anchored<V> {
    /// Whether exactly this certificate was given. Another one with the same key does not count: it
    /// may lack the constraints of the given one.
    fn is_given(&self, end_entity: &CertificateDer<'_>) -> bool {
        self.given.iter().any(|given| given == end_entity)
    }

    /// Checks the dates and the purposes of a given certificate.
    fn check_given<'a>(
        &self,
        end_entity: &'a CertificateDer<'a>,
        now: UnixTime,
    ) -> Result<ParsedCertificate<'a>, Error> {
        // Refuses what must not be used, such as unknown critical extensions.
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let outline = Certificate::parse(end_entity).ok_or(CertificateError::BadEncoding)?;
        let (not_before, not_after) = outline.validity().ok_or(CertificateError::BadEncoding)?;
        if now < not_before {
            let time = now;
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if now > not_after {
            let time = now;
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        if !outline.is_for(self.purpose) {
            return Err(CertificateError::InvalidPurpose.into());
        }
        Ok(parsed)
    }

    fn verify_tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }
}

/// Checks the certificates of servers.
#[derive(Debug)]
pub(super) struct AnchoredServers(Anchored<WebPkiServerVerifier>);

impl AnchoredServers {
    pub(super) fn new(
        trusted: &TrustedCertificates,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, ConfigError> {
        let authorities = authorities(trusted, Purpose::Server)?;
        let chains = match authorities.is_empty() {
            true => None,
            false => Some(
                WebPkiServerVerifier::builder_with_provider(
                    Arc::new(authorities),
                    Arc::clone(provider),
                )
                .build()
                .map_err(ConfigError::ServerVerifier)?,
            ),
        };
        Ok(Self(Anchored {
            given: trusted.certificates().to_vec(),
            purpose: Purpose::Server,
            chains,
            algorithms: provider.signature_verification_algorithms,
        }))
    }
}

impl ServerCertVerifier for AnchoredServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.0.is_given(end_entity) {
            let certificate = self.0.check_given(end_entity, now)?;
            verify_server_name(&certificate, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let chains = self
            .0
            .chains
            .as_ref()
            .ok_or(CertificateError::UnknownIssuer)?;
        chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms.supported_schemes()
    }
}

/// Checks the certificates of clients.
#[derive(Debug)]
pub(super) struct AnchoredClients {
    anchored: Anchored<dyn ClientCertVerifier>,
    subjects: Vec<DistinguishedName>,
    /// Whether a client may have none.
    optional: bool,
}

impl AnchoredClients {
    pub(super) fn new(
        trusted: &TrustedCertificates,
        provider: &Arc<CryptoProvider>,
        optional: bool,
    ) -> Result<Self, ConfigError> {
        let authorities = authorities(trusted, Purpose::Client)?;
        let chains = match authorities.is_empty() {
            true => None,
            false => Some(
                WebPkiClientVerifier::builder_with_provider(
                    Arc::new(authorities),
                    Arc::clone(provider),
                )
                .build()
                .map_err(ConfigError::ClientVerifier)?,
            ),
        };
        Ok(Self {
            anchored: Anchored {
                given: trusted.certificates().to_vec(),
                purpose: Purpose::Client,
                chains,
                algorithms: provider.signature_verification_algorithms,
            },
            subjects: trusted
                .subjects()
                .map(DistinguishedName::in_sequence)
                .collect(),
            optional,
        })
    }
}

impl ClientCertVerifier for AnchoredClients {
    fn client_auth_mandatory(&self) -> bool {
        !self.optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.anchored.is_given(end_entity) {
            self.anchored.check_given(end_entity, now)?;
            return Ok(ClientCertVerified::assertion());
        }
        let chains = self
            .anchored
            .chains
            .as_ref()
            .ok_or(CertificateError::UnknownIssuer)?;
        chains.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.anchored.verify_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.anchored.verify_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.anchored.algorithms.supported_schemes()
    }
}

/// The authorities among the trusted ones.
///
/// # Errors
/// If no peer could ever be accepted.
fn authorities(
    trusted: &TrustedCertificates,
    purpose: Purpose,
) -> Result<rustls::RootCertStore, ConfigError> {
    if trusted.is_empty() {
        return Err(ConfigError::NoRoots);
    }
    let authorities = trusted.authorities(purpose)?;
    if authorities.is_empty() && !trusted.has_own(purpose) {
        return Err(ConfigError::RootsForOtherPurpose);
    }
    Ok(authorities)
}
