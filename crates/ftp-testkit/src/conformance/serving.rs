//! A server with files, and the client, of one runtime.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ftp_futures::ftp_files::Memory;
use ftp_futures::{Client, Connector, Error, Runtime, Server};
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
    let mut unique = ftp.store_unique().await?;
    unique.write_all(b"one of its kind").await?;
    let name = unique.started().and_then(|started| started.stored_as());
    unique.finish().await?;
    let name = name.expect("the server says how it calls the file");
    assert_eq!(ftp.size(&name).await?, 15);
    ftp.retrieve(&name).await?.abort().await?;
    ftp.remove_file(&name).await?;
    given_up_at_every_wait(&mut ftp).await?;
    ftp.quit().await
}

/// A transfer is dropped at each of its waits, one after the other; the next command gets its own reply.
async fn given_up_at_every_wait<R: Runtime>(ftp: &mut Ftp<R>) -> Result<(), Error> {
    let mut kept = ftp.store("kept").await?;
    kept.write_all(&[7; 1000]).await?;
    kept.finish().await?;
    let mut waits = [0; 3];
    for (which, waits) in waits.iter_mut().enumerate() {
        loop {
            let done = match which {
                0 => polled(*waits, download(ftp)).await,
                1 => polled(*waits, upload(ftp)).await,
                _ => polled(*waits, listing(ftp)).await,
            };
            assert_eq!(ftp.pwd().await?, b"/pub", "{which}, {waits}");
            match done {
                Some(result) => break result?,
                None => *waits += 1,
            }
        }
    }
    assert!(waits.iter().all(|waits| *waits > 2), "{waits:?}");
    Ok(())
}

type Ftp<R> = Client<R, <R as Runtime>::TcpStream>;

async fn download<R: Runtime>(ftp: &mut Ftp<R>) -> Result<(), Error> {
    let mut download = ftp.retrieve("kept").await?;
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).await?;
    download.finish().await?;
    assert_eq!(bytes, [7; 1000]);
    Ok(())
}

async fn upload<R: Runtime>(ftp: &mut Ftp<R>) -> Result<(), Error> {
    let mut upload = ftp.store("sent").await?;
    upload.write_all(&[8; 1000]).await?;
    upload.finish().await?;
    Ok(())
}

async fn listing<R: Runtime>(ftp: &mut Ftp<R>) -> Result<(), Error> {
    let entries = ftp.list_all("").await?;
    assert!(entries.iter().any(|entry| entry.name() == b"kept"));
    Ok(())
}

/// Polls a future so often, and drops it if it is not done then.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        let Some(then) = left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        left = then;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}
