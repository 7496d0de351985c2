//! Long sessions with faults at random: of data connections any, of the control connection delays, and in the end
//! perhaps one that breaks it.

use ftp_proto::client::TransferError;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::line::{Fault, Kind, Way};
use super::{Done, Job, Plan, Tally, Where};

/// Transfers in a session, each followed by a question.
const TRANSFERS: std::ops::Range<usize> = 10..60;

/// How many bytes a transfer may carry at most, more or less.
fn reach(is_protected: bool) -> usize {
    if is_protected { 1500 } else { 40 }
}

fn way() -> impl Strategy<Value = Way> + Clone {
    select(vec![Way::ToClient, Way::ToServer])
}

fn plan(is_protected: bool) -> impl Strategy<Value = Plan> {
    let transfer = select(vec![Job::Fetch, Job::Bring, Job::List]);
    // In clear an upload that ends early looks like a whole one.
    let ends = if is_protected { Kind::End } else { Kind::Cut };
    let kinds = select(vec![
        Kind::Reset,
        Kind::Cut,
        Kind::Silence,
        Kind::Delay(3),
        ends,
    ]);
    let reach = reach(is_protected);
    let hurt = (
        TRANSFERS.start..TRANSFERS.end,
        0..reach,
        way(),
        kinds.clone(),
    );
    let slow = (1..100 * reach, way());
    let broken = proptest::option::of((1..60 * reach, way(), kinds));
    (
        vec(transfer, TRANSFERS),
        vec(hurt, 0..12),
        vec(slow, 0..4),
        broken,
        any::<bool>(),
    )
        .prop_map(move |(transfers, hurt, slow, broken, asks_ahead)| {
            let count = transfers.len();
            let jobs: Vec<Job> = transfers
                .into_iter()
                .flat_map(|job| [job, Job::Ask])
                .collect();
            let mut plan = Plan::new(&[&jobs[..], &[Job::Quit]].concat(), is_protected);
            if asks_ahead {
                plan = plan.asking_ahead();
            }
            for (at, after, way, kind) in hurt {
                plan = plan.with(Where::Data(at % count), Fault { way, after, kind });
            }
            for (after, way) in slow {
                let kind = Kind::Delay(3);
                plan = plan.with(Where::Control, Fault { way, after, kind });
            }
            if let Some((after, way, kind)) = broken {
                plan = plan.with(Where::Control, Fault { way, after, kind });
            }
            plan
        })
}

/// Runs so many sessions.
fn many(cases: u32, is_protected: bool) {
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let tally = std::cell::RefCell::new(Tally::default());
    let ran = runner.run(&plan(is_protected), |plan| {
        let session = plan.run();
        session.check();
        tally.borrow_mut().count(&session, plan.jobs.len());
        let breaks = |(place, fault): &(Where, Fault)| {
            *place == Where::Control && !matches!(fault.kind, Kind::Delay(_))
        };
        if plan.faults.iter().any(breaks) {
            return Ok(());
        }
        let hurt = |at: usize| {
            let is_here = move |(place, _): &&(Where, Fault)| *place == Where::Data(at);
            plan.faults.iter().filter(is_here)
        };
        let transferred = session.client.done.iter().filter_map(|done| match done {
            Done::Transferred(_, outcome, _) => Some(outcome),
            Done::Answered(_) => None,
        });
        // What nothing befell is whole.
        let outcomes: Vec<_> = transferred.collect();
        for (at, outcome) in outcomes.iter().enumerate() {
            assert!(outcome.is_ok() || hurt(at).count() > 0, "transfer {at}");
        }
        // It goes on to the end, unless the server noticed so late that nothing came that the client had waited
        // long enough for its reply.
        if session.client.done.len() + 1 < plan.jobs.len() {
            let last = outcomes.len() - 1;
            assert_eq!(outcomes[last].as_ref().err(), Some(&TransferError::Unknown));
            assert!(hurt(last).any(|(_, fault)| fault.kind == Kind::Silence));
        }
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    let place = format!("both, {}, long", Plan::new(&[], is_protected).name());
    tally.into_inner().report(place, "any, at random");
}

/// As many as the report has, or fewer.
fn cases(few: u32, many: u32) -> u32 {
    if std::env::var_os("FAULTS_REPORT").is_some() {
        many
    } else {
        few
    }
}

#[test]
fn long_sessions_go_on_behind_any_faults_of_data_connections() {
    many(cases(100, 10_000), false);
}

#[test]
fn long_sessions_under_tls_go_on_behind_any_faults_of_data_connections() {
    many(cases(3, 100), true);
}
