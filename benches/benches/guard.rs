//! The guard with its tables full: whole attempts (accept, attempt, settle, release), refused
//! connections, and snapshots.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_guard::{AttemptDecision, CheckResult, Guard, GuardConfig, Instant, Seed};

/// Each from another /24, so that no network stops the flood.
fn address(n: u32) -> IpAddr {
    IpAddr::from((n << 8 | 1).to_be_bytes())
}

/// Everything but the check.
fn attempt(guard: &mut Guard, now: Instant, address: IpAddr, user: &str, found: CheckResult) {
    let Some((mut connected, _)) = guard.accept(now, address).connected() else {
        return;
    };
    if let AttemptDecision::Check(attempt) = guard.attempt(now, &mut connected, user.as_bytes()) {
        black_box(guard.settle(now, &mut connected, attempt, found).result);
    }
    guard.release(now, connected);
}

/// A guard of the default size that has no place left for a fresh failure.
fn full(now: Instant) -> Guard {
    let mut guard = Guard::new(GuardConfig::new(), Seed::new(*b"a seed for bench"));
    for n in 0..200_000 {
        attempt(&mut guard, now, address(n), &name(n), CheckResult::Failure);
    }
    assert!(guard.statistics().untracked > 400_000);
    guard
}

fn name(n: u32) -> String {
    format!("user{n}")
}

fn guard(criterion: &mut Criterion) {
    let now = Instant::from_start(Duration::from_secs(1));
    let names: Vec<_> = (0..4096).map(name).collect();
    let mut guard = full(now);
    let mut group = criterion.benchmark_group("guard");

    group.throughput(Throughput::Elements(1));
    let mut next = 1_000_000_u32;
    group.bench_function(
        "wrong guess from an unknown address, tables full",
        |bencher| {
            bencher.iter(|| {
                next = next.wrapping_add(1) & 0x00ff_ffff;
                attempt(
                    &mut guard,
                    now,
                    address(next),
                    &names[next as usize % names.len()],
                    CheckResult::Failure,
                );
            });
        },
    );
    let mut next = 0;
    group.bench_function("login with the right password, tables full", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % 4096;
            attempt(
                &mut guard,
                now,
                address(next),
                &names[next as usize],
                CheckResult::Success,
            );
        });
    });
    for _ in 0..20 {
        attempt(&mut guard, now, address(7), &names[7], CheckResult::Failure);
    }
    group.bench_function("connection from an address locked out", |bencher| {
        bencher.iter(|| assert!(guard.accept(now, address(7)).connected().is_none()));
    });

    let snapshot = guard.snapshot(now);
    group.throughput(Throughput::Bytes(snapshot.len() as u64));
    group.bench_function("snapshot, tables full", |bencher| {
        bencher.iter(|| black_box(guard.snapshot(now)));
    });
    group.bench_function("merge, tables full", |bencher| {
        bencher.iter(|| black_box(guard.merge(now, &snapshot)));
    });
    group.finish();
}

criterion_group!(benches, guard);
criterion_main!(benches);
