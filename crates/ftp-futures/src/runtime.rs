//! What a runtime must have: a clock, a timer, reading and writing, and a network.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ftp_adapter::Clock;
use ftp_adapter::socket2::SockRef;
use futures_io::{AsyncRead, AsyncWrite};

/// A timer of a runtime, and (as [`Clock`]) its clock.
///
/// The minimum for another runtime. With [`FuturesIo`] it is enough for connections over transports
/// that the caller connects.
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use std::time::Instant;
///
/// use ftp_futures::{Clock, FuturesIo, Timer};
///
/// /// async-io's reactor.
/// struct Reactor(async_io::Timer);
///
/// impl Clock for Reactor {
///     fn now() -> Instant {
///         Instant::now()
///     }
/// }
///
/// impl Timer for Reactor {
///     fn at(deadline: Instant) -> Self {
///         Self(async_io::Timer::at(deadline))
///     }
///
///     fn reset(&mut self, deadline: Instant) {
///         self.0.set_at(deadline);
///     }
///
///     fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
///         Pin::new(&mut self.0).poll(cx).map(drop)
///     }
/// }
///
/// impl FuturesIo for Reactor {}
/// ```
pub trait Timer: Clock + Unpin + Sized {
    /// A timer for this time.
    fn at(deadline: Instant) -> Self;

    /// Sets the timer to this time instead, also after it was ready.
    fn reset(&mut self, deadline: Instant);

