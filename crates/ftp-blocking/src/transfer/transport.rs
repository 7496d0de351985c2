//! How data connections are made.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use ftp_adapter::socket2::SockRef;
use ftp_adapter::{ActiveListener, ActiveMode, SocketOption};
use ftp_proto::data::Open;

use crate::connector::connect;

/// Makes the data connections of a client, over whatever leads to the server: for proxies, and for
/// transports that the caller connects.
///
/// A client that [`Connector`](crate::Connector) connected has one for TCP. A client over a transport of
/// the caller's gets one with [`Client::data_transport`](crate::Client::data_transport).
pub trait DataTransport<T>: Send + Sync {
    /// Connects as [`Open`] says, within this time.
    ///
    /// # Errors
    /// Why it cannot. The transfer fails, or tries another command.
    fn connect(&self, open: Open, time: Duration) -> io::Result<T>;

    /// Listens for one data connection, in active mode.
    ///
    /// # Errors
    /// Why it cannot. By default it is not supported. The transfer fails.
    fn listen(&self) -> io::Result<Box<dyn DataListener<T>>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sets an option of the socket below the control connection or a data connection: [`SocketOption::set`]. Does
    /// nothing, if not implemented.
    fn set_option(&self, connection: &T, option: SocketOption) {
        let _ = (connection, option);
    }
}

/// Listens for one data connection.
pub trait DataListener<T>: Send {
    /// What the server is told: a connection to this address arrives here.
    fn address(&self) -> SocketAddr;

    /// The connection of the server, if it has come. Does not wait; it is called again soon.
    ///
    /// # Errors
    /// Why it will not come.
    fn accept(&self) -> io::Result<Option<T>>;
}

impl DataListener<TcpStream> for ActiveListener {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&self) -> io::Result<Option<TcpStream>> {
        ActiveListener::accept(self)
    }
}

/// TCP to and from the host of the control connection.
pub(crate) struct Direct {
    /// This end of the control connection, if it is known.
    local: Option<SocketAddr>,
    host: IpAddr,
    active: ActiveMode,
}

impl Direct {
    pub(crate) fn new(control: &TcpStream, peer: SocketAddr, active: ActiveMode) -> Self {
        Self {
            local: control.local_addr().ok(),
            host: peer.ip(),
            active,
        }
    }
}

impl DataTransport<TcpStream> for Direct {
    fn connect(&self, open: Open, time: Duration) -> io::Result<TcpStream> {
        match open {
            Open::ConnectToPeer { port } => connect(SocketAddr::new(self.host, port), time),
            Open::Connect(address) => connect(address, time),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn listen(&self) -> io::Result<Box<dyn DataListener<TcpStream>>> {
        let local = self.local.ok_or(io::ErrorKind::NotConnected)?;
        Ok(Box::new(self.active.listen(local, self.host)?))
    }

    fn set_option(&self, connection: &TcpStream, option: SocketOption) {
        option.set(&SockRef::from(connection));
    }
}
