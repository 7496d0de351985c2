//! What `login` trusts: pins, files, and what it says where it does not.
#![cfg(unix)]

use std::io::Write;
use std::process::{Command, Stdio};

use crate::common::{Program, Run, SENTINEL, Server, TestFile};
use rcgen::{CertificateParams, KeyPair};

/// Two names, so that certificates differ in more than their keys.
fn certificate(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// A server whose certificate is for another name than the one that it is reached by.
fn device() -> (Server, TestFile) {
    let (certificate, key) = certificate("camera.local");
    let (certificate, key) = (TestFile::new(certificate), TestFile::new(key));
    let server = Server::start(&["--cert", &certificate.path(), "--key", &key.path()]);
    (server, certificate)
}

/// The hash that the program shows of the server's certificate.
fn shown_hash(server: &Server) -> String {
    let run = server.login(&["--json", "--danger-accept-any-cert"], "anna");
    let hash = &run.json()["tls"]["peer_certificate"]["sha256"];
    hash.as_str().unwrap().to_owned()
}

fn with_colons(hash: &str) -> String {
    let pairs: Vec<_> = hash
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap().to_uppercase())
        .collect();
    pairs.join(":")
}

fn fails_tls(run: &Run) -> &str {
    assert_eq!(run.code, 6, "{run:?}");
    &run.stderr
}

#[test]
fn a_pinned_certificate_is_all_that_is_needed() {
    let (server, _) = device();
    let hash = shown_hash(&server);
    let other = "00".repeat(32);
    for pins in [
        vec![hash.as_str()],
        vec![&with_colons(&hash)],
        vec![&other, &hash],
    ] {
        let mut options = Vec::new();
        for pin in pins {
            options.extend(["--cert-sha256", pin]);
        }
        let run = server.login(&options, "anna");
        assert_eq!(run.code, 0, "{run:?}");
        assert!(!run.stderr.contains("warning"), "{run:?}");
    }
}

#[test]
fn another_certificate_is_refused_with_its_hashes_and_one_of_them_is_that_of_the_key() {
    let (server, _) = device();
    let hash = shown_hash(&server);
    let run = server.login(&["--cert-sha256", &"ab".repeat(32)], "anna");
    let said = fails_tls(&run);
    assert!(said.contains(&with_colons(&hash)), "{said}");
    assert!(said.contains("hint: compare the hash"), "{said}");
    let key = said.split("that of its key ").nth(1).unwrap();
    let key = key.split(';').next().unwrap();
    let run = server.login(&["--cert-sha256", key], "anna");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_pin_that_is_none_and_pins_beside_other_trust_are_usage_errors() {
    let pin = "ab".repeat(32);
    let sha1 = "ab".repeat(20);
    for (options, said) in [
        (vec!["--cert-sha256", "zz"], "not a hexadecimal digit"),
        (vec!["--cert-sha256", &sha1], "SHA-1"),
        (
            vec!["--cert-sha256", &pin, "--ca", "x.pem"],
            "cannot be used with",
        ),
        (
            vec!["--cert-sha256", &pin, "--danger-accept-any-cert"],
            "cannot be used with",
        ),
        (
            vec!["--cert-sha256", &pin, "--plaintext"],
            "cannot be used with",
        ),
    ] {
        let options = ["login"].into_iter().chain(options);
        let run = Program::new(options.chain(["ftp://anna@127.0.0.1:1"])).run();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(said), "{run:?}");
    }
}

