//! Making a connection: names, addresses, TLS configuration, and the login in progress.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ftp_adapter::{Address, ClientSetup, Error};
use ftp_proto::client::{Answer, Challenge, Config};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;

use crate::{Client, Connecting, Driver, Transport};

/// Makes client connections, one or many.
///
/// Keep one for connections to the same server: they share the TLS configuration, and with it the
/// sessions that can be resumed.
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
    /// A connector for this configuration. Where TLS is wanted, the platform's roots are trusted
    /// (Mozilla's, if the feature `platform-verifier` is off), until [`tls`](Self::tls) says
    /// otherwise.
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
}

impl Connector {
    /// Logs in over a transport that is connected already. `host` is the server's name or address
    /// for TLS; it is not looked up.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn over<T: Transport>(&self, transport: T, host: &str) -> Result<Client<T>, Error> {
        self.start(transport, host)?.wait()
    }

    /// Begins a login over a transport that is connected already; waiting for what is returned
    /// runs it.
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

    /// Connects and logs in, and has `answer` answer what the server asks for: see
    /// [`Connecting::answered_by`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Error::Unanswered`] if `answer` gives none.
    pub fn connect_with<F, A>(&self, address: &str, answer: F) -> Result<Client, Error>
    where
        F: FnMut(Challenge) -> A,
        A: Into<Option<Answer>>,
    {
        self.dial(address)?.answered_by(answer)
    }

    /// Resolves the name and connects to the first of its addresses that answers, within
    /// [`Timeouts::connect`](ftp_proto::client::Timeouts::connect) for all of it. The login has
    /// not begun; [`Connecting::wait`] runs it.
    ///
    /// Each address gets an equal share of the time that is left, so that one that does not
    /// answer leaves some for the others.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimedOut`], or
    /// [`Error::TlsConfiguration`].
    pub fn dial(&self, address: &str) -> Result<Connecting, Error> {
        let address: Address = address.parse()?;
        // Nobody is called upon for what cannot succeed.
        self.setup.check(address.host())?;
        let begun = Instant::now();
        let (stream, peer) = self.reach(&address)?;
        let machine = self.setup.machine(address.host())?;
        let mut client = Client::new(Driver::new(machine, stream));
        client.connect_time = begun.elapsed();
        client.peer = Some(peer);
        Ok(Connecting::new(client))
    }

    fn reach(&self, address: &Address) -> Result<(TcpStream, SocketAddr), Error> {
        let after = self.setup.connect_time();
        let end = Instant::now() + after;
        let mut attempts = Vec::new();
        let port = self.setup.port(address);
        let addresses = match resolve(address.host(), port, after) {
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
            let now = Instant::now();
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = end.saturating_duration_since(now) / left;
            match connect(peer, share.max(Duration::from_millis(1))) {
                Ok(stream) => return Ok((stream, peer)),
                Err(error) => attempts.push((peer, error)),
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

fn connect(peer: SocketAddr, time: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&peer, time)?;
    // Each command waits for its reply; nothing is gained by holding it back.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The addresses of this host, as the system gives them; `None` if it takes longer than this. The
/// system cannot be told to stop, so it is asked in a thread, which ends when the answer comes.
fn resolve(host: &str, port: u16, time: Duration) -> Option<io::Result<Vec<SocketAddr>>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Ok(vec![SocketAddr::new(address, port)]));
    }
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    let asking = thread::Builder::new().name("ftp resolver".to_owned());
    let asked = asking.spawn(move || {
        let resolved = (host.as_str(), port).to_socket_addrs();
        // An error: nobody waits any more.
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
