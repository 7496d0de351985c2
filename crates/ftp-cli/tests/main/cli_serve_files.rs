//! `serve` with files.
#![cfg(unix)]

use std::fs;
use std::net::SocketAddr;

use crate::common::ftp::{download, log_in, names, refused, try_log_in, upload};
use crate::common::{Peer, Program, SENTINEL, Server, TestDirectory, TestFile};
use ftp_blocking::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_blocking::{Connector, Login};
use ftp_proto::client::Config;

fn serving(root: &TestDirectory, options: &[&str]) -> Server {
    Server::start(&[&["--root", &root.path()], options].concat())
}

#[test]
fn a_user_lists_downloads_and_changes_files() {
    let root = TestDirectory::new();
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    root.write("large", &large);
    fs::create_dir(root.0.join("sub")).unwrap();
    let server = serving(&root, &[]);
    let mut client = log_in(&server, "anna");
    assert_eq!(names(&mut client, ""), ["large", "sub"]);
    assert_eq!(download(&mut client, "large").unwrap(), large);
    upload(&mut client, "sub/new", &large).unwrap();
    assert_eq!(root.read("sub/new").unwrap(), large);
    client.rename("large", "old").unwrap();
    client.remove_file("sub/new").unwrap();
    client.make_dir("made").unwrap();
    client.remove_dir("sub").unwrap();
    assert_eq!(names(&mut client, "/"), ["made", "old"]);
    client.quit().unwrap();
    let log = server.stop("-TERM").2;
    for facts in ["transferred", "RETR", "/sub/new", "bytes=12000000"] {
        assert!(log.contains(facts), "{facts}: {log}");
    }
}

/// FIPS 180-4's own example.
#[test]
fn a_client_learns_hashes_and_space() {
    let root = TestDirectory::new();
    root.write("abc", "abc");
    let server = serving(&root, &["--quota", "1000"]);
    let mut client = log_in(&server, "anna");
    let hash = client.hash("abc").unwrap();
    assert_eq!(hash.algorithm, "SHA-512");
    assert!(hash.hex.starts_with("ddaf35a193617aba"), "{hash:?}");
    assert_eq!(client.space(None).unwrap(), 997);
    assert_eq!(refused(client.hash("none")), 550);
}

#[test]
fn nothing_outside_the_root_is_reached() {
    let outside = TestDirectory::new();
    let root = TestDirectory::new();
    outside.write("secret", "outside");
    root.write("inside", "inside");
    std::os::unix::fs::symlink(outside.0.join("secret"), root.0.join("link")).unwrap();
    std::os::unix::fs::symlink(&outside.0, root.0.join("way-out")).unwrap();
    let server = serving(&root, &[]);
    let mut client = log_in(&server, "anna");
    let name = outside.0.file_name().unwrap().to_str().unwrap();
    for path in [
        "link",
        "way-out/secret",
        &format!("../{name}/secret"),
        &format!("/../../{name}/secret"),
        &format!("{}/secret", outside.path()),
    ] {
        assert_eq!(refused(download(&mut client, path)), 550, "{path}");
        if path.contains('/') {
            let code = refused(upload(&mut client, path, b"overwritten"));
            assert!(matches!(code, 550 | 553), "{path}: {code}");
        }
    }
    // A link is replaced, not followed.
    upload(&mut client, "link", b"new").unwrap();
    assert_eq!(outside.read("secret").unwrap(), b"outside");
    assert_eq!(download(&mut client, "../../inside").unwrap(), b"inside");
}

#[test]
fn read_only_is_for_everybody() {
    let root = TestDirectory::new();
    root.write("file", "unchanged");
    let server = serving(&root, &["--read-only", "--anonymous"]);
    for user in ["anna", "anonymous"] {
        let mut client = log_in(&server, user);
        assert_eq!(download(&mut client, "file").unwrap(), b"unchanged");
        assert_eq!(refused(upload(&mut client, "file", b"changed")), 550);
        assert_eq!(refused(upload(&mut client, "new", b"changed")), 550);
        assert_eq!(refused(client.remove_file("file")), 550);
        assert_eq!(refused(client.rename("file", "other")), 550);
        assert_eq!(refused(client.make_dir("made")), 550);
        assert_eq!(names(&mut client, ""), ["file"]);
    }
    assert_eq!(root.read("file").unwrap(), b"unchanged");
}

