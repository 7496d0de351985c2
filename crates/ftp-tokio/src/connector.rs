//! Making a connection: names, addresses, TLS configuration, and the login in progress.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ftp_proto::client::{Answer, Challenge, Config, Connection, Security};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::{ClientTls, Secured};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::{Address, Client, Connecting, Driver, Error};

/// Makes client connections, one or many.
///
/// Keep one for connections to the same server: they share the TLS configuration, and with it the
/// sessions that can be resumed.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use ftp_proto::client::{Config, Login, Security};
/// use ftp_tokio::Connector;
///
/// let config = Config::new(Login::new("developer", "s3cret")?).security(Security::ImplicitTls);
/// let mut ftp = Connector::new(config).connect("ftp.example.com").await?;
/// println!("{}", ftp.command("PWD").await?);
/// ftp.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    config: Config,
    server_name: Option<ServerName<'static>>,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Connector {
    /// A connector for this configuration. Where TLS is wanted, the platform's roots are trusted
    /// (Mozilla's, if the feature `platform-verifier` is off), until [`tls`](Self::tls) says
    /// otherwise.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            server_name: None,
            tls: OnceLock::new(),
        }
    }

    /// Uses this TLS configuration; `ftp_rustls::client_config` makes one.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = OnceLock::from(config);
        self
    }

    /// The name to ask for (SNI) and to check the certificate against, if it is not the host that
    /// is connected to.
    #[must_use]
    pub fn server_name(mut self, name: ServerName<'static>) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Connects and logs in. The address is `host`, `host:port`, or the same with an IPv6 address
    /// in brackets; the port is 21 by default, 990 with implicit TLS.
    ///
    /// # Errors
    /// Any [`Error`] of connecting or of the login; [`Error::Unanswered`] if the login is
    /// interactive.
    pub async fn connect(&self, address: &str) -> Result<Client, Error> {
        self.dial(address).await?.await
    }

    /// Connects and logs in, and has `answer` answer what the server asks for: see
    /// [`Connecting::answered_by`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::Unanswered`] if `answer` gives none.
    pub async fn connect_with<F, A>(&self, address: &str, answer: F) -> Result<Client, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Future<Output: Into<Option<Answer>>>,
    {
        self.dial(address).await?.answered_by(answer).await
    }

    /// Logs in over a transport that is connected already. `host` is the server's name or address
    /// for TLS; it is not looked up.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn over<T>(&self, transport: T, host: &str) -> Result<Client<T>, Error>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        self.start(transport, host)?.await
    }

    /// Resolves the name and connects to the first of its addresses that answers, within
    /// [`Timeouts::connect`](ftp_proto::client::Timeouts::connect) for all of it. The login has
    /// not begun; awaiting what is returned runs it.
    ///
    /// Each address gets an equal share of the time that is left, so that one that does not
    /// answer leaves some for the others.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimedOut`], or
    /// [`Error::TlsConfiguration`].
    pub async fn dial(&self, address: &str) -> Result<Connecting, Error> {
        let address: Address = address.parse()?;
        let tls = self.client_tls(address.host())?;
        let begun = Instant::now();
        let stream = self.reach(&address, begun).await?;
        let (stream, peer) = stream;
        let mut client = self.begin(stream, tls);
        client.connect_time = begun.elapsed();
        client.peer = Some(peer);
        Ok(Connecting::new(client))
    }

    /// The same over a transport that is connected already.
    ///
    /// # Errors
    /// [`Error::Address`] if TLS cannot check a certificate against `host`, or
    /// [`Error::TlsConfiguration`].
    pub fn start<T>(&self, transport: T, host: &str) -> Result<Connecting<T>, Error>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let tls = self.client_tls(host)?;
        Ok(Connecting::new(self.begin(transport, tls)))
    }

    fn begin<T>(&self, transport: T, tls: Option<ClientTls>) -> Client<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let machine = Connection::new(self.config.clone(), ftp_proto::Instant::START);
        let machine = match tls {
            Some(tls) => Secured::client(machine, tls),
            None => Secured::clear(machine),
        };
        Client::new(Driver::new(machine, transport))
    }

    fn client_tls(&self, host: &str) -> Result<Option<ClientTls>, Error> {
        if self.config.configured_security() == Security::DangerousPlaintext {
            return Ok(None);
        }
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => Address::server_name(host)?,
        };
        let config = match self.tls.get() {
            Some(config) => config.clone(),
            None => {
                let config = default_tls()?;
                self.tls.get_or_init(|| config).clone()
            }
        };
        Ok(Some(ClientTls::new(config, name)))
    }

    async fn reach(
        &self,
        address: &Address,
        begun: Instant,
    ) -> Result<(TcpStream, SocketAddr), Error> {
        let after = self.config.configured_timeouts().connect;
        // A time too long to be told from for ever: a hundred years.
        let end = begun
            .checked_add(after)
            .unwrap_or(begun + Duration::from_secs(3_155_760_000));
        let port = address
            .port()
            .unwrap_or(self.config.configured_security().default_port());
        let mut attempts = Vec::new();
        let addresses: Vec<SocketAddr> =
            match timeout_at(end, lookup_host((address.host(), port))).await {
                Err(_) => return Err(Error::ConnectTimedOut { after, attempts }),
                Ok(Err(source)) => {
                    return Err(Error::Resolve {
                        host: address.host().to_owned(),
                        source,
                    });
                }
                Ok(Ok(addresses)) => addresses.collect(),
            };
        for (index, &peer) in addresses.iter().enumerate() {
            let now = Instant::now();
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = now + end.saturating_duration_since(now) / left;
            match timeout_at(share, TcpStream::connect(peer)).await {
                Ok(Ok(stream)) => {
                    // Each command waits for its reply; nothing is gained by holding it back.
                    match stream.set_nodelay(true) {
                        Ok(()) => return Ok((stream, peer)),
                        Err(error) => attempts.push((peer, error)),
                    }
                }
                Ok(Err(error)) => attempts.push((peer, error)),
                Err(_) => attempts.push((peer, io::ErrorKind::TimedOut.into())),
            }
        }
        let timed_out =
            |(_, error): &(SocketAddr, io::Error)| error.kind() == io::ErrorKind::TimedOut;
        if attempts.iter().any(timed_out) && Instant::now() >= end {
            return Err(Error::ConnectTimedOut { after, attempts });
        }
        Err(Error::Connect(attempts))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.config)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "platform-verifier")]
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    Ok(ftp_rustls::client_config(
        ftp_rustls::Roots::Platform,
        None,
    )?)
}

#[cfg(all(feature = "webpki-roots", not(feature = "platform-verifier")))]
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    Ok(ftp_rustls::client_config(ftp_rustls::Roots::Webpki, None)?)
}

#[cfg(not(any(feature = "webpki-roots", feature = "platform-verifier")))]
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    Err(Error::NoTlsConfiguration)
}
