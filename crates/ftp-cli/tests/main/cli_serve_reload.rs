//! SIGHUP while files move.
#![cfg(unix)]

use std::fs;
use std::io::Read;

use crate::common::ftp::{download, refused};
use crate::common::{SENTINEL, Server, TestDirectory, TestFile, sentinel_hash};
use ftp_blocking::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_blocking::{Client, Connector, Error, Login};
use ftp_proto::client::Config;

/// A certificate for the loopback address, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Logs in, and trusts this certificate only.
fn connect(server: &Server, user: &str, trusted: &str) -> Result<Client, Error> {
    let roots = roots_from_pem(trusted.as_bytes()).unwrap();
    let tls = client_config(Roots::Store(roots), None).unwrap();
    let config = Config::new(Login::new(user, SENTINEL).unwrap());
    let connector = Connector::new(config).tls(tls);
    connector.connect(&server.address.to_string())
}

#[test]
fn transfers_go_on_while_users_and_certificate_are_replaced() {
    let root = TestDirectory::new();
    let large: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
    root.write("large", &large);
    let (old, old_key) = certificate();
    let (new, new_key) = certificate();
    let (certificate, key) = (TestFile::new(&old), TestFile::new(&old_key));
    let (root_path, certificate_path, key_path) = (root.path(), certificate.path(), key.path());
    let options = [
        "--root",
        &root_path,
        "--cert",
        &certificate_path,
        "--key",
        &key_path,
        "--tls-resumption",
        "require",
        "--require-data-tls",
    ];
    let server = Server::start_with(&options);
    let mut uploading = connect(&server, "anna", &old).unwrap();
    let mut downloading = connect(&server, "anna", &old).unwrap();
    let (first, rest) = large.split_at(900_000);
    let mut upload = uploading.store("uploaded").unwrap();
    upload.write_all(first).unwrap();
    let mut reading = downloading.retrieve("large").unwrap();
    let mut downloaded = vec![0; 10_000];
    reading.read_exact(&mut downloaded).unwrap();

    for _ in 0..3 {
        fs::write(&certificate.0, &new).unwrap();
        fs::write(&key.0, &new_key).unwrap();
        fs::write(&server.users.0, format!("carla:{}\n", sentinel_hash())).unwrap();
        server.signal("-HUP");
    }
    server.log_has("reloaded users", "users=1");
    // The new certificate and users are in force.
    let mut carla = connect(&server, "carla", &new).unwrap();
    assert!(connect(&server, "carla", &old).is_err());
    assert_eq!(refused(connect(&server, "anna", &new)), 530);
    assert_eq!(download(&mut carla, "large").unwrap(), large);

    // What began before goes on, and the sessions begin more.
    upload.write_all(rest).unwrap();
    upload.finish().unwrap();
    assert_eq!(root.read("uploaded").unwrap(), large);
    reading.read_to_end(&mut downloaded).unwrap();
    assert!(downloaded == large);
    for mut client in [uploading, downloading] {
        assert_eq!(download(&mut client, "uploaded").unwrap(), large);
        client.quit().unwrap();
    }
}
