//! Servers, each of which serves until its process ends.
//!
//! The canned ones know nothing of FTP: whatever one read gives is answered with the next of the replies.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ftp_blocking::ftp_proto::server::{Attempt, Config, Request, Security, Verdict};
use ftp_blocking::ftp_proto::wire::Reply;
use ftp_blocking::{SessionInfo, Shutdown};

use crate::REPLIES;

mod unftp;

/// A server that is measured.
pub type Contestant = (&'static str, fn(TcpListener));

/// All of them, each behind the canned one of its runtime.
pub const ALL: [Contestant; 5] = [
    ("canned_blocking", canned_blocking),
    ("ftp_blocking", ftp_blocking),
    ("canned_tokio", canned_tokio),
    ("libunftp", unftp::serve),
    ("ftp_tokio", ftp_tokio),
];

/// The server that clients are measured with: one connection after the other. It waits `pause` before each reply.
pub fn canned(listener: &TcpListener, pause: Duration) {
    for stream in listener.incoming() {
        answer(stream.expect("a connection"), pause);
    }
}

/// Serves one connection; one that ends early is the client's matter.
fn answer(mut stream: TcpStream, pause: Duration) {
    let mut space = [0; 512];
    for reply in REPLIES {
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        let sent = stream.write_all(reply);
        if sent.is_err() || !matches!(stream.read(&mut space), Ok(1..)) {
            return;
        }
    }
}

fn canned_blocking(listener: TcpListener) {
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        thread::spawn(move || answer(stream, Duration::ZERO));
    }
}

fn config() -> Arc<Config> {
    Arc::new(Config::new().security(Security::DangerousPlaintext))
}

/// Lets everyone in.
pub(crate) struct OpenDoor;

impl ftp_blocking::Handler for OpenDoor {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept()
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

fn ftp_blocking(listener: TcpListener) {
    let server = ftp_blocking::Server::new(config(), None).expect("no TLS is asked for");
    let served = server.serve(listener, OpenDoor, &Shutdown::new());
    served.expect("served");
}

pub(crate) fn tokio_runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// Within a runtime.
pub(crate) fn of_tokio(listener: TcpListener) -> tokio::net::TcpListener {
    listener
        .set_nonblocking(true)
        .expect("a socket that does not block");
    tokio::net::TcpListener::from_std(listener).expect("a listener of tokio's")
}

fn canned_tokio(listener: TcpListener) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    tokio_runtime().block_on(async {
        let listener = of_tokio(listener);
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(async move {
                let mut space = [0; 512];
                for reply in REPLIES {
                    let sent = stream.write_all(reply).await;
                    if sent.is_err() || !matches!(stream.read(&mut space).await, Ok(1..)) {
                        return;
                    }
                }
            });
        }
    });
}

impl ftp_tokio::Handler for OpenDoor {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept()
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

fn ftp_tokio(listener: TcpListener) {
    let server = ftp_tokio::Server::new(config(), None).expect("no TLS is asked for");
    tokio_runtime().block_on(async {
        let listener = of_tokio(listener);
        server
            .serve(listener, OpenDoor, std::future::pending())
            .await;
    });
}
