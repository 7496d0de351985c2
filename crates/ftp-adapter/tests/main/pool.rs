//! The pool's bookkeeping, against callers and servers that do anything in any order.

use std::time::Duration;

use ftp_adapter::{Error, PoolConfig, PoolState, PoolStep, PoolTurn};
use ftp_proto::Instant;
use ftp_proto::client::{self, Phase};
use ftp_proto::wire::{Code, Reply};
use proptest::prelude::*;

const MAX: usize = 4;
const CHECK_AFTER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> Instant {
    Instant::from_start(Duration::from_secs(seconds))
}

/// What happens next; the numbers choose among those that it can happen to.
#[derive(Debug, Clone)]
enum Act {
    Enter,
    Leave(usize),
    PollFirst,
    PollAny(usize),
    Opened(usize),
    Refused(usize, bool),
    NotWanted(usize),
    PutBack(usize),
    Gone(usize),
    Reopening(usize),
    Later(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let number = 0..100_usize;
    prop_oneof![
        3 => Just(Act::Enter),
        1 => number.clone().prop_map(Act::Leave),
        6 => Just(Act::PollFirst),
        1 => number.clone().prop_map(Act::PollAny),
        3 => number.clone().prop_map(Act::Opened),
        2 => (number.clone(), any::<bool>()).prop_map(|(at, full)| Act::Refused(at, full)),
        1 => number.clone().prop_map(Act::NotWanted),
        3 => number.clone().prop_map(Act::PutBack),
        1 => number.clone().prop_map(Act::Gone),
        1 => number.prop_map(Act::Reopening),
        2 => (0..70_u64).prop_map(Act::Later),
    ]
}

/// The pool, and what the callers hold.
struct Scene {
    pool: PoolState<u32>,
    now: Instant,
    waiting: Vec<PoolTurn>,
    opening: Vec<PoolTurn>,
    lent: Vec<u32>,
    /// Since when each idle connection has been idle.
    idle: Vec<(u32, Instant)>,
    made: u32,
    /// When the server was full last.
    full_at: Option<Instant>,
}

impl Scene {
    fn new() -> Self {
        let config = PoolConfig::new(MAX).check_after(CHECK_AFTER);
        Self {
            pool: PoolState::new(config.bound_pause(PAUSE)),
            now: at(0),
            waiting: Vec::new(),
            opening: Vec::new(),
            lent: Vec::new(),
            idle: Vec::new(),
            made: 0,
            full_at: None,
        }
    }

    fn open(&self) -> usize {
        self.lent.len() + self.idle.len()
    }

    fn poll(&mut self, turn: PoolTurn) -> bool {
        let len = self.pool.len();
        let is_first = self.waiting.iter().min() == Some(&turn);
        match self.pool.poll(self.now, turn) {
            PoolStep::Use(connection) => self.take(connection, false),
            PoolStep::Check(connection) => self.take(connection, true),
            PoolStep::Open => {
                assert!(len < MAX, "more than the maximum");
                assert_eq!(self.idle, [], "one was idle");
                self.opening.push(turn);
            }
            PoolStep::Wait { until } => {
                if is_first {
                    // There is a reason to wait: all are in use, or the server is full.
                    assert_eq!(self.idle, []);
                    assert!(len == MAX || self.pool.bound() < MAX);
                    let paused = self.full_at.is_some() && self.pool.bound() <= len;
                    assert!(len == MAX || paused);
                    assert_eq!(until.is_some(), len < MAX);
                    assert!(
                        until.is_none_or(|until| until > self.now && until <= self.now + PAUSE)
                    );
                }
                return false;
            }
            PoolStep::Closed => panic!("nobody closed it"),
        }
        assert!(is_first, "served out of turn");
        self.waiting.retain(|waiting| *waiting != turn);
        true
    }

