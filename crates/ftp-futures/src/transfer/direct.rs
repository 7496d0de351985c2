//! Moving bytes between the transport and the caller's buffer, past the machine's own.

use std::pin::Pin;
use std::task::{Context, Poll};

use ftp_proto::data;
use ftp_rustls::Secured;

use crate::{Driver, Io, Timer};

impl<R: Timer + Io<T>, T: Unpin> Driver<R, Secured<data::Connection>, T> {
    /// Reads straight into the caller's buffer, if the machine allows it. `None`: it does not, or there is
    /// nothing now, or it is the end; the usual way finds out which.
    pub(super) fn read_past(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Option<usize> {
        if !self.may_pass() {
            return None;
        }
        let read = match R::poll_read(Pin::new(&mut self.transport), cx, space) {
            Poll::Pending => return None,
            Poll::Ready(read) => read,
        };
        match read {
            Ok(count) if count > 0 => {
                self.passed(count);
                Some(count)
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
                None
            }
        }
    }

    /// Writes straight from the caller's buffer. `None` as in [`read_past`](Self::read_past).
    pub(super) fn write_past(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<usize> {
        if !self.may_pass() {
            return None;
        }
        match R::poll_write(Pin::new(&mut self.transport), cx, bytes) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.passed(count);
                Some(count)
            }
            Poll::Pending => None,
            Poll::Ready(failed) => {
                let now = self.now();
                let transport = &mut self.transport;
                self.state.wrote(now, failed, |space| {
                    R::poll_read(Pin::new(&mut *transport), cx, space)
                });
                None
            }
        }
    }

    /// A turn that is over ends the usual way: other tasks go first.
    fn may_pass(&mut self) -> bool {
        self.state.is_passable()
            && self.machine().machine().is_transparent()
            && !self.state.is_turn_over()
    }

    fn passed(&mut self, count: usize) {
        let now = self.now();
        self.machine_mut().machine_mut().passed(now, count);
    }
}
