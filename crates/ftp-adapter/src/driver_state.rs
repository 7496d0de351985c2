//! The state between a machine and a transport, which may fail, end, or take less than offered.

mod read_buffer;

use std::fmt;
use std::io;
use std::task::Poll;
use std::time::{self, Duration};

use ftp_proto::{Action, Instant, Machine};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use self::read_buffer::ReadBuffer;
use crate::Budget;

/// The most bytes of one read of a control connection, which carries little at a time.
const READ_SIZE: usize = 4096;
/// The same of a data connection.
const DATA_READ_SIZE: usize = 64 * 1024;
/// How many reads a failed transport gets, for the few replies that had arrived before it failed.
const READS_AFTER_FAILURE: usize = 32;

/// How long a transport may take to close once the machine is done and sets no deadline any more.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// A machine, and what is known of the transport that it runs over.
///
/// A driver asks for the next [`step`](Self::step), does exactly that with its transport, and
/// reports the result. Its own state is only the transport, a clock and a timer: everything else that
/// must survive between two steps is here.
///
/// * What the machine did not take of a read is kept, offered again, and wiped.
/// * The end of the stream is told only when the machine asks to read.
/// * When the transport fails, what had arrived before goes to the machine first, so that a 421 is
///   not lost behind a reset. Then the machine is told ([`Machine::cut_off`]) and run to its end, and
///   the failure reported. How much is read from a transport that failed is bounded.
/// * A deadline is looked at in each step, whatever reads and writes do. What is there when a driver
///   [looks again](Self::resume) that was not run for a while came in time, as far as anybody can
///   tell: it goes to the machine first ([`Self::is_catching_up`]). A `Write` whose deadline has passed is
///   tried once.
/// * It counts the steps, so that no peer can keep a thread that others wait for
///   ([`Self::is_turn_over`]).
pub struct DriverState<M: Machine> {
    machine: M,
    /// When the machine's time started.
    start: time::Instant,
    /// The machine is that of a data connection.
    is_data: bool,
    /// What was read and the machine did not take yet.
    unread: Zeroizing<Vec<u8>>,
    /// Bytes were written and the transport was not flushed since.
    unflushed: bool,
    /// The transport has ended.
    ended: bool,
    /// The machine knows that the transport has ended, or failed.
    at_end: bool,
    /// The sending side of the transport is closed.
    shut_down: bool,
    /// How the transport failed.
    failure: Option<io::Error>,
    /// The deadline of the last step since the driver ran again, unless the transport did what it asked for.
    deadline: Option<Instant>,
    /// When to give up closing the transport.
    closing: Option<Instant>,
    /// When the driver looked last, before it looks now.
    looked: Instant,
    /// The time of the last step.
    seen: Instant,
    /// The time at which what is read now counts as read.
    in_time: Option<Instant>,
    /// The present step is to read it.
    catching_up: bool,
    /// Nothing is there that might have come before the driver looked.
    caught_up: bool,
    budget: Budget,
}

/// What a driver gives: an event, `None` when the machine is done, or an error.
pub type Next<M> = Result<Option<<M as Machine>::Event>, DriverError<<M as Machine>::Error>>;

/// Why a driver stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError<E> {
    /// The machine's own error.
    #[error(transparent)]
    Machine(E),
    /// The transport failed before the machine was done.
    #[error("the connection failed: {error}")]
    Io {
        /// How.
        error: io::Error,
        /// What the machine said when told that nothing more comes; it knows the phase.
        consequence: Option<E>,
    },
}

impl<M: Machine> DriverState<M> {
    /// Over a transport from which nothing was read yet. At `start`, a moment of the adapter's
    /// clock, the machine's time starts ([`Instant::START`]).
    pub fn new(machine: M, start: time::Instant) -> Self {
        Self {
            machine,
            start,
            is_data: false,
            unread: Zeroizing::default(),
            unflushed: false,
            ended: false,
            at_end: false,
            shut_down: false,
            failure: None,
            deadline: None,
            closing: None,
            looked: Instant::START,
            seen: Instant::START,
            in_time: None,
            catching_up: false,
            caught_up: false,
            budget: Budget::default(),
        }
    }

