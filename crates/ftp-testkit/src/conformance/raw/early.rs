//! Clients that begin TLS on a data connection before they send the command that it is for, and wait for its end.

use std::io::{Read, Write};
use std::sync::Arc;

use ftp_proto::server::Resumption;

use super::client::{Raw, Stream};
use super::settings::foreign_tls;
use super::{Host, Plan, Test};
use crate::conformance::Adapter;
use crate::content;

pub(super) const ALL: &[Test] = &[
    ("TLS before the command", transfers),
    ("TLS before the command: 522", must_resume),
    ("TLS before the command: refused", refused),
    ("TLS before the command: dropped", dropped),
    ("TLS before the command: half of it", half),
];

/// A server that does this: the blocking one waits for the command.
fn host(server: &dyn Adapter, policy: Resumption) -> Option<Host> {
    if server.name() == "blocking" {
        return None;
    }
    let mut plan = Plan::new().tls();
    plan.config = plan.config.resumption(policy);
    let host = plan.start(server);
    host.put("a", &content(1_000_000));
    Some(host)
}

/// A data connection under TLS, of a transfer that nobody asked for yet.
fn early(host: &Host, raw: &mut Raw) -> Stream {
    Stream::Clear(raw.connected()).under(Arc::clone(&host.certificates.client))
}

fn transfers(server: &dyn Adapter) {
    for policy in [Resumption::Off, Resumption::Report, Resumption::Require] {
        let Some(host) = host(server, policy) else {
            return;
        };
        let mut raw = host.client();
        let mut download = early(&host, &mut raw);
        raw.goes_on();
        assert_eq!(raw.ask("RETR a"), 150);
        let mut came = Vec::new();
        download.read_to_end(&mut came).expect("the file");
        assert!(came == content(1_000_000));
        download.finish();
        assert_eq!(raw.code(), 226);
        for sent in [&b""[..], b"some bytes"] {
            let mut upload = early(&host, &mut raw);
            // What comes before the command belongs to it.
            upload.write_all(sent).expect("it is read");
            upload.flush().expect("it is read");
            assert_eq!(raw.ask("STOR b"), 150);
            upload.finish();
            assert_eq!(raw.code(), 226);
            assert_eq!(host.got("b").as_deref(), Some(sent));
        }
        // As others do.
        assert!(raw.get("RETR a") == content(1_000_000));
        host.end();
    }
}

fn must_resume(server: &dyn Adapter) {
    let Some(host) = host(server, Resumption::Require) else {
        return;
    };
    let mut raw = host.client();
    let mut data = Stream::Clear(raw.connected()).under(foreign_tls(&host));
    raw.goes_on();
    assert_eq!(raw.ask("RETR a"), 150);
    let mut came = Vec::new();
    let _refused = data.read_to_end(&mut came);
    assert_eq!(came, b"");
    assert_eq!(raw.code(), 522);
    raw.goes_on();
    host.end();
}

/// The listener, and what came to it, is for the next transfer then.
fn refused(server: &dyn Adapter) {
    let Some(host) = host(server, Resumption::Require) else {
        return;
    };
    let mut raw = host.client();
    let mut data = early(&host, &mut raw);
    assert_eq!(raw.ask("RETR missing"), 550);
    assert_eq!(raw.ask("RETR a"), 150);
    let mut came = Vec::new();
    data.read_to_end(&mut came).expect("the file");
    assert!(came == content(1_000_000));
    data.finish();
    assert_eq!(raw.code(), 226);
    host.end();
}

fn dropped(server: &dyn Adapter) {
    let Some(host) = host(server, Resumption::Report) else {
        return;
    };
    let mut raw = host.client();
    for commands in [&["PROT C", "PROT P"][..], &["ABOR"], &["REIN"]] {
        let mut data = early(&host, &mut raw);
        for command in commands {
            let code = raw.ask(command);
            assert!((200..300).contains(&code), "{command}: {code}");
        }
        let mut came = Vec::new();
        let _ended = data.read_to_end(&mut came);
        assert_eq!(came, b"");
        if commands == ["REIN"] {
            raw.log_in_again();
            assert_eq!(raw.ask("PBSZ 0"), 200);
            assert_eq!(raw.ask("PROT P"), 200);
        }
        assert_eq!(raw.ask("RETR a"), 425);
    }
    // The last one is the client's.
    let mut first = early(&host, &mut raw);
    let mut second = early(&host, &mut raw);
    assert_eq!(raw.ask("RETR a"), 150);
    let mut came = Vec::new();
    let _ended = first.read_to_end(&mut came);
    assert_eq!(came, b"");
    second.read_to_end(&mut came).expect("the file");
    assert!(came == content(1_000_000));
    second.finish();
    assert_eq!(raw.code(), 226);
    host.end();
}

/// A handshake that is none, and one that does not go on.
fn half(server: &dyn Adapter) {
    if server.name() == "blocking" {
        return;
    }
    let host = Plan::new().tls().impatient().start(server);
    host.put("a", b"secret");
    for first in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut raw = host.client();
        let mut data = raw.connected();
        data.write_all(first).expect("it is read");
        let mut came = Vec::new();
        let _ended = data.read_to_end(&mut came);
        // An alert at most.
        assert!(came.len() < 10, "{came:?}");
        assert_eq!(raw.ask("RETR a"), 425);
        raw.goes_on();
    }
    host.end();
}
