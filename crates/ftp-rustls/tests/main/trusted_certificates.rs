//! What a certificate that the caller trusts vouches for, and what it does not.

use std::sync::Arc;

use crate::common::certificates::*;
use crate::common::crafted::{Crafted, public, server_showing, signing_key};
use crate::common::pair::{End, settle};
use crate::common::toy::Toy;
use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ftp_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use ftp_rustls::{
    CertificateFault, ClientCertificates, ClientTls, ConfigError, Error, Identity, Roots, Secured,
    TrustedCertificates, Versions, client_config, client_config_with_versions, server_config,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};

type Ends = [End<Toy>; 2];

fn meet(client: Arc<rustls::ClientConfig>, server: Arc<ServerConfig>) -> Ends {
    let tls = ClientTls::for_host(client, NAME).unwrap();
    let mut client = End::new(Secured::client(Toy::default().start_tls(), tls), usize::MAX);
    let secured = Secured::server(Toy::default().start_tls(), server);
    let mut server = End::new(secured, usize::MAX);
    settle(&mut client, &mut server);
    [client, server]
}

fn trusting<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>,
) -> TrustedCertificates {
    let mut trusted = TrustedCertificates::empty();
    for certificate in certificates {
        trusted.add(certificate.clone()).unwrap();
    }
    trusted
}

/// What comes of a server that shows this, at a client that trusts those: under each version.
fn show(
    shown: &CertificateDer<'static>,
    key: &KeyPair,
    trusted: &TrustedCertificates,
) -> Result<(), Error<crate::common::toy::ToyError>> {
    let outcomes = BOTH.map(|versions| {
        let roots = Roots::Store(trusted.clone());
        let config = client_config_with_versions(roots, None, versions).unwrap();
        let server = server_showing(shown.clone(), signing_key(key), versions);
        let [client, _] = meet(config, server);
        match client.outcome {
            Some(Err(error)) => {
                let refused = error
                    .refused_certificate()
                    .expect("it came and was refused");
                assert_eq!(refused.der(), shown);
                Err(error)
            }
            _ => {
                assert_eq!(client.secured.machine().started.len(), 1);
                Ok(())
            }
        }
    });
    let [first, second] = outcomes;
    assert_eq!(first.is_ok(), second.is_ok());
    second
}

fn certificate_error(error: &Error<crate::common::toy::ToyError>) -> &CertificateError {
    match error {
        Error::Tls {
            source: rustls::Error::InvalidCertificate(error),
            ..
        } => error,
        other => panic!("{other}"),
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn self_signed(params: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
    params.self_signed(key).unwrap().der().clone()
}

fn issued(
    params: &CertificateParams,
    key: &KeyPair,
    issuer: &CertificateParams,
    issuer_key: &KeyPair,
) -> CertificateDer<'static> {
    let issuer = Issuer::from_params(issuer, issuer_key);
    params.signed_by(key, &issuer).unwrap().der().clone()
}

fn keys() -> [KeyPair; 2] {
    [(); 2].map(|()| KeyPair::generate().unwrap())
}

/// Authorities that may not vouch for the server of these tests, each for its own reason.
fn restricted_authorities() -> Vec<(&'static str, CertificateParams)> {
    let constrained = |permitted: &[&str], excluded: &[&str]| {
        let trees = |names: &[&str]| {
            let names = names.iter();
            names
                .map(|name| GeneralSubtree::DnsName((*name).to_owned()))
                .collect()
        };
        let mut params = authority_params("Restricted");
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: trees(permitted),
            excluded_subtrees: trees(excluded),
        });
        params
    };
    let mut of_clients = authority_params("Restricted");
    of_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut of_mail = authority_params("Restricted");
    of_mail.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    let mut of_lists = authority_params("Restricted");
    of_lists.key_usages = vec![KeyUsagePurpose::CrlSign];
    let mut server = params("Restricted");
    server.is_ca = IsCa::ExplicitNoCa;
    vec![
        ("permitted names", constrained(&["internal.example"], &[])),
        ("excluded names", constrained(&[], &["example.com"])),
        ("for clients", of_clients),
        ("for mail", of_mail),
        ("for revocation lists", of_lists),
        ("a server's own", server),
        (
            "a server's own, which does not say so",
            params("Restricted"),
        ),
    ]
}

#[test]
fn a_restricted_authority_does_not_vouch_for_what_it_may_not() {
    for (name, restricted) in restricted_authorities() {
        let [root_key, key] = keys();
        let root = self_signed(&restricted, &root_key);
        // Something else is trusted as well, so that there is a configuration at all.
        let trusted = trusting([&root, &self_signed(&authority_params("Other"), &key)]);
        let leaf = issued(&params(NAME), &key, &restricted, &root_key);
        let error = show(&leaf, &key, &trusted).expect_err(name);
        let _ = certificate_error(&error);
    }
}