    /// The same for the machine of a data connection.
    ///
    /// * Reads are of up to 64 KiB instead of 4 KiB, and the space that they fill is not wiped: there
    ///   are no passwords among a file's bytes.
    /// * When the transport fails, the machine knows before its writes are taken as written: to it,
    ///   what was written counts.
    pub fn for_data(machine: M, start: time::Instant) -> Self {
        Self {
            is_data: true,
            ..Self::new(machine, start)
        }
    }

    /// The driver runs again. What waits now may have come at any time since it ran last.
    pub fn resume(&mut self) {
        self.looked = self.seen;
        self.deadline = None;
        self.caught_up = false;
    }

    /// The driver waited, and read the clock: what is read from now on comes now.
    pub fn looked(&mut self, now: Instant) {
        self.looked = now;
    }

    /// Ask before each step: whether it is time to yield. A driver that shares its thread yields at
    /// once, even if more could be done. A driver that does not has [`looked`](Self::looked) long
    /// enough.
    pub fn is_turn_over(&mut self) -> bool {
        self.budget.is_spent()
    }

    /// The step that was taken moved so many bytes, and was a long one if these are many.
    pub fn moved(&mut self, bytes: usize) {
        self.budget.moved(bytes);
    }

    /// The driver waits, so others run.
    pub fn rest(&mut self) {
        self.budget = Budget::default();
    }

    /// The time of the last step.
    pub fn seen(&self) -> Instant {
        self.seen
    }

    /// When the machine's time started, on the adapter's clock.
    pub fn start(&self) -> time::Instant {
        self.start
    }

    /// A moment of the adapter's clock on the machine's.
    pub fn instant(&self, moment: time::Instant) -> Instant {
        Instant::from_start(moment.saturating_duration_since(self.start))
    }

