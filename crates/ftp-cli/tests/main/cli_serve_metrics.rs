//! `serve --metrics`: scraped and parsed.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::common::ftp::{download, log_in, names, refused, upload};
use crate::common::{Peer, SENTINEL, Server, TestDirectory};

/// The samples by name and labels, after a look at every line.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut types = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            types.insert(name.to_owned(), kind);
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(name.starts_with("ftp_"), "{line}");
        let known = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(known && labels.ends_with('}'), "{line}");
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let kind = types
            .get(name)
            .or_else(|| types.get(base.unwrap_or_default()));
        assert!(kind.is_some(), "no type for {line}");
        let before = samples.insert(series.to_owned(), value.parse().unwrap());
        assert_eq!(before, None, "twice: {line}");
    }
    samples
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"),
        "{head}"
    );
    body.to_owned()
}

/// A server with metrics, and where these are.
fn measured(options: &[&str]) -> (Server, SocketAddr) {
    let server = Server::start(&[&["--metrics", "127.0.0.1:0"], options].concat());
    let line = server.next_line("metrics on http://");
    let address = line.strip_suffix("/metrics").unwrap().parse().unwrap();
    (server, address)
}

/// Scrapes until this sample has the value. What is counted may still be under way.
fn settled(address: SocketAddr, series: &str, value: f64) -> BTreeMap<String, f64> {
    for _ in 0..3000 {
        let samples = samples(&scrape(address));
        if samples.get(series) == Some(&value) {
            return samples;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{series} is not {value}: {}", scrape(address));
}

#[test]
fn what_happens_is_counted() {
    let (server, address) = measured(&[
        "--guard",
        "user-at-address=2",
        "--guard",
        "connections-per-address=2",
    ]);
    assert!(
        samples(&scrape(address))
            .values()
            .all(|value| *value == 0.0)
    );

    let run = server.login(&["--quiet", "--danger-accept-any-cert"], "anna");
    assert_eq!(run.code, 0, "{run:?}");
    settled(address, "ftp_connections", 0.0);
    // A client that does not trust the certificate breaks the handshake off.
    assert_eq!(server.login(&["--quiet"], "anna").code, 6);
    settled(address, "ftp_tls_handshakes_total{outcome=\"failed\"}", 1.0);
    settled(address, "ftp_connections", 0.0);
    let mut peer = Peer::connect(&server);
    for password in ["wrong", "wrong", SENTINEL] {
        assert!(peer.try_password(password).starts_with("530 "));
    }
    drop(peer);
    settled(address, "ftp_connections", 0.0);
    let mut stays = Peer::connect(&server);
    let second = Peer::connect(&server);
    assert!(Peer::silent(&server).hear().starts_with("421 "));
    drop(second);
    stays.ask("NOOP");

    let samples = settled(address, "ftp_connections", 1.0);
    for (series, value) in [
        ("ftp_connections_accepted_total", 6.0),
        (
            "ftp_connections_refused_total{reason=\"too_many_from_address\"}",
            1.0,
        ),
        ("ftp_connections_refused_total{reason=\"server_full\"}", 0.0),
        ("ftp_logins_total{outcome=\"success\"}", 1.0),
        ("ftp_logins_total{outcome=\"failure\"}", 2.0),
        ("ftp_logins_total{outcome=\"locked_out\"}", 1.0),
        ("ftp_lockouts_total{scope=\"user_at_address\"}", 1.0),
        ("ftp_tls_handshakes_total{outcome=\"ok\"}", 1.0),
        ("ftp_tls_handshake_duration_seconds_count", 1.0),
        ("ftp_login_duration_seconds_count", 1.0),
        ("ftp_password_check_duration_seconds_count", 4.0),
    ] {
        assert_eq!(
            samples.get(series),
            Some(&value),
            "{series} in {samples:#?}"
        );
    }
    assert!(samples["ftp_received_bytes_total"] > 100.0);
    assert!(samples["ftp_sent_bytes_total"] > 1000.0);
}

#[test]
fn a_client_cannot_add_lines_or_labels() {
    let (server, address) = measured(&["--danger-no-guard"]);
    let series = |page: &str| samples(page).into_keys().collect::<Vec<_>>();
    let before = series(&scrape(address));
    let mut peer = Peer::connect(&server);
    let hostile = "x\"} 1\u{2028}ftp_forged_total{user=\"y";
    for _ in 0..2 {
        peer.ask(&format!("USER {hostile}"));
        peer.ask("PASS wrong");
    }
    peer.ask(hostile);
    peer.log_in();
    peer.ask(&format!("STAT {hostile}"));
    let page = scrape(address);
    assert_eq!(series(&page), before);
    assert!(
        !page.contains("forged") && !page.contains("anna") && !page.contains("127.0.0.1"),
        "{page}"
    );
    assert_eq!(samples(&page)["ftp_logins_total{outcome=\"failure\"}"], 2.0);
}

#[test]
fn a_header_that_a_balancer_owes_is_counted_as_a_refusal() {
    let (server, address) = measured(&["--proxy-protocol", "127.0.0.1"]);
    let mut peer = Peer::silent(&server);
    peer.send(b"USER anna\r\nNOOP\r\n");
    assert!(peer.try_hear().unwrap_or_default().is_empty());
    settled(
        address,
        "ftp_connections_refused_total{reason=\"proxy_header\"}",
        1.0,
    );
    settled(address, "ftp_connections", 0.0);
}

/// A `LOCAL` header: a balancer connects for itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

#[test]
fn health_checks_are_no_warnings_and_no_failures() {
    type Check = fn(&Server);
    let ends: Check = |server| drop(Peer::silent(server));
    let resets: Check = |server| Peer::silent(server).reset();
    let says_local: Check = |server| drop(Peer::connect_saying(server, LOCAL));
    let local_resets: Check = |server| {
        let mut peer = Peer::silent(server);
        peer.send(LOCAL);
        peer.reset();
    };
    let balancer = ["--proxy-protocol", "127.0.0.1"];
    let cases: [(&[&str], &[Check], &[Check]); 3] = [
        (&[], &[ends, resets], &[]),
        (&["--implicit"], &[ends], &[]),
        (&balancer, &[ends], &[says_local, local_resets]),
    ];
    for (options, silent, speaking) in cases {
        let (server, address) = measured(options);
        for _ in 0..3 {
            silent
                .iter()
                .chain(speaking)
                .for_each(|check| check(&server));
        }
        // After a balancer's header the client is silent.
        let count = 3 * (silent.len() + speaking.len()) as u32;
        settled(address, "ftp_connections_silent_total", f64::from(count));
        let samples = settled(address, "ftp_connections", 0.0);
        for (series, value) in samples {
            let is_fault = ["refused", "logins", "lockouts", "failed"]
                .iter()
                .any(|part| series.contains(part));
            assert!(!is_fault || value == 0.0, "{options:?}: {series} {value}");
        }
        let (_, _, log) = server.stop("-TERM");
        let warnings = log.lines().filter(|line| {
            (line.contains("WARN") && !line.contains("TLS is not required"))
                || line.contains("ERROR")
        });
        assert_eq!(
            warnings.collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "{options:?}"
        );
    }
}

#[test]
fn transfers_are_counted_by_direction_and_result() {
    let root = TestDirectory::new();
    let large = vec![7; 40_000_000];
    root.write("large", &large);
    let (server, address) = measured(&["--root", &root.path()]);
    let before = samples(&scrape(address));
    assert!(before.values().all(|value| *value == 0.0));

    let mut client = log_in(&server, "anna");
    assert_eq!(download(&mut client, "large").unwrap().len(), large.len());
    upload(&mut client, "evil\"name", b"12345").unwrap();
    assert_eq!(refused(download(&mut client, "missing")), 550);
    assert_eq!(names(&mut client, "").len(), 2);

    // One that is under way, and then given up.
    let mut peer = Peer::connect(&server);
    peer.log_in();
    let reply = peer.ask("EPSV");
    let port: u16 = reply.split('|').nth(3).unwrap().parse().unwrap();
    let data = TcpStream::connect((server.address.ip(), port)).unwrap();
    assert!(peer.ask("STOR slow").starts_with("150 "));
    let open = "ftp_transfers_in_progress{direction=\"upload\"}";
    settled(address, open, 1.0);
    let reply = peer.ask("ABOR");
    assert!(reply.starts_with("426 "), "{reply}");
    drop(data);
    settled(address, open, 0.0);

    let aborted = "ftp_transfers_total{direction=\"upload\",outcome=\"aborted\"}";
    let samples = settled(address, aborted, 1.0);
    let bytes =
        |direction| samples[&format!("ftp_transfer_bytes_total{{direction={direction:?}}}")];
    assert_eq!(bytes("download"), large.len() as f64);
    assert_eq!(bytes("upload"), 5.0);
    assert!(bytes("listing") > 0.0);
    for (direction, outcome, value) in [
        ("download", "ok", 1.0),
        ("download", "refused", 1.0),
        ("upload", "ok", 1.0),
        ("listing", "ok", 1.0),
        ("listing", "aborted", 0.0),
    ] {
        let series = format!("ftp_transfers_total{{direction={direction:?},outcome={outcome:?}}}");
        assert_eq!(samples[&series], value, "{series}");
    }
    let timed = samples["ftp_transfer_duration_seconds_count{direction=\"download\"}"];
    assert_eq!(timed, 2.0);
    // No client has made a series.
    assert!(samples.keys().eq(before.keys()));
}
