//! Moves the bytes of any machine over any blocking transport. It has no policy.

#[cfg(all(target_os = "linux", feature = "kernel-copy"))]
pub(crate) mod kernel_copy;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::task::Poll;
use std::thread::sleep;
use std::time::{self, Duration};

use ftp_adapter::{DriverError, DriverState, Next};
use ftp_proto::{Action, Instant, Machine, data};
use ftp_rustls::Secured;
use zeroize::Zeroizing;

use crate::Transport;
use crate::transport::Timed;

/// The longest wait without reading the clock, if there is no deadline.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How long a write waits at first before input is read; doubled each time, up to [`LONGEST_TURN`].
/// Two sides that only write would wait for each other for ever.
const FIRST_TURN: Duration = Duration::from_millis(1);
const LONGEST_TURN: Duration = Duration::from_millis(64);

/// A machine, the transport it runs over, and the system's clock.
///
/// Each step is one read or one write with a time-out. All state is in the driver.
pub struct Driver<M: Machine, T> {
    pub(crate) state: DriverState<M>,
    transport: Timed<T>,
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

impl<M: Machine, T: Transport> Driver<M, T> {
    /// The machine's time starts ([`Instant::START`]) now.
    pub fn new(machine: M, transport: T) -> Self {
        Self {
            state: DriverState::new(machine, time::Instant::now()),
            transport: Timed::new(transport),
            closed: false,
        }
    }

    /// The same for the machine of a data connection: it reads up to 64 KiB at a time instead of
    /// 4 KiB.
    pub fn for_data(machine: M, transport: T) -> Self {
        Self::for_data_since(machine, transport, time::Instant::now())
    }

    /// The same; the machine's time started then, with that of the control connection.
    pub(crate) fn for_data_since(machine: M, transport: T, start: time::Instant) -> Self {
        Self {
            state: DriverState::for_data(machine, start),
            transport: Timed::new(transport),
            closed: false,
        }
    }

    /// The time now, for the machine's methods.
    pub fn now(&self) -> Instant {
        self.state.instant(time::Instant::now())
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
        &self.transport.transport
    }

    /// Returns the driver's parts.
    pub fn into_parts(self) -> Parts<M, T> {
        let (machine, unread) = self.state.into_parts();
        Parts {
            machine,
            transport: self.transport.transport,
            unread,
        }
    }

    /// The transport, with its present time-outs.
    pub(crate) fn into_timed(self) -> Timed<T> {
        self.transport
    }

    /// Leaves closing to the drop of the transport, which follows at once.
    pub(crate) fn leave_open(&mut self) {
        self.closed = true;
    }

