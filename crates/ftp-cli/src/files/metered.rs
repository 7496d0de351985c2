//! A file of this computer on its way: its bytes are counted, and slowed down if that was asked for.

use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::progress::Meter;

/// Bytes a second for all files together.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: u64,
    /// When what was let through until now may have gone.
    free_at: Mutex<Instant>,
}

impl Throttle {
    pub(crate) fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            free_at: Mutex::new(Instant::now()),
        }
    }

    /// How many bytes go through at a time.
    fn piece(&self) -> usize {
        usize::try_from(self.rate / 8).unwrap_or(usize::MAX).max(1)
    }

    /// So many bytes went through. Until when to wait before the next.
    fn passed(&self, count: usize) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = Duration::from_secs_f64(count as f64 / self.rate as f64);
        *free_at = (*free_at).max(Instant::now()) + cost;
        *free_at
    }
}

/// The file, with its meter.
pub(crate) struct Metered<'a, F> {
    pub(crate) file: F,
    meter: &'a Meter,
    throttle: Option<&'a Throttle>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<'a, F> Metered<'a, F> {
    pub(crate) fn new(file: F, meter: &'a Meter, throttle: Option<&'a Throttle>) -> Self {
        Self {
            file,
            meter,
            throttle,
            waiting: None,
        }
    }

    /// Waits for the bytes before, and says how many may go now.
    fn poll_allowed(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(match self.throttle {
            Some(throttle) => wanted.min(throttle.piece()),
            None => wanted,
        })
    }

    fn passed(&mut self, count: usize) {
        self.meter.moved(count);
        if let Some(throttle) = self.throttle
            && count > 0
        {
            self.waiting = Some(Box::pin(sleep_until(throttle.passed(count))));
        }
    }
}

impl<F: AsyncRead + Unpin> AsyncRead for Metered<'_, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let allowed = ready!(self.poll_allowed(cx, buffer.remaining()));
        let before = buffer.filled().len();
        if allowed < buffer.remaining() {
            let mut space = vec![0; allowed];
            let mut part = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.file).poll_read(cx, &mut part))?;
            buffer.put_slice(part.filled());
        } else {
            ready!(Pin::new(&mut self.file).poll_read(cx, buffer))?;
        }
        self.passed(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<F: AsyncWrite + Unpin> AsyncWrite for Metered<'_, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.poll_allowed(cx, bytes.len()));
        let bytes = bytes.get(..allowed).unwrap_or(bytes);
        let count = ready!(Pin::new(&mut self.file).poll_write(cx, bytes))?;
        self.passed(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(cx)
    }
}

impl<F: AsyncSeek + Unpin> AsyncSeek for Metered<'_, F> {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        if let SeekFrom::Start(position) = to {
            self.meter.set_position(position);
        }
        Pin::new(&mut self.file).start_seek(to)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.file).poll_complete(cx)
    }
}

/// Standard output, a pipe or a device as what a download goes into. What was written cannot be taken back: a
/// transfer that was cut goes on there, and one that must start over fails.
pub(crate) struct Stream<W> {
    writer: W,
    written: u64,
    /// How many bytes come that were written already.
    again: u64,
    to: u64,
}

impl<W> Stream<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self {
            writer,
            written: 0,
            again: 0,
            to: 0,
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Stream<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let again = usize::try_from(self.again)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        if again > 0 {
            self.again -= again as u64;
            return Poll::Ready(Ok(again));
        }
        let count = ready!(Pin::new(&mut self.writer).poll_write(cx, bytes))?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

impl<W: Unpin> AsyncSeek for Stream<W> {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        match to {
            // Its length: nothing is there before the first byte.
            SeekFrom::End(0) => self.to = 0,
            SeekFrom::Start(at) if at <= self.written && (at > 0 || self.written == 0) => {
                self.again = self.written - at;
                self.to = at;
            }
            _ => {
                return Err(io::Error::other(
                    "the transfer would have to start over, and its beginning is written already",
                ));
            }
        }
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.to))
    }
}
