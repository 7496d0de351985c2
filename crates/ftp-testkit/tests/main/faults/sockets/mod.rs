//! The same over real sockets: the client and the server of each adapter, and a proxy between them. One fault in a small
//! session, at some of its bytes, or at every one; and many at random in long sessions.
//!
//! Whatever happens: what is said to be whole is; an upload that is cut does not take the place of a file; a client
//! whose connection is over says so, and any other goes on; both sides come to their end by themselves; and no session,
//! socket, file or task is left.
//!
//! `docs/reports/faults` gives two files more: `FAULTS_SOCKETS` gets what is counted, `FAULTS_LEFT` what the process holds.
//! Then all is tried, and not some of it, or one byte in `FAULTS_SOCKETS_EVERY` in clear.

mod cable;
mod check;
mod client;
mod left;
mod plans;
mod proxy;
mod run;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ftp_testkit::conformance::{Adapter, Async, Blocking};

use self::client::{Script, Talk, talk, talk_blocking};
use self::plans::Random;
use self::proxy::Kind;
use self::run::{Mode, Plan, Session, Settings};
use super::{Tally, add_row, tls};
use crate::adapters::{OnAsyncStd, OnSmol, OnTokio};

/// An adapter: its server, and its client.
struct Subject {
    adapter: Box<dyn Adapter>,
    talk: fn(&Script) -> Talk,
}

/// How many sessions there are of each kind, if not all are tried.
const FEW: usize = 6;
/// How many long ones, if all are tried.
const MANY: usize = 60;
/// The first of those from which long sessions are made.
const SEED: u64 = 20_261_129;
/// How many sessions there are at a time. They wait most of it, and longest for silence to end.
const AT_ONCE: usize = 24;
const AT_ONCE_IN_SILENCE: usize = 150;
/// As long as one adapter is tried, nothing else is to open files, if these are counted.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn tokio_is_right_whatever_befalls_its_sockets() {
    Subject::new(Async::<OnTokio>::new(), talk::<OnTokio>).try_all();
}

#[test]
fn smol_is_right_whatever_befalls_its_sockets() {
    Subject::new(Async::<OnSmol>::new(), talk::<OnSmol>).try_all();
}

#[test]
fn async_std_is_right_whatever_befalls_its_sockets() {
    Subject::new(Async::<OnAsyncStd>::new(), talk::<OnAsyncStd>).try_all();
}

#[test]
fn blocking_is_right_whatever_befalls_its_sockets() {
    Subject::new(Blocking, talk_blocking).try_all();
}

fn is_whole() -> bool {
    std::env::var_os("FAULTS_SOCKETS").is_some()
}

/// Each so many bytes of a connection in clear, if all is tried.
fn every_in_clear() -> usize {
    let every = std::env::var("FAULTS_SOCKETS_EVERY");
    every.map_or(1, |every| every.parse().expect("a number"))
}

impl Subject {
    fn new(adapter: impl Adapter, talk: fn(&Script) -> Talk) -> Self {
        let adapter = Box::new(adapter);
        Self { adapter, talk }
    }

    fn try_all(&self) {
        let turn = is_whole().then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
        let small = |is_protected, mode| Settings {
            is_protected,
            mode,
            is_impatient: false,
        };
        // What is there once goes on being there: threads, and what they keep.
        let first = self.run(small(true, Mode::Passive), vec![Plan::small()], 1);
        let (before, mut sessions) = (left::process(), first.len());
        for settings in [
            small(false, Mode::Passive),
            small(false, Mode::Ahead),
            small(false, Mode::Active),
            small(true, Mode::Passive),
            small(true, Mode::Ahead),
        ] {
            sessions += self.one_fault(settings);
            sessions += self.many_faults(settings, false);
            sessions += self.many_faults(settings, true);
        }
        if turn.is_some() {
            run::await_none("files", || {
                let open = left::process().open_files;
                let more = (open > before.open_files).then(|| format!("{open}"));
                more.into_iter().collect()
            });
            let name = self.adapter.name();
            let row = format!("| {name} | {sessions} | {before} | {} |", left::process());
            add_row("FAULTS_LEFT", &row);
        }
    }

    /// Each fault, in small sessions.
    fn one_fault(&self, settings: Settings) -> usize {
        let without = self.run(settings, vec![Plan::small()], 1).remove(0);
        let count = |kind: Kind| {
            let all = Plan::all(&without, kind);
            let every = match is_whole() {
                true if settings.is_protected && kind != Kind::Singly => tls::every(),
                true if kind != Kind::Singly => every_in_clear(),
                true => 1,
                false => all.len().div_ceil(FEW),
            };
            // Not the same places for each.
            let first = kind as usize * 7 % every;
            let plans = all.into_iter().skip(first).step_by(every).collect();
            let is_impatient = kind == Kind::Silence;
            let settings = Settings {
                is_impatient,
                ..settings
            };
            let at_once = if is_impatient {
                AT_ONCE_IN_SILENCE
            } else {
                AT_ONCE
            };
            let ran = self.run(settings, plans, at_once);
            self.report(&ran, settings, kind);
            ran.len()
        };
        Kind::ALL.map(count).iter().sum()
    }

    /// Any faults, in long sessions.
    fn many_faults(&self, settings: Settings, with_silence: bool) -> usize {
        let settings = Settings {
            is_impatient: with_silence,
            ..settings
        };
        let plans = |seed| {
            let mut random = Random(seed);
            Plan::long(&mut random, settings.is_protected, with_silence)
        };
        let seeds = SEED..SEED + if is_whole() { MANY as u64 } else { 1 };
        println!(
            "{} {settings:?}: long sessions from {seeds:?}",
            self.adapter.name()
        );
        let ran = self.run(settings, seeds.map(plans).collect(), AT_ONCE);
        let what = match with_silence {
            true => "any in a long session, silence too",
            false => "any in a long session",
        };
        self.report(&ran, settings, what);
        ran.len()
    }

    /// Runs these, and looks what came of each.
    fn run(&self, settings: Settings, plans: Vec<Plan>, at_once: usize) -> Vec<Session> {
        let ran = run::run(self, settings, plans, at_once);
        let wrong = |session: &Session| {
            // Who loses patience soon may do so for other reasons.
            let others = || match session.must_go_on() && !settings.is_impatient {
                true => session.check_others(),
                false => Ok(()),
            };
            let wrong = session.check(settings).and_then(|()| others()).err()?;
            Some(format!("{wrong}\n{session}"))
        };
        let failures: Vec<String> = ran.iter().filter_map(wrong).collect();
        let few = &failures[..failures.len().min(FEW)];
        assert!(
            failures.is_empty(),
            "{}, {settings:?}: {} of {} failed:\n{}",
            self.adapter.name(),
            failures.len(),
            ran.len(),
            few.join("\n")
        );
        ran
    }

    fn report(&self, ran: &[Session], settings: Settings, what: impl fmt::Display) {
        let mut tally = Tally::default();
        for session in ran {
            session.count(&mut tally);
        }
        let place = format!("{} | {settings}", self.adapter.name());
        tally.report_to("FAULTS_SOCKETS", place, what);
    }
}
