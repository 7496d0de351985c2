//! Uploads under TLS that are given up, with a server that asks for TLS sessions to be resumed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use ftp_proto::client::{Config, Login};
use ftp_rustls::rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use ftp_rustls::{
    ClientCertificates, Identity, Roots, client_config, roots_from_pem, server_config,
};
use ftp_testkit::SelfMade;
use ftp_tokio::Connector;
use tokio::io::AsyncWriteExt;
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
    let mut data = None;
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

/// A ticket is used once. What an upload brings must not be lost with it: some servers close both
/// connections when a session is not resumed.
#[tokio::test]
async fn an_upload_that_is_given_up_leaves_a_session_for_the_next() {
    let made = SelfMade::for_loopback();
    let pem = made.certificate_pem.as_bytes();
    let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).unwrap();
    let server = server_config(identity, ClientCertificates::NotAsked).unwrap();
    let mut one_ticket = ServerConfig::clone(&server);
    one_ticket.send_tls13_tickets = 1;
    let tls = Arc::new(one_ticket);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let server = thread::spawn(move || serve(&listener, &tls, &arrived));

    let roots = Roots::Store(roots_from_pem(pem).unwrap());
    let config = Config::new(Login::new("anna", "correct horse").unwrap());
    let connector = Connector::new(config).tls(client_config(roots, None).unwrap());
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
