//! A transport that counts its bytes, and itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::metrics::Metrics;

/// An open connection. It counts as open until it is dropped, however its session ends.
pub(crate) struct Counted<T> {
    transport: T,
    metrics: Arc<Metrics>,
}

impl<T> Counted<T> {
    pub(crate) fn new(transport: T, metrics: Arc<Metrics>) -> Self {
        metrics.accepted.inc();
        metrics.open.inc();
        Self { transport, metrics }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.metrics.open.dec();
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.transport).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        this.metrics.received_bytes.inc_by(read as u64);
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.transport).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            this.metrics.sent_bytes.inc_by(written as u64);
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(context)
    }
}
