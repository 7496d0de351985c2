//! Moving bytes between the transport and the caller's buffer, past the machine's own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::data;
use ftp_rustls::Secured;

use crate::{Driver, Io, Timer};

impl<R: Timer + Io<T>, T: Unpin> Driver<R, Secured<data::Connection>, T> {
    /// Reads straight into the caller's buffer, if the machine allows it. `None`: it does not, or there is
    /// nothing now, or it is the end; the usual way finds out which.
    pub(crate) fn poll_read_past(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<Option<usize>> {
        if !self.may_pass() {
            return Poll::Ready(None);
        }
        ready!(self.poll_turn_left(cx));
        let read = match R::poll_read(Pin::new(&mut self.transport), cx, space) {
            Poll::Pending => {
                let now = self.now();
                self.machine_mut().machine_mut().passed_by(now);
                return Poll::Ready(None);
            }
            Poll::Ready(read) => read,
        };
        match read {
            Ok(count) if count > 0 => {
                self.passed(count);
                Poll::Ready(Some(count))
            }
            // An end or a failure comes once only: the driver's state must know.
            end => {
                let now = self.now();
                let mut end = Some(end);
                let told = self.state.receive(
                    || now,
                    |_| match end.take() {
                        Some(end) => Poll::Ready(end),
                        None => Poll::Pending,
                    },
                );
                debug_assert!(told.is_ready(), "it was passable");
                Poll::Ready(None)
            }
        }
    }

    /// Writes straight from the caller's buffer. `None` as in [`poll_read_past`](Self::poll_read_past).
    pub(super) fn poll_write_past(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Option<usize>> {
        if !self.may_pass() {
            return Poll::Ready(None);
        }
        ready!(self.poll_turn_left(cx));
        match R::poll_write(Pin::new(&mut self.transport), cx, bytes) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.passed(count);
                Poll::Ready(Some(count))
            }
            Poll::Pending => Poll::Ready(None),
            Poll::Ready(failed) => {
                let now = self.now();
                let transport = &mut self.transport;
                self.state.wrote(now, failed, |space| {
                    R::poll_read(Pin::new(&mut *transport), cx, space)
                });
                Poll::Ready(None)
            }
        }
    }

    fn may_pass(&self) -> bool {
        self.state.is_passable() && self.machine().machine().is_transparent()
    }

    /// Pending once the turn is over: other tasks go first.
    fn poll_turn_left(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.state.is_turn_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn passed(&mut self, count: usize) {
        self.machine_mut().machine_mut().passed(count);
    }
}
