//! Before the scripted liars of `ftp-testkit`: logged in rightly, or the right error promptly.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use ftp_proto::client::Login;
use ftp_proto::server::{Attempt, Request, Verdict};
use ftp_proto::wire::Reply;
use ftp_testkit::liar::{
    ClientUnderTest, Outcome, PASSWORD, Record, ServerEnd, ServerSetup, ServerUnderTest, Setup,
    Then, USER, try_client, try_server,
};
use ftp_tokio::{Connector, Error, Handler, Server, SessionError, SessionEvent, SessionInfo};

struct Tokio;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

async fn log_in(server: SocketAddr, setup: &Setup) -> Result<Outcome, Error> {
    let mut connector = Connector::new(setup.config.clone());
    if let Some(tls) = &setup.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    let mut client = connector.connect(&server.to_string()).await?;
    let by = client.session().unwrap().logged_in_by;
    let mut then = None;
    match setup.then {
        Then::Command(command) => then = Some(client.command(command).await?.code().get()),
        Then::ClearCommandChannel => client.clear_command_channel().await?,
        Then::Reinitialize => {
            let login = Login::new(USER, PASSWORD).unwrap();
            client.reinitialize(login).await?;
        }
        Then::Quit => client.quit().await?,
        Then::Leave => {}
    }
    Ok(Outcome::LoggedIn { by, then })
}

impl ClientUnderTest for Tokio {
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome {
        match runtime().block_on(log_in(server, setup)) {
            Ok(outcome) => outcome,
            Err(Error::Protocol(error)) => Outcome::of(&error),
            Err(Error::Tls { source, .. }) => Outcome::of_tls(&source),
            Err(Error::Io { phase, .. }) => Outcome::Lost { phase },
            Err(Error::Refused(reply)) => Outcome::refused_later(&reply),
            Err(error) => Outcome::Other(error.to_string()),
        }
    }
}

struct Doorkeeper(Arc<Record>);

impl Handler for Doorkeeper {
    async fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        self.0.check(attempt)
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        match event {
            SessionEvent::LoggedIn(_) => self.0.logged_in(),
            SessionEvent::Closed(why) => self.0.ended(ServerEnd::Closed(why.clone())),
            SessionEvent::Failed(SessionError::Io(_)) => self.0.ended(ServerEnd::Lost),
            SessionEvent::Failed(_) => self.0.ended(ServerEnd::TlsFailed),
            _ => {}
        }
    }
}

impl ServerUnderTest for Tokio {
    fn serve_one(&self, listener: TcpListener, setup: &ServerSetup, record: &Arc<Record>) {
        runtime().block_on(async {
            let server = Server::new(Arc::clone(&setup.config), setup.tls.clone()).unwrap();
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let handler = Doorkeeper(Arc::clone(record));
            server
                .attend(stream, peer, &handler, std::future::pending())
                .await;
        });
    }
}

#[test]
fn lying_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Tokio);
}

#[test]
fn lying_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Tokio);
}
