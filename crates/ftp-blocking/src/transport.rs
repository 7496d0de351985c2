//! What the driver needs from a stream, and how it waits.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::task::Poll;
use std::time::Duration;

/// The shortest time-out that is set: zero would mean none, and systems count in milliseconds.
const SHORTEST: Duration = Duration::from_millis(1);
/// To be woken this seldom costs less than to set another time-out at each change of what is waited for.
const SELDOM: Duration = Duration::from_secs(1);

/// A stream with settable time-outs.
///
/// A read or write that takes longer than its time-out fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut); both mean
/// the time-out.
pub trait Transport: Read + Write {
    /// How long a read may take from now on. Never called with zero.
    ///
    /// # Errors
    /// If the stream does not take it, which ends the connection.
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// How long a write may take from now on. Never called with zero.
    ///
    /// # Errors
    /// As there.
    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Closes the stream for writing. It can still be read.
    ///
    /// # Errors
    /// The stream's error; the connection is over either way.
    fn close(&mut self) -> io::Result<()>;

    /// The socket, if all bytes go to it and come from it as they are: then the system can copy files to
    /// and from it by itself, without calls to [`read`](Read::read) and [`write`](Write::write). `None`, if
    /// not implemented.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

impl Transport for TcpStream {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_read_timeout(self, Some(timeout))
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_write_timeout(self, Some(timeout))
    }

    fn close(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

#[cfg(unix)]
impl Transport for std::os::unix::net::UnixStream {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        std::os::unix::net::UnixStream::set_read_timeout(self, Some(timeout))
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        std::os::unix::net::UnixStream::set_write_timeout(self, Some(timeout))
    }

    fn close(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (**self).set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (**self).set_write_timeout(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        (**self).close()
    }

    fn socket(&self) -> Option<&TcpStream> {
        (**self).socket()
    }
}

/// A transport, and the time-outs that are set on it.
///
/// Setting one is a system call, so it is set only if the present one does not fit. It may be
/// shorter than the time left, since the caller reads the clock and waits again.
#[derive(Debug)]
pub(crate) struct Timed<T> {
    pub(crate) transport: T,
    reads: Timeout,
    writes: Timeout,
}

/// A time-out that is set on a transport.
#[derive(Debug, Clone, Copy, Default)]
struct Timeout {
    present: Option<Duration>,
    /// The last time left that it was found to fit.
    fits: Option<Duration>,
}

impl<T: Transport> Timed<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            reads: Timeout::default(),
            writes: Timeout::default(),
        }
    }

    /// One read of at most this time. Pending: nothing came.
    #[inline]
    pub(crate) fn read(&mut self, space: &mut [u8], most: Duration) -> Poll<io::Result<usize>> {
        self.receive(most, |transport| transport.read(space))
    }

    /// The same; this call moves the bytes.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        most: Duration,
        receive: impl FnOnce(&mut T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if let Some(timeout) = self.reads.new_for(most) {
            if let Err(error) = self.transport.set_read_timeout(timeout) {
                return Poll::Ready(Err(error));
            }
            self.reads.present = Some(timeout);
        }
        in_time(|| receive(&mut self.transport))
    }

    /// One write of at most this time. Pending: nothing was taken.
    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8], most: Duration) -> Poll<io::Result<usize>> {
        if let Err(error) = self.limit_writes(most) {
            return Poll::Ready(Err(error));
        }
        in_time(|| self.transport.write(bytes))
    }

    /// Flushes for about this time at most. Pending: not all was flushed.
    pub(crate) fn flush(&mut self, most: Duration) -> Poll<io::Result<()>> {
        if let Err(error) = self.limit_writes(most) {
            return Poll::Ready(Err(error));
        }
        in_time(|| self.transport.flush())
    }

    /// Closes the stream for writing. Pending: it could not be done yet.
    pub(crate) fn shut_down(&mut self) -> Poll<io::Result<()>> {
        in_time(|| self.transport.close())
    }

    /// Sets how long a write may take.
    pub(crate) fn limit_writes(&mut self, most: Duration) -> io::Result<()> {
        if let Some(timeout) = self.writes.new_for(most) {
            self.transport.set_write_timeout(timeout)?;
            self.writes.present = Some(timeout);
        }
        Ok(())
    }
}

impl Timeout {
    /// The time-out to set, if the present one does not fit: it is longer than the time left, or so
    /// much shorter that it would wake us for nothing.
    #[inline]
    fn new_for(&mut self, left: Duration) -> Option<Duration> {
        if self.fits == Some(left) && self.present.is_some() {
            return None;
        }
        self.fits = Some(left);
        let left = left.max(SHORTEST);
        match self.present {
            Some(present) if present <= left && present >= SELDOM.min(left / 4) => None,
            // A little less than the time left, so that it fits the next steps too.
            _ => Some((left / 4 * 3).max(SHORTEST)),
        }
    }
}

/// Work that takes too long is pending, and so is work that a signal interrupted: the caller reads
/// the clock and starts again, so that endless signals move no deadline.
fn in_time<T>(work: impl FnOnce() -> io::Result<T>) -> Poll<io::Result<T>> {
    match work() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ) =>
        {
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}
