//! Certificates made on the spot, for tests only.

use rcgen::{CertifiedKey, generate_simple_self_signed};

/// A self-signed certificate and its key.
pub struct SelfMade {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// The private key (PKCS #8), PEM.
    pub key_pem: String,
}

impl SelfMade {
    /// For these DNS names and IP addresses.
    ///
    /// # Panics
    /// If a name cannot stand in a certificate.
    pub fn for_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("the names fit into a certificate");
        Self {
            certificate_pem: cert.pem(),
            certificate_der: cert.der().to_vec(),
            key_pem: signing_key.serialize_pem(),
        }
    }

    /// For `localhost` and the loopback addresses.
    pub fn for_loopback() -> Self {
        Self::for_names(["localhost", "127.0.0.1", "::1"])
    }
}