    fn take(&mut self, connection: u32, check: bool) {
        let index = self.idle.iter().position(|(idle, _)| *idle == connection);
        let (_, since) = self.idle.remove(index.expect("it was idle"));
        assert_eq!(check, self.now - since >= CHECK_AFTER);
        self.lent.push(connection);
    }

    fn opened(&mut self, index: usize) {
        self.opening.remove(index);
        self.pool.opened();
        self.made += 1;
        self.lent.push(self.made);
    }

    fn act(&mut self, act: &Act) {
        let pick = |number: usize, len: usize| number.checked_rem(len);
        match *act {
            Act::Enter => self.waiting.push(self.pool.enter()),
            Act::Leave(number) => {
                if let Some(index) = pick(number, self.waiting.len()) {
                    self.pool.leave(self.waiting.remove(index));
                }
            }
            Act::PollFirst => {
                if let Some(first) = self.pool.first() {
                    self.poll(first);
                }
            }
            Act::PollAny(number) => {
                if let Some(index) = pick(number, self.waiting.len()) {
                    self.poll(self.waiting[index]);
                }
            }
            Act::Opened(number) => {
                if let Some(index) = pick(number, self.opening.len()) {
                    self.opened(index);
                }
            }
            Act::Refused(number, full) => {
                if let Some(index) = pick(number, self.opening.len()) {
                    let turn = self.opening.remove(index);
                    let error = match full {
                        true => no(Phase::Greeting, 421),
                        false => no(Phase::Ready, 530),
                    };
                    let waits = self.pool.failed(self.now, turn, &error);
                    assert_eq!(waits, full && !self.pool.is_empty());
                    if waits {
                        self.waiting.push(turn);
                    }
                    if full {
                        self.full_at = Some(self.now);
                        assert_eq!(self.pool.bound(), self.open().max(1));
                    }
                }
            }
            Act::NotWanted(number) => {
                if let Some(index) = pick(number, self.opening.len()) {
                    self.opening.remove(index);
                    self.pool.not_wanted();
                }
            }
            Act::PutBack(number) => {
                if let Some(index) = pick(number, self.lent.len()) {
                    let connection = self.lent.remove(index);
                    assert_eq!(self.pool.put_back(self.now, connection), None);
                    self.idle.push((connection, self.now));
                }
            }
            Act::Gone(number) => {
                if let Some(index) = pick(number, self.lent.len()) {
                    self.lent.remove(index);
                    self.pool.gone();
                }
            }
            Act::Reopening(number) => {
                if let Some(index) = pick(number, self.lent.len()) {
                    self.lent.remove(index);
                    self.pool.reopening();
                    // It is in nobody's way in the queue: its turn was long ago.
                    let turn = self.pool.enter();
                    self.pool.leave(turn);
                    self.opening.push(turn);
                }
            }
            Act::Later(seconds) => self.now = self.now + Duration::from_secs(seconds),
        }
    }

