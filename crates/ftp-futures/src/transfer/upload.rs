//! What a client sends.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_adapter::{Error, Report};
use futures_io::AsyncWrite;

use super::{HoldsClient, Running};
use crate::FuturesIo;

/// A file that is being sent.
///
/// It can be written with `AsyncWrite`: tokio's with tokio, that of `futures-io` elsewhere. **Closing it
/// (`shutdown`, `close`) waits until the server has confirmed** that the file is whole, as
/// [`finish`](Self::finish) does, which says more. Dropping it before gives the transfer up: the server may
/// keep a part of the file.
#[must_use = "the file is whole only when this is finished"]
pub struct Upload<C: HoldsClient> {
    running: Running<C>,
}

impl<C: HoldsClient> Upload<C> {
    pub(crate) fn new(running: Running<C>) -> Self {
        Self { running }
    }

    ftp_adapter::upload_progress!();

    /// Writes some of the bytes, and returns how many.
    ///
    /// Under TLS up to 256 KiB are encrypted and sent at a time: larger pieces make fewer system calls. As much
    /// memory is kept for the next piece, until it is [flushed](Self::poll_flush_all) or finished.
    ///
    /// What the transport does not take now waits for the next call.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Transfer`] if it is over, or whatever ended the control connection.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        poll_fn(|cx| self.poll_write_some(cx, bytes)).await
    }

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let count = self.write(bytes).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// All was written: waits until the server has confirmed it, and says what was transferred.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn finish(&mut self) -> Result<Report, Error> {
        poll_fn(|cx| self.poll_finish(cx)).await?;
        match self.running.outcome() {
            Some(report) => report.cloned(),
            None => Err(Error::Closed),
        }
    }

    /// Gives the transfer up, and waits until the server has taken that in: `ABOR`, if it has begun. Dropping
    /// this does the same before the client's next command.
    ///
    /// # Errors
    /// Whatever ended the control connection.
    pub async fn abort(self) -> Result<(), Error> {
        self.running.into_client().client().settle().await
    }

    /// Gives the client back. If the transfer is not over, that gives it up.
    pub fn into_inner(self) -> C {
        self.running.into_client()
    }

    /// The same as [`write`](Self::write), for a hand-written future.
    ///
    /// # Errors
    /// As there.
    pub fn poll_write_some(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if let Some(count) = ready!(self.running.poll_write_past(cx, bytes)) {
                return Poll::Ready(Ok(count));
            }
            let count = self.running.write(bytes);
            if count > 0 {
                // On its way at once. What that finds out is told by the next call.
                while let Poll::Ready(Ok(())) = self.running.poll_turn(cx) {
                    if self.running.is_flushed() && !self.running.awaits_session() {
                        break;
                    }
                }
                return Poll::Ready(Ok(count));
            }
            if let Some(outcome) = self.running.outcome() {
                outcome?;
                // The server says that the file is whole, and there is more.
                return Poll::Ready(Err(Error::Closed));
            }
            ready!(self.running.poll_turn(cx))?;
        }
    }

    /// Waits until what was written is on its way. Memory that the next piece might use is given back.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.running.is_flushed() {
            ready!(self.running.poll_turn(cx))?;
        }
        ready!(self.running.poll_flushed(cx));
        self.running.shrink();
        self.running.send_at_once();
        Poll::Ready(Ok(()))
    }

    /// The same as [`finish`](Self::finish), for a hand-written future.
    ///
    /// # Errors
    /// As there.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.running.finish_writing();
            if let Some(outcome) = self.running.outcome() {
                return Poll::Ready(outcome.map(drop));
            }
            ready!(self.running.poll_turn(cx))?;
        }
    }
}

impl<C: HoldsClient<Runtime: FuturesIo>> AsyncWrite for Upload<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_some(cx, bytes).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_all(cx).map_err(io::Error::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl<C: HoldsClient> fmt::Debug for Upload<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.running.fmt(f)
    }
}
