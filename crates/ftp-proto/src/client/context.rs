//! What a client connection keeps beside its state: output, events, clocks and what was learned.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;

use super::config::Settings;
use super::outstanding::{Awaited, Outstanding, Purpose};
use super::transferring::Ahead;
use super::{
    Challenge, ChallengeKind, CommandId, DataProtection, Event, LoggedInBy, Phase, PhaseTimes,
    Protection, Session, TransferError, TransferId, Transferred,
};
use crate::buffer::Buffer;
use crate::data::DataType;
use crate::ticket::{Ticket, Tickets};
use crate::wire::{Code, Command, CommandRef, Reply, ReplyRef, Verb};
use crate::{Dialogue, Instant, TlsSession, log};

const SIDE: &str = "client";

/// The clock of the whole login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoginClock {
    Until(Instant),
    /// The application is being asked; this much is left.
    Paused(Duration),
    Over,
}

/// How a login was completed.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) with: Reply,
    pub(super) by: LoggedInBy,
}

/// What a login gathers while it is under way; it goes into the [`Session`].
#[derive(Debug, Default)]
struct Gathered {
    greeting: Option<Reply>,
    phases: PhaseTimes,
}

/// Which TLS sessions of data connections the server took so far.
#[derive(Debug, Default)]
pub(super) struct TakesSessions {
    pub(super) resumed: bool,
    pub(super) new: bool,
}

/// The transfer under way.
#[derive(Debug)]
struct UnderWay {
    id: TransferId,
    /// How it ends if the connection ends now.
    if_lost: Result<Transferred, TransferError>,
}

#[derive(Debug)]
pub(super) struct Context {
    /// The credentials live in the states.
    pub(super) settings: Arc<Settings>,
    pub(super) now: Instant,
    /// When the next timer ends, if that is known: from a poll until anything else happens.
    pub(super) next_timer: Option<Option<Instant>>,
    pub(super) output: Buffer,
    /// Since when the present command waits to be written.
    pub(super) writing_since: Instant,
    /// When anything last went either way.
    pub(super) last_traffic: Instant,
    pub(super) outstanding: Outstanding,
    /// Where in the output the first secret begins, once there is one.
    secret_begins: Option<u64>,
    /// Some of it was handed to the transport.
    pub(super) secret_sent: bool,
    pub(super) events: VecDeque<Event>,
    /// How many commands of the login were sent ahead of their turn.
    pub(super) sent_ahead: usize,
    pub(super) tls: Option<Arc<TlsSession>>,
    pub(super) protection: Protection,
    /// `PBSZ` or `PROT` is to be asked again after the login.
    pub(super) protection_put_off: bool,
    /// `None` once logged in.
    gathered: Option<Box<Gathered>>,
    pub(super) session: Option<Arc<Session>>,
    irregular: bool,
    /// How many 220 replies more may be parts of the greeting.
    greetings_left: usize,
    clock: LoginClock,
    phase: Phase,
    phase_since: Instant,
    tickets: Tickets,
    transfer: Option<Box<UnderWay>>,
    /// The `TYPE` in force, if it is known.
    pub(super) data_type: Option<DataType>,
    /// The server took a data connection whose TLS session was resumed, or one whose was not.
    pub(super) takes_sessions: TakesSessions,
    /// `EPSV` or `PASV`, which worked.
    pub(super) passive: Option<Verb>,
    /// The next data connection.
    pub(super) ahead: Ahead,
    /// A `REST` may be in force that no transfer has used up.
    pub(super) restart_left: bool,
    /// Some servers answer `ABOR` once more than others. One reply more is no news, until a command that
    /// was sent afterwards is answered.
    pub(super) may_answer_abort: bool,
}

