//! TLS over `tokio::io::duplex`, on paused time: byte by byte, dropped at every await, timed out,
//! injected into, and taken off again.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::common::*;
use ftp_proto::client::{self, DataProtection, Misuse, PeerFault, Timeouts};
use ftp_proto::server;
use ftp_proto::wire::Code;
use ftp_tokio::{Client, Connecting, Connector, Error, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

fn start(
    client: client::Config,
    server: server::Config,
    buffer: usize,
) -> Connecting<DuplexStream> {
    let tls = Tls::made();
    let server = Server::new(Arc::new(server), Some(tls.server)).unwrap();
    let wire = serve_one(server, OneUser::default(), buffer);
    Connector::new(client)
        .tls(tls.client)
        .start(wire, "localhost")
        .unwrap()
}

fn explicit(buffer: usize) -> Connecting<DuplexStream> {
    start(client::Config::new(login()), server::Config::new(), buffer)
}

fn implicit(buffer: usize) -> Connecting<DuplexStream> {
    start(
        client::Config::new(login()).security(client::Security::ImplicitTls),
        server::Config::new().security(server::Security::ImplicitTls),
        buffer,
    )
}

async fn check(mut client: Client<DuplexStream>) {
    assert!(client.session().unwrap().tls.is_some());
    assert_eq!(
        client.command("SITE WHO").await.unwrap().text(),
        b"developer true"
    );
    client.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tls_needs_no_more_room_than_a_byte() {
    check(explicit(1).await.unwrap()).await;
    check(implicit(1).await.unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_login_under_tls_dropped_at_every_await_goes_on() {
    for mut connecting in [explicit(50), implicit(50)] {
        let mut drops = 0;
        let client = loop {
            let mut attempt = pin!(&mut connecting);
            match attempt
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Ready(client) => break client.unwrap(),
                Poll::Pending => drops += 1,
            }
            tokio::task::yield_now().await;
        };
        assert!(drops > 10);
        check(client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_can_be_pipelined() {
    let config = client::Config::new(login()).pipelining(true);
    check(start(config, server::Config::new(), 1024).await.unwrap()).await;
}

/// What a server does that consents to TLS, says this, and falls silent.
async fn consents_and_says(more: &'static [u8]) -> Error {
    let (near, mut far) = tokio::io::duplex(256);
    tokio::spawn(async move {
        far.write_all(b"220 Ready.\r\n").await.unwrap();
        while far.read_u8().await.unwrap() != b'\n' {}
        far.write_all(&[b"234 Go ahead.\r\n", more].concat())
            .await
            .unwrap();
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
    });
    let config = client::Config::new(login()).timeouts(Timeouts::uniform(Duration::from_secs(7)));
    Connector::new(config)
        .tls(Tls::made().client)
        .over(near, "localhost")
        .await
        .unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_timed_out() {
    let begun = tokio::time::Instant::now();
    let error = consents_and_says(b"").await;
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    let timeout = client::Timeout::Handshake;
    assert!(
        matches!(&error, Error::Protocol(client::Error::TimedOut { what, .. }) if *what == timeout),
        "{error:?}"
    );
    assert_eq!(
        (error.phase_name(), error.is_transient()),
        ("security", true)
    );
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_the_234_are_an_injection() {
    let error = consents_and_says(b"331 Injected.\r\n").await;
    match error {
        Error::Protocol(client::Error::PeerFault { fault, .. }) => {
            assert_eq!(fault, PeerFault::BytesBeforeTlsSwitch);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_auth_are_an_injection() {
    let handler = OneUser::default();
    let log = handler.log.clone();
    let server = Server::new(Arc::new(server::Config::new()), Some(Tls::made().server)).unwrap();
    let mut wire = serve_one(server, handler, 1024);
    wire.write_all(b"AUTH TLS\r\nUSER developer\r\n")
        .await
        .unwrap();
    let mut heard = Vec::new();
    wire.read_to_end(&mut heard).await.unwrap();
    assert!(!heard.windows(4).any(|part| part == b"331 "));
    drop(wire);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(log.contains("injection"), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn the_control_connection_goes_back_to_clear_only_by_consent() {
    let allowing = || client::Config::new(login()).clear_command_channel(true);
    let mut client = start(
        allowing(),
        server::Config::new().clear_command_channel(true),
        256,
    )
    .await
    .unwrap();
    client.clear_command_channel().await.unwrap();
    assert!(client.session().unwrap().tls.is_none());
    assert_eq!(
        client.command("SITE WHO").await.unwrap().text(),
        b"developer false"
    );
    client.quit().await.unwrap();

    let mut client = start(allowing(), server::Config::new(), 256).await.unwrap();
    let error = client.clear_command_channel().await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::REQUEST_DENIED)
    );
    check(client).await;

    let mut client = explicit(256).await.unwrap();
    let error = client.clear_command_channel().await.unwrap_err();
    assert!(
        matches!(error, Error::Misuse(Misuse::NotAllowed)),
        "{error}"
    );
    check(client).await;
}

#[tokio::test(start_paused = true)]
async fn rein_keeps_tls() {
    let config = client::Config::new(login()).data_protection(DataProtection::Preferred);
    let mut client = start(config, server::Config::new(), 256).await.unwrap();
    client.reinitialize(login()).await.unwrap();
    check(client).await;
}

/// What the client writes is taken, or not even that; nothing comes back.
#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_before_quit_is_left_soon_and_without_an_error() {
    for takes in [true, false] {
        let tls = Tls::made();
        let server = Server::new(Arc::new(server::Config::new()), Some(tls.server)).unwrap();
        let mut wire = serve_one(server, OneUser::default(), 1024);
        // Without room to spare: what is not read blocks the client's writes.
        let (near, mut far) = tokio::io::duplex(16);
        let (fall_silent, silent) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut far, &mut wire) => {}
                _ = silent => {}
            }
            while takes && far.read_u8().await.is_ok() {}
            std::future::pending::<()>().await;
        });
        let connector = Connector::new(client::Config::new(login())).tls(tls.client);
        let client = connector.over(near, "localhost").await.unwrap();
        fall_silent.send(()).unwrap();
        let begun = tokio::time::Instant::now();
        client.quit().await.unwrap();
        // The answer's three seconds, and what closing a transport may take.
        let elapsed = begun.elapsed();
        assert!(elapsed <= Duration::from_secs(8), "{elapsed:?}");
    }
}
