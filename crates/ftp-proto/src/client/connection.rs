//! The client connection machine: what the application calls. How it is driven is in `machine.rs`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;

use super::context::Context;
use super::input::Input;
use super::outstanding::Purpose;
use super::state::{Ccc, Greeting, Rein, StartingTls, State};
use super::transferring::Transferring;
use super::{
    Answer, CommandId, Config, Error, Event, Login, Misuse, Phase, Protection, Security, Session,
    Transfer, TransferId,
};
use crate::data::DataType;
use crate::wire::{Command, CommandRef, Verb};
use crate::{Instant, data};

/// The client's machine for one control connection, from greeting to close.
///
/// Drive it as [`Machine`](crate::Machine) says. It logs in by itself, asks the application only for what the
/// [`Login`] leaves open, and after [`Event::LoggedIn`] takes commands with [`send`](Self::send).
///
/// A reply answers a command only if it began to arrive after the whole command was handed to the
/// transport. Any other reply is a fault before login and [`Event::Unsolicited`] after it; from then on
/// replies and commands may be out of step. A reply whose code cannot answer the command that it falls
/// to is [`PeerFault::OutOfStep`](super::PeerFault::OutOfStep): the second table of the [module](super) says which these are.
/// 421 ends the connection with [`Error::ServiceUnavailable`] wherever it comes.
///
/// Once the server has closed its side nothing more is written: nobody is there to read it.
#[derive(Debug)]
pub struct Connection {
    pub(super) state: State,
    pub(super) context: Context,
    pub(super) input: Input,
    /// Since when TLS is being switched, while it is.
    pub(super) switching_since: Instant,
    /// The latest time that the driver told. The application's calls have clocks of their own, and
    /// must not end a wait whose reply the driver is about to hand over.
    pub(super) driven: Instant,
    pub(super) error: Option<Box<Error>>,
}

impl Connection {
    /// Starts at `now`, when the transport is connected. Under implicit TLS the first event is
    /// [`Event::StartTls`].
    pub fn new(config: Config, now: Instant) -> Self {
        // The credentials move into the states; no second copy stays behind.
        let Config { login, settings } = config;
        let login = Box::new(login);
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

    /// The `TYPE` in force, which `SIZE` depends on; `None` if it is not known, or commands are
    /// unanswered. At the start it is not known: servers differ.
    pub fn data_type(&self) -> Option<DataType> {
        let may_change = self.context.outstanding.commands() > 0;
        self.context.data_type.filter(|_| !may_change)
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
    /// A 200 to a `PROT` sent this way changes [`Session::protection`], one to a `TYPE` changes
    /// [`data_type`](Self::data_type).
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
        self.context.forget(verb);
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
            data_type: match (verb, command.argument()) {
                (Verb::Type, Some(b"I" | b"i")) => Some(DataType::Image),
                (Verb::Type, Some(b"A" | b"a")) => Some(DataType::Ascii),
                _ => None,
            },
        };
        self.context.send(purpose, command.borrow());
        Ok(id)
    }

    /// Whether a reply to this command is still to come as an event: its final reply has not come,
    /// or [`poll`](crate::Machine::poll) has not given it yet.
    pub fn is_unanswered(&self, command: CommandId) -> bool {
        let by_state = match &self.state {
            State::Rein(rein) => rein.id == command,
            State::Ccc(ccc) => ccc.id == command,
            _ => false,
        };
        let mut events = self.context.events.iter();
        by_state
            || self.context.outstanding.holds(command)
            || events.any(|event| event.reply_to(command).is_some())
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
            let login = Box::new(login);
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

    /// Leaves in due form with `QUIT`; [`Action::Closed`](crate::Action::Closed) follows when the server has answered or
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

    /// Moves a file or a listing over a data connection. [`Event::OpenData`], perhaps
    /// [`Event::Started`], and [`Event::Transferred`] follow; until the last of these nothing else is
    /// sent, but what [`Config::transfer_pipelining`](super::Config::transfer_pipelining) asks for.
    ///
    /// # Errors
    /// As [`reinitialize`](Self::reinitialize).
    pub fn transfer(&mut self, now: Instant, transfer: Transfer) -> Result<TransferId, Misuse> {
        self.context.advance_clock(now);
        self.check_idle()?;
        let id = TransferId(self.context.issue());
        self.transition(|state, context| {
            Ok(match state {
                State::Ready(ready) => Transferring::start(ready, id, transfer, context),
                state => state,
            })
        });
        Ok(id)
    }

    /// Answers [`Event::Listen`]: a connection to this address reaches us.
    ///
    /// # Errors
    /// [`Misuse::NotTransferring`] and [`Misuse::WrongAnswer`] if that was not asked.
    pub fn listening(
        &mut self,
        now: Instant,
        transfer: TransferId,
        address: SocketAddr,
    ) -> Result<(), Misuse> {
        self.in_transfer(now, |mut state, context| {
            let result = state.on_listening(transfer, address, context);
            (State::Transferring(state), result)
        })
    }

    /// Answers [`Event::Listen`]: there is no way to listen. The transfer is over.
    ///
    /// # Errors
    /// As [`listening`](Self::listening).
    pub fn not_listening(&mut self, now: Instant, transfer: TransferId) -> Result<(), Misuse> {
        self.in_transfer(now, |state, context| {
            state.on_not_listening(transfer, context)
        })
    }

    /// Answers [`Event::OpenData`]: the data connection stands (TCP; TLS follows). Returns its machine.
    ///
    /// # Errors
    /// [`Misuse::WrongTicket`] if it is not wanted any more, or never was: close it.
    pub fn data_opened(
        &mut self,
        now: Instant,
        ticket: data::Ticket,
    ) -> Result<data::Connection, Misuse> {
        self.in_transfer(now, |mut state, context| {
            let result = state.on_data_opened(&ticket, context);
            (State::Transferring(state), result)
        })?;
        Ok(ticket.connect(self.context.now))
    }

    /// Answers [`Event::OpenData`]: the data connection cannot be made. `PASV` may be tried next, with
    /// another [`Event::OpenData`].
    ///
    /// # Errors
    /// As [`data_opened`](Self::data_opened).
    pub fn data_failed(&mut self, now: Instant, ticket: data::Ticket) -> Result<(), Misuse> {
        self.in_transfer(now, |state, context| {
            state.on_data_failed(ticket.id, context)
        })
    }

    /// The data connection ended. Drop its transport first: some servers confirm a transfer only then.
    ///
    /// # Errors
    /// [`Misuse::WrongTicket`] if the transfer is over already; then it was told how it ended.
    pub fn data_ended(&mut self, now: Instant, end: data::End) -> Result<(), Misuse> {
        self.in_transfer(now, |state, context| state.on_data_ended(end, context))
    }

    /// Gives the transfer up: drop the data connection first, then call this, or just poll. `ABOR` is
    /// sent if the server has begun, and [`Event::Transferred`] comes when the connection is in step
    /// again.
    ///
    /// # Errors
    /// [`Misuse::NotTransferring`].
    pub fn abort(&mut self, now: Instant) -> Result<(), Misuse> {
        self.in_transfer(now, |state, context| (state.abort(context), Ok(())))
    }

    /// Whether it is logged in and nothing is under way: no transfer, no command of the application that is
    /// unanswered, and no event that [`poll`](crate::Machine::poll) has not given yet.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Ready(_))
            && self.context.outstanding.commands() == 0
            && self.context.events.is_empty()
    }

