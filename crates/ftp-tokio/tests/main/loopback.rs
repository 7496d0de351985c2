//! Over real sockets on the loopback.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_proto::client::{self, LoggedInBy, Protection, Timeouts};
use ftp_proto::server;
use ftp_proto::wire::Code;
use ftp_tokio::{Connector, Error, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn plain_running(handler: OneUser) -> Running {
    Running::start(
        Server::new(Arc::new(plain_server()), None).unwrap(),
        handler,
    )
    .await
}

async fn log_in_under_tls(
    client: client::Security,
    server: server::Security,
) -> (ftp_tokio::Client, Running) {
    let tls = Tls::made();
    let config = server::Config::new().security(server);
    let server = Server::new(Arc::new(config), Some(tls.server)).unwrap();
    let running = Running::start(server, OneUser::default()).await;
    let connector = Connector::new(client::Config::new(login()).security(client)).tls(tls.client);
    let client = connector
        .connect(&running.address.to_string())
        .await
        .unwrap();
    (client, running)
}

#[tokio::test]
async fn explicit_tls_logs_in_and_protects_data() {
    let (mut client, running) =
        log_in_under_tls(client::Security::ExplicitTls, server::Security::ExplicitTls).await;
    let session = client.session().unwrap().clone();
    assert!(session.tls.is_some());
    assert_eq!(session.protection, Protection::Private);
    assert_eq!(client.peer(), Some(running.address));
    assert!(client.connect_time() > Duration::ZERO);
    assert_eq!(
        client.command("SITE WHO").await.unwrap().text(),
        b"developer true"
    );
    client.quit().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn implicit_tls_logs_in() {
    let (mut client, running) =
        log_in_under_tls(client::Security::ImplicitTls, server::Security::ImplicitTls).await;
    assert_eq!(client.session().unwrap().logged_in_by, LoggedInBy::Password);
    assert_eq!(
        client.command("SITE WHO").await.unwrap().text(),
        b"developer true"
    );
    client.quit().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_tls_failure() {
    let config = Arc::new(server::Config::new());
    let server = Server::new(config, Some(Tls::made().server)).unwrap();
    let running = Running::start(server, OneUser::default()).await;
    let connector = Connector::new(client::Config::new(login())).tls(Tls::made().client);
    let error = connector
        .connect(&running.address.to_string())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_eq!(
        (error.phase_name(), error.is_transient()),
        ("security", false)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_server_without_tls_is_not_logged_in_to_in_clear() {
    let running = plain_running(OneUser::default()).await;
    let connector = Connector::new(client::Config::new(login())).tls(Tls::made().client);
    let error = connector
        .connect(&running.address.to_string())
        .await
        .unwrap_err();
    assert_eq!(error.phase_name(), "security");
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::NOT_IMPLEMENTED)
    );
    running.stop().await;
}

#[tokio::test]
async fn shutdown_tells_everyone_421_and_returns() {
    let handler = OneUser::default();
    let log = handler.log.clone();
    let running = plain_running(handler).await;
    let address = running.address.to_string();
    let connector = Connector::new(plain(login()));
    let mut client = connector.connect(&address).await.unwrap();
    let mut silent = TcpStream::connect(&address).await.unwrap();
    silent.read_u8().await.unwrap();
    let (ended, ()) = tokio::join!(client.next_event(), running.stop());
    let error = ended.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::SERVICE_UNAVAILABLE)
    );
    let mut heard = String::new();
    silent.read_to_string(&mut heard).await.unwrap();
    assert!(heard.contains("\r\n421 "), "{heard}");
    assert_eq!(
        log.lines()
            .iter()
            .filter(|line| line.contains("closed by the server"))
            .count(),
        2
    );
    let refused = connector.connect(&address).await.unwrap_err();
    assert!(
        matches!(refused, Error::Connect(_)) && refused.is_transient(),
        "{refused}"
    );
    assert_eq!(refused.phase_name(), "connect");
}

#[tokio::test]
async fn shutdown_interrupts_a_command_that_never_ends() {
    let running = plain_running(OneUser::default()).await;
    let mut client = Connector::new(plain(login()))
        .connect(&running.address.to_string())
        .await
        .unwrap();
    let hanging = async { client.command("RETR endless").await };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        running.stop().await;
    };
    let (ended, ()) = tokio::join!(hanging, stop);
    let error = ended.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::SERVICE_UNAVAILABLE)
    );
}

