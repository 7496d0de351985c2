//! What a client receives.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_adapter::{Error, Report};
use futures_io::AsyncRead;

use super::{HoldsClient, Running};
use crate::FuturesIo;

/// How much is read at a time where the caller does not say.
const PIECE: usize = 64 * 1024;

/// A file or a listing that is being received.
///
/// It can be read with `AsyncRead`: tokio's with tokio, that of `futures-io` elsewhere. **The end of the stream is
/// reported only when the transfer is whole**: the data ended as it should, its length is what the
/// server announced, and the server confirmed it. Anything else is an error, so `copy` alone is
/// safe. Dropping it before gives the transfer up.
#[must_use = "nothing is received before it is read"]
pub struct Download<C: HoldsClient> {
    running: Running<C>,
}

impl<C: HoldsClient> Download<C> {
    pub(crate) fn new(running: Running<C>) -> Self {
        Self { running }
    }

    ftp_adapter::download_progress!();

    /// Reads some bytes. 0: the transfer is whole.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Transfer`], or whatever ended the control connection.
    pub async fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        poll_fn(|cx| self.poll_read_some(cx, space)).await
    }

    /// Reads all to the end.
    ///
    /// # Errors
    /// As [`read`](Self::read). What had come until then is in `into`.
    pub async fn read_to_end(&mut self, into: &mut Vec<u8>) -> Result<usize, Error> {
        let before = into.len();
        loop {
            let filled = into.len();
            into.resize(filled + PIECE, 0);
            let result = self.read(&mut into[filled..]).await;
            into.truncate(filled + *result.as_ref().unwrap_or(&0));
            if result? == 0 {
                return Ok(into.len() - before);
            }
        }
    }

    /// Waits for the end; bytes that were not read are read and dropped. Says what was transferred.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn finish(&mut self) -> Result<Report, Error> {
        loop {
            let count = poll_fn(|cx| self.poll_fill(cx).map_ok(<[u8]>::len)).await?;
            if count == 0 {
                break;
            }
            self.running.consume(count);
        }
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

    /// The same as [`read`](Self::read), for a hand-written future.
    ///
    /// # Errors
    /// As there.
    pub fn poll_read_some(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        if space.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.running.readable().is_empty()
            && let Some(count) = ready!(self.running.poll_read_past(cx, space))
        {
            return Poll::Ready(Ok(count));
        }
        let bytes = ready!(self.poll_fill(cx))?;
        let count = bytes.len().min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        self.running.consume(count);
        Poll::Ready(Ok(count))
    }

    /// Some bytes; none at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], Error>> {
        while self.running.readable().is_empty() {
            if let Some(outcome) = self.running.outcome() {
                outcome?;
                return Poll::Ready(Ok(&[]));
            }
            ready!(self.running.poll_turn(cx))?;
        }
        Poll::Ready(Ok(self.running.readable()))
    }
}

impl<C: HoldsClient<Runtime: FuturesIo>> AsyncRead for Download<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_some(cx, space).map_err(io::Error::from)
    }
}

impl<C: HoldsClient> fmt::Debug for Download<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.running.fmt(f)
    }
}
