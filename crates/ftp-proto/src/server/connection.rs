//! The server connection machine: bytes and time in, actions out.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

use super::login::{State as Login, Switched, greet};
use super::session::Session;
use super::timers::Timer;
use super::{
    AccountVerdict, ClosedWhy, Config, Error, Event, Misuse, PeerFault, RequestId, Security, State,
    Verdict, replies,
};
use crate::buffer::Buffer;
use crate::wire::foreign::{self, Signature};
use crate::wire::{
    Class, Code, CommandErrorKind, CommandParser, ForeignProtocol, Reply, Status, TelnetFilter,
};
use crate::{Action, Dialogue, Instant, Machine, Securable, TlsSession, TlsSwitch};

/// How many Telnet options are refused on one connection. A real client asks for a handful; the
/// rest is removed without an answer.
const MOST_REFUSALS: usize = 64;

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
/// **The end.** The last reply is written first, then [`Event::Closed`] tells why, then `poll`
/// returns [`Action::Closed`], or the error if the client broke the protocol beyond repair.
/// While a TLS handshake runs nothing can be said, and the connection ends without a reply.
#[derive(Debug)]
pub struct Connection {
    session: Session,
    state: Login,
    input: Buffer,
    filter: TelnetFilter,
    parser: CommandParser,
    /// Refusals of Telnet options, and the position in the input that each is due at.
    refusals: VecDeque<(u64, [u8; 3])>,
    refused: usize,
    /// The last byte that arrived was plain data, not part of a Telnet sequence.
    ends_in_data: bool,
    /// No command has come on this transport yet: other protocols can still be told by their
    /// first bytes.
    fresh: bool,
    eof: bool,
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
        let session = &mut connection.session;
        if session.muted {
            session.set_timer(Timer::Handshake, session.config.timeouts.handshake);
            session.start_login_timer();
            let then = Switched::Greeting { delay };
            connection.state = Login::Switching {
                switch: TlsSwitch::Start,
                announced: false,
                then,
            };
        } else if let Some(reply) = delay {
            session.say(&reply);
        } else {
            connection.state = greet(session);
        }
        connection
    }

    /// A connection on which nothing was said yet.
    fn idle(config: Arc<Config>, now: Instant) -> Self {
        let parser = CommandParser::new(config.limits.command_line_before_login, &config.lenience);
        let muted = config.security == Security::ImplicitTls;
        let mut session = Session::new(config, now);
        session.muted = muted;
        Self {
            session,
            state: Login::Delayed,
            input: Buffer::new(),
            filter: TelnetFilter::new(),
            parser,
            refusals: VecDeque::new(),
            refused: 0,
            ends_in_data: true,
            fresh: true,
            eof: false,
        }
    }

    /// Sends the greeting that [`new_delayed`](Self::new_delayed) held back. No effect if there is
    /// none.
    pub fn ready(&mut self, now: Instant) {
        self.pass_time(now);
        self.change(Login::ready);
    }

    /// Where the connection is in its life.
    pub fn state(&self) -> State {
        if self.session.is_over() {
            return State::Closing;
        }
        match &self.state {
            Login::Delayed => State::Delayed,
            Login::New => State::New,
            Login::PasswordNeeded { .. } => State::PasswordNeeded,
            Login::AccountNeeded { .. } => State::AccountNeeded,
            Login::Verifying { .. } | Login::Refusing { .. } => State::Verifying,
            Login::LoggedIn { .. } | Login::VerifyingAccount { .. } | Login::Busy { .. } => {
                State::LoggedIn
            }
            Login::Switching { .. } => State::SwitchingTls,
            Login::Closing => State::Closing,
        }
    }

    /// The TLS session in force.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.session.tls.as_ref()
    }

    /// Whether data connections are to be protected: PROT P in force.
    pub fn is_data_protected(&self) -> bool {
        self.session.data_protected
    }

    /// Answers an attempt.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the connection ended meanwhile; [`Misuse::NothingOpen`] if this
    /// attempt is not the one that waits. Nothing of the verdict is kept then.
    pub fn decide(&mut self, now: Instant, verdict: Verdict) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            Login::Verifying { id, .. } if *id == verdict.id => {
                self.change(|state, session| state.verdict(verdict.decision, session));
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
            Login::VerifyingAccount { id, .. } if *id == verdict.id => {
                self.change(|state, session| state.account_verdict(verdict.accepted, session));
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
        self.session.say(reply);
        Ok(())
    }

    /// The final reply to a request.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the one that waits,
    /// [`Misuse::WrongClass`] if the code is 1yz, [`Misuse::DedicatedMethod`] for 421, which is
    /// [`shutdown`](Self::shutdown)'s.
    pub fn reply(&mut self, now: Instant, request: RequestId, reply: &Reply) -> Result<(), Misuse> {
        self.expect_request(now, request)?;
        if reply.code().class() == Class::Preliminary {
            return Err(Misuse::WrongClass);
        }
        if reply.code() == Code::SERVICE_UNAVAILABLE {
            return Err(Misuse::DedicatedMethod);
        }
        self.session.say(reply);
        self.change(|state, _| state.answered());
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
    pub fn shutdown(&mut self, now: Instant, text: &str) {
        self.pass_time(now);
        let reply = Reply::new(Code::SERVICE_UNAVAILABLE, text)
            .unwrap_or_else(|_| replies::SHUTDOWN.clone());
        self.take_back_start_of_tls();
        self.session.end(&reply, ClosedWhy::Shutdown);
        self.settle();
    }

    fn expect_open(&mut self, now: Instant) -> Result<(), Misuse> {
        self.pass_time(now);
        if self.session.is_over() {
            Err(Misuse::Closed)
        } else {
            Ok(())
        }
    }

    fn expect_request(&mut self, now: Instant, request: RequestId) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            Login::Busy { id, .. } if *id == request => Ok(()),
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Makes a transition.
    fn change(&mut self, transition: impl FnOnce(Login, &mut Session) -> Login) {
        let state = core::mem::replace(&mut self.state, Login::Closing);
        self.state = transition(state, &mut self.session);
        self.settle();
    }

    /// Drops what the present state has no use for.
    fn settle(&mut self) {
        if self.eof && self.state.is_open() {
            // Nobody would hear the answer: the application is not asked.
            self.session.end_silently(ClosedWhy::PeerClosed);
        }
        if self.session.is_over() {
            self.state = Login::Closing;
            self.input.clear();
            self.refusals.clear();
        }
        let limits = &self.session.config.limits;
        self.parser.set_line_limit(if self.state.is_logged_in() {
            limits.command_line
        } else {
            limits.command_line_before_login
        });
    }

    /// Time has come as far as `now`: what was due until then happens first.
    fn pass_time(&mut self, now: Instant) {
        self.session.now = self.session.now.max(now);
        while let Some(timer) = self.session.timers.take_expired(self.session.now) {
            self.expired(timer);
        }
    }

    fn expired(&mut self, timer: Timer) {
        match timer {
            Timer::Write => self.session.give_up_writing(),
            Timer::FailureDelay => return self.change(Login::delay_passed),
            Timer::Handshake => {
                self.time_out(&replies::NO_SWITCH_IN_TIME, ClosedWhy::HandshakeTimeout)
            }
            Timer::FirstCommand => {
                self.time_out(&replies::NO_COMMAND_IN_TIME, ClosedWhy::FirstCommandTimeout);
            }
            Timer::Login => self.time_out(&replies::NO_LOGIN_IN_TIME, ClosedWhy::LoginTimeout),
            Timer::Idle => self.time_out(&replies::IDLE, ClosedWhy::IdleTimeout),
        }
        self.settle();
    }

    fn time_out(&mut self, reply: &Reply, why: ClosedWhy) {
        self.take_back_start_of_tls();
        self.session.end(reply, why);
    }

    /// A 234 of which nothing was written yet is not to be followed by anything in clear: it is
    /// taken back.
    fn take_back_start_of_tls(&mut self) {
        if !matches!(
            &self.state,
            Login::Switching {
                announced: false,
                ..
            }
        ) {
            return;
        }
        let mut reply = Vec::new();
        replies::START_TLS.encode(&mut reply);
        let output = &mut self.session.output;
        if let Some(front) = output
            .unread()
            .strip_suffix(reply.as_slice())
            .map(Vec::from)
        {
            output.clear();
            output.extend(&front);
        }
    }

    /// Goes on until there is something to report, to write, or nothing more to do.
    fn advance(&mut self) {
        while self.session.events.is_empty()
            && self.session.output.is_empty()
            && !self.session.is_over()
            && self.step()
        {}
    }

    /// One step; whether there may be another.
    fn step(&mut self) -> bool {
        if let Login::Switching {
            switch, announced, ..
        } = &mut self.state
        {
            if !*announced {
                *announced = true;
                let (switch, session) = (*switch, &mut self.session);
                session.muted = true;
                session.set_timer(Timer::Handshake, session.config.timeouts.handshake);
                session.tell(match switch {
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
        if let Some((protocol, length)) = self.foreign_start() {
            let end = self.input.position().saturating_add(length as u64);
            refuse_options(&mut self.refusals, end, &mut self.session);
            let fault = PeerFault::ForeignProtocol(protocol);
            self.session.fault(&replies::FOREIGN_PROTOCOL, fault);
            self.settle();
            return true;
        }
        let unread = self.input.unread();
        let position = self.input.position();
        let end_of = |length: usize| position.saturating_add(length as u64);
        match self.parser.parse(unread) {
            Ok(Status::Complete(command, length)) => {
                self.fresh = false;
                self.session.bytes_follow =
                    length < unread.len() || !self.ends_in_data || self.filter.is_inside_sequence();
                self.session.timers.stop(Timer::FirstCommand);
                self.session.timers.stop(Timer::Idle);
                refuse_options(&mut self.refusals, end_of(length), &mut self.session);
                self.session.observe_command(command);
                let state = core::mem::replace(&mut self.state, Login::Closing);
                self.state = state.command(command, &mut self.session);
                self.input.consume(length);
            }
            Ok(Status::Partial) => {
                refuse_options(&mut self.refusals, u64::MAX, &mut self.session);
                let skipped = self.parser.skip_blank();
                self.input.consume(skipped);
                if self.eof {
                    self.session.end_silently(ClosedWhy::PeerClosed);
                } else if self.state.is_logged_in() && !self.session.timers.is_running(Timer::Idle)
                {
                    self.session
                        .set_timer(Timer::Idle, self.session.config.timeouts.idle);
                }
                self.settle();
                return false;
            }
            Err(error) => {
                self.fresh = false;
                self.session.timers.stop(Timer::FirstCommand);
                self.session.timers.stop(Timer::Idle);
                refuse_options(&mut self.refusals, end_of(error.length), &mut self.session);
                self.session.say_bad(match error.kind {
                    CommandErrorKind::TooLong => &replies::LINE_TOO_LONG,
                    CommandErrorKind::ControlCharacter => &replies::CONTROL_CHARACTER,
                    CommandErrorKind::NotAVerb => &replies::UNKNOWN_COMMAND,
                });
                self.input.consume(error.length);
            }
        }
        self.settle();
        true
    }

    /// The protocol that the first bytes belong to, if it is not FTP, and how many of them say so.
    fn foreign_start(&self) -> Option<(ForeignProtocol, usize)> {
        let start = if self.fresh { self.input.unread() } else { &[] };
        let Signature::Is(protocol) = foreign::of_client(start) else {
            return None;
        };
        let is_enough = |length: &usize| {
            let prefix = start.get(..*length).unwrap_or_default();
            matches!(foreign::of_client(prefix), Signature::Is(_))
        };
        Some((
            protocol,
            (1..start.len()).find(is_enough).unwrap_or(start.len()),
        ))
    }

    /// Most bytes of input that are kept. More than a whole line, so that an over-long one can be
    /// told.
    fn input_limit(&self) -> usize {
        let limits = &self.session.config.limits;
        let line = limits.command_line.max(limits.command_line_before_login);
        limits.backlog.max(line.saturating_add(4))
    }

    /// Bytes arrived where only a handshake may: nothing of them is looked at.
    fn injected(&mut self) {
        self.take_back_start_of_tls();
        self.session
            .fault(&replies::BYTES_BEFORE_TLS, PeerFault::BytesBeforeTlsSwitch);
        self.settle();
    }

    /// Takes Telnet out of `bytes` and keeps the rest.
    fn store(&mut self, bytes: &[u8]) {
        let Some((last, front)) = bytes.split_last() else {
            return;
        };
        let Self {
            input,
            filter,
            refusals,
            refused,
            ends_in_data,
            ..
        } = self;
        for part in [front, core::slice::from_ref(last)] {
            let end = Cell::new(input.end_position());
            *ends_in_data = false;
            filter.filter(
                part,
                |data| {
                    input.extend(data);
                    end.set(end.get().saturating_add(data.len() as u64));
                    *ends_in_data = true;
                },
                |refusal| {
                    if *refused < MOST_REFUSALS {
                        *refused = refused.saturating_add(1);
                        refusals.push_back((end.get(), refusal));
                    }
                },
            );
        }
    }
}

/// Sends the refusals of options that were asked for before this position of the input, so that
/// their place among the replies does not depend on how the bytes arrived.
fn refuse_options(refusals: &mut VecDeque<(u64, [u8; 3])>, before: u64, session: &mut Session) {
    while let Some((position, refusal)) = refusals.front() {
        if *position >= before {
            return;
        }
        session.send(refusal);
        refusals.pop_front();
    }
}

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
        self.advance();
        if let Some(event) = self.session.events.pop_front() {
            return Ok(Action::Event(event));
        }
        let deadline = self.session.timers.next();
        if !self.session.output.is_empty() {
            return Ok(Action::Write {
                bytes: self.session.output.unread(),
                deadline,
            });
        }
        if self.session.is_over() {
            if let Some(closed) = self.session.announce_end() {
                return Ok(Action::Event(closed));
            }
            return match self.session.error() {
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
        if self.session.is_over() || bytes.is_empty() {
            return bytes.len();
        }
        if matches!(self.state, Login::Switching { .. }) {
            self.injected();
            return bytes.len();
        }
        let room = self.input_limit().saturating_sub(self.input.len());
        let (taken, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.store(taken);
        taken.len()
    }

    fn received_eof(&mut self, now: Instant) {
        self.pass_time(now);
        self.eof = true;
        self.settle();
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        self.session.output.consume(count);
        if self.session.output.is_empty() {
            self.session.timers.stop(Timer::Write);
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
        self.session.observe(Dialogue::TlsStarted(&tls));
        self.session.tell(Event::TlsEstablished(Arc::clone(&tls)));
        self.session.tls = Some(tls);
        self.finish_switch();
    }

    fn tls_stopped(&mut self, now: Instant) {
        self.pass_time(now);
        if !self.is_switching(TlsSwitch::Stop) {
            return;
        }
        self.session.observe(Dialogue::TlsStopped);
        self.session.tell(Event::ClearCommandChannel);
        self.session.tls = None;
        self.finish_switch();
    }
}

impl Connection {
    /// Whether the application was asked for this switch and has not done it yet.
    fn is_switching(&self, wanted: TlsSwitch) -> bool {
        matches!(
            &self.state,
            Login::Switching { switch, announced: true, .. } if *switch == wanted
        ) && !self
            .session
            .events
            .iter()
            .any(|event| Self::tls_switch(event).is_some())
    }

    /// Nothing that arrived before a switch is looked at behind it.
    fn finish_switch(&mut self) {
        let config = &self.session.config;
        self.parser = CommandParser::new(config.limits.command_line_before_login, &config.lenience);
        self.filter = TelnetFilter::new();
        self.input.clear();
        self.refusals.clear();
        self.refused = 0;
        self.ends_in_data = true;
        self.fresh = self.session.tls.is_some();
        self.session.muted = false;
        self.session.timers.stop(Timer::Handshake);
        self.change(Login::switched);
    }
}