#[tokio::test]
async fn the_last_reply_arrives_though_the_client_goes_on_talking() {
    let running = plain_running(OneUser::default()).await;
    let mut wire = TcpStream::connect(running.address).await.unwrap();
    let burst = "XYZZY\r\n".repeat(2000);
    wire.write_all(burst.as_bytes()).await.unwrap();
    let mut heard = String::new();
    wire.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard.lines().last().map(|line| &line[..3]), Some("421"));
    drop(wire);
    running.stop().await;
}

#[tokio::test]
async fn a_client_over_the_limit_is_told_421() {
    let server = Server::new(Arc::new(plain_server()), None)
        .unwrap()
        .max_sessions(1);
    let running = Running::start(server, OneUser::default()).await;
    let address = running.address.to_string();
    let connector = Connector::new(plain(login()));
    let mut first = connector.connect(&address).await.unwrap();
    let error = connector.connect(&address).await.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::SERVICE_UNAVAILABLE)
    );
    assert_eq!(
        (error.phase_name(), error.is_transient()),
        ("greeting", true)
    );
    assert_eq!(
        first.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
    first.quit().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_name_is_resolved_and_every_address_tried() {
    // Only IPv4 listens; `localhost` may have an IPv6 address that comes first.
    let running = plain_running(OneUser::default()).await;
    let address = format!("localhost:{}", running.address.port());
    let client = Connector::new(plain(login()))
        .connect(&address)
        .await
        .unwrap();
    client.quit().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_failure_to_resolve() {
    let connector = Connector::new(plain(login()));
    let error = connector.connect("no-such-host.invalid").await.unwrap_err();
    assert!(matches!(error, Error::Resolve { .. }), "{error}");
    assert_eq!((error.phase_name(), error.phase()), ("connect", None));
    assert!(matches!(
        connector.connect("").await.unwrap_err(),
        Error::Address(_)
    ));
}

/// Paused time passes at once when nothing else can happen.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: once the queue is full, the system answers no more.
    let mut queue = Vec::new();
    while let Ok(stream) =
        std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))
    {
        queue.push(stream);
    }
    let begun = tokio::time::Instant::now();
    let error = Connector::new(plain(login()))
        .connect(&address.to_string())
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 30);
    match &error {
        Error::ConnectTimedOut { after, attempts } => {
            assert_eq!((after.as_secs(), attempts.len()), (30, 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (error.phase_name(), error.is_transient()),
        ("connect", true)
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_with_its_phase() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 Ready.\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
        // Unread bytes: the system sends a reset.
        stream.set_zero_linger().unwrap();
    });
    let connector = Connector::new(plain(login()).timeouts(Timeouts::default()));
    let error = connector.connect(&address).await.unwrap_err();
    server.await.unwrap();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!((error.phase_name(), error.is_transient()), ("user", true));
}

#[tokio::test]
async fn a_421_in_front_of_a_broken_connection_is_not_lost() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 Ready.\r\n").await.unwrap();
        while stream.read_u8().await.unwrap() != b'\n' {}
        stream.write_all(b"230 In.\r\n").await.unwrap();
        stream.write_all(b"421 Going down.\r\n").await.unwrap();
    });
    let mut client = Connector::new(plain(login()))
        .connect(&address)
        .await
        .unwrap();
    server.await.unwrap();
    let error = client.command("NOOP").await.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::SERVICE_UNAVAILABLE),
        "{error}"
    );
}

#[test]
fn a_server_that_needs_tls_is_not_made_without() {
    let error = Server::new(Arc::new(server::Config::new()), None).unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
}
