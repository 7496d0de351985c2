//! Configurations: what is taken, and how what is not is explained.

use crate::common::certificates::*;
use ftp_rustls::{
    ClientCertificates, ClientTls, ConfigError, Identity, Provider, Roots, TrustedCertificates,
    Versions, client_config, roots_from_pem, server_config,
};
use rcgen::{CertificateParams, KeyPair};

fn pem_pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn an_identity_is_read_from_pem_in_one_text_or_two() {
    let (chain, key) = pem_pair();
    let both = format!("{chain}{key}");
    for (chain, key) in [(&chain, &key), (&both, &both)] {
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(identity.certificates().len(), 1);
        assert!(server_config(identity, ClientCertificates::NotAsked).is_ok());
    }
}

#[test]
fn the_key_is_never_shown() {
    let (chain, key) = pem_pair();
    let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(
        format!("{identity:?}"),
        "Identity(1 certificates, key ****)"
    );
}

#[test]
fn what_is_missing_or_does_not_fit_is_named() {
    let (chain, key) = pem_pair();
    let (_, other) = pem_pair();
    let from = |chain: &str, key: &str| Identity::from_pem(chain.as_bytes(), key.as_bytes());
    assert!(matches!(from("", &key), Err(ConfigError::NoCertificate)));
    assert!(matches!(from(&chain, ""), Err(ConfigError::NoPrivateKey)));
    assert!(matches!(
        from(&chain[..100], &key),
        Err(ConfigError::Pem(_))
    ));
    let mismatch = from(&chain, &other).unwrap();
    assert!(matches!(
        server_config(mismatch, ClientCertificates::NotAsked),
        Err(ConfigError::KeyMismatch)
    ));
    assert!(matches!(
        roots_from_pem(b"nothing"),
        Err(ConfigError::NoCertificate)
    ));
    assert_eq!(roots_from_pem(chain.as_bytes()).unwrap().len(), 1);
}

#[test]
fn trusting_nobody_is_refused_at_once() {
    let empty = TrustedCertificates::empty;
    assert!(matches!(
        client_config(Roots::Store(empty()), None),
        Err(ConfigError::NoRoots)
    ));
    for clients in [
        ClientCertificates::Optional(empty()),
        ClientCertificates::Required(empty()),
    ] {
        assert!(matches!(
            server_config(AUTHORITY.server_identity(), clients),
            Err(ConfigError::NoRoots)
        ));
    }
}

#[test]
#[cfg(feature = "webpki-roots")]
fn the_compiled_in_roots_can_be_used() {
    assert!(client_config(Roots::Webpki, None).is_ok());
}

#[test]
fn hosts_are_taken_as_people_write_them() {
    let config = crate::common::certificates::client_config(Versions::default());
    for (host, name) in [
        ("ftp.example.com", "ftp.example.com"),
        ("ftp.example.com.", "ftp.example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[fe80::1%eth0]", "fe80::1"),
    ] {
        let tls = ClientTls::for_host(config.clone(), host).unwrap();
        assert_eq!(tls.server_name().to_str(), name);
    }
    // A zone is for IPv6 alone: what is in front of it is no name to check another one against.
    for host in [
        "",
        "not a name",
        "a..b",
        "[::1",
        "x%y",
        "evil.com%x.corp.example",
        "[evil.com%eth0]",
        "192.0.2.1%eth0",
        "%eth0",
    ] {
        let error = ClientTls::for_host(config.clone(), host).unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidServerName { .. }),
            "{host}"
        );
    }
}

#[test]
fn the_default_provider_is_the_same_whatever_else_is_compiled_in() {
    assert_eq!(Provider::by_default().unwrap(), Provider::AwsLcRs);
    let crypto = Provider::AwsLcRs.crypto();
    let defaults = ftp_rustls::config::provider().unwrap();
    assert_eq!(format!("{crypto:?}"), format!("{defaults:?}"));
}

#[cfg(feature = "ring")]
#[test]
fn ring_is_used_where_a_call_says_so() {
    let crypto = Provider::Ring.crypto();
    let aws = Provider::AwsLcRs.crypto();
    assert_ne!(format!("{crypto:?}"), format!("{aws:?}"));
    let client = ftp_rustls::client_config_with_provider(
        Roots::DangerousAnyCertificate,
        None,
        Versions::default(),
        crypto.clone(),
    );
    let used = client.unwrap();
    let used = used.crypto_provider();
    assert_eq!(format!("{used:?}"), format!("{crypto:?}"));
}
