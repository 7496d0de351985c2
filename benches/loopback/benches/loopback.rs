//! Whole plain logins over loopback: each client against a canned server, each server against a canned client.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches_loopback::clients::{self, Logins};
use ftp_benches_loopback::servers;

fn logins(criterion: &mut Criterion) {
    let canned = serving(|listener| servers::canned(&listener, Duration::ZERO));
    let mut group = criterion.benchmark_group("loopback_client");
    group.throughput(Throughput::Elements(1));
    for (name, client) in clients::ALL {
        measure(&mut group, name, client(canned));
    }
    group.finish();

    let mut group = criterion.benchmark_group("loopback_server");
    group.throughput(Throughput::Elements(1));
    let (_, bare) = clients::ALL[0];
    for (name, server) in servers::ALL {
        let server = serving(server);
        clients::await_server(server);
        measure(&mut group, name, bare(server));
    }
    group.finish();
}

/// A server in a thread of its own, for as long as the process lives.
fn serving(serve: impl FnOnce(TcpListener) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || serve(listener));
    address
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut log_in: Logins) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|logins| {
            let start = Instant::now();
            log_in(logins);
            start.elapsed()
        });
    });
}

criterion_group!(benches, logins);
criterion_main!(benches);