/// As a user does who pastes the lines of the README.
#[test]
fn what_serve_makes_and_prints_is_what_login_takes() {
    let certificate = TestFile::new("an old one");
    let server = Server::start_with(&["--write-cert", &certificate.path()]);
    let run = server.login(&["--ca", &certificate.path()], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    let hash = server.next_line("certificate SHA-256 ");
    let run = server.login(&["--cert-sha256", &hash], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    let pem = std::fs::read_to_string(&certificate.0).unwrap();
    assert_eq!(pem.matches("-----BEGIN ").count(), 1, "no key: {pem}");

    let run = Program::new(["serve", "--anonymous", "--write-cert", "/nowhere/at/all"]).run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr
            .contains("cannot write the certificate to /nowhere")
    );
}

#[test]
fn a_missing_users_file_is_made_by_the_command_in_the_hint() {
    let file = TestFile::new("");
    std::fs::remove_file(&file.0).unwrap();
    let run = Program::new(["serve", "--users", &file.path()]).run();
    assert_eq!(run.code, 2, "{run:?}");
    let command = run
        .stderr
        .split("this makes it, with one user: ")
        .nth(1)
        .unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ftp-cli"));
    let mut shell = Command::new("/bin/sh")
        .args(["-c", command])
        .env("PATH", program.parent().unwrap())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("{SENTINEL}\n");
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    assert!(shell.wait().unwrap().success(), "{command}");
    let server = Server::start_with_users(std::fs::read(&file.0).unwrap(), &[]);
    let hash = server.next_line("certificate SHA-256 ");
    let run = server.login(&["--cert-sha256", &hash], "anna");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_refused_certificate_is_shown_with_what_can_be_done_about_it() {
    let (server, certificate) = device();
    let hash = shown_hash(&server);
    let run = server.login(&["--ca", &self::other_authority().path()], "anna");
    let said = fails_tls(&run);
    let lines: Vec<_> = said.lines().collect();
    let [error, shown, hint] = lines[..] else {
        panic!("{said}")
    };
    assert!(error.starts_with("error: TLS handshake failed: "), "{said}");
    assert!(
        shown.starts_with(
            "certificate: subject CN=rcgen self signed cert; for camera.local; issuer "
        ),
        "{said}"
    );
    assert!(shown.contains("valid from 1975-01-01T00:00:00Z to 4096-01-01T00:00:00Z"));
    assert!(shown.ends_with(&format!("SHA-256 {hash}")), "{said}");
    assert!(hint.starts_with("hint: "), "{said}");

    let run = server.login(&["--json", "--cert-sha256", &"ab".repeat(32)], "anna");
    assert_eq!(run.code, 6, "{run:?}");
    let report = run.json();
    assert_eq!(report["tls"], serde_json::Value::Null);
    let shown = &report["refused_certificate"];
    assert_eq!(shown["sha256"], hash.as_str());
    assert_eq!(shown["names"], serde_json::json!(["camera.local"]));
    assert_eq!(shown["not_before"], "1975-01-01T00:00:00Z");
    assert!(
        report["hint"]
            .as_str()
            .unwrap()
            .starts_with("compare the hash")
    );

    let run = server.login(&["--json", "--ca", &certificate.path()], "anna");
    assert_eq!(run.json()["refused_certificate"]["sha256"], hash.as_str());
}

/// Of an authority that signed nothing.
fn other_authority() -> TestFile {
    TestFile::new(certificate("127.0.0.1").0)
}

#[test]
fn the_hint_fits_what_was_given() {
    let (server, certificate) = device();
    let (stranger, _) = self::certificate("127.0.0.1");
    let stranger = TestFile::new(stranger);
    let ca = ["--ca", &stranger.path()];
    let run = server.login(&ca, "anna");
    let said = fails_tls(&run);
    assert!(said.contains("the file of --ca holds neither"), "{said}");
    assert!(!said.contains("--ca FILE"), "{said}");

    let run = server.login(&[], "anna");
    let said = fails_tls(&run);
    assert!(said.contains("--ca FILE"), "{said}");

    // Trusted, and for another name.
    let run = server.login(&["--ca", &certificate.path()], "anna");
    let said = fails_tls(&run);
    assert!(!said.contains("--ca"), "{said}");
    assert!(said.contains("--cert-sha256 HASH"), "{said}");
}

#[test]
fn a_file_that_was_cut_or_is_encrypted_is_named_with_the_line() {
    let (certificate, key) = self::certificate("127.0.0.1");
    let (other, _) = self::certificate("127.0.0.1");
    let two = format!("{certificate}{other}");
    let cut = TestFile::new(&two[..two.len() - 40]);
    let run = Program::new(["login", "--ca", &cut.path(), "ftp://anna@127.0.0.1:1"]).run();
    assert_eq!(run.code, 2, "{run:?}");
    let line = certificate.lines().count() + 1;
    for part in [
        cut.path(),
        format!("line {line}"),
        "was the file cut?".into(),
    ] {
        assert!(run.stderr.contains(&part), "{part}: {run:?}");
    }

    let good = TestFile::new(&certificate);
    let old = key
        .replacen(
            "-----\n",
            "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n",
            1,
        )
        .replace("PRIVATE KEY", "EC PRIVATE KEY");
    let broken = &key[..key.len() - 10];
    for (text, said) in [
        (old.as_str(), "decrypt it first"),
        (broken, "was the file cut?"),
    ] {
        let file = TestFile::new(text);
        for command in [
            vec![
                "login",
                "--client-cert",
                &good.path(),
                "--client-key",
                &file.path(),
                "ftp://anna@127.0.0.1:1",
            ],
            vec![
                "serve",
                "--anonymous",
                "--listen",
                "127.0.0.1:0",
                "--cert",
                &good.path(),
                "--key",
                &file.path(),
            ],
        ] {
            let run = Program::new(command).run();
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.stderr.contains(&file.path()), "{run:?}");
            assert!(!run.stderr.contains(&good.path()), "{run:?}");
            assert!(run.stderr.contains(said), "{run:?}");
        }
    }
}
