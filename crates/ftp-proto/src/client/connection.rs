//! The client connection machine.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::context::Context;
use super::input::{Found, Input};
use super::outstanding::Purpose;
use super::state::{Ccc, Greeting, Rein, StartingTls, State};
use super::{
    Answer, CommandId, Config, Error, Event, Login, Misuse, PeerFault, Phase, Protection, Security,
    Session, Timeout,
};
use crate::wire::{Command, CommandRef, Verb};
use crate::{Action, Dialogue, Instant, Machine, Securable, TlsSession, TlsSwitch};

/// The client's machine for one control connection, from greeting to close.
///
/// Drive it as [`Machine`] says. It logs in by itself, asks the application only for what the
/// [`Login`] leaves open, and after [`Event::LoggedIn`] takes commands with [`send`](Self::send).
///
/// A reply answers a command only if it began to arrive after the whole command was handed to the
/// transport. Any other reply is a fault before login and [`Event::Unsolicited`] after it; from then on
/// replies and commands may be out of step. A reply whose code cannot answer the command that it falls
/// to is [`PeerFault::OutOfStep`]: the second table of the [module](super) says which these are.
/// 421 ends the connection with [`Error::ServiceUnavailable`] wherever it comes.
///
/// Once the server has closed its side nothing more is written: nobody is there to read it.
#[derive(Debug)]
pub struct Connection {
    state: State,
    context: Context,
    input: Input,
    /// Since when TLS is being switched, while it is.
    switching_since: Instant,
    /// The latest time that the driver told. The application's calls have clocks of their own, and
    /// must not end a wait whose reply the driver is about to hand over.
    driven: Instant,
    error: Option<Box<Error>>,
}

/// What it means that a deadline passed.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    Fatal(Timeout),
    /// A line with a foreign code was the end of its reply.
    ForeignEnd,
    /// Nothing went either way for as long as the configuration allows.
    KeepAlive,
    /// `QUIT` was not answered: the connection is closed all the same.
    Left,
}

impl Connection {
    /// Starts at `now`, when the transport is connected. Under implicit TLS the first event is
    /// [`Event::StartTls`].
    pub fn new(config: Config, now: Instant) -> Self {
        // The credentials move into the states; no second copy stays behind.
        let Config { login, settings } = config;
        let input = Input::new(Arc::clone(&settings), now);
        let implicit = settings.security == Security::ImplicitTls;
        let state = if implicit {
            State::StartingTls(StartingTls { login, implicit })
        } else {
            State::Greeting(Greeting { login })
        };
        let mut context = Context::new(settings, now, state.phase());
        if implicit {
            context.tell(Event::StartTls);
        } else {
            context.outstanding.greeting(0, now);
        }
        Self {
            state,
            context,
            input,
            switching_since: now,
            driven: now,
            error: None,
        }
    }

