//! async-std as a runtime of `ftp-futures`.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_std::net::{TcpListener, TcpStream, ToSocketAddrs};
use async_std::task::{self, JoinHandle};
use ftp_futures::futures_io::AsyncWrite;
use ftp_futures::socket2::SockRef;
use ftp_futures::{Clock, FuturesIo, Runtime, Timer};
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, abortable};

/// async-std: the system's clock, its timer, its network, its tasks.
pub struct AsyncStd {
    deadline: Instant,
    /// async-std's timers cannot be set anew.
    sleep: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl fmt::Debug for AsyncStd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStd")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Clock for AsyncStd {
    fn now() -> Instant {
        Instant::now()
    }
}

impl Timer for AsyncStd {
    fn at(deadline: Instant) -> Self {
        let duration = deadline.saturating_duration_since(Instant::now());
        Self {
            deadline,
            sleep: Box::pin(task::sleep(duration)),
        }
    }

    fn reset(&mut self, deadline: Instant) {
        *self = Self::at(deadline);
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl FuturesIo for AsyncStd {
    /// async-std's own way only flushes a [`TcpStream`], so that the peer would wait for the end of a file.
    fn poll_close<T: AsyncWrite + 'static>(
        mut stream: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(stream.as_mut().poll_close(cx))?;
        match (&*stream as &dyn Any).downcast_ref::<TcpStream>() {
            Some(stream) => Poll::Ready(stream.shutdown(Shutdown::Write)),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Runtime for AsyncStd {
    type TcpStream = TcpStream;
    type AcceptedStream = TcpStream;
    type TcpListener = TcpListener;
    type Task = Task;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs().await?.collect())
    }

    async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(peer).await
    }

    fn listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        Ok(TcpListener::from(listener))
    }

    async fn stream(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream::from(stream))
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

    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Task {
        // The panic hook has already reported a panic; it must not reach the task that waits.
        let (future, abort) = abortable(AssertUnwindSafe(future).catch_unwind());
        Task {
            handle: task::spawn(future.map(drop)),
            abort,
        }
    }

    /// With `async_std::task::spawn_blocking`.
    fn unblock<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send {
        // The task that waits for it would panic, too.
        let running = task::spawn_blocking(|| catch_unwind(AssertUnwindSafe(blocking)));
        async { running.await.map_err(|_| io::ErrorKind::Other.into()) }
    }
}

/// A task of async-std that ends when this is dropped.
#[derive(Debug)]
pub struct Task {
    handle: JoinHandle<()>,
    abort: AbortHandle,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
