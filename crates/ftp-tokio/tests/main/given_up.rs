//! Transfers that are given up: uploads under TLS, with a server that asks for TLS sessions to be resumed; in clear, as
//! its server leaves; downloads under TLS.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use ftp_futures::socket2::SockRef;
use ftp_proto::client::{Config, DataMode, Login, Security};
use ftp_proto::data::Open;
use ftp_rustls::rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use ftp_rustls::{
    ClientCertificates, Identity, Roots, client_config, roots_from_pem, server_config,
};
use ftp_testkit::SelfMade;
use ftp_tokio::Connector;
use ftp_tokio::generic::{BoxFuture, DataTransport, Listening, SocketOption};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream as TokioStream;
use tokio::sync::mpsc;

const UPLOADS: usize = 3;

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// Under TLS after the handshake, with its tickets on their way.
fn shake_hands(tls: &Arc<ServerConfig>, mut stream: TcpStream) -> Tls {
    stream.set_nodelay(true).unwrap();
    let mut connection = ServerConnection::new(Arc::clone(tls)).unwrap();
    connection.complete_io(&mut stream).unwrap();
    StreamOwned::new(connection, stream)
}

fn read_line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// Answers one client until it leaves. A byte of each upload is read; then `arrived` is told how the
/// handshake went.
fn serve(
    listener: &TcpListener,
    tls: &Arc<ServerConfig>,
    arrived: &mpsc::UnboundedSender<HandshakeKind>,
) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"220 Ready.\r\n").unwrap();
    assert_eq!(read_line(&mut stream), "AUTH TLS");
    stream.write_all(b"234 Go on.\r\n").unwrap();
    let mut control = shake_hands(tls, stream);
    let passive = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = passive.local_addr().unwrap().port();
    let (mut data, mut is_download) = (None, false);
    loop {
        let line = read_line(&mut control);
        let reply = match line.split(' ').next().unwrap() {
            "USER" => "331 Password.".to_owned(),
            "PASS" => "230 Welcome.".to_owned(),
            "EPSV" => format!("229 Go there (|||{port}|)"),
            "STOR" => {
                control.write_all(b"150 Send it.\r\n").unwrap();
                let mut upload = shake_hands(tls, passive.accept().unwrap().0);
                upload.read_exact(&mut [0]).unwrap();
                arrived.send(upload.conn.handshake_kind().unwrap()).unwrap();
                data = Some(upload);
                continue;
            }
            "RETR" => {
                control.write_all(b"150 Here it comes.\r\n").unwrap();
                let mut download = shake_hands(tls, passive.accept().unwrap().0);
                download.write_all(b"some").unwrap();
                data = Some(download);
                is_download = true;
                continue;
            }
            "ABOR" if is_download => {
                let mut given_up = data.take().unwrap();
                let end = given_up.sock.read(&mut [0]).unwrap_err();
                assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
                "426 Gone.\r\n226 Aborted.".to_owned()
            }
            "ABOR" => {
                data = None;
                "426 Gone.\r\n226 Aborted.".to_owned()
            }
            "QUIT" => "221 Goodbye.".to_owned(),
            _ => "200 Fine.".to_owned(),
        };
        control
            .write_all(format!("{reply}\r\n").as_bytes())
            .unwrap();
        if line == "QUIT" {
            assert!(data.is_none(), "it was given up");
            return;
        }
    }
}

/// A server that sends one ticket a handshake, and what connects to it.
fn one_ticket() -> (Arc<ServerConfig>, Connector) {
    let made = SelfMade::for_loopback();
    let pem = made.certificate_pem.as_bytes();
    let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).unwrap();
    let server = server_config(identity, ClientCertificates::NotAsked).unwrap();
    let mut one_ticket = ServerConfig::clone(&server);
    one_ticket.send_tls13_tickets = 1;
    let roots = Roots::Store(roots_from_pem(pem).unwrap());
    let config = Config::new(Login::new("anna", "correct horse").unwrap());
    let connector = Connector::new(config).tls(client_config(roots, None).unwrap());
    (Arc::new(one_ticket), connector)
}