    /// Whether more of the server's bytes are here than [`poll`](crate::Machine::poll) has told of: a reply,
    /// or a part of one.
    pub fn has_more(&self) -> bool {
        !self.input.is_clean()
    }

    /// The transfer under way.
    pub fn transferring(&self) -> Option<TransferId> {
        self.context.transferring()
    }

    /// When this connection is to be driven although data moves: a `NOOP` of
    /// [`Config::transfer_keep_alive`] is due then, or not written yet ([`Instant::START`]). For drivers
    /// that otherwise look at the data connection alone while it has something to do.
    #[inline]
    pub fn turn_at(&self) -> Option<Instant> {
        self.context.settings.transfer_keep_alive?;
        self.next_noop()
    }

    fn next_noop(&self) -> Option<Instant> {
        let State::Transferring(transfer) = &self.state else {
            return None;
        };
        if self.context.offered().is_empty() {
            transfer.noop_at(&self.context)
        } else {
            Some(Instant::START)
        }
    }

    /// Whoever held the data connection has dropped it: that gives the transfer up.
    pub(super) fn notice_dropped_transfer(&mut self) {
        if let State::Transferring(transfer) = &self.state
            && transfer.is_dropped()
        {
            self.transition(|state, context| {
                Ok(match state {
                    State::Transferring(transfer) => transfer.abort(context),
                    state => state,
                })
            });
        }
    }

    fn in_transfer(
        &mut self,
        now: Instant,
        step: impl FnOnce(Box<Transferring>, &mut Context) -> (State, Result<(), Misuse>),
    ) -> Result<(), Misuse> {
        self.context.advance_clock(now);
        let mut result = Err(Misuse::NotTransferring);
        self.transition(|state, context| {
            let State::Transferring(transfer) = state else {
                return Ok(state);
            };
            let (next, answered) = step(transfer, context);
            result = answered;
            Ok(next)
        });
        result
    }

    fn is_closing(&self) -> bool {
        self.phase() == Phase::Closing
    }

    fn check_ready(&self) -> Result<(), Misuse> {
        match self.state {
            State::Ready(_) => Ok(()),
            State::Leaving(_) | State::Quit(_) | State::Closed => Err(Misuse::Closed),
            State::Transferring(_) => Err(Misuse::Transferring),
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
    pub(super) fn transition(
        &mut self,
        step: impl FnOnce(State, &mut Context) -> Result<State, Error>,
    ) {
        self.context.next_timer = None;
        let state = core::mem::replace(&mut self.state, State::Closed);
        match step(state, &mut self.context) {
            Ok(next) => self.enter(next),
            Err(error) => self.fail(error),
        }
    }

    pub(super) fn enter(&mut self, next: State) {
        if next.is_switching() && !self.state.is_switching() {
            self.switching_since = self.context.now;
            // What was asked for on one side of a switch is not answered on the other, nor does it count there.
            self.input.drop_refusals();
        }
        self.context.enter(next.phase());
        if let (State::Transferring(transfer), State::Closed) = (&self.state, &next) {
            transfer.on_lost(&mut self.context);
        }
        self.state = next;
        if matches!(self.state, State::Closed) {
            self.context.lose_transfer();
            self.context.stop_login_clock();
            self.input.reset();
        }
    }

    /// Nothing is owed: it may be long until the next command, and what is not needed until then is not
    /// kept.
    pub(super) fn shrink(&mut self) {
        self.input.shrink();
        self.context.shrink();
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.enter(State::Closed);
        let error = error.after_secret(self.context.secret_sent);
        self.error = Some(Box::new(error));
    }
}
