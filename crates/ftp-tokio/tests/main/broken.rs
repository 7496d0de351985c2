//! Clients that leave in every way a socket knows.

use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_tokio::ftp_guard::{Guard, GuardConfig, Seed};
use ftp_tokio::{Server, SharedGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Scene {
    running: Running,
    guard: SharedGuard,
    log: Log,
}

impl Scene {
    async fn start(check_time: Duration) -> Self {
        let (log, guard) = (
            Log::default(),
            Guard::new(GuardConfig::new(), Seed::new([7; 16])),
        );
        let guard = SharedGuard::new(guard);
        let server = Server::new(Arc::new(plain_server()), None).unwrap();
        let handler = OneUser {
            check_time,
            log: log.clone(),
            ..OneUser::default()
        };
        let running = Running::start(server.guard(guard.clone()), handler).await;
        Self {
            running,
            guard,
            log,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.running.address).await.unwrap()
    }

    /// Waits until the log has this.
    async fn logs(&self, part: &str) {
        for _ in 0..1000 {
            if self.log.contains(part) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no {part:?}: {:?}", self.log.lines());
    }

    /// Waits until every place is given back, then sees the server serve.
    async fn ends(self) {
        for _ in 0..1000 {
            if self.guard.with(|guard, _| guard.connections()) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.guard.with(|guard, _| guard.connections()), 0);
        let mut next = self.connect().await;
        assert_eq!(hear(&mut next, 1).await, ["220"]);
        self.running.stop().await;
    }
}

/// The codes of this many one-line replies.
async fn hear(stream: &mut TcpStream, replies: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.iter().filter(|byte| **byte == b'\n').count() < replies {
        heard.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(heard).unwrap();
    text.lines().map(|line| line[..3].to_owned()).collect()
}

fn login() -> String {
    format!("USER {USER}\r\nPASS {PASSWORD}\r\n")
}

#[tokio::test]
async fn a_half_closed_client_hears_its_answers_and_then_the_end() {
    let scene = Scene::start(Duration::ZERO).await;
    let mut client = scene.connect().await;
    client
        .write_all(b"NOOP\r\nSYST\r\nUSER x\r\nNOOP")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    let codes: Vec<_> = heard.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "200", "215", "331"]);
    scene.logs("closed: the client closed the connection").await;
    scene.ends().await;
}

#[tokio::test]
async fn a_reset_ends_a_session_wherever_it_comes() {
    for (said, replies) in [
        (String::new(), 1),
        ("USER x\r\n".to_owned(), 2),
        ("AUTH TLS\r\n".to_owned(), 2),
        (login(), 3),
    ] {
        let scene = Scene::start(Duration::ZERO).await;
        let mut client = scene.connect().await;
        client.write_all(said.as_bytes()).await.unwrap();
        hear(&mut client, replies).await;
        client.set_zero_linger().unwrap();
        drop(client);
        scene
            .logs("1 closed: the client closed the connection")
            .await;
        scene.ends().await;
    }
}

/// It is noticed at once, what was guessed counts, and the verdict, right or not, is nobody's.
#[tokio::test]
async fn a_reset_during_the_check_drops_the_verdict() {
    for password in ["wrong", PASSWORD] {
        let scene = Scene::start(Duration::from_millis(300)).await;
        let mut client = scene.connect().await;
        let guess = format!("USER {USER}\r\nPASS {password}\r\n");
        client.write_all(guess.as_bytes()).await.unwrap();
        hear(&mut client, 2).await;
        client.set_zero_linger().unwrap();
        drop(client);
        scene.logs(&format!("checked {USER}")).await;
        scene
            .logs("1 closed: the client closed the connection")
            .await;
        assert!(!scene.log.contains("LoggedIn"), "{:?}", scene.log.lines());
        let failures = scene.guard.with(|guard, _| guard.statistics().failures);
        assert_eq!(failures, u64::from(password != PASSWORD));
        scene.ends().await;
    }
}
