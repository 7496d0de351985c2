//! `ftp-cli serve`: a server. It lets in the users of the users file, serves the files of a
//! directory if there is `--root`, and logs what happens.

mod balancer;
mod config;
mod counted;
mod greeting;
mod guard;
#[cfg(feature = "guard-store")]
mod guard_store;
mod handler;
mod homes;
mod inputs;
mod listening;
mod made_user;
mod metrics;
mod proxy_header;
mod reload;
mod scrape;
mod service;
mod signals;
mod transfer_log;
mod transfer_metrics;
mod transfers;
mod users;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use ftp_guard::Network;
use ftp_proto::Username;
use ftp_proto::server::Rights;
use ftp_tokio::ftp_files::Files;
use ftp_tokio::{AcceptedStream, ExternalAddress, Server, SessionInfo, SharedGuard};
use tokio::net::TcpStream;
use tracing::{debug, error, info, warn};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use zeroize::Zeroizing;

use self::balancer::{HeaderError, source_of};
use self::counted::Counted;
use self::handler::LoginHandler;
use self::homes::Homes;
pub(crate) use self::homes::Template;
use self::inputs::{Inputs, Tls};
use self::listening::{adopt, listen};
use self::metrics::Metrics;
use self::proxy_header::Source;
use self::reload::{hangups, reload};
use self::service::Service;
pub(crate) use self::service::passed_socket;
use self::signals::signals;
use self::transfer_log::TransferLog;
use self::users::CurrentUsers;
pub(crate) use self::users::{Decision, Quota, Users, parse_bytes};
use crate::cli::{LogFormat, ServeArguments};
use crate::exit::{Exit, Failure};
use crate::options::ExternalHost;
use crate::output::Output;