    /// Where the connection is in its life.
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// What is known of the session, once logged in; kept up to date (protection level, TLS).
    /// `None` before login and from an accepted `REIN` to the next login.
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.context.session.as_ref()
    }

    /// Whether any part of a command that carries a secret (`PASS`, `ACCT`, `SITE PSWD`) was handed
    /// to the transport. A login that fails from then on is not to be repeated with the same
    /// credentials, but for 421: [`Error::is_transient`].
    pub fn is_secret_sent(&self) -> bool {
        self.context.secret_sent
    }

    /// Answers a [`Challenge`](super::Challenge).
    ///
    /// # Errors
    /// [`Misuse::WrongAnswer`] if that challenge is no longer open, or it asked for something
    /// else; in the latter case it stays open, and the event comes again. [`Misuse::Closed`] once the
    /// connection is closing.
    pub fn answer(&mut self, now: Instant, answer: Answer) -> Result<(), Misuse> {
        self.context.advance_clock(now);
        if self.is_closing() {
            return Err(Misuse::Closed);
        }
        let mut result = Ok(());
        self.transition(|state, context| {
            let (next, answered) = state.on_answer(answer, context);
            result = answered;
            Ok(next)
        });
        result
    }

    /// Sends a command after login. Its replies come as events with the id returned, in the order
    /// of the commands; several may be unanswered at a time.
    ///
    /// A 200 to a `PROT` sent this way changes [`Session::protection`].
    ///
    /// # Errors
    /// [`Misuse::Closed`] once the connection is closing; [`Misuse::DedicatedMethod`] for verbs
    /// that change the state of the connection (`USER`, `PASS`, `AUTH`, `ADAT`, `CCC`, `REIN`,
    /// `HOST`, `QUIT`); [`Misuse::NotReady`] before login; [`Misuse::CommandsOutstanding`] while
    /// `REIN` or `CCC` is unanswered; [`Misuse::NoTls`] for a command that
    /// [carries a secret](Command::carries_secret) (`ACCT`, `SITE PSWD`), in clear after `CCC`; [`Misuse::TooManyOutstanding`] at
    /// [`Limits::outstanding_commands`](crate::Limits::outstanding_commands).
    pub fn send(&mut self, now: Instant, command: Command) -> Result<CommandId, Misuse> {
        self.context.advance_clock(now);
        if self.is_closing() {
            return Err(Misuse::Closed);
        }
        let verb = command.verb();
        if matches!(
            verb,
            Verb::User
                | Verb::Pass
                | Verb::Auth
                | Verb::Adat
                | Verb::Ccc
                | Verb::Rein
                | Verb::Host
                | Verb::Quit
        ) {
            return Err(Misuse::DedicatedMethod(verb));
        }
        self.check_ready()?;
        let in_clear_by_choice = self.context.settings.security == Security::DangerousPlaintext;
        if command.carries_secret() && self.context.tls.is_none() && !in_clear_by_choice {
            return Err(Misuse::NoTls);
        }
        if self.context.outstanding.commands() >= self.context.settings.limits.outstanding_commands
        {
            return Err(Misuse::TooManyOutstanding);
        }
        let id = self.context.next_command_id();
        let protection = (verb == Verb::Prot).then(|| match command.argument() {
            // Without TLS there is nothing to protect with, whatever the server says.
            Some(b"P" | b"p") if !in_clear_by_choice => Protection::Private,
            _ => Protection::Clear,
        });
        let purpose = Purpose::Command {
            id,
            verb,
            protection,
        };
        self.context.send(purpose, command.borrow());
        Ok(id)
    }

    /// `REIN`: back to the start of the login with other credentials (RFC 959 §4.1.1). TLS stays
    /// as it is; data protection is agreed anew.
    ///
    /// When the server accepts, [`Event::LoggedIn`] comes again, or an error; when it refuses,
    /// [`Event::Reply`] with the id returned, and the old session goes on.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NotReady`], and [`Misuse::CommandsOutstanding`] while any
    /// command is unanswered.
    pub fn reinitialize(&mut self, now: Instant, login: Login) -> Result<CommandId, Misuse> {
        self.context.advance_clock(now);
        self.check_idle()?;
        let id = self.context.next_command_id();
        self.transition(|state, context| {
            let State::Ready(ready) = state else {
                return Ok(state);
            };
            context.send(Purpose::Login, CommandRef::known(Verb::Rein, None));
            Ok(State::Rein(Rein { id, login, ready }))
        });
        Ok(id)
    }

    /// `CCC`: the control connection goes on in clear text (RFC 4217 §6).
    ///
    /// When the server accepts, [`Event::StopTls`] and then [`Event::ClearCommandChannel`] come;
    /// when it refuses, [`Event::Reply`] with the id returned, and nothing changes.
    ///
    /// # Errors
    /// [`Misuse::NotAllowed`] unless
    /// [`Config::clear_command_channel`](super::Config::clear_command_channel) is on;
    /// [`Misuse::NoTls`] without TLS; else as [`reinitialize`](Self::reinitialize).
    pub fn clear_command_channel(&mut self, now: Instant) -> Result<CommandId, Misuse> {
        self.context.advance_clock(now);
        if self.is_closing() {
            return Err(Misuse::Closed);
        }
        if !self.context.settings.clear_command_channel {
            return Err(Misuse::NotAllowed);
        }
        self.check_idle()?;
        if self.context.tls.is_none() {
            return Err(Misuse::NoTls);
        }
        let id = self.context.next_command_id();
        self.transition(|state, context| {
            let State::Ready(ready) = state else {
                return Ok(state);
            };
            context.send(Purpose::Login, CommandRef::known(Verb::Ccc, None));
            Ok(State::Ccc(Ccc { id, ready }))
        });
        Ok(id)
    }

    /// Leaves in due form with `QUIT`; [`Action::Closed`] follows when the server has answered or
    /// closed the connection, or [`Timeouts::quit`](super::Timeouts::quit) has passed.
    ///
    /// Legal in every state: after login `QUIT` goes out at once, behind the commands that are
    /// still unanswered, whose replies still come. During the login it goes out as soon as the
    /// reply under way has come, in place of the next step, and at once while a challenge is open.
    /// While TLS is being switched nobody would read it: the connection just closes.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the connection is closing or closed already.
    pub fn quit(&mut self, now: Instant) -> Result<(), Misuse> {
        self.context.advance_clock(now);
        if self.is_closing() {
            return Err(Misuse::Closed);
        }
        self.transition(|state, context| Ok(state.on_quit(context)));
        Ok(())
    }

    fn is_closing(&self) -> bool {
        self.phase() == Phase::Closing
    }

    fn check_ready(&self) -> Result<(), Misuse> {
        match self.state {
            State::Ready(_) => Ok(()),
            State::Leaving(_) | State::Quit(_) | State::Closed => Err(Misuse::Closed),
            State::Rein(_) | State::Ccc(_) | State::StoppingTls(_) => {
                Err(Misuse::CommandsOutstanding)
            }
            _ => Err(Misuse::NotReady),
        }
    }

    fn check_idle(&self) -> Result<(), Misuse> {
        self.check_ready()?;
        if self.context.outstanding.commands() == 0 {
            Ok(())
        } else {
            Err(Misuse::CommandsOutstanding)
        }
    }

    /// Replaces the state by what `step` makes of it.
    fn transition(&mut self, step: impl FnOnce(State, &mut Context) -> Result<State, Error>) {
        let state = core::mem::replace(&mut self.state, State::Closed);
        match step(state, &mut self.context) {
            Ok(next) => self.enter(next),
            Err(error) => self.fail(error),
        }
    }

    fn enter(&mut self, next: State) {
        if next.is_switching() && !self.state.is_switching() {
            self.switching_since = self.context.now;
            // What was asked for on one side of a switch is not answered on the other, nor does it count there.
            self.input.drop_refusals();
        }
        self.context.enter(next.phase());
        self.state = next;
        if matches!(self.state, State::Closed) {
            self.context.stop_login_clock();
            self.input.reset();
        }
    }

    /// Nothing is owed: it may be long until the next command, and what is not needed until then is not
    /// kept.
    fn shrink(&mut self) {
        self.input.shrink();
        self.context.shrink();
    }

    fn fail(&mut self, error: Error) {
        self.enter(State::Closed);
        let error = error.after_secret(self.context.secret_sent);
        self.error = Some(Box::new(error));
    }

    /// Deals with the input until there is something to tell or to write, or more is needed.
    fn advance(&mut self) {
        self.take_input(false);
    }

    /// The same, or with all of the input there is.
    fn take_input(&mut self, all: bool) {
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
                let answered = context.outstanding.answered(start, context.now);
                if !self.state.may_switch_after(reply, answered) {
                    refusals.send_before(end, |refusal| context.write(refusal));
                }
                context.heard(reply);
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
        self.transition(|_, _| result);
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

    /// The next deadline of the present action, and what it means.
    fn deadline(&self) -> Option<(Instant, Expiry)> {
        let context = &self.context;
        let timeouts = &context.settings.timeouts;
        let fatal = |(at, timeout)| (at, Expiry::Fatal(timeout));
        // What is being written does not put off what was owed before.
        let is_writing = !context.offered().is_empty();
        let write = (context.writing_since + timeouts.write, Timeout::Write);
        let write = is_writing.then_some(write).map(fatal);
        let step = if matches!(self.state, State::Closed) {
            None
        } else if self.state.is_switching() {
            Some((
                self.switching_since + timeouts.handshake,
                Expiry::Fatal(Timeout::Handshake),
            ))
        } else {
            let reply = context.outstanding.deadline(timeouts).map(fatal);
            if is_writing {
                reply
            } else {
                let foreign_end = self.input.foreign_end_deadline();
                let foreign_end = foreign_end.map(|at| (at, Expiry::ForeignEnd));
                let keep_alive = match self.state {
                    State::Ready(_) => context.keep_alive_deadline(),
                    _ => None,
                };
                earlier(
                    earlier(foreign_end, reply),
                    keep_alive.map(|at| (at, Expiry::KeepAlive)),
                )
            }
        };
        let left = match self.state {
            State::Quit(_) => context.outstanding.only_quit(),
            _ => None,
        };
        let left = left.map(|since| (since + timeouts.quit, Expiry::Left));
        let step = match (left, step) {
            (Some((end, left)), Some((at, Expiry::Fatal(_)))) => Some((end.min(at), left)),
            (left, step) => earlier(left, step),
        };
        let login = context
            .login_deadline()
            .map(|at| (at, Expiry::Fatal(Timeout::Login)));
        earlier(earlier(write, step), login)
    }

    /// The driver told this time. What was due until then happens before what it tells besides: no
    /// input moves a deadline.
    fn pass_time(&mut self, now: Instant) {
        if now > self.driven {
            self.keep_deadlines(now);
        }
        self.context.advance_clock(now);
    }

    fn keep_deadlines(&mut self, now: Instant) {
        self.driven = self.driven.max(now);
        if self.due().is_none() {
            return;
        }
        // A reply that is there was in time.
        self.take_input(true);
        while let Some(expiry) = self.due() {
            self.context.advance_clock(now);
            match expiry {
                Expiry::ForeignEnd => {
                    // The reply is whole only now.
                    self.context.last_traffic = self.context.now;
                    self.input.fell_silent();
                }
                Expiry::KeepAlive => self.context.send_keep_alive(),
                Expiry::Left => {
                    self.context.output.clear();
                    self.enter(State::Closed);
                }
                Expiry::Fatal(what) => {
                    self.context.output.clear();
                    let phase = self.phase();
                    // What was over already only gives up its last bytes.
                    if !matches!(self.state, State::Closed) {
                        self.fail(Error::timed_out(phase, what));
                    }
                }
            }
            self.take_input(true);
        }
    }

    /// What has passed.
    fn due(&self) -> Option<Expiry> {
        let (at, expiry) = self.deadline()?;
        (at <= self.driven).then_some(expiry)
    }
}

/// The earlier of two deadlines; the first if they are the same.
fn earlier(
    first: Option<(Instant, Expiry)>,
    second: Option<(Instant, Expiry)>,
) -> Option<(Instant, Expiry)> {
    match (first, second) {
        (Some(first), Some(second)) if second.0 < first.0 => Some(second),
        (first, second) => first.or(second),
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
        let deadline = self.deadline().map(|(at, _)| at);
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
