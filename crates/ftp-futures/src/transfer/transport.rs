//! How data connections are made.

use std::io;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use ftp_adapter::{ActiveListener, ActiveMode, Peers, socket};
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

    /// What comes over the control connection is to be acknowledged at once: a server may hold its
    /// confirmation back until then. Does nothing, if not implemented.
    fn acknowledge_at_once(&self, control: &T) {
        let _ = control;
    }

    /// What is written to the data connection is to go at once, however little it is. Asked for under TLS, and
    /// in clear when an upload is flushed: its last bytes go with its end. Does nothing, if not implemented.
    fn send_at_once(&self, data: &T) {
        let _ = data;
    }

    /// Whether the data connection is to be reset when it is dropped. That is asked for at the start of an
    /// upload in clear, and taken back when all was sent: so if the upload is given up, or the
    /// program dies, the server does not take that for the end of the file. The same for downloads under TLS:
    /// ProFTPD ends the session if it finds a broken pipe in place of a reset. Does nothing, if not
    /// implemented.
    fn reset_on_drop(&self, data: &T, reset: bool) {
        let _ = (data, reset);
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

    fn acknowledge_at_once(&self, control: &R::TcpStream) {
        socket::acknowledge_at_once(&R::stream_socket(control));
    }

    fn send_at_once(&self, data: &R::TcpStream) {
        socket::send_at_once(&R::stream_socket(data));
    }

    fn reset_on_drop(&self, data: &R::TcpStream, reset: bool) {
        socket::reset_on_close(&R::stream_socket(data), reset);
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
