//! What the guard's tests share: a virtual clock, and whole attempts.

use std::net::IpAddr;
use std::time::Duration;

use ftp_guard::{
    Answer, AttemptDecision, CheckResult, Connected, Guard, GuardConfig, GuardedAttempt, Instant,
    Ruling, Scope, Seed,
};

pub(crate) fn seed() -> Seed {
    Seed::new(*b"sixteen byte key")
}

pub(crate) fn guard(config: GuardConfig) -> Guard {
    Guard::new(config, seed())
}

/// Small enough to be made thousands of times.
pub(crate) fn light() -> GuardConfig {
    GuardConfig::new().connections(64).entries(1024)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn at(second: u64) -> Instant {
    Instant::from_start(seconds(second))
}

pub(crate) fn at_ms(millisecond: u64) -> Instant {
    Instant::from_start(Duration::from_millis(millisecond))
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The `n`th address of a net where each belongs to another /24.
pub(crate) fn scattered(n: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + (n << 8) + 1).to_be_bytes())
}

pub(crate) fn connect(guard: &mut Guard, now: Instant, address: IpAddr) -> Connected {
    let (connected, _) = guard.accept(now, address).connected().expect("admitted");
    connected
}

pub(crate) fn is_refused(guard: &mut Guard, now: Instant, address: IpAddr) -> bool {
    match guard.accept(now, address).connected() {
        Some((connected, _)) => {
            guard.release(now, connected);
            false
        }
        None => true,
    }
}

pub(crate) fn begin(
    guard: &mut Guard,
    now: Instant,
    connected: &mut Connected,
    name: &str,
) -> GuardedAttempt {
    match guard.attempt(now, connected, name.as_bytes()) {
        AttemptDecision::Check(attempt) => attempt,
        AttemptDecision::AskAgain { at } => panic!("asked to wait until {at:?}"),
    }
}

/// A connection, one attempt, and the end of the connection, all at `now`.
pub(crate) fn login(
    guard: &mut Guard,
    now: Instant,
    address: IpAddr,
    name: &str,
    result: CheckResult,
) -> Answer {
    let mut connected = connect(guard, now, address);
    let attempt = begin(guard, now, &mut connected, name);
    let answer = guard.settle(now, &mut connected, attempt, result);
    guard.release(now, connected);
    answer
}

/// A wrong guess. Returns the lockout that it led to.
pub(crate) fn fail(guard: &mut Guard, now: Instant, address: IpAddr, name: &str) -> Option<Scope> {
    login(guard, now, address, name, CheckResult::Failure).locked_out
}

pub(crate) fn succeed(guard: &mut Guard, now: Instant, address: IpAddr, name: &str) {
    let answer = login(guard, now, address, name, CheckResult::Success);
    assert_eq!(answer.result, CheckResult::Success);
}

/// Whether the right password would be refused. Leaves no failure behind.
pub(crate) fn is_locked(guard: &mut Guard, now: Instant, address: IpAddr, name: &str) -> bool {
    let Some((mut connected, _)) = guard.accept(now, address).connected() else {
        return true;
    };
    let attempt = begin(guard, now, &mut connected, name);
    let locked = attempt.ruling() == Ruling::CheckAndReject;
    let _ = guard.settle(now, &mut connected, attempt, CheckResult::Unavailable);
    guard.release(now, connected);
    locked
}
