//! A transport that counts its bytes, and counts as an open connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::metrics::Metrics;

/// An open connection. It counts as open until it is dropped, however its session ends.
///
/// A client that resets the connection before it sends anything only checked whether the port is
/// open, as balancers and monitors do. That is no failure to warn about: reads then give the end of
/// the stream, and writes are dropped.
pub(crate) struct Counted<T> {
    transport: T,
    metrics: Arc<Metrics>,
    client: SocketAddr,
    heard: Heard,
}

/// What was received so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Nothing yet.
    Nothing,
    /// The end or a failure, and no byte before it.
    OnlyTheEnd,
    /// Bytes.
    Something,
}

impl<T> Counted<T> {
    pub(crate) fn new(transport: T, client: SocketAddr, metrics: Arc<Metrics>) -> Self {
        metrics.accepted.inc();
        metrics.open.inc();
        Self {
            transport,
            metrics,
            client,
            heard: Heard::Nothing,
        }
    }

    /// The balancer named this client as the peer. The client has sent nothing yet.
    pub(crate) fn belongs_to(&mut self, client: SocketAddr) {
        self.client = client;
        self.heard = Heard::Nothing;
    }
}

impl<T> Counted<T> {
    fn end_in_silence(&mut self) {
        if self.heard == Heard::Nothing {
            self.heard = Heard::OnlyTheEnd;
            self.metrics.count_silent(self.client);
        }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.metrics.open.dec();
        if self.heard == Heard::OnlyTheEnd {
            self.metrics.forget_silent(self.client);
        }
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
        if read > 0 {
            this.heard = Heard::Something;
        }
        let is_over = polled.is_ready() && this.heard != Heard::Something && buffer.remaining() > 0;
        if is_over {
            this.end_in_silence();
            return Poll::Ready(Ok(()));
        }
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
        match polled {
            Poll::Ready(Ok(written)) => {
                this.metrics.sent_bytes.inc_by(written as u64);
            }
            Poll::Ready(Err(_)) if this.heard != Heard::Something => {
                this.end_in_silence();
                return Poll::Ready(Ok(bytes.len()));
            }
            Poll::Ready(Err(_)) | Poll::Pending => {}
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
