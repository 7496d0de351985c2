//! Making a connection: names, addresses, TLS configuration, and the login in progress.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::task::Poll;

use ftp_adapter::{Address, ClientSetup, Error, jitter, lost, socket};
use ftp_proto::Instant;
use ftp_proto::client::{Answer, Challenge, Config};
use ftp_proto::connect::{Race, RaceStep, Retry};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::runtime::{DeadlineTimer, later, sleep_until};
use crate::transfer::Direct;
use crate::{Client, Connecting, Driver, Io, Runtime, Timer};

/// Makes client connections, one or many.
///
/// Keep one for connections to the same server: they share the TLS configuration, and with it the
/// sessions of TLS 1.3 that can be resumed.
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
    /// A connector for this configuration. By default, TLS uses the platform's roots and the crypto
    /// provider AWS-LC. [`tls`](Self::tls) replaces this; it is required without the features
    /// `platform-verifier` and `aws-lc-rs`.
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

    /// In active mode ([`DataMode::Active`](ftp_proto::client::DataMode::Active)), listen at one of these
    /// ports. Default: any that is free.
    #[must_use]
    pub fn active_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.setup.active_mut().set_ports(ports);
        self
    }

    /// In active mode, tell the server this address, if it reaches us by another than that of the
    /// control connection (NAT).
    #[must_use]
    pub fn active_address(mut self, address: IpAddr) -> Self {
        self.setup.active_mut().set_address(address);
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
    /// Logs in over a connected transport. `host` is the server's name or address for TLS; it is
    /// not looked up.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn over<T: Unpin>(&self, transport: T, host: &str) -> Result<Client<R, T>, Error>
    where
        R: Io<T>,
    {
        self.start(transport, host)?.await
    }

    /// Begins a login over a connected transport. Await the result to run it.
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

impl<R: Runtime + 'static> Connector<R> {
    /// Connects and logs in. The address is `host`, `host:port`, or the same with an IPv6 address
    /// in brackets; the port is 21 by default, 990 with implicit TLS.
    ///
    /// # Errors
    /// Any [`Error`] of connecting or of the login; [`Error::Unanswered`] if the login is
    /// interactive.
    pub async fn connect(&self, address: &str) -> Result<Client<R, R::TcpStream>, Error> {
        self.dial(address).await?.await
    }

    /// Connects and logs in, and calls `answer` for the server's questions: see
    /// [`Connecting::answered_by`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::Unanswered`] if `answer` returns none.
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

    /// The same, tried again by this policy after a transient error ([`Error::is_transient`]). Once
    /// the password was sent, that is only a 421. It waits between the tries.
    ///
    /// # Errors
    /// The error of the last try.
    pub async fn connect_with_retry(
        &self,
        address: &str,
        retry: Retry,
    ) -> Result<Client<R, R::TcpStream>, Error> {
        let start = R::now();
        let now = || Instant::from_start(R::now().saturating_duration_since(start));
        let mut retrying = retry.start(now());
        loop {
            let error = match self.connect(address).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            match retrying.failed(now(), error.is_transient(), jitter()) {
                None => return Err(error),
                Some(at) => sleep_until::<R>(later::<R>(at - now())).await,
            }
        }
    }

    /// Resolves the name and connects to the first of its addresses that answers, within
    /// [`Timeouts::connect`](ftp_proto::client::Timeouts::connect) for all of it. The login has not
    /// begun; await the result to run it.
    ///
    /// IPv6 and IPv4 take turns, a quarter of a second apart (RFC 8305, [`Race`]), so that an
    /// address that does not answer costs no more than that.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimedOut`], or
    /// [`Error::TlsConfiguration`].
    pub async fn dial(&self, address: &str) -> Result<Connecting<R, R::TcpStream>, Error> {
        let address: Address = address.parse()?;
        // Check the TLS name first, so that we do not connect in vain.
        self.setup.check(address.host())?;
        let begun = R::now();
        // The login continues with the timer of connecting.
        let mut timer = DeadlineTimer::default();
        let (stream, peer) = self.reach(&address, &mut timer).await?;
        // Each command waits for its reply: holding one back gains nothing.
        socket::send_at_once(&R::stream_socket(&stream));
        let machine = self.setup.machine(address.host())?;
        let mut client = Client::new(Driver::with_timer(machine, stream, timer));
        client.connect_time = R::now().saturating_duration_since(begun);
        client.peer = Some(peer);
        let active = self.setup.active().clone();
        client.data = Some(Arc::new(Direct::<R>::new(peer.ip(), active)));
        Ok(Connecting::new(client))
    }

    async fn reach(
        &self,
        address: &Address,
        timer: &mut DeadlineTimer<R>,
    ) -> Result<(R::TcpStream, SocketAddr), Error> {
        let after = self.setup.connect_time();
        let start = R::now();
        let now = || Instant::from_start(R::now().saturating_duration_since(start));
        let mut race = Race::new(now(), after);
        let resolved = R::resolve(address.host(), self.setup.port(address));
        match timer.before(later::<R>(after), resolved).await {
            None => return Err(lost(race, RaceStep::TimedOut, after)),
            Some(Err(error)) => {
                let host = address.host().to_owned();
                return Err(Error::Resolve { host, error });
            }
            Some(Ok(addresses)) => race.add(now(), addresses),
        }
        race.resolved(now());
        let mut attempts = FuturesUnordered::new();
        loop {
            match race.poll(now()) {
                RaceStep::Connect { address, deadline } if race.is_alone() => {
                    let connecting = Box::pin(R::connect(address));
                    match timer.before(later::<R>(deadline - now()), connecting).await {
                        None => {}
                        Some(Ok(stream)) => return Ok((stream, address)),
                        Some(Err(error)) => race.failed(now(), address, error),
                    }
                }
                RaceStep::Connect { address, .. } => attempts.push(async move {
                    // Boxed: it takes memory only while it runs.
                    (address, Box::pin(R::connect(address)).await)
                }),
                RaceStep::Wait { until } => {
                    let outcome = poll_fn(|cx| match attempts.poll_next_unpin(cx) {
                        Poll::Ready(Some(outcome)) => Poll::Ready(outcome),
                        Poll::Ready(None) | Poll::Pending => Poll::Pending,
                    });
                    match timer.before(later::<R>(until - now()), outcome).await {
                        None => {}
                        Some((peer, Ok(stream))) => return Ok((stream, peer)),
                        Some((peer, Err(error))) => race.failed(now(), peer, error),
                    }
                }
                end => return Err(lost(race, end, after)),
            }
        }
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
