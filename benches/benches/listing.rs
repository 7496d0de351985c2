//! Directory listings of a thousand entries: of `ls`, of facts, of DOS; whole and in chunks.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::listings::{self, ENTRIES, LISTINGS, listing};
use ftp_benches::split_lines;

fn listings(criterion: &mut Criterion) {
    for (name, entry) in LISTINGS {
        let bytes = listing(entry);
        let mut group = criterion.benchmark_group(format!("listing/{name}"));
        group.throughput(Throughput::Elements(ENTRIES as u64));
        group.bench_function("floor", |b| b.iter(|| split_lines(black_box(&bytes))));
        for (name, size) in [
            ("ftp_proto", usize::MAX),
            ("ftp_proto in chunks of 4 KiB", 4096),
        ] {
            let size = size.min(bytes.len());
            group.bench_function(name, |b| {
                b.iter(|| listings::ftp_proto_in_chunks(black_box(&bytes), size));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, listings);
criterion_main!(benches);
