//! Times all programs by turns, so that what else the machine does hits all of them alike.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::{self, Logins};
use crate::servers;

/// How many turns each has, and how many logins are in one.
const TURNS: usize = 200;
const LOGINS: u32 = 20;

/// The clients whose names contain this, against one canned server.
pub fn clients(part: &str) {
    let canned = serving(|listener| servers::canned(&listener, Duration::ZERO));
    let named = clients::ALL.iter().filter(|(name, _)| name.contains(part));
    table("client", named.map(|(name, new)| (*name, new(canned))));
}

/// The servers whose names contain this, against the bare client.
pub fn servers(part: &str) {
    let (_, bare) = clients::ALL[0];
    let named = servers::ALL.iter().filter(|(name, _)| name.contains(part));
    let named = named.map(|(name, serve)| {
        let server = serving(serve);
        clients::await_server(server);
        (*name, bare(server))
    });
    table("server", named);
}

/// A server in a thread of its own, for as long as the process lives.
pub fn serving(serve: impl FnOnce(TcpListener) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || serve(listener));
    address
}

/// The fastest turn of each: what other programs take of the processor can only make one slower.
fn table(side: &str, programs: impl Iterator<Item = (&'static str, Logins)>) {
    let mut programs: Vec<_> = programs
        .map(|(name, log_in)| (name, log_in, Duration::MAX))
        .collect();
    for _ in 0..TURNS {
        for (_, log_in, fastest) in &mut programs {
            let start = Instant::now();
            log_in(LOGINS.into());
            *fastest = start.elapsed().min(*fastest);
        }
    }
    println!("| {side} | time | logins per second | beside the bare one |");
    println!("|---|---:|---:|---:|");
    let mut bare = None;
    for (name, _, fastest) in programs {
        let seconds = (fastest / LOGINS).as_secs_f64();
        let is_bare = name.starts_with("bare_") || name.starts_with("canned_");
        if is_bare && !name.ends_with("_with_deadlines") {
            bare = Some(seconds);
        }
        let beside = bare.map_or(String::new(), |bare| format!("{:.2}", bare / seconds));
        let (time, rate) = (seconds * 1e6, 1.0 / seconds);
        println!("| {name} | {time:.1} µs | {rate:.0} | {beside} |");
    }
}
