//! How many round trips a transfer takes, from the application's call until its outcome, after a login: both machines on
//! a wire of fixed latency, on virtual time. A connection costs one: its own handshake.
//!
//! What docs/ROUNDTRIPS.md says of our client is this table, and a change that costs a round trip, or saves one, does
//! not pass here.

use std::time::Duration;

use crate::faults::{Job, Plan};

/// Half a round trip.
const LATENCY: Duration = Duration::from_millis(50);
const MANY: usize = 100;

/// What is moved; round trips in clear, and under TLS 1.3; and both where `EPSV` is sent with the command before.
const TAKES: [(&str, &[Job], [u32; 4]); 4] = [
    // TYPE, EPSV, TCP, RETR. Under TLS the server sends when the client has ended the handshake.
    ("one small file down", &[Job::Fetch], [5, 6, 5, 6]),
    ("one small file up", &[Job::Bring], [4, 5, 4, 5]),
    ("a listing", &[Job::List], [5, 6, 5, 6]),
    // TYPE once.
    (
        "100 small files down",
        &[Job::Fetch; MANY],
        [401, 501, 302, 402],
    ),
];

#[test]
fn a_transfer_takes_exactly_as_many_round_trips_as_it_must() {
    for (what, jobs, takes) in TAKES {
        let plan = |is_protected| {
            let jobs = [jobs, &[Job::Quit]].concat();
            Plan::new(&jobs, is_protected).distant(LATENCY)
        };
        let plans = [false, true].map(plan);
        let ahead = plans.clone().map(Plan::asking_ahead);
        let plans = [plans, ahead].concat();
        let took = plans.iter().map(|plan| {
            let session = plan.run();
            session.assert_all_whole();
            let took: Duration = session.times().iter().sum();
            took.div_duration_f64(LATENCY * 2)
        });
        assert!(took.eq(takes.map(f64::from)), "{what}");
    }
}

#[test]
fn the_table_of_transfers_in_the_documentation_is_this_one() {
    let rows = TAKES.map(|(what, _, takes)| {
        format!(
            "| {what} | {} |\n",
            takes.map(|count| count.to_string()).join(" | ")
        )
    });
    let documentation = include_str!("../../../../docs/ROUNDTRIPS.md");
    assert!(documentation.contains(&rows.concat()), "{}", rows.concat());
}
