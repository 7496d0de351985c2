//! Which faults befall which sessions.

use super::client::Job;
use super::proxy::{Fault, Kind};
use super::run::{Plan, Session};
use crate::faults::Where;
use crate::faults::line::Way;

/// A small session: fetches, stores, lists, and fetches again.
const SMALL: [Job; 4] = [Job::Fetch(40), Job::Store(30), Job::List, Job::Fetch(40)];
/// How long the files of long sessions are: none, one that comes with its end, and more than sockets hold.
const SIZES: [usize; 6] = [0, 1, 40, 1_000, 30_000, 700_000];
const WAYS: [Way; 2] = [Way::ToClient, Way::ToServer];

impl Plan {
    /// A small session without a fault.
    pub(super) fn small() -> Self {
        Self {
            jobs: SMALL.to_vec(),
            faults: Vec::new(),
        }
    }

    /// This fault at each byte of a session that went like this, and as soon as each connection stands.
    pub(super) fn all(without: &Session, kind: Kind) -> Vec<Self> {
        let mut plans = Vec::new();
        for (place, bytes) in &without.carried.bytes {
            for way in WAYS {
                let last = match kind {
                    // From the first one on.
                    Kind::Singly => 0,
                    _ => bytes[way as usize],
                };
                plans.extend((0..=last).map(|after| Self {
                    jobs: without.plan.jobs.clone(),
                    faults: vec![(*place, Fault { way, after, kind })],
                }));
            }
        }
        if kind == Kind::Singly {
            let all = plans.iter().flat_map(|plan| plan.faults.clone()).collect();
            let jobs = without.plan.jobs.clone();
            plans.push(Self { jobs, faults: all });
        }
        plans
    }

    /// A long session, with faults of its data connections, delays of its control connection, and perhaps a fault that
    /// breaks that.
    pub(super) fn long(random: &mut Random, is_protected: bool, with_silence: bool) -> Self {
        let jobs: Vec<Job> = (0..10 + random.below(30))
            .map(|_| match random.below(5) {
                0 | 1 => Job::Fetch(random.one(&SIZES)),
                2 | 3 => Job::Store(random.one(&SIZES)),
                _ => Job::List,
            })
            .collect();
        let mut breaks = vec![Kind::Reset, Kind::Reset, Kind::Late];
        let mut faults = Vec::new();
        if with_silence {
            breaks.push(Kind::Silence);
        }
        if random.below(3) == 0 {
            let kind = random.one(&[&breaks[..], &[Kind::End, Kind::Close]].concat());
            faults.push((Where::Control, random.fault(200 * jobs.len(), kind)));
        }
        for _ in 0..random.below(4) {
            let late = random.fault(150 * jobs.len(), Kind::Late);
            faults.push((Where::Control, late));
        }
        // In clear an upload that ends early looks like a whole one.
        if is_protected {
            breaks.extend([Kind::End, Kind::Close]);
        }
        for _ in 0..random.below(12) {
            let job = random.below(jobs.len());
            let reach = match jobs[job] {
                Job::Fetch(size) | Job::Store(size) => size + 1,
                Job::List => 300,
            };
            // Under TLS there is a handshake besides.
            let reach = reach + if is_protected { 1_500 } else { 0 };
            let kind = random.one(&breaks);
            faults.push((Where::Data(job), random.fault(reach, kind)));
        }
        Self { jobs, faults }
    }
}

/// Numbers that look like random ones, the same each time: SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn fault(&mut self, reach: usize, kind: Kind) -> Fault {
        Fault {
            way: self.one(&WAYS),
            after: self.below(reach),
            kind,
        }
    }
}
