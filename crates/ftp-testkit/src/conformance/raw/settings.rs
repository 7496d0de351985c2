//! What the server's settings change.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ftp_futures::ExternalAddress;
use ftp_proto::server::Resumption;
use ftp_rustls::rustls::HandshakeKind;

use super::client::{Raw, Stream};
use super::{Host, Plan, SIZE, Test};
use crate::conformance::Adapter;
use crate::content;

pub(super) const ALL: &[Test] = &[
    ("external address", external_address),
    ("bandwidth", bandwidth),
    ("most transfers", most_transfers),
    ("resumption", resumption),
];

fn external_address(server: &dyn Adapter) {
    let router = Ipv4Addr::new(192, 0, 2, 7);
    for (address, told) in [
        (None, "127,0,0,1"),
        (Some(router.into()), "192,0,2,7"),
        (Some(ExternalAddress::host("localhost")), "127,0,0,1"),
        (
            Some(ExternalAddress::fixed(router.into()).except_local()),
            "127,0,0,1",
        ),
    ] {
        let mut plan = Plan::new();
        plan.settings.external_address = address;
        let host = plan.start(server);
        host.put("a", b"bytes");
        let mut raw = host.client();
        raw.send("PASV");
        let reply = raw.reply();
        assert!(reply.starts_with("227") && reply.contains(told), "{reply}");
        // It listens where it says, or behind that.
        let numbers: Vec<u16> = reply
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let port = numbers[numbers.len() - 2] * 256 + numbers[numbers.len() - 1];
        let mut data = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        assert_eq!(raw.ask("RETR a"), 150);
        let mut came = Vec::new();
        data.read_to_end(&mut came).expect("the file");
        assert_eq!(came, b"bytes");
        assert_eq!(raw.code(), 226);
        host.end();
    }
    // A name that nobody has.
    let mut plan = Plan::new();
    plan.settings.external_address = Some(ExternalAddress::host("nobody.invalid"));
    let host = plan.start(server);
    let mut raw = host.client();
    assert_eq!(raw.ask("PASV"), 425);
    raw.goes_on();
    host.end();
}

/// It takes at least as long as it must.
fn bandwidth(server: &dyn Adapter) {
    let (rate, size) = (400_000, 600_000);
    // A quarter of a second is free, and so is what a turn may take.
    let least = Duration::from_millis(1000);
    for tls in [false, true] {
        let mut plan = Plan::new();
        plan.settings.session_bandwidth = Some(rate);
        let host = if tls { plan.tls() } else { plan }.start(server);
        let mut raw = host.client();
        let begun = Instant::now();
        assert_eq!(raw.put("STOR a", &content(size)), 226);
        assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
        let begun = Instant::now();
        assert!(raw.get("RETR a") == content(size));
        assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
        host.end();
    }
    // Two share what there is for all.
    let mut plan = Plan::new();
    plan.settings.total_bandwidth = Some(rate);
    let host = plan.start(server);
    host.put("a", &content(size / 2));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            let mut raw = host.client();
            scope.spawn(move || assert!(raw.get("RETR a") == content(size / 2)));
        }
    });
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    host.end();
}

fn most_transfers(server: &dyn Adapter) {
    let mut plan = Plan::new();
    plan.settings.max_transfers = Some(1);
    let host = plan.start(server);
    host.put("a", &content(SIZE));
    let (mut one, mut other) = (host.client(), host.client());
    let (_, mut data) = one.begin("RETR a");
    data.read_exact(&mut [0; 1000]).expect("bytes");
    for command in ["RETR a", "STOR b", "LIST"] {
        let _data = other.connected();
        assert_eq!(other.ask(command), 450);
        // Only transfers count.
        assert_eq!(other.ask("SIZE a"), 213);
    }
    data.read_to_end(&mut Vec::new()).expect("a whole download");
    assert_eq!(one.code(), 226);
    assert!(other.get("RETR a") == content(SIZE));
    // Also when the first one has gone.
    let (_, data) = one.begin("RETR a");
    drop((one, data));
    host.wait_for(|line| line.starts_with("broken") || line.starts_with("closed"));
    assert!(other.get("RETR a") == content(SIZE));
    host.end();
}

fn resumption(server: &dyn Adapter) {
    for (policy, kind) in [
        (Resumption::Off, HandshakeKind::Full),
        (Resumption::Report, HandshakeKind::Resumed),
        (Resumption::Require, HandshakeKind::Resumed),
    ] {
        let mut plan = Plan::new().tls();
        plan.config = plan.config.resumption(policy);
        let host = plan.start(server);
        host.put("a", b"bytes");
        let mut raw = host.client();
        for _ in 0..3 {
            let (_, mut data) = raw.begin("RETR a");
            assert_eq!(kind_of(&data), Some(kind), "{policy:?}");
            let mut came = Vec::new();
            data.read_to_end(&mut came).expect("the file");
            assert_eq!(came, b"bytes");
            data.finish();
            assert_eq!(raw.code(), 226);
        }
        host.end();
    }
    // A session of another control connection proves nothing.
    let mut plan = Plan::new().tls();
    plan.config = plan.config.resumption(Resumption::Require);
    let host = plan.start(server);
    host.put("a", b"bytes");
    let mut raw = host.client();
    let foreign = foreign_tls(&host);
    let data = raw.connected();
    assert_eq!(raw.ask("RETR a"), 150);
    let mut data = Stream::Clear(data).under(foreign);
    let mut came = Vec::new();
    let _refused = data.read_to_end(&mut came);
    assert_eq!(came, b"");
    assert_eq!(raw.code(), 522);
    raw.goes_on();
    host.end();
}

fn kind_of(data: &Stream) -> Option<HandshakeKind> {
    match data {
        Stream::Clear(_) => None,
        Stream::Tls(stream) => stream.conn.handshake_kind(),
    }
}

/// With sessions of another login.
pub(super) fn foreign_tls(host: &Host) -> std::sync::Arc<ftp_rustls::rustls::ClientConfig> {
    let mut config = (*host.certificates.client).clone();
    config.resumption = ftp_rustls::rustls::client::Resumption::in_memory_sessions(8);
    let config = std::sync::Arc::new(config);
    let mut other = Raw::log_in(host.address(), Some(std::sync::Arc::clone(&config)));
    other.goes_on();
    config
}
