//! Whole plain logins over loopback: each client against a canned server, each server against a canned client.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches_loopback::clients::{self, Logins};
use ftp_benches_loopback::servers;
use ftp_benches_loopback::turns::serving;

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
