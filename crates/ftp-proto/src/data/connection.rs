//! The machine of one data connection.

use alloc::sync::Arc;
use core::time::Duration;

use super::ascii::{Decoder, Encoder};
use super::queue::Queue;
use super::ticket::{Held, Plan};
use super::{DataType, Direction, End, Error, Ticket, Timeouts};
use crate::server::Resumption;
use crate::{Instant, TlsSession, ticket};

/// How long TLS is postponed at most.
const GRACE: Duration = Duration::from_millis(250);

/// The bytes of one transfer, on either side, in either direction. A [`Machine`](crate::Machine)
/// without I/O, as the control connection is.
///
/// * **Receiving**: what came is [`readable`](Self::readable) until it is
///   [consumed](Self::consume). While something is, the machine waits for the application: its
///   driver may read on, up to 64 KiB. The end of the connection is the end of the bytes, and the
///   machine is [closed](crate::Action::Closed) at once; what is readable stays so. A
///   [cut](crate::Machine::cut_off) is [`Error::CutOff`].
/// * **Sending**: what is [written](Self::write), up to 48 KiB ahead, is sent.
///   [`finish`](Self::finish) ends it: the rest is sent, then the sending side closed, and the
///   peer's end awaited for a while, unless it [ends with the close](Self::end_with_close). Whether that
///   comes, and how, changes nothing. Bytes that a peer
///   sends against the direction are dropped. A peer that ends its own side ends nothing.
/// * **TLS**: where it is wanted, it is put around before the first byte. Bytes that come in clear
///   before it end the connection.
/// * **Deadlines** run while it is the peer's turn: for the handshake, while no byte moves
///   ([`Error::Stalled`]), for the peer's end. Only bytes of the transfer move one. While the
///   application takes its time, there is none; and its calls judge none, so that a driver that was not run
///   for long finds out first what the transport has and takes.
/// * **Errors** stay. Bytes that came before stay readable.
///
/// At any time [`into_end`](Self::into_end) says how far it came.
///
/// ```
/// use ftp_proto::data::{Detached, Direction, Event};
/// use ftp_proto::{Action, Instant, Machine};
///
/// let now = Instant::START; // your clock
/// let mut download = Detached::new(Direction::Receive).connect(now);
/// assert!(matches!(download.poll()?, Action::Read { .. }));
/// assert_eq!(download.received(now, b"All of it."), 10);
/// assert!(matches!(download.poll()?, Action::Event(Event::Readable)));
/// assert_eq!(download.readable(), b"All of it.");
/// download.consume(now, 10);
/// download.received_eof(now);
/// assert!(matches!(download.poll()?, Action::Closed));
/// assert_eq!(download.into_end().result(), Ok(()));
/// # Ok::<(), ftp_proto::data::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    id: ticket::Ticket,
    pub(super) held: Held,
    /// There is no transfer for it yet.
    pub(super) is_early: bool,
    /// The latest time known.
    pub(super) now: Instant,
    pub(super) phase: Phase,
    /// Since when it has been the peer's turn, if it is.
    pub(super) since: Instant,
    /// What came and was not consumed, or what was written and not sent.
    pub(super) queue: Queue,
    pub(super) codec: Codec,
    pub(super) moved: u64,
    /// Bytes went past this machine since it was last told the time.
    has_passed: bool,
    /// The application has written all.
    pub(super) is_finished: bool,
    /// Closing the transport ends it.
    ends_with_close: bool,
    /// TLS starts then.
    pub(super) starts_at: Option<Instant>,
    /// Nothing is taken from the application before this.
    pub(super) hold_until: Option<Instant>,
    /// The application's bytes were taken.
    has_written: bool,
    /// Not all of what came last was taken.
    pub(super) is_withholding: bool,
    pub(super) news: News,
    pub(super) tls: Option<Arc<TlsSession>>,
}

/// What a data connection reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Start TLS now. The first event of a protected connection. `ftp_rustls::Secured` answers it.
    StartTls,
    /// TLS stands. The first byte comes after this.
    TlsEstablished(Arc<TlsSession>),
    /// There was nothing to read, and now there is.
    Readable,
    /// All that was written is sent.
    Writable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// TLS is to be started; nobody knows yet.
    StartTls,
    Handshake,
    /// Bytes move.
    Open,
    /// All was sent and the sending side closed; the peer's end is awaited.
    Closing,
    Over(Result<(), Error>),
}

