//! Moving bytes between the transport and the caller's buffer, past the machine's own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::{Instant, data};
use ftp_rustls::Secured;

use crate::{Driver, Io, Timer};

impl<R: Timer + Io<T>, T: Unpin> Driver<R, Secured<data::Connection>, T> {
    /// Receives into the caller's buffer, if the machine allows it. `None`: it does not, or there is
    /// nothing now, or it is the end; the usual way finds out which.
    pub(crate) fn poll_read_past(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<Option<usize>> {
        if !self.state.is_passable() || !self.machine().may_receive_past() {
            return Poll::Ready(None);
        }
        ready!(self.poll_turn_left(cx));
        let transport = &mut self.transport;
        let read = |space: &mut [u8]| R::poll_read(Pin::new(transport), cx, space);
        match self.state.machine_mut().receive_past(space, read) {
            Some(Poll::Ready(Ok(count))) if count > 0 => {
                self.state.moved(count);
                Poll::Ready(Some(count))
            }
            // The beginning of a record moves no deadline. What passed before it did.
            None | Some(Poll::Pending) => {
                if self.machine().may_receive_past() {
                    let now = self.now();
                    self.machine_mut().machine_mut().passed_by(now);
                }
                Poll::Ready(None)
            }
            // An end or a failure comes once only: the driver's state must know.
            Some(end) => {
                let now = self.now();
                let mut end = Some(end);
                let told = self.state.receive(
                    || now,
                    |_| match end.take() {
                        Some(end) => end,
                        None => Poll::Pending,
                    },
                );
                debug_assert!(told.is_ready(), "it was passable");
                Poll::Ready(None)
            }
        }
    }

    /// Sends from the caller's buffer. `None` as in [`poll_read_past`](Self::poll_read_past).
    pub(super) fn poll_write_past(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Option<usize>> {
        if !self.state.is_passable() || !self.machine().may_send_past() {
            return Poll::Ready(None);
        }
        ready!(self.poll_turn_left(cx));
        let start = self.state.start();
        let now = || Instant::from_start(R::now().saturating_duration_since(start));
        let transport = &mut self.transport;
        let write = |bytes: &[u8]| R::poll_write(Pin::new(transport), cx, bytes);
        match self.state.machine_mut().send_past(bytes, now, write) {
            None | Some(Poll::Pending) => Poll::Ready(None),
            Some(Poll::Ready(Ok(count))) if count > 0 => {
                self.state.wrote_past();
                self.state.moved(count);
                Poll::Ready(Some(count))
            }
            Some(Poll::Ready(failed)) => {
                let now = self.now();
                let transport = &mut self.transport;
                self.state.wrote(now, failed, |space| {
                    R::poll_read(Pin::new(&mut *transport), cx, space)
                });
                Poll::Ready(None)
            }
        }
    }

    /// For servers. Sends from the caller's buffer, or has the machine keep what the transport does not take now,
    /// so that its deadline runs. How many bytes were taken; 0 if there is no room.
    #[cfg(feature = "files")]
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        Poll::Ready(match ready!(self.poll_write_past(cx, bytes)) {
            Some(count) => count,
            None => {
                let now = self.now();
                self.machine_mut().machine_mut().write(now, bytes)
            }
        })
    }

    /// Pending once the turn is over: other tasks go first.
    fn poll_turn_left(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.state.is_turn_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
