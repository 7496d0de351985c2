//! Certificates as devices have them: any certificate, or the pinned one, is only a key.

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::crafted::*;
use crate::common::pair::{End, settle};
use crate::common::toy::Toy;
use ftp_rustls::rustls::pki_types::CertificateDer;
use ftp_rustls::rustls::{self, ServerConfig};
use ftp_rustls::{
    CertificateFault, CertificatePin, ClientTls, ConfigError, InvalidPin, Roots, Secured, Versions,
    client_config, client_config_with_versions,
};
use proptest::prelude::*;
use rcgen::KeyPair;

fn try_tls(roots: Roots, versions: Versions, server: Arc<ServerConfig>) -> [End<Toy>; 2] {
    let config = client_config_with_versions(roots, None, versions).unwrap();
    let tls = ClientTls::for_host(config, "192.0.2.7").unwrap();
    let mut client = End::new(Secured::client(Toy::default().start_tls(), tls), usize::MAX);
    let server = Secured::server(Toy::default().start_tls(), server);
    let mut server = End::new(server, usize::MAX);
    settle(&mut client, &mut server);
    [client, server]
}

#[track_caller]
fn accepts(name: &str, roots: Roots, versions: Versions, server: Arc<ServerConfig>) {
    let [client, server] = try_tls(roots, versions, server);
    assert!(
        client.outcome.is_none() && server.outcome.is_none(),
        "{name}, {versions:?}: {:?}, {:?}",
        client.outcome,
        server.outcome
    );
    assert_eq!(client.secured.machine().started.len(), 1, "{name}");
}

fn sha256(bytes: &[u8]) -> CertificatePin {
    CertificatePin::from_sha256(crate::common::crafted::sha256(bytes))
}

/// The ways in which only the key of a certificate counts.
fn key_counts(certificate: &CertificateDer<'_>, key: &[u8]) -> [Roots; 3] {
    [
        Roots::DangerousAnyCertificate,
        Roots::Pinned(vec![sha256(certificate)]),
        Roots::Pinned(vec![sha256(b"another"), sha256(key)]),
    ]
}

#[test]
fn odd_certificates_are_no_hindrance_where_only_the_key_counts() {
    let key = KeyPair::generate().unwrap();
    for (name, crafted) in odd_certificates() {
        let certificate = crafted.around(&public(&key));
        for versions in BOTH {
            for roots in key_counts(&certificate, &public(&key)) {
                let server = server_showing(certificate.clone(), signing_key(&key), versions);
                accepts(name, roots, versions, server);
            }
        }
    }
}

#[test]
fn keys_of_every_kind_will_do() {
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let mut keys = vec![("RSA", rsa)];
    for (name, algorithm) in [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("P-521", &rcgen::PKCS_ECDSA_P521_SHA512),
        ("Ed25519", &rcgen::PKCS_ED25519),
    ] {
        keys.push((name, KeyPair::generate_for(algorithm).unwrap()));
    }
    for (name, key) in &keys {
        let mut forms = vec![public(key)];
        if *name == "RSA" {
            forms.push(without_parameters(key));
        }
        for form in forms {
            let certificate = Crafted::version_1().around(&form);
            for versions in BOTH {
                for roots in key_counts(&certificate, &form) {
                    let server = server_showing(certificate.clone(), signing_key(key), versions);
                    accepts(name, roots, versions, server);
                }
            }
        }
    }
}

/// The parameters of RSA are NULL; some leave them out.
fn without_parameters(rsa: &KeyPair) -> Vec<u8> {
    let algorithm = der(
        SEQUENCE,
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01".as_slice(),
    );
    let mut bits = vec![0];
    bits.extend(rcgen::PublicKeyData::der_bytes(rsa));
    der(SEQUENCE, [algorithm, der(BIT_STRING, bits)].concat())
}

#[test]
fn the_server_must_hold_the_key_of_the_certificate_that_it_shows() {
    let (key, another) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    for (name, crafted) in odd_certificates() {
        let certificate = crafted.around(&public(&key));
        for versions in BOTH {
            for roots in key_counts(&certificate, &public(&key)) {
                let server = server_showing(certificate.clone(), signing_key(&another), versions);
                let [client, _] = try_tls(roots, versions, server);
                assert!(client.secured.machine().started.is_empty(), "{name}");
                let said = client.error().to_string();
                assert!(said.contains("a signature is wrong"), "{name}: {said}");
            }
        }
    }
}

