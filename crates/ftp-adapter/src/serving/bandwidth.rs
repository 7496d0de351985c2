//! How many bytes may move in a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of the time that passed unused may be made up for: timers come late.
const CATCH_UP: Duration = Duration::from_millis(250);
/// How often in a second bytes move at least, if a limit is kept: so transfers that share it take turns.
const TURNS: u64 = 16;

/// A limit, in bytes per second. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Bandwidth {
    per_second: u64,
    /// All that moved until now is within the limit from then on.
    paid_at: Arc<Mutex<Option<Instant>>>,
}

impl Bandwidth {
    /// At least one byte.
    pub(super) fn new(per_second: u64) -> Self {
        Self {
            per_second: per_second.max(1),
            paid_at: Arc::default(),
        }
    }

    /// The same limit, counted for itself.
    fn alone(&self) -> Self {
        Self::new(self.per_second)
    }

    /// How many bytes may move now; if none, when.
    fn allowance(&self, now: Instant) -> Result<usize, Instant> {
        let paid_at = *self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        match paid_at {
            Some(then) if then > now => Err(then),
            _ => Ok(usize::try_from(self.per_second.div_ceil(TURNS)).unwrap_or(usize::MAX)),
        }
    }

    /// So many have moved.
    fn spend(&self, now: Instant, count: usize) {
        let nanos = (count as u128 * 1_000_000_000) / u128::from(self.per_second);
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        let from = paid_at.map_or(now, |then| then.max(earliest));
        *paid_at = from.checked_add(time).or(Some(from));
    }
}

/// The limits of one session: its own, and that of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    pub(super) session: Option<Bandwidth>,
    pub(super) total: Option<Bandwidth>,
}

impl Pace {
    /// For another session.
    pub(super) fn of_session(&self) -> Self {
        Self {
            session: self.session.as_ref().map(Bandwidth::alone),
            total: self.total.clone(),
        }
    }

    /// How many bytes may move now, at least one; if none, when.
    pub(super) fn allowance(&self, now: Instant) -> Result<usize, Instant> {
        let mut least = Ok(usize::MAX);
        for limit in self.session.iter().chain(&self.total) {
            least = match (least, limit.allowance(now)) {
                (Ok(one), Ok(other)) => Ok(one.min(other)),
                (Err(one), Err(other)) => Err(one.max(other)),
                (Err(then), _) | (_, Err(then)) => Err(then),
            };
        }
        least
    }

    /// So many have moved.
    pub(super) fn spend(&self, now: Instant, count: usize) {
        for limit in self.session.iter().chain(&self.total) {
            limit.spend(now, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes move in this time if each turn of these sessions is taken as it comes.
    fn moved(sessions: &[Pace], time: Duration) -> Vec<usize> {
        let start = Instant::now();
        let mut moved = vec![0; sessions.len()];
        let mut now = start;
        while now < start + time {
            for (session, moved) in sessions.iter().zip(&mut moved) {
                if let Ok(most) = session.allowance(now) {
                    assert!(most > 0);
                    session.spend(now, most);
                    *moved += most;
                }
            }
            now += Duration::from_millis(1);
        }
        moved
    }

    fn is_about(count: usize, wanted: usize) -> bool {
        count.abs_diff(wanted) <= wanted / 5
    }

    #[test]
    fn a_session_moves_as_many_bytes_as_it_may() {
        for per_second in [1, 100, 1_000_000, 3_000_000_000] {
            let pace = Pace {
                session: Some(Bandwidth::new(per_second)),
                total: None,
            };
            let seconds = 20;
            let moved = moved(&[pace], Duration::from_secs(seconds))[0];
            assert!(
                is_about(moved, (per_second * seconds) as usize),
                "{per_second}: {moved}"
            );
        }
    }

    #[test]
    fn sessions_share_what_all_may_move() {
        let of_all = Pace {
            session: Some(Bandwidth::new(600_000)),
            total: Some(Bandwidth::new(1_000_000)),
        };
        let one = of_all.of_session();
        assert!(is_about(
            moved(&[one], Duration::from_secs(10))[0],
            6_000_000
        ));
        let of_all = Pace {
            total: Some(Bandwidth::new(1_000_000)),
            ..of_all
        };
        let four: Vec<Pace> = (0..4).map(|_| of_all.of_session()).collect();
        let moved: usize = moved(&four, Duration::from_secs(10)).iter().sum();
        assert!(is_about(moved, 10_000_000), "{moved}");
    }

    #[test]
    fn time_that_passed_unused_is_not_saved_up() {
        let pace = Bandwidth::new(1000);
        let now = Instant::now();
        pace.spend(now, 100);
        let later = now + Duration::from_secs(3600);
        assert_eq!(pace.allowance(later), Ok(63));
        pace.spend(later, 1000);
        assert_eq!(
            pace.allowance(later),
            Err(later + Duration::from_millis(750))
        );
    }

    #[test]
    fn nothing_is_counted_without_a_limit() {
        let now = Instant::now();
        Pace::default().spend(now, usize::MAX);
        assert_eq!(Pace::default().allowance(now), Ok(usize::MAX));
    }
}
