//! A server with files, and the client, of one runtime.

use std::sync::Arc;

use ftp_futures::ftp_files::Memory;
use ftp_futures::{Connector, Error, Runtime, Server};
use ftp_proto::client::{self, DataMode, Login};
use ftp_proto::server::{self, FilesConfig, Rights};
use futures_channel::oneshot;
use futures_util::future::join;

use super::under_load::listener;
use super::{Platform, TestHandler};
use crate::misbehaving::{PASSWORD, USER};

/// Files go there and back; one that is given up ends nothing.
///
/// # Panics
/// If not.
pub fn serve_files<P: Platform>() {
    for mode in [DataMode::default(), DataMode::Active] {
        play::<P, P::Runtime>(mode, 3_000_011);
    }
}

fn play<P, R>(mode: DataMode, size: usize)
where
    P: Platform,
    R: Runtime<TcpListener = <P::Runtime as Runtime>::TcpListener>,
{
    let files = FilesConfig::new().rights(Rights::ALL).active(true);
    let config = server::Config::new().security(server::Security::DangerousPlaintext);
    let server = Server::<R>::new(Arc::new(config.files(files)), None).expect("no TLS is wanted");
    let server = server.files(Memory::new());
    let listener = listener().expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    P::block_on(async {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _told_or_gone = stopped.await;
        };
        let serving = server.serve(P::listener(listener), TestHandler::default(), stopped);
        let talking = async {
            let ended = talk::<R>(&address, mode, size).await;
            drop(stop);
            ended
        };
        let (ended, ()) = join(talking, serving).await;
        ended.expect("all of it is possible");
    });
}

async fn talk<R: Runtime>(address: &str, mode: DataMode, size: usize) -> Result<(), Error> {
    let config = client::Config::new(Login::new(USER, PASSWORD)?)
        .security(client::Security::DangerousPlaintext)
        .data_mode(mode);
    let mut ftp = Connector::<R>::new(config).connect(address).await?;
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    ftp.make_dir("pub").await?;
    ftp.cwd("pub").await?;
    let mut upload = ftp.store("file").await?;
    upload.write_all(&bytes).await?;
    upload.finish().await?;
    let mut given_up = ftp.retrieve("file").await?;
    given_up.read(&mut [0; 10]).await?;
    drop(given_up);
    assert_eq!(ftp.pwd().await?, b"/pub");
    let mut came = Vec::new();
    ftp.retrieve_from("file", 10)
        .await?
        .read_to_end(&mut came)
        .await?;
    assert!(came == bytes[10..]);
    assert_eq!(ftp.list_all("").await?.len(), 1);
    ftp.remove_file("file").await?;
    ftp.quit().await
}
