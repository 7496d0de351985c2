//! URLs at the outside: who is dialled, and what is said there.
#![cfg(unix)]

use crate::common::{Program, TestFile, recorded, sentinel_hash};

/// What a server hears for this userinfo.
fn heard(userinfo: &str) -> Vec<String> {
    let (address, server) = recorded();
    let url = format!("ftp://{userinfo}@{address}");
    let run = Program::new(["login", "--plaintext", "--quiet", url.as_str()]).run();
    assert_eq!(run.code, 3, "{run:?}");
    let lines = server.lines().into_iter();
    lines.map(|line| String::from_utf8(line).unwrap()).collect()
}

#[test]
fn an_empty_password_in_a_url_is_sent_and_none_is_not() {
    assert_eq!(heard("root:"), ["USER root", "PASS "]);
    assert_eq!(heard("root"), ["USER root"]);
}

#[test]
fn a_domain_in_front_of_the_user_is_part_of_the_name() {
    assert_eq!(heard(r"DOM\anna:pw"), [r"USER DOM\anna", "PASS pw"]);
    assert_eq!(heard("DOM%5Canna:pw"), [r"USER DOM\anna", "PASS pw"]);
    assert_eq!(heard(r"anna:p@s:s;"), ["USER anna", "PASS p@s:s;"]);
    assert_eq!(heard("änna:ä"), ["USER änna", "PASS ä"]);
}

#[test]
fn a_host_that_may_be_another_to_somebody_is_not_dialled() {
    for part in [
        "{}%x.corp.example",
        "0x7f.1:{port}",
        "0x7f000001:{port}",
        "2130706433:{port}",
        "127.1:{port}",
        "0127.0.0.1:{port}",
        "127.0.0.1%lo:{port}",
        "%31%32%37.0.0.1:{port}",
        r"{}\x",
        "{}/ss@127.0.0.2:1",
        "x@{}?y",
    ] {
        let (address, server) = recorded();
        let part = part.replace("{}", &address.to_string());
        let part = part.replace("{port}", &address.port().to_string());
        let run = Program::new(["login", "--plaintext", &format!("ftp://{part}")]).run();
        assert_eq!(run.code, 2, "{part}: {run:?}");
        assert!(run.stderr.contains("the URL cannot be read"), "{run:?}");
        assert_eq!(server.lines().len(), 0, "{part}");
    }
}

#[test]
fn an_empty_password_is_one_from_every_source() {
    let (empty, line) = (TestFile::new(""), TestFile::new("\r\n"));
    let login = |options: &[&str], userinfo: &str| {
        let (address, server) = recorded();
        let url = format!("ftp://{userinfo}@{address}");
        let first = ["login", "--plaintext", "--quiet"];
        let program = Program::new(first.iter().chain(options).chain([&url.as_str()]));
        (program, server)
    };
    for ((program, server), source) in [
        (
            login(&["--password-file", &empty.path()], "root"),
            "empty file",
        ),
        (
            login(&["--password-file", &line.path()], "root"),
            "empty line",
        ),
        (login(&["--password-stdin"], "root"), "standard input"),
        (login(&[], "root"), "environment"),
        (login(&[], "root:other"), "environment before the URL"),
    ] {
        let program = match source {
            "standard input" => program.input("\n"),
            _ if source.starts_with("environment") => program.env("FTP_PASSWORD", ""),
            _ => program,
        };
        program.run();
        let said = server.lines();
        assert_eq!(said, [&b"USER root"[..], b"PASS "], "{source}");
    }
}

#[test]
fn our_server_takes_an_empty_password_with_a_space_and_without() {
    let run = Program::new(["hash"]).input("\n").run();
    assert_eq!(run.code, 0, "{run:?}");
    let hashes = format!("root:{}anna:{}\n", run.stdout, sentinel_hash());
    let server = crate::common::Server::start_with_users(&hashes, &["--danger-optional-tls"]);
    for (user, line, code) in [
        ("root", "PASS ", "230 "),
        ("root", "PASS", "230 "),
        ("root", "PASS  ", "530 "),
        ("anna", "PASS", "530 "),
    ] {
        let mut peer = crate::common::Peer::connect(&server);
        peer.ask(&format!("USER {user}"));
        let reply = peer.ask(line);
        assert!(reply.starts_with(code), "{user} {line:?}: {reply}");
    }
    let url = server.url("ftp", "root:");
    let run = Program::new(["login", "--quiet", "--danger-accept-any-cert", &url]).run();
    assert_eq!(run.code, 0, "{run:?}");
}
