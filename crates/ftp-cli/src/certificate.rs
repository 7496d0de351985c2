//! Certificates: read them from files, make one, and describe them.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use ftp_proto::TlsSession;
use ftp_proto::wire::escape;
use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use ftp_rustls::{Identity, TrustedCertificates, certificates_from_pem, private_key_from_pem};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use crate::encoding::{self, hexadecimal};
use crate::exit::{Exit, Failure};

/// A certificate as people and programs see it in reports.
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

/// A certificate that was refused, as far as it can be read. It helps users to find out whose it
/// is; nothing in it is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CertificateSummary {
    #[serde(flatten)]
    name: CertificateName,
    issuer: String,
    /// The hosts that it is for.
    names: Vec<String>,
    /// As in `2026-11-28T22:00:00Z`.
    not_before: Option<String>,
    not_after: Option<String>,
    #[serde(skip)]
    days_left: Option<i64>,
    #[serde(skip)]
    key: String,
}

impl CertificateSummary {
    pub(crate) fn of(der: &[u8]) -> Self {
        let parsed = parse_x509_certificate(der).ok();
        let parsed = parsed.as_ref().map(|(_, certificate)| certificate);
        let shown = |text: String| escape(text.as_bytes()).to_string();
        Self {
            name: CertificateName::of(der),
            issuer: parsed
                .map(|certificate| shown(certificate.issuer().to_string()))
                .unwrap_or_default(),
            names: parsed.map(names).unwrap_or_default(),
            not_before: parsed.map(|certificate| moment(certificate.validity().not_before)),
            not_after: parsed.map(|certificate| moment(certificate.validity().not_after)),
            days_left: parsed.map(days_left),
            key: parsed.map(key).unwrap_or_default(),
        }
    }

    /// Whole days until it ends; negative if it has ended.
    pub(crate) fn days_left(&self) -> Option<i64> {
        self.days_left
    }

    /// The day on which it ends.
    pub(crate) fn last_day(&self) -> &str {
        let end = self.not_after.as_deref().unwrap_or_default();
        end.split('T').next().unwrap_or_default()
    }

    /// Its key, as in `RSA 2048`.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for CertificateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(from), Some(to)) = (&self.not_before, &self.not_after) {
            let names = match self.names.is_empty() {
                true => "no host".to_owned(),
                false => self.names.join(", "),
            };
            let Self { name, issuer, .. } = self;
            write!(
                f,
                "subject {}; for {names}; issuer {issuer}; valid from {from} to {to}; ",
                name.subject
            )?;
        }
        write!(f, "SHA-256 {}", self.name.sha256)
    }
}

/// The hosts that a certificate names.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.map(|extension| &extension.value.general_names);
    let shown = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(escape(name.as_bytes()).to_string()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    };
    names.into_iter().flatten().filter_map(shown).collect()
}

fn days_left(certificate: &X509Certificate<'_>) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let left = certificate.validity().not_after.timestamp() - ASN1Time::now().timestamp();
    left.div_euclid(DAY)
}

/// The kind and the size of the key.
fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(point)) => format!("EC {}", point.key_size()),
        _ => "another kind of key".to_owned(),
    }
}

fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (hour, minute, second) = time.to_hms();
    let (year, month, day) = time.to_calendar_date();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// SHA-256 in hexadecimal.
fn fingerprint(der: &[u8]) -> String {
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

/// Reads a PEM file, which may be a key.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let shown = path.display();
    let bytes = fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    encoding::plain_pem(&format!("the file {shown}"), &bytes)
}

/// A certificate that was made here, in the forms in which a client can trust it.
pub(crate) struct SelfMade {
    pub(crate) pem: String,
    /// What `login --cert-sha256` takes.
    pub(crate) sha256: String,
}

/// Makes a certificate that signs itself, for these host names and addresses.
pub(crate) fn self_made(names: Vec<String>) -> Result<(Identity, SelfMade), Failure> {
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
    let identity = Identity::from_der(vec![certificate.der().clone()], key)
        .map_err(|error| impossible(&error))?;
    let made = SelfMade {
        pem: certificate.pem(),
        sha256: fingerprint(certificate.der()),
    };
    Ok((identity, made))
}

/// A store that trusts exactly this certificate.
pub(crate) fn trust_only(
    certificate: &CertificateDer<'static>,
) -> Result<TrustedCertificates, Failure> {
    let mut roots = TrustedCertificates::empty();
    roots.add(certificate.clone()).map_err(|error| {
        Failure::new(
            Exit::Tls,
            format!("cannot trust the new certificate: {error}"),
        )
    })?;
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_made_certificate_has_a_subject_and_a_fingerprint() {
        let (identity, made) = self_made(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let name = CertificateName::of(&identity.certificates()[0]);
        assert_eq!(name.subject, "CN=ftp-cli, made for this run");
        assert_eq!(name.sha256, made.sha256);
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
