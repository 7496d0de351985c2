//! What can be told apart from outside: nothing about names.

use std::time::Duration;

use crate::common::*;
use ftp_guard::{AnswerFloor, CheckResult, Guard, Instant};
use proptest::prelude::*;

/// How the application's check goes: what it finds, and how long it takes.
#[derive(Debug, Clone, Copy)]
struct Check {
    found: CheckResult,
    takes: Duration,
}

/// What a client sees of one attempt: the answer, and how long it took to come.
fn seen(
    guard: &mut Guard,
    start: Instant,
    address: &str,
    name: &str,
    check: Check,
) -> (CheckResult, Duration) {
    let mut connected = connect(guard, start, ip(address));
    let attempt = begin(guard, start, &mut connected, name);
    let done = Instant::from_start(start.since_start() + check.takes);
    let answer = guard.settle(done, &mut connected, attempt, check.found);
    guard.release(done, connected);
    (answer.result, answer.not_before - start)
}

const WRONG: CheckResult = CheckResult::Failure;
const RIGHT: CheckResult = CheckResult::Success;

proptest! {
    /// The same attempt, made in equal worlds against a locked, an unknown and a known name, is
    /// answered with the same words after the same time, however long each check takes below the
    /// floor: no hash at all for the unknown, a slow one for the known.
    #[test]
    fn locked_unknown_wrong_and_right_but_locked_are_the_same_to_the_clock(
        others in 0_usize..14,
        start in 1_u64..100_000,
        hash in 0_u64..500,
    ) {
        let hash = Duration::from_millis(hash);
        let none = Duration::ZERO;
        let cases = [
            ("locked", Check { found: WRONG, takes: hash }),
            ("locked", Check { found: RIGHT, takes: hash }),
            ("unknown", Check { found: WRONG, takes: none }),
            ("known", Check { found: WRONG, takes: hash }),
        ];
        let answers = cases.map(|(name, check)| {
            let mut guard = guard(light());
            for _ in 0..5 {
                fail(&mut guard, at_ms(start), ip("192.0.2.1"), "locked");
            }
            for other in 0..others {
                fail(&mut guard, at_ms(start), ip("192.0.2.1"), &format!("other{other}"));
            }
            seen(&mut guard, at_ms(start + 1), "192.0.2.1", name, check)
        });
        for answer in answers {
            prop_assert_eq!(answer, answers[0]);
            prop_assert_eq!(answer.0, CheckResult::Failure);
        }
    }

    /// A whole series of guesses at one name looks the same whether the name is known or not,
    /// and whether the guesses are right from some point on or not, once it is locked out.
    #[test]
    fn a_series_of_guesses_shows_neither_the_name_nor_the_lockout(
        gaps in prop::collection::vec(0_u64..90, 6..30),
        hash in 1_u64..400,
    ) {
        let hash = Duration::from_millis(hash);
        let series = |found_when_locked: CheckResult, takes: Duration| {
            let mut guard = guard(light());
            let mut now = 0;
            let mut all = Vec::new();
            for gap in &gaps {
                now += gap;
                if is_refused(&mut guard, at(now), ip("192.0.2.1")) {
                    all.push(None);
                    continue;
                }
                let locked = is_locked(&mut guard, at(now), ip("192.0.2.1"), "name");
                let found = if locked { found_when_locked } else { WRONG };
                let check = Check { found, takes };
                all.push(Some(seen(&mut guard, at(now), "192.0.2.1", "name", check)));
                now += 10;
            }
            all
        };
        let unknown = series(WRONG, Duration::ZERO);
        prop_assert_eq!(&series(WRONG, hash), &unknown);
        prop_assert_eq!(&series(RIGHT, hash), &unknown);
    }

    /// The result of the check never moves the answer.
    #[test]
    fn success_and_failure_take_the_same_time(failures in 0_usize..19, takes in 0_u64..20_000) {
        let takes = Duration::from_millis(takes);
        let answers = [WRONG, RIGHT, CheckResult::Incomplete, CheckResult::Unavailable].map(|found| {
            let mut guard = guard(light());
            for other in 0..failures {
                fail(&mut guard, at(1), ip("192.0.2.1"), &format!("other{other}"));
            }
            seen(&mut guard, at(2), "192.0.2.1", "alice", Check { found, takes }).1
        });
        prop_assert!(answers.iter().all(|answer| *answer == answers[0]));
        prop_assert!(answers[0] >= takes);
    }

    #[test]
    fn answers_come_at_the_floor_or_at_a_whole_step_behind_it(
        start in 0_u64..1_000_000_000,
        floor in 0_u64..5_000_000,
        step in 1_u64..1_000_000,
        takes in 0_u64..20_000_000,
    ) {
        let micros = Duration::from_micros;
        let start = Instant::from_start(micros(start));
        let end = Instant::from_start(start.since_start() + micros(takes));
        let floors = AnswerFloor::new(micros(floor), micros(step));
        let waited = (floors.reply_not_before(start, end) - start).as_micros() as u64;
        prop_assert!(waited >= floor && waited >= takes);
        prop_assert_eq!((waited - floor) % step, 0);
        prop_assert!(waited == floor || waited < takes + step);
    }
}

#[test]
fn without_steps_a_slow_check_is_answered_when_it_is_done() {
    let floor = AnswerFloor::new(seconds(1), Duration::ZERO);
    let done = Instant::from_start(Duration::from_nanos(1_700_000_001));
    assert_eq!(floor.reply_not_before(at(0), done), done);
    assert_eq!(floor.reply_not_before(at(5), at(0)), at(6));
    let end = Instant::from_start(Duration::MAX);
    assert_eq!(floor.reply_not_before(end, end), end);
}
