//! Moves the bytes of any machine over any tokio transport. No policy lives here.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ftp_proto::{Action, Instant, Machine};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{self, Sleep};
use zeroize::{Zeroize, Zeroizing};

/// How much one read takes at most. Control connections say little at a time.
const READ_SIZE: usize = 4096;
/// How long a transport may take to close once the machine is done and sets no deadline any more.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// A machine, the transport it runs over, and tokio's clock.
///
/// All progress is made within [`poll_next`](Self::poll_next), one `poll_read` or `poll_write` at a
/// time, and all state lives in the driver: a future of [`next`](Self::next) can be dropped at any
/// time without losing a byte, and calling `next` again goes on.
pub struct Driver<M: Machine, T> {
    machine: M,
    transport: T,
    start: time::Instant,
    /// What was read and the machine did not take yet.
    unread: Zeroizing<Vec<u8>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes were written and the transport was not flushed since.
    unflushed: bool,
    /// The transport gives nothing more.
    ended: bool,
    /// The machine knows that.
    at_end: bool,
    /// When to give up closing the transport.
    closing: Option<Duration>,
    closed: bool,
    /// The transport failed, with this.
    failure: Option<io::Error>,
}

/// What a [`Driver`] is taken apart into.
#[non_exhaustive]
pub struct Parts<M, T> {
    /// The machine.
    pub machine: M,
    /// The transport.
    pub transport: T,
    /// Bytes that were read from the transport and not taken by the machine.
    pub unread: Zeroizing<Vec<u8>>,
}

/// What a [`Driver`] gives: an event, `None` when the machine is done, or an error.
pub type Next<M> = Result<Option<<M as Machine>::Event>, DriverError<<M as Machine>::Error>>;

/// Why a [`Driver`] stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError<E> {
    /// The machine's own error.
    #[error(transparent)]
    Machine(E),
    /// The transport failed before the machine was done.
    #[error("the connection failed: {source}")]
    Io {
        /// How.
        source: io::Error,
        /// What the machine said when told that nothing more comes; it knows the phase.
        consequence: Option<E>,
    },
}

impl<M: Machine, T: AsyncRead + AsyncWrite + Unpin> Driver<M, T> {
    /// The machine's time starts ([`Instant::START`]) now.
    pub fn new(machine: M, transport: T) -> Self {
        Self {
            machine,
            transport,
            start: time::Instant::now(),
            unread: Zeroizing::default(),
            timer: None,
            unflushed: false,
            ended: false,
            at_end: false,
            closing: None,
            closed: false,
            failure: None,
        }
    }

    /// The present, as the machine's methods want it.
    pub fn now(&self) -> Instant {
        Instant::from_start(self.start.elapsed())
    }

    /// A moment of tokio's clock, as the machine's methods want it.
    pub(crate) fn instant(&self, moment: time::Instant) -> Instant {
        Instant::from_start(moment.saturating_duration_since(self.start))
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine, to call its methods. What they make it say goes out with
    /// [`next`](Self::next).
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The transport, for example to ask for its addresses.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Takes the driver apart.
    pub fn into_parts(self) -> Parts<M, T> {
        Parts {
            machine: self.machine,
            transport: self.transport,
            unread: self.unread,
        }
    }

    /// Runs the machine to its next event. `None`: it is done, and the transport is closed for
    /// writing.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// The machine's own, or [`DriverError::Io`]. What had arrived before the transport failed is
    /// handed to the machine first, so that a 421 is not lost behind a reset.
    pub async fn next(&mut self) -> Next<M> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for a hand-written future: polls towards the machine's next event.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<M>> {
        loop {
            let now = self.now();
            let end_due = self.is_end_due();
            let deadline = match self.machine.poll() {
                Err(error) => {
                    ready!(self.poll_close(cx));
                    return Poll::Ready(Err(self.stopped(error)));
                }
                Ok(Action::Closed) => {
                    ready!(self.poll_close(cx));
                    return Poll::Ready(Ok(None));
                }
                Ok(Action::Event(event)) => {
                    // The application may think about it for long; do not sit on what was said.
                    self.poll_flush(cx);
                    return Poll::Ready(Ok(Some(event)));
                }
                Ok(Action::Write { bytes, deadline }) => {
                    let offered = bytes.len();
                    match self.failure {
                        None => match Pin::new(&mut self.transport).poll_write(cx, bytes) {
                            Poll::Ready(written) => {
                                self.written(cx, now, written);
                                continue;
                            }
                            // Two sides that only write would wait for each other for ever.
                            Poll::Pending => match self.poll_receive(cx, now) {
                                Poll::Pending => deadline,
                                Poll::Ready(()) => continue,
                            },
                        },
                        // It cannot be sent any more; let the machine come to its end.
                        Some(_) => {
                            self.machine.wrote(now, offered);
                            continue;
                        }
                    }
                }
                Ok(Action::Read { .. }) if end_due => {
                    self.at_end = true;
                    self.machine.received_eof(now);
                    continue;
                }
                Ok(Action::Read { deadline }) => {
                    self.poll_flush(cx);
                    match self.poll_receive(cx, now) {
                        Poll::Pending => deadline,
                        Poll::Ready(()) => continue,
                    }
                }
                Ok(Action::Wait { deadline }) => {
                    self.poll_flush(cx);
                    deadline
                }
            };
            if let Some(source) = self.failure.take() {
                if self.at_end {
                    return Poll::Ready(Err(self.failed(source, None)));
                }
                self.failure = Some(source);
                self.at_end = true;
                self.machine.received_eof(now);
                continue;
            }
            ready!(self.poll_deadline(cx, deadline));
            let now = self.now();
            self.machine
                .timed_out(deadline.map_or(now, |deadline| deadline.max(now)));
        }
    }