    fn check(&self) {
        assert_eq!(self.pool.first(), self.waiting.iter().min().copied());
        assert_eq!(self.pool.idle(), self.idle.len());
        assert_eq!(self.pool.len(), self.open() + self.opening.len());
        assert!(self.pool.len() <= MAX);
        assert!((1..=MAX).contains(&self.pool.bound()));
        assert!(self.open() <= self.pool.bound());
    }
}

proptest! {
    #[test]
    fn it_lends_in_order_within_its_bounds_and_in_the_end_serves_everybody(
        acts in prop::collection::vec(act(), 0..200),
    ) {
        let mut scene = Scene::new();
        for act in &acts {
            scene.act(act);
            scene.check();
        }
        // From now on every login succeeds and every connection comes back.
        for _ in 0..1000 {
            if scene.waiting.is_empty() {
                break;
            }
            while let Some(first) = scene.pool.first() {
                if !scene.poll(first) {
                    break;
                }
                scene.check();
            }
            while !scene.opening.is_empty() {
                scene.opened(0);
            }
            while !scene.lent.is_empty() {
                scene.act(&Act::PutBack(0));
            }
            scene.check();
        }
        prop_assert!(scene.waiting.is_empty());
    }

    /// Whatever else happens, a server that takes this many gets one connection more once a pause.
    #[test]
    fn a_full_server_is_asked_for_one_more_once_a_pause(room in 1..MAX, seconds in 60..1000_u64) {
        let mut scene = Scene::new();
        let mut refused_at = Vec::new();
        for _ in 0..MAX {
            scene.act(&Act::Enter);
        }
        for second in 0..seconds {
            scene.now = at(second);
            while let Some(first) = scene.pool.first() {
                if !scene.poll(first) {
                    break;
                }
                if scene.opening.pop().is_some() {
                    scene.opening.push(first);
                    if scene.open() < room {
                        scene.opened(0);
                    } else {
                        scene.act(&Act::Refused(0, true));
                        refused_at.push(second);
                    }
                }
                scene.check();
            }
        }
        let expected: Vec<u64> = (0..seconds).step_by(60).collect();
        prop_assert_eq!(refused_at, expected);
        prop_assert_eq!(scene.lent.len(), room);
    }
}

#[test]
fn the_first_error_of_a_server_without_a_connection_is_the_callers() {
    let mut pool = PoolState::<u32>::new(PoolConfig::new(2));
    let (first, second) = (pool.enter(), pool.enter());
    assert_eq!(pool.poll(at(0), first), PoolStep::Open);
    assert_eq!(pool.poll(at(0), second), PoolStep::Open);
    let full = no(Phase::Greeting, 421);
    // The other may still get in.
    assert!(pool.failed(at(0), first, &full));
    assert!(!pool.failed(at(0), second, &full));
    assert_eq!(pool.poll(at(0), first), PoolStep::Open);
    assert!(!pool.failed(at(0), first, &full));
}

#[test]
fn a_closed_pool_takes_nothing_back_and_lends_nothing() {
    let mut pool = PoolState::new(PoolConfig::new(1));
    let (first, second) = (pool.enter(), pool.enter());
    assert_eq!(pool.poll(at(0), first), PoolStep::Open);
    pool.opened();
    assert_eq!(pool.poll(at(0), second), PoolStep::Wait { until: None });
    assert_eq!(pool.close(), []);
    assert_eq!(pool.poll(at(0), second), PoolStep::Closed);
    assert_eq!(pool.first(), None);
    assert_eq!(pool.put_back(at(0), 7), Some(7));
    assert!(pool.is_empty());
}

fn no(phase: Phase, code: u16) -> Error {
    let reply = Reply::new(Code::new(code).unwrap(), "no").unwrap();
    let secret_sent = true;
    Error::Protocol(client::Error::Refused {
        phase,
        reply,
        secret_sent,
    })
}

/// Servers that bound the sessions of a user may say 530.
#[test]
fn a_login_that_is_refused_while_others_are_logged_in_is_one_too_many() {
    let mut pool = PoolState::new(PoolConfig::new(3));
    let turns = [(); 3].map(|()| pool.enter());
    for turn in turns {
        assert_eq!(pool.poll(at(0), turn), PoolStep::Open);
    }
    // Nobody is logged in: the password may be wrong.
    assert!(!pool.failed(at(0), turns[0], &no(Phase::Password, 530)));
    pool.opened();
    // What happened after the login says nothing of it.
    let lost = no(Phase::Ready, 530);
    assert!(!pool.failed(at(0), turns[1], &lost));
    let turn = pool.enter();
    assert_eq!(pool.poll(at(0), turn), PoolStep::Open);
    assert!(pool.failed(at(0), turn, &no(Phase::Password, 530)));
    assert_eq!(pool.bound(), 1);
    // It is not sent again, however much later.
    let later = at(1_000_000);
    assert_eq!(pool.poll(later, turn), PoolStep::Wait { until: None });
    assert_eq!(pool.put_back(later, 7), None);
    assert_eq!(pool.poll(later, turn), PoolStep::Use(7));
}
