//! The certificate that was refused. rustls forgets it, and its errors have no place for it.
//!
//! A verifier is shared by all connections of a configuration, and is called while a connection
//! processes a record. So it leaves the certificate with the thread, where the connection takes it.

use core::cell::Cell;
use core::fmt;

use rustls::Error;
use rustls::pki_types::CertificateDer;

thread_local! {
    static REFUSED: Cell<Option<RefusedCertificate>> = Cell::default();
}

/// A peer's certificate that was not accepted. Nothing in it was proved, so it may say anything.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedCertificate(CertificateDer<'static>);

impl RefusedCertificate {
    /// The certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.0
    }

    /// Leaves a certificate that is refused for this reason.
    pub(crate) fn leave(certificate: &CertificateDer<'_>, reason: Error) -> Error {
        REFUSED.set(Some(Self(certificate.clone().into_owned())));
        reason
    }

    /// The one that was left in this thread since this was called last.
    pub(crate) fn take() -> Option<Self> {
        REFUSED.take()
    }
}

impl fmt::Debug for RefusedCertificate {
    /// Its length: the bytes would fill the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedCertificate({} bytes)", self.0.len())
    }
}
