//! Replies: short ones, banners, FEAT, and a banner of 64 KiB; whole, in chunks of 4 KiB and of one byte.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::inputs::{FEAT, SHORT, as_http, banner, banner_of_lines};
use ftp_benches::{replies, split_lines, split_lines_in_chunks, suppaftp};

/// Ten replies, of which no two need be the same, by the peers that can read them.
struct Input {
    name: &'static str,
    replies: Vec<u8>,
    count: u64,
    /// SMTP has lines with a code only, and smtp-proto reads 4 KiB at most.
    smtp: bool,
    /// HTTP has no lines like FEAT's.
    http: bool,
    /// suppaftp reads FEAT in a way of its own, and short replies one at a time.
    suppaftp: Vec<&'static [u8]>,
}

impl Input {
    fn repeated(name: &'static str, reply: Vec<u8>) -> Self {
        Self {
            name,
            replies: reply.repeat(10),
            count: 10,
            smtp: reply.len() <= 4096,
            http: true,
            suppaftp: vec![reply.leak()],
        }
    }
}

fn inputs() -> [Input; 6] {
    [
        Input {
            name: "short",
            replies: SHORT.to_vec(),
            count: 10,
            smtp: true,
            http: true,
            suppaftp: SHORT.split_inclusive(|byte| *byte == b'\n').collect(),
        },
        Input::repeated("banner_5", banner_of_lines(5)),
        Input::repeated("banner_10", banner_of_lines(10)),
        Input::repeated("banner_20", banner_of_lines(20)),
        Input {
            smtp: false,
            http: false,
            suppaftp: Vec::new(),
            ..Input::repeated("feat", FEAT.to_vec())
        },
        Input {
            replies: banner(64 * 1024),
            count: 1,
            ..Input::repeated("banner_64k", banner(64 * 1024))
        },
    ]
}

fn replies(criterion: &mut Criterion) {
    for input in inputs() {
        let Input { name, replies, .. } = &input;
        let mut group = criterion.benchmark_group(format!("reply/{name}"));
        group.throughput(Throughput::BytesDecimal(replies.len() as u64));
        group.bench_function("floor", |b| b.iter(|| split_lines(black_box(replies))));
        group.bench_function("ftp_proto", |b| {
            b.iter(|| replies::ftp_proto(black_box(replies)));
        });
        if input.smtp {
            group.bench_function("smtp_proto", |b| {
                b.iter(|| replies::smtp_proto(black_box(replies)));
            });
        }
        if input.http {
            let http = as_http(replies);
            group.throughput(Throughput::BytesDecimal(http.len() as u64));
            group.bench_function("httparse", |b| {
                b.iter(|| replies::httparse(black_box(&http)));
            });
        }
        group.throughput(Throughput::BytesDecimal(replies.len() as u64));
        suppaftp(&mut group, &input);
        group.finish();

        for (size, of) in [(4096, "4k"), (1, "1b")] {
            let mut group = criterion.benchmark_group(format!("reply/{name}_in_{of}_chunks"));
            group.throughput(Throughput::BytesDecimal(replies.len() as u64));
            group.bench_function("floor", |b| {
                b.iter(|| split_lines_in_chunks(black_box(replies), size));
            });
            group.bench_function("ftp_proto", |b| {
                b.iter(|| replies::ftp_proto_in_chunks(black_box(replies), size));
            });
            group.finish();
        }
    }
}

/// As many replies as the others read, each behind a command; and the same commands alone.
fn suppaftp(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let mut clients: Vec<_> = input
        .suppaftp
        .iter()
        .map(|reply| suppaftp::Memory::new(reply))
        .collect();
    if clients.is_empty() {
        return;
    }
    let rounds = input.count as usize / clients.len();
    group.bench_function("suppaftp_with_command", |b| {
        b.iter(|| {
            clients.iter_mut().fold(0, |sum, client| {
                (0..rounds).fold(sum, |sum, _| sum + client.round())
            })
        });
    });
    group.bench_function("suppaftp_command_alone", |b| {
        b.iter(|| {
            clients.iter_mut().fold(0, |sum, client| {
                (0..rounds).fold(sum, |sum, _| sum + client.command_alone())
            })
        });
    });
}

/// Replies per second, where the size of each says less than their number.
fn elements(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply/each");
    for input in inputs() {
        group.throughput(Throughput::Elements(input.count));
        group.bench_function(input.name, |b| {
            b.iter(|| replies::ftp_proto(black_box(&input.replies)));
        });
    }
    group.finish();
}

criterion_group!(benches, replies, elements);
criterion_main!(benches);
