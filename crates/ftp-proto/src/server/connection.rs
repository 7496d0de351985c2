//! The server connection machine: bytes and time in, actions out.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::context::Context;
use super::input::{Found, Input};
use super::login::greet;
use super::state::{State, Switched};
use super::timers::Timer;
use super::{
    AccountVerdict, ClosedWhy, Config, Error, Event, Misuse, PeerFault, Phase, RequestId, Security,
    Verdict, replies,
};
use crate::wire::{Class, Code, CommandErrorKind, Reply};
use crate::{Action, Dialogue, Instant, Machine, Securable, TlsSession, TlsSwitch};

/// The server's machine for one control connection, from greeting to close.
///
/// Drive it as [`Machine`] says, and answer its events:
///
/// | event | answer |
/// |---|---|
/// | [`Event::StartTls`], [`Event::StopTls`] | [`Securable::tls_started`], [`Securable::tls_stopped`] |
/// | [`Event::Authenticate`] | [`decide`](Self::decide) |
/// | [`Event::Account`] | [`decide_account`](Self::decide_account) |
/// | [`Event::Command`] | [`reply`](Self::reply) or [`not_implemented`](Self::not_implemented) |
///
/// **One command at a time.** The next command is looked at when the previous one has been
/// answered and its reply written. Bytes that arrive before are kept up to
/// [`Limits::backlog`](crate::Limits::backlog); of more than that, `received` takes nothing.
///
/// **An answer that does not come** in [`Timeouts::application`](super::Timeouts::application), because
/// the application hangs or has dropped the question, ends the connection with 421.
///
/// **The end.** The last reply is written first, then [`Event::Closed`] tells why, then `poll`
/// returns [`Action::Closed`], or the error if the client broke the protocol beyond repair.
/// From the reply that announces a TLS switch until the switch is done nothing else can be said, and the
/// connection ends without a reply.
#[derive(Debug)]
pub struct Connection {
    context: Context,
    state: State,
    input: Input,
    eof: bool,
    /// `poll` offered the output for writing, and not all of it is reported as written.
    offered: bool,
}

