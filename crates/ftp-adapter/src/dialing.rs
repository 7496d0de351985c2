//! The parts of connecting and retrying without sockets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::connect::{Race, RaceStep};

use crate::Error;

/// The error if no address could be connected to.
///
/// An attempt without a result in time is reported as timed out.
pub fn lost(race: Race<io::Error>, end: RaceStep, after: Duration) -> Error {
    let timed_out = || io::ErrorKind::TimedOut.into();
    let failures = race.into_failures().into_iter();
    let attempts: Vec<(SocketAddr, io::Error)> = failures
        .map(|(address, error)| (address, error.unwrap_or_else(timed_out)))
        .collect();
    match end {
        RaceStep::TimedOut => Error::ConnectTimedOut { after, attempts },
        _ => Error::Connect(attempts),
    }
}

/// A random number that spreads the retries of many clients; not for secrets.
pub fn jitter() -> u64 {
    // Each `RandomState` has keys from the system's random numbers.
    RandomState::new().build_hasher().finish()
}
