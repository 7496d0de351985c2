//! tokio as a runtime of `ftp-futures`.

use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ftp_futures::socket2::SockRef;
use ftp_futures::{Clock, Io, Runtime, SinkIo, SourceIo, Timer, TokioIo};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::{self, Sleep};

use crate::AcceptedStream;

/// tokio: its clock (which tests can pause), its timer, its network, its tasks.
#[derive(Debug)]
pub struct Tokio(Pin<Box<Sleep>>);

impl Clock for Tokio {
    fn now() -> Instant {
        time::Instant::now().into_std()
    }
}

impl Timer for Tokio {
    fn at(deadline: Instant) -> Self {
        Self(Box::pin(time::sleep_until(deadline.into())))
    }

    fn reset(&mut self, deadline: Instant) {
        self.0.as_mut().reset(deadline.into());
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl<T: AsyncRead + AsyncWrite> Io<T> for Tokio {
    fn poll_read(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(space);
        stream
            .poll_read(cx, &mut buffer)
            .map_ok(|()| buffer.filled().len())
    }

    fn poll_write(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        stream.poll_write(cx, bytes)
    }

    fn poll_flush(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_flush(cx)
    }

    fn poll_close(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_shutdown(cx)
    }
}

impl TokioIo for Tokio {}

impl<S: AsyncWrite + AsyncSeek + Unpin + Send> SinkIo<S> for Tokio {
    async fn write(sink: &mut S, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|cx| {
            while !bytes.is_empty() {
                let count = ready!(Pin::new(&mut *sink).poll_write(cx, bytes))?;
                if count == 0 {
                    return Err(io::ErrorKind::WriteZero.into()).into();
                }
                bytes = &bytes[count..];
            }
            Ok(()).into()
        })
        .await
    }

    async fn flush(sink: &mut S) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut *sink).poll_flush(cx)).await
    }

    async fn seek(sink: &mut S, to: SeekFrom) -> io::Result<u64> {
        seek(sink, to).await
    }
}

impl<S: AsyncRead + AsyncSeek + Unpin + Send> SourceIo<S> for Tokio {
    async fn read(source: &mut S, space: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(space);
        poll_fn(|cx| Pin::new(&mut *source).poll_read(cx, &mut buffer)).await?;
        Ok(buffer.filled().len())
    }

    async fn seek(source: &mut S, to: SeekFrom) -> io::Result<u64> {
        seek(source, to).await
    }
}

async fn seek<S: AsyncSeek + Unpin>(file: &mut S, to: SeekFrom) -> io::Result<u64> {
    // No other may be under way, such as one whose future was dropped.
    poll_fn(|cx| Pin::new(&mut *file).poll_complete(cx)).await?;
    Pin::new(&mut *file).start_seek(to)?;
    poll_fn(|cx| Pin::new(&mut *file).poll_complete(cx)).await
}

impl Runtime for Tokio {
    type TcpStream = TcpStream;
    type AcceptedStream = AcceptedStream;
    type TcpListener = TcpListener;
    type Task = Task;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }

    async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(peer).await
    }

    fn listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }

    async fn stream(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream)?;
        // tokio writes nothing before it was told so.
        stream.writable().await?;
        Ok(stream)
    }

    fn stream_socket(stream: &TcpStream) -> SockRef<'_> {
        SockRef::from(stream)
    }

    async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }

    fn accepted(stream: TcpStream) -> AcceptedStream {
        AcceptedStream::from(stream)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(tokio::spawn(future))
    }

    /// With `tokio::task::spawn_blocking`.
    fn unblock<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send {
        let running = tokio::task::spawn_blocking(blocking);
        async { running.await.map_err(io::Error::other) }
    }
}

/// A task of tokio that ends when this is dropped.
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The panic hook has already reported a panic.
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
