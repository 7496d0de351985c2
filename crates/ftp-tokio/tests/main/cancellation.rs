//! A future that is dropped at any of its awaits takes nothing with it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::*;
use ftp_proto::client::LoggedInBy;
use ftp_proto::wire::Code;
use ftp_tokio::{Connector, Handler, Server, ServerSession, SessionInfo};
use tokio::io::DuplexStream;

/// Polls a fresh future for `most` times, then drops it.
async fn try_for<F: Future>(future: F, most: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..most {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return Some(output);
        }
        // Lets the other side make a step.
        tokio::task::yield_now().await;
    }
    None
}

fn connecting(buffer: usize) -> ftp_tokio::Connecting<DuplexStream> {
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let wire = serve_one(server, OneUser::default(), buffer);
    Connector::new(plain(login()))
        .start(wire, "localhost")
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_login_dropped_once_at_any_await_goes_on() {
    for buffer in [1, 7, 1024] {
        let mut polls = 0;
        loop {
            let mut connecting = connecting(buffer);
            let done = try_for(&mut connecting, polls).await;
            let finished = done.is_some();
            let mut client = match done {
                Some(client) => client.unwrap(),
                None => connecting.await.unwrap(),
            };
            assert_eq!(client.session().unwrap().logged_in_by, LoggedInBy::Password);
            assert_eq!(
                client.command("PWD").await.unwrap().code(),
                Code::PATH_CREATED
            );
            if finished {
                break;
            }
            polls += 1;
        }
        assert!(polls > 2, "the test drops nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_dropped_at_every_await_goes_on() {
    let mut connecting = connecting(3);
    let mut drops = 0;
    let mut client = loop {
        match try_for(&mut connecting, 1).await {
            Some(client) => break client.unwrap(),
            None => drops += 1,
        }
    };
    assert!(drops > 10);
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_dropped_at_any_await_leaves_its_reply_to_be_read() {
    for polls in 0..12 {
        let mut client = connecting(5).await.unwrap();
        let first = match try_for(client.command("PWD"), polls).await {
            Some(reply) => reply.unwrap(),
            // The future was never polled, so nothing was sent.
            None if polls == 0 => client.command("PWD").await.unwrap(),
            None => {
                // The next command gets its own reply, not that one.
                let next = client.command("DELE notes").await.unwrap();
                assert_eq!(next.code(), Code::NOT_IMPLEMENTED);
                match client.next_event().await.unwrap().unwrap() {
                    ftp_proto::client::Event::Reply { reply, .. } => reply,
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(first.code(), Code::PATH_CREATED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_dropped_at_every_await_goes_on() {
    let (near, far) = tokio::io::duplex(2);
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let client = tokio::spawn(async move {
        let mut client = Connector::new(plain(login()))
            .over(near, "localhost")
            .await
            .unwrap();
        let code = client.command("PWD").await.unwrap().code();
        client.quit().await.unwrap();
        code
    });
    let mut session: ServerSession<DuplexStream> = server.session(far);
    let handler = OneUser::default();
    loop {
        use ftp_proto::server::Event;
        match try_for(session.next_event(), 1).await {
            Some(Ok(Some(Event::Authenticate(attempt)))) => {
                let verdict = handler
                    .authenticate(&SessionInfo::new(1, peer()), attempt)
                    .await;
                session.decide(verdict).unwrap();
            }
            Some(Ok(Some(Event::Command(request)))) => {
                let reply = ftp_proto::wire::Reply::new(Code::PATH_CREATED, "\"/\"").unwrap();
                session.reply(request.id(), &reply).unwrap();
            }
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
            Some(Ok(Some(_))) | None => {}
        }
    }
    assert_eq!(client.await.unwrap(), Code::PATH_CREATED);
}
