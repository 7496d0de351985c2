//! Every phase has an end, on paused time.

use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_proto::client::{self, Timeouts};
use ftp_proto::wire::Code;
use ftp_tokio::{Connector, Error, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

/// A server that says these replies, one before the first command and one after each, and then
/// falls silent but stays.
fn scripted(replies: &'static [&'static str]) -> DuplexStream {
    let (near, mut far) = tokio::io::duplex(256);
    tokio::spawn(async move {
        for (index, reply) in replies.iter().enumerate() {
            if index > 0 {
                while far.read_u8().await.unwrap() != b'\n' {}
            }
            far.write_all(reply.as_bytes()).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    near
}

async fn fail(replies: &'static [&'static str]) -> Error {
    let account = ftp_proto::Account::new(ACCOUNT).unwrap();
    let step = Timeouts::uniform(Duration::from_secs(7));
    let config = plain(login().account(account)).timeouts(step);
    let begun = Instant::now();
    let error = Connector::new(config)
        .over(scripted(replies), "localhost")
        .await
        .unwrap_err();
    let elapsed = begun.elapsed();
    assert!(elapsed <= Duration::from_secs(8), "{elapsed:?}: {error}");
    error
}

#[tokio::test(start_paused = true)]
async fn silence_in_any_phase_times_out_there() {
    for (phase, replies) in [
        ("greeting", &[][..]),
        ("greeting", &["22"]),
        ("greeting", &["220-Welcome\r\n"]),
        ("user", &["220 Ready.\r\n"]),
        ("password", &["220 Ready.\r\n", "331 Go on.\r\n"]),
        (
            "account",
            &["220 Ready.\r\n", "331 Go on.\r\n", "332 Go on.\r\n"],
        ),
    ] {
        let error = fail(replies).await;
        assert!(
            matches!(error, Error::Protocol(client::Error::TimedOut { .. })),
            "{error}"
        );
        assert_eq!(error.phase_name(), phase, "{error}");
        let password_sent = matches!(phase, "password" | "account");
        assert_eq!(error.is_transient(), !password_sent, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_421_in_any_phase_says_so() {
    for (phase, replies) in [
        ("greeting", &["421 Later.\r\n"][..]),
        ("user", &["220 Ready.\r\n", "421 Later.\r\n"]),
        (
            "password",
            &["220 Ready.\r\n", "331 Go on.\r\n", "421 Later.\r\n"],
        ),
    ] {
        let error = fail(replies).await;
        assert_eq!(
            error.reply().map(|reply| reply.code()),
            Some(Code::SERVICE_UNAVAILABLE)
        );
        assert_eq!(error.phase_name(), phase, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_120_gives_the_greeting_more_time() {
    let (near, mut far) = tokio::io::duplex(256);
    let step = Timeouts::uniform(Duration::from_secs(7));
    tokio::spawn(async move {
        for reply in ["120 Soon.\r\n", "120 Soon.\r\n", "220 Ready.\r\n"] {
            tokio::time::sleep(Duration::from_secs(5)).await;
            far.write_all(reply.as_bytes()).await.unwrap();
        }
        while far.read_u8().await.unwrap() != b'\n' {}
        far.write_all(b"230 Logged in.\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let config = plain(login()).timeouts(step);
    Connector::new(config)
        .over(near, "localhost")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_is_given_up() {
    let (near, mut far) = tokio::io::duplex(4);
    tokio::spawn(async move {
        far.write_all(b"220 Ready.\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let config = plain(login()).timeouts(Timeouts::uniform(Duration::from_secs(7)));
    let error = Connector::new(config)
        .over(near, "localhost")
        .await
        .unwrap_err();
    assert_eq!(error.phase_name(), "user");
    assert!(error.to_string().contains("did not take"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_does_not_keep_quit_waiting() {
    let replies = &["220 Ready.\r\n", "230 In.\r\n"];
    let config = plain(login()).timeouts(Timeouts::uniform(Duration::from_secs(7)));
    let client = Connector::new(config)
        .over(scripted(replies), "localhost")
        .await
        .unwrap();
    let begun = Instant::now();
    // The login is done; that nobody says goodbye is no error.
    client.quit().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_logs_in_is_told_421_in_time() {
    for (line, expected, after) in [
        ("", "421", 30),
        ("NOOP\r\n", "421", 60),
        ("USER developer\r\n", "421", 60),
    ] {
        let server = Server::new(Arc::new(plain_server()), None).unwrap();
        let mut wire = serve_one(server, OneUser::default(), 1024);
        let begun = Instant::now();
        wire.write_all(line.as_bytes()).await.unwrap();
        let mut heard = String::new();
        wire.read_to_string(&mut heard).await.unwrap();
        assert_eq!(&heard.lines().last().unwrap()[..3], expected, "{heard}");
        assert_eq!(begun.elapsed().as_secs(), after, "{heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_login_deadline_passes_while_the_handler_is_at_work() {
    let handler = OneUser {
        check_time: Duration::from_secs(80),
        ..OneUser::default()
    };
    let log = handler.log.clone();
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let mut wire = serve_one(server, handler, 1024);
    let begun = Instant::now();
    wire.write_all(format!("USER {USER}\r\nPASS {PASSWORD}\r\n").as_bytes())
        .await
        .unwrap();
    let mut heard = String::new();
    wire.read_to_string(&mut heard).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 60, "{heard}");
    assert_eq!(&heard.lines().last().unwrap()[..3], "421", "{heard}");
    // The check itself is waited for, and its verdict is dropped.
    assert!(!log.contains("checked"));
    tokio::time::sleep(Duration::from_secs(81)).await;
    assert!(
        log.contains("checked") && !log.contains("LoggedIn"),
        "{:?}",
        log.lines()
    );
    assert!(log.contains("1 closed: not logged in within the time allowed"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_the_check_is_still_counted() {
    let handler = OneUser {
        check_time: Duration::from_secs(3),
        ..OneUser::default()
    };
    let log = handler.log.clone();
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let mut wire = serve_one(server, handler, 1024);
    wire.write_all(format!("USER {USER}\r\nPASS guess\r\n").as_bytes())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(wire);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(log.contains("checked developer"), "{:?}", log.lines());
    assert!(
        log.contains("1 closed: the client closed"),
        "{:?}",
        log.lines()
    );
}