#[test]
fn anonymous_only_reads_while_users_write() {
    let root = TestDirectory::new();
    let server = serving(&root, &["--anonymous"]);
    upload(&mut log_in(&server, "anna"), "file", b"from anna").unwrap();
    let mut guest = log_in(&server, "anonymous");
    assert_eq!(download(&mut guest, "file").unwrap(), b"from anna");
    assert_eq!(refused(upload(&mut guest, "file", b"from a guest")), 550);
    assert_eq!(refused(guest.remove_file("file")), 550);
    // A user whose account is asked for has the same rights.
    let mut peer = Peer::connect(&server);
    peer.ask("USER bob");
    assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("332 "));
    let account = crate::common::ACCOUNT_SENTINEL;
    assert!(peer.ask(&format!("ACCT {account}")).starts_with("230 "));
    assert!(peer.ask("MKD bobs").starts_with("257 "));
    assert!(root.0.join("bobs").is_dir());
}

#[test]
fn a_directory_is_shared_with_a_new_password_under_tls() {
    let root = TestDirectory::new();
    root.write("file", "shared");
    let certificate = TestFile::new("");
    let path = certificate.path();
    let options = [
        "--root",
        &root.path(),
        "--user",
        "me",
        "--write-cert",
        &path,
    ];
    let server = Server::start_without_users(&options);
    let password = server.next_line("password of me: ");
    assert_eq!(password.len(), 23, "{password}");
    assert_eq!(server.next_line("certificate SHA-256 ").len(), 64);

    let roots = roots_from_pem(&fs::read(&certificate.0).unwrap()).unwrap();
    let tls = client_config(Roots::Store(roots), None).unwrap();
    let connector = |password: &str| {
        let config = Config::new(Login::new("me", password).unwrap());
        Connector::new(config).tls(tls.clone())
    };
    let connect = |password: &str| connector(password).connect(&server.address.to_string());
    let mut client = connect(&password).unwrap();
    assert_eq!(download(&mut client, "file").unwrap(), b"shared");
    upload(&mut client, "back", b"and back").unwrap();
    assert_eq!(root.read("back").unwrap(), b"and back");
    assert_eq!(refused(connect(SENTINEL)), 530);

    // The password stays as long as the server runs, and no log has it.
    server.signal("-HUP");
    server.log_has("reloaded users", "users=1");
    assert_eq!(download(&mut client, "back").unwrap(), b"and back");
    assert!(connect(&password).is_ok());
    let (_, output, log) = server.stop("-TERM");
    assert!(!log.contains(&password), "{log}");
    assert_eq!(output.matches(&password).count(), 1, "{output}");
}

#[test]
fn passive_data_connections_are_where_the_options_say() {
    let root = TestDirectory::new();
    let (first, last) = (28_200, 28_263);
    let ports = format!("{first}-{last}");
    let server = serving(
        &root,
        &["--passive-ports", &ports, "--external-address", "192.0.2.7"],
    );
    let mut peer = Peer::connect(&server);
    peer.log_in();
    for _ in 0..3 {
        let reply = peer.ask("PASV");
        let numbers = reply.split(['(', ')']).nth(1).unwrap();
        let numbers: Vec<u16> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers[..4], [192, 0, 2, 7], "{reply}");
        let port = numbers[4] * 256 + numbers[5];
        assert!((first..=last).contains(&port), "{reply}");
        let address = SocketAddr::new(server.address.ip(), port);
        drop(std::net::TcpStream::connect(address).unwrap());
    }
}

