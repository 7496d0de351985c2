//! Making a connection: names, addresses, TLS configuration, and the login in progress.

use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{self, Duration};

use ftp_adapter::socket2::SockRef;
#[cfg(target_os = "linux")]
use ftp_adapter::socket2::{Domain, Protocol, Socket, Type};
use ftp_adapter::{Address, ClientSetup, Error, jitter, lost, socket};
use ftp_proto::Instant;
use ftp_proto::client::{Answer, Challenge, Config};
use ftp_proto::connect::{Race, RaceStep, Retry};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;

use crate::transfer::Direct;
use crate::{Client, Connecting, Driver, Transport};

#[cfg(target_os = "linux")]
const TICK: Duration = Duration::from_millis(10);

/// Makes client connections, one or many.
///
/// Keep one for connections to the same server: they share the TLS configuration, and with it the
/// sessions of TLS 1.3 that can be resumed.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use ftp_proto::client::{Config, Login, Security};
/// use ftp_blocking::Connector;
///
/// let config = Config::new(Login::new("developer", "s3cret")?).security(Security::ImplicitTls);
/// let mut ftp = Connector::new(config).connect("ftp.example.com")?;
/// println!("{}", ftp.command("PWD")?);
/// ftp.quit()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    setup: ClientSetup,
}

impl Connector {
    /// A connector for this configuration. By default, TLS uses the platform's roots and the crypto
    /// provider AWS-LC. [`tls`](Self::tls) replaces this; it is required without the features
    /// `platform-verifier` and `aws-lc-rs`.
    pub fn new(config: Config) -> Self {
        Self {
            setup: ClientSetup::new(config),
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

    /// In active mode ([`DataMode::Active`](ftp_proto::client::DataMode::Active)), listens on a port in
    /// this range, for example the one that a firewall lets through. Default: any port that is free.
    #[must_use]
    pub fn active_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.setup.active_mut().set_ports(ports);
        self
    }

    /// In active mode, tells the server this address, for example that of the router in front. Default:
    /// the address of this end of the control connection.
    #[must_use]
    pub fn active_address(mut self, address: IpAddr) -> Self {
        self.setup.active_mut().set_address(address);
        self
    }
}

impl Connector {
    /// Logs in over a connected transport. `host` is the server's name or address for TLS; it is
    /// not looked up.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn over<T: Transport>(&self, transport: T, host: &str) -> Result<Client<T>, Error> {
        self.start(transport, host)?.wait()
    }

    /// Begins a login over a connected transport. [`Connecting::wait`] runs it.
    ///
    /// # Errors
    /// [`Error::Address`] if TLS cannot check a certificate against `host`, or
    /// [`Error::TlsConfiguration`].
    pub fn start<T: Transport>(&self, transport: T, host: &str) -> Result<Connecting<T>, Error> {
        let machine = self.setup.machine(host)?;
        Ok(Connecting::new(Client::new(Driver::new(
            machine, transport,
        ))))
    }
}

impl Connector {
    /// Connects and logs in. The address is `host`, `host:port`, or the same with an IPv6 address
    /// in brackets; the port is 21 by default, 990 with implicit TLS.
    ///
    /// # Errors
    /// Any [`Error`] of connecting or of the login; [`Error::Unanswered`] if the login is
    /// interactive.
    pub fn connect(&self, address: &str) -> Result<Client, Error> {
        self.dial(address)?.wait()
    }

    /// Connects and logs in, and calls `answer` for the server's questions: see
    /// [`Connecting::answered_by`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::Unanswered`] if `answer` returns none.
    pub fn connect_with<F, A>(&self, address: &str, answer: F) -> Result<Client, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Into<Option<Answer>>,
    {
        self.dial(address)?.answered_by(answer)
    }

