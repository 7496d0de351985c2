//! Certificates to trust, kept whole.

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::ConfigError;
use super::certificate::{Certificate, Purpose};

/// Certificates to trust: those of authorities, and those of peers themselves.
///
/// Each is trusted within its own contents. An authority's certificate vouches for others within
/// its name constraints and purposes; its dates and the permitted length of its chains are not
/// checked, as is usual for trust anchors. Any certificate is also trusted as a peer's own, if
/// exactly this one is shown, even if it is an authority's (CA:TRUE), as certificates that sign
/// themselves often are; then its dates, purposes and names must be right. A certificate that is
/// not an authority's vouches only for itself.
///
/// [`roots_from_pem`](super::roots_from_pem) reads them.
#[derive(Debug, Clone, Default)]
pub struct TrustedCertificates {
    certificates: Vec<CertificateDer<'static>>,
    /// Anchors of authorities whose whole certificates are not known.
    anchors: Vec<TrustAnchor<'static>>,
}

impl TrustedCertificates {
    /// No certificates yet.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a certificate to trust.
    ///
    /// # Errors
    /// [`ConfigError::InvalidRoot`] if it cannot be read.
    pub fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), ConfigError> {
        // rustls' store refuses what cannot be a trust anchor.
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(ConfigError::InvalidRoot)?;
        self.certificates.push(certificate);
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.certificates.len().saturating_add(self.anchors.len())
    }

    /// Whether there is none, so that every peer would be refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// The authorities that may vouch for certificates of this purpose.
    pub(super) fn authorities(&self, purpose: Purpose) -> Result<RootCertStore, ConfigError> {
        let mut store = RootCertStore {
            roots: self.anchors.clone(),
        };
        for der in &self.certificates {
            let vouches = Certificate::parse(der).is_some_and(|certificate| {
                certificate.may_issue() && certificate.vouches_for(purpose)
            });
            if vouches {
                store.add(der.clone()).map_err(ConfigError::InvalidRoot)?;
            }
        }
        Ok(store)
    }

    /// Whether a peer could show one of these as its own.
    pub(super) fn has_own(&self, purpose: Purpose) -> bool {
        self.certificates.iter().any(|der| {
            Certificate::parse(der).is_some_and(|certificate| certificate.is_for(purpose))
        })
    }

    /// The names of all, for a server's request.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.certificates.iter();
        whole
            .filter_map(|der| Certificate::parse(der).map(|certificate| certificate.subject))
            .chain(self.anchors.iter().map(|anchor| anchor.subject.as_ref()))
    }
}

/// From rustls' trust anchors, which have neither purposes nor certificates: so none is trusted as
/// a peer's own.
impl From<RootCertStore> for TrustedCertificates {
    fn from(store: RootCertStore) -> Self {
        Self {
            certificates: Vec::new(),
            anchors: store.roots,
        }
    }
}
