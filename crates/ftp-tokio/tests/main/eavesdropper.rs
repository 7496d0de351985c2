//! What someone on the way can read: a proxy on the loopback records every byte of both directions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::common::*;
use ftp_proto::{client, server};
use ftp_tokio::{Connector, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Record = Arc<Mutex<Vec<u8>>>;

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, record: Record) {
    let mut space = [0; 512];
    loop {
        let count = from.read(&mut space).await.unwrap();
        record.lock().unwrap().extend_from_slice(&space[..count]);
        if count == 0 {
            to.shutdown().await.unwrap();
            return;
        }
        to.write_all(&space[..count]).await.unwrap();
    }
}

/// Passes one connection on to `server`, and records it, one direction behind the other.
async fn tap(server: SocketAddr) -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let recording = tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(server).await.unwrap();
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        let (up, down) = (Record::default(), Record::default());
        tokio::join!(
            copy(near_read, far_write, up.clone()),
            copy(far_read, near_write, down.clone())
        );
        let mut all = up.lock().unwrap().clone();
        all.extend_from_slice(&down.lock().unwrap());
        all
    });
    (address, recording)
}

async fn overheard(client: client::Security, server: server::Security) -> Vec<u8> {
    let tls = Tls::made();
    let config = Arc::new(server::Config::new().security(server));
    let running = Running::start(
        Server::new(config, Some(tls.server)).unwrap(),
        OneUser::default(),
    )
    .await;
    let (address, recording) = tap(running.address).await;
    let config = client::Config::new(login()).security(client);
    let connector = Connector::new(config).tls(tls.client);
    let mut ftp = connector.connect(&address.to_string()).await.unwrap();
    // The name is said by the server, too.
    assert!(
        ftp.command("SITE WHO")
            .await
            .unwrap()
            .text()
            .starts_with(USER.as_bytes())
    );
    ftp.quit().await.unwrap();
    let bytes = recording.await.unwrap();
    running.stop().await;
    assert!(bytes.len() > 50);
    bytes
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn explicit_tls_hides_name_and_password() {
    let bytes = overheard(client::Security::ExplicitTls, server::Security::ExplicitTls).await;
    assert!(holds(&bytes, "AUTH TLS\r\n"));
    assert!(!holds(&bytes, USER) && !holds(&bytes, PASSWORD) && !holds(&bytes, "PASS"));
}

#[tokio::test]
async fn implicit_tls_hides_name_and_password() {
    let bytes = overheard(client::Security::ImplicitTls, server::Security::ImplicitTls).await;
    assert!(!holds(&bytes, "220 "));
    assert!(!holds(&bytes, USER) && !holds(&bytes, PASSWORD) && !holds(&bytes, "PASS"));
}

#[tokio::test]
async fn plaintext_shows_name_and_password() {
    let bytes = overheard(
        client::Security::DangerousPlaintext,
        server::Security::DangerousOptionalTls,
    )
    .await;
    assert!(holds(&bytes, &format!("USER {USER}\r\n")));
    assert!(holds(&bytes, &format!("PASS {PASSWORD}\r\n")));
}