    /// A moment of the machine's clock on the adapter's; `None` if it cannot be represented.
    pub fn moment(&self, instant: Instant) -> Option<time::Instant> {
        self.start.checked_add(instant.since_start())
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine, to call its methods. Their effects are in the next steps.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The machine, and the bytes read that it did not take.
    pub fn into_parts(self) -> (M, Zeroizing<Vec<u8>>) {
        (self.machine, self.unread)
    }

    /// What the driver does next, with its transport. The same until it is done, but for
    /// [`Action::Event`], which comes once. Nothing goes on until it is done.
    ///
    /// * `Event`: give it to the caller. [Flush](Self::needs_flush) first: the caller may take long.
    /// * `Write`: hand the bytes to the transport, then call [`wrote`](Self::wrote). There is at
    ///   least one. While they cannot be written, [read](Self::receive): two sides that only write
    ///   would wait for each other for ever.
    /// * `Read`: flush, then [read](Self::receive). If this is to
    ///   [catch up](Self::is_catching_up), do not wait for anything.
    /// * `Wait`: flush, then wait until the machine is told something. [Read](Self::receive)
    ///   meanwhile: so a connection that breaks is noticed before there is anything to say over it.
    ///   That the peer says no more is not told to the machine: the peer may still listen.
    /// * `Shutdown`: close the transport for writing, then call [`shut_down`](Self::shut_down). While
    ///   that is not done, [read](Self::receive), as for `Write`.
    /// * `Closed`: close the transport for writing, unless it [failed](Self::has_failed) or that [was
    ///   done](Self::is_shut_down), and give [`end`](Self::end) to the caller. Give closing up at its
    ///   [deadline](Self::closing_deadline).
    ///
    /// At the deadline of the action call [`timed_out`](Self::timed_out).
    pub fn step(&mut self, now: Instant) -> Action<'_, M::Event> {
        self.seen = now;
        self.in_time = None;
        self.catching_up = false;
        if let Some(deadline) = self.deadline
            && deadline <= now
            && !self.may_be_in_time(deadline)
        {
            self.machine.timed_out(now);
        }
        while self.failure.is_some() || self.is_end_due() {
            let failed = self.failure.is_some();
            let (reads, deadline) = match self.machine.poll() {
                Ok(Action::Event(event)) => return Action::Event(event),
                Ok(Action::Closed) | Err(_) => return Action::Closed,
                // It cannot be sent any more; let the machine come to its end.
                Ok(Action::Write { bytes, .. }) if failed && (self.at_end || !self.is_data) => {
                    let offered = bytes.len();
                    self.machine.wrote(now, offered);
                    continue;
                }
                Ok(Action::Shutdown { .. }) if failed && self.at_end => {
                    self.machine.shut_down(now);
                    continue;
                }
                Ok(Action::Write { .. } | Action::Shutdown { .. }) if !failed => break,
                Ok(Action::Write { deadline, .. } | Action::Shutdown { deadline }) => {
                    (true, deadline)
                }
                Ok(Action::Read { deadline }) => (true, deadline),
                Ok(Action::Wait { deadline }) => (false, deadline),
            };
            let now = match deadline {
                Some(at) if self.may_be_in_time(at) => now.min(before(at)),
                _ => now,
            };
            match (failed, reads) {
                (true, _) if self.offer_unread(now) > 0 => {}
                // It takes the rest when the application has made room.
                (true, false) if !self.at_end && !self.unread.is_empty() => break,
                (true, _) if self.at_end => return Action::Closed,
                (true, _) | (false, true) => self.tell_end(now),
                (false, false) => break,
            }
        }
        let (deadline, action) = match self.machine.poll() {
            Ok(Action::Event(event)) => return Action::Event(event),
            Ok(action @ Action::Write { deadline, .. }) => (deadline, action),
            Ok(
                action @ (Action::Read { deadline }
                | Action::Wait { deadline }
                | Action::Shutdown { deadline }),
            ) => (deadline, action),
            Ok(Action::Closed) | Err(_) => return Action::Closed,
        };
        if let Some(deadline) = deadline
            && deadline <= now
            && !self.caught_up
            && self.looked < deadline
        {
            self.in_time = Some(before(deadline));
            self.catching_up = true;
            return Action::Read {
                deadline: Some(deadline),
            };
        }
        self.deadline = deadline;
        action
    }

    /// Whether the `Read` that [`step`](Self::step) gave is for what came while the driver did not
    /// look: the deadline has passed, and what is there may have come in time. Read once, without
    /// waiting, and ask for the next step whether something came or not.
    pub fn is_catching_up(&self) -> bool {
        self.catching_up
    }

    /// Whether what waits now may have come before this moment. Ask after a wait that was longer than it should be,
    /// because the program was stopped: then the driver has not [looked](Self::looked), and asks for the next step.
    pub fn may_be_in_time(&self, deadline: Instant) -> bool {
        self.looked < deadline && !self.caught_up
    }

    /// The transport took so many of the bytes of [`Action::Write`], or failed. `read` as in
    /// [`receive`](Self::receive).
    pub fn wrote(
        &mut self,
        now: Instant,
        written: io::Result<usize>,
        read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) {
        match written {
            Ok(0) => self.fail(now, io::ErrorKind::WriteZero.into(), read),
            Ok(count) => {
                (self.unflushed, self.deadline) = (true, None);
                self.machine.wrote(now, count);
            }
            Err(error) => self.fail(now, error, read),
        }
    }

    /// The transport was closed for writing as [`Action::Shutdown`] asked for, or failed. `read` as
    /// in [`receive`](Self::receive).
    pub fn shut_down(
        &mut self,
        now: Instant,
        shut_down: io::Result<()>,
        read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) {
        match shut_down {
            Ok(()) => {
                (self.shut_down, self.unflushed, self.deadline) = (true, false, None);
                self.machine.shut_down(now);
            }
            Err(error) => self.fail(now, error, read),
        }
    }