    /// Runs the machine to its next event. `None`: it is done, and the transport is closed for
    /// writing.
    ///
    /// # Errors
    /// The machine's own, or [`DriverError::Io`]. The machine first gets what had arrived before
    /// the transport failed, so that a 421 before a reset is not lost. An error of the kind
    /// [`Deadlock`](io::ErrorKind::Deadlock) means that the machine waits only for an answer of
    /// this program; give it, and call again.
    #[expect(
        clippy::should_implement_trait,
        reason = "it has this name in every adapter, and is no iterator: it fails"
    )]
    pub fn next(&mut self) -> Next<M> {
        loop {
            if let Poll::Ready(next) = self.next_before(self.now(), None, true)? {
                return Ok(next);
            }
        }
    }

    /// The same, for at most this time. Pending: nothing happened in that time; call again to
    /// continue.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_within(
        &mut self,
        time: Duration,
    ) -> Result<Poll<Option<M::Event>>, DriverError<M::Error>> {
        let now = self.now();
        self.next_before(now, Some(now + time), true)
    }

    /// The same without waiting for input, nor reading any, however long writing goes on. Pending: there is nothing
    /// else to do.
    pub(crate) fn next_unread(&mut self) -> Result<Poll<Option<M::Event>>, DriverError<M::Error>> {
        let now = self.now();
        self.next_before(now, Some(now), false)
    }

    fn next_before(
        &mut self,
        mut now: Instant,
        end: Option<Instant>,
        reads: bool,
    ) -> Result<Poll<Option<M::Event>>, DriverError<M::Error>> {
        let mut turn = FIRST_TURN;
        self.state.resume();
        loop {
            if self.state.is_turn_over() {
                self.state.looked(now);
            }
            let mut has_gone_out = false;
            let (deadline, is_done) = match self.state.step(now) {
                Action::Event(event) => {
                    self.flush(now);
                    return Ok(Poll::Ready(Some(event)));
                }
                Action::Write { bytes, deadline } => {
                    let most = time_left(now, deadline, end).min(turn);
                    let written = self.transport.write(bytes, most);
                    now = self.now();
                    if let Poll::Ready(written) = written {
                        (turn, has_gone_out) = (FIRST_TURN, true);
                        let read = |space: &mut [u8]| self.transport.read(space, Duration::ZERO);
                        self.state.wrote(now, written, read);
                    } else {
                        turn = (turn * 2).min(LONGEST_TURN);
                        let _nothing_came = self.receive(FIRST_TURN, &mut now);
                    }
                    (deadline, has_gone_out)
                }
                Action::Shutdown { deadline } => {
                    if let Poll::Ready(shut_down) = self.transport.shut_down() {
                        (now, has_gone_out) = (self.now(), true);
                        let read = |space: &mut [u8]| self.transport.read(space, Duration::ZERO);
                        self.state.shut_down(now, shut_down, read);
                    } else {
                        let most = time_left(now, deadline, end).min(FIRST_TURN);
                        let _nothing_came = self.receive(most, &mut now);
                    }
                    (deadline, has_gone_out)
                }
                Action::Read { .. } | Action::Wait { .. } if !reads => {
                    self.flush(now);
                    return Ok(Poll::Pending);
                }
                Action::Wait { deadline: None } if end.is_none() => {
                    self.flush(now);
                    return Err(deadlock());
                }
                Action::Read { deadline } | Action::Wait { deadline } => {
                    self.flush(now);
                    let mut most = time_left(now, deadline, end);
                    if self.state.needs_flush() {
                        most = most.min(FIRST_TURN);
                    }
                    let received = self.receive(most, &mut now);
                    if self.state.is_catching_up() {
                        continue;
                    }
                    (deadline, received.is_ready())
                }
                Action::Closed => {
                    self.close();
                    return self.state.end().map(Poll::Ready);
                }
            };
            let passed = deadline.filter(|deadline| *deadline <= now);
            if passed.is_some_and(|deadline| self.state.may_be_in_time(deadline)) {
                // It waited for too long: a signal stopped the program, or it is debugged. What came meanwhile is in time.
                continue;
            }
            self.state.looked(now);
            if passed.is_some() && !is_done {
                self.state.timed_out(now, deadline);
            } else if (reads || !has_gone_out) && end.is_some_and(|end| end <= now) {
                return Ok(Poll::Pending);
            }
        }
    }

    /// Reads for at most this time, gives the machine the bytes, and reads the clock. Pending:
    /// nothing came.
    ///
    /// If nothing can be read, for example because the machine does not take the bytes held, the
    /// time passes all the same.
    fn receive(&mut self, most: Duration, now: &mut Instant) -> Poll<()> {
        let (start, transport) = (self.state.start(), &mut self.transport);
        let waited = Cell::new(false);
        let looked_at = Cell::new(None);
        let read = |space: &mut [u8]| {
            // After a failure, only what is there already.
            let most = if waited.replace(true) {
                Duration::ZERO
            } else {
                most
            };
            transport.read(space, most)
        };
        let clock = || {
            let now = Instant::from_start(start.elapsed());
            looked_at.set(Some(now));
            now
        };
        let received = self.state.receive(clock, read);
        if received.is_pending() {
            if !waited.get() {
                sleep(most);
            }
            looked_at.set(None);
        }
        *now = looked_at.get().unwrap_or_else(clock);
        received
    }

    /// Flushes when nothing else must be written.
    fn flush(&mut self, now: Instant) {
        if self.state.needs_flush() {
            let flushed = self.transport.flush(FIRST_TURN);
            if let Poll::Ready(flushed) = flushed {
                let read = |space: &mut [u8]| self.transport.read(space, Duration::ZERO);
                self.state.flushed(now, flushed, read);
            }
        }
    }

    /// Flushes what the transport may hold.
    pub(crate) fn flush_now(&mut self) {
        let now = self.now();
        self.flush(now);
    }

    /// Closes the sending side once. That this fails changes nothing for a machine that is done.
    fn close(&mut self) {
        if !self.closed && !self.state.has_failed() && !self.state.is_shut_down() {
            drop(self.transport.transport.close());
        }
        self.closed = true;
    }
}

