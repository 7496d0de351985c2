//! A file over io_uring, there and back: the kernel is handed a buffer with each read and write, and hands
//! it back when it is done (compio). Where the kernel refuses io_uring, compio polls instead, and nothing
//! else changes. Client and server run in one thread, over loopback sockets.
//!
//! Run it with `cargo run -p ftp-examples --bin io_uring_transfer`; with `-- polling` after that it
//! polls in any case.
#![forbid(unsafe_code)]

mod one_file;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::{error, time};

use compio::buf::BufResult;
use compio::driver::{DriverType, ProactorBuilder};
use compio::io::{AsyncRead, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::RuntimeBuilder;
use ftp_proto::data::{self, Open};
use ftp_proto::{Action, Instant, Machine, client, server};
use zeroize::Zeroizing;

use crate::one_file::{Client, Outcome, Server, Wanted, move_bytes};

const LENGTH: usize = 1_000_000;

/// The clock of all machines here.
fn now() -> Instant {
    static START: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);
    Instant::from_start(START.elapsed())
}

/// A machine and its connection.
struct Link<M> {
    machine: M,
    stream: TcpStream,
    /// What was read and the machine has not taken yet.
    unread: Vec<u8>,
}

impl<M: Machine<Error: error::Error + 'static>> Link<M> {
    fn new(machine: M, stream: TcpStream) -> Self {
        Self {
            machine,
            stream,
            unread: Vec::new(),
        }
    }

    /// Goes on to the machine's next event; `None` when it is done, or would have to wait for the peer
    /// and shall not. Await it to its end: what the kernel reads for a future that is dropped is lost
    /// with it.
    async fn next(&mut self, waits: bool) -> Outcome<Option<M::Event>> {
        let Self {
            machine,
            stream,
            unread,
        } = self;
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
                Action::Shutdown { .. } => {
                    stream.shutdown().await?;
                    machine.shut_down(now());
                }
                Action::Read { .. } | Action::Wait { .. } if !waits => return Ok(None),
                Action::Read { deadline } if unread.is_empty() => {
                    let space = Vec::with_capacity(64 * 1024);
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
                Action::Wait { deadline } => {
                    within(deadline, std::future::pending::<()>()).await;
                    machine.timed_out(now());
                }
            }
        }
    }
}

impl Link<data::Connection> {
    /// Moves all the bytes of a transfer, and closes the connection.
    async fn moved(mut self, file: &mut Vec<u8>) -> Outcome<data::Connection> {
        move_bytes(&mut self.machine, now(), file);
        while self.next(true).await?.is_some() {
            move_bytes(&mut self.machine, now(), file);
        }
        Ok(self.machine)
    }
}

/// Waits until it is done; `None` if the deadline passes before.
async fn within<W: Future>(deadline: Option<Instant>, work: W) -> Option<W::Output> {
    match deadline {
        Some(at) => compio::time::timeout(at - now(), work).await.ok(),
        None => Some(work.await),
    }
}

/// Serves one client. While bytes move, only what must be said is said on the control connection.
async fn serve(listener: TcpListener, mut program: Server) -> Outcome<Server> {
    let (stream, _) = listener.accept().await?;
    let policy = server::Config::new().security(server::Security::DangerousPlaintext);
    let mut control = Link::new(server::Connection::new(Arc::new(policy), now()), stream);
    let (mut passive, mut data) = (None, None);
    loop {
        let Some(event) = control.next(data.is_none()).await? else {
            let Some(link) = data.take() else {
                return Ok(program);
            };
            let machine = Link::moved(link, &mut program.file).await?;
            program.moved(&mut control.machine, now(), machine)?;
            continue;
        };
        match program.hear(&mut control.machine, now(), event)? {
            Some(Wanted::Listener) => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let port = listener.local_addr()?.port();
                program.listens(&mut control.machine, now(), port)?;
                passive = Some(listener);
            }
            Some(Wanted::Data(machine)) => {
                let listener = passive.take().ok_or("nothing was opened")?;
                let (stream, _) = listener.accept().await?;
                data = Some(Link::new(machine.connect(now()), stream));
            }
            None => {}
        }
    }
}

/// Fetches the file and gives it back. While bytes move, nobody listens on the control connection.
async fn fetch(address: SocketAddr) -> Outcome<Client> {
    let config = client::Config::new(client::Login::new("developer", "correct horse")?)
        .security(client::Security::DangerousPlaintext);
    let stream = TcpStream::connect(address).await?;
    let mut control = Link::new(client::Connection::new(config, now()), stream);
    let (mut program, mut data) = (Client::default(), None);
    loop {
        let Some(event) = control.next(data.is_none()).await? else {
            let Some(link) = data.take() else {
                return Ok(program);
            };
            let machine = Link::moved(link, &mut program.file).await?;
            println!("{:?}: {} bytes", machine.direction(), machine.moved());
            control.machine.data_ended(now(), machine.into_end())?;
            continue;
        };
        if let Some(ticket) = program.hear(&mut control.machine, now(), event)? {
            let Open::ConnectToPeer { port } = ticket.open() else {
                return Err("this client only connects".into());
            };
            let stream = TcpStream::connect((address.ip(), port)).await?;
            let machine = control.machine.data_opened(now(), ticket)?;
            data = Some(Link::new(machine, stream));
        }
    }
}

fn main() -> Outcome<()> {
    let mut proactor = ProactorBuilder::new();
    if std::env::args().any(|argument| argument == "polling") {
        proactor.driver_type(DriverType::Poll);
    }
    let runtime = RuntimeBuilder::new().with_proactor(proactor).build()?;
    println!("driver: {:?}", runtime.driver_type());
    let file: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
    let (client, server) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = compio::runtime::spawn(serve(listener, Server::new(file.clone())));
        let client = fetch(address).await?;
        let server = server.await.map_err(|_| "the server panicked")??;
        Outcome::Ok((client, server))
    })?;
    assert!(client.has_moved(LENGTH));
    assert!(server.file == file, "it came back as it was");
    Ok(())
}