    /// Whether the transport was closed for writing already.
    pub fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    /// Gives the machine the bytes held, or else those of one read. `read` fills the space that it
    /// gets and returns how many bytes, 0 at the end of the stream, or [`Poll::Pending`] if there are
    /// none now. The result is pending if nothing was read or taken. `now` is called when the bytes
    /// are there, since a read may wait for them. Bytes of a read that began before the deadline are in time.
    pub fn receive(
        &mut self,
        now: impl Fn() -> Instant,
        read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<()> {
        let began = self.deadline.filter(|deadline| self.seen < *deadline);
        let in_time = self.in_time.take();
        let latest = in_time.or(began.map(before));
        let now = || latest.map_or_else(&now, |latest| latest.min(now()));
        let received = self.receive_at(now, read);
        self.caught_up |= in_time.is_some() && received.is_pending();
        received
    }

    fn receive_at(
        &mut self,
        now: impl Fn() -> Instant,
        mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<()> {
        if !self.unread.is_empty() {
            // It asked to read but took nothing: wait for its deadline.
            return if self.offer_unread(now()) == 0 {
                Poll::Pending
            } else {
                Poll::Ready(())
            };
        }
        if self.ended || self.failure.is_some() {
            return Poll::Pending;
        }
        // Only for this call: a driver that waits or is dropped holds no bytes.
        let mut space = ReadBuffer::lend(if self.is_data {
            DATA_READ_SIZE
        } else {
            READ_SIZE
        });
        match read(space.room()) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => self.fail(now(), error, read),
            Poll::Ready(Ok(0)) => self.ended = true,
            Poll::Ready(Ok(count)) => {
                let filled = space.filled(count);
                let taken = self.machine.received(now(), filled);
                self.unread
                    .extend_from_slice(filled.get(taken..).unwrap_or_default());
                if !self.is_data {
                    filled.zeroize();
                }
            }
        }
        Poll::Ready(())
    }

    /// Whether bytes may go past this state, between the transport and the application: nothing is held
    /// here, and the transport has neither ended nor failed.
    pub fn is_passable(&self) -> bool {
        self.unread.is_empty() && !self.ended && self.failure.is_none()
    }

    /// Bytes went past this state to the transport, which may still hold them.
    pub fn wrote_past(&mut self) {
        self.unflushed = true;
    }

    /// Whether the transport may still hold written bytes.
    pub fn needs_flush(&self) -> bool {
        self.unflushed && self.failure.is_none()
    }

    /// The transport was flushed, or failed. `read` as in [`receive`](Self::receive).
    pub fn flushed(
        &mut self,
        now: Instant,
        flushed: io::Result<()>,
        read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) {
        match flushed {
            Ok(()) => self.unflushed = false,
            Err(error) => self.fail(now, error, read),
        }
    }

    /// The deadline of the step has passed. `now` may be a little before it: timers are coarse.
    pub fn timed_out(&mut self, now: Instant, deadline: Option<Instant>) {
        let now = deadline.map_or(now, |deadline| deadline.max(now));
        self.machine.timed_out(now);
    }

    /// When to give up closing the transport: five seconds after this was asked first.
    pub fn closing_deadline(&mut self, now: Instant) -> Instant {
        *self.closing.get_or_insert(now + CLOSING_TIME)
    }

    /// Whether the transport failed.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// How it ended, after [`Action::Closed`]. Sticky but for the details of an I/O error.
    ///
    /// # Errors
    /// The machine's own, or [`DriverError::Io`].
    pub fn end(&mut self) -> Next<M> {
        let consequence = match self.machine.poll() {
            Ok(Action::Closed) => return Ok(None),
            Err(error) if !self.at_end => return Err(DriverError::Machine(error)),
            Err(error) => Some(error),
            Ok(_) => None,
        };
        match (self.failure.take(), consequence) {
            (Some(error), consequence) => {
                self.failure = Some(error.kind().into());
                Err(DriverError::Io { error, consequence })
            }
            (None, Some(error)) => Err(DriverError::Machine(error)),
            (None, None) => Ok(None),
        }
    }

    /// Whether to report the end of the stream when the machine asks to read.
    fn is_end_due(&self) -> bool {
        self.ended && !self.at_end && self.unread.is_empty()
    }

    fn tell_end(&mut self, now: Instant) {
        let has_ended = self.ended && !self.at_end;
        self.at_end = true;
        if has_ended {
            self.machine.received_eof(now);
        }
        if self.failure.is_some() {
            self.machine.cut_off(now);
        }
    }

    /// Offers the bytes held, and wipes those taken. Returns how many these were.
    fn offer_unread(&mut self, now: Instant) -> usize {
        if self.unread.is_empty() {
            return 0;
        }
        let taken = self.machine.received(now, &self.unread);
        let taken = taken.min(self.unread.len());
        self.unread[..taken].zeroize();
        self.unread.drain(..taken);
        if self.unread.is_empty() {
            // Also wipes what moving left in place.
            self.unread = Zeroizing::default();
        }
        taken
    }

    /// The transport failed. The machine still gets what arrived before.
    fn fail(
        &mut self,
        now: Instant,
        error: io::Error,
        mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) {
        self.failure = Some(error);
        let mut space = ReadBuffer::lend(READ_SIZE);
        for _ in 0..READS_AFTER_FAILURE {
            while !self.unread.is_empty() {
                if self.offer_unread(now) == 0 {
                    return;
                }
            }
            match read(space.room()) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    let filled = space.filled(count);
                    self.unread.extend_from_slice(filled);
                    filled.zeroize();
                }
                // The end, nothing yet, or the same failure again: nothing more will come.
                _ => return,
            }
        }
    }
}