#[test]
fn another_certificate_than_the_pinned_one_is_refused_and_its_hashes_are_shown() {
    let (key, another) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let pinned = Crafted::version_1().around(&public(&key));
    let came = Crafted::version_1().around(&public(&another));
    for versions in BOTH {
        for pin in [sha256(&pinned), sha256(&public(&key))] {
            let server = server_showing(came.clone(), signing_key(&another), versions);
            let [client, _] = try_tls(Roots::Pinned(vec![pin]), versions, server);
            assert_eq!(
                client.error().certificate_fault(),
                Some(&CertificateFault::NotPinned {
                    certificate: sha256(&came),
                    key: sha256(&public(&another)),
                })
            );
            let said = client.error().to_string();
            for hash in [sha256(&came), sha256(&public(&another))] {
                assert!(said.contains(&hash.to_string()), "{said}");
            }
        }
    }
}

#[test]
fn a_good_certificate_of_a_public_authority_does_not_replace_the_pinned_one() {
    let server = server_config(Versions::Tls13);
    let [client, _] = try_tls(
        Roots::Pinned(vec![sha256(b"other")]),
        Versions::Tls13,
        server,
    );
    assert!(matches!(
        client.error().certificate_fault(),
        Some(CertificateFault::NotPinned { .. })
    ));
}

#[test]
fn a_pinned_session_is_resumed_under_the_same_configuration_only() {
    let key = KeyPair::generate().unwrap();
    let certificate = Crafted::version_1().around(&public(&key));
    for versions in BOTH {
        let server = server_showing(certificate.clone(), signing_key(&key), versions);
        let pinned = |pin| {
            let config = client_config_with_versions(Roots::Pinned(vec![pin]), None, versions);
            ClientTls::for_host(config.unwrap(), NAME).unwrap()
        };
        let connect = |tls: &ClientTls| {
            let secured = Secured::client(Toy::default().start_tls(), tls.clone());
            let mut client = End::new(secured, usize::MAX);
            let secured = Secured::server(Toy::default().start_tls(), Arc::clone(&server));
            let mut server = End::new(secured, usize::MAX);
            settle(&mut client, &mut server);
            client
        };
        let right = pinned(sha256(&certificate));
        assert!(!connect(&right).secured.machine().started[0].resumed);
        let is_resumed = matches!(versions, Versions::Tls13);
        let again = connect(&right);
        assert_eq!(again.secured.machine().started[0].resumed, is_resumed);
        let wrong = pinned(sha256(b"another"));
        assert!(connect(&wrong).secured.machine().started.is_empty());
    }
}

#[test]
fn a_key_that_is_too_short_is_named_and_no_signature_is_called_wrong() {
    let key = rsa_public(1024);
    let name = der(SEQUENCE, der(0x87, [192, 0, 2, 7]));
    let certificate = Crafted::version_3([extension(ALTERNATIVE_NAMES, false, name)]).around(&key);
    let mut trusted = ftp_rustls::TrustedCertificates::empty();
    trusted.add(certificate.clone()).unwrap();
    let mut all = key_counts(&certificate, &key).to_vec();
    all.push(Roots::Store(trusted));
    for versions in BOTH {
        for roots in all.clone() {
            let server = server_showing(certificate.clone(), Arc::new(Scribbles), versions);
            let [client, _] = try_tls(roots, versions, server);
            assert_eq!(
                client.error().certificate_fault(),
                Some(&CertificateFault::RsaKeyLength {
                    bits: 1024,
                    of_authority: false
                }),
                "{}",
                client.error()
            );
            let said = client.error().to_string();
            assert!(said.contains("has 1024 bits"), "{said}");
            assert!(!said.contains("signature is wrong"), "{said}");
        }
    }
}

#[test]
fn a_short_key_will_do_under_tls_1_2_where_only_the_key_counts() {
    let certificate = Crafted::version_1().around(&ShortKey::public());
    for roots in key_counts(&certificate, &ShortKey::public()) {
        let server = server_showing(certificate.clone(), Arc::new(ShortKey), Versions::Tls12);
        accepts("1128 bits", roots, Versions::Tls12, server);
    }
    // But it must have signed the handshake.
    let another = Crafted::version_1().around(&rsa_public(1128));
    for roots in key_counts(&another, &rsa_public(1128)) {
        let server = server_showing(another.clone(), Arc::new(ShortKey), Versions::Tls12);
        let [client, _] = try_tls(roots, Versions::Tls12, server);
        assert!(client.secured.machine().started.is_empty());
    }
}