    /// Ready when the time has come. Not polled again after that until it is reset.
    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// How a runtime reads and writes streams of this type, without waiting, like the methods of
/// `futures-io` and tokio, which differ only in names and buffers.
pub trait Io<T> {
    /// Reads some bytes. `Ok(0)`: the end of the stream.
    fn poll_read(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes some of the bytes.
    fn poll_write(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>>;

    /// Flushes the bytes that the stream itself holds.
    fn poll_flush(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Flushes the stream and closes it for writing.
    fn poll_close(stream: Pin<&mut T>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A runtime whose streams implement the traits of `futures-io`. It gets [`Io`] for all of them.
pub trait FuturesIo {
    /// Flushes the stream and closes it for writing, if the stream's own way does not do that.
    fn poll_close<T: AsyncWrite + 'static>(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        stream.poll_close(cx)
    }
}

impl<R: FuturesIo, T: AsyncRead + AsyncWrite + 'static> Io<T> for R {
    fn poll_read(
        stream: Pin<&mut T>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        stream.poll_read(cx, space)
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
        <R as FuturesIo>::poll_close(stream, cx)
    }
}

/// The network and the tasks of a runtime, for [`Client::connect`](crate::Client::connect) and
/// [`Server::serve`](crate::Server::serve).
pub trait Runtime: Timer + Send + Io<Self::TcpStream> + Io<Self::AcceptedStream> {
    /// A connection.
    type TcpStream: Unpin + Send + 'static;
    /// The control connection of a server's client. Its reads go on behind urgent data, in front of which the
    /// system ends one (RFC 959 §4.1.3).
    type AcceptedStream: Unpin + Send + 'static;
    /// A listener.
    type TcpListener: Send + Sync;
    /// A task. Dropping it ends the task at once; ready when the task is over, also by a panic.
    type Task: Future<Output = ()> + Unpin + Send;

    /// The addresses of this host, in the system's order.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects.
    fn connect(peer: SocketAddr) -> impl Future<Output = io::Result<Self::TcpStream>> + Send;

    /// A listener of the system, which does not block, as one of the runtime.
    ///
    /// # Errors
    /// Those of the runtime.
    fn listener(listener: std::net::TcpListener) -> io::Result<Self::TcpListener>;

    /// A connection of the system as one of the runtime, which can be written to at once.
    fn stream(
        stream: std::net::TcpStream,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send;

    /// The socket of a connection, to ask for its address and to set options.
    fn stream_socket(stream: &Self::TcpStream) -> SockRef<'_>;

    /// Accepts a connection, and sends small packets at once.
    fn accept(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<(Self::TcpStream, SocketAddr)>> + Send;

    /// An accepted connection as a control connection.
    fn accepted(stream: Self::TcpStream) -> Self::AcceptedStream;

    /// Runs a future as a task.
    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self::Task;

    /// Runs a function that blocks on a thread that may block. It starts at once, and runs to its end even
    /// if the future is dropped.
    ///
    /// # Errors
    /// The function panicked, or the runtime ends.
    fn unblock<T: Send + 'static>(
        blocking: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send;
}

/// Waits until this time.
pub(crate) async fn sleep_until<R: Timer>(deadline: Instant) {
    let mut timer = R::at(deadline);
    poll_fn(|cx| timer.poll_elapsed(cx)).await;
}

/// Yields to the other tasks of this thread.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The future's output, or `None` when this time has come.
pub(crate) async fn before<R: Timer, F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    DeadlineTimer::<R>::default().before(deadline, future).await
}

/// A timer, made when it is first needed, for one deadline after another.
///
/// A timer set to an earlier time is left alone, and set again when it is ready. Most deadlines
/// move with each reply and never pass, and setting a timer is expensive on some runtimes.
pub(crate) struct DeadlineTimer<R>(Option<(Instant, R)>);

impl<R: Timer> DeadlineTimer<R> {
    /// Ready when this time has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let new = || (deadline, R::at(deadline));
        let (set_to, timer) = self.0.get_or_insert_with(new);
        if *set_to > deadline {
            *set_to = deadline;
            timer.reset(deadline);
        }
        while timer.poll_elapsed(cx).is_ready() {
            if *set_to >= deadline {
                self.0 = None;
                return Poll::Ready(());
            }
            *set_to = deadline;
            timer.reset(deadline);
        }
        Poll::Pending
    }

    /// The future's output, or `None` when this time has come.
    pub(crate) async fn before<F: Future>(
        &mut self,
        deadline: Instant,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll(cx, deadline).map(|()| None),
        })
        .await
    }
}

impl<R> Default for DeadlineTimer<R> {
    fn default() -> Self {
        Self(None)
    }
}

/// The time after this duration; a time far away if that overflows.
pub(crate) fn later<R: Timer>(after: Duration) -> Instant {
    let now = R::now();
    now.checked_add(after)
        .unwrap_or_else(|| now + Duration::from_secs(3_155_760_000))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::Waker;

    use super::*;

    thread_local! {
        /// Milliseconds since the start, and how often a timer was set.
        static TIME: Cell<u64> = const { Cell::new(0) };
        static SET: Cell<usize> = const { Cell::new(0) };
        static START: Instant = Instant::now();
    }

    fn at(millisecond: u64) -> Instant {
        START.with(|start| *start + Duration::from_millis(millisecond))
    }

    /// A timer of a clock that is set by hand.
    struct ByHand(Instant);

    impl Clock for ByHand {
        fn now() -> Instant {
            at(TIME.get())
        }
    }

    impl Timer for ByHand {
        fn at(deadline: Instant) -> Self {
            SET.set(SET.get() + 1);
            Self(deadline)
        }

        fn reset(&mut self, deadline: Instant) {
            *self = Self::at(deadline);
        }

        fn poll_elapsed(&mut self, _: &mut Context<'_>) -> Poll<()> {
            match Self::now() >= self.0 {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }
    }

    /// Whether it is ready at this time for this deadline.
    fn goes_off(timer: &mut DeadlineTimer<ByHand>, time: u64, deadline: u64) -> bool {
        TIME.set(time);
        let mut context = Context::from_waker(Waker::noop());
        timer.poll(&mut context, at(deadline)).is_ready()
    }

    #[test]
    fn a_deadline_that_moves_on_sets_the_timer_no_more_often_than_it_goes_off() {
        let mut timer = DeadlineTimer::default();
        for time in 0..100 {
            assert!(!goes_off(&mut timer, time, time + 30));
        }
        // At 0, and when it went off at 30, 60 and 90.
        assert_eq!(SET.get(), 4);
        assert!(!goes_off(&mut timer, 128, 129));
        assert!(goes_off(&mut timer, 129, 129));
    }

    #[test]
    fn an_earlier_deadline_is_kept() {
        let mut timer = DeadlineTimer::default();
        assert!(!goes_off(&mut timer, 0, 30));
        assert!(!goes_off(&mut timer, 1, 10));
        assert!(goes_off(&mut timer, 10, 10));
        assert!(!goes_off(&mut timer, 11, 12));
        assert!(goes_off(&mut timer, 12, 12));
    }
}
