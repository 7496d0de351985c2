//! What a client offers in its ClientHello (RFC 8446 §4.1.2).

use core::fmt::{self, Debug};

use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::ClientTls;
use crate::tls_state::TlsState;

/// What a client offered to a server that could use none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// Versions of TLS.
    pub versions: Vec<ProtocolVersion>,
    /// Cipher suites, of all versions.
    pub cipher_suites: Vec<CipherSuite>,
    /// Groups for the key exchange: curves, for the most part.
    pub groups: Vec<NamedGroup>,
    /// The signatures that the server may use, which its certificate's key must fit.
    pub signature_schemes: Vec<SignatureScheme>,
}

// The numbers of extensions in IANA's registry.
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;
/// A signal, not a cipher suite (RFC 5746 §3.3).
const RENEGOTIATION_INFO: u16 = 0x00ff;

impl Offer {
    /// Makes a first message that is not sent, and reads it. So the result is what was offered,
    /// whatever the configuration, and nothing must be remembered if all goes well.
    pub(crate) fn of(tls: &ClientTls) -> Option<Self> {
        let state = TlsState::client(tls, false).ok()?;
        Self::from_record(state.unsent())
    }

    fn from_record(record: &[u8]) -> Option<Self> {
        // Headers of record and message, version, random bytes.
        let mut hello = Cursor(record.get(5 + 4 + 2 + 32..)?);
        let _session = hello.vector8()?;
        let cipher_suites = numbers(hello.vector16()?)
            .filter(|suite| *suite != RENEGOTIATION_INFO)
            .map(CipherSuite::from)
            .collect();
        let _compression = hello.vector8()?;
        let mut extensions = Cursor(hello.vector16()?);
        let mut offer = Self {
            versions: Vec::new(),
            cipher_suites,
            groups: Vec::new(),
            signature_schemes: Vec::new(),
        };
        while let Some(kind) = extensions.number16() {
            let mut content = Cursor(extensions.vector16()?);
            match kind {
                SUPPORTED_GROUPS => {
                    offer.groups = numbers(content.vector16()?).map(Into::into).collect();
                }
                SIGNATURE_ALGORITHMS => {
                    offer.signature_schemes =
                        numbers(content.vector16()?).map(Into::into).collect();
                }
                SUPPORTED_VERSIONS => {
                    offer.versions = numbers(content.vector8()?).map(Into::into).collect();
                }
                _ => {}
            }
        }
        if offer.versions.is_empty() {
            // TLS 1.2 is in the message itself.
            offer.versions.push(ProtocolVersion::TLSv1_2);
        }
        Some(offer)
    }
}

/// Versions and suites by their names in IANA's registry, groups and signatures by those of rustls.
impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = names(&self.versions, |name| name.replacen("TLSv1_", "TLS 1.", 1));
        let suites = names(&self.cipher_suites, |name| {
            name.replacen("TLS13_", "TLS_", 1)
        });
        let groups = names(&self.groups, |name| name);
        let schemes = names(&self.signature_schemes, |name| name.to_lowercase());
        write!(
            f,
            "{versions}; cipher suites {suites}; groups {groups}; signatures {schemes}"
        )
    }
}

fn names<T: Debug>(values: &[T], name: impl Fn(String) -> String) -> String {
    let names: Vec<_> = values
        .iter()
        .map(|value| name(format!("{value:?}")))
        .collect();
    names.join(", ")
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = bytes.chunks_exact(2);
    pairs.filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
}

/// The bytes not read yet.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number16()?;
        self.take(length.into())
    }
}
