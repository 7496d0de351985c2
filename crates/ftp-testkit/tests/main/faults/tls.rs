//! The same under TLS, where no end but its own is believed.

use std::sync::{Arc, LazyLock};

use ftp_proto::{client, server};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, Versions, client_config_with_versions,
    roots_from_pem, server_config_with_versions,
};
use ftp_testkit::SelfMade;

use super::line::Kind;
use super::{
    JOBS, Plan, assert_all_is_moved, assert_only_one_is_hurt, faults_of_control, faults_of_data,
};

const NAME: &str = "ftp.example.com";
/// A prime: which bytes of a record are tried changes from one to the next.
const EVERY: usize = 97;

static TLS: LazyLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = LazyLock::new(|| {
    let made = SelfMade::for_names([NAME, "127.0.0.1"]);
    let pem = made.certificate_pem.as_bytes();
    let roots = Roots::Store(roots_from_pem(pem).expect("a root"));
    let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).expect("an identity");
    let versions = Versions::Tls13;
    let client = client_config_with_versions(roots, None, versions);
    let server = server_config_with_versions(identity, ClientCertificates::NotAsked, versions);
    (client.expect("a client"), server.expect("a server"))
});

/// With TLS, if it asks for it.
pub(super) fn client(machine: client::Connection) -> Secured<client::Connection> {
    let tls = ClientTls::for_host(Arc::clone(&TLS.0), NAME).expect("a name");
    Secured::client(machine, tls)
}

/// With TLS, if it asks for it.
pub(super) fn server(machine: server::Connection) -> Secured<server::Connection> {
    Secured::server(machine, Arc::clone(&TLS.1))
}

/// For a server at 127.0.0.1.
pub(super) fn client_config() -> Arc<ClientConfig> {
    Arc::clone(&TLS.0)
}

/// Of that server.
pub(super) fn server_config() -> Arc<ServerConfig> {
    Arc::clone(&TLS.1)
}

fn plan() -> Plan {
    Plan::new(&JOBS, true)
}

pub(super) fn every() -> usize {
    let every = std::env::var("FAULTS_EVERY");
    every.map_or(EVERY, |every| every.parse().expect("a number"))
}

#[test]
fn a_control_connection_under_tls_may_break_anywhere() {
    for kind in [Kind::Reset, Kind::Cut, Kind::Silence, Kind::End] {
        faults_of_control(kind, &plan(), every(), |_| {});
    }
}

#[test]
fn a_control_connection_under_tls_may_be_slow_anywhere() {
    faults_of_control(Kind::Delay(5), &plan(), every(), assert_all_is_moved);
}

/// Also by an end that is none of TLS.
#[test]
fn a_data_connection_under_tls_may_break_anywhere() {
    for kind in [Kind::Reset, Kind::Cut, Kind::Silence, Kind::End] {
        faults_of_data(kind, &plan(), every(), assert_only_one_is_hurt);
    }
}

#[test]
fn a_data_connection_under_tls_may_be_slow_anywhere() {
    faults_of_data(Kind::Delay(5), &plan(), every(), |session, _| {
        assert_all_is_moved(session);
    });
}
