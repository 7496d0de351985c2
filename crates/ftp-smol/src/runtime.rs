//! smol as a runtime of `ftp-futures`.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ftp_futures::socket2::SockRef;
use ftp_futures::{Clock, FuturesIo, Runtime, Timer};
use smol::future::FutureExt;
use smol::net::{TcpListener, TcpStream, resolve};

/// smol: the system's clock, its timer, its network, its tasks.
#[derive(Debug)]
pub struct Smol(smol::Timer);

impl Clock for Smol {
    fn now() -> Instant {
        Instant::now()
    }
}

impl Timer for Smol {
    fn at(deadline: Instant) -> Self {
        Self(smol::Timer::at(deadline))
    }

    fn reset(&mut self, deadline: Instant) {
        self.0.set_at(deadline);
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl FuturesIo for Smol {}

impl Runtime for Smol {
    type TcpStream = TcpStream;
    type AcceptedStream = TcpStream;
    type TcpListener = TcpListener;
    type Task = smol::Task<()>;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        resolve((host, port)).await
    }

    async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(peer).await
    }

    fn listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::try_from(listener)
    }

    async fn stream(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::try_from(stream)
    }

    fn stream_socket(stream: &TcpStream) -> SockRef<'_> {
        SockRef::from(stream)
    }

    async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }

    fn accepted(stream: TcpStream) -> TcpStream {
        stream
    }

    /// On smol's global executor, `smol::spawn`.
    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> smol::Task<()> {
        // The panic hook has already reported a panic; it must not reach the task that waits.
        smol::spawn(async move { drop(AssertUnwindSafe(future).catch_unwind().await) })
    }

    /// With `smol::unblock`.
    fn unblock<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send {
        // Its task would be cancelled with the future.
        let (done, result) = smol::channel::bounded(1);
        smol::unblock(move || drop(done.try_send(blocking()))).detach();
        async move { result.recv().await.map_err(io::Error::other) }
    }
}
