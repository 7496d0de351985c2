//! What clients do that keep to the protocol.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use ftp_futures::ftp_files::{Memory, Quota, Usage};

use super::client::{Stream, assert_closed};
use super::{Host, OnDisk, Plan, SIZE, Test};
use crate::conformance::Adapter;
use crate::content;

pub(super) const ALL: &[Test] = &[
    ("unique names", unique_names),
    ("text", text),
    ("append and restart", append_and_restart),
    ("quota", quota),
    ("abort", abort),
    ("status of a transfer", status_of_a_transfer),
    ("quit during a transfer", quit_during_a_transfer),
    ("reinitialize", reinitialize),
    ("one listener", one_listener),
    ("client gone", client_gone),
    ("cut uploads", cut_uploads),
    ("client dies", client_dies),
    ("drain", drain),
    ("both ways", both_ways),
];

/// In clear and under TLS; in memory and on disk.
fn hosts(server: &dyn Adapter, test: impl Fn(Host)) {
    for tls in [false, true] {
        let disk = OnDisk::new();
        for plan in [Plan::new(), Plan::serving(Arc::clone(&disk.files))] {
            test(if tls { plan.tls() } else { plan }.start(server));
        }
    }
}

fn both_ways(server: &dyn Adapter) {
    hosts(server, |host| {
        let mut raw = host.client();
        let bytes = content(SIZE);
        assert_eq!(raw.put("STOR a", &bytes), 226);
        assert!(host.got("a").as_deref() == Some(&bytes));
        assert!(raw.get("RETR a") == bytes);
        assert!(raw.get("NLST") == b"a\r\n");
        assert_eq!(raw.ask("DELE a"), 250);
        assert_eq!(raw.ask("QUIT"), 221);
        raw.ends();
        host.end();
    });
}

fn unique_names(server: &dyn Adapter) {
    hosts(server, |host| {
        let mut raw = host.client();
        let mut names = Vec::new();
        for content in [b"one", b"two"] {
            let (reply, mut data) = raw.begin("STOU");
            let name = reply.strip_prefix("150 FILE: ").expect("RFC 1123 §4.1.2.9");
            names.push(name.to_owned());
            data.write_all(content).expect("the server takes it");
            data.finish();
            assert_eq!(raw.code(), 226);
            assert_eq!(host.got(name).as_deref(), Some(&content[..]));
        }
        assert_ne!(names[0], names[1]);
        host.end();
    });
}

fn text(server: &dyn Adapter) {
    hosts(server, |host| {
        let mut raw = host.client();
        assert_eq!(raw.ask("TYPE A"), 200);
        assert_eq!(raw.put("STOR a", b"one\r\ntwo\r\n"), 226);
        assert_eq!(host.got("a").as_deref(), Some(&b"one\ntwo\n"[..]));
        assert_eq!(raw.get("RETR a"), b"one\r\ntwo\r\n");
        assert_eq!(raw.ask("TYPE I"), 200);
        assert_eq!(raw.get("RETR a"), b"one\ntwo\n");
        host.end();
    });
}

fn append_and_restart(server: &dyn Adapter) {
    hosts(server, |host| {
        let mut raw = host.client();
        assert_eq!(raw.put("STOR a", b"0123456789"), 226);
        assert_eq!(raw.put("APPE a", b"abc"), 226);
        assert_eq!(raw.ask("REST 5"), 350);
        assert_eq!(raw.get("RETR a"), b"56789abc");
        // For one transfer alone.
        assert_eq!(raw.get("RETR a"), b"0123456789abc");
        assert_eq!(raw.ask("REST 3"), 350);
        assert_eq!(raw.put("STOR a", b"xy"), 226);
        assert_eq!(host.got("a").as_deref(), Some(&b"012xy"[..]));
        host.end();
    });
}

fn quota(server: &dyn Adapter) {
    let limit = Usage {
        bytes: 100_000,
        files: 10,
    };
    let files = Quota::measure(Memory::new(), limit).expect("files in memory");
    let host = Plan::serving(Arc::new(files)).start(server);
    let mut raw = host.client();
    assert_eq!(raw.put("STOR much", &content(SIZE)), 552);
    raw.goes_on();
    // What there was room for is kept, to be gone on with.
    assert!(host.got("much").unwrap_or_default().len() <= 100_000);
    assert_eq!(raw.ask("DELE much"), 250);
    assert_eq!(raw.put("STOR little", &content(90_000)), 226);
    host.end();
}

