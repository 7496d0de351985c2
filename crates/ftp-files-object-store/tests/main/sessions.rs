//! Our own client and server over sockets, with the files in a store.

use std::net::SocketAddr;
use std::sync::Arc;

use ftp_blocking::ftp_proto::client::{self, Login, Transfer};
use ftp_blocking::ftp_proto::server::{
    Attempt, Config, FilesConfig, Request, Rights, Security, Verdict,
};
use ftp_blocking::ftp_proto::wire::Reply;

use crate::common::*;

struct Anybody;

impl ftp_blocking::Handler for Anybody {
    fn authenticate(&self, _: &ftp_blocking::SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept().rights(Rights::ALL)
    }

    fn command(&self, _: &ftp_blocking::SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

impl ftp_tokio::Handler for Anybody {
    async fn authenticate(&self, _: &ftp_tokio::SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept().rights(Rights::ALL)
    }

    async fn command(&self, _: &ftp_tokio::SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

fn config() -> Arc<Config> {
    let files = FilesConfig::new()
        .rights(Rights::ALL)
        .facts(ftp_files_object_store::facts())
        .sets_times(false);
    let config = Config::new().security(Security::DangerousPlaintext);
    Arc::new(config.files(files))
}

fn client_config() -> client::Config {
    let login = Login::new("anna", "secret").unwrap();
    client::Config::new(login).security(client::Security::DangerousPlaintext)
}

/// What a client does, on tokio; the server is anybody's.
async fn dialogue(address: SocketAddr, store: &Kept) {
    let connector = ftp_tokio::Connector::new(client_config());
    let mut ftp = connector.connect(&address.to_string()).await.unwrap();
    let features = ftp.features().await.unwrap();
    assert!(!features.set_modified() && features.rest_stream());

    let long = content(LONG);
    ftp.make_dir("d").await.unwrap();
    ftp.cwd("d").await.unwrap();
    let mut upload = ftp.store("a").await.unwrap();
    upload.write_all(&long[..LONG / 2]).await.unwrap();
    assert!(!keys(store).contains(&"d/a".to_owned()));
    upload.write_all(&long[LONG / 2..]).await.unwrap();
    upload.finish().await.unwrap();
    assert_eq!(ftp.size("a").await.unwrap(), LONG as u64);

    for offset in [0, 1, LONG - 1, LONG] {
        let rest = Transfer::retrieve("a").unwrap().offset(offset as u64);
        let mut download = ftp.download(rest).await.unwrap();
        let mut found = Vec::new();
        download.read_to_end(&mut found).await.unwrap();
        assert!(found == long[offset..], "{offset}");
    }

    // Given up: it is not there, and the old one is.
    for name in ["a", "new"] {
        let mut upload = ftp.store(name).await.unwrap();
        upload.write_all(b"half").await.unwrap();
        drop(upload);
    }
    assert_eq!(ftp.size("a").await.unwrap(), LONG as u64);
    assert!(ftp.size("new").await.is_err());

    let mut upload = ftp.append("a").await.unwrap();
    upload.write_all(b"end").await.unwrap();
    upload.finish().await.unwrap();
    let rest = Transfer::store("a").unwrap().offset(2);
    let mut upload = ftp.upload(rest).await.unwrap();
    upload.write_all(b"rest").await.unwrap();
    upload.finish().await.unwrap();
    let mut download = ftp.retrieve("a").await.unwrap();
    let mut found = Vec::new();
    download.read_to_end(&mut found).await.unwrap();
    drop(download);
    assert_eq!(found, [&long[..2], b"rest"].concat());

    let entries = ftp.list_all("").await.unwrap();
    assert_eq!(entries.len(), 1);
    ftp.rename("a", "../b").await.unwrap();
    assert!(ftp.list_all("").await.unwrap().is_empty());
    ftp.cdup().await.unwrap();
    ftp.remove_dir("d").await.unwrap();
    ftp.remove_file("b").await.unwrap();
    assert!(keys(store).is_empty());
    ftp.quit().await.unwrap();
}

#[tokio::test]
async fn on_tokio() {
    let store = Kept::new();
    let server = ftp_tokio::Server::new(config(), None)
        .unwrap()
        .files(store.bucket());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server.serve(listener, Anybody, stopped).await;
    });
    dialogue(address, &store).await;
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn on_threads() {
    let store = Kept::new();
    let server = ftp_blocking::Server::new(config(), None)
        .unwrap()
        .files(store.bucket());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stop = ftp_blocking::Shutdown::new();
    let stopper = stop.clone();
    let served = std::thread::spawn(move || server.serve(listener, Anybody, &stop));
    dialogue(address, &store).await;
    stopper.stop();
    served.join().unwrap().unwrap();
}