#[test]
fn its_key_in_another_certificate_is_no_way_around_that() {
    for (name, restricted) in restricted_authorities() {
        let [root_key, other] = keys();
        let root = self_signed(&restricted, &root_key);
        let trusted = trusting([&root, &self_signed(&authority_params("Other"), &other)]);
        for mut params in [authority_params(NAME), authority_params("Restricted")] {
            params.subject_alt_names = CertificateParams::new(vec![NAME.to_owned()])
                .unwrap()
                .subject_alt_names;
            let shown = self_signed(&params, &root_key);
            let error = show(&shown, &root_key, &trusted).expect_err(name);
            assert_eq!(
                error.certificate_fault(),
                Some(&CertificateFault::Authority),
                "{name}: {error}"
            );
        }
    }
}

#[test]
fn an_authority_vouches_for_what_it_may() {
    let mut within = authority_params("Within");
    within.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".into())],
        excluded_subtrees: Vec::new(),
    });
    let mut of_servers = authority_params("Servers");
    of_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut of_all = authority_params("All");
    of_all.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    let mut signing = authority_params("Signing");
    signing.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    for authority in [
        authority_params("Plain"),
        within,
        of_servers,
        of_all,
        signing,
    ] {
        let [root_key, key] = keys();
        let root = self_signed(&authority, &root_key);
        let leaf = issued(&params(NAME), &key, &authority, &root_key);
        show(&leaf, &key, &trusting([&root])).unwrap();
    }
}

#[test]
fn an_authority_of_before_version_3_vouches_for_servers() {
    let [root_key, key] = keys();
    let mut authority = CertificateParams::default();
    authority.distinguished_name = rcgen::DistinguishedName::new();
    authority
        .distinguished_name
        .push(DnType::CommonName, "device");
    let root = Crafted::version_1().around(&public(&root_key));
    let leaf = issued(&params(NAME), &key, &authority, &root_key);
    show(&leaf, &key, &trusting([&root])).unwrap();
    // But it names no host that it could itself be for.
    let error = show(&root, &root_key, &trusting([&root])).unwrap_err();
    assert_eq!(
        error.certificate_fault(),
        Some(&CertificateFault::Version { version: 1 })
    );
}

/// The forms in which a server's own certificate may be trusted.
fn own_certificates() -> Vec<(&'static str, CertificateParams)> {
    let mut explicit = params(NAME);
    explicit.is_ca = IsCa::ExplicitNoCa;
    let mut with_purpose = authority_params(NAME);
    with_purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    vec![
        ("plain", params(NAME)),
        ("CA:FALSE", explicit),
        ("CA:TRUE", authority_params(NAME)),
        ("CA:TRUE for servers", with_purpose),
    ]
}

#[test]
fn a_trusted_certificate_is_accepted_as_the_servers_own() {
    for (name, own) in own_certificates() {
        let [key, stranger] = keys();
        let certificate = self_signed(&own, &key);
        show(&certificate, &key, &trusting([&certificate])).expect(name);
        // So is one that an unknown authority issued.
        let certificate = issued(&own, &key, &authority_params("Unknown"), &stranger);
        show(&certificate, &key, &trusting([&certificate])).expect(name);
    }
}

