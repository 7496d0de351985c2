//! Files over TLS. It runs on tokio, whatever the others run on.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use ftp_proto::client::{self, Login};
use ftp_proto::server::{self, FilesConfig, Rights, Security, StoreMode, VirtualPath};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_tokio::ftp_files::{Files, Memory};
use ftp_tokio::{Connector, Progress, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::handler::DemoHandler;
use crate::files::size;
use crate::transcript::Recorder;

/// The file that is there.
const NAME: &str = "weather.txt";
const LINE: &[u8] = b"Noon: fair, wind from west.\n\n\n\n\n";
const SIZE: usize = 4 * 1024 * 1024;
/// How often the download tells how far it is.
const PARTS: u64 = 4;

/// Lists, downloads and uploads; `show` gets a line about each.
///
/// # Errors
/// What did not go as it must.
pub(super) fn run(
    handler: DemoHandler,
    server_tls: Arc<ServerConfig>,
    login: Login,
    tls: Arc<ClientConfig>,
    recorder: Arc<Recorder>,
    show: Arc<dyn Fn(&str) + Send + Sync>,
) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let files = FilesConfig::new().rights(Rights::ALL);
        let config = server::Config::new()
            .security(Security::ExplicitTls)
            .files(files);
        let server = Server::new(Arc::new(config), Some(server_tls))?.files(with_a_file()?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            server
                .serve(listener, handler, async { drop(stopped.await) })
                .await;
        });
        let config = client::Config::new(login).observer(recorder);
        let mut ftp = Connector::new(config).tls(tls).connect(&address).await?;
        for entry in ftp.list_all("").await? {
            let bytes = entry.borrow().size.unwrap_or_default();
            show(&format!("{}: {}", entry.borrow().name_text(), size(bytes)));
        }
        let mut text = Vec::new();
        let download = ftp.retrieve(NAME).await?;
        let mut download = download.on_progress(parts(Arc::clone(&show)));
        download.read_to_end(&mut text).await?;
        show("the file is whole, and the server has confirmed it");
        let mut upload = ftp.store("copy.txt").await?;
        upload.write_all(&text).await?;
        let report = upload.finish().await?;
        show(&format!("{} sent and confirmed", size(report.bytes)));
        ftp.quit().await?;
        drop(stop);
        serving.await?;
        match text == file() {
            true => Ok(()),
            false => Err("another file came than was there".into()),
        }
    })
}

fn file() -> Vec<u8> {
    LINE.iter().copied().cycle().take(SIZE).collect()
}

/// Tells of each part of the file that has come.
fn parts(show: Arc<dyn Fn(&str) + Send + Sync>) -> impl FnMut(Progress) + Send + 'static {
    let mut told = 0;
    move |progress| {
        let all = progress.total.unwrap_or(SIZE as u64);
        let part = progress.bytes * PARTS / all.max(1);
        if part > told {
            told = part;
            show(&format!("{} of {}", size(progress.bytes), size(all)));
        }
    }
}

fn with_a_file() -> Result<Memory, Box<dyn Error>> {
    let files = Memory::new();
    let path = VirtualPath::root().resolve(NAME.as_bytes());
    let mut file = files.store(&path, StoreMode::Replace)?;
    file.write_all(&self::file())?;
    file.commit()?;
    Ok(files)
}
