//! `serve`, spoken to byte by byte and with real certificates.
#![cfg(unix)]

use crate::common::{ACCOUNT_SENTINEL, Peer, Program, SENTINEL, Server, TestFile};
use serde_json::{Value, json};

#[test]
fn a_signal_says_421_to_everyone_and_exits_in_order() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::start(&[]);
        let mut idle = Peer::connect(&server);
        let mut busy = Peer::connect(&server);
        assert!(busy.ask("USER anna").starts_with("331 "));
        let (status, _, log) = server.stop(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        for peer in [&mut idle, &mut busy] {
            assert!(peer.hear().starts_with("421 "));
            assert!(peer.is_closed());
        }
    }
}

#[test]
fn unknown_users_and_wrong_passwords_are_told_the_same_until_421() {
    let server = Server::start(&["--max-attempts", "1"]);
    let mut texts = Vec::new();
    for user in ["anna", "nobody-here"] {
        let mut peer = Peer::connect(&server);
        let asked = peer.ask(&format!("USER {user}"));
        let refused = peer.ask("PASS wrong");
        assert!(refused.starts_with("530 "), "{refused}");
        assert!(peer.hear().starts_with("421 "));
        assert!(peer.is_closed());
        texts.push((asked, refused));
    }
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn a_login_that_takes_too_long_ends_with_421() {
    let server = Server::start(&["--login-timeout", "0.2"]);
    let mut peer = Peer::connect(&server);
    assert!(peer.hear().starts_with("421 "));
    assert!(peer.is_closed());

    let server = Server::start(&["--idle-timeout", "0.2"]);
    let mut peer = Peer::connect(&server);
    peer.ask("USER anna");
    assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("230 "));
    assert!(peer.hear().starts_with("421 "));
}

#[test]
fn commands_after_login_are_answered_as_documented() {
    let server = Server::start(&[]);
    let mut peer = Peer::connect(&server);
    peer.ask("USER bob");
    assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("332 "));
    assert!(peer.ask("PWD").starts_with("530 "));
    assert!(
        peer.ask(&format!("ACCT {ACCOUNT_SENTINEL}"))
            .starts_with("230 ")
    );
    for (command, code) in [
        ("PWD", "257 \"/\""),
        ("XPWD", "257 \"/\""),
        ("CWD /", "250 "),
        ("CWD /elsewhere", "550 "),
        ("TYPE I", "200 "),
        ("MODE S", "200 "),
        ("STRU F", "200 "),
        ("SYST", "215 "),
        ("NOOP", "200 "),
        ("OPTS UTF8 ON", "200 "),
        ("ALLO 1", "202 "),
        ("LIST", "502 "),
        ("RETR x", "502 "),
        ("QUIT", "221 "),
    ] {
        let reply = peer.ask(command);
        assert!(reply.starts_with(code), "{command}: {reply}");
    }
}

#[test]
fn without_tls_nobody_logs_in_unless_that_is_asked_for() {
    let server = Server::start_with(&[]);
    let mut peer = Peer::connect(&server);
    // Who reads this in an old client learns what to do.
    let refused = peer.ask("USER anna");
    assert!(
        refused.starts_with("530 ") && refused.contains("TLS"),
        "{refused}"
    );
    assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("5"));
    assert!(peer.ask("PWD").starts_with("530 "));
    let run = server.login(&["--quiet", "--plaintext"], "anna");
    assert_eq!(run.code, 3, "{run:?}");
    let run = server.login(&["--quiet", "--danger-accept-any-cert"], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    let log = server.stop("-TERM").2;
    assert!(!log.contains("in clear"), "{log}");

    let server = Server::start_with(&["--danger-optional-tls"]);
    Peer::connect(&server).log_in();
    let log = server.stop("-TERM").2;
    assert!(log.contains("passwords may come in clear"), "{log}");

    let run = Program::new([
        "serve",
        "--anonymous",
        "--danger-optional-tls",
        "--implicit",
    ])
    .run();
    assert_eq!(run.code, 2, "{run:?}");
}

/// Whether a login succeeds, asked until the answer is `expected`.
fn logs_in(server: &Server, user: &str, expected: &str) -> bool {
    (0..40).any(|_| {
        let mut peer = Peer::connect(server);
        peer.ask(&format!("USER {user}"));
        peer.ask(&format!("PASS {SENTINEL}")).starts_with(expected)
    })
}