/// How bytes stand on the connection, and what of that is known from those before.
#[derive(Debug)]
pub(super) enum Codec {
    Image,
    Decode {
        decoder: Decoder,
        /// It holds back a CR, which came last.
        is_holding: bool,
    },
    Encode(Encoder),
}

/// Events that were not given yet.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) is_established: bool,
    pub(super) is_readable: bool,
    pub(super) is_writable: bool,
}

impl Ticket {
    /// The transport stands.
    pub(crate) fn connect(self, now: Instant) -> Connection {
        Connection::new(self.id, self.held, now)
    }
}

impl Connection {
    pub(super) fn new(id: ticket::Ticket, held: Held, now: Instant) -> Self {
        let plan = held.plan();
        Self {
            id,
            is_early: false,
            now,
            phase: if plan.is_protected {
                Phase::StartTls
            } else {
                Phase::Open
            },
            since: now,
            queue: Queue::new(plan.direction),
            codec: Codec::of(plan),
            moved: 0,
            has_passed: false,
            is_finished: false,
            ends_with_close: false,
            starts_at: None,
            hold_until: None,
            has_written: false,
            is_withholding: false,
            news: News::default(),
            tls: None,
            held,
        }
    }

    /// A server's, whose client began TLS before it said what for. It is told by [`take_on`](Self::take_on).
    /// Until then no byte moves.
    pub(crate) fn early(
        id: ticket::Ticket,
        timeouts: Timeouts,
        resumption: Resumption,
        now: Instant,
    ) -> Self {
        let plan = Plan {
            direction: Direction::Receive,
            data_type: DataType::Image,
            is_protected: true,
            lenient_end: false,
            timeouts,
            resumption,
            hold: None,
        };
        Self {
            is_early: true,
            ..Self::new(id, Held::new(plan), now)
        }
    }

    /// It is for this transfer.
    pub(crate) fn take_on(&mut self, now: Instant, ticket: Ticket) {
        self.advance(now);
        self.is_early = false;
        self.since = self.now;
        (self.id, self.held) = (ticket.id, ticket.held);
        self.codec = Codec::of(self.held.plan());
        self.queue = Queue::new(self.direction());
        if self.phase == Phase::Open {
            self.check_resumption();
        }
    }

    pub(crate) fn id(&self) -> ticket::Ticket {
        self.id
    }

    /// Which way the bytes go.
    pub fn direction(&self) -> Direction {
        self.held.plan().direction
    }

    /// Whether TLS is, or will be, around it.
    pub fn is_protected(&self) -> bool {
        self.held.plan().is_protected
    }

    /// What came and was not consumed; nothing, if this side sends.
    pub fn readable(&self) -> &[u8] {
        match self.direction() {
            Direction::Receive => self.queue.waiting(),
            Direction::Send => &[],
        }
    }

    /// The application has the first `count` bytes of [`readable`](Self::readable). More than there
    /// are counts as all of them.
    pub fn consume(&mut self, now: Instant, count: usize) {
        self.advance(now);
        if self.direction() == Direction::Receive
            && self.queue.consume(count) > 0
            && self.queue.is_empty()
        {
            self.news.is_readable = false;
            self.since = self.now;
        }
    }

    /// Takes bytes to be sent, and returns how many of them. None if there is no more room, some are still
    /// [going past](Self::passing), or the peer may still refuse the TLS session; [`Event::Writable`] tells when
    /// there is; nor after [`finish`](Self::finish), after the end, or if this side receives. Bytes may be written
    /// before TLS stands: they are sent when it does.
    pub fn write(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.advance(now);
        if !self.is_writing() || self.is_held() {
            return 0;
        }
        let room = match self.codec {
            Codec::Encode(_) => self.queue.room() / 2,
            _ => self.queue.room(),
        };
        let taken = bytes.get(..room).unwrap_or(bytes);
        if taken.is_empty() {
            return 0;
        }
        if self.queue.is_empty() && self.phase == Phase::Open {
            self.since = self.now;
        }
        self.news.is_writable = false;
        self.has_written = true;
        self.codec.convert(taken, &mut self.queue);
        taken.len()
    }

