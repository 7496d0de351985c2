//! The async runtimes.

use std::io;
use std::mem;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use ftp_adapter::Error;
use ftp_futures::{Client, Connecting, Connector, Runtime, Server};
use ftp_proto::client::{Answer, Config, Event, Session};
use ftp_proto::server;
use ftp_proto::wire::{Command, Reply};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use futures_channel::oneshot;

use super::{DemoHandler, Line, Serving};

/// Runs the futures of a runtime.
pub(super) trait Executor: Clone + Send + 'static {
    type Runtime: Runtime;

    fn block_on<F: Future>(&self, future: F) -> F::Output;

    /// Makes a listener of the runtime. Called within [`block_on`](Self::block_on).
    fn listener(listener: TcpListener) -> io::Result<<Self::Runtime as Runtime>::TcpListener>;
}

/// Has a thread of its own, so that sessions continue between two calls.
#[derive(Clone)]
pub(crate) struct Tokio(Arc<tokio::runtime::Runtime>);

impl Tokio {
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all();
        Ok(Self(Arc::new(builder.build()?)))
    }
}

impl Executor for Tokio {
    type Runtime = ftp_tokio::Tokio;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn listener(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    }
}

#[derive(Clone)]
pub(super) struct Smol;

impl Executor for Smol {
    type Runtime = ftp_smol::Smol;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }

    fn listener(listener: TcpListener) -> io::Result<smol::net::TcpListener> {
        Ok(smol::Async::new(listener)?.into())
    }
}

#[cfg(feature = "async-std")]
#[derive(Clone)]
pub(super) struct AsyncStd;

#[cfg(feature = "async-std")]
impl Executor for AsyncStd {
    type Runtime = ftp_async_std::AsyncStd;

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn listener(listener: TcpListener) -> io::Result<async_std::net::TcpListener> {
        Ok(listener.into())
    }
}

type Stream<X> = <<X as Executor>::Runtime as Runtime>::TcpStream;

/// A connection of a runtime.
struct AsyncLine<X: Executor> {
    executor: X,
    state: State<X>,
}

enum State<X: Executor> {
    Connecting(Connecting<X::Runtime, Stream<X>>),
    LoggedIn(Client<X::Runtime, Stream<X>>),
    Over,
}

pub(super) fn dial<X: Executor>(
    executor: X,
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    address: &str,
) -> Result<Box<dyn Line>, Error> {
    let mut connector = Connector::<X::Runtime>::new(config);
    if let Some(tls) = tls {
        connector = connector.tls(tls);
    }
    let connecting = executor.block_on(connector.dial(address))?;
    Ok(Box::new(AsyncLine {
        executor,
        state: State::Connecting(connecting),
    }))
}

impl<X: Executor> Line for AsyncLine<X> {
    fn next_event(&mut self) -> Result<Event, Error> {
        let State::Connecting(connecting) = &mut self.state else {
            return Err(Error::Closed);
        };
        let event = self.executor.block_on(connecting.next_event())?;
        if let Event::LoggedIn(_) = event
            && let State::Connecting(connecting) = mem::replace(&mut self.state, State::Over)
        {
            self.state = State::LoggedIn(self.executor.block_on(connecting)?);
        }
        Ok(event)
    }

    fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        match &mut self.state {
            State::Connecting(connecting) => connecting.answer(answer),
            _ => Err(Error::Closed),
        }
    }

    fn command(&mut self, command: Command) -> Result<Reply, Error> {
        match &mut self.state {
            State::LoggedIn(client) => self.executor.block_on(client.command(command)),
            _ => Err(Error::Closed),
        }
    }

    fn session(&self) -> Option<Arc<Session>> {
        match &self.state {
            State::LoggedIn(client) => client.session().cloned(),
            _ => None,
        }
    }

    fn quit(self: Box<Self>) -> Result<(), Error> {
        match self.state {
            State::LoggedIn(client) => self.executor.block_on(client.quit()),
            _ => Err(Error::Closed),
        }
    }
}

pub(super) fn serve<X: Executor>(
    executor: X,
    listener: TcpListener,
    config: Arc<server::Config>,
    tls: Arc<ServerConfig>,
    handler: impl DemoHandler,
) -> io::Result<Serving> {
    let server = Server::<X::Runtime>::new(config, Some(tls)).map_err(io::Error::other)?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("demo server".to_owned());
    let thread = thread.spawn(move || {
        executor.block_on(async {
            let listener = X::listener(listener)?;
            // An error means that the sender is gone: stop as well.
            let stopped = async {
                let _either = stopped.await;
            };
            server.serve(listener, handler, stopped).await;
            io::Result::Ok(())
        })
    })?;
    Ok(Serving {
        address,
        stop: Some(Box::new(move || {
            drop(stop);
            // A panic of the thread was already shown.
            drop(thread.join());
        })),
    })
}
