//! How data connections are made.

use std::io;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use ftp_adapter::{ActiveListener, ActiveMode, Peers, SocketOption};
use ftp_proto::data::Open;

use crate::Runtime;

/// A future in a box.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes the data connections of a client, over whatever leads to the server: for proxies, and for
/// transports that the caller connects.
///
/// A client that [`Connector`](crate::Connector) connected has one for TCP. A client over a transport of
/// the caller's gets one with [`Client::data_transport`](crate::Client::data_transport).
pub trait DataTransport<T>: Send + Sync {
    /// Connects as [`Open`] says. How long that may take is the machine's to decide: the future is
    /// dropped then.
    fn connect(&self, open: Open) -> BoxFuture<io::Result<T>>;

    /// Listens for a connection of the server
    /// ([`DataMode::Active`](ftp_proto::client::DataMode::Active)). Cannot, if not implemented.
    fn listen(&self, control: &T) -> BoxFuture<io::Result<Listening<T>>> {
        let _ = control;
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    /// Sets an option of the socket below the control connection or a data connection: [`SocketOption::set`]. Does
    /// nothing, if not implemented.
    fn set_option(&self, connection: &T, option: SocketOption) {
        let _ = (connection, option);
    }
}

/// A listener for one data connection.
#[expect(clippy::exhaustive_structs, reason = "for others to make")]
pub struct Listening<T> {
    /// Where the server can reach it.
    pub address: SocketAddr,
    /// Accepts a connection of the server, and drops those of others.
    pub accept: BoxFuture<io::Result<T>>,
}

impl<T> Listening<T> {
    pub(crate) fn new<R: Runtime<TcpStream = T> + 'static>(
        listening: ActiveListener,
    ) -> io::Result<Self> {
        let ActiveListener {
            listener,
            address,
            peers,
            ..
        } = listening;
        let listener = R::listener(listener)?;
        Ok(Self {
            address,
            accept: Box::pin(accept::<R>(listener, peers)),
        })
    }
}

/// TCP to the host of the control connection.
pub(crate) struct Direct<R> {
    host: IpAddr,
    active: ActiveMode,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Direct<R> {
    pub(crate) fn new(host: IpAddr, active: ActiveMode) -> Self {
        Self {
            host,
            active,
            runtime: PhantomData,
        }
    }
}

impl<R: Runtime + 'static> DataTransport<R::TcpStream> for Direct<R> {
    fn connect(&self, open: Open) -> BoxFuture<io::Result<R::TcpStream>> {
        let address = match open {
            Open::ConnectToPeer { port } => SocketAddr::new(self.host, port),
            Open::Connect(address) => address,
            _ => return Box::pin(async { Err(io::ErrorKind::Unsupported.into()) }),
        };
        Box::pin(R::connect(address))
    }

    fn listen(&self, control: &R::TcpStream) -> BoxFuture<io::Result<Listening<R::TcpStream>>> {
        let local = R::stream_socket(control).local_addr();
        let listening = local.and_then(|local| {
            let local = local.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
            self.active.listen(local, self.host)
        });
        Box::pin(async move { Listening::new::<R>(listening?) })
    }

    fn set_option(&self, connection: &R::TcpStream, option: SocketOption) {
        option.set(&R::stream_socket(connection));
    }
}

/// The first connection of one of these hosts; strangers are dropped.
async fn accept<R: Runtime>(listener: R::TcpListener, peers: Peers) -> io::Result<R::TcpStream> {
    loop {
        let (stream, peer) = R::accept(&listener).await?;
        if peers.contains(peer.ip()) {
            return Ok(stream);
        }
    }
}
