//! A pool of connections, shared by threads, to a server that runs full, and loses clients.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ftp_blocking::{Connector, Error, Login, Pool, PoolConfig};
use ftp_proto::client::{Config, Security};
use ftp_testkit::flaky::{FlakyFile, FlakyServer};

pub(crate) fn pool(server: &FlakyServer, config: PoolConfig) -> Pool {
    let login = Login::new("developer", "correct horse sentinel").unwrap();
    let plain = Config::new(login).security(Security::DangerousPlaintext);
    Pool::with_config(Connector::new(plain), server.address().to_string(), config)
}

#[test]
fn connections_are_opened_when_needed_and_used_again() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(2));
    for _ in 0..3 {
        pool.get().unwrap().command("NOOP").unwrap();
    }
    assert_eq!((pool.connections(), pool.idle()), (1, 1));
    drop((pool.get().unwrap(), pool.get().unwrap()));
    assert_eq!(pool.idle(), 2);
    pool.close();
    assert_eq!(server.state().count("QUIT"), 2);
    assert!(matches!(pool.get(), Err(Error::PoolClosed)));
}

#[test]
fn a_thread_that_waits_is_served_or_told_that_the_pool_is_closed() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(1));
    let held = pool.get().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.get().map(drop));
        drop(held);
        waiting.join().unwrap().unwrap();
        let _held = pool.get().unwrap();
        let (sender, started) = channel();
        let pool = &pool;
        let waiting = scope.spawn(move || {
            sender.send(()).unwrap();
            pool.get().map(drop)
        });
        started.recv().unwrap();
        pool.close();
        assert!(matches!(waiting.join().unwrap(), Err(Error::PoolClosed)));
    });
}

#[test]
fn a_server_that_is_full_lowers_the_bound_and_callers_wait() {
    let server = FlakyServer::start(2);
    let pool = pool(&server, PoolConfig::new(5));
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| pool.get().unwrap().command("NOOP").unwrap());
        }
    });
    assert_eq!(server.state().accepted(), 2);
    assert_eq!(server.state().count("NOOP"), 20);
    assert_eq!((pool.bound(), pool.connections()), (2, 2));
}

#[test]
fn a_connection_that_was_killed_is_replaced() {
    for check_after in [Duration::ZERO, Duration::from_secs(30)] {
        let server = FlakyServer::start(10);
        let pool = pool(&server, PoolConfig::new(1).check_after(check_after));
        drop(pool.get().unwrap());
        server.state().kill_all();
        pool.get().unwrap().command("NOOP").unwrap();
        assert_eq!(server.state().accepted(), 2);
        assert_eq!(pool.connections(), 1);
    }
}

#[test]
fn a_borrower_that_leaves_replies_behind_costs_its_connection_alone() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(1));
    let mut ftp = pool.get().unwrap();
    ftp.send("NOOP").unwrap();
    drop(ftp);
    assert_eq!(pool.connections(), 0);
    pool.get().unwrap().into_client().quit().unwrap();
    assert_eq!(pool.connections(), 0);
}

#[test]
fn an_aborter_of_one_borrower_aborts_nothing_of_the_next() {
    let server = FlakyServer::start(10);
    let bytes = vec![b'x'; 10_000];
    let file = FlakyFile { bytes, changed: 0 };
    server.state().files.insert("/f".into(), file);
    let pool = pool(&server, PoolConfig::new(1));
    let ftp = pool.get().unwrap();
    let aborter = ftp.aborter();
    drop(ftp);
    let mut ftp = pool.get().unwrap();
    let mut download = ftp.retrieve("/f").unwrap();
    aborter.abort();
    let mut received = Vec::new();
    assert_eq!(download.read_to_end(&mut received).unwrap(), 10_000);
    assert_eq!(server.state().accepted(), 1);
}
