//! Files there and back through the machines of a client, without sockets; and ends of lines.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::login::{Setup, Way};
use ftp_benches::transfers::{decode, download, encode, text, upload};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn files(criterion: &mut Criterion) {
    let setup = Setup::new(Way::Plain);
    let mut client = setup.client_alone(setup.client());
    for (name, length) in [("1 KiB", KIB), ("1 MiB", MIB)] {
        let file = vec![b'.'; length];
        let mut group = criterion.benchmark_group(format!("transfer/{name}"));
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function("floor", |b| b.iter(|| black_box(&file).to_vec()));
        group.bench_function("download", |b| {
            b.iter(|| download(&mut client, black_box(&file)));
        });
        group.bench_function("upload", |b| {
            b.iter(|| upload(&mut client, black_box(&file)));
        });
        group.finish();
    }
}

fn lines(criterion: &mut Criterion) {
    let (wire, file) = (text(MIB, "\r\n"), text(MIB, "\n"));
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("ascii");
    group.throughput(Throughput::Bytes(wire.len() as u64));
    group.bench_function("decode", |b| {
        b.iter(|| decode(black_box(&wire), &mut out));
    });
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("encode", |b| {
        b.iter(|| encode(black_box(&file), &mut out));
    });
    group.finish();
}

criterion_group!(benches, files, lines);
criterion_main!(benches);