    fn written(&mut self, cx: &mut Context<'_>, now: Instant, written: io::Result<usize>) {
        match written {
            Ok(0) => self.fail(cx, io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.unflushed = true;
                self.machine.wrote(now, count);
            }
            Err(error) => self.fail(cx, error),
        }
    }

    /// Hands over what is held, or else what one read gives.
    fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if !self.unread.is_empty() {
            // A machine that wants bytes and takes none is left to its deadline.
            return if self.offer_unread(now) == 0 {
                Poll::Pending
            } else {
                Poll::Ready(())
            };
        }
        if self.ended || self.failure.is_some() {
            return Poll::Pending;
        }
        // On the stack of this one poll: a dropped future holds no bytes.
        let mut space = [0; READ_SIZE];
        let mut buffer = ReadBuf::new(&mut space);
        match ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer)) {
            Err(error) => self.fail(cx, error),
            Ok(()) if buffer.filled().is_empty() => self.ended = true,
            Ok(()) => {
                let taken = self.machine.received(now, buffer.filled());
                let rest = buffer.filled().get(taken..).unwrap_or_default();
                self.unread.extend_from_slice(rest);
                buffer.filled_mut().zeroize();
            }
        }
        Poll::Ready(())
    }

    /// Whether the machine, now that it wants to read, is to be told that there is no more.
    fn is_end_due(&self) -> bool {
        self.ended && !self.at_end && self.unread.is_empty() && self.failure.is_none()
    }

    /// Offers what is held; what is taken is wiped. Returns how much that was.
    fn offer_unread(&mut self, now: Instant) -> usize {
        let taken = self
            .machine
            .received(now, &self.unread)
            .min(self.unread.len());
        self.unread[..taken].zeroize();
        self.unread.drain(..taken);
        if self.unread.is_empty() {
            // Wipes what moving left behind, too.
            self.unread = Zeroizing::default();
        }
        taken
    }

    /// Flushes once nothing else is to be written. Never waits: the transport wakes us to go on.
    fn poll_flush(&mut self, cx: &mut Context<'_>) {
        if self.unflushed && self.failure.is_none() {
            match Pin::new(&mut self.transport).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => self.fail(cx, error),
            }
        }
    }

    /// Closes the sending side once. That this fails or takes too long changes nothing for a
    /// machine that is done.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.failure.is_none() && !self.closed {
            let until = *self
                .closing
                .get_or_insert(self.start.elapsed() + CLOSING_TIME);
            if Pin::new(&mut self.transport).poll_shutdown(cx).is_pending() {
                ready!(self.poll_deadline(cx, Some(Instant::from_start(until))));
            }
        }
        self.closed = true;
        Poll::Ready(())
    }

    /// Ready once the deadline has passed; never, if there is none.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let at = deadline.and_then(|deadline| self.start.checked_add(deadline.since_start()));
        let Some(at) = at else { return Poll::Pending };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }

    /// The transport failed. What arrived before is still the machine's to judge.
    fn fail(&mut self, cx: &mut Context<'_>, error: io::Error) {
        self.failure = Some(error);
        let mut space = Zeroizing::new([0; READ_SIZE]);
        loop {
            let mut buffer = ReadBuf::new(space.as_mut_slice());
            if !self.unread.is_empty() {
                if self.offer_unread(self.now()) == 0 {
                    return;
                }
                continue;
            }
            match Pin::new(&mut self.transport).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.unread.extend_from_slice(buffer.filled());
                }
                // The end, nothing yet, or the same failure again: there is no more to be had.
                _ => return,
            }
        }
    }

    /// How the machine's error is reported.
    fn stopped(&mut self, error: M::Error) -> DriverError<M::Error> {
        match self.failure.take() {
            Some(source) if self.at_end => self.failed(source, Some(error)),
            failure => {
                self.failure = failure;
                DriverError::Machine(error)
            }
        }
    }

    /// Reports the transport's error, and remembers its kind for the next call.
    fn failed(
        &mut self,
        source: io::Error,
        consequence: Option<M::Error>,
    ) -> DriverError<M::Error> {
        self.failure = Some(source.kind().into());
        DriverError::Io {
            source,
            consequence,
        }
    }
}

// What is held may be a password that came in clear: only its length is shown.

impl<M: Machine + fmt::Debug, T: fmt::Debug> fmt::Debug for Driver<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("machine", &self.machine)
            .field("transport", &self.transport)
            .field("unread", &self.unread.len())
            .field("failure", &self.failure)
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