    /// The same, tried again by this policy after a transient error ([`Error::is_transient`]). Once
    /// the password was sent, that is only a 421. It waits between the tries.
    ///
    /// # Errors
    /// The error of the last try.
    pub fn connect_with_retry(&self, address: &str, retry: Retry) -> Result<Client, Error> {
        let start = time::Instant::now();
        let now = || Instant::from_start(start.elapsed());
        let mut retrying = retry.start(now());
        loop {
            let error = match self.connect(address) {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            match retrying.failed(now(), error.is_transient(), jitter()) {
                None => return Err(error),
                Some(at) => thread::sleep(at - now()),
            }
        }
    }

    /// Resolves the name and connects to the first of its addresses that answers, within
    /// [`Timeouts::connect`](ftp_proto::client::Timeouts::connect) for all of it. The login has
    /// not begun; [`Connecting::wait`] runs it.
    ///
    /// IPv6 and IPv4 take turns, a quarter of a second apart (RFC 8305, [`Race`]), so that an
    /// address that does not answer costs no more than that. If there is more than one address,
    /// each attempt has a thread of its own, which ends with it.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimedOut`], or
    /// [`Error::TlsConfiguration`].
    pub fn dial(&self, address: &str) -> Result<Connecting, Error> {
        let address: Address = address.parse()?;
        // Check the TLS name first, so that we do not connect in vain.
        self.setup.check(address.host())?;
        let begun = time::Instant::now();
        let (stream, peer) = self.reach(&address)?;
        // Each command waits for its reply: holding one back gains nothing.
        socket::send_at_once(&SockRef::from(&stream));
        let machine = self.setup.machine(address.host())?;
        let data = Direct::new(&stream, peer, self.setup.active().clone());
        let mut client = Client::new(Driver::new(machine, stream));
        client.data = Some(Arc::new(data));
        client.connect_time = begun.elapsed();
        client.peer = Some(peer);
        Ok(Connecting::new(client))
    }

    fn reach(&self, address: &Address) -> Result<(TcpStream, SocketAddr), Error> {
        let after = self.setup.connect_time();
        let start = time::Instant::now();
        let now = || Instant::from_start(start.elapsed());
        let mut race = Race::new(now(), after);
        match resolve(address.host(), self.setup.port(address), after) {
            None => return Err(lost(race, RaceStep::TimedOut, after)),
            Some(Err(error)) => {
                let host = address.host().to_owned();
                return Err(Error::Resolve { host, error });
            }
            Some(Ok(addresses)) => race.add(now(), addresses),
        }
        race.resolved(now());
        let channel = OnceCell::new();
        loop {
            match race.poll(now()) {
                RaceStep::Connect { address, deadline } if race.is_alone() => {
                    // There is nothing else to do during this attempt.
                    match connect(address, deadline - now()) {
                        Ok(stream) => return Ok((stream, address)),
                        Err(error) => race.failed(now(), address, error),
                    }
                }
                RaceStep::Connect { address, deadline } => {
                    let left = deadline - now();
                    let (sender, _) = channel.get_or_init(mpsc::channel);
                    let sender = sender.clone();
                    let attempt = thread::Builder::new().name("ftp connection".to_owned());
                    let begun = attempt.spawn(move || {
                        // An error means that another attempt was faster.
                        drop(sender.send((address, connect(address, left))));
                    });
                    if let Err(error) = begun {
                        race.failed(now(), address, error);
                    }
                }
                RaceStep::Wait { until } => {
                    let (_, outcomes) = channel.get_or_init(mpsc::channel);
                    match outcomes.recv_timeout(until - now()) {
                        Ok((peer, Ok(stream))) => return Ok((stream, peer)),
                        Ok((peer, Err(error))) => race.failed(now(), peer, error),
                        // Nothing came in that time. The channel is open, since we have a sender.
                        Err(_) => {}
                    }
                }
                end => return Err(lost(race, end, after)),
            }
        }
    }
}

/// Connects within this time.
#[cfg(target_os = "linux")]
pub(crate) fn connect(peer: SocketAddr, time: Duration) -> io::Result<TcpStream> {
    let begun = time::Instant::now();
    let end = begun.checked_add(time);
    let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
    let address = peer.into();
    let mut left = time;
    loop {
        // On Linux it bounds connecting too: one call in place of four. It counts in ticks, and must not
        // end before the time has.
        socket.set_write_timeout(Some(left + TICK))?;
        let error = match socket.connect(&address) {
            Ok(()) => return Ok(socket.into()),
            Err(error) => error,
        };
        left = end.map_or(time, |end| {
            end.saturating_duration_since(time::Instant::now())
        });
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A signal: connecting goes on, and so does this call.
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Connects within this time.
#[cfg(not(target_os = "linux"))]
pub(crate) fn connect(peer: SocketAddr, time: Duration) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&peer, time.max(Duration::from_millis(1)))
}

/// The addresses of this host, in the system's order; `None` if it takes longer than this. The call
/// cannot be stopped, so it runs in a thread, which ends when the answer comes.
fn resolve(host: &str, port: u16, time: Duration) -> Option<io::Result<Vec<SocketAddr>>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Ok(vec![SocketAddr::new(address, port)]));
    }
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    let asking = thread::Builder::new().name("ftp resolver".to_owned());
    let asked = asking.spawn(move || {
        let resolved = (host.as_str(), port).to_socket_addrs();
        // An error means that the caller has stopped waiting.
        drop(sender.send(resolved.map(Iterator::collect)));
    });
    match asked {
        Ok(_) => receiver.recv_timeout(time).ok(),
        Err(error) => Some(Err(error)),
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}
