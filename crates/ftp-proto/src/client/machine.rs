//! How a client connection is driven: bytes and time in, actions out.

use alloc::sync::Arc;

use super::input::Found;
use super::state::State;
use super::{Connection, Error, Event, PeerFault, Phase};
use crate::{Action, Dialogue, Instant, Machine, Securable, TlsSession, TlsSwitch};

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
        self.notice_dropped_transfer();
        self.take_input(false);
        if let Some(event) = self.context.events.pop_front() {
            return Ok(Action::Event(event));
        }
        let deadline = self.next_deadline();
        if !self.context.offered().is_empty() {
            return Ok(Action::Write {
                bytes: self.context.offered(),
                deadline,
            });
        }
        if let Some(error) = &self.error {
            return Err(Error::clone(error));
        }
        if matches!(self.state, State::Ready(_)) && self.context.outstanding.is_empty() {
            self.shrink();
        }
        Ok(match self.state {
            State::Closed => Action::Closed,
            State::StartingTls(_) | State::StoppingTls(_) => Action::Wait { deadline },
            _ => Action::Read { deadline },
        })
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.pass_time(now);
        if matches!(self.state, State::Closed) || self.input.is_ended() || bytes.is_empty() {
            return bytes.len();
        }
        if self.state.is_switching() {
            self.bytes_before_switch();
            return bytes.len();
        }
        self.input.store(self.context.now, bytes)
    }

    fn received_eof(&mut self, now: Instant) {
        self.pass_time(now);
        self.input.end();
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        let context = &mut self.context;
        let count = count.min(context.offered().len());
        if count > 0 {
            context.advance_clock(now);
            context.last_traffic = context.now;
            context.written(count);
            let arrived = self.input.end_position();
            if context
                .outstanding
                .written(context.output.position(), arrived, context.now)
            {
                // The next command has its own time.
                context.writing_since = context.now;
                self.input.command_sent();
            }
        }
        self.pass_time(now);
    }

    fn timed_out(&mut self, now: Instant) {
        self.keep_deadlines(now);
        self.context.advance_clock(now);
    }
}

impl Securable for Connection {
    fn tls_switch(event: &Event) -> Option<TlsSwitch> {
        match event {
            Event::StartTls => Some(TlsSwitch::Start),
            Event::StopTls => Some(TlsSwitch::Stop),
            _ => None,
        }
    }

    fn tls_started(&mut self, now: Instant, session: TlsSession) {
        self.pass_time(now);
        if !matches!(self.state, State::StartingTls(_)) {
            return;
        }
        self.drop_switch_event();
        self.input.reset();
        self.context.observe(Dialogue::TlsStarted(&session));
        let session = Arc::new(session);
        self.context.set_tls(Some(Arc::clone(&session)));
        self.context.tell(Event::TlsEstablished(session));
        let arrived = self.input.end_position();
        self.transition(|state, context| Ok(state.on_tls_started(arrived, context)));
    }

    fn tls_stopped(&mut self, now: Instant) {
        self.pass_time(now);
        if !matches!(self.state, State::StoppingTls(_)) {
            return;
        }
        self.drop_switch_event();
        self.input.reset();
        self.context.observe(Dialogue::TlsStopped);
        self.context.set_tls(None);
        self.context.last_traffic = self.context.now;
        self.transition(|state, context| Ok(state.on_tls_stopped(context)));
    }
}

impl Connection {
    /// Deals with the input until there is something to tell or to write, or more is needed; or with all of the
    /// input there is.
    #[inline]
    pub(super) fn take_input(&mut self, all: bool) {
        if !self.input.is_quiet() {
            self.take_replies(all);
        }
    }

    fn take_replies(&mut self, all: bool) {
        self.context.next_timer = None;
        loop {
            if self.input.is_ended() {
                // Nobody reads any more.
                self.context.output.clear();
            }
            let is_enough = !self.context.events.is_empty() || !self.context.offered().is_empty();
            if (is_enough && !all) || matches!(self.state, State::Closed) {
                return;
            }
            if self.state.is_switching() {
                if self.input.is_ended() {
                    self.closed_by_server();
                }
                return;
            }
            if !self.next_reply() {
                self.input.drop_blank_lines();
                if !self.state.may_switch() {
                    let context = &mut self.context;
                    self.input
                        .refuse_before(u64::MAX, |refusal| context.write(refusal));
                }
                if !self.input.is_ended() {
                    return;
                }
                self.closed_by_server();
            }
        }
    }

    /// Deals with the next reply; `false` if there is none yet.
    fn next_reply(&mut self) -> bool {
        let context = &mut self.context;
        let arrived = self.input.last_data();
        let (result, length) = match self.input.next_reply() {
            Found::Nothing => return false,
            Found::Fault { fault: found, at } => {
                self.input
                    .refuse_before(at.saturating_add(1), |refusal| context.write(refusal));
                let phase = self.phase();
                self.fail(Error::fault(phase, found));
                return true;
            }
            Found::Reply {
                reply,
                start,
                length,
                refusals,
            } => {
                let end = start.saturating_add(reply.raw().len() as u64);
                // What says nothing, as blank lines and Telnet, is no sign of life.
                context.last_traffic = context.last_traffic.max(arrived);
                let answered = match &self.state {
                    State::Transferring(transfer) => {
                        transfer.answered(reply.code(), start, context)
                    }
                    _ => context.outstanding.answered(start, context.now),
                };
                if !self.state.may_switch_after(reply, answered) {
                    refusals.send_before(end, |refusal| context.write(refusal));
                }
                context.heard(reply);
                context.may_answer_abort &= answered.is_none();
                let state = core::mem::replace(&mut self.state, State::Closed);
                let limits = &context.settings.limits;
                let result = match answered {
                    Some(answered) if answered.is_exhausted_by(reply, limits) => {
                        Err(Error::fault(state.phase(), PeerFault::TooManyPreliminary))
                    }
                    Some(answered) => state.on_reply(reply, answered, context),
                    None => state.on_unsolicited(reply, context),
                };
                (result, length)
            }
        };
        self.input.consume(length);
        match result {
            Ok(next) => self.enter(next),
            Err(error) => self.fail(error),
        }
        if self.state.is_switching() && !self.input.is_clean() {
            self.bytes_before_switch();
        }
        true
    }

    /// Nothing crosses a TLS switch.
    fn bytes_before_switch(&mut self) {
        self.drop_switch_event();
        let phase = self.phase();
        self.fail(Error::fault(phase, PeerFault::BytesBeforeTlsSwitch));
    }

    /// The switch is done, or off: nobody needs to be asked for it any more.
    fn drop_switch_event(&mut self) {
        self.context
            .events
            .retain(|event| Self::tls_switch(event).is_none());
    }

    fn closed_by_server(&mut self) {
        let phase = self.phase();
        if phase == Phase::Closing {
            self.enter(State::Closed);
        } else {
            let mid_reply = self.input.is_mid_reply();
            self.fail(Error::closed(phase, mid_reply));
        }
    }
}
