//! A pool of connections to a server that runs full, and loses clients.

use std::time::Duration;

use ftp_testkit::flaky::{FlakyFile, FlakyServer};
use ftp_tokio::{Connector, Error, Pool, PoolConfig};
use tokio::task::JoinSet;

use crate::common::{login, plain};

fn pool(server: &FlakyServer, config: PoolConfig) -> Pool {
    let connector = Connector::new(plain(login()));
    Pool::with_config(connector, server.address().to_string(), config)
}

#[test]
fn a_pool_can_be_shared_between_tasks() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send>() {}
    shared::<Pool>();
    sent::<ftp_tokio::Pooled>();
}

#[tokio::test]
async fn connections_are_opened_when_needed_and_used_again() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(2));
    assert_eq!(pool.connections(), 0);
    for _ in 0..3 {
        pool.get().await.unwrap().command("NOOP").await.unwrap();
    }
    assert_eq!((pool.connections(), pool.idle()), (1, 1));
    let (first, second) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    assert_eq!((pool.connections(), pool.idle()), (2, 0));
    drop((first, second));
    assert_eq!(pool.idle(), 2);
    assert_eq!(server.state().accepted(), 2);
    pool.close().await;
    assert_eq!((pool.connections(), pool.idle()), (0, 0));
    assert_eq!(server.state().count("QUIT"), 2);
    assert!(matches!(pool.get().await, Err(Error::PoolClosed)));
}

#[tokio::test]
async fn callers_are_served_in_order_and_one_that_leaves_loses_nobodys_turn() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(1));
    let held = pool.get().await.unwrap();
    let (sender, mut served) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = Vec::new();
    for number in 0..6 {
        let (pool, sender) = (pool.clone(), sender.clone());
        waiting.push(tokio::spawn(async move {
            let mut ftp = pool.get().await.unwrap();
            ftp.command("NOOP").await.unwrap();
            sender.send(number).unwrap();
        }));
        // On this one thread, it runs until it waits.
        tokio::task::yield_now().await;
    }
    waiting[0].abort();
    waiting[3].abort();
    drop(held);
    for expected in [1, 2, 4, 5] {
        assert_eq!(served.recv().await, Some(expected));
    }
    // A waiting caller that was woken and leaves hands its turn on.
    let held = pool.get().await.unwrap();
    let mut first = Box::pin(pool.get());
    assert!(futures_poll(&mut first).await.is_none());
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop) }
    });
    tokio::task::yield_now().await;
    drop(held);
    drop(first);
    second.await.unwrap().unwrap();
}

/// The output, if it is there at once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_server_that_is_full_lowers_the_bound_and_callers_wait() {
    let server = FlakyServer::start(2);
    let pool = pool(&server, PoolConfig::new(5));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut ftp = pool.get().await?;
            ftp.command("NOOP").await.map(drop)
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(server.state().accepted(), 2);
    assert_eq!(server.state().count("NOOP"), 20);
    assert_eq!((pool.bound(), pool.connections()), (2, 2));
}

#[tokio::test]
async fn room_that_the_server_has_again_is_found_after_a_pause() {
    let server = FlakyServer::start(1);
    let config = PoolConfig::new(3).bound_pause(Duration::from_millis(50));
    let pool = pool(&server, config);
    let _held = pool.get().await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop) }
    });
    while pool.bound() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.state().room = 2;
    waiting.await.unwrap().unwrap();
    assert_eq!((pool.bound(), pool.connections()), (2, 2));
}

#[tokio::test]
async fn a_server_that_is_full_from_the_start_is_an_error() {
    let server = FlakyServer::start(0);
    let pool = pool(&server, PoolConfig::new(3));
    let error = pool.get().await.unwrap_err();
    assert_eq!(error.code().map(|code| code.get()), Some(421));
    assert_eq!(pool.connections(), 0);
    server.state().room = 1;
    pool.get().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_killed_is_replaced() {
    for check_after in [Duration::ZERO, Duration::from_secs(30)] {
        let server = FlakyServer::start(10);
        let pool = pool(&server, PoolConfig::new(1).check_after(check_after));
        drop(pool.get().await.unwrap());
        server.state().kill_all();
        while server.state().open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What the kernel knows, the runtime learns in its next round.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut ftp = pool.get().await.unwrap();
        ftp.command("NOOP").await.unwrap();
        assert_eq!(server.state().accepted(), 2);
        assert_eq!(pool.connections(), 1);
    }
}

#[tokio::test]
async fn only_what_was_idle_for_long_is_tried() {
    let server = FlakyServer::start(10);
    let checking = pool(&server, PoolConfig::new(1).check_after(Duration::ZERO));
    drop(checking.get().await.unwrap());
    drop(checking.get().await.unwrap());
    assert_eq!(server.state().count("NOOP"), 1);
    let trusting = pool(&server, PoolConfig::new(1));
    drop(trusting.get().await.unwrap());
    drop(trusting.get().await.unwrap());
    assert_eq!(server.state().count("NOOP"), 1);
}

#[tokio::test]
async fn a_borrower_that_leaves_replies_behind_costs_its_connection_alone() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(1));
    let mut ftp = pool.get().await.unwrap();
    ftp.send("NOOP").unwrap();
    drop(ftp);
    assert_eq!(pool.connections(), 0);
    pool.get().await.unwrap().command("NOOP").await.unwrap();
    // One that is taken out is not counted any more.
    let client = pool.get().await.unwrap().into_client();
    assert_eq!(pool.connections(), 0);
    client.quit().await.unwrap();
}

#[tokio::test]
async fn a_download_that_was_dropped_leaves_a_connection_that_goes_on() {
    let server = FlakyServer::start(10);
    let file = FlakyFile {
        bytes: vec![b'x'; 10_000_000],
        changed: 0,
    };
    server.state().files.insert("/big".into(), file);
    let pool = pool(&server, PoolConfig::new(1));
    let mut ftp = pool.get().await.unwrap();
    let mut download = ftp.retrieve("/big").await.unwrap();
    assert!(download.read(&mut [0; 100]).await.unwrap() > 0);
    drop(download);
    drop(ftp);
    assert_eq!(pool.idle(), 1);
    let mut ftp = pool.get().await.unwrap();
    assert_eq!(ftp.command("TYPE I").await.unwrap().code().get(), 200);
    assert_eq!(server.state().accepted(), 1);
}