    /// All is written. What waits is sent, then the sending side is closed, under TLS with a
    /// `close_notify` first. Without it nothing that was sent counts as whole.
    pub fn finish(&mut self, now: Instant) {
        self.advance(now);
        if self.is_writing() {
            self.is_finished = true;
            self.note_if_sent();
            self.news.is_writable = false;
            if self.queue.is_empty() && self.phase == Phase::Open {
                self.since = self.now;
            }
        }
    }

    /// Whether all that was written is sent. If this side receives, always.
    pub fn is_flushed(&self) -> bool {
        self.direction() == Direction::Receive || self.queue.is_empty()
    }

    /// Frees the memory that the bytes which wait do not need. It is taken again when more come. For a
    /// transfer that does not go on.
    pub fn shrink(&mut self) {
        self.queue.shrink();
    }

    /// How many bytes of the transfer have gone over the connection, as they stand on it.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The TLS session, if there is one.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.tls.as_ref()
    }

    /// Whether the bytes stand on the transport as they are in the file: without TLS, without
    /// conversion. Then a driver may do without this machine's buffer while it is empty: while the
    /// machine asks to read, read into the caller's own; while it waits for the application, write
    /// from there. It tells the machine with [`passed`](Self::passed). What the transport does not take
    /// at once is to be [written](Self::write), so that a deadline runs.
    ///
    /// Under TLS it is what decrypts and encrypts that may do without: see [`is_direct`](Self::is_direct).
    #[inline]
    pub fn is_transparent(&self) -> bool {
        self.is_unbuffered() && !self.is_protected()
    }

    /// Whether the bytes of the transfer are those of the file, without conversion, and none waits here.
    /// Then TLS may give what it decrypts straight to the application, and take from there what it encrypts.
    /// It tells the machine with [`passed`](Self::passed).
    #[inline]
    pub fn is_direct(&self) -> bool {
        // What is asked last can be so under TLS alone.
        self.is_unbuffered()
            && (!self.is_protected()
                || (!self.is_early && !self.news.is_established && self.hold_until.is_none()))
    }

    #[inline]
    fn is_unbuffered(&self) -> bool {
        matches!(self.codec, Codec::Image)
            && matches!(self.phase, Phase::Open)
            && self.queue.is_empty()
            && !self.is_finished
    }

    /// So many bytes went past this machine. No effect where that [cannot be](Self::is_direct).
    ///
    /// No time is told, so that a driver need not read the clock for each piece: the bytes count as moved at
    /// the time of the next call that has one, such as [`passed_by`](Self::passed_by).
    #[inline]
    pub fn passed(&mut self, count: usize) {
        if self.is_direct() && count > 0 {
            self.moved = self.moved.saturating_add(count as u64);
            self.held.note_moved(self.moved);
            self.has_passed = true;
            // What was not taken before is among them.
            self.is_withholding = false;
        }
    }

    /// So many bytes are going past this machine: TLS has taken them, and not all are with the transport. As with
    /// those that are [written](Self::write), a deadline runs, and they count as moved when
    /// [`wrote`](crate::Machine::wrote) says so. Until then none are taken here. No effect where
    /// that [cannot be](Self::is_direct), or if this side receives.
    pub fn passing(&mut self, now: Instant, count: usize) {
        self.advance(now);
        if self.is_direct() && self.direction() == Direction::Send && count > 0 {
            self.since = self.now;
            self.news.is_writable = false;
            self.has_written = true;
            self.queue.pass(count);
        }
    }

    /// All bytes that [passed](Self::passed) have done so by `now`: say so when no more come. No effect if
    /// none has since this machine was told the time.
    #[inline]
    pub fn passed_by(&mut self, now: Instant) {
        if self.has_passed {
            self.has_passed = false;
            self.now = self.now.max(now);
            self.since = self.now;
        }
    }

    /// The transport is dropped as soon as this machine is [closed](crate::Action::Closed), and the peer reads
    /// its end then. So what is sent in clear needs no [shutdown](crate::Action::Shutdown) before, and the
    /// peer's end is not awaited. For a client's upload, which the server confirms; no effect under TLS, or if
    /// this side receives.
    pub fn end_with_close(&mut self) {
        self.ends_with_close = !self.is_protected();
    }

    /// Lets TLS start only when [`begun`](Self::begun) is called, or in a quarter of a second: there are servers
    /// that say that they begin only after the handshake. For a client with one session left: a
    /// handshake takes it, and if the transfer is refused no new one comes. No effect once TLS has
    /// started.
    pub fn postpone_tls(&mut self, now: Instant) {
        self.advance(now);
        if self.phase == Phase::StartTls {
            self.starts_at = Some(self.now + GRACE);
        }
    }

    /// The server said that it begins.
    pub fn begun(&mut self, now: Instant) {
        self.advance(now);
        self.starts_at = None;
    }

    /// What is around this machine failed: TLS, or its driver. Unless all was sent, or it is over, that is
    /// [`Error::CutOff`], whatever is configured.
    pub fn failed(&mut self, now: Instant) {
        self.pass_time(now);
        if !matches!(self.phase, Phase::Closing | Phase::Over(_)) {
            self.phase = Phase::Over(Err(Error::CutOff));
        }
    }

    /// How it ended, for the control connection. If it has not, [`Error::Unfinished`]; but bytes that
    /// were all sent, with their end, are whole, even if the peer has not closed its side.
    pub fn into_end(self) -> End {
        End {
            id: self.id,
            bytes: self.moved,
            result: match self.phase {
                Phase::Over(result) => result,
                Phase::Closing => Ok(()),
                Phase::StartTls | Phase::Handshake | Phase::Open => Err(Error::Unfinished),
            },
            tls: self.tls,
            is_touched: self.has_written || self.moved > 0,
            held: self.held,
        }
    }

    /// Whether the peer may still refuse, because of its TLS session, a transfer that nothing was sent of.
    fn is_held(&self) -> bool {
        let is_before_tls = matches!(self.phase, Phase::StartTls | Phase::Handshake);
        self.hold_until.is_some() || (self.held.plan().hold.is_some() && is_before_tls)
    }

    /// So many bytes more went over the connection.
    pub(super) fn moved_more(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count as u64);
        self.since = self.now;
        self.held.note_moved(self.moved);
        self.note_if_sent();
    }

    fn note_if_sent(&mut self) {
        if self.is_finished && self.queue.is_empty() {
            self.held.note_sent();
            if self.ends_with_close && self.phase == Phase::Open {
                self.phase = Phase::Over(Ok(()));
            }
        }
    }

    /// Whether the application may write.
    fn is_writing(&self) -> bool {
        self.direction() == Direction::Send
            && !self.is_finished
            && matches!(self.phase, Phase::StartTls | Phase::Handshake | Phase::Open)
    }
}

impl Codec {
    fn of(plan: &Plan) -> Self {
        match (plan.data_type, plan.direction) {
            (DataType::Image, _) => Self::Image,
            (DataType::Ascii, Direction::Receive) => Self::Decode {
                decoder: Decoder::new(),
                is_holding: false,
            },
            (DataType::Ascii, Direction::Send) => Self::Encode(Encoder::new()),
        }
    }

    /// Puts bytes into the queue.
    pub(super) fn convert(&mut self, bytes: &[u8], queue: &mut Queue) {
        match self {
            Self::Image => queue.back(bytes.len()).extend_from_slice(bytes),
            Self::Decode {
                decoder,
                is_holding,
            } => {
                decoder.decode(bytes, queue.back(bytes.len()));
                *is_holding = bytes.last() == Some(&b'\r');
            }
            Self::Encode(encoder) => encoder.encode(bytes, queue.back(bytes.len())),
        }
    }

    /// Nothing more is put in.
    pub(super) fn finish(&mut self, queue: &mut Queue) {
        if let Self::Decode { decoder, .. } = self {
            decoder.finish(queue.back(0));
        }
    }
}
