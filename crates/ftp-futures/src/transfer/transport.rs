//! How data connections are made.

use std::io;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use ftp_proto::data::Open;

use crate::Runtime;

/// Makes the data connections of a client, over whatever leads to the server: for proxies, and for
/// transports that the caller connects.
///
/// A client that [`Connector`](crate::Connector) connected has one for TCP. A client over a transport of
/// the caller's gets one with [`Client::data_transport`](crate::Client::data_transport).
pub trait DataTransport<T>: Send + Sync {
    /// Connects as [`Open`] says. How long that may take is the machine's to decide: the future is
    /// dropped then.
    fn connect(&self, open: Open) -> Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;
}

/// TCP to the host of the control connection.
pub(crate) struct Direct<R> {
    host: IpAddr,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Direct<R> {
    pub(crate) fn new(host: IpAddr) -> Self {
        Self {
            host,
            runtime: PhantomData,
        }
    }
}

impl<R: Runtime + 'static> DataTransport<R::TcpStream> for Direct<R> {
    fn connect(
        &self,
        open: Open,
    ) -> Pin<Box<dyn Future<Output = io::Result<R::TcpStream>> + Send>> {
        let address = match open {
            Open::ConnectToPeer { port } => SocketAddr::new(self.host, port),
            Open::Connect(address) => address,
            _ => return Box::pin(async { Err(io::ErrorKind::Unsupported.into()) }),
        };
        Box::pin(R::connect(address))
    }
}