/// A server signs in the first way that it can, and with a short key in one way alone that can be
/// checked.
#[test]
fn the_signatures_of_short_keys_are_offered_before_those_that_cannot_be_checked() {
    use rustls::SignatureScheme as Scheme;
    for roots in key_counts(&CertificateDer::from(b"".as_slice()), b"") {
        let config = client_config(roots, None).unwrap();
        let tls = ClientTls::for_host(config, NAME).unwrap();
        let mut client = End::new(Secured::client(Toy::default().start_tls(), tls), usize::MAX);
        client.run();
        client.inbox.extend([21, 3, 3, 0, 2, 2, 40]);
        client.run();
        let ftp_rustls::Error::Tls {
            offered: Some(offer),
            ..
        } = client.error()
        else {
            panic!("{}", client.error());
        };
        let place = |scheme| {
            offer
                .signature_schemes
                .iter()
                .position(|one| *one == scheme)
        };
        let pkcs1 = place(Scheme::RSA_PKCS1_SHA256).unwrap();
        for later in [Scheme::RSA_PSS_SHA256, Scheme::RSA_PSS_SHA512] {
            assert!(pkcs1 < place(later).unwrap());
        }
        assert!(place(Scheme::ECDSA_NISTP256_SHA256).unwrap() < pkcs1);
    }
}

#[test]
fn a_certificate_without_a_key_is_refused() {
    let key = KeyPair::generate().unwrap();
    for bytes in [&b""[..], b"0", b"no certificate", &[0x30, 0x82, 0xff, 0xff]] {
        for versions in BOTH {
            let certificate = CertificateDer::from(bytes.to_vec());
            for roots in key_counts(&certificate, b"") {
                let server = server_showing(certificate.clone(), signing_key(&key), versions);
                let [client, _] = try_tls(roots, versions, server);
                assert!(client.secured.machine().started.is_empty());
                if !bytes.is_empty() {
                    assert_eq!(
                        client.error().certificate_fault(),
                        Some(&CertificateFault::NoPublicKey)
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_refused_without_a_pin_says_why() {
    let key = KeyPair::generate().unwrap();
    let stranger = || Roots::Store(AUTHORITY.roots());
    for (crafted, said) in [
        (Crafted::version_1(), "X.509 version 1"),
        (
            Crafted::version_3([extension(UNKNOWN, true, [5, 0])]),
            "1.2.3.4",
        ),
    ] {
        let certificate = crafted.around(&public(&key));
        let server = server_showing(certificate, signing_key(&key), Versions::Tls13);
        let [client, _] = try_tls(stranger(), Versions::Tls13, server);
        let text = client.error().to_string();
        assert!(text.contains(said) && text.contains("pin it"), "{text}");
    }
}

#[test]
fn pinning_nothing_is_refused_at_once() {
    assert!(matches!(
        client_config(Roots::Pinned(Vec::new()), None),
        Err(ConfigError::NoRoots)
    ));
}

#[test]
fn a_pin_that_is_none_is_named() {
    let hash = "ab".repeat(32);
    let cases = [
        (String::new(), InvalidPin::Length { length: 0 }),
        ("ab".repeat(20), InvalidPin::Length { length: 20 }),
        ("ab".repeat(33), InvalidPin::Length { length: 33 }),
        (hash[1..].to_owned(), InvalidPin::Pairs),
        (format!("a:b{}", &hash[2..]), InvalidPin::Pairs),
        (
            hash.replacen('a', "g", 1),
            InvalidPin::Character { character: 'g' },
        ),
        (
            format!("sha1//{hash}"),
            InvalidPin::Character { character: 's' },
        ),
        (format!("sha256//{hash}"), InvalidPin::Base64),
        ("sha256//".to_owned(), InvalidPin::Base64),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<CertificatePin>(), Err(error), "{text}");
    }
    let short = "ab".repeat(20).parse::<CertificatePin>().unwrap_err();
    assert!(short.to_string().contains("SHA-1"), "{short}");
}

proptest! {
    #[test]
    fn a_pin_is_read_in_every_form_in_which_tools_write_it(hash: [u8; 32], upper: bool) {
        let pin = CertificatePin::from_sha256(hash);
        let mut pairs: Vec<_> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        if upper {
            pairs.iter_mut().for_each(|pair| *pair = pair.to_uppercase());
        }
        for text in [
            pairs.concat(),
            pairs.join(":"),
            pairs.join(" "),
            format!("sha256 Fingerprint={}", pairs.join(":")),
            format!("SHA256 Fingerprint={}\n", pairs.join(":")),
            pin.to_string(),
        ] {
            prop_assert_eq!(text.parse(), Ok(pin));
        }
    }

    #[test]
    fn any_text_is_a_pin_or_an_error(text: String) {
        let _ = text.parse::<CertificatePin>();
        let _ = format!("sha256//{text}").parse::<CertificatePin>();
    }
}
