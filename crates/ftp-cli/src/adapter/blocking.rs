//! Blocking sockets.

use std::io;
use std::mem;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use ftp_adapter::Error;
use ftp_blocking::{Client, Connecting, Connector, Server, Shutdown};
use ftp_proto::client::{Answer, Config, Event, Session};
use ftp_proto::server;
use ftp_proto::wire::{Command, Reply};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};

use super::{DemoHandler, Line, Serving};

enum BlockingLine {
    Connecting(Connecting),
    LoggedIn(Client),
    Over,
}

pub(super) fn dial(
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    address: &str,
) -> Result<Box<dyn Line>, Error> {
    let mut connector = Connector::new(config);
    if let Some(tls) = tls {
        connector = connector.tls(tls);
    }
    Ok(Box::new(BlockingLine::Connecting(connector.dial(address)?)))
}

impl Line for BlockingLine {
    fn next_event(&mut self) -> Result<Event, Error> {
        let Self::Connecting(connecting) = self else {
            return Err(Error::Closed);
        };
        let event = connecting.next_event()?;
        if let Event::LoggedIn(_) = event
            && let Self::Connecting(connecting) = mem::replace(self, Self::Over)
        {
            *self = Self::LoggedIn(connecting.wait()?);
        }
        Ok(event)
    }

    fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        match self {
            Self::Connecting(connecting) => connecting.answer(answer),
            _ => Err(Error::Closed),
        }
    }

    fn command(&mut self, command: Command) -> Result<Reply, Error> {
        match self {
            Self::LoggedIn(client) => client.command(command),
            _ => Err(Error::Closed),
        }
    }

    fn session(&self) -> Option<Arc<Session>> {
        match self {
            Self::LoggedIn(client) => client.session().cloned(),
            _ => None,
        }
    }

    fn quit(self: Box<Self>) -> Result<(), Error> {
        match *self {
            Self::LoggedIn(client) => client.quit(),
            _ => Err(Error::Closed),
        }
    }
}

pub(super) fn serve(
    listener: TcpListener,
    config: Arc<server::Config>,
    tls: Arc<ServerConfig>,
    handler: impl DemoHandler,
) -> io::Result<Serving> {
    let server = Server::new(config, Some(tls)).map_err(io::Error::other)?;
    let address = listener.local_addr()?;
    let shutdown = Shutdown::new();
    let stopping = shutdown.clone();
    let thread = thread::Builder::new().name("demo server".to_owned());
    let thread = thread.spawn(move || server.serve(listener, handler, &stopping))?;
    Ok(Serving {
        address,
        stop: Some(Box::new(move || {
            shutdown.stop();
            // A panic of the thread was already shown.
            drop(thread.join());
        })),
    })
}
