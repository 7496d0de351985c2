//! The clients, which move files and ask where they are.

use std::io;
use std::marker::PhantomData;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ftp_adapter::Error;
use ftp_blocking::Connector as BlockingConnector;
use ftp_futures::{BoxFuture, Connector, DataTransport, Runtime};
use ftp_proto::client::Config;
use ftp_proto::data::Open;
use ftp_rustls::rustls::ClientConfig;
use ftp_testkit::conformance::Platform;

use super::proxy::Detour;

/// What a session does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Fetches a file of so many bytes.
    Fetch(usize),
    /// Sends so many bytes in place of a file that is there.
    Store(usize),
    /// Lists the directory.
    List,
}

/// What a session is to do.
pub(super) struct Script {
    pub(super) address: String,
    pub(super) config: Config,
    /// Under TLS, where data connections cannot be led to the proxy otherwise.
    pub(super) tls: Option<(Arc<ClientConfig>, Detour)>,
    /// Its files are there.
    pub(super) directory: String,
    pub(super) jobs: Vec<Job>,
}

/// What came of a job.
#[derive(Debug)]
pub(super) struct Done {
    /// What came: the bytes of a file, or the names and sizes of a listing.
    pub(super) result: Result<Vec<u8>, Error>,
    /// If that failed: where the client is then.
    pub(super) asked: Option<Result<Vec<u8>, Error>>,
}

/// What came of a session.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) login: Result<(), Error>,
    pub(super) done: Vec<Done>,
    pub(super) quit: Option<Result<(), Error>>,
}

/// How names of files begin.
pub(super) const FILE: &str = "file";

/// The file of so many bytes.
pub(super) fn name(size: usize) -> String {
    format!("{FILE}{size}")
}

/// The name of what is sent.
pub(super) const TARGET: &str = "target";

/// The bytes of a file of this size. Those of two sizes are different from the start.
pub(super) fn content(size: usize) -> Vec<u8> {
    let bytes = |at: usize| (at.wrapping_mul(31) ^ at >> 8 ^ size.wrapping_mul(7)) as u8;
    (0..size).map(bytes).collect()
}

/// A listing, as it is compared.
fn listed(name: &[u8], size: Option<u64>) -> Vec<u8> {
    let name = name.escape_ascii();
    format!("{name} {}\n", size.unwrap_or_default()).into_bytes()
}

macro_rules! talk {
    ($client:expr, $script:expr, [$($await:tt)*]) => {{
        let (mut client, script) = ($client, $script);
        let mut done = Vec::new();
        for job in &script.jobs {
            let directory = &script.directory;
            let result = match job {
                Job::Fetch(size) => {
                    let path = format!("{directory}/{}", name(*size));
                    match client.retrieve(&path)$($await)* {
                        Ok(mut download) => {
                            let mut bytes = Vec::new();
                            let result = download.read_to_end(&mut bytes)$($await)*;
                            result.map(|_| bytes)
                        }
                        Err(error) => Err(error),
                    }
                }
                Job::Store(size) => match client.store(format!("{directory}/{TARGET}"))$($await)* {
                    Ok(mut upload) => match upload.write_all(&content(*size))$($await)* {
                        Ok(()) => upload.finish()$($await)*.map(|_| Vec::new()),
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                },
                Job::List => client.list_all(directory)$($await)*.map(|entries| {
                    let mut lines: Vec<Vec<u8>> = entries
                        .iter()
                        .map(|entry| listed(entry.name(), entry.borrow().size))
                        .collect();
                    lines.sort();
                    lines.concat()
                }),
            };
            let asked = match &result {
                Ok(_) => None,
                Err(_) => Some(client.pwd()$($await)*),
            };
            done.push(Done { result, asked });
        }
        let quit = Some(client.quit()$($await)*);
        Talk { login: Ok(()), done, quit }
    }};
}

impl Talk {
    fn not_logged_in(error: Error) -> Self {
        Self {
            login: Err(error),
            done: Vec::new(),
            quit: None,
        }
    }
}

/// A session of the client of a runtime.
pub(super) fn talk<P: Platform>(script: &Script) -> Talk {
    P::block_on(async {
        let mut connector = Connector::<P::Runtime>::new(script.config.clone());
        if let Some((tls, _)) = &script.tls {
            connector = connector.tls(Arc::clone(tls));
        }
        match connector.connect(&script.address).await {
            Ok(mut client) => {
                if let Some((_, detour)) = &script.tls {
                    let via = Via::<P::Runtime>(detour.clone(), PhantomData);
                    client.data_transport(Arc::new(via));
                }
                talk!(client, script, [.await])
            }
            Err(error) => Talk::not_logged_in(error),
        }
    })
}

/// A session of the blocking client.
pub(super) fn talk_blocking(script: &Script) -> Talk {
    let mut connector = BlockingConnector::new(script.config.clone());
    if let Some((tls, _)) = &script.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    match connector.connect(&script.address) {
        Ok(mut client) => {
            if let Some((_, detour)) = &script.tls {
                client.data_transport(Arc::new(ViaBlocking(detour.clone())));
            }
            talk!(client, script, [])
        }
        Err(error) => Talk::not_logged_in(error),
    }
}

/// Makes data connections to the proxy.
struct Via<R>(Detour, PhantomData<fn() -> R>);

impl<R: Runtime + 'static> DataTransport<R::TcpStream> for Via<R> {
    fn connect(&self, open: Open) -> BoxFuture<io::Result<R::TcpStream>> {
        let address = port(open).map(|port| self.0.to(port));
        Box::pin(async move { R::connect(address?).await })
    }
}

/// The same on blocking sockets.
struct ViaBlocking(Detour);

impl ftp_blocking::DataTransport<TcpStream> for ViaBlocking {
    fn connect(&self, open: Open, time: Duration) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.0.to(port(open)?), time)
    }
}

fn port(open: Open) -> io::Result<u16> {
    match open {
        Open::ConnectToPeer { port } => Ok(port),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}
