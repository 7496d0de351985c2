//! Certificates as devices have them: put together by hand, since tools refuse to make them.

use std::sync::Arc;

use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ftp_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use ftp_rustls::rustls::sign::{CertifiedKey, SigningKey};
use ftp_rustls::rustls::{self, ServerConfig};
use ftp_rustls::{ClientCertificates, Versions, server_config_with_versions};
use num_bigint::BigUint;
use rcgen::{KeyPair, PublicKeyData};

use super::certificates::AUTHORITY;

pub const SEQUENCE: u8 = 0x30;
pub const BIT_STRING: u8 = 0x03;
pub const INTEGER: u8 = 0x02;
const SHA256_WITH_RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
const MD5_WITH_RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00";

/// One value in DER.
pub fn der(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut value = vec![tag];
    match content.len() {
        length @ 0..=0x7f => value.push(u8::try_from(length).unwrap()),
        length => {
            let bytes = u32::try_from(length).unwrap().to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            value.push(0x80 | u8::try_from(4 - zeros).unwrap());
            value.extend(&bytes[zeros..]);
        }
    }
    value.extend(content);
    value
}

/// An extension (RFC 5280 §4.1) by its OID in DER.
pub fn extension(oid: &[u8], critical: bool, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut fields = der(0x06, oid);
    if critical {
        fields.extend(der(0x01, [0xff]));
    }
    fields.extend(der(0x04, value));
    der(SEQUENCE, fields)
}

pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
pub const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
pub const UNKNOWN: &[u8] = &[0x2a, 0x03, 0x04];

/// What is in a certificate. The signature in it is never right: nobody looks at it where the
/// certificate is pinned, or trusted itself.
#[derive(Clone)]
pub struct Crafted {
    pub version: u8,
    pub serial: Vec<u8>,
    pub signature_algorithm: &'static [u8],
    pub subject: Vec<u8>,
    pub validity: [Vec<u8>; 2],
    pub extensions: Vec<Vec<u8>>,
}

impl Crafted {
    /// Version 1, for `CN=device`, valid.
    pub fn version_1() -> Self {
        let name = der(0x06, [0x55, 4, 3]);
        let name = [name, der(0x0c, b"device")].concat();
        Self {
            version: 1,
            serial: vec![1],
            signature_algorithm: SHA256_WITH_RSA,
            subject: der(0x31, der(SEQUENCE, name)),
            validity: [
                der(0x17, b"200101000000Z"),
                der(0x18, b"40000101000000Z".as_slice()),
            ],
            extensions: Vec::new(),
        }
    }

    pub fn version_3(extensions: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            version: 3,
            extensions: extensions.into_iter().collect(),
            ..Self::version_1()
        }
    }

    /// In DER, around this SubjectPublicKeyInfo.
    pub fn around(&self, key: &[u8]) -> CertificateDer<'static> {
        let algorithm = der(SEQUENCE, self.signature_algorithm);
        let mut fields = Vec::new();
        if self.version > 1 {
            fields.extend(der(0xa0, der(INTEGER, [self.version - 1])));
        }
        fields.extend(der(INTEGER, &self.serial));
        fields.extend(&algorithm);
        fields.extend(der(SEQUENCE, &self.subject));
        fields.extend(der(SEQUENCE, self.validity.concat()));
        fields.extend(der(SEQUENCE, &self.subject));
        fields.extend(key);
        if !self.extensions.is_empty() {
            let list = der(SEQUENCE, self.extensions.concat());
            fields.extend(der(0xa3, list));
        }
        let signature = der(BIT_STRING, [0; 65]);
        let whole = [der(SEQUENCE, fields), algorithm, signature].concat();
        CertificateDer::from(der(SEQUENCE, whole))
    }
}

/// Certificates that rustls does not take, and curl takes with `-k`; each has a name.
pub fn odd_certificates() -> Vec<(&'static str, Crafted)> {
    let v1 = Crafted::version_1;
    let many_names: Vec<u8> = (0..2000)
        .flat_map(|n| der(0x82, format!("host{n}.example.com")))
        .collect();
    vec![
        ("version 1", v1()),
        ("version 2", Crafted { version: 2, ..v1() }),
        ("version 4", Crafted { version: 4, ..v1() }),
        (
            "an unknown critical extension",
            Crafted::version_3([extension(UNKNOWN, true, [5, 0])]),
        ),
        (
            "an extension twice",
            Crafted::version_3([
                extension(UNKNOWN, false, [5, 0]),
                extension(UNKNOWN, false, [5, 0]),
            ]),
        ),
        (
            "broken extensions",
            Crafted::version_3([
                vec![0x30, 0x7f, 0x01],
                extension(BASIC_CONSTRAINTS, true, [0xff]),
            ]),
        ),
        (
            "CA:TRUE",
            Crafted::version_3([extension(
                BASIC_CONSTRAINTS,
                true,
                der(SEQUENCE, der(1, [0xff])),
            )]),
        ),
        (
            "thousands of names",
            Crafted::version_3([extension(
                ALTERNATIVE_NAMES,
                false,
                der(SEQUENCE, many_names),
            )]),
        ),
        (
            "a negative serial number",
            Crafted {
                serial: vec![0xff, 0x01],
                ..v1()
            },
        ),
        (
            "a long serial number",
            Crafted {
                serial: vec![0x7f; 40],
                ..v1()
            },
        ),
        (
            "serial number 0",
            Crafted {
                serial: vec![0],
                ..v1()
            },
        ),
        (
            "no subject",
            Crafted {
                subject: Vec::new(),
                ..v1()
            },
        ),
        (
            "out of date",
            Crafted {
                validity: [der(0x17, b"990101000000Z"), der(0x17, b"000101000000Z")],
                ..v1()
            },
        ),
        (
            "from the future",
            Crafted {
                validity: [der(0x18, b"90000101000000Z"), der(0x18, b"99991231235959Z")],
                ..v1()
            },
        ),
        (
            "no dates that make sense",
            Crafted {
                validity: [der(0x17, b"0013320000Z"), der(0x17, b"7002300000+0100")],
                ..v1()
            },
        ),
        (
            "signed with MD5",
            Crafted {
                signature_algorithm: MD5_WITH_RSA,
                ..v1()
            },
        ),
    ]
}