/// The latest time that is still in time.
fn before(deadline: Instant) -> Instant {
    Instant::from_start(
        deadline
            .since_start()
            .saturating_sub(Duration::from_nanos(1)),
    )
}

// The bytes held may be a password that came in clear: only their number is shown.
impl<M: Machine + fmt::Debug> fmt::Debug for DriverState<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverState")
            .field("machine", &self.machine)
            .field("unread", &self.unread.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use ftp_proto::client::{Config, Connection, Login, Security};

    use super::*;

    fn state() -> DriverState<Connection> {
        let login = Login::new("developer", "secret").expect("a login");
        let config = Config::new(login).security(Security::DangerousPlaintext);
        DriverState::new(
            Connection::new(config, Instant::START),
            time::Instant::now(),
        )
    }

    fn receive(read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>) -> Poll<()> {
        state().receive(|| Instant::START, read)
    }

    fn put(space: &mut [u8]) -> Poll<io::Result<usize>> {
        space[..4].copy_from_slice(b"220-");
        Poll::Ready(Ok(4))
    }

    fn is_clean() -> bool {
        ReadBuffer::lend(READ_SIZE)
            .bytes
            .iter()
            .all(|byte| *byte == 0)
    }

    #[test]
    fn what_is_read_is_wiped() {
        assert!(receive(put).is_ready());
        assert!(is_clean());
    }

    #[test]
    fn what_is_read_is_wiped_when_the_transport_panics() {
        let read = |space: &mut [u8]| -> Poll<io::Result<usize>> {
            let _ = put(space);
            panic!("as a transport should not");
        };
        assert!(catch_unwind(AssertUnwindSafe(|| receive(read))).is_err());
        assert!(is_clean());
    }

    #[test]
    fn a_transport_may_itself_run_a_flow() {
        let outer = receive(|space| {
            assert_eq!(space.len(), READ_SIZE);
            assert!(receive(put).is_ready());
            put(space)
        });
        assert!(outer.is_ready());
        assert!(is_clean());
    }
}