#[test]
fn a_hangup_reloads_the_users_without_dropping_sessions() {
    let server = Server::start(&[]);
    let mut session = Peer::connect(&server);
    session.ask("USER anna");
    assert!(session.ask(&format!("PASS {SENTINEL}")).starts_with("230 "));

    std::fs::write(
        &server.users.0,
        format!("carla:{}\n", crate::common::sentinel_hash()),
    )
    .unwrap();
    server.signal("-HUP");
    assert!(logs_in(&server, "carla", "230 "));
    assert!(logs_in(&server, "anna", "530 "));
    assert!(session.ask("NOOP").starts_with("200 "));

    std::fs::write(&server.users.0, "no colon\n").unwrap();
    server.signal("-HUP");
    assert!(logs_in(&server, "carla", "230 "));
    assert!(session.ask("NOOP").starts_with("200 "));
    let log = server.stop("-TERM").2;
    assert!(log.contains("reloaded users"), "{log}");
    assert!(log.contains("cannot reload"), "{log}");
}

#[test]
fn accounts_that_a_reload_brings_are_asked_for() {
    let hash = crate::common::sentinel_hash();
    let server = Server::start_with_users(format!("anna:{hash}\n"), &["--danger-optional-tls"]);
    let mut session = Peer::connect(&server);
    session.log_in();
    // Nobody asks for one: that is no fault.
    assert!(session.ask("ACCT whatever").starts_with("2"));

    let users = format!("anna:{hash}:{ACCOUNT_SENTINEL}\n");
    std::fs::write(&server.users.0, users).unwrap();
    server.signal("-HUP");
    server.log_has("reloaded users", "users=1");
    let acct = format!("ACCT {ACCOUNT_SENTINEL}");
    let mut peer = Peer::connect(&server);
    assert!(peer.try_password(SENTINEL).starts_with("332 "));
    assert!(peer.ask(&acct).starts_with("230 "));
    // Who was logged in before stays so, and the account is looked at from now on.
    assert!(session.ask("ACCT wrong").starts_with("530 "));
    assert!(session.ask(&acct).starts_with("230 "));
    assert!(session.ask("PWD").starts_with("257 "));
}

/// Puts a pipe without a writer where this file was: to open it blocks for ever.
fn make_pipe(file: &TestFile) {
    std::fs::remove_file(&file.0).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file.0).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_users_file_that_blocks_at_reload_stops_nothing() {
    let server = Server::start(&[]);
    let reading = "reading users and certificate again";
    let users = std::fs::read(&server.users.0).unwrap();
    let carla = String::from_utf8(users).unwrap().replace("anna", "carla");
    make_pipe(&server.users);
    server.signal("-HUP");
    server.log_has(reading, "");
    Peer::connect(&server).log_in();

    // Once it can be read, the next reload does, whatever became of the one before.
    std::fs::remove_file(&server.users.0).unwrap();
    std::fs::write(&server.users.0, carla).unwrap();
    server.signal("-HUP");
    server.log_has("reloaded users", "users=2");
    assert!(logs_in(&server, "carla", "230 "));

    make_pipe(&server.users);
    server.signal("-HUP");
    assert!(logs_in(&server, "carla", "230 "));
    let (status, _, log) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_certificate_that_blocks_at_reload_stops_nothing() {
    let (certificate, key) = certificate();
    let options = ["--danger-optional-tls", "--cert", &certificate.path()];
    let server = Server::start(&[&options[..], &["--key", &key.path()]].concat());
    make_pipe(&key);
    for _ in 0..20 {
        server.signal("-HUP");
    }
    server.log_has("reading users and certificate again", "");
    Peer::connect(&server).log_in();
    let (status, _, log) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_pipe_that_was_read_to_its_end_does_not_lock_everybody_out() {
    let server = Server::start(&[]);
    std::fs::remove_file(&server.users.0).unwrap();
    std::os::unix::fs::symlink("/dev/null", &server.users.0).unwrap();
    server.signal("-HUP");
    server.log_has("cannot reload", "is not a regular file, and is empty now");
    Peer::connect(&server).log_in();
    // Nor does one that never ends fill the memory.
    std::fs::remove_file(&server.users.0).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &server.users.0).unwrap();
    server.signal("-HUP");
    server.log_has("cannot reload", "more than 16777216 bytes");
    Peer::connect(&server).log_in();
}

/// A certificate that signs itself, for the loopback address; and its key.
fn certificate() -> (TestFile, TestFile) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (
        TestFile::new(made.cert.pem()),
        TestFile::new(made.signing_key.serialize_pem()),
    )
}

