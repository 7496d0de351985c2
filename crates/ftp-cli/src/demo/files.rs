//! The last dialogue: files over TLS. It runs on tokio, whatever the others run on.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use ftp_proto::client::{self, Login};
use ftp_proto::server::{self, FilesConfig, Rights, Security, StoreMode, VirtualPath};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_tokio::ftp_files::{Files, Memory};
use ftp_tokio::{Connector, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::handler::DemoHandler;
use crate::transcript::Recorder;

/// The file that is there.
const NAME: &str = "report.txt";
const TEXT: &[u8] = b"Weather at noon: fair.\n";

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
    show: impl Fn(&str),
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
            let size = entry.borrow().size.unwrap_or_default();
            show(&format!("{} has {size} bytes", entry.borrow().name_text()));
        }
        let mut text = Vec::new();
        ftp.retrieve(NAME).await?.read_to_end(&mut text).await?;
        show(&format!("received {} bytes, all there are", text.len()));
        let mut upload = ftp.store("copy.txt").await?;
        upload.write_all(&text).await?;
        let report = upload.finish().await?;
        show(&format!(
            "sent {} bytes, and the server has them",
            report.bytes
        ));
        ftp.quit().await?;
        drop(stop);
        serving.await?;
        match text == TEXT {
            true => Ok(()),
            false => Err("another file came than was there".into()),
        }
    })
}

fn with_a_file() -> Result<Memory, Box<dyn Error>> {
    let files = Memory::new();
    let path = VirtualPath::root().resolve(NAME.as_bytes());
    let mut file = files.store(&path, StoreMode::Replace)?;
    file.write_all(TEXT)?;
    file.commit()?;
    Ok(files)
}