/// The bytes of a file need no buffer between the transport, or TLS, and the application.
///
/// The clock is not read while bytes move: a time-out of the transport tells when they do not.
impl<T: Transport> Driver<Secured<data::Connection>, T> {
    /// Receives into the application's buffer, reading once for at most this time, and returns how many
    /// bytes came. None: that time has passed, or there is something else to do, which
    /// [`next_within`](Self::next_within) does.
    #[inline]
    pub(crate) fn read_past(&mut self, space: &mut [u8], most: Duration) -> usize {
        if !self.state.is_passable() {
            return 0;
        }
        let transport = &mut self.transport;
        let read = |space: &mut [u8]| transport.read(space, most);
        match self.state.machine_mut().receive_past(space, read) {
            Some(Poll::Ready(Ok(count))) if count > 0 => count,
            Some(nothing) => self.received_nothing(nothing),
            None => {
                self.received_no_record();
                0
            }
        }
    }

    /// The beginning of a record moves no deadline. What passed before it did.
    fn received_no_record(&mut self) {
        if self.machine().may_receive_past() {
            let now = self.now();
            self.machine_mut().machine_mut().passed_by(now);
        }
    }

    fn received_nothing(&mut self, nothing: Poll<io::Result<usize>>) -> usize {
        let now = self.now();
        if nothing.is_pending() {
            self.machine_mut().machine_mut().passed_by(now);
            self.machine_mut().shrink();
        } else {
            // An end or a failure comes once only: the driver's state must know.
            let mut end = Some(nothing);
            let transport = &mut self.transport;
            let read = |held: &mut [u8]| match end.take() {
                Some(end) => end,
                None => transport.read(held, Duration::ZERO),
            };
            let told = self.state.receive(|| now, read);
            debug_assert!(told.is_ready(), "it was passable");
        }
        0
    }

    /// Sends from the application's buffer, writing once for at most this time, and returns how many
    /// bytes are on their way. None: [write](data::Connection::write) them, or learn why not from
    /// [`next_within`](Self::next_within).
    pub(crate) fn write_past(&mut self, bytes: &[u8], most: Duration) -> usize {
        if !self.state.is_passable() {
            return 0;
        }
        let (start, transport) = (self.state.start(), &mut self.transport);
        let now = || Instant::from_start(start.elapsed());
        let write = |bytes: &[u8]| transport.write(bytes, most);
        match self.state.machine_mut().send_past(bytes, now, write) {
            None | Some(Poll::Pending) => 0,
            Some(Poll::Ready(Ok(count))) if count > 0 => {
                self.state.wrote_past();
                count
            }
            Some(Poll::Ready(failed)) => {
                self.not_written(failed);
                0
            }
        }
    }

    #[cold]
    fn not_written(&mut self, failed: io::Result<usize>) {
        let now = self.now();
        let read = |space: &mut [u8]| self.transport.read(space, Duration::ZERO);
        self.state.wrote(now, failed, read);
    }
}

// The bytes held may be a password that came in clear: only their number is shown.

impl<M: Machine + fmt::Debug, T: fmt::Debug> fmt::Debug for Driver<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("state", &self.state)
            .field("transport", &self.transport.transport)
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

fn deadlock<E>() -> DriverError<E> {
    DriverError::Io {
        error: io::Error::new(
            io::ErrorKind::Deadlock,
            "the machine waits for an answer of this program, and for nothing else",
        ),
        consequence: None,
    }
}

/// How long a step may wait.
fn time_left(now: Instant, deadline: Option<Instant>, end: Option<Instant>) -> Duration {
    let until = match (deadline, end) {
        (Some(deadline), Some(end)) => Some(deadline.min(end)),
        (deadline, end) => deadline.or(end),
    };
    until.map_or(LONGEST_WAIT, |until| (until - now).min(LONGEST_WAIT))
}