fn abort(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", &content(SIZE));
        let mut raw = host.client();
        // With nothing to abort.
        assert_eq!(raw.ask("ABOR"), 226);
        let (_, mut data) = raw.begin("RETR a");
        data.read_exact(&mut [0; 1000]).expect("bytes");
        raw.send("ABOR");
        assert_eq!(raw.code(), 426);
        assert_eq!(raw.code(), 226);
        // It does not come as a whole.
        let mut rest = Vec::new();
        let _cut = data.read_to_end(&mut rest);
        assert!(rest.len() < SIZE - 1000);
        raw.goes_on();
        let (_, mut data) = raw.begin("STOR a");
        data.write_all(&[0; 1000]).expect("the server takes it");
        raw.send("ABOR");
        assert_eq!(raw.code(), 426);
        assert_eq!(raw.code(), 226);
        raw.goes_on();
        assert!(host.got("a").as_deref() == Some(&content(SIZE)));
        host.end();
    });
}

fn status_of_a_transfer(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", &content(SIZE));
        let mut raw = host.client();
        let (_, mut data) = raw.begin("RETR a");
        data.read_exact(&mut [0; 1000]).expect("bytes");
        raw.send("STAT");
        let reply = raw.reply();
        assert!(
            reply.starts_with("211") && reply.contains("bytes moved"),
            "{reply}"
        );
        assert_eq!(raw.ask("NOOP"), 200);
        // It waits for the end of the transfer.
        raw.send("PWD");
        data.read_to_end(&mut Vec::new()).expect("a whole download");
        data.finish();
        assert_eq!(raw.code(), 226);
        assert_eq!(raw.code(), 257);
        host.end();
    });
}

fn quit_during_a_transfer(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", &content(SIZE));
        let mut raw = host.client();
        let (_, mut data) = raw.begin("RETR a");
        data.read_exact(&mut [0; 1000]).expect("bytes");
        raw.send("QUIT");
        let mut rest = Vec::new();
        data.read_to_end(&mut rest).expect("a whole download");
        assert_eq!(rest.len(), SIZE - 1000);
        data.finish();
        assert_eq!(raw.code(), 226);
        assert_eq!(raw.code(), 221);
        raw.ends();
        host.end();
    });
}

fn reinitialize(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", &content(SIZE));
        let mut raw = host.client();
        assert_eq!(raw.ask("MKD pub"), 257);
        assert_eq!(raw.ask("CWD pub"), 250);
        let (_, mut data) = raw.begin("RETR /a");
        data.read_exact(&mut [0; 1000]).expect("bytes");
        raw.send("REIN");
        let mut rest = Vec::new();
        data.read_to_end(&mut rest).expect("a whole download");
        assert_eq!(rest.len(), SIZE - 1000);
        data.finish();
        assert_eq!(raw.code(), 226);
        assert_eq!(raw.code(), 220);
        assert_eq!(raw.ask("RETR a"), 530);
        raw.log_in_again();
        // Nothing is left of the session before.
        raw.send("PWD");
        assert!(raw.reply().starts_with("257 \"/\""));
        let passive = raw.passive();
        assert_eq!(raw.ask("REIN"), 220);
        assert_closed(passive);
        host.end();
    });
}

/// No listener outlives the next one, `ABOR`, or the session.
fn one_listener(server: &dyn Adapter) {
    let host = Plan::new().start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    let first = raw.passive();
    let second = raw.passive();
    assert_closed(first);
    assert_eq!(raw.ask("ABOR"), 226);
    assert_closed(second);
    assert_eq!(raw.ask("RETR a"), 425);
    assert_eq!(raw.get("RETR a"), b"bytes");
    assert_eq!(raw.ask("RETR a"), 425);
    let third = raw.passive();
    assert_eq!(raw.ask("QUIT"), 221);
    raw.ends();
    host.wait_for(|line| line.starts_with("closed"));
    assert_closed(third);
    host.end();
}

