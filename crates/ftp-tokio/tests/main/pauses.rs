//! Programs that pause for hours in the middle of something, on paused time: what could have been done meanwhile is
//! in time.

use std::future::{poll_fn, ready};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::client::{KeepAlive, TransferError};
use ftp_proto::data::{self, Detached, Direction, Open, Timeouts};
use ftp_rustls::{ClientTls, Secured};
use ftp_tokio::generic::{BoxFuture, DataTransport};
use ftp_tokio::{Client, Connector, Driver, Error, Upload};
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, sink,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{self, sleep};

use crate::common::{Tls, login, plain};

const PAUSE: Duration = Duration::from_secs(5 * 3600);
/// What a data connection holds on its way.
const ON_ITS_WAY: usize = 1000;
/// More than that, and no more than waits in the machine besides.
const SIZE: usize = 40_000;

/// Data connections in memory. The server gets the other ends.
struct InMemory(UnboundedSender<DuplexStream>);

impl DataTransport<DuplexStream> for InMemory {
    fn connect(&self, _: Open) -> BoxFuture<io::Result<DuplexStream>> {
        let (near, far) = duplex(ON_ITS_WAY);
        self.0.send(far).unwrap();
        Box::pin(ready(Ok(near)))
    }
}

/// Reads what comes at once, unless the file is called `stuck`, and says at the end how much that was.
async fn serve(control: DuplexStream, mut connections: UnboundedReceiver<DuplexStream>) {
    let mut control = BufReader::new(control);
    control.write_all(b"220 Ready.\r\n").await.unwrap();
    let (mut sending, mut _stuck) = (None::<JoinHandle<()>>, None);
    loop {
        let mut line = String::new();
        if control.read_line(&mut line).await.unwrap() == 0 {
            return;
        }
        let reply = match line.trim_end() {
            "EPSV" => "229 Go there (|||1|)".to_owned(),
            "RETR endless" => {
                let mut data = connections.recv().await.unwrap();
                sending = Some(tokio::spawn(async move {
                    while data.write_all(&[7; 100]).await.is_ok() {}
                }));
                "150 Here it comes.".to_owned()
            }
            "ABOR" => {
                if let Some(sending) = sending.take() {
                    sending.await.unwrap();
                }
                "426 Gone.\r\n226 Aborted.".to_owned()
            }
            "STOR stuck" => {
                _stuck = connections.recv().await;
                "150 Send it.".to_owned()
            }
            "STOR file" => {
                control.write_all(b"150 Send it.\r\n").await.unwrap();
                let mut data = connections.recv().await.unwrap();
                let count = tokio::io::copy(&mut data, &mut sink()).await.unwrap();
                format!("226 {count} came.")
            }
            "PWD" => "257 \"/here\"".to_owned(),
            "USER developer" => "230 Welcome.".to_owned(),
            "QUIT" => "221 Goodbye.".to_owned(),
            _ => "200 Fine.".to_owned(),
        };
        let reply = format!("{reply}\r\n");
        control.write_all(reply.as_bytes()).await.unwrap();
    }
}

async fn connect(keep_alive: KeepAlive) -> Client<DuplexStream> {
    let (near, far) = duplex(ON_ITS_WAY);
    let (made, connections) = unbounded_channel();
    tokio::spawn(serve(far, connections));
    let connector = Connector::new(plain(login()).keep_alive(keep_alive));
    let mut client = connector.over(near, "localhost").await.unwrap();
    client.data_transport(Arc::new(InMemory(made)));
    client
}

/// How a program goes on after the pause.
#[derive(Debug, Clone, Copy)]
enum GoesOn {
    Writes,
    Flushes,
    Finishes,
}

impl GoesOn {
    const ALL: [Self; 3] = [Self::Writes, Self::Flushes, Self::Finishes];