#[test]
fn certificates_from_files_are_used_and_trusted() {
    let (certificate, key) = certificate();
    let server = Server::start(&["--cert", &certificate.path(), "--key", &key.path()]);
    let run = server.login(&["--json", "--ca", &certificate.path()], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    let run = server.login(
        &[
            "--json",
            "--ca",
            &certificate.path(),
            "--client-cert",
            &certificate.path(),
            "--client-key",
            &key.path(),
        ],
        "anna",
    );
    assert_eq!(run.code, 0, "{run:?}");
    // The certificate names the address, not this name for it.
    let url = format!("ftp://anna@localhost:{}", server.address.port());
    let run = Program::new(["login", "--json", "--ca", &certificate.path(), &url])
        .env("FTP_PASSWORD", SENTINEL)
        .run();
    assert_eq!(
        (run.code, &run.json()["outcome"]),
        (6, &json!("tls_failed")),
        "{run:?}"
    );
    assert_eq!(run.json()["tls"], Value::Null);
    // Nothing to print: the certificate is the user's own.
    assert_eq!(server.stop("-TERM").1, "");
}

/// A certificate that signs itself and says that it is an authority's, as `openssl req -x509`
/// makes them.
fn authority(last_year: i32) -> (TestFile, TestFile) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let certificate = parameters.self_signed(&key).unwrap();
    (
        TestFile::new(certificate.pem()),
        TestFile::new(key.serialize_pem()),
    )
}

#[test]
fn a_trusted_certificate_that_is_an_authoritys_is_still_checked() {
    let (certificate, key) = authority(4000);
    let server = Server::start(&["--cert", &certificate.path(), "--key", &key.path()]);
    let login = |ca: &TestFile, host: &str| {
        let url = format!("ftp://anna@{host}:{}", server.address.port());
        Program::new(["login", "--json", "--ca", &ca.path(), &url])
            .env("FTP_PASSWORD", SENTINEL)
            .run()
    };
    let run = login(&certificate, "127.0.0.1");
    assert_eq!(run.code, 0, "{run:?}");
    // Not its name, and not the one that is trusted.
    assert_eq!(login(&certificate, "localhost").code, 6);
    assert_eq!(login(&authority(4000).0, "127.0.0.1").code, 6);

    let (expired, key) = authority(2000);
    let server = Server::start(&["--cert", &expired.path(), "--key", &key.path()]);
    let run = server.login(&["--json", "--ca", &expired.path()], "anna");
    assert_eq!(run.code, 6, "{run:?}");
    assert!(
        run.stdout.contains("expired") || run.stdout.contains("out of date"),
        "{run:?}"
    );
}

#[test]
fn a_hangup_reloads_the_certificate_and_a_bad_one_leaves_the_old() {
    let (old, key) = certificate();
    let server = Server::start(&["--cert", &old.path(), "--key", &key.path()]);
    let trusts = |certificate: &TestFile| {
        let run = server.login(&["--json", "--ca", &certificate.path()], "anna");
        run.code == 0
    };
    let kept = TestFile::new(std::fs::read(&old.0).unwrap());
    assert!(trusts(&kept));

    // A certificate without its key: refused.
    let (new, new_key) = certificate();
    std::fs::copy(&new.0, &old.0).unwrap();
    server.signal("-HUP");
    assert!((0..3).all(|_| trusts(&kept)));

    std::fs::copy(&new_key.0, &key.0).unwrap();
    server.signal("-HUP");
    assert!((0..40).any(|_| trusts(&new)));
    assert!(!trusts(&kept));
    assert!(server.stop("-TERM").2.contains("cannot reload"));
}

#[test]
fn a_key_of_another_certificate_is_a_usage_error() {
    let (certificate_of_one, _) = certificate();
    let (_, key_of_another) = certificate();
    let run = Program::new([
        "serve",
        "--anonymous",
        "--cert",
        &certificate_of_one.path(),
        "--key",
        &key_of_another.path(),
    ])
    .run();
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(run.stdout, "");
}
