//! The step before a session, and the connections that never become one, over loopback sockets.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_tokio::ftp_guard::{Guard, GuardConfig, Seed};
use ftp_tokio::{Server, SharedGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

fn server() -> Server {
    Server::new(Arc::new(plain_server()), None).unwrap()
}

fn handler(log: &Log) -> OneUser {
    OneUser {
        log: log.clone(),
        ..OneUser::default()
    }
}

/// What a client hears until the end, which may be a reset.
async fn all_that_is_said(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(heard).unwrap()
}

/// A client says in its first byte who it is: 192.0.2.that; 0 is nobody, 255 never ends.
async fn first_byte(mut stream: TcpStream, _: SocketAddr) -> Option<(TcpStream, SocketAddr)> {
    match stream.read_u8().await.ok()? {
        0 => None,
        255 => std::future::pending().await,
        last => Some((stream, (Ipv4Addr::new(192, 0, 2, last), 7).into())),
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(server: Server, log: &Log) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let handler = handler(log);
        let done = tokio::spawn(async move {
            let stopped = async move { stopped.await.unwrap_or_default() };
            server
                .serve_received(listener, first_byte, handler, stopped)
                .await;
        });
        Self {
            address,
            stop,
            done,
        }
    }

    /// Connects as this client.
    async fn connect(&self, client: u8) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_u8(client).await.unwrap();
        stream
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.done.await.unwrap();
    }
}

async fn code(stream: &mut TcpStream) -> String {
    let mut code = [0; 3];
    stream.read_exact(&mut code).await.unwrap();
    String::from_utf8(code.to_vec()).unwrap()
}

#[tokio::test]
async fn the_guard_is_asked_about_whom_the_step_names() {
    let log = Log::default();
    let config = GuardConfig::new().connections_per_address(1);
    let guard = SharedGuard::new(Guard::new(config, Seed::new([7; 16])));
    let running = Running::start(server().guard(guard.clone()), &log).await;
    let mut first = running.connect(1).await;
    assert_eq!(code(&mut first).await, "220");
    assert_eq!(code(&mut running.connect(1).await).await, "421");
    assert_eq!(code(&mut running.connect(2).await).await, "220");
    assert!(log.contains("TooManyFromAddress"), "{:?}", log.lines());
    running.stop().await;
    assert_eq!(guard.with(|guard, _| guard.connections()), 0);
}

#[tokio::test]
async fn whom_the_step_turns_away_is_closed_without_a_word_or_an_event() {
    let log = Log::default();
    let running = Running::start(server(), &log).await;
    assert_eq!(all_that_is_said(&mut running.connect(0).await).await, "");
    assert_eq!(log.lines(), Vec::<String>::new());
    assert_eq!(code(&mut running.connect(1).await).await, "220");
    running.stop().await;
}

#[tokio::test]
async fn a_step_that_never_ends_holds_a_place_but_not_the_end() {
    let log = Log::default();
    let running = Running::start(server().max_sessions(1), &log).await;
    let mut stuck = running.connect(255).await;
    let mut next = running.connect(1).await;
    assert_eq!(code(&mut next).await, "421");
    assert!(log.contains("OverLimit"), "{:?}", log.lines());
    running.stop().await;
    assert_eq!(all_that_is_said(&mut stuck).await, "");
}

#[tokio::test]
async fn who_is_closed_without_a_word_is_told_to_the_handler() {
    let log = Log::default();
    let config = GuardConfig::new().connections_per_address(1);
    let guard = SharedGuard::new(Guard::new(config, Seed::new([7; 16])));
    let server = server().guard(guard);
    let running = Running::start(server, &log).await;
    let mut first = running.connect(1).await;
    assert_eq!(code(&mut first).await, "220");
    // All who are told so stay, so that after 32 nobody is told.
    let mut refused = Vec::new();
    for _ in 0..70 {
        refused.push(running.connect(1).await);
    }
    let is_over = |line: &String| line.contains("Ignored(Some(TooManyFromAddress))");
    for _ in 0..3000 {
        let told = log
            .lines()
            .iter()
            .filter(|line| line.contains("Refused"))
            .count();
        let ignored = log.lines().iter().filter(|line| is_over(line)).count();
        if told + ignored == 70 {
            assert!(ignored > 0, "{told}");
            running.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", log.lines());
}