fn client_gone(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", &content(SIZE));
        let handler = Arc::clone(&host.serving.handler);
        let count = |begins: &[&str]| {
            let is_one = |line: &String| begins.iter().any(|begin| line.starts_with(begin));
            handler.log().into_iter().filter(is_one).count()
        };
        for (before, data_too) in [false, true].into_iter().enumerate() {
            let mut raw = host.client();
            let (_, mut data) = raw.begin("RETR a");
            data.read_exact(&mut [0; 1000]).expect("bytes");
            drop(raw);
            let data = (!data_too).then_some(data);
            host.wait_for(|_| count(&["closed", "broken"]) > before);
            if let Some(mut data) = data {
                // The server gave it up.
                let mut rest = Vec::new();
                let _cut = data.read_to_end(&mut rest);
                assert!(rest.len() < SIZE - 1000);
            }
        }
        assert_eq!(count(&["transferred RETR: Err"]), 2, "{:?}", handler.log());
        host.end();
    });
}

/// An upload that is cut is not taken for whole.
fn cut_uploads(server: &dyn Adapter) {
    hosts(server, |host| {
        host.put("a", b"old");
        let is_protected = host.protected != super::Protected::Plain;
        let mut raw = host.client();
        let (_, mut data) = raw.begin("STOR a");
        data.write_all(&content(100_000))
            .expect("the server takes it");
        data.flush().expect("the server takes it");
        if is_protected {
            // Without close_notify.
            data.tcp().shutdown(Shutdown::Write).expect("a socket");
            let _ended = data.read_to_end(&mut Vec::new());
        } else {
            // In clear an end is an end; only a reset is none.
            let socket = socket2::SockRef::from(data.tcp());
            socket
                .set_linger(Some(std::time::Duration::ZERO))
                .expect("a socket");
        }
        drop(data);
        assert_eq!(raw.code(), 426);
        assert_eq!(host.got("a").as_deref(), Some(&b"old"[..]));
        raw.goes_on();
        assert_eq!(raw.put("STOR a", b"new"), 226);
        assert_eq!(host.got("a").as_deref(), Some(&b"new"[..]));
        host.end();
    });
}

/// The end of a client's process closes both connections, the older one first. In clear that of the data looks like the
/// end of the file, unless `QUIT` came before.
fn client_dies(server: &dyn Adapter) {
    hosts(server, |host| {
        let handler = Arc::clone(&host.serving.handler);
        let logged = |begin: &str| {
            let log = handler.log();
            log.iter().filter(|line| line.starts_with(begin)).count()
        };
        host.put("a", b"old");
        for size in [1, 1000, 100_000] {
            let before = logged("transferred STOR: Err");
            let mut raw = host.client();
            let (_, mut data) = raw.begin("STOR a");
            data.write_all(&content(size)).expect("the server takes it");
            data.flush().expect("the server takes it");
            drop(raw);
            drop(data);
            host.wait_for(|_| logged("transferred STOR: ") > before);
            assert_eq!(logged("transferred STOR: Err"), before + 1, "{size}");
            assert_eq!(host.got("a").as_deref(), Some(&b"old"[..]), "{size}");
        }
        let mut raw = host.client();
        let (_, mut data) = raw.begin("STOR a");
        data.write_all(b"new").expect("the server takes it");
        raw.send("QUIT");
        drop(raw);
        data.finish();
        host.wait_for(|_| logged("transferred STOR: Ok") == 1);
        assert_eq!(host.got("a").as_deref(), Some(&b"new"[..]));
        host.end();
    });
}

/// A server that stops lets a transfer come to its end.
fn drain(server: &dyn Adapter) {
    hosts(server, |mut host| {
        host.put("a", &content(SIZE));
        let mut idle = host.client();
        let mut raw = host.client();
        let (_, mut data) = raw.begin("RETR a");
        data.read_exact(&mut [0; 1000]).expect("bytes");
        host.serving.stop();
        assert_eq!(idle.code(), 421);
        let mut rest = Vec::new();
        data.read_to_end(&mut rest).expect("a whole download");
        assert_eq!(rest.len(), SIZE - 1000);
        Stream::finish(data);
        assert_eq!(raw.code(), 226);
        assert_eq!(raw.code(), 421);
        raw.ends();
        host.end();
    });
}
