//! Compared with x509-parser, over certificates and over other bytes.

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

/// Certificates of many kinds, made by rcgen.
fn certificates() -> impl Strategy<Value = Vec<u8>> {
    let purposes = prop::collection::vec(
        prop::sample::select(vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::Any,
            ExtendedKeyUsagePurpose::EmailProtection,
        ]),
        0..3,
    );
    let usages = prop::collection::vec(
        prop::sample::select(vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
        ]),
        0..2,
    );
    let authority = prop::sample::select(vec![
        IsCa::NoCa,
        IsCa::ExplicitNoCa,
        IsCa::Ca(BasicConstraints::Unconstrained),
        IsCa::Ca(BasicConstraints::Constrained(3)),
    ]);
    let names = 0_usize..200;
    let date = || (1970_i32..4000, 1_u8..=12, 1_u8..=28);
    let critical = prop::option::of(prop::sample::select(vec![
        vec![1_u64, 2, 3, 4],
        vec![2, 5, 29, 99],
        vec![1, 3, 6, 1, 4, 1, 311, 21],
    ]));
    (authority, usages, purposes, names, date(), date(), critical).prop_map(
        |(authority, usages, purposes, names, from, until, critical)| {
            let names: Vec<_> = (0..names).map(|n| format!("host{n}.example")).collect();
            let mut params = CertificateParams::new(names).unwrap();
            params.is_ca = authority;
            params.key_usages = usages;
            params.extended_key_usages = purposes;
            params.not_before = date_time_ymd(from.0, from.1, from.2);
            params.not_after = date_time_ymd(until.0, until.1, until.2);
            if let Some(oid) = critical {
                let mut extension = CustomExtension::from_oid_content(&oid, vec![5, 0]);
                extension.set_criticality(true);
                params.custom_extensions.push(extension);
            }
            let key = KeyPair::generate().unwrap();
            params.self_signed(&key).unwrap().der().to_vec()
        },
    )
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_certificate_reads_as_x509_parser_reads_it(der in certificates()) {
        let ours = Certificate::parse(&der).unwrap();
        let (_, theirs) = X509Certificate::from_der(&der).unwrap();
        prop_assert_eq!(u32::from(ours.version), theirs.version().0 + 1);
        prop_assert_eq!(ours.key.whole, theirs.public_key().raw);
        prop_assert_eq!(ours.key.bits, &*theirs.public_key().subject_public_key.data);
        let (from, until) = ours.validity().unwrap();
        prop_assert_eq!(seconds(from), theirs.validity().not_before.timestamp());
        prop_assert_eq!(seconds(until), theirs.validity().not_after.timestamp());
        prop_assert_eq!(ours.is_authority(), theirs.is_ca());
        let purposes = theirs.extended_key_usage().unwrap().map(|usage| usage.value);
        prop_assert_eq!(ours.is_for(Purpose::Server), purposes.is_none_or(|p| p.server_auth));
        prop_assert_eq!(
            ours.vouches_for(Purpose::Client),
            purposes.is_none_or(|p| p.client_auth || p.any)
        );
        let signs = theirs.key_usage().unwrap().map(|usage| usage.value.key_cert_sign());
        prop_assert_eq!(
            ours.may_issue(),
            match theirs.basic_constraints().unwrap() {
                Some(constraints) => constraints.value.ca && signs.unwrap_or(true),
                None => signs == Some(true),
            }
        );
        let unknown = theirs.extensions().iter().find(|extension| {
            extension.critical && extension.parsed_extension().unsupported()
        });
        prop_assert_eq!(
            ours.unknown_critical_extension(),
            unknown.map(|extension| extension.oid.to_id_string())
        );
    }

    #[test]
    fn changed_and_cut_certificates_are_read_or_refused_and_never_panic(
        mut der in certificates(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        read_all(&der);
        read_all(&der[..cut.index(der.len())]);
        // If both find a key, it is the same: otherwise a pin could be for another key.
        if let (Some(ours), Ok((_, theirs))) = (Certificate::parse(&der), X509Certificate::from_der(&der)) {
            prop_assert_eq!(ours.key.whole, theirs.public_key().raw);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_never_panic(bytes: Vec<u8>) {
        read_all(&bytes);
        let _ = dotted(&bytes);
        for tag in [UTC_TIME, GENERALIZED_TIME] {
            let mut value = vec![tag, u8::try_from(bytes.len()).unwrap_or(0)];
            value.extend(&bytes);
            let _ = time(&mut Reader(&value));
        }
    }
}

fn read_all(der: &[u8]) {
    if let Some(certificate) = Certificate::parse(der) {
        let _ = (
            certificate.validity(),
            certificate.may_issue(),
            certificate.is_authority(),
            certificate.is_for(Purpose::Client),
            certificate.unknown_critical_extension(),
            certificate.key.rsa_bits(),
        );
    }
}

#[test]
fn a_key_with_something_behind_it_is_none() {
    let key = [0x30, 8, 0x30, 0, 0x03, 2, 0, 7, 0x05, 0];
    assert!(PublicKey::parse(&key).is_none());
    let alone = [0x30, 6, 0x30, 0, 0x03, 2, 0, 7];
    assert!(PublicKey::parse(&alone).is_some());
}

#[test]
fn the_length_of_an_rsa_key_is_that_of_its_modulus() {
    for (modulus, bits) in [
        (&[0x00, 0x80, 0x01][..], 16),
        (&[0x7f, 0xff], 15),
        (&[0x00, 0x00, 0x01, 0x00], 9),
    ] {
        let mut numbers = vec![INTEGER, u8::try_from(modulus.len()).unwrap()];
        numbers.extend(modulus);
        numbers.extend([INTEGER, 1, 3]);
        let mut key = vec![SEQUENCE, u8::try_from(numbers.len()).unwrap()];
        key.extend(numbers);
        let key = PublicKey {
            whole: &[],
            algorithm: RSA_ENCRYPTION,
            bits: &key,
        };
        assert_eq!(key.rsa_bits(), Some(bits));
    }
}