#[test]
fn data_in_clear_is_refused_where_tls_is_required_for_it() {
    let root = TestDirectory::new();
    root.write("file", "secret");
    let certificate = TestFile::new("");
    let (root_path, path) = (root.path(), certificate.path());
    let options = [
        "--root",
        &root_path,
        "--require-data-tls",
        "--write-cert",
        &path,
    ];
    let server = Server::start_with(&options);
    let roots = roots_from_pem(&fs::read(&certificate.0).unwrap()).unwrap();
    let tls = client_config(Roots::Store(roots), None).unwrap();
    let connect = |protection| {
        let config = Config::new(Login::new("anna", SENTINEL).unwrap());
        let config = config.data_protection(protection);
        let connector = Connector::new(config).tls(tls.clone());
        connector.connect(&server.address.to_string()).unwrap()
    };
    use ftp_proto::client::DataProtection;
    let mut clear = connect(DataProtection::Clear);
    assert_eq!(refused(download(&mut clear, "file")), 521);
    assert_eq!(refused(clear.list_all("")), 521);
    let mut protected = connect(DataProtection::Required);
    assert_eq!(download(&mut protected, "file").unwrap(), b"secret");
}

#[test]
fn transfers_that_do_not_go_on_end() {
    let root = TestDirectory::new();
    root.write("file", vec![7; 40_000_000]);
    let server = serving(&root, &["--data-timeout", "0.2", "--stall-timeout", "0.2"]);
    let mut peer = Peer::connect(&server);
    peer.log_in();
    assert!(peer.ask("EPSV").starts_with("229 "));
    let reply = peer.ask("RETR file");
    assert!(reply.starts_with("425 "), "{reply}");

    let reply = peer.ask("EPSV");
    let port = reply.split('|').nth(3).unwrap().parse().unwrap();
    let data = std::net::TcpStream::connect((server.address.ip(), port)).unwrap();
    assert!(peer.ask("RETR file").starts_with("150 "));
    let reply = peer.hear();
    assert!(reply.starts_with("426 "), "{reply}");
    drop(data);
    assert!(peer.ask("NOOP").starts_with("200 "));
    server.log_has("transfer not whole", "/file");
}

/// As Python's ftplib gives up a download.
#[test]
fn an_abor_whose_line_end_is_urgent_is_answered_at_once() {
    let root = TestDirectory::new();
    root.write("file", vec![7; 40_000_000]);
    let server = serving(&root, &[]);
    let mut peer = Peer::connect(&server);
    peer.log_in();
    let reply = peer.ask("EPSV");
    let port = reply.split('|').nth(3).unwrap().parse().unwrap();
    let data = std::net::TcpStream::connect((server.address.ip(), port)).unwrap();
    assert!(peer.ask("RETR file").starts_with("150 "));
    peer.send_urgent(b"ABOR\r\n");
    assert!(peer.hear().starts_with("426 "));
    assert!(peer.hear().starts_with("226 "));
    drop(data);
    assert!(peer.ask("NOOP").starts_with("200 "));
}

#[test]
fn what_cannot_be_served_is_a_usage_error() {
    let missing = TestDirectory::new().path();
    let file = TestFile::new("");
    for (options, named) in [
        (&["--root", &missing][..], &*missing),
        (&["--root", &file.path()], &*file.path()),
        (&["--read-only"], "--root"),
        (&["--passive-ports", "1-2"], "--root"),
        (
            &["--root", ".", "--passive-ports", "2-1"],
            "--passive-ports",
        ),
        (
            &["--root", ".", "--external-address", "::1"],
            "--external-address",
        ),
    ] {
        let first = ["serve", "--listen", "127.0.0.1:0", "--anonymous"];
        let run = Program::new(first.iter().chain(options)).run();
        assert_eq!((run.code, &*run.stdout), (2, ""), "{options:?}: {run:?}");
        assert!(run.stderr.contains(named), "{options:?}: {run:?}");
    }
    // A user of the file cannot be made anew.
    let users = TestFile::new(format!("anna:{}\n", crate::common::sentinel_hash()));
    let run = Program::new(["serve", "--users", &users.path(), "--user", "anna"]).run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("anna"), "{run:?}");
}

#[test]
fn without_a_root_there_are_no_files() {
    let server = Server::start(&[]);
    let mut client = try_log_in(&server, "anna", SENTINEL).unwrap();
    assert_eq!(refused(download(&mut client, "file")), 502);
}
