//! The misbehaving peers: peers that break every rule, as data, and what must come of each.
//!
//! * [`Step`]: what a scripted peer does, byte by byte; [`play`] does it on a socket. It knows no
//!   FTP, so nothing makes it behave.
//! * [`servers`]: misbehaving servers, each with the [`Outcome`] that a client must report.
//! * [`clients`]: misbehaving clients, each with what it must hear and how the server must end.
//! * [`ClientUnderTest`] and [`ServerUnderTest`]: what an adapter implements in its own tests, and
//!   [`try_client`] and [`try_server`], which let it meet all of them.
//!
//! What must come is written by type, never by wall time: silence is met by the machine's own
//! deadlines, made short for that one case, and everything else by deadlines that are long. A
//! watchdog turns a hang into a failure. `examples/faulty_servers.rs` serves the cases to any other client.

pub mod clients;
mod outcome;
mod play;
mod script;
pub mod servers;
mod try_client;
mod try_server;

pub use outcome::{Fault, Outcome};
pub use play::{Heard, Parts, play};
pub use script::Step;
#[cfg(feature = "adapters")]
pub(crate) use try_client::Certificates;
pub use try_client::{ClientUnderTest, FaultyServer, Setup, Then, listen_and_play};
pub use try_server::{
    FaultyClient, Record, ServerEnd, ServerOutcome, ServerSetup, ServerUnderTest,
};

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// Lets a client meet every misbehaving server.
///
/// # Panics
/// If any login ended otherwise than it must, said what it must not, or did not end.
pub fn try_client(client: impl ClientUnderTest) {
    try_client::try_all(servers::all(), client);
}

/// Lets a server meet every misbehaving client.
///
/// # Panics
/// If any connection ended otherwise than it must, or did not end.
pub fn try_server(server: impl ServerUnderTest) {
    try_server::try_all(clients::all(), server);
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

/// Does `work` on every item, a few at a time, and gives the results in order. `None` for those
/// that were not done within the watchdog's time.
fn watched<I, R>(items: Vec<I>, work: impl Fn(I) -> R + Send + Sync + 'static) -> Vec<Option<R>>
where
    I: Send + 'static,
    R: Send + 'static,
{
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let items = Arc::new(Mutex::new(items.into_iter().enumerate()));
    let work = Arc::new(work);
    let (done, came) = mpsc::channel();
    for _ in 0..AT_A_TIME {
        let (items, work, done) = (Arc::clone(&items), Arc::clone(&work), done.clone());
        std::thread::spawn(move || {
            loop {
                let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((number, item)) = next else {
                    return;
                };
                if done.send((number, work(item))).is_err() {
                    return; // given up
                }
            }
        });
    }
    drop(done);
    while let Ok((number, result)) = came.recv_timeout(WATCHDOG) {
        results[number] = Some(result);
    }
    results
}

/// Fails if a result is not as it must be.
fn report(names: &[&str], results: Vec<Option<Result<(), String>>>) {
    let failures: Vec<String> = names
        .iter()
        .zip(results)
        .filter_map(|(name, result)| match result {
            None => Some(format!("{name}: it hangs, or a panic ended it")),
            Some(Err(what)) => Some(format!("{name}: {what}")),
            Some(Ok(())) => None,
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases led to what they must not:\n{}",
        failures.len(),
        names.len(),
        failures.join("\n")
    );
}
