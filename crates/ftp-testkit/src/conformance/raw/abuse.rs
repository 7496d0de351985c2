//! What clients do that keep to nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use ftp_futures::PeerCheck;
use ftp_futures::ftp_files::{Memory, Quota, Usage};
use ftp_proto::server::{FilesConfig, Rights};
use socket2::{Domain, Socket, Type};

use super::client::{PATIENCE, assert_closed, connect};
use super::{OnDisk, Plan, SIZE, Test};
use crate::conformance::Adapter;
use crate::content;

pub(super) const ALL: &[Test] = &[
    ("nobody connects", nobody_connects),
    ("strangers connect", strangers_connect),
    ("half of TLS", half_of_tls),
    ("bounce", bounce),
    ("many passive ports", many_passive_ports),
    ("stalled transfers", stalled_transfers),
    ("not files", not_files),
    ("names", names),
    ("way out", way_out),
    ("quota races", quota_races),
];

fn nobody_connects(server: &dyn Adapter) {
    let host = Plan::new().impatient().start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    for command in ["RETR a", "STOR b", "LIST"] {
        let passive = raw.passive();
        assert_eq!(raw.ask(command), 425);
        assert_closed(passive);
        raw.goes_on();
    }
    assert_eq!(host.got("b"), None);
    assert_eq!(raw.get("RETR a"), b"bytes");
    host.end();
}

/// From another address of this host.
fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(&from.into()).expect("an address of this host");
    socket.connect(&to.into()).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.into()
}

fn strangers_connect(server: &dyn Adapter) {
    let host = Plan::new().start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    let passive = raw.passive();
    let mut strangers: Vec<TcpStream> = (2..50).map(|last| connect_from(last, passive)).collect();
    let mut data = connect(passive);
    assert_eq!(raw.ask("RETR a"), 150);
    let mut came = Vec::new();
    data.read_to_end(&mut came).expect("the file");
    assert_eq!(came, b"bytes");
    assert_eq!(raw.code(), 226);
    for stranger in &mut strangers {
        assert!(matches!(stranger.read(&mut [0]), Ok(0) | Err(_)));
    }
    assert_closed(passive);
    host.end();
    // Where neighbours are the same.
    let mut plan = Plan::new();
    plan.settings.peer_check = PeerCheck::SameNetwork;
    let host = plan.start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    let mut data = connect_from(77, raw.passive());
    assert_eq!(raw.ask("RETR a"), 150);
    let mut came = Vec::new();
    data.read_to_end(&mut came).expect("the file");
    assert_eq!(came, b"bytes");
    assert_eq!(raw.code(), 226);
    host.end();
}

fn half_of_tls(server: &dyn Adapter) {
    let host = Plan::new().tls().impatient().start(server);
    host.put("a", b"old");
    let mut raw = host.client();
    // Half a ClientHello, nothing, and something else.
    for hello in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        for command in ["RETR a", "STOR a"] {
            let mut data = raw.connected();
            data.write_all(hello).expect("the server reads");
            raw.send(command);
            // It may be noticed before the command.
            let code = match raw.code() {
                150 => raw.code(),
                code => code,
            };
            assert!(matches!(code, 425 | 426), "{code}");
            let mut came = Vec::new();
            let _cut = data.read_to_end(&mut came);
            assert!(!came.windows(3).any(|three| three == b"old"));
            raw.goes_on();
        }
    }
    assert_eq!(host.got("a").as_deref(), Some(&b"old"[..]));
    assert_eq!(raw.get("RETR a"), b"old");
    host.end();
}

