//! Certificates: reading them from files, making one on the spot, and naming them.

use std::fs;
use std::path::Path;

use ftp_proto::TlsSession;
use ftp_proto::wire::escape;
use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use ftp_rustls::{Identity, TrustedCertificates, certificates_from_pem, private_key_from_pem};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use crate::decode::hexadecimal;
use crate::encoding;
use crate::exit::{Exit, Failure};

/// How a certificate is told to people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CertificateName {
    /// The subject, as in `CN=ftp.example.com`; empty if the certificate cannot be read.
    pub(crate) subject: String,
    /// SHA-256 of the DER form, in hexadecimal.
    pub(crate) sha256: String,
}

impl CertificateName {
    /// The peer's certificate, if it sent one.
    pub(crate) fn of_peer(session: &TlsSession) -> Option<Self> {
        session.peer_certificates.first().map(|der| Self::of(der))
    }

    fn of(der: &[u8]) -> Self {
        let subject = parse_x509_certificate(der)
            .map(|(_, certificate)| certificate.subject().to_string())
            .unwrap_or_default();
        Self {
            subject: escape(subject.as_bytes()).to_string(),
            sha256: fingerprint(der),
        }
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    hexadecimal(&Sha256::digest(der))
}

/// A certificate chain and its key from PEM files.
pub(crate) fn read_identity(chain: &Path, key: &Path) -> Result<Identity, Failure> {
    let unusable = |path: &Path, error| {
        let path = path.display();
        Failure::usage(format!("cannot use {path}: {error}"))
    };
    let certificates =
        certificates_from_pem(&read(chain)?).map_err(|error| unusable(chain, error))?;
    let pem = read(key)?;
    let private_key = private_key_from_pem(&pem).map_err(|error| unusable(key, error))?;
    Identity::from_der(certificates, private_key).map_err(|error| unusable(chain, error))
}

/// The certificates to trust from a PEM file.
pub(crate) fn read_roots(path: &Path) -> Result<TrustedCertificates, Failure> {
    ftp_rustls::roots_from_pem(&read(path)?).map_err(|error| {
        Failure::usage(format!(
            "cannot trust the certificates in {}: {error}",
            path.display()
        ))
    })
}

/// PEM text, which may be a key's.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let shown = path.display();
    let bytes = fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    encoding::plain_pem(&format!("the file {shown}"), &bytes)
}

/// Makes a certificate that signs itself, for these host names and addresses.
pub(crate) fn self_made(names: Vec<String>) -> Result<Identity, Failure> {
    let impossible = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Unavailable,
            format!("cannot make a certificate: {error}"),
        )
    };
    let key = rcgen::KeyPair::generate().map_err(|error| impossible(&error))?;
    let mut parameters =
        rcgen::CertificateParams::new(names).map_err(|error| impossible(&error))?;
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "ftp-cli, made for this run");
    let certificate = parameters
        .self_signed(&key)
        .map_err(|error| impossible(&error))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Identity::from_der(vec![certificate.der().clone()], key).map_err(|error| impossible(&error))
}

/// A store that trusts exactly this certificate.
pub(crate) fn trust_only(
    certificate: &CertificateDer<'static>,
) -> Result<TrustedCertificates, Failure> {
    let mut roots = TrustedCertificates::empty();
    roots.add(certificate.clone()).map_err(|error| {
        Failure::new(
            Exit::Tls,
            format!("cannot trust the certificate just made: {error}"),
        )
    })?;
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_made_certificate_has_a_subject_and_a_fingerprint() {
        let identity = self_made(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let name = CertificateName::of(&identity.certificates()[0]);
        assert_eq!(name.subject, "CN=ftp-cli, made for this run");
        assert_eq!(name.sha256.len(), 64);
        assert!(trust_only(&identity.certificates()[0]).is_ok());
    }

    #[test]
    fn bytes_that_are_no_certificate_still_have_a_fingerprint() {
        let name = CertificateName::of(b"abc");
        assert_eq!(name.subject, "");
        assert_eq!(
            name.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
