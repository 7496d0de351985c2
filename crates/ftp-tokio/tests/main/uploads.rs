//! Uploads in clear over sockets: how they end, and what is asked of the transport.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ftp_proto::client::{Config, Login, Security};
use ftp_proto::data::{Open, Timeouts};
use ftp_tokio::generic::{BoxFuture, DataTransport, SocketOption};
use ftp_tokio::{Client, Connector};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter,
    ReadBuf,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

fn config() -> Config {
    Config::new(Login::new("anna", "correct horse").unwrap()).security(Security::DangerousPlaintext)
}

/// Answers one client until it leaves, and gives what it uploaded; `came` is told how much has come. It does not close a data connection before
/// the next one.
async fn serve(listener: TcpListener, came: watch::Sender<usize>) -> Vec<Vec<u8>> {
    let passive = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = passive.local_addr().unwrap().port();
    let mut control = BufReader::new(listener.accept().await.unwrap().0);
    let (mut uploads, mut left_open) = (Vec::new(), None);
    control.write_all(b"220 Ready.\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        control.read_line(&mut line).await.unwrap();
        let reply = match line.trim_end() {
            "USER anna" => "331 Password.\r\n",
            "PASS correct horse" => "230 Welcome.\r\n",
            "EPSV" => &format!("229 Go there (|||{port}|)\r\n"),
            "STOR a file" => {
                control.write_all(b"150 Send it.\r\n").await.unwrap();
                let (mut data, _) = passive.accept().await.unwrap();
                let mut bytes = Vec::new();
                while data.read_buf(&mut bytes).await.unwrap() > 0 {
                    came.send_replace(bytes.len());
                }
                uploads.push(bytes);
                left_open = Some(data);
                "226 Kept.\r\n"
            }
            "QUIT" => "221 Goodbye.\r\n",
            _ => "200 Fine.\r\n",
        };
        control.write_all(reply.as_bytes()).await.unwrap();
        if line.starts_with("QUIT") {
            drop(left_open);
            return uploads;
        }
    }
}

async fn server() -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let (address, server, _) = observed().await;
    (address, server)
}

async fn observed() -> (String, JoinHandle<Vec<Vec<u8>>>, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (came, coming) = watch::channel(0);
    (address, tokio::spawn(serve(listener, came)), coming)
}

/// A client that waited for the server's end of the data connection would wait for an hour.
#[tokio::test]
async fn an_upload_in_clear_ends_with_its_close() {
    let mut timeouts = Timeouts::default();
    timeouts.close = Duration::from_secs(3600);
    let (address, server) = server().await;
    let connector = Connector::new(config().data_timeouts(timeouts));
    let mut client = connector.connect(&address).await.unwrap();
    let files: Vec<_> = [0, 1, 1_000_003]
        .map(|size| vec![b'.'; size])
        .into_iter()
        .collect();
    for file in &files {
        let mut upload = client.store("a file").await.unwrap();
        upload.write_all(file).await.unwrap();
        assert_eq!(upload.finish().await.unwrap().bytes, file.len() as u64);
    }
    client.quit().await.unwrap();
    assert!(server.await.unwrap() == files);
}

/// How often it was asked to send at once.
#[derive(Default)]
struct Asked(AtomicUsize);

impl DataTransport<TcpStream> for Asked {
    fn connect(&self, open: Open) -> Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>> {
        let Open::ConnectToPeer { port } = open else {
            panic!("{open:?}");
        };
        Box::pin(TcpStream::connect(("127.0.0.1", port)))
    }

