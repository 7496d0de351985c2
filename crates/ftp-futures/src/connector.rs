//! Making a connection: names, addresses, TLS configuration, and the login in progress.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use ftp_adapter::{Address, ClientSetup, Error};
use ftp_proto::client::{Answer, Challenge, Config};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;

use crate::runtime::{before, later};
use crate::{Client, Connecting, Driver, Io, Runtime, Timer};

/// Makes client connections, one or many.
///
/// Keep one for connections to the same server: they share the TLS configuration, and with it the
/// sessions that can be resumed.
///
/// ```no_run
/// # async fn example<R: ftp_futures::Runtime>() -> Result<(), Box<dyn std::error::Error>> {
/// use ftp_proto::client::{Config, Login, Security};
/// use ftp_futures::Connector;
///
/// let config = Config::new(Login::new("developer", "s3cret")?).security(Security::ImplicitTls);
/// let mut ftp = Connector::<R>::new(config).connect("ftp.example.com").await?;
/// println!("{}", ftp.command("PWD").await?);
/// ftp.quit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Connector<R> {
    setup: ClientSetup,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Connector<R> {
    /// A connector for this configuration. Where TLS is wanted, the platform's roots are trusted
    /// (Mozilla's, if the feature `platform-verifier` is off), until [`tls`](Self::tls) says
    /// otherwise.
    pub fn new(config: Config) -> Self {
        Self {
            setup: ClientSetup::new(config),
            runtime: PhantomData,
        }
    }

    /// Uses this TLS configuration; `ftp_rustls::client_config` makes one.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.setup.set_tls(config);
        self
    }

    /// The name to ask for (SNI) and to check the certificate against, if it is not the host that
    /// is connected to.
    #[must_use]
    pub fn server_name(mut self, name: ServerName<'static>) -> Self {
        self.setup.set_server_name(name);
        self
    }
}

impl<R: Timer> Connector<R> {
    /// Logs in over a transport that is connected already. `host` is the server's name or address
    /// for TLS; it is not looked up.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn over<T: Unpin>(&self, transport: T, host: &str) -> Result<Client<R, T>, Error>
    where
        R: Io<T>,
    {
        self.start(transport, host)?.await
    }

    /// Begins a login over a transport that is connected already; awaiting what is returned runs
    /// it.
    ///
    /// # Errors
    /// [`Error::Address`] if TLS cannot check a certificate against `host`, or
    /// [`Error::TlsConfiguration`].
    pub fn start<T: Unpin>(&self, transport: T, host: &str) -> Result<Connecting<R, T>, Error>
    where
        R: Io<T>,
    {
        let machine = self.setup.machine(host)?;
        Ok(Connecting::new(Client::new(Driver::new(
            machine, transport,
        ))))
    }
}

impl<R: Runtime> Connector<R> {
    /// Connects and logs in. The address is `host`, `host:port`, or the same with an IPv6 address
    /// in brackets; the port is 21 by default, 990 with implicit TLS.
    ///
    /// # Errors
    /// Any [`Error`] of connecting or of the login; [`Error::Unanswered`] if the login is
    /// interactive.
    pub async fn connect(&self, address: &str) -> Result<Client<R, R::TcpStream>, Error> {
        self.dial(address).await?.await
    }

    /// Connects and logs in, and has `answer` answer what the server asks for: see
    /// [`Connecting::answered_by`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::Unanswered`] if `answer` gives none.
    pub async fn connect_with<F, A>(
        &self,
        address: &str,
        answer: F,
    ) -> Result<Client<R, R::TcpStream>, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Future<Output: Into<Option<Answer>>>,
    {
        self.dial(address).await?.answered_by(answer).await
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
    pub async fn dial(&self, address: &str) -> Result<Connecting<R, R::TcpStream>, Error> {
        let address: Address = address.parse()?;
        // Nobody is called upon for what cannot succeed.
        self.setup.check(address.host())?;
        let begun = R::now();
        let (stream, peer) = self.reach(&address).await?;
        let machine = self.setup.machine(address.host())?;
        let mut client = Client::new(Driver::new(machine, stream));
        client.connect_time = R::now().saturating_duration_since(begun);
        client.peer = Some(peer);
        Ok(Connecting::new(client))
    }

    async fn reach(&self, address: &Address) -> Result<(R::TcpStream, SocketAddr), Error> {
        let after = self.setup.connect_time();
        let end = later::<R>(after);
        let mut attempts = Vec::new();
        let resolved = R::resolve(address.host(), self.setup.port(address));
        let addresses = match before::<R, _>(end, resolved).await {
            None => return Err(Error::ConnectTimedOut { after, attempts }),
            Some(Err(source)) => {
                return Err(Error::Resolve {
                    host: address.host().to_owned(),
                    source,
                });
            }
            Some(Ok(addresses)) => addresses,
        };
        for (index, &peer) in addresses.iter().enumerate() {
            let now = R::now();
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = now + end.saturating_duration_since(now) / left;
            match before::<R, _>(share, R::connect(peer)).await {
                Some(Ok(stream)) => return Ok((stream, peer)),
                Some(Err(error)) => attempts.push((peer, error)),
                None => attempts.push((peer, io::ErrorKind::TimedOut.into())),
            }
        }
        let timed_out =
            |(_, error): &(SocketAddr, io::Error)| error.kind() == io::ErrorKind::TimedOut;
        if attempts.iter().any(timed_out) && R::now() >= end {
            return Err(Error::ConnectTimedOut { after, attempts });
        }
        Err(Error::Connect(attempts))
    }
}

impl<R> Clone for Connector<R> {
    fn clone(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}
