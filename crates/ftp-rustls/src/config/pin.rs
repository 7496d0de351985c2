//! Pins: hashes that identify a certificate or its key.

use core::fmt;
use core::str::FromStr;

use rustls::crypto::CryptoProvider;
use rustls::crypto::hash::{Hash, HashAlgorithm};
use thiserror::Error;

/// Bytes in a hash by SHA-256.
const LENGTH: usize = 32;

/// The SHA-256 hash of a certificate in DER, or of the public key in it (its SubjectPublicKeyInfo
/// in DER, RFC 7469 §2.4). A server is trusted if either of them matches.
///
/// ```
/// use ftp_rustls::CertificatePin;
///
/// let hexadecimal = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
/// let pin: CertificatePin = hexadecimal.parse()?;
/// // As `openssl x509 -noout -fingerprint -sha256` writes it:
/// assert_eq!(pin.to_string().parse(), Ok(pin));
/// // As `curl --pinnedpubkey` takes it:
/// let same = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// assert_eq!(same.parse(), Ok(pin));
/// # Ok::<(), ftp_rustls::InvalidPin>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificatePin(pub(crate) [u8; LENGTH]);

impl CertificatePin {
    /// From the hash itself.
    pub const fn from_sha256(hash: [u8; LENGTH]) -> Self {
        Self(hash)
    }

    /// The hash itself.
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// Why a text is not a [`CertificatePin`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPin {
    /// It is too long or too short.
    #[error("a SHA-256 hash has 32 bytes, which are 64 hexadecimal digits; this has {length}{}", other_hash(*.length))]
    Length {
        /// How many bytes it has.
        length: usize,
    },
    /// It has an odd number of hexadecimal digits, or a separator within a pair of them.
    #[error("the hexadecimal digits of a hash come in pairs, with or without colons between them")]
    Pairs,
    /// It contains a character that is not a hexadecimal digit.
    #[error("{:?} is not a hexadecimal digit", .character)]
    Character {
        /// The first such character.
        character: char,
    },
    /// What follows `sha256//` is not Base64.
    #[error("what follows sha256// must be 32 bytes in Base64, which are 44 characters")]
    Base64,
}

fn other_hash(length: usize) -> &'static str {
    match length {
        16 => " (an MD5 hash?)",
        20 => " (a SHA-1 hash?)",
        48 => " (a SHA-384 hash?)",
        64 => " (a SHA-512 hash?)",
        _ => "",
    }
}

/// Parses 64 hexadecimal digits in any letter case, with or without colons or spaces between the
/// pairs and with or without the words that OpenSSL prints before them (`sha256 Fingerprint=`); or
/// `sha256//` and Base64, as curl takes it.
impl FromStr for CertificatePin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, InvalidPin> {
        let text = text.trim();
        if let Some(base64) = text.strip_prefix("sha256//") {
            return from_base64(base64).map(Self).ok_or(InvalidPin::Base64);
        }
        let digits = match text.split_once('=') {
            Some((words, digits)) if words.eq_ignore_ascii_case("sha256 fingerprint") => digits,
            _ => text,
        };
        let mut bytes = Vec::with_capacity(LENGTH);
        let mut high = None;
        for character in digits.chars() {
            match (character.to_digit(16), high) {
                (Some(digit), None) => high = Some(digit),
                (Some(low), Some(digit)) => {
                    bytes.push(u8::try_from(digit << 4 | low).unwrap_or_default());
                    high = None;
                }
                (None, Some(_)) if is_separator(character) => return Err(InvalidPin::Pairs),
                (None, None) if is_separator(character) => {}
                (None, _) => return Err(InvalidPin::Character { character }),
            }
        }
        if high.is_some() {
            return Err(InvalidPin::Pairs);
        }
        let length = bytes.len();
        let hash = bytes.try_into();
        hash.map(Self).map_err(|_| InvalidPin::Length { length })
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, ':' | ' ')
}

/// 32 bytes from Base64 (RFC 4648 §4) with its padding.
fn from_base64(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.strip_suffix('=').filter(|digits| digits.len() == 43)?;
    let mut bytes = Vec::with_capacity(LENGTH);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte.checked_sub(b'A'),
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26),
            b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        }?;
        bits = (bits << 6 | u32::from(digit)) & 0x0fff_ffff;
        count = count.checked_add(6)?;
        if let Some(rest) = count.checked_sub(8) {
            bytes.push(u8::try_from(bits >> rest & 0xff).ok()?);
            count = rest;
        }
    }
    bytes.try_into().ok()
}

/// Pairs of digits with colons between them, as in OpenSSL and browsers.
impl fmt::Display for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificatePin({self})")
    }
}

/// The crypto provider's SHA-256, so that no other library is needed.
pub(super) struct Sha256(&'static dyn Hash);

impl Sha256 {
    pub(super) fn of(provider: &CryptoProvider) -> Option<Self> {
        provider
            .cipher_suites
            .iter()
            .filter_map(|suite| suite.tls13())
            .map(|suite| suite.common.hash_provider)
            .find(|hash| hash.algorithm() == HashAlgorithm::SHA256)
            .map(Self)
    }

    /// Never `None`: SHA-256 has 32 bytes.
    pub(super) fn hash(&self, bytes: &[u8]) -> Option<[u8; LENGTH]> {
        self.0.hash(bytes).as_ref().try_into().ok()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}
