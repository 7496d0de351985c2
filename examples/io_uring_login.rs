//! A login over io_uring: the kernel is handed a buffer with each read and write, and hands it back
//! when it is done (compio). Where the kernel refuses io_uring, compio polls instead, and nothing
//! else changes. Client and server run in one thread, over a loopback socket.
//!
//! Run it with `cargo run -p ftp-examples --bin io_uring_login`; with `-- polling` after that it
//! polls in any case.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::{Arc, LazyLock};
use std::time;

use compio::buf::BufResult;
use compio::driver::{DriverType, ProactorBuilder};
use compio::io::{AsyncRead, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::RuntimeBuilder;
use ftp_proto::wire::Reply;
use ftp_proto::{Action, Instant, Machine, client, server};
use zeroize::Zeroizing;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The clock of all machines here.
fn now() -> Instant {
    static START: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);
    Instant::from_start(START.elapsed())
}

/// Goes on to the machine's next event; `None` when it is done. Await it to its end: what the
/// kernel reads for a future that is dropped is lost with it. `unread` keeps what was read and the
/// machine has not taken yet.
async fn next<M: Machine<Error: Error + 'static>>(
    machine: &mut M,
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
) -> Outcome<Option<M::Event>> {
    loop {
        match machine.poll()? {
            Action::Event(event) => return Ok(Some(event)),
            Action::Closed => return Ok(None),
            Action::Write { bytes, deadline } => {
                let bytes = bytes.to_vec(); // the kernel's, until it is done with them
                match within(deadline, stream.write(bytes)).await {
                    Some(BufResult(count, bytes)) => {
                        drop(Zeroizing::new(bytes)); // there may be a password in them
                        machine.wrote(now(), count?);
                    }
                    None => machine.timed_out(now()),
                }
            }
            Action::Read { deadline } if unread.is_empty() => {
                let space = Vec::with_capacity(512);
                match within(deadline, stream.read(space)).await {
                    Some(BufResult(count, bytes)) => match count? {
                        0 => machine.received_eof(now()),
                        _ => *unread = bytes,
                    },
                    None => machine.timed_out(now()),
                }
            }
            Action::Read { .. } => {
                let taken = machine.received(now(), unread);
                unread.drain(..taken);
            }
            Action::Shutdown { .. } => {
                stream.shutdown().await?;
                machine.shut_down(now());
            }
            Action::Wait { deadline } => {
                within(deadline, std::future::pending::<()>()).await;
                machine.timed_out(now());
            }
        }
    }
}

/// Waits until it is done; `None` if the deadline passes before.
async fn within<W: Future>(deadline: Option<Instant>, work: W) -> Option<W::Output> {
    match deadline {
        Some(at) => compio::time::timeout(at - now(), work).await.ok(),
        None => Some(work.await),
    }
}

async fn serve(listener: TcpListener) -> Outcome<()> {
    let (mut stream, _) = listener.accept().await?;
    let policy = server::Config::new().security(server::Security::DangerousPlaintext);
    let mut machine = server::Connection::new(Arc::new(policy), now());
    let mut unread = Vec::new();
    while let Some(event) = next(&mut machine, &mut stream, &mut unread).await? {
        match event {
            // All are welcome: this is about the transport.
            server::Event::Authenticate(attempt) => machine.decide(now(), attempt.accept())?,
            server::Event::Command(request) => {
                let reply = Reply::new(257.try_into()?, "\"/\" is the current directory")?;
                machine.reply(now(), request.id(), &reply)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Logs in, asks where it is, leaves, and gives the answer.
async fn ask(address: std::net::SocketAddr) -> Outcome<Reply> {
    let config = client::Config::new(client::Login::new("developer", "correct horse")?)
        .security(client::Security::DangerousPlaintext);
    let mut stream = TcpStream::connect(address).await?;
    let mut machine = client::Connection::new(config, now());
    let mut unread = Vec::new();
    let mut answer = None;
    while let Some(event) = next(&mut machine, &mut stream, &mut unread).await? {
        match event {
            client::Event::LoggedIn(session) => {
                println!("logged in: {}", session.logged_in_with);
                machine.send(now(), "PWD".try_into()?)?;
            }
            client::Event::Reply { reply, .. } => {
                answer = Some(reply);
                machine.quit(now())?;
            }
            _ => {}
        }
    }
    Ok(answer.ok_or("PWD was not answered")?)
}

fn main() -> Outcome<()> {
    let mut proactor = ProactorBuilder::new();
    if std::env::args().any(|argument| argument == "polling") {
        proactor.driver_type(DriverType::Poll);
    }
    let runtime = RuntimeBuilder::new().with_proactor(proactor).build()?;
    println!("driver: {:?}", runtime.driver_type());
    let answer = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = compio::runtime::spawn(serve(listener));
        let answer = ask(address).await?;
        server.await.map_err(|_| "the server panicked")??;
        Outcome::Ok(answer)
    })?;
    println!("{answer}");
    assert_eq!(answer.code().get(), 257);
    Ok(())
}
