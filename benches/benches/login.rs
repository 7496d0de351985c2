//! Whole logins in memory: both sides, each alone, and under TLS beside the handshake that rustls does without us.
#![forbid(unsafe_code)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::login::{Setup, Way, Wire};

fn logins(criterion: &mut Criterion) {
    let mut wire = Wire::default();
    let mut group = criterion.benchmark_group("login");
    group.throughput(Throughput::Elements(1));
    let plain = Setup::new(Way::Plain);
    group.bench_function("plain/client", |b| {
        b.iter(|| plain.client_alone(plain.client()))
    });
    group.bench_function("plain/server", |b| {
        b.iter(|| plain.server_alone(plain.server()))
    });
    for (name, way) in [
        ("plain/both", Way::Plain),
        ("account/both", Way::Account),
        ("tls13/both", Way::Tls),
        ("tls13_resumed/both", Way::TlsResumed),
    ] {
        let setup = Setup::new(way);
        let prepared = || {
            let mut setup = setup.clone();
            setup.forget_sessions();
            setup
        };
        group.bench_function(name, |b| {
            let log_in = |setup: Setup| (setup.log_in(&mut wire), setup);
            // What a login has left of its tickets is for others when it is over.
            let one_by_one = way == Way::TlsResumed;
            let batch = if one_by_one {
                BatchSize::PerIteration
            } else {
                BatchSize::SmallInput
            };
            b.iter_batched(prepared, log_in, batch);
        });
        if matches!(way, Way::Tls | Way::TlsResumed) {
            let name = name.replace("both", "bare_handshake");
            group.bench_function(name, |b| b.iter(|| setup.bare_handshake(&mut wire)));
        }
    }
    group.finish();
}

criterion_group!(benches, logins);
criterion_main!(benches);
