//! Commands: what a client sends in a session, and one with a long path.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::inputs::{
    SESSION, SESSION_COMMANDS, SMTP_SESSION, http_long_path, http_session, long_path,
};
use ftp_benches::{commands, split_lines, split_lines_in_chunks};

fn commands(criterion: &mut Criterion) {
    let long = long_path();
    for (name, bytes, smtp, http) in [
        ("session", SESSION, Some(SMTP_SESSION), http_session()),
        ("long_path", &long, None, http_long_path()),
    ] {
        let mut group = criterion.benchmark_group(format!("command/{name}"));
        group.throughput(Throughput::BytesDecimal(bytes.len() as u64));
        group.bench_function("floor", |b| b.iter(|| split_lines(black_box(bytes))));
        group.bench_function("ftp_proto", |b| {
            b.iter(|| commands::ftp_proto(black_box(bytes)));
        });
        if let Some(smtp) = smtp {
            group.throughput(Throughput::BytesDecimal(smtp.len() as u64));
            group.bench_function("smtp_proto", |b| {
                b.iter(|| commands::smtp_proto(black_box(smtp)));
            });
        }
        group.throughput(Throughput::BytesDecimal(http.len() as u64));
        group.bench_function("httparse", |b| {
            b.iter(|| commands::httparse(black_box(&http)));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("command/{name}_in_1b_chunks"));
        group.throughput(Throughput::BytesDecimal(bytes.len() as u64));
        group.bench_function("floor", |b| {
            b.iter(|| split_lines_in_chunks(black_box(bytes), 1));
        });
        group.bench_function("ftp_proto", |b| {
            b.iter(|| commands::ftp_proto_in_chunks(black_box(bytes), 1));
        });
        group.finish();
    }

    let mut group = criterion.benchmark_group("command/each");
    group.throughput(Throughput::Elements(SESSION_COMMANDS as u64));
    group.bench_function("session", |b| {
        b.iter(|| commands::ftp_proto(black_box(SESSION)));
    });
    group.finish();
}

criterion_group!(benches, commands);
criterion_main!(benches);