#[test]
fn its_dates_names_and_purposes_must_be_right() {
    for (name, own) in own_certificates() {
        let [key, _] = keys();
        let shown = |change: &dyn Fn(&mut CertificateParams)| {
            let mut params = own.clone();
            change(&mut params);
            let certificate = self_signed(&params, &key);
            // Trusted beside an authority, since one that is for clients alone is refused at once.
            let other = self_signed(&authority_params("Other"), &key);
            let trusted = trusting([&certificate, &other]);
            let error = show(&certificate, &key, &trusted).expect_err(name);
            certificate_error(&error).clone()
        };
        assert!(matches!(
            shown(&|params| params.not_after = date_time_ymd(2020, 1, 1)),
            CertificateError::ExpiredContext { .. }
        ));
        assert!(matches!(
            shown(&|params| params.not_before = date_time_ymd(4000, 1, 1)),
            CertificateError::NotValidYetContext { .. }
        ));
        assert!(matches!(
            shown(&|params| params.subject_alt_names.clear()),
            CertificateError::NotValidForNameContext { .. }
        ));
        assert!(matches!(
            shown(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            CertificateError::InvalidPurpose
        ));
    }
}

#[test]
fn another_certificate_with_the_same_name_and_key_is_another_one() {
    for (name, own) in own_certificates() {
        let [key, _] = keys();
        let trusted = trusting([&self_signed(&own, &key)]);
        let mut renewed = own.clone();
        renewed.serial_number = Some(77.into());
        let renewed = self_signed(&renewed, &key);
        let outcome = show(&renewed, &key, &trusted);
        assert!(outcome.is_err(), "{name}");
    }
}

#[test]
fn anchors_without_their_certificates_vouch_for_others_and_are_nobodys_own() {
    let [root_key, key] = keys();
    let authority = authority_params(NAME);
    let root = self_signed(&authority, &root_key);
    let mut store = RootCertStore::empty();
    store.add(root.clone()).unwrap();
    let trusted = TrustedCertificates::from(store);
    assert_eq!((trusted.len(), trusted.certificates().len()), (1, 0));
    let leaf = issued(&params(NAME), &key, &authority, &root_key);
    show(&leaf, &key, &trusted).unwrap();
    let error = show(&root, &root_key, &trusted).unwrap_err();
    assert_eq!(
        error.certificate_fault(),
        Some(&CertificateFault::Authority)
    );
}

#[test]
fn a_short_key_of_an_authority_is_named() {
    // The authority's name is `device`, its key is known to nobody: no signature can be right.
    let root = Crafted::version_1().around(&crate::common::crafted::rsa_public(1024));
    let key = KeyPair::generate().unwrap();
    let leaf = Crafted::version_3([crate::common::crafted::extension(
        crate::common::crafted::ALTERNATIVE_NAMES,
        false,
        crate::common::crafted::der(0x30, crate::common::crafted::der(0x82, NAME)),
    )]);
    let leaf = leaf.around(&public(&key));
    let error = show(&leaf, &key, &trusting([&root])).unwrap_err();
    assert_eq!(
        error.certificate_fault(),
        Some(&CertificateFault::RsaKeyLength {
            bits: 1024,
            of_authority: true
        }),
        "{error}"
    );
}

#[test]
fn certificates_that_can_never_be_used_are_refused_at_once() {
    let [key, _] = keys();
    let mut of_clients = authority_params(NAME);
    of_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let of_clients = trusting([&self_signed(&of_clients, &key)]);
    assert!(matches!(
        client_config(Roots::Store(of_clients.clone()), None),
        Err(ConfigError::RootsForOtherPurpose)
    ));
    let server = AUTHORITY.server_identity();
    assert!(server_config(server, ClientCertificates::Required(of_clients)).is_ok());
    let mut of_servers = params(NAME);
    of_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let of_servers = trusting([&self_signed(&of_servers, &key)]);
    assert!(client_config(Roots::Store(of_servers.clone()), None).is_ok());
    assert!(matches!(
        server_config(
            AUTHORITY.server_identity(),
            ClientCertificates::Optional(of_servers)
        ),
        Err(ConfigError::RootsForOtherPurpose)
    ));
}

/// Whether a server that trusts these lets a client in that shows this.
fn lets_in(
    trusted: &TrustedCertificates,
    certificate: &CertificateDer<'static>,
    key: &KeyPair,
) -> bool {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let identity = Identity::from_der(vec![certificate.clone()], key).unwrap();
    let roots = Roots::Store(AUTHORITY.roots());
    let client = client_config_with_versions(roots, Some(identity), Versions::Tls13).unwrap();
    let clients = ClientCertificates::Required(trusted.clone());
    let [_, server] = meet(
        client,
        server_config(AUTHORITY.server_identity(), clients).unwrap(),
    );
    !server.secured.machine().started.is_empty()
}

#[test]
fn clients_are_held_to_the_same_rules() {
    let [key, other] = keys();
    let own = params("anna");
    let certificate = self_signed(&own, &key);
    let trusted = trusting([&certificate]);
    assert!(lets_in(&trusted, &certificate, &key), "her own");
    let forged = issued(&params("bob"), &other, &own, &key);
    assert!(
        !lets_in(&trusted, &forged, &other),
        "a client's certificate vouches for nobody else"
    );
    let mut expired = own.clone();
    expired.not_after = date_time_ymd(2020, 1, 1);
    let expired = self_signed(&expired, &key);
    assert!(!lets_in(&trusting([&expired]), &expired, &key));

    let authority = authority_params("Clients");
    let root = self_signed(&authority, &key);
    let client = issued(&params("carl"), &other, &authority, &key);
    assert!(lets_in(&trusting([&root]), &client, &other));
    let mut of_servers = authority.clone();
    of_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let root = self_signed(&of_servers, &key);
    let client = issued(&params("carl"), &other, &of_servers, &key);
    let also = self_signed(&authority_params("Other"), &other);
    assert!(!lets_in(&trusting([&root, &also]), &client, &other));
}
