//! Moves the bytes of any machine over any transport. It has no policy.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_adapter::{DriverState, Next};
use ftp_proto::{Action, Instant, Machine};
use zeroize::Zeroizing;

use crate::runtime::DeadlineTimer;
use crate::{Io, Timer};

/// A machine, the transport it runs over, and the runtime's clock.
///
/// All progress is made in [`poll_next`](Self::poll_next), one read or write at a time, and all
/// state is in the driver. So a future of [`next`](Self::next) can be dropped at any time without
/// losing a byte, and calling `next` again continues.
///
/// It yields to the other tasks of its thread at least every 64 steps, events included, however
/// much its peer sends. Each step checks the machine's deadline.
pub struct Driver<R, M: Machine, T> {
    pub(crate) state: DriverState<M>,
    pub(crate) transport: T,
    timer: DeadlineTimer<R>,
    closed: bool,
}

/// The parts of a [`Driver`].
#[non_exhaustive]
pub struct Parts<M, T> {
    /// The machine.
    pub machine: M,
    /// The transport.
    pub transport: T,
    /// Bytes that were read from the transport and not taken by the machine.
    pub unread: Zeroizing<Vec<u8>>,
}

impl<R: Timer + Io<T>, M: Machine, T: Unpin> Driver<R, M, T> {
    /// The machine's time starts ([`Instant::START`]) now.
    pub fn new(machine: M, transport: T) -> Self {
        Self::with_timer(machine, transport, DeadlineTimer::default())
    }

    /// The same for the machine of a data connection: it reads up to 64 KiB at a time instead of
    /// 4 KiB.
    pub fn for_data(machine: M, transport: T) -> Self {
        Self::for_data_since(machine, transport, R::now())
    }

    /// The same; the machine's time started then, with that of the control connection.
    pub(crate) fn for_data_since(machine: M, transport: T, start: std::time::Instant) -> Self {
        Self {
            state: DriverState::for_data(machine, start),
            transport,
            timer: DeadlineTimer::default(),
            closed: false,
        }
    }

    pub(crate) fn with_timer(machine: M, transport: T, timer: DeadlineTimer<R>) -> Self {
        Self {
            state: DriverState::new(machine, R::now()),
            transport,
            timer,
            closed: false,
        }
    }

    /// The time now, for the machine's methods.
    pub fn now(&self) -> Instant {
        self.state.instant(R::now())
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        self.state.machine()
    }

    /// The machine, to call its methods. [`next`](Self::next) sends what they make it write.
    pub fn machine_mut(&mut self) -> &mut M {
        self.state.machine_mut()
    }

    /// The transport, for example to ask for its addresses.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns the driver's parts.
    pub fn into_parts(self) -> Parts<M, T> {
        let (machine, unread) = self.state.into_parts();
        Parts {
            machine,
            transport: self.transport,
            unread,
        }
    }

    /// Leaves closing to the drop of the transport, which follows at once.
    pub(crate) fn leave_open(&mut self) {
        self.closed = true;
    }

    /// Runs the machine to its next event. `None`: it is done, and the transport is closed for
    /// writing.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// The machine's own, or [`DriverError::Io`](crate::DriverError::Io). The machine first gets
    /// what had arrived before the transport failed, so that a 421 before a reset is not lost.
    pub async fn next(&mut self) -> Next<M> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for a hand-written future: polls towards the machine's next event.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<M>> {
        self.state.resume();
        let next = self.poll_steps(cx);
        if next.is_pending() {
            self.state.rest();
        }
        next
    }

    fn poll_steps(&mut self, cx: &mut Context<'_>) -> Poll<Next<M>> {
        // Nothing here waits: the loop runs again only when bytes come.
        let mut now = self.now();
        loop {
            if self.state.is_turn_over() {
                // There may be more to do. Other tasks go first: a peer that never stops would keep
                // them waiting, and each event would start the count again.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let deadline = match self.state.step(now) {
                Action::Event(event) => {
                    self.poll_flush(cx, now);
                    return Poll::Ready(Ok(Some(event)));
                }
                Action::Write { bytes, deadline } => {
                    match R::poll_write(Pin::new(&mut self.transport), cx, bytes) {
                        Poll::Ready(written) => {
                            let read = |space: &mut [u8]| {
                                R::poll_read(Pin::new(&mut self.transport), cx, space)
                            };
                            self.state.wrote(now, written, read);
                            continue;
                        }
                        Poll::Pending if self.poll_receive(cx, now).is_ready() => {
                            now = self.now();
                            continue;
                        }
                        Poll::Pending => deadline,
                    }
                }
                Action::Shutdown { deadline } => {
                    match R::poll_close(Pin::new(&mut self.transport), cx) {
                        Poll::Ready(shut_down) => {
                            let read = |space: &mut [u8]| {
                                R::poll_read(Pin::new(&mut self.transport), cx, space)
                            };
                            self.state.shut_down(now, shut_down, read);
                            continue;
                        }
                        Poll::Pending if self.poll_receive(cx, now).is_ready() => {
                            now = self.now();
                            continue;
                        }
                        Poll::Pending => deadline,
                    }
                }
                Action::Read { deadline } | Action::Wait { deadline } => {
                    self.poll_flush(cx, now);
                    if self.poll_receive(cx, now).is_ready() {
                        now = self.now();
                        continue;
                    }
                    if self.state.is_catching_up() {
                        continue;
                    }
                    deadline
                }
                Action::Closed => {
                    ready!(self.poll_close(cx, now));
                    return Poll::Ready(self.state.end());
                }
            };
            if self.state.has_failed() {
                // While flushing: the next step handles it.
                continue;
            }
            ready!(self.poll_deadline(cx, deadline));
            now = self.now();
            self.state.timed_out(now, deadline);
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let transport = &mut self.transport;
        let read = |space: &mut [u8]| R::poll_read(Pin::new(&mut *transport), cx, space);
        self.state.receive(|| now, read)
    }

    /// Ready once the transport holds nothing that was written. If it fails, the next step says so.
    pub(crate) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_flush(cx, self.now());
        if self.state.needs_flush() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Flushes when nothing else must be written. Never waits: the transport wakes us to continue.
    fn poll_flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.state.needs_flush() {
            let transport = &mut self.transport;
            if let Poll::Ready(flushed) = R::poll_flush(Pin::new(&mut *transport), cx) {
                let read = |space: &mut [u8]| R::poll_read(Pin::new(&mut *transport), cx, space);
                self.state.flushed(now, flushed, read);
            }
        }
    }

    /// Closes the sending side once. That this fails or takes too long changes nothing for a
    /// machine that is done.
    fn poll_close(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if !self.state.has_failed() && !self.state.is_shut_down() && !self.closed {
            let until = self.state.closing_deadline(now);
            if R::poll_close(Pin::new(&mut self.transport), cx).is_pending() {
                ready!(self.poll_deadline(cx, Some(until)));
            }
        }
        self.closed = true;
        Poll::Ready(())
    }

    /// Ready once the deadline has passed; never, if there is none.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        match deadline.and_then(|deadline| self.state.moment(deadline)) {
            Some(at) => self.timer.poll(cx, at),
            None => Poll::Pending,
        }
    }
}

// The bytes held may be a password that came in clear: only their number is shown.

impl<R, M: Machine + fmt::Debug, T: fmt::Debug> fmt::Debug for Driver<R, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("state", &self.state)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

impl<M: fmt::Debug, T: fmt::Debug> fmt::Debug for Parts<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("machine", &self.machine)
            .field("transport", &self.transport)
            .field("unread", &self.unread.len())
            .finish()
    }
}