    async fn go_on(self, upload: &mut Upload<&mut Client<DuplexStream>>) -> Result<(), Error> {
        match self {
            Self::Writes => upload.write_all(&[7; SIZE]).await,
            Self::Flushes => poll_fn(|cx| upload.poll_flush_all(cx)).await,
            Self::Finishes => Ok(()),
        }?;
        upload.finish().await.map(drop)
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_a_pause_is_sent_after_it() {
    let mut client = connect(KeepAlive::off()).await;
    for goes_on in GoesOn::ALL {
        let mut upload = client.store("file").await.unwrap();
        upload.write_all(&[7; SIZE]).await.unwrap();
        sleep(PAUSE).await;
        goes_on.go_on(&mut upload).await.unwrap();
        let report = upload.finish().await.unwrap();
        assert_eq!(
            report.reply.text(),
            format!("{} came.", report.bytes).as_bytes()
        );
        assert!(report.bytes >= SIZE as u64);
    }
    client.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_took_nothing_in_a_pause_is_not_waited_for_after_it() {
    for goes_on in GoesOn::ALL {
        let mut client = connect(KeepAlive::off()).await;
        let mut upload = client.store("stuck").await.unwrap();
        upload.write_all(&[7; SIZE]).await.unwrap();
        sleep(PAUSE).await;
        let back = time::Instant::now();
        let error = goes_on.go_on(&mut upload).await.unwrap_err();
        let Error::Transfer { error, .. } = error else {
            panic!("{error:?}");
        };
        let TransferError::Failed { bytes, .. } = *error else {
            panic!("{error:?}");
        };
        assert_eq!(bytes, ON_ITS_WAY as u64);
        assert!(back.elapsed() < Timeouts::default().stall);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_was_given_up_before_a_pause_is_settled_after_it() {
    let mut client = connect(KeepAlive::off()).await;
    for _ in 0..2 {
        let mut download = client.retrieve("endless").await.unwrap();
        download.read_exact(&mut [0; 10]).await.unwrap();
        drop(download);
        sleep(PAUSE).await;
        assert_eq!(client.command("PWD").await.unwrap().text(), b"\"/here\"");
    }
    client.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_download_goes_on_after_a_pause() {
    let mut client = connect(KeepAlive::off()).await;
    let mut download = client.retrieve("endless").await.unwrap();
    for _ in 0..3 {
        sleep(PAUSE).await;
        download.read_exact(&mut [0; 5 * ON_ITS_WAY]).await.unwrap();
    }
    download.abort().await.unwrap();
    client.quit().await.unwrap();
}

/// A command that would have kept the connection alive is late, too.
#[tokio::test(start_paused = true)]
async fn a_client_that_was_idle_for_hours_goes_on() {
    for keep_alive in [KeepAlive::off(), KeepAlive::every(Duration::from_secs(60))] {
        let mut client = connect(keep_alive).await;
        for _ in 0..2 {
            sleep(PAUSE).await;
            assert_eq!(client.command("PWD").await.unwrap().text(), b"\"/here\"");
        }
        client.quit().await.unwrap();
    }
}

type Secure = Driver<Secured<data::Connection>, DuplexStream>;

/// The two ends of a data connection under TLS. The server has time.
fn under_tls(client_sends: bool) -> [Secure; 2] {
    let tls = Tls::made();
    // More than a record.
    let (near, far) = duplex(20_000);
    let connect = |is_sender, timeouts| {
        let direction = if is_sender {
            Direction::Send
        } else {
            Direction::Receive
        };
        let detached = Detached::new(direction).protected(true);
        detached.timeouts(timeouts).connect(Instant::START)
    };
    let usual = Timeouts::default();
    let mut long = usual;
    (long.handshake, long.stall) = (3 * PAUSE, 3 * PAUSE);
    let name = ClientTls::for_host(tls.client, "localhost").unwrap();
    // As if they belonged to a control connection.
    let client = Secured::client(connect(client_sends, usual), name);
    let server = Secured::server(connect(!client_sends, long), tls.server);
    [
        Driver::for_data(client.data(connect(client_sends, usual)), near),
        Driver::for_data(server.data(connect(!client_sends, long)), far),
    ]
}

/// Sends or receives to the end, and gives how much that was.
async fn finish(mut driver: Secure, mut bytes: &[u8]) -> u64 {
    loop {
        let now = driver.now();
        let machine = driver.machine_mut().machine_mut();
        machine.consume(now, usize::MAX);
        bytes = &bytes[machine.write(now, bytes)..];
        if bytes.is_empty() {
            machine.finish(now);
        }
        if driver.next().await.unwrap().is_none() {
            let end = driver.into_parts().machine.into_machine().into_end();
            assert_eq!(end.result(), Ok(()));
            return end.bytes();
        }
    }
}

/// What can be done now.
async fn run(driver: &mut Secure) {
    poll_fn(|cx| {
        while let Poll::Ready(next) = driver.poll_next(cx) {
            next.unwrap();
        }
        Poll::Ready(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn under_tls_what_waits_is_sent_after_a_pause() {
    let [mut near, far] = under_tls(true);
    let far = tokio::spawn(finish(far, &[]));
    let mut taken = 0;
    while taken < SIZE {
        run(&mut near).await;
        let now = near.now();
        let machine = near.machine_mut().machine_mut();
        taken += machine.write(now, &[7; SIZE][taken..]);
        yield_now().await;
    }
    run(&mut near).await;
    assert!(!near.machine().machine().is_flushed());
    sleep(PAUSE).await;
    assert_eq!(finish(near, &[7; SIZE]).await, 2 * SIZE as u64);
    assert_eq!(far.await.unwrap(), 2 * SIZE as u64);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_goes_on_after_a_pause() {
    for client_sends in [false, true] {
        for has_begun in [false, true] {
            let [mut near, far] = under_tls(client_sends);
            let bytes = &[7; SIZE][..];
            let (near_bytes, far_bytes) = if client_sends {
                (bytes, &[][..])
            } else {
                (&[][..], bytes)
            };
            let far = tokio::spawn(finish(far, far_bytes));
            if has_begun {
                run(&mut near).await;
            }
            sleep(PAUSE).await;
            assert_eq!(finish(near, near_bytes).await, SIZE as u64);
            assert_eq!(far.await.unwrap(), SIZE as u64);
        }
    }
}