impl Connection {
    /// Starts at `now`, when the transport was accepted, with the greeting (after the handshake,
    /// under implicit TLS).
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        Self::start(config, now, None)
    }

    /// Starts with a 120 in place of the greeting, which [`ready`](Self::ready) sends later. A
    /// reply with another code is replaced by a 120 of ours. Commands that arrive before `ready`
    /// are not looked at, and the time for the first command and the login starts with it.
    pub fn new_delayed(config: Arc<Config>, now: Instant, reply: Reply) -> Self {
        let reply = if reply.code() == Code::READY_SOON {
            reply
        } else {
            replies::DELAYED.clone()
        };
        Self::start(config, now, Some(reply))
    }

    /// Says 421 with this text, and closes: over a limit, or blocked. Text that cannot be sent is
    /// replaced. Under implicit TLS nothing is said: a handshake would cost what is to be saved.
    pub fn refused(config: Arc<Config>, now: Instant, text: &str) -> Self {
        let mut connection = Self::idle(config, now);
        connection.shutdown(now, text);
        connection
    }

    fn start(config: Arc<Config>, now: Instant, delay: Option<Reply>) -> Self {
        let mut connection = Self::idle(config, now);
        let context = &mut connection.context;
        if context.handshaking {
            context.set_timer(Timer::Handshake, context.config.timeouts.handshake);
            context.start_login_timer();
            let then = Switched::Greeting { delay };
            connection.state = State::Switching {
                switch: TlsSwitch::Start,
                announced: false,
                then,
            };
        } else if let Some(reply) = delay {
            context.say(&reply);
        } else {
            connection.state = greet(context);
        }
        connection
    }

    /// A connection on which nothing was said yet.
    fn idle(config: Arc<Config>, now: Instant) -> Self {
        let input = Input::new(&config);
        let handshaking = config.security == Security::ImplicitTls;
        let mut context = Context::new(config, now);
        context.handshaking = handshaking;
        Self {
            context,
            state: State::Delayed,
            input,
            eof: false,
            offered: false,
        }
    }

    /// Sends the greeting that [`new_delayed`](Self::new_delayed) held back. No effect if there is
    /// none.
    pub fn ready(&mut self, now: Instant) {
        self.pass_time(now);
        self.transition(State::ready);
    }

    /// Where the connection is in its life.
    pub fn phase(&self) -> Phase {
        if self.context.is_over() {
            return Phase::Closing;
        }
        self.state.phase()
    }

    /// The TLS session in force.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.context.tls.as_ref()
    }

    /// Whether data connections are to be protected: PROT P in force.
    pub fn is_data_protected(&self) -> bool {
        self.context.data_protected
    }

    /// Answers an attempt.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the connection ended meanwhile; [`Misuse::NothingOpen`] if this
    /// attempt is not the one that waits. Nothing of the verdict is kept then.
    pub fn decide(&mut self, now: Instant, verdict: Verdict) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::Verifying { id, .. } if *id == verdict.id => {
                self.transition(|state, context| state.verdict(verdict, context));
                Ok(())
            }
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Answers an account attempt.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn decide_account(&mut self, now: Instant, verdict: AccountVerdict) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::VerifyingAccount { id, .. } if *id == verdict.id => {
                self.transition(|state, context| state.account_verdict(verdict, context));
                Ok(())
            }
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// A 1yz reply to a request, which stays open.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the one that waits,
    /// [`Misuse::WrongClass`] if the code is not 1yz.
    pub fn preliminary(
        &mut self,
        now: Instant,
        request: RequestId,
        reply: &Reply,
    ) -> Result<(), Misuse> {
        self.expect_request(now, request)?;
        if reply.code().class() != Class::Preliminary {
            return Err(Misuse::WrongClass);
        }
        self.context.say(reply);
        self.context.wait_for_application();
        Ok(())
    }

    /// The final reply to a request.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the one that waits,
    /// [`Misuse::WrongClass`] if the code is 1yz or 6yz, [`Misuse::DedicatedMethod`] for 421, which is
    /// [`shutdown`](Self::shutdown)'s.
    pub fn reply(&mut self, now: Instant, request: RequestId, reply: &Reply) -> Result<(), Misuse> {
        self.expect_request(now, request)?;
        if matches!(reply.code().class(), Class::Preliminary | Class::Protected) {
            return Err(Misuse::WrongClass);
        }
        if reply.code() == Code::SERVICE_UNAVAILABLE {
            return Err(Misuse::DedicatedMethod);
        }
        self.context.say(reply);
        self.transition(State::answered);
        Ok(())
    }

    /// 502 to a request.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the one that waits.
    pub fn not_implemented(&mut self, now: Instant, request: RequestId) -> Result<(), Misuse> {
        self.reply(now, request, &replies::NOT_IMPLEMENTED)
    }

    /// 421 with this text as soon as the reply under way is written, then close. Text that cannot
    /// be sent (it holds CR, LF or NUL) is replaced. Whatever is open is dropped.
    ///
    /// From the first byte of the reply that announces a TLS switch until the switch is done nothing
    /// else can be said, and the connection closes without a 421.
    pub fn shutdown(&mut self, now: Instant, text: &str) {
        self.pass_time(now);
        let reply = Reply::new(Code::SERVICE_UNAVAILABLE, text)
            .unwrap_or_else(|_| replies::SHUTDOWN.clone());
        self.end(&reply, ClosedWhy::Shutdown);
        self.settle();
    }

    fn expect_open(&mut self, now: Instant) -> Result<(), Misuse> {
        self.pass_time(now);
        if self.context.is_over() {
            Err(Misuse::Closed)
        } else {
            Ok(())
        }
    }

    fn expect_request(&mut self, now: Instant, request: RequestId) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::Busy { id, .. } if *id == request => Ok(()),
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Makes a transition.
    fn transition(&mut self, transition: impl FnOnce(State, &mut Context) -> State) {
        let state = core::mem::replace(&mut self.state, State::Closing);
        self.state = transition(state, &mut self.context);
        self.settle();
    }

    /// Drops what the present state has no use for.
    fn settle(&mut self) {
        if self.eof && self.state.is_open() {
            // Nobody would hear the answer: the application is not asked.
            self.context.end_silently(ClosedWhy::PeerClosed);
        }
        if self.context.is_over() {
            self.state = State::Closing;
            self.input.clear();
        }
        let limits = &self.context.config.limits;
        self.input.set_line_limit(if self.state.is_logged_in() {
            limits.command_line
        } else {
            limits.command_line_before_login
        });
    }

    /// Time has come as far as `now`: what was due until then happens first.
    fn pass_time(&mut self, now: Instant) {
        self.context.now = self.context.now.max(now);
        while let Some(timer) = self.context.timers.take_expired(self.context.now) {
            self.expired(timer);
        }
    }

    fn expired(&mut self, timer: Timer) {
        match timer {
            Timer::Write => self.context.give_up_writing(),
            Timer::Answer => return self.transition(State::answer_due),
            Timer::Handshake => self.context.end_silently(ClosedWhy::HandshakeTimeout),
            Timer::FirstCommand => {
                self.end(&replies::NO_COMMAND_IN_TIME, ClosedWhy::FirstCommandTimeout);
            }
            Timer::Login => self.end(&replies::NO_LOGIN_IN_TIME, ClosedWhy::LoginTimeout),
            Timer::Idle => self.end(&replies::IDLE, ClosedWhy::IdleTimeout),
            Timer::Application => self.end(&replies::NO_ANSWER, ClosedWhy::ApplicationTimeout),
        }
        self.settle();
    }

    /// The last reply, where one can be said, and the end.
    fn end(&mut self, reply: &Reply, why: ClosedWhy) {
        let can_speak = match self.state {
            State::Switching { switch, .. } => self.take_back_announcement(switch),
            _ => true,
        };
        if can_speak {
            self.context.end(reply, why);
        } else {
            self.context.end_silently(why);
        }
    }

    /// Takes the reply back that announces this TLS switch, if nothing of it can have been written. If
    /// it cannot be taken back, nothing more may be said: to the peer the switch has begun.
    fn take_back_announcement(&mut self, switch: TlsSwitch) -> bool {
        let reply = match switch {
            TlsSwitch::Start => &replies::START_TLS,
            // The layer above may have encrypted what it was offered.
            TlsSwitch::Stop if self.offered => return false,
            TlsSwitch::Stop => &replies::CLEAR_COMMAND_CHANNEL,
        };
        let output = &mut self.context.output;
        let front = output
            .unread()
            .strip_suffix(reply.borrow().raw())
            .map(Vec::from);
        let Some(front) = front else {
            return false;
        };
        output.clear();
        output.extend(&front);
        true
    }

    /// Goes on until there is something to report, to write, or nothing more to do.
    fn advance(&mut self) {
        while self.context.events.is_empty()
            && self.context.output.is_empty()
            && !self.context.is_over()
            && self.step()
        {}
    }

    /// One step; whether there may be another.
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
        if self.state.is_open() {
            return false;
        }
        self.next_command()
    }

    /// Looks for the next command; whether one was found.
    fn next_command(&mut self) -> bool {
        let Self {
            context,
            input,
            state,
            ..
        } = self;
        let length = match input.next_command(|refusal| context.send(refusal)) {
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

    /// All that arrived has been looked at. It may be long until more comes, in many connections at
    /// once: what they do not need they do not keep.
    fn wait_for_command(&mut self) {
        self.input.shrink();
        self.context.shrink();
        let context = &mut self.context;
        if self.eof {
            context.end_silently(ClosedWhy::PeerClosed);
            self.settle();
        } else if self.state.is_logged_in() && !context.timers.is_running(Timer::Idle) {
            context.set_timer(Timer::Idle, context.config.timeouts.idle);
        }
    }

    /// Bytes arrived where only a handshake may: nothing of them is looked at.
    fn injected(&mut self) {
        let fault = ClosedWhy::PeerFault(PeerFault::BytesBeforeTlsSwitch);
        self.end(&replies::BYTES_BEFORE_TLS, fault);
        self.settle();
    }
}

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
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
        if self.state.is_open() {
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
        self.finish_switch();
    }
}

impl Connection {
    /// Whether the application was asked for this switch and has not done it yet.
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

    /// Nothing that arrived before a switch is looked at or counted behind it, but for failed
    /// attempts: a client in clear must not be able to guess more often by starting TLS.
    fn finish_switch(&mut self) {
        self.input = Input::new(&self.context.config);
        self.context.forget_bad_commands();
        if self.context.tls.is_none() {
            self.input.expect_no_foreign_protocol();
        }
        self.context.handshaking = false;
        self.context.timers.stop(Timer::Handshake);
        self.transition(State::switched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing here is timed or measured at run time: a server holds ten thousand of these.
    #[test]
    fn a_connection_is_small() {
        assert!(
            size_of::<Connection>() <= 512,
            "{}",
            size_of::<Connection>()
        );
    }
}
