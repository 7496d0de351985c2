//! Our own identity: a certificate chain and its private key.

use core::fmt;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{ConfigError, certificates_from_pem, private_key_from_pem};

/// A certificate chain and the private key of its first certificate. `Debug` never shows the key,
/// and its memory is wiped when dropped.
pub struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both from PEM text: the end-entity certificate first, then the intermediate ones; the
    /// key in PKCS#8, PKCS#1 or SEC1 form. Both may be the same text. Whether the key belongs to
    /// the certificate is checked when a configuration is made.
    ///
    /// # Errors
    /// * [`ConfigError::Pem`] if either text is broken or cut.
    /// * [`ConfigError::NoCertificate`] and [`ConfigError::NoPrivateKey`] if there is none in it.
    /// * [`ConfigError::EncryptedPrivateKey`] if the key is protected by a passphrase.
    pub fn from_pem(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, ConfigError> {
        let chain = certificates_from_pem(chain_pem)?;
        let key = private_key_from_pem(key_pem)?;
        Ok(Self { chain, key })
    }

    /// Takes both in DER.
    ///
    /// # Errors
    /// [`ConfigError::NoCertificate`] if the chain is empty.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, ConfigError> {
        if chain.is_empty() {
            return Err(ConfigError::NoCertificate);
        }
        Ok(Self { chain, key })
    }

    /// The chain in DER, the end-entity certificate first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates, key ****)", self.chain.len())
    }
}
