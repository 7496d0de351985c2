//! `ftp-cli serve`: a server to try clients against. It lets in the users of the users file,
//! answers a few commands, and logs what happens. It has no files.

mod balancer;
mod counted;
mod files;
mod greeting;
mod guard;
mod handler;
mod metrics;
mod proxy_header;
mod reload;
mod scrape;
mod users;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use ftp_guard::Network;
use ftp_proto::server::{Config, Security, Timeouts};
use ftp_tokio::Server;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tracing::{debug, info, warn};

use self::balancer::{HeaderError, source_of};
use self::counted::Counted;
use self::files::{Tls, read_users};
use self::handler::LoginHandler;
use self::metrics::Metrics;
use self::proxy_header::Source;
use self::reload::{hangups, reload};
pub(crate) use self::users::{Decision, Users};
use crate::cli::{LogFormat, ServeArguments};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Runs the server until a signal stops it.
///
/// # Errors
/// If a file cannot be used, or the address cannot be listened on.
pub(crate) async fn run(arguments: &ServeArguments, output: &Output) -> Result<(), Failure> {
    let users = read_users(arguments)?;
    let config = Arc::new(config(arguments)?);
    let tls = Tls::new(arguments)?;
    if let (Some(path), Some(made)) = (&arguments.write_cert, &tls.self_made) {
        fs::write(path, &made.pem).map_err(|error| {
            let path = path.display();
            Failure::usage(format!("cannot write the certificate to {path}: {error}"))
        })?;
    }
    let mut server = Server::new(config, Some(tls.config))
        .map_err(|error| Failure::new(Exit::Tls, error.to_string()))?
        .max_sessions(arguments.max_sessions.get());
    if !arguments.danger_no_guard {
        server = server.guard(guard::guard(arguments)?);
    }
    // Before the server's address is printed, so that no signal finds the default action.
    let shutdown = signals().map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("cannot wait for signals: {error}"),
        )
    })?;
    let hangups = hangups().map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("cannot wait for signals: {error}"),
        )
    })?;
    let (listener, address) = listen(&arguments.listen).await?;
    let scraped = match &arguments.metrics {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    start_log(arguments.log_format);

    output.line(&format!("listening on {address}"));
    if let Some(made) = tls.self_made {
        output.line(&format!("certificate SHA-256 {}", made.sha256));
    }
    info!(%address, users = users.len(), "listening");
    if arguments.danger_optional_tls {
        warn!("TLS is not required: passwords may come in clear");
    }
    if arguments.danger_no_guard {
        warn!("there is no guard: failures are counted for each connection only");
    }
    let metrics = Arc::new(Metrics::new());
    let scrapes = scraped.map(|(listener, address)| {
        output.line(&format!("metrics on http://{address}/metrics"));
        scrape::serve(listener, metrics.clone())
    });
    let handler = Arc::new(LoginHandler::new(users, metrics.clone()));
    let receive = receive(arguments.proxy_protocol.as_slice().into(), metrics);
    tokio::select! {
        () = server.serve_received(listener, receive, Arc::clone(&handler), shutdown) => {}
        () = reload(hangups, arguments, &server, &handler) => {}
        () = forever(scrapes) => {}
    }
    info!("stopped");
    output.finish()
}

/// Runs the future, which never ends, or waits for ever.
async fn forever(future: Option<impl Future<Output = ()>>) {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Counts each connection, and reads the header of a balancer's connection.
fn receive(
    balancers: Arc<[Network]>,
    metrics: Arc<Metrics>,
) -> impl Fn(TcpStream, SocketAddr) -> Received {
    move |stream, peer| {
        let is_balancer = balancers
            .iter()
            .any(|balancers| balancers.contains(peer.ip()));
        let metrics = metrics.clone();
        Box::pin(async move {
            let mut stream = Counted::new(stream, peer, metrics.clone());
            if !is_balancer {
                return Some((stream, peer));
            }
            let client = client_of(&mut stream, peer, &metrics).await?;
            stream.belongs_to(client);
            Some((stream, client))
        })
    }
}

/// The client of a balancer's connection; the balancer itself for its own checks.
async fn client_of(
    stream: &mut Counted<TcpStream>,
    balancer: SocketAddr,
    metrics: &Metrics,
) -> Option<SocketAddr> {
    match source_of(stream).await {
        Ok(Source::Client(client)) => {
            info!(peer = %client, %balancer, "client of a balancer");
            Some(client)
        }
        Ok(Source::Balancer) => {
            debug!(%balancer, "a balancer connects for itself");
            Some(balancer)
        }
        // Balancers check in this way whether the port is open.
        Err(why @ HeaderError::Silent) => {
            debug!(%balancer, %why, "health check of a balancer");
            None
        }
        Err(error) => {
            metrics.count_bad_proxy_header();
            let why = error.to_string();
            warn!(%balancer, why, "closed a balancer's connection");
            None
        }
    }
}

type Received = Pin<Box<dyn Future<Output = Option<(Counted<TcpStream>, SocketAddr)>> + Send>>;

fn config(arguments: &ServeArguments) -> Result<Config, Failure> {
    let security = match (arguments.implicit, arguments.danger_optional_tls) {
        (true, _) => Security::ImplicitTls,
        (false, false) => Security::ExplicitTls,
        (false, true) => Security::DangerousOptionalTls,
    };
    let mut timeouts = Timeouts::default();
    timeouts.login = arguments.login_timeout;
    timeouts.first_command = timeouts.first_command.min(arguments.login_timeout);
    timeouts.handshake = timeouts.handshake.min(arguments.login_timeout);
    timeouts.idle = arguments.idle_timeout;
    let config = Config::new()
        .security(security)
        // Even if no user has one: a reload may add some.
        .takes_accounts(true)
        .max_attempts(arguments.max_attempts.get())
        .timeouts(timeouts);
    match &arguments.greeting {
        Some(path) => greeting::greet(config, path),
        None => Ok(config),
    }
}

/// How many connections may wait to be accepted. The system limits it; Linux to 4096.
const BACKLOG: u32 = 1024;

async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let unusable = |error: io::Error| {
        Failure::new(
            Exit::Unavailable,
            format!("cannot listen on {address}: {error}"),
        )
    };
    let listener = bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(format!(
            "{address:?} is not an address to listen on: {error}"
        ))
        .hint("it is host:port, for example 127.0.0.1:2121 or [::1]:2121"),
        _ => unusable(error),
    })?;
    let address = listener.local_addr().map_err(unusable)?;
    Ok((listener, address))
}

/// As [`TcpListener::bind`], with a longer queue. Its queue holds 128: further clients of a burst
/// wait a second until their system tries again.
async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut failed = io::ErrorKind::InvalidInput.into();
    for address in lookup_host(address).await? {
        match bind_to(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if cfg!(unix) {
        // So that a restart can listen at once, while old connections of the port still time out.
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// A future that is ready at SIGINT or SIGTERM.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A future that is ready at Ctrl-C.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
