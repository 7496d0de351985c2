//! The driver's side of a server connection: bytes and time in, actions out.

use alloc::sync::Arc;

use super::input::{Delayed, Found, Input};
use super::state::State;
use super::timers::Timer;
use super::{ClosedWhy, Connection, Error, Event, PeerFault, Resumption, replies};
use crate::wire::CommandErrorKind;
use crate::{Action, Dialogue, Instant, Machine, Securable, TlsSession, TlsSwitch};

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
        self.notice_dropped_transfer();
        self.advance();
        if let Some(event) = self.context.events.pop_front() {
            return Ok(Action::Event(event));
        }
        let deadline = self.context.timers.next();
        if !self.context.output.is_empty() {
            self.offered = true;
            return Ok(Action::Write {
                bytes: self.context.output.unread(),
                deadline,
            });
        }
        if self.context.is_over() {
            if let Some(closed) = self.context.announce_end() {
                return Ok(Action::Event(closed));
            }
            return match self.context.error() {
                Some(error) => Err(error),
                None => Ok(Action::Closed),
            };
        }
        // Beside a command that waits, the end of the connection is still to be heard.
        if self.state.is_waiting() || (self.is_delaying() && self.eof) {
            return Ok(Action::Wait { deadline });
        }
        Ok(Action::Read { deadline })
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.pass_time(now);
        if self.context.is_over() || bytes.is_empty() {
            return bytes.len();
        }
        if matches!(self.state, State::Switching { .. }) {
            self.injected();
            return bytes.len();
        }
        self.input.store(bytes)
    }

    fn received_eof(&mut self, now: Instant) {
        self.pass_time(now);
        self.eof = true;
        self.settle();
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        self.context.output.consume(count);
        if self.context.output.is_empty() {
            self.offered = false;
            self.context.timers.stop(Timer::Write);
        }
        self.pass_time(now);
    }

    fn timed_out(&mut self, now: Instant) {
        self.pass_time(now);
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
        if !self.is_switching(TlsSwitch::Start) {
            return;
        }
        let tls = Arc::new(session);
        self.context.observe(Dialogue::TlsStarted(&tls));
        self.context.tell(Event::TlsEstablished(Arc::clone(&tls)));
        self.context.tls = Some(tls);
        self.finish_switch();
    }

    fn tls_stopped(&mut self, now: Instant) {
        self.pass_time(now);
        if !self.is_switching(TlsSwitch::Stop) {
            return;
        }
        self.context.observe(Dialogue::TlsStopped);
        self.context.tell(Event::ClearCommandChannel);
        self.context.tls = None;
        self.context.drop_early_data();
        self.finish_switch();
    }

    fn must_resume(&self) -> bool {
        let files = self.context.config.files.as_ref();
        files.is_some_and(|files| files.resumption == Resumption::Require)
    }
}

impl Connection {
    /// Runs until there is something to report or write, or nothing more to do.
    fn advance(&mut self) {
        while self.context.events.is_empty()
            && self.context.output.is_empty()
            && !self.context.is_over()
            && self.step()
        {}
    }

    /// Makes one step. Returns whether there may be another.
    fn step(&mut self) -> bool {
        if let State::Switching {
            switch, announced, ..
        } = &mut self.state
        {
            if !*announced {
                *announced = true;
                let (switch, context) = (*switch, &mut self.context);
                context.handshaking = true;
                context.set_timer(Timer::Handshake, context.config.timeouts.handshake);
                context.tell(match switch {
                    TlsSwitch::Start => Event::StartTls,
                    TlsSwitch::Stop => Event::StopTls,
                });
            }
            return false;
        }
        if self.is_delaying() && self.eof && !self.input.has_quit() {
            // As without a command that waits: the transfer is aborted (RFC 959 §4.1.1, `QUIT`).
            self.context.end_silently(ClosedWhy::PeerClosed);
            self.settle();
            return false;
        }
        if self.state.is_waiting() || self.is_delaying() {
            return false;
        }
        self.next_command()
    }

    /// Whether the next command waits for the end of a transfer.
    fn is_delaying(&self) -> bool {
        self.delayed.is_some() && matches!(self.state, State::Transferring(_))
    }

    /// Looks for the next command. Returns whether there was one.
    fn next_command(&mut self) -> bool {
        let Self {
            context,
            input,
            state,
            delayed,
            ..
        } = self;
        let found = match delayed.take() {
            Some(Delayed::Bad(kind)) => Found::Bad { kind, length: 0 },
            _ => input.next_command(|refusal| context.send(refusal)),
        };
        if let State::Transferring(transfer) = state {
            match &found {
                Found::Command { command, .. } if transfer.delays(command) => {
                    *delayed = Some(Delayed::Command);
                    return false;
                }
                Found::Bad { kind, length } => {
                    *delayed = Some(Delayed::Bad(*kind));
                    let length = *length;
                    self.input.consume(length);
                    return false;
                }
                _ => {}
            }
        }
        let length = match found {
            Found::Nothing { length } => {
                self.input.consume(length);
                self.wait_for_command();
                return false;
            }
            Found::Foreign(protocol) => {
                let fault = PeerFault::ForeignProtocol(protocol);
                context.fault(&replies::FOREIGN_PROTOCOL, fault);
                0
            }
            Found::Command {
                command,
                length,
                followed,
            } => {
                context.bytes_follow = followed;
                context.stop_waiting_for_command();
                context.observe_command(command);
                let before = core::mem::replace(state, State::Closing);
                *state = before.command(command, context);
                length
            }
            Found::Bad { kind, length } => {
                context.stop_waiting_for_command();
                context.say_bad(match kind {
                    CommandErrorKind::TooLong => &replies::LINE_TOO_LONG,
                    CommandErrorKind::ControlCharacter => &replies::CONTROL_CHARACTER,
                    CommandErrorKind::NotAVerb => &replies::UNKNOWN_COMMAND,
                });
                length
            }
        };
        self.input.consume(length);
        self.settle();
        true
    }

    /// All input is parsed. Many connections may wait for a long time, so they free unused memory.
    fn wait_for_command(&mut self) {
        self.input.shrink();
        self.context.shrink();
        let context = &mut self.context;
        if self.eof {
            context.end_silently(ClosedWhy::PeerClosed);
            self.settle();
        } else if matches!(self.state, State::LoggedIn { .. })
            && !context.timers.is_running(Timer::Idle)
        {
            context.set_timer(Timer::Idle, context.config.timeouts.idle);
        }
    }

    /// Bytes arrived where only a handshake is allowed. None of them is read.
    fn injected(&mut self) {
        let fault = ClosedWhy::PeerFault(PeerFault::BytesBeforeTlsSwitch);
        self.end(&replies::BYTES_BEFORE_TLS, fault);
        self.settle();
    }

    /// Whether this switch was requested and is not done yet.
    fn is_switching(&self, wanted: TlsSwitch) -> bool {
        matches!(
            &self.state,
            State::Switching { switch, announced: true, .. } if *switch == wanted
        ) && !self
            .context
            .events
            .iter()
            .any(|event| Self::tls_switch(event).is_some())
    }

    /// Completes a TLS switch. Nothing that arrived before it is read or counted after it, except
    /// failed attempts: a client must not get more guesses by starting TLS.
    fn finish_switch(&mut self) {
        self.input = Input::new(&self.context.config);
        self.delayed = None;
        self.context.forget_bad_commands();
        if self.context.tls.is_none() {
            self.input.expect_no_foreign_protocol();
        }
        self.context.handshaking = false;
        self.context.timers.stop(Timer::Handshake);
        self.transition(State::switched);
    }
}
