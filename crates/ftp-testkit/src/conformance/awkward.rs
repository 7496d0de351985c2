//! Transports that make it hard: byte by byte, or not at all.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ftp_blocking::Transport;
use ftp_futures::socket2::SockRef;
use ftp_futures::{Clock, Io, Runtime, Timer};

/// A runtime whose streams give one byte and take one byte, and let about every second call wait; with
/// `STUCK` they take nothing.
pub(super) struct Awkward<R, const STUCK: bool>(R);

/// About every second read, of whatever transport, has to wait.
static READS: AtomicUsize = AtomicUsize::new(0);
/// And about every second write.
static WRITES: AtomicUsize = AtomicUsize::new(0);

/// Without a period: of two streams that are read by turns, one would wait for ever.
fn must_wait(calls: &AtomicUsize) -> bool {
    let call = calls.fetch_add(1, Ordering::Relaxed) as u32;
    // By the golden ratio.
    call.wrapping_mul(0x9E37_79B9) >> 31 == 1
}

impl<R: Clock, const STUCK: bool> Clock for Awkward<R, STUCK> {
    fn now() -> Instant {
        R::now()
    }
}

impl<R: Timer, const STUCK: bool> Timer for Awkward<R, STUCK> {
    fn at(deadline: Instant) -> Self {
        Self(R::at(deadline))
    }

    fn reset(&mut self, deadline: Instant) {
        self.0.reset(deadline);
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_elapsed(cx)
    }
}

impl<R: Io<T>, T, const STUCK: bool> Io<T> for Awkward<R, STUCK> {
    fn poll_read(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if must_wait(&READS) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        R::poll_read(stream, cx, &mut space[..1])
    }

    fn poll_write(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if STUCK {
            return Poll::Pending;
        }
        if must_wait(&WRITES) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        R::poll_write(stream, cx, &bytes[..1])
    }

    fn poll_flush(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        R::poll_flush(stream, cx)
    }

    fn poll_close(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        R::poll_close(stream, cx)
    }
}

impl<R: Runtime, const STUCK: bool> Runtime for Awkward<R, STUCK> {
    type TcpStream = R::TcpStream;
    type AcceptedStream = R::AcceptedStream;
    type TcpListener = R::TcpListener;
    type Task = R::Task;

    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send {
        R::resolve(host, port)
    }

    fn connect(peer: SocketAddr) -> impl Future<Output = io::Result<R::TcpStream>> + Send {
        R::connect(peer)
    }

    fn listener(listener: std::net::TcpListener) -> io::Result<R::TcpListener> {
        R::listener(listener)
    }

    fn stream(
        stream: std::net::TcpStream,
    ) -> impl Future<Output = io::Result<R::TcpStream>> + Send {
        R::stream(stream)
    }

    fn stream_socket(stream: &R::TcpStream) -> SockRef<'_> {
        R::stream_socket(stream)
    }

    fn accept(
        listener: &R::TcpListener,
    ) -> impl Future<Output = io::Result<(R::TcpStream, SocketAddr)>> + Send {
        R::accept(listener)
    }

    fn accepted(stream: R::TcpStream) -> R::AcceptedStream {
        R::accepted(stream)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> R::Task {
        R::spawn(future)
    }

    fn unblock<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send {
        R::unblock(blocking)
    }
}

/// The same for blocking streams.
pub(super) struct AwkwardStream<T> {
    pub(super) stream: T,
    pub(super) stuck: bool,
}

impl<T: Read> Read for AwkwardStream<T> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if must_wait(&READS) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.stream.read(&mut space[..1])
    }
}

impl<T: Write> Write for AwkwardStream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Seldom: a wait that is over is one of a millisecond or more.
        if self.stuck || WRITES.fetch_add(1, Ordering::Relaxed) % 64 == 63 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.write(&bytes[..1])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<T: Transport> Transport for AwkwardStream<T> {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.stream.close()
    }
}