/// Runs the server until a signal stops it. A socket of the service manager is used instead of
/// `--listen`.
///
/// # Errors
/// If a file cannot be used, or the address cannot be listened on.
pub(crate) async fn run(
    arguments: &ServeArguments,
    socket: Option<std::net::TcpListener>,
    output: &Output,
) -> Result<(), Failure> {
    let homes = Arc::new(Homes::new(arguments)?);
    let (inputs, password) = Inputs::new(arguments.clone(), Arc::clone(&homes))?;
    let users = Arc::new(CurrentUsers::new(inputs.users()?));
    let tls = Tls::new(arguments)?;
    write_certificate(arguments, &tls)?;
    let transfers = match &arguments.operation.transfer_log {
        Some(path) => Some(Arc::new(TransferLog::open(path)?)),
        None => None,
    };
    let guard = match arguments.guard.danger_no_guard {
        true => None,
        false => Some(guard::guard(arguments)?),
    };
    #[cfg(feature = "guard-store")]
    let sharing = guard_store::Sharing::new(guard.as_ref(), &arguments.store)?;
    let server = server(arguments, &tls, homes, Arc::clone(&users), guard)?;
    let cannot_wait = |error: io::Error| {
        let message = format!("cannot wait for signals: {error}");
        Failure::new(Exit::Unavailable, message)
    };
    // Before the server's address is printed, so that no signal finds the default action.
    let shutdown = signals().map_err(cannot_wait)?;
    let hangups = hangups().map_err(cannot_wait)?;
    let (listener, address) = match socket {
        Some(socket) => adopt(socket)?,
        None => listen(&arguments.listen).await?,
    };
    let scraped = match &arguments.operation.metrics {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    start_log(arguments.operation.log_format);
    #[cfg(feature = "guard-store")]
    if let Some(sharing) = sharing {
        sharing.start()?;
    }

    introduce(arguments, output, address, &tls, password);
    info!(%address, users = users.get().len(), "listening");
    warn_of_dangers(arguments);
    let metrics = Arc::new(Metrics::new());
    let scrapes = scraped.map(|(listener, address)| {
        output.line(&format!("metrics on http://{address}/metrics"));
        scrape::serve(listener, metrics.clone())
    });
    let most = match arguments.files.read_only {
        true => Rights::READ_ONLY,
        false => Rights::ALL,
    };
    let handler = LoginHandler::new(Arc::clone(&users), most, metrics.clone(), transfers.clone());
    let receive = receive(
        arguments.operation.proxy_protocol.as_slice().into(),
        metrics,
    );
    let service = Service::new(address);
    service.ready();
    let shutdown = async {
        shutdown.await;
        info!("stopping");
        service.stopping();
    };
    tokio::select! {
        () = server.serve_received(listener, receive, handler, shutdown) => {}
        () = reload(hangups, inputs, &server, &users, transfers.as_deref(), &service) => {}
        () = forever(scrapes) => {}
    }
    if let Some(transfers) = transfers {
        transfers.finish().await;
    }
    info!("stopped");
    output.finish()
}

fn write_certificate(arguments: &ServeArguments, tls: &Tls) -> Result<(), Failure> {
    let (Some(path), Some(made)) = (&arguments.tls.write_cert, &tls.self_made) else {
        return Ok(());
    };
    fs::write(path, &made.pem).map_err(|error| {
        let path = path.display();
        Failure::usage(format!("cannot write the certificate to {path}: {error}"))
    })
}

/// What the first lines of the output say: what a client needs.
fn introduce(
    arguments: &ServeArguments,
    output: &Output,
    address: SocketAddr,
    tls: &Tls,
    password: Option<Zeroizing<String>>,
) {
    output.line(&format!("listening on {address}"));
    if let (Some(name), Some(password)) = (&arguments.who.user, password) {
        // The only place where it is shown.
        output.line(&format!("password of {name}: {}", *password));
    }
    if let Some(made) = &tls.self_made {
        output.line(&format!("certificate SHA-256 {}", made.sha256));
    }
}

/// The server, with its guard and files.
fn server(
    arguments: &ServeArguments,
    tls: &Tls,
    homes: Arc<Homes>,
    users: Arc<CurrentUsers>,
    guard: Option<SharedGuard>,
) -> Result<Server, Failure> {
    let config = Arc::new(config::config(arguments, &homes)?);
    let mut server = Server::new(config, Some(Arc::clone(&tls.config)))
        .map_err(|error| Failure::new(Exit::Tls, error.to_string()))?
        .max_sessions(arguments.limits.max_sessions.get())
        .drain_time(arguments.limits.drain_timeout);
    if let Some(guard) = guard {
        server = server.guard(guard);
    }
    if homes.has_files() {
        server = with_files(server, arguments);
    }
    Ok(match homes.has_files() {
        true => server.files_for(move |session| files_of(session, &homes, &users)),
        false => server,
    })
}

/// How files are served.
fn with_files(mut server: Server, arguments: &ServeArguments) -> Server {
    if let Some(ports) = &arguments.files.passive_ports {
        server = server.passive_ports(ports.clone());
    }
    if let Some(host) = &arguments.files.external_address {
        server = server.external_address(match host {
            ExternalHost::Address(address) => ExternalAddress::fixed((*address).into()),
            ExternalHost::Name(name) => ExternalAddress::host(name),
        });
    }
    if let Some(most) = arguments.limits.max_transfers {
        server = server.max_transfers(most.get());
    }
    if let Some(rate) = arguments.limits.limit_rate {
        server = server.session_bandwidth(rate);
    }
    if let Some(rate) = arguments.limits.limit_total_rate {
        server = server.total_bandwidth(rate);
    }
    server
}

fn files_of(
    session: &SessionInfo,
    homes: &Homes,
    users: &CurrentUsers,
) -> io::Result<Arc<dyn Files>> {
    let name = session.username.as_ref().map(Username::as_bytes);
    let files = homes.files(name.unwrap_or_default(), &users.get());
    files.inspect_err(|error| {
        let (connection, peer) = (session.id, session.peer);
        let user = session.username.as_ref().map(ToString::to_string);
        let why = error.to_string();
        error!(connection, %peer, user, why, "cannot open the user's files");
    })
}

fn warn_of_dangers(arguments: &ServeArguments) {
    if arguments.tls.danger_optional_tls {
        warn!("TLS is not required: passwords may come in clear");
    }
    if arguments.guard.danger_no_guard {
        warn!("there is no guard: failures are counted for each connection only");
    }
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
            let mut stream = Counted::new(AcceptedStream::from(stream), peer, metrics.clone());
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
    stream: &mut Counted<AcceptedStream>,
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

type Received = Pin<Box<dyn Future<Output = Option<(Counted<AcceptedStream>, SocketAddr)>> + Send>>;

fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false);
    // What `object_store` logs has URLs in it, which may have signatures.
    let ours = filter_fn(|of| !of.target().starts_with("object_store"));
    match format {
        LogFormat::Text => log.finish().with(ours).init(),
        LogFormat::Json => log.json().flatten_event(true).finish().with(ours).init(),
    }
}