    fn set_option(&self, _: &TcpStream, option: SocketOption) {
        if option == SocketOption::SendAtOnce {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn small_packets_go_at_once_when_an_upload_is_flushed() {
    let (address, server) = server().await;
    let control = TcpStream::connect(address).await.unwrap();
    let connector = Connector::new(config());
    let mut client: Client<TcpStream> = connector.over(control, "localhost").await.unwrap();
    let asked = Arc::new(Asked::default());
    client.data_transport(asked.clone());
    for (flushes, wanted) in [(0, 0), (3, 1), (1, 2), (0, 2)] {
        let mut upload = client.store("a file").await.unwrap();
        for _ in 0..flushes {
            upload.write_all(b"x").await.unwrap();
            upload.flush().await.unwrap();
        }
        upload.finish().await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), wanted);
    }
    client.quit().await.unwrap();
    let lengths: Vec<_> = server.await.unwrap().iter().map(Vec::len).collect();
    assert_eq!(lengths, [0, 3, 1, 0]);
}

/// Transports that keep what is written until they are flushed.
struct Buffering;

impl DataTransport<BufWriter<TcpStream>> for Buffering {
    fn connect(&self, open: Open) -> BoxFuture<io::Result<BufWriter<TcpStream>>> {
        let Open::ConnectToPeer { port } = open else {
            panic!("{open:?}");
        };
        Box::pin(async move {
            Ok(BufWriter::new(
                TcpStream::connect(("127.0.0.1", port)).await?,
            ))
        })
    }
}

#[tokio::test]
async fn what_is_flushed_is_not_kept_by_the_transport() {
    let (address, server, mut coming) = observed().await;
    let control = BufWriter::new(TcpStream::connect(address).await.unwrap());
    let connector = Connector::new(config());
    let mut client: Client<BufWriter<TcpStream>> =
        connector.over(control, "localhost").await.unwrap();
    client.data_transport(Arc::new(Buffering));
    let mut upload = client.store("a file").await.unwrap();
    for sent in 1..4 {
        upload.write_all(b"x").await.unwrap();
        upload.flush().await.unwrap();
        let arrives = coming.wait_for(|came| *came == sent);
        let arrived = timeout(Duration::from_secs(60), arrives).await;
        arrived.expect("it is with the server").unwrap();
    }
    upload.finish().await.unwrap();
    client.quit().await.unwrap();
    assert_eq!(server.await.unwrap(), [b"xxx"]);
}

/// Takes nothing while it is told so.
struct Full {
    stream: TcpStream,
    is_full: Arc<AtomicBool>,
}

impl AsyncRead for Full {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, space)
    }
}

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_full.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Its data connections.
struct Fills(Arc<AtomicBool>);

impl DataTransport<Full> for Fills {
    fn connect(&self, open: Open) -> BoxFuture<io::Result<Full>> {
        let Open::ConnectToPeer { port } = open else {
            panic!("{open:?}");
        };
        let is_full = Arc::clone(&self.0);
        Box::pin(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            Ok(Full { stream, is_full })
        })
    }
}

#[tokio::test]
async fn what_waits_is_sent_after_a_pause_that_is_longer_than_a_stall() {
    let mut timeouts = Timeouts::default();
    timeouts.stall = Duration::from_secs(1);
    let (address, server) = server().await;
    let control = Full {
        stream: TcpStream::connect(address).await.unwrap(),
        is_full: Arc::default(),
    };
    let connector = Connector::new(config().data_timeouts(timeouts));
    let mut client: Client<Full> = connector.over(control, "localhost").await.unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    client.data_transport(Arc::new(Fills(Arc::clone(&is_full))));
    for size in [0, 1000] {
        let mut upload = client.store("a file").await.unwrap();
        is_full.store(true, Ordering::Relaxed);
        upload.write_all(&[b'.'; 1000]).await.unwrap();
        is_full.store(false, Ordering::Relaxed);
        sleep(2 * timeouts.stall).await;
        upload.write_all(&vec![b'.'; size]).await.unwrap();
        assert_eq!(upload.finish().await.unwrap().bytes, 1000 + size as u64);
    }
    client.quit().await.unwrap();
    let lengths: Vec<_> = server.await.unwrap().iter().map(Vec::len).collect();
    assert_eq!(lengths, [1000, 2000]);
}