fn bounce(server: &dyn Adapter) {
    let host = Plan::new().start(server);
    host.put("a", b"bytes");
    let victim = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a port");
    victim.set_nonblocking(true).expect("a listener");
    let port = victim.local_addr().expect("an address").port();
    let mut raw = host.client();
    let (high, low) = (port >> 8, port & 0xff);
    for line in [
        format!("PORT 127,0,0,2,{high},{low}"),
        format!("EPRT |1|127.0.0.2|{port}|"),
        "PORT 127,0,0,1,0,22".to_owned(),
        "EPRT |1|127.0.0.1|1023|".to_owned(),
        "EPRT |1|127.0.0.1|0|".to_owned(),
        "EPRT |2|::1|5000|".to_owned(),
        "PORT 256,0,0,1,0,22".to_owned(),
        "PORT".to_owned(),
    ] {
        let code = raw.ask(&line);
        assert!(matches!(code, 501 | 504 | 522), "{line}: {code}");
        assert_eq!(raw.ask("RETR a"), 425, "{line}");
    }
    assert!(victim.accept().is_err());
    // To the client itself.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    assert_eq!(raw.ask(format!("EPRT |1|127.0.0.1|{port}|")), 200);
    assert_eq!(raw.ask("RETR a"), 150);
    let (mut data, _) = listener.accept().expect("the server connects");
    let mut came = Vec::new();
    data.read_to_end(&mut came).expect("the file");
    assert_eq!(came, b"bytes");
    assert_eq!(raw.code(), 226);
    // Where nobody listens.
    drop(listener);
    assert_eq!(raw.ask(format!("EPRT |1|127.0.0.1|{port}|")), 200);
    assert_eq!(raw.ask("RETR a"), 425);
    host.end();
    // Where it is not allowed, which is the default.
    let mut plan = Plan::new();
    plan.config = FilesConfig::new();
    let host = plan.start(server);
    let mut raw = host.client();
    assert_eq!(raw.ask("PORT 127,0,0,1,200,200"), 502);
    host.end();
}

fn many_passive_ports(server: &dyn Adapter) {
    let host = Plan::new().start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    // A hundred on the way at a time.
    for _ in 0..100 {
        raw.send(vec!["PASV"; 100].join("\r\n"));
        for _ in 0..100 {
            assert_eq!(raw.code(), 227);
        }
    }
    assert_eq!(raw.get("RETR a"), b"bytes");
    host.end();
}

fn stalled_transfers(server: &dyn Adapter) {
    for tls in [false, true] {
        let plan = Plan::new().impatient();
        let host = if tls { plan.tls() } else { plan }.start(server);
        host.put("a", &content(SIZE));
        let mut raw = host.client();
        let (_, mut data) = raw.begin("STOR a");
        data.write_all(b"some").expect("the server takes it");
        data.flush().expect("the server takes it");
        assert_eq!(raw.code(), 426);
        drop(data);
        assert!(host.got("a").as_deref() == Some(&content(SIZE)));
        raw.goes_on();
        // Nobody reads.
        let (_, data) = raw.begin("RETR a");
        assert_eq!(raw.code(), 426);
        drop(data);
        raw.goes_on();
        host.end();
    }
}

fn not_files(server: &dyn Adapter) {
    let disk = OnDisk::new();
    let host = Plan::serving(Arc::clone(&disk.files)).start(server);
    let served = disk.scratch.path().join("served");
    fs::create_dir(served.join("directory")).expect("a directory");
    let mut names = vec!["directory", "none", ".", "/"];
    if cfg!(unix) {
        let fifo = std::process::Command::new("mkfifo")
            .arg(served.join("fifo"))
            .status();
        assert!(fifo.expect("mkfifo").success());
        names.push("fifo");
    }
    let mut raw = host.client();
    for name in names {
        for verb in ["RETR", "APPE", "STOR"] {
            if name == "none" && verb != "RETR" {
                continue;
            }
            let _data = raw.connected();
            let code = raw.ask(format!("{verb} {name}"));
            assert!(matches!(code, 550 | 553), "{verb} {name}: {code}");
        }
    }
    raw.goes_on();
    host.end();
}

