//! The client's first message: small enough for devices, and post-quantum where the server asks.
#![cfg(feature = "aws-lc-rs")]

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::pair::{End, settle};
use crate::common::toy::Toy;
use ftp_rustls::rustls::crypto::CryptoProvider;
use ftp_rustls::rustls::{NamedGroup, ServerConfig};
use ftp_rustls::{
    ClientTls, Roots, Secured, Versions, client_config_with_provider, client_config_with_versions,
};

fn client(tls: &ClientTls) -> End<Toy> {
    let secured = Secured::client(Toy::default().start_tls(), tls.clone());
    End::new(secured, usize::MAX)
}

/// The length of the first record, with its header.
fn first_record(client: &End<Toy>) -> usize {
    5 + usize::from(u16::from_be_bytes([client.sent[3], client.sent[4]]))
}

fn every_kind_of_roots() -> Vec<Roots> {
    vec![
        Roots::Store(AUTHORITY.roots()),
        Roots::DangerousAnyCertificate,
        Roots::Pinned(vec![ftp_rustls::CertificatePin::from_sha256([0; 32])]),
        #[cfg(feature = "webpki-roots")]
        Roots::Webpki,
        #[cfg(feature = "platform-verifier")]
        Roots::Platform,
    ]
}

#[test]
fn it_is_small_whatever_is_trusted_and_however_long_the_name_is() {
    let long = format!("{}.example", vec!["a".repeat(60); 3].join("."));
    for roots in every_kind_of_roots() {
        for versions in [Versions::Tls12AndTls13, Versions::Tls12, Versions::Tls13] {
            let config = client_config_with_versions(roots.clone(), None, versions).unwrap();
            for (host, limit) in [("192.0.2.1", 400), (NAME, 400), (long.as_str(), 600)] {
                let mut client = client(&ClientTls::for_host(config.clone(), host).unwrap());
                client.run();
                assert_eq!(client.sent.len(), first_record(&client), "one record");
                assert!(client.sent.len() < limit, "{}", client.sent.len());
            }
        }
    }
}

/// A server that does key exchange in these groups only.
fn server_of(wanted: &[NamedGroup]) -> Arc<ServerConfig> {
    let mut provider = (*ftp_rustls::config::provider().unwrap()).clone();
    provider
        .kx_groups
        .retain(|group| wanted.contains(&group.name()));
    assert_eq!(provider.kx_groups.len(), wanted.len());
    let (chain, key) = AUTHORITY.server_pair();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

#[test]
fn a_server_that_wants_another_group_gets_it() {
    for group in [
        NamedGroup::X25519MLKEM768,
        NamedGroup::secp256r1,
        NamedGroup::secp384r1,
        NamedGroup::X25519,
    ] {
        let server = server_of(&[group]);
        let config = crate::common::certificates::client_config(Versions::default());
        let tls = ClientTls::for_host(config, NAME).unwrap();
        for is_known in [false, true] {
            let mut client = client(&tls);
            let secured = Secured::server(Toy::default().start_tls(), Arc::clone(&server));
            let mut server = End::new(secured, usize::MAX);
            settle(&mut client, &mut server);
            let first = first_record(&client);
            assert!(client.outcome.is_none(), "{group:?}: {:?}", client.outcome);
            assert_eq!(client.secured.machine().started.len(), 1);
            // Known from the first connection: no round trip is needed to ask for it again.
            let is_large = group == NamedGroup::X25519MLKEM768;
            assert_eq!(first > 1000, is_known && is_large, "{group:?}: {first}");
        }
    }
}

#[test]
fn a_provider_of_ones_own_decides_otherwise() {
    let mut provider: CryptoProvider = (*ftp_rustls::config::provider().unwrap()).clone();
    provider
        .kx_groups
        .sort_by_key(|group| group.name() != NamedGroup::X25519MLKEM768);
    let config = client_config_with_provider(
        Roots::Store(AUTHORITY.roots()),
        None,
        Versions::default(),
        Arc::new(provider),
    );
    let mut client = client(&ClientTls::for_host(config.unwrap(), NAME).unwrap());
    client.run();
    assert!(client.sent.len() > 1000);
}
