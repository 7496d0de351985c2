//! The misbehaving peers: peers that break every rule, and what must come of each.
//!
//! * [`Case`]: one of them. They are text, in the folder `misbehaving` of this crate, whose README
//!   documents the format; [`servers`] and [`clients`] read them.
//! * [`Step`]: what a scripted peer does, byte by byte; [`play`] does it on a socket. It knows no
//!   FTP, so nothing makes it behave.
//! * [`try_client_machine`] and [`try_server_machine`]: play what needs no socket to the machines, in
//!   memory and on virtual time.
//! * [`ClientUnderTest`] and [`ServerUnderTest`]: what an adapter implements in its own tests, and
//!   [`try_client`] and [`try_server`], which let it meet the others.
//!
//! Silence is met by the machine's own deadlines, made short for that one case, and everything else
//! by deadlines that are long. A watchdog turns a hang into a failure. `examples/faulty_servers.rs`
//! serves the cases to any other client.

mod case;
mod memory;
mod outcome;
mod play;
mod script;
mod try_client;
mod try_server;

pub use case::{Case, Protected, clients, servers};
pub use memory::{try_client_machine, try_server_machine};
pub use outcome::{Fault, Outcome};
pub use play::{Heard, Parts, play};
pub use script::{Side, Step};
#[cfg(feature = "adapters")]
pub(crate) use try_client::Certificates;
pub use try_client::{ClientUnderTest, Setup, listen_and_play};
pub use try_server::{Record, ServerEnd, ServerOutcome, ServerSetup, ServerUnderTest};

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// Lets a client meet every misbehaving server that needs a socket ([`Case::needs_sockets`]), and one
/// for each other end.
///
/// # Panics
/// If any login ended otherwise than it must, said what it must not, or did not end.
pub fn try_client(client: impl ClientUnderTest) {
    try_client::try_all(case::over_sockets(servers()), client);
}

/// Lets a server meet every misbehaving client that needs a socket, and one for each other end.
///
/// # Panics
/// If any connection ended otherwise than it must, or did not end.
pub fn try_server(server: impl ServerUnderTest) {
    try_server::try_all(case::over_sockets(clients()), server);
}

/// The name to log in with.
pub const USER: &str = "developer";
/// Its password, which no case may reveal.
pub const PASSWORD: &str = "correct horse sentinel";
/// Its account, where one is asked for.
pub const ACCOUNT: &str = "night shift sentinel";

/// Longer than anything takes: a case that is not done by then hangs.
const WATCHDOG: Duration = Duration::from_secs(30);
/// How many cases run at a time.
const AT_A_TIME: usize = 16;

/// Tries every case, a few at a time.
///
/// # Panics
/// If one fails, panics, or is not done within the watchdog's time.
fn watched(
    cases: Vec<Case>,
    try_case: impl Fn(&Case) -> Result<(), String> + Send + Sync + 'static,
) {
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    let mut results: Vec<_> = cases.iter().map(|_| None).collect();
    let cases = Arc::new(Mutex::new(cases.into_iter().enumerate()));
    let try_case = Arc::new(try_case);
    let (done, came) = mpsc::channel();
    for _ in 0..AT_A_TIME {
        let (cases, try_case, done) = (Arc::clone(&cases), Arc::clone(&try_case), done.clone());
        std::thread::spawn(move || {
            loop {
                let next = cases.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((number, case)) = next else {
                    return;
                };
                if done.send((number, try_case(&case))).is_err() {
                    return; // given up
                }
            }
        });
    }
    drop(done);
    while let Ok((number, result)) = came.recv_timeout(WATCHDOG) {
        results[number] = Some(result);
    }
    let hangs = || Err("it hangs, or a panic ended it".to_owned());
    report(
        names
            .iter()
            .zip(results)
            .map(|(name, result)| (name, result.unwrap_or_else(hangs))),
    );
}

/// Fails if a result is not as it must be.
fn report<'a>(results: impl Iterator<Item = (&'a String, Result<(), String>)>) {
    let failures: Vec<String> = results
        .filter_map(|(name, result)| Some(format!("{name}: {}", result.err()?)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} cases led to what they must not:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
