//! The certificate that was refused. rustls does not keep it, and its errors have no field for it.
//!
//! All connections of a configuration share a verifier, which is called while a connection
//! processes a record. So it stores the certificate in a thread-local, and the connection takes it
//! from there.

use core::cell::Cell;
use core::fmt;

use rustls::Error;
use rustls::pki_types::CertificateDer;

thread_local! {
    static REFUSED: Cell<Option<RefusedCertificate>> = Cell::default();
}

/// A peer's certificate that was refused. Nothing in it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedCertificate(CertificateDer<'static>);

impl RefusedCertificate {
    /// The certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.0
    }

    /// Stores a certificate that is refused for this reason.
    pub(crate) fn leave(certificate: &CertificateDer<'_>, reason: Error) -> Error {
        REFUSED.set(Some(Self(certificate.clone().into_owned())));
        reason
    }

    /// The certificate stored in this thread since the last call.
    pub(crate) fn take() -> Option<Self> {
        REFUSED.take()
    }
}

impl fmt::Debug for RefusedCertificate {
    /// Shows only the length: the bytes would fill the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedCertificate({} bytes)", self.0.len())
    }
}