fn names(server: &dyn Adapter) {
    let host = Plan::new().start(server);
    host.put("a", b"bytes");
    host.put("-la", b"named like an option");
    let mut raw = host.client();
    let long = vec![b'x'; 64 * 1024];
    for verb in ["RETR", "STOR", "CWD", "MKD", "LIST", "SIZE", "RNFR"] {
        let verb = [verb.as_bytes(), b" "].concat();
        assert_eq!(raw.ask([&verb[..], &long].concat()), 500);
        for name in [&b"a\0b"[..], b"a\rb"] {
            let code = raw.ask([&verb[..], name].concat());
            let (verb, name) = (verb.escape_ascii(), name.escape_ascii());
            assert!(matches!(code, 500..=553 | 425), "{verb}{name}: {code}");
        }
        // Two lines, or one that is none; the session stays in step.
        raw.send([&verb[..], b"a\nNOOP"].concat());
        raw.send("STAT");
        while !raw.reply().starts_with("211") {}
        // A new session: each has made some bad commands.
        raw = host.client();
    }
    for listing in ["LIST -la", "LIST -a", "LIST", "NLST"] {
        let listing = String::from_utf8(raw.get(listing)).expect("text");
        assert_eq!(listing.lines().count(), 2, "{listing}");
    }
    // Nothing is expanded.
    let _data = raw.connected();
    for glob in [
        "RETR *",
        "RETR ?",
        "RETR [a]",
        "RETR {a,b}",
        "RETR ~",
        "RETR $HOME",
    ] {
        assert_eq!(raw.ask(glob), 550, "{glob}");
    }
    assert_eq!(raw.get("RETR -la"), b"named like an option");
    host.end();
}

fn way_out(server: &dyn Adapter) {
    let disk = OnDisk::new();
    let host = Plan::serving(Arc::clone(&disk.files)).start(server);
    let outside = disk.scratch.path();
    fs::write(outside.join("secret"), b"secret").expect("a file");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", outside.join("served/link")).expect("a link");
    let mut raw = host.client();
    let deep = "../".repeat(100);
    for name in [
        "../secret",
        "/../secret",
        "a/../../secret",
        "./.././secret",
        "..//secret",
        "link",
        &format!("{deep}secret"),
        &format!("{}/secret", outside.display()),
    ] {
        let _data = raw.connected();
        assert_eq!(raw.ask(format!("RETR {name}")), 550, "{name}");
    }
    assert_eq!(raw.ask(format!("CWD {deep}")), 250);
    raw.send("PWD");
    assert!(raw.reply().starts_with("257 \"/\""));
    assert_eq!(raw.put("STOR ../../new", b"new"), 226);
    assert_eq!(host.got("new").as_deref(), Some(&b"new"[..]));
    let mut beside: Vec<_> = fs::read_dir(outside)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    beside.sort();
    assert_eq!(beside, ["secret", "served"]);
    host.end();
}

/// Ten sessions store as much as all of them may.
fn quota_races(server: &dyn Adapter) {
    let limit = Usage {
        bytes: 1_000_000,
        files: 5,
    };
    let files = Arc::new(Quota::measure(Memory::new(), limit).expect("files in memory"));
    let mut plan = Plan::serving(Arc::clone(&files) as _);
    plan.config = plan.config.rights(Rights::ALL);
    let host = plan.start(server);
    thread::scope(|scope| {
        for number in 0..10 {
            let (mut raw, files) = (host.client(), &files);
            scope.spawn(move || {
                for round in 0..3 {
                    let data = raw.connected();
                    raw.send(format!("STOR {number}-{round}"));
                    let code = raw.code();
                    assert!(matches!(code, 150 | 452), "{code}");
                    if code == 150 {
                        // The server may have had enough.
                        let mut data = data;
                        let _enough = data.write_all(&[7; 1_000_000]);
                        drop(data);
                        let code = raw.code();
                        assert!(matches!(code, 226 | 426 | 452 | 552), "{code}");
                    }
                    let used = files.used();
                    assert!(used.bytes <= limit.bytes && used.files <= limit.files);
                    raw.goes_on();
                }
            });
        }
    });
    let mut raw = host.client();
    let listing = String::from_utf8(raw.get("MLSD")).expect("text");
    let sizes = listing
        .split(';')
        .filter_map(|fact| fact.strip_prefix("size="));
    let bytes: u64 = sizes
        .map(|size| size.parse::<u64>().expect("a number"))
        .sum();
    assert_eq!(bytes, files.used().bytes);
    assert!(bytes <= limit.bytes, "{listing}");
    host.end();
}
