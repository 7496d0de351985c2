//! The contract between a machine without I/O and its driver.
//!
//! A *driver* owns a socket and a clock. It asks the machine what to do next with
//! [`Machine::poll`], does exactly that, and reports back. There is no other order to remember:
//! every call is legal in every state, and a call that does not fit the state has no effect.

use core::fmt;

use crate::{Instant, TlsSession};

/// What the machine wants its driver to do next.
///
/// A deadline of `None` means that the machine sets no limit of its own. When a deadline passes
/// before the action could be done, call [`Machine::timed_out`] and poll again. Read the clock in
/// each turn, also while bytes come and go.
///
/// Exhaustive: a driver that does not know one of the actions must not build.
///
/// `Debug` shows how many bytes are to be written, not which: there may be a password among them.
#[must_use = "the machine makes no progress until the action is done"]
pub enum Action<'a, E> {
    /// Tell the application. An event is returned once.
    Event(E),
    /// Hand these bytes to the transport, then call [`Machine::wrote`] with the number taken,
    /// which may be fewer than all.
    Write {
        /// The bytes to send, never empty.
        bytes: &'a [u8],
        /// When to give up.
        deadline: Option<Instant>,
    },
    /// Wait for bytes from the peer, then call [`Machine::received`], or
    /// [`Machine::received_eof`] or [`Machine::cut_off`].
    Read {
        /// When to give up.
        deadline: Option<Instant>,
    },
    /// Do nothing until the application calls a method of the machine, or the deadline passes.
    Wait {
        /// When to give up.
        deadline: Option<Instant>,
    },
    /// Close the sending side of the transport, so that the peer reads its end, then call
    /// [`Machine::shut_down`]. Reading goes on, meanwhile and afterwards.
    Shutdown {
        /// When to give up.
        deadline: Option<Instant>,
    },
    /// The connection is finished; close the transport.
    Closed,
}

impl<E: fmt::Debug> fmt::Debug for Action<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, deadline) = match self {
            Self::Event(event) => return f.debug_tuple("Event").field(event).finish(),
            Self::Closed => return f.write_str("Closed"),
            Self::Write { bytes, deadline } => {
                let mut shown = f.debug_struct("Write");
                shown.field("bytes", &bytes.len());
                return shown.field("deadline", deadline).finish();
            }
            Self::Read { deadline } => ("Read", deadline),
            Self::Wait { deadline } => ("Wait", deadline),
            Self::Shutdown { deadline } => ("Shutdown", deadline),
        };
        f.debug_struct(name).field("deadline", deadline).finish()
    }
}

/// A protocol machine without I/O.
///
/// The laws that implementations keep:
///
/// * every call is legal in every state;
/// * `poll` returns the same action until it is acted on (an event counts as acted on when it has
///   been returned);
/// * how the peer's bytes are split between calls of `received` never changes events, output or
///   errors;
/// * no input moves a deadline: a call with a time first does what was due by that time, and then
///   what the call reports. So a peer that never stops sending gains nothing. Bytes received
///   earlier are in time. What the transport did ([`wrote`](Self::wrote),
///   [`shut_down`](Self::shut_down)) counts before the time is judged: a driver that was not run for
///   long tries its transport before it says [`timed_out`](Self::timed_out);
/// * time that runs backwards is ignored.
pub trait Machine {
    /// What the machine reports to the application.
    type Event;
    /// Why the machine stopped. Sticky: once returned, it is returned by every later `poll`.
    type Error;

    /// What to do next.
    ///
    /// # Errors
    /// The one error exit of a machine. An error is reported only after everything that must still
    /// be written has been written (or its write deadline has passed).
    fn poll(&mut self) -> Result<Action<'_, Self::Event>, Self::Error>;

    /// Bytes arrived from the peer. Returns how many were taken; keep the rest and offer it at the
    /// next [`Action::Read`].
    #[must_use = "bytes that were not taken must be offered again"]
    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize;

    /// The peer will send nothing more: the transport ended as it should.
    fn received_eof(&mut self, now: Instant);

    /// The transport broke: it was reset or failed, or TLS ended without `close_notify`. Nothing
    /// more comes, and what was written may be lost.
    ///
    /// To a machine that notices by itself when something is missing this is the end of the input,
    /// as it is by default.
    fn cut_off(&mut self, now: Instant) {
        self.received_eof(now);
    }

    /// The sending side of the transport is closed, as [`Action::Shutdown`] asked for. Ignored at
    /// any other time; by default always, for machines that do not ask.
    fn shut_down(&mut self, now: Instant) {
        let _ = now;
    }

    /// The transport took the first `count` bytes of the last [`Action::Write`]. More than were
    /// offered counts as all of them.
    fn wrote(&mut self, now: Instant, count: usize);

    /// A deadline may have passed. Early or spurious calls have no effect.
    fn timed_out(&mut self, now: Instant);
}

impl<M: Machine + ?Sized> Machine for &mut M {
    type Event = M::Event;
    type Error = M::Error;

    fn poll(&mut self) -> Result<Action<'_, Self::Event>, Self::Error> {
        (**self).poll()
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        (**self).received(now, bytes)
    }

    fn received_eof(&mut self, now: Instant) {
        (**self).received_eof(now);
    }

    fn cut_off(&mut self, now: Instant) {
        (**self).cut_off(now);
    }

    fn shut_down(&mut self, now: Instant) {
        (**self).shut_down(now);
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        (**self).wrote(now, count);
    }

    fn timed_out(&mut self, now: Instant) {
        (**self).timed_out(now);
    }
}

/// A change of the transport's security that a machine asks for with one of its events.
///
/// Exhaustive: TLS starts or stops, there is no third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsSwitch {
    /// Start a TLS handshake now; answer with [`Securable::tls_started`].
    Start,
    /// Close TLS cleanly and go on in clear text (`CCC`); answer with [`Securable::tls_stopped`].
    Stop,
}

/// A [`Machine`] whose transport can be put under TLS while it runs.
///
/// `ftp_rustls::Secured` wraps any such machine. A custom stack with a TLS library of its own
/// answers the switch events itself. Between the switch event and the answer the machine polls
/// [`Action::Wait`] with the handshake deadline.
pub trait Securable: Machine {
    /// Whether this event asks for a switch.
    fn tls_switch(event: &Self::Event) -> Option<TlsSwitch>;

    /// The handshake that [`TlsSwitch::Start`] asked for is complete. Ignored at any other time.
    fn tls_started(&mut self, now: Instant, session: TlsSession);

    /// TLS is closed as [`TlsSwitch::Stop`] asked for; what follows is clear text. Ignored at any
    /// other time.
    fn tls_stopped(&mut self, now: Instant);

    /// Whether its TLS may resume a session.
    fn may_resume(&self) -> bool {
        true
    }

    /// Whether its data connections, or itself if it is one, must resume a session. So a client needs sessions
    /// in stock: a ticket of TLS 1.3 is used once, and a transfer that is given up brings no other.
    fn must_resume(&self) -> bool {
        false
    }
}

impl<M: Securable + ?Sized> Securable for &mut M {
    fn tls_switch(event: &Self::Event) -> Option<TlsSwitch> {
        M::tls_switch(event)
    }

    fn tls_started(&mut self, now: Instant, session: TlsSession) {
        (**self).tls_started(now, session);
    }

    fn tls_stopped(&mut self, now: Instant) {
        (**self).tls_stopped(now);
    }

    fn may_resume(&self) -> bool {
        (**self).may_resume()
    }

    fn must_resume(&self) -> bool {
        (**self).must_resume()
    }
}