/// A ticket is used once. What an upload brings must not be lost with it: some servers close both
/// connections when a session is not resumed.
#[tokio::test]
async fn an_upload_that_is_given_up_leaves_a_session_for_the_next() {
    let (tls, connector) = one_ticket();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let server = thread::spawn(move || serve(&listener, &tls, &arrived));

    let mut client = connector.connect(&address).await.unwrap();
    for number in 0..UPLOADS {
        let mut upload = client.store("part").await.unwrap();
        upload.write(b"x").await.unwrap();
        upload.flush().await.unwrap();
        assert_eq!(
            arrivals.recv().await,
            Some(HandshakeKind::Resumed),
            "upload {number}"
        );
        // The ticket is there, and the runtime is let see it.
        tokio::task::yield_now().await;
        upload.write(b"y").await.unwrap();
    }
    client.quit().await.unwrap();
    server.join().unwrap();
}

/// Though all was read that has come: an end would tell the server that nothing comes from here, and its next
/// write would find a broken pipe.
#[tokio::test]
async fn a_download_that_is_given_up_under_tls_is_reset() {
    let (tls, connector) = one_ticket();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let server = thread::spawn(move || serve(&listener, &tls, &mpsc::unbounded_channel().0));

    let mut client = connector.connect(&address).await.unwrap();
    let mut download = client.retrieve("part").await.unwrap();
    let mut came = 0;
    while came < 4 {
        came += download.read(&mut [0; 4]).await.unwrap();
    }
    drop(download);
    client.quit().await.unwrap();
    server.join().unwrap();
}

/// Listens, and accepts when the transfer is over: when the client has learned that its server has left.
struct Belated {
    left: Mutex<Option<Receiver<()>>>,
    /// How often the task of the client has run.
    runs: Arc<AtomicUsize>,
}

impl DataTransport<TokioStream> for Belated {
    fn connect(&self, _: Open) -> BoxFuture<io::Result<TokioStream>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    fn listen(&self, _: &TokioStream) -> BoxFuture<io::Result<Listening<TokioStream>>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (mut left, runs) = (self.left.lock().unwrap().take(), Arc::clone(&self.runs));
        let mut last_run = None;
        let accept = Box::pin(poll_fn(move |cx| {
            let run = runs.load(Ordering::Relaxed);
            match last_run.replace(run) {
                // The command is sent before the next run.
                None => cx.waker().wake_by_ref(),
                Some(last) if last != run => {
                    // The server gets it, connects, and leaves. What the client sees of that, it sees next.
                    if let Some(left) = left.take() {
                        left.recv().unwrap();
                    }
                }
                // It has just seen that.
                Some(_) if left.is_none() => {
                    let (stream, _) = listener.accept().unwrap();
                    stream.set_nonblocking(true).unwrap();
                    return Poll::Ready(TokioStream::from_std(stream));
                }
                Some(_) => {}
            }
            Poll::Pending
        }));
        Box::pin(async move { Ok(Listening { address, accept }) })
    }

    fn set_option(&self, connection: &TokioStream, option: SocketOption) {
        option.set(&SockRef::from(connection));
    }
}

/// Its end must not be that of an empty file.
#[tokio::test]
async fn a_data_connection_that_comes_when_its_upload_is_over_is_reset() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (leaves, left) = channel();
    let server = thread::spawn(move || {
        let (mut control, _) = listener.accept().unwrap();
        let mut port = 0;
        control.write_all(b"220 Ready.\r\n").unwrap();
        loop {
            let line = read_line(&mut control);
            let reply: &[u8] = match line.split(' ').next().unwrap() {
                "USER" => b"230 Welcome.\r\n",
                "PORT" => {
                    let mut numbers = line.rsplit(',').map(|number| number.parse::<u16>());
                    let mut next = || numbers.next().unwrap().unwrap();
                    port = next() | next() << 8;
                    b"200 Fine.\r\n"
                }
                "STOR" => break,
                _ => b"200 Fine.\r\n",
            };
            control.write_all(reply).unwrap();
        }
        let mut data = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        drop(control);
        leaves.send(()).unwrap();
        let end = data.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
    });
    let config = Config::new(Login::new("anna", "correct horse").unwrap())
        .security(Security::DangerousPlaintext)
        .data_mode(DataMode::Active);
    let mut client = Connector::new(config).connect(&address).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    client.data_transport(Arc::new(Belated {
        left: Mutex::new(Some(left)),
        runs: Arc::clone(&runs),
    }));
    let mut storing = Box::pin(client.store("a file"));
    let stored = poll_fn(|cx| {
        runs.fetch_add(1, Ordering::Relaxed);
        storing.as_mut().poll(cx)
    });
    assert!(stored.await.is_err());
    server.join().unwrap();
}
