//! The verifier for a certificate that is itself among the trusted ones.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::ConfigError;

/// Checks chains as rustls does, and in addition accepts an authority's certificate (CA:TRUE) as
/// that of a server if its key is the key of a trusted authority.
///
/// Certificates that sign themselves are made like that by common tools, and whoever trusts one
/// means the server that shows it. Nothing is given away: the holder of that key could as well
/// sign another certificate with it, which would be accepted. Name, dates and the proof of the key
/// are checked as ever.
#[derive(Debug)]
pub(super) struct AnchoredCertificates {
    chains: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
}

impl AnchoredCertificates {
    pub(super) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConfigError> {
        let roots = Arc::new(roots);
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider)
            .build()
            .map_err(ConfigError::ServerVerifier)?;
        Ok(Self { chains, roots })
    }

    /// Whether the key of this certificate is that of a trusted authority.
    fn is_anchored(&self, certificate: &ParsedCertificate<'_>) -> bool {
        let key = certificate.subject_public_key_info();
        self.roots.roots.iter().any(|root| {
            // The store leaves out the tag and length of the outer sequence: 2 to 4 bytes.
            key.strip_suffix(root.subject_public_key_info.as_ref())
                .is_some_and(|header| header.first() == Some(&0x30) && header.len() <= 4)
        })
    }
}

impl ServerCertVerifier for AnchoredCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.chains.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // Found after the dates were checked, and before the name is.
            Err(Error::InvalidCertificate(error)) if is_authority(&error) => {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                if !self.is_anchored(&certificate) {
                    return Err(Error::InvalidCertificate(error));
                }
                verify_server_name(&certificate, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Whether the fault is that an authority's certificate is used as a server's own.
fn is_authority(error: &CertificateError) -> bool {
    // webpki's own error does not come through in any other form.
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}
