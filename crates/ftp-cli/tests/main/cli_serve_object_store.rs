//! `serve --root` with an object store. `interop/run` has a server that speaks S3.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::common::ftp::{download, log_in, names, refused, upload};
use crate::common::{Peer, Program, SENTINEL, Server, TestFile, sentinel_hash};

#[test]
fn files_of_a_store_are_served_with_homes_rights_and_quotas() {
    let hash = sentinel_hash();
    let users = format!(
        "[users.anna]\nhash = \"{hash}\"\nquota = \"10\"\n\
         [users.bob]\nhash = \"{hash}\"\nroot = \".\"\nrights = \"read-only\"\n"
    );
    let options = [
        "--root",
        "memory:///all",
        "--home-template",
        "{root}/homes/{user}",
    ];
    let server = Server::start_with_tables(users, &options);
    let mut anna = log_in(&server, "anna");
    upload(&mut anna, "a", b"1234567").unwrap();
    assert_eq!(refused(upload(&mut anna, "b", b"1234567")), 552);
    assert_eq!(names(&mut anna, ""), ["a"]);
    anna.rename("a", "c").unwrap();
    let mut bob = log_in(&server, "bob");
    assert_eq!(names(&mut bob, ""), ["homes"]);
    assert_eq!(download(&mut bob, "homes/anna/c").unwrap(), b"1234567");
    assert_eq!(refused(bob.remove_file("homes/anna/c")), 550);
}

#[test]
fn feat_offers_what_a_store_can_do() {
    let server = Server::start(&["--root", "memory:///"]);
    let mut peer = Peer::connect(&server);
    peer.log_in();
    peer.say("FEAT");
    let mut lines = Vec::new();
    while lines
        .last()
        .is_none_or(|line: &String| !line.starts_with("211 "))
    {
        lines.push(peer.hear());
    }
    let said = lines.concat();
    assert!(said.contains("MLST type*;size*;modify*;perm*;"), "{said}");
    for feature in ["MFMT", "AVBL", "unique", "UNIX"] {
        assert!(!said.contains(feature), "{said}");
    }
    assert!(peer.ask("MFMT 20240501123400 x").starts_with("502 "));
    assert!(peer.ask("AVBL").starts_with("502 "));
}

/// Answers all requests with 403, and with what it should not say.
fn refusing_store() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut some = [0; 1024];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut some) {
                    Ok(count) if count > 0 => request.extend_from_slice(&some[..count]),
                    _ => break,
                }
            }
            let body = format!(
                "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{SENTINEL}</StringToSign></Error>"
            );
            let head = format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // It may have gone.
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_store_that_lets_nobody_in_ends_the_start_and_no_secret_is_shown() {
    let options = ["serve", "--listen", "127.0.0.1:0", "--anonymous"];
    // It searches its output for the sentinel.
    let run = Program::new(options.iter().chain(&["--root", "s3://bucket/prefix"]))
        .env("AWS_ENDPOINT", refusing_store())
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", SENTINEL)
        .run();
    assert_eq!(run.code, 4, "{run:?}");
    let why = "403 Forbidden SignatureDoesNotMatch";
    assert!(run.stderr.contains(why), "{run:?}");
}

#[test]
fn what_is_no_store_is_a_usage_error() {
    for (root, named) in [
        ("ftp://host/dir", "s3://bucket/prefix"),
        (
            &format!("s3://user:{SENTINEL}@bucket/"),
            "credentials come from the environment",
        ),
        (
            &format!("s3://bucket/?key={SENTINEL}"),
            "credentials come from the environment",
        ),
        ("file:///tmp", "feature `fs`"),
    ] {
        let options = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--anonymous",
            "--root",
            root,
        ];
        let run = Program::new(options).run();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(named), "{run:?}");
    }
    let absolute = TestFile::ending(
        format!(
            "[users.anna]\nhash = \"{}\"\nroot = \"/\"\n",
            sentinel_hash()
        ),
        ".toml",
    );
    for (options, named) in [
        (
            &["--anonymous", "--uploads", "in-place"][..],
            "--uploads in-place",
        ),
        (&["--anonymous=/tmp"], "other files than those in it"),
        (
            &["--user", "me", "--home-template", "/tmp/{user}"],
            "other files than those in it",
        ),
        (&["--users", &absolute.path()], "without / at its start"),
    ] {
        let first = ["serve", "--listen", "127.0.0.1:0", "--root", "memory:///"];
        let run = Program::new(first.iter().chain(options)).run();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(named), "{run:?}");
    }
}
