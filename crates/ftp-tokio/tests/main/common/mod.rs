//! What the tests share: a handler with one user, and both ends of a connection in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftp_proto::server::{self, AccountAttempt, AccountVerdict, Attempt, Request, Verdict};
use ftp_proto::wire::{Code, Reply, Verb};
use ftp_proto::{client, client::Login};
use ftp_rustls::{ClientCertificates, Identity, Roots, rustls};
use ftp_tokio::{Client, Connector, Error, Handler, Server, SessionEvent, SessionInfo};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;

pub(crate) const USER: &str = "developer";
pub(crate) const PASSWORD: &str = "correct horse sentinel";
pub(crate) const ACCOUNT: &str = "night shift";

/// Knows one user. Remembers what it was told.
#[derive(Default)]
pub(crate) struct OneUser {
    /// Ask for the account, too.
    pub(crate) wants_account: bool,
    /// How long a check takes.
    pub(crate) check_time: Duration,
    pub(crate) log: Log,
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(crate) fn contains(&self, part: &str) -> bool {
        self.lines().iter().any(|line| line.contains(part))
    }
}

impl Handler for OneUser {
    async fn authenticate(&self, _session: &SessionInfo, attempt: Attempt) -> Verdict {
        tokio::time::sleep(self.check_time).await;
        self.log.say(format!("checked {}", attempt.username()));
        let right = attempt.username().as_bytes() == USER.as_bytes()
            && attempt
                .password()
                .is_some_and(|password| password.expose() == PASSWORD.as_bytes());
        match attempt.account() {
            _ if !right => attempt.reject(),
            None if self.wants_account => attempt.need_account(),
            Some(account) if account.expose() != ACCOUNT.as_bytes() => attempt.reject(),
            _ => attempt.accept(),
        }
    }

    async fn command(&self, session: &SessionInfo, request: Request) -> Option<Reply> {
        match request.command().verb() {
            Verb::Pwd => Reply::new(Code::PATH_CREATED, "\"/\" is the current directory.").ok(),
            // Replies that a handler must not give.
            Verb::Mkd => Reply::new(Code::OPENING_DATA_CONNECTION, "Wait.").ok(),
            Verb::Rmd => Reply::new(Code::SERVICE_UNAVAILABLE, "No.").ok(),
            Verb::Retr => std::future::pending().await,
            Verb::Site => {
                let name = session.username.as_ref()?;
                Reply::new(Code::OKAY, format!("{name} {}", session.tls.is_some())).ok()
            }
            _ => None,
        }
    }

    async fn account(&self, _session: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        if attempt.account().expose() == ACCOUNT.as_bytes() {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        self.log.say(match event {
            SessionEvent::Failed(error) => format!("{} failed: {error}", session.id),
            SessionEvent::Closed(why) => format!("{} closed: {why}", session.id),
            event => format!("{} {event:?}", session.id),
        });
    }
}

pub(crate) fn peer() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 50_000).into()
}

pub(crate) fn login() -> Login {
    Login::new(USER, PASSWORD).unwrap()
}

/// A client's configuration in clear.
pub(crate) fn plain(login: Login) -> client::Config {
    client::Config::new(login).security(client::Security::DangerousPlaintext)
}

/// A server's configuration in clear.
pub(crate) fn plain_server() -> server::Config {
    server::Config::new().security(server::Security::DangerousPlaintext)
}

/// Runs a server's side in a task and gives the client's end of the wire.
pub(crate) fn serve_one(server: Server, handler: OneUser, buffer: usize) -> DuplexStream {
    let (near, far) = tokio::io::duplex(buffer);
    tokio::spawn(async move {
        server
            .run_session(far, peer(), &handler, std::future::pending())
            .await;
    });
    near
}

/// Logs in to a server in clear, in memory.
pub(crate) async fn log_in(
    config: client::Config,
    server: server::Config,
    handler: OneUser,
    buffer: usize,
) -> Result<Client<DuplexStream>, Error> {
    let server = Server::new(Arc::new(server), None).unwrap();
    Connector::new(config)
        .over(serve_one(server, handler, buffer), "localhost")
        .await
}

/// TLS for both sides, with a certificate for the loopback made on the spot.
pub(crate) struct Tls {
    pub(crate) client: Arc<rustls::ClientConfig>,
    pub(crate) server: Arc<rustls::ServerConfig>,
}

impl Tls {
    pub(crate) fn made() -> Self {
        let made = ftp_testkit::SelfMade::for_loopback();
        let identity = || {
            Identity::from_pem(made.certificate_pem.as_bytes(), made.key_pem.as_bytes()).unwrap()
        };
        let roots = ftp_rustls::roots_from_pem(made.certificate_pem.as_bytes()).unwrap();
        Self {
            client: ftp_rustls::client_config(Roots::Store(roots), None).unwrap(),
            server: ftp_rustls::server_config(identity(), ClientCertificates::NotAsked).unwrap(),
        }
    }
}

/// A server on the loopback, running until it is told to stop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(server: Server, handler: impl Handler) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let done = tokio::spawn(async move {
            let stopped = async move { stopped.await.unwrap_or_default() };
            server.serve(listener, handler, stopped).await;
        });
        Self {
            address,
            stop,
            done,
        }
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.done.await.unwrap();
    }
}
