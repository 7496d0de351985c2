//! A server with files of one adapter, and the client of one runtime.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ftp_futures::ftp_files::{Files, Memory};
use ftp_futures::{Client, Error, Runtime};
use ftp_proto::client::DataMode;
use ftp_proto::server::{FilesConfig, Resumption, Rights};

use super::fixture::{Fixture, Protected};
use super::futures::connector;
use super::scratch::Scratch;
use super::{Adapter, ClientPlan, FileSettings, Platform, urgent};
use crate::content;
use crate::misbehaving::Certificates;

/// Files go there and back with the client of this runtime: in clear and under TLS, with data connections
/// made by either side, on disk and in memory. One that is given up ends nothing.
///
/// # Panics
/// If not.
pub fn serve_files<P: Platform>(server: &dyn Adapter) {
    let scratch = Scratch::new();
    for (count, mode) in [DataMode::default(), DataMode::Active]
        .into_iter()
        .enumerate()
    {
        for protected in [Protected::Plain, Protected::Explicit] {
            let name = format!("{count} {protected:?}");
            let on_disk = scratch.directory(&name);
            for files in [Arc::new(Memory::new()) as Arc<dyn Files>, Arc::new(on_disk)] {
                play::<P>(server, mode, protected, (files, false));
            }
        }
    }
    // Byte by byte, if the stream is still a socket then.
    if server.name() != "blocking" {
        for protected in [Protected::Plain, Protected::Explicit] {
            let files = Arc::new(Memory::new());
            play::<P>(server, DataMode::default(), protected, (files, true));
        }
    }
}

fn play<P: Platform>(
    server: &dyn Adapter,
    mode: DataMode,
    protected: Protected,
    (files, in_bytes): (Arc<dyn Files>, bool),
) {
    let certificates = Certificates::made();
    let fixture = Fixture {
        client: server,
        server,
        certificates: &certificates,
        protected,
    };
    let resumption = if in_bytes {
        // The session of a connection that is given up may have come in part.
        Resumption::Report
    } else {
        Resumption::Require
    };
    let allowed = FilesConfig::new()
        .rights(Rights::ALL)
        .active(true)
        .resumption(resumption);
    let mut settings = fixture.server_settings_with(fixture.policy().files(allowed));
    settings.in_bytes = in_bytes;
    settings.files = Some(FileSettings::new(files));
    let serving = server.serve(&settings);
    let address = serving.address.to_string();
    let mut plan = fixture.client_plan(&[]);
    plan.config = plan.config.data_mode(mode);
    let size = if in_bytes { 70_011 } else { 3_000_011 };
    let ended = P::block_on(talk::<P::Runtime>(&address, &plan, size));
    ended.expect("all of it is possible");
    if protected == Protected::Plain {
        urgent::aborts(&address);
    }
    serving.end();
}

async fn talk<R: Runtime>(address: &str, plan: &ClientPlan, size: usize) -> Result<(), Error> {
    let mut ftp = connector::<R>(plan).connect(address).await?;
    let bytes = content(size);
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
    // Each counts one, even if nothing had to wait.
    assert!(waits.iter().sum::<usize>() > 3, "{waits:?}");
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
