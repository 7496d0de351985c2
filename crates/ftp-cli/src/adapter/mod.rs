//! The adapters behind one blocking interface; the user chooses one with `--runtime`.
//!
//! The interface is what `login` and `demo` need. `futures` implements it for the async runtimes,
//! `blocking` for blocking sockets.

mod blocking;
mod futures;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use ftp_adapter::Error;
use ftp_proto::client::{Answer, Config, Event, Session};
use ftp_proto::server;
use ftp_proto::wire::{Command, Reply};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};

use crate::cli::RuntimeChoice;

/// A connection to a server.
pub(crate) trait Line {
    /// The next step of the login, up to [`Event::LoggedIn`].
    fn next_event(&mut self) -> Result<Event, Error>;

    /// Answers a challenge.
    fn answer(&mut self, answer: Answer) -> Result<(), Error>;

    /// Sends a command after login and waits for its final reply.
    fn command(&mut self, command: Command) -> Result<Reply, Error>;

    /// The session, once there is one.
    fn session(&self) -> Option<Arc<Session>>;

    /// Sends `QUIT` and closes.
    fn quit(self: Box<Self>) -> Result<(), Error>;
}

/// A running server. Dropping this stops it.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    stop: Option<Box<dyn FnOnce()>>,
}

/// The users of the demo's servers.
pub(crate) trait DemoHandler: ftp_futures::Handler + ftp_blocking::Handler {}

impl<D: ftp_futures::Handler + ftp_blocking::Handler> DemoHandler for D {}

/// The adapter that was chosen, ready to run.
pub(crate) enum Adapter {
    Tokio(futures::Tokio),
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    Blocking,
}

impl Adapter {
    /// # Errors
    /// If the runtime cannot start its threads.
    pub(crate) fn new(choice: RuntimeChoice) -> io::Result<Self> {
        Ok(match choice {
            RuntimeChoice::Tokio => Self::Tokio(futures::Tokio::new()?),
            RuntimeChoice::Smol => Self::Smol,
            #[cfg(feature = "async-std")]
            RuntimeChoice::AsyncStd => Self::AsyncStd,
            RuntimeChoice::Blocking => Self::Blocking,
        })
    }

    /// Connects; the login has not begun.
    pub(crate) fn dial(
        &self,
        config: Config,
        tls: Option<Arc<ClientConfig>>,
        address: &str,
    ) -> Result<Box<dyn Line>, Error> {
        match self {
            Self::Tokio(tokio) => futures::dial(tokio.clone(), config, tls, address),
            Self::Smol => futures::dial(futures::Smol, config, tls, address),
            #[cfg(feature = "async-std")]
            Self::AsyncStd => futures::dial(futures::AsyncStd, config, tls, address),
            Self::Blocking => blocking::dial(config, tls, address),
        }
    }

    /// Runs a server on a free port of 127.0.0.1, in a thread of its own.
    ///
    /// # Errors
    /// If there is no free port, or no thread.
    pub(crate) fn serve(
        &self,
        config: Arc<server::Config>,
        tls: Arc<ServerConfig>,
        handler: impl DemoHandler,
    ) -> io::Result<Serving> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        match self {
            Self::Tokio(tokio) => futures::serve(tokio.clone(), listener, config, tls, handler),
            Self::Smol => futures::serve(futures::Smol, listener, config, tls, handler),
            #[cfg(feature = "async-std")]
            Self::AsyncStd => futures::serve(futures::AsyncStd, listener, config, tls, handler),
            Self::Blocking => blocking::serve(listener, config, tls, handler),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
