//! Servers that can do nothing of what the client offers: the error says what that was.

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::pair::{End, Turn, settle};
use crate::common::toy::Toy;
use ftp_rustls::rustls::{AlertDescription, CipherSuite, ProtocolVersion};
use ftp_rustls::{
    ClientTls, Error, Offer, Roots, Secured, Versions, client_config_with_provider,
    client_config_with_versions,
};

fn client(tls: ClientTls) -> End<Toy> {
    End::new(Secured::client(Toy::default().start_tls(), tls), usize::MAX)
}

/// What is offered by default, as the error has it after these bytes of a server.
fn offer_after(bytes: &[u8], versions: Versions) -> (Option<Offer>, String) {
    let mut client = client(client_tls(versions));
    client.run();
    client.inbox.extend_from_slice(bytes);
    assert_eq!(client.run(), Turn::Over);
    let said = client.error().to_string();
    match client.error() {
        Error::Tls { offered, .. } => (offered.as_deref().cloned(), said),
        other => panic!("{other}"),
    }
}

/// A ServerHello of TLS 1.0 with an RSA and CBC suite, as old devices answer.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 1];
    body.extend([7; 32]);
    body.extend([0, 0x00, 0x2f, 0]);
    let mut message = vec![2, 0, 0, u8::try_from(body.len()).unwrap()];
    message.extend(body);
    let mut record = vec![22, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.extend(message);
    record
}

fn alert(description: AlertDescription) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, u8::from(description)]
}

#[test]
fn a_refusal_for_want_of_something_in_common_says_what_was_offered() {
    let provider = ftp_rustls::config::provider().unwrap();
    for bytes in [
        old_hello(),
        alert(AlertDescription::HandshakeFailure),
        alert(AlertDescription::InsufficientSecurity),
        alert(AlertDescription::ProtocolVersion),
    ] {
        let (offer, said) = offer_after(&bytes, Versions::default());
        let offer = offer.expect(&said);
        assert_eq!(
            offer.versions,
            [ProtocolVersion::TLSv1_3, ProtocolVersion::TLSv1_2]
        );
        let suites = provider.cipher_suites.iter();
        assert_eq!(
            offer.cipher_suites,
            suites.map(|suite| suite.suite()).collect::<Vec<_>>()
        );
        let groups = provider.kx_groups.iter();
        assert_eq!(
            offer.groups,
            groups.map(|group| group.name()).collect::<Vec<_>>()
        );
        assert_eq!(
            offer.signature_schemes,
            provider
                .signature_verification_algorithms
                .supported_schemes()
        );
        for part in [
            "TLS 1.3, TLS 1.2",
            "TLS_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "secp256r1",
            "rsa_pss_sha256",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn what_a_configuration_leaves_out_is_not_said_to_be_offered() {
    let (offer, said) = offer_after(&alert(AlertDescription::ProtocolVersion), Versions::Tls12);
    assert_eq!(offer.unwrap().versions, [ProtocolVersion::TLSv1_2]);
    assert!(!said.contains("TLS 1.3"), "{said}");
    let mut provider = (*ftp_rustls::config::provider().unwrap()).clone();
    provider
        .cipher_suites
        .retain(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider.kx_groups.truncate(1);
    let config = client_config_with_provider(
        Roots::Store(AUTHORITY.roots()),
        None,
        Versions::Tls13,
        Arc::new(provider),
    );
    let mut client = client(ClientTls::for_host(config.unwrap(), NAME).unwrap());
    client.run();
    client
        .inbox
        .extend(alert(AlertDescription::HandshakeFailure));
    client.run();
    let Error::Tls {
        offered: Some(offer),
        ..
    } = client.error()
    else {
        panic!("{}", client.error());
    };
    assert_eq!(offer.cipher_suites, [CipherSuite::TLS13_AES_128_GCM_SHA256]);
    assert_eq!(offer.groups.len(), 1);
}

#[test]
fn other_faults_say_nothing_of_it() {
    for bytes in [
        alert(AlertDescription::InternalError),
        alert(AlertDescription::UnrecognisedName),
        b"220 Welcome\r\n".to_vec(),
    ] {
        let (offer, said) = offer_after(&bytes, Versions::default());
        assert_eq!(offer, None);
        assert!(!said.contains("Offered"), "{said}");
    }
}

#[test]
fn a_message_that_the_server_cannot_read_is_called_that() {
    for description in [
        AlertDescription::RecordOverflow,
        AlertDescription::DecodeError,
    ] {
        let (_, said) = offer_after(&alert(description), Versions::default());
        assert!(said.contains("cannot read our messages"), "{said}");
    }
}

/// What a server makes of a client that asks for this name: it must be as long as ours.
fn ask_for(name: &str) -> End<Toy> {
    let config = client_config_with_versions(Roots::DangerousAnyCertificate, None, Versions::Tls12);
    let mut client = client(ClientTls::for_host(config.unwrap(), NAME).unwrap());
    client.run();
    let mut hello = client.sent.clone();
    assert_eq!(name.len(), NAME.len());
    let at = hello
        .windows(NAME.len())
        .position(|window| window == NAME.as_bytes())
        .unwrap();
    hello[at..at + name.len()].copy_from_slice(name.as_bytes());
    let secured = Secured::server(Toy::default().start_tls(), server_config(Versions::Tls12));
    let mut server = End::new(secured, usize::MAX);
    server.inbox = hello;
    server.run();
    server
}

#[test]
fn an_odd_server_name_is_ignored_or_explained() {
    for name in [
        "ftp.example.co.",
        "ftp_example.com",
        "192.111.100.117",
        "2001:db8::10:21",
    ] {
        let server = ask_for(name);
        assert!(server.outcome.is_none(), "{name}: {:?}", server.outcome);
        assert_eq!(server.sent[0], 22, "{name}: a handshake message");
    }
    // rustls refuses these, and has no option for it.
    for name in ["[2001:db8::11]x", "[2001:db8::111]", "ftp.example:021"] {
        let said = ask_for(name).error().to_string();
        assert!(said.contains("a name that no host can have"), "{said}");
    }
}

#[test]
fn both_sides_of_a_pair_without_a_common_version_say_so() {
    let mut client = client(client_tls(Versions::Tls13));
    let secured = Secured::server(Toy::default().start_tls(), server_config(Versions::Tls12));
    let mut server = End::new(secured, usize::MAX);
    settle(&mut client, &mut server);
    let said = client.error().to_string();
    assert!(said.contains("The client offered TLS 1.3;"), "{said}");
    let Error::Tls { offered: None, .. } = server.error() else {
        panic!("a server offers nothing: {}", server.error());
    };
}