impl Context {
    pub(super) fn new(settings: Arc<Settings>, now: Instant, phase: Phase) -> Self {
        let login = settings.timeouts.login;
        Self {
            settings,
            now,
            next_timer: None,
            output: Buffer::new(),
            writing_since: now,
            last_traffic: now,
            outstanding: Outstanding::default(),
            secret_begins: None,
            secret_sent: false,
            events: VecDeque::new(),
            sent_ahead: 0,
            tls: None,
            protection: Protection::Clear,
            protection_put_off: false,
            gathered: Some(Box::default()),
            session: None,
            irregular: false,
            greetings_left: 0,
            clock: LoginClock::Until(now + login),
            phase,
            phase_since: now,
            tickets: Tickets::new(),
            transfer: None,
            data_type: None,
            may_answer_abort: false,
            takes_sessions: TakesSessions::default(),
            passive: None,
            ahead: Ahead::Nothing,
            restart_left: false,
        }
    }

    /// Something happened at this time. Time that runs backwards is ignored.
    pub(super) fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.next_timer = None;
    }

    pub(super) fn next_command_id(&mut self) -> CommandId {
        CommandId(self.tickets.issue())
    }

    pub(super) fn issue(&mut self) -> Ticket {
        self.tickets.issue()
    }

    /// A command of the application may have changed what is known of the server's state.
    pub(super) fn forget(&mut self, verb: Verb) {
        self.ahead.forget(verb);
        match verb {
            Verb::Type => self.data_type = None,
            // Another session of the server's.
            Verb::Rein => {
                self.data_type = None;
                self.restart_left = false;
            }
            Verb::Rest | Verb::Rang => self.restart_left = true,
            _ => {}
        }
    }

    /// Queues bytes that no reply is awaited for.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.begin_writing();
        self.output.extend(bytes);
    }

    /// If nothing waits to be written, what comes next has the whole time for that.
    fn begin_writing(&mut self) {
        if self.output.is_empty() {
            self.writing_since = self.now;
        }
    }

    pub(super) fn send(&mut self, purpose: Purpose, command: CommandRef<'_>) {
        log::command(SIDE, command);
        self.observe(Dialogue::Command(command));
        if command.carries_secret() {
            self.secret_begins.get_or_insert(self.output.end_position());
        }
        self.begin_writing();
        command.put(|bytes| self.output.extend(bytes));
        self.outstanding
            .queued(purpose, self.output.end_position(), self.now);
    }

    /// Sends a command of the login. The argument was checked when it was built.
    pub(super) fn send_login(&mut self, verb: Verb, argument: &[u8]) {
        self.send(Purpose::Login, CommandRef::known(verb, Some(argument)));
    }

    /// Sends a command of the login, unless it was sent ahead.
    pub(super) fn send_in_turn(&mut self, verb: Verb, argument: &[u8]) {
        match self.sent_ahead.checked_sub(1) {
            Some(left) => self.sent_ahead = left,
            None => self.send_login(verb, argument),
        }
    }

    /// Takes what was written out of the output.
    pub(super) fn written(&mut self, count: usize) {
        self.output.consume(count);
        let position = self.output.position();
        self.secret_sent |= self.secret_begins.is_some_and(|begin| begin < position);
    }

    /// The same for a command without an argument.
    pub(super) fn send_bare_in_turn(&mut self, verb: Verb) {
        match self.sent_ahead.checked_sub(1) {
            Some(left) => self.sent_ahead = left,
            None => self.send_bare(verb),
        }
    }

    /// Sends a command of the login that has no argument.
    pub(super) fn send_bare(&mut self, verb: Verb) {
        self.send(Purpose::Login, CommandRef::known(verb, None));
    }

    /// What may be written now. Behind a `NOOP` of the machine's own everything waits for its
    /// reply.
    pub(super) fn offered(&self) -> &[u8] {
        let unread = self.output.unread();
        let Some(end) = self.outstanding.keep_alive() else {
            return unread;
        };
        let left = end.saturating_sub(self.output.position());
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        unread.get(..left).unwrap_or(unread)
    }

    /// Sends what keeps the connection alive.
    pub(super) fn send_keep_alive(&mut self) {
        let settings = Arc::clone(&self.settings);
        let command = settings.keep_alive.chosen().map(Command::borrow);
        let command = command.unwrap_or(CommandRef::known(Verb::Noop, None));
        self.send(Purpose::KeepAlive(command.verb()), command);
    }

    /// When the connection was silent for as long as the configuration allows, if it stays so.
    pub(super) fn keep_alive_deadline(&self) -> Option<Instant> {
        let after = self.settings.keep_alive.after()?;
        (self.outstanding.is_empty() && self.output.is_empty()).then(|| self.last_traffic + after)
    }

    pub(super) fn heard(&mut self, reply: ReplyRef<'_>) {
        match self.secret_begins {
            None => log::reply(SIDE, reply),
            Some(_) => log::reply_after_secret(SIDE, reply),
        }
        self.observe(Dialogue::Reply(reply));
        if reply.is_irregular() {
            self.irregular = true;
            self.update_session(|session| session.irregular = true);
        }
        if reply.code() != Code::READY {
            self.greetings_left = 0;
        }
    }

    /// Takes a 220 as a further part of the greeting, if there may be one.
    pub(super) fn is_greeted_again(&mut self) -> bool {
        let Some(left) = self.greetings_left.checked_sub(1) else {
            return false;
        };
        self.greetings_left = left;
        self.irregular = true;
        true
    }

    /// A reply came that nothing had asked for.
    pub(super) fn came_unsolicited(&mut self) {
        self.update_session(|session| session.unsolicited = true);
    }

    pub(super) fn observe(&self, dialogue: Dialogue<'_>) {
        if let Some(observer) = &self.settings.observer {
            observer.observe(self.now, dialogue);
        }
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        self.output.shrink();
        self.events.shrink_to_fit();
        self.outstanding.shrink();
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn begin_transfer(&mut self, id: TransferId) {
        let if_lost = Err(TransferError::NotBegun);
        self.transfer = Some(Box::new(UnderWay { id, if_lost }));
    }

    /// The transfer under way.
    pub(super) fn transferring(&self) -> Option<TransferId> {
        self.transfer.as_ref().map(|transfer| transfer.id)
    }

    /// If the connection ends before more is known, the transfer ended like this.
    pub(super) fn transfer_ends_with(&mut self, error: TransferError) {
        self.transfer_ends(Err(error));
    }

    /// The same, if it may be whole.
    pub(super) fn transfer_ends(&mut self, outcome: Result<Transferred, TransferError>) {
        if let Some(transfer) = &mut self.transfer {
            transfer.if_lost = outcome;
        }
    }

    /// Its command is sent: from now on it may be whole.
    pub(super) fn transfer_may_begin(&mut self) {
        if let Some(transfer) = &mut self.transfer
            && let Err(TransferError::NotBegun) = transfer.if_lost
        {
            transfer.if_lost = Err(TransferError::Unknown);
        }
    }

    /// The transfer is over.
    pub(super) fn end_transfer(&mut self, outcome: Result<Transferred, TransferError>) {
        if let Some(transfer) = self.transfer.take() {
            let transfer = transfer.id;
            self.tell(Event::Transferred { transfer, outcome });
        }
    }

    /// The connection is over, and the transfer with it.
    pub(super) fn lose_transfer(&mut self) {
        if let Some(transfer) = self.transfer.take() {
            let UnderWay { id, if_lost } = *transfer;
            self.tell(Event::Transferred {
                transfer: id,
                outcome: if_lost,
            });
        }
    }

    /// The reply was preliminary: what it answered stays open, and its deadline starts again.
    pub(super) fn still_open(&mut self, answered: Awaited) {
        self.outstanding.still_open(answered, self.now);
    }

    /// Asks the application; the clock of the login stops until the answer.
    pub(super) fn challenge(&mut self, kind: ChallengeKind, reply: Option<Reply>) -> Ticket {
        if let LoginClock::Until(end) = self.clock {
            self.clock = LoginClock::Paused(end - self.now);
        }
        let id = self.tickets.issue();
        self.tell(Event::Challenge(Challenge { id, kind, reply }));
        id
    }

    pub(super) fn challenge_answered(&mut self) {
        if let LoginClock::Paused(left) = self.clock {
            self.clock = LoginClock::Until(self.now + left);
        }
    }

    pub(super) fn login_deadline(&self) -> Option<Instant> {
        match self.clock {
            LoginClock::Until(end) => Some(end),
            LoginClock::Paused(_) | LoginClock::Over => None,
        }
    }

    pub(super) fn stop_login_clock(&mut self) {
        self.clock = LoginClock::Over;
    }

    /// Accounts the time so far to the phase that ends.
    pub(super) fn enter(&mut self, phase: Phase) {
        if phase == self.phase {
            return;
        }
        let elapsed = self.now - self.phase_since;
        if let Some(Gathered { phases, .. }) = self.gathered.as_deref_mut() {
            let total = match self.phase {
                Phase::Greeting => Some(&mut phases.greeting),
                Phase::Security => Some(&mut phases.security),
                Phase::User => Some(&mut phases.user),
                Phase::Password => Some(&mut phases.password),
                Phase::Account => Some(&mut phases.account),
                Phase::Ready | Phase::Closing => None,
            };
            if let Some(total) = total {
                *total = total.saturating_add(elapsed);
            }
        }
        self.phase = phase;
        self.phase_since = self.now;
        log::phase(SIDE, phase);
    }

    /// Whether data connections are to be protected, and can be.
    pub(super) fn wants_data_protection(&self) -> bool {
        self.tls.is_some() && self.settings.data_protection != DataProtection::Clear
    }

    pub(super) fn requires_data_protection(&self) -> bool {
        self.settings.data_protection == DataProtection::Required
    }

    pub(super) fn set_protection(&mut self, protection: Protection) {
        self.protection = protection;
        self.update_session(|session| session.protection = protection);
    }

    pub(super) fn set_tls(&mut self, tls: Option<Arc<TlsSession>>) {
        self.tls.clone_from(&tls);
        self.update_session(|session| session.tls = tls);
    }

    pub(super) fn logged_in(&mut self, completed: Completed) {
        self.enter(Phase::Ready);
        self.clock = LoginClock::Over;
        let gathered = self.gathered.take().unwrap_or_default();
        let session = Arc::new(Session {
            greeting: gathered.greeting,
            logged_in_with: completed.with,
            logged_in_by: completed.by,
            tls: self.tls.clone(),
            protection: self.protection,
            irregular: self.irregular,
            unsolicited: false,
            phases: gathered.phases,
        });
        self.session = Some(Arc::clone(&session));
        self.tell(Event::LoggedIn(session));
    }

    pub(super) fn greeted_with(&mut self, greeting: Reply) {
        self.gathered.get_or_insert_default().greeting = Some(greeting);
        self.greetings_left = self.settings.lenience.repeated_greetings;
    }

    /// The login starts again, after `REIN`. What the server said before holds no longer, but for
    /// TLS.
    pub(super) fn start_again(&mut self, greeting: Reply) {
        self.forget(Verb::Rein);
        self.session = None;
        self.protection = Protection::Clear;
        self.protection_put_off = false;
        self.gathered = None;
        self.greeted_with(greeting);
        // The reply to a command, of which there is one.
        self.greetings_left = 0;
        self.clock = LoginClock::Until(self.now + self.settings.timeouts.login);
    }

    fn update_session(&mut self, update: impl FnOnce(&mut Session)) {
        if let Some(session) = &mut self.session {
            update(Arc::make_mut(session));
        }
    }
}