/// A server that shows this certificate and signs with this key, whether they belong together or
/// not.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub fn server_showing(
    certificate: CertificateDer<'static>,
    key: Arc<dyn SigningKey>,
    versions: Versions,
) -> Arc<ServerConfig> {
    let config = server_config_with_versions(
        AUTHORITY.server_identity(),
        ClientCertificates::NotAsked,
        versions,
    );
    let mut config = (*config.unwrap()).clone();
    config.cert_resolver = Arc::new(Shows(Arc::new(CertifiedKey::new(vec![certificate], key))));
    Arc::new(config)
}

pub fn signing_key(key: &KeyPair) -> Arc<dyn SigningKey> {
    ftp_rustls::config::provider()
        .unwrap()
        .key_provider
        .load_private_key(PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap()
}

/// The SubjectPublicKeyInfo of a key.
pub fn public(key: &KeyPair) -> Vec<u8> {
    key.subject_public_key_info()
}

/// An RSA key of this many bits, of which nobody knows the private part.
pub fn rsa_public(bits: usize) -> Vec<u8> {
    rsa_key(&vec![0xab; bits / 8])
}

/// The SubjectPublicKeyInfo of an RSA key with this modulus.
pub fn rsa_key(modulus: &[u8]) -> Vec<u8> {
    let modulus = [&[0], modulus].concat();
    let numbers = [der(INTEGER, modulus), der(INTEGER, [1, 0, 1])].concat();
    let mut key = vec![0];
    key.extend(der(SEQUENCE, numbers));
    let algorithm = der(
        SEQUENCE,
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
    );
    der(SEQUENCE, [algorithm, der(BIT_STRING, key)].concat())
}

/// An RSA key of 1128 bits: its primes are two of Mersenne's, so it is no secret of anyone.
#[derive(Debug, Clone)]
pub struct ShortKey;

impl ShortKey {
    fn primes() -> [BigUint; 2] {
        [521, 607].map(|exponent| (BigUint::from(1_u8) << exponent) - 1_u8)
    }

    fn modulus() -> BigUint {
        let [p, q] = Self::primes();
        p * q
    }

    pub fn public() -> Vec<u8> {
        rsa_key(&Self::modulus().to_bytes_be())
    }
}

impl SigningKey for ShortKey {
    fn choose_scheme(
        &self,
        offered: &[rustls::SignatureScheme],
    ) -> Option<Box<dyn rustls::sign::Signer>> {
        assert!(offered.contains(&rustls::SignatureScheme::RSA_PKCS1_SHA256));
        Some(Box::new(Self))
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        rustls::SignatureAlgorithm::RSA
    }
}

impl rustls::sign::Signer for ShortKey {
    /// RFC 8017 §8.2.1.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let info = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
        let info = [info.as_slice(), &sha256(message)].concat();
        let length = usize::try_from(Self::modulus().bits().div_ceil(8)).unwrap();
        let mut block = vec![0xff; length - info.len() - 1];
        (block[0], block[1]) = (0, 1);
        block.push(0);
        block.extend(info);
        let [p, q] = Self::primes();
        let order = (p - 1_u8) * (q - 1_u8);
        let private = BigUint::from(65537_u32).modinv(&order).unwrap();
        let signature = BigUint::from_bytes_be(&block).modpow(&private, &Self::modulus());
        let signature = signature.to_bytes_be();
        Ok([vec![0; length - signature.len()], signature].concat())
    }

    fn scheme(&self) -> rustls::SignatureScheme {
        rustls::SignatureScheme::RSA_PKCS1_SHA256
    }
}

/// By the crypto provider.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let provider = ftp_rustls::config::provider().unwrap();
    let hash = provider
        .cipher_suites
        .iter()
        .filter_map(|suite| suite.tls13())
        .map(|suite| suite.common.hash_provider)
        .find(|hash| hash.output_len() == 32)
        .unwrap();
    hash.hash(bytes).as_ref().try_into().unwrap()
}

/// Signs as an RSA key would, with bytes that mean nothing.
#[derive(Debug)]
pub struct Scribbles;

impl SigningKey for Scribbles {
    fn choose_scheme(
        &self,
        _: &[rustls::SignatureScheme],
    ) -> Option<Box<dyn rustls::sign::Signer>> {
        Some(Box::new(Self))
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        rustls::SignatureAlgorithm::RSA
    }
}

impl rustls::sign::Signer for Scribbles {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0x55; 128])
    }

    fn scheme(&self) -> rustls::SignatureScheme {
        rustls::SignatureScheme::RSA_PSS_SHA256
    }
}
