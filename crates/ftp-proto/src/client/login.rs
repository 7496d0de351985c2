//! All transitions of the client: what it does with each reply, in each state.
//!
//! Every state is a struct that owns what it needs. A transition takes the state and a reply and
//! gives the next state; a password moves along only until it is sent. The table is in
//! `transitions.md`, and a test holds it against what is here.

use alloc::boxed::Box;

use super::answers::can_answer;
use super::context::{Completed, Context};
use super::event::Secret;
use super::otp::{announces_utf8, has_challenge};
use super::outstanding::{Awaited, Purpose};
use super::state::{
    Acct, AfterAccount, AskAccount, AskPassword, AskUsername, Auth, Ccc, Feat, Greeting, Host,
    Leaving, Opts, Pass, Pbsz, PbszAgain, Prot, ProtAgain, Ready, Rein, StartingTls, State,
    StoppingTls, User,
};
use super::{
    Answer, ChallengeKind, CommandId, Error, Event, LoggedInBy, Login, Misuse, PeerFault, Phase,
    Protection, Security, Utf8,
};
use crate::wire::{Class, Code, CommandRef, ForeignProtocol, ReplyRef, Verb};
use crate::{Account, Password};

type Next = Result<State, Error>;

impl State {
    /// What to do with a reply that answers something.
    pub(super) fn on_reply(
        self,
        reply: ReplyRef<'_>,
        answered: Awaited,
        context: &mut Context,
    ) -> Next {
        let purpose = answered.purpose;
        if ends_connection(reply) {
            if let Purpose::KeepAlive(_) = purpose {
                // What waited for this reply is not sent any more.
                context.output.clear();
            }
            if let Self::Transferring(transfer) = &self {
                transfer.on_last_reply(reply, context);
            }
            return Err(Error::refusal(self.phase(), reply));
        }
        let may_greet = reply.code() == Code::READY && self.follows_greeting();
        if may_greet && context.is_greeted_again() {
            context.outstanding.not_answered(answered);
            return Ok(self);
        }
        if let Some(verb) = purpose.verb()
            && !context.settings.lenience.any_reply_code
            && !can_answer(verb, reply.code())
        {
            if let Purpose::KeepAlive(_) = purpose {
                context.output.clear();
            }
            if let Self::Transferring(transfer) = &self {
                transfer.on_lost(context);
            }
            let reply = reply.to_reply();
            return Err(Error::fault(
                self.phase(),
                PeerFault::OutOfStep { verb, reply },
            ));
        }
        if let Purpose::Ahead(_) = purpose {
            if reply.code().class() == Class::Preliminary {
                context.still_open(answered);
                return Ok(self);
            }
            if !matches!(self, Self::Transferring(_)) {
                context.ahead.answered(reply);
                return Ok(self);
            }
        }
        if let Purpose::KeepAlive(_) = purpose {
            kept_alive(&self, reply, answered, context);
            return Ok(self);
        }
        match self {
            Self::Greeting(state) => state.on_reply(reply, answered, context),
            Self::Auth(state) => state.on_reply(reply, context),
            Self::Pbsz(state) => state.on_reply(reply, context),
            Self::Prot(state) => state.on_reply(reply, context),
            Self::Host(state) => state.on_reply(reply, context),
            Self::Feat(state) => state.on_reply(reply, context),
            Self::Opts(state) => state.on_reply(reply, context),
            Self::User(state) => state.on_reply(reply, context),
            Self::Pass(state) => state.on_reply(reply, context),
            Self::Acct(state) => state.on_reply(reply, context),
            Self::PbszAgain(state) => state.on_reply(reply, context),
            Self::ProtAgain(state) => state.on_reply(reply, context),
            Self::Ready(state) => Ok(Self::Ready(state.on_reply(reply, answered, context))),
            Self::Transferring(state) => state.on_reply(reply, answered, context),
            Self::Rein(state) => state.on_reply(reply, answered, context),
            Self::Ccc(state) => state.on_reply(reply, context),
            Self::Leaving(state) => state.on_reply(reply, answered, context),
            Self::Quit(_) if purpose == Purpose::Quit => quit_answered(reply),
            Self::Quit(state) => Ok(Self::Quit(state.on_reply(reply, answered, context))),
            // Nothing is owed in these states, so nothing is answered.
            state @ (Self::StartingTls(_)
            | Self::AskUsername(_)
            | Self::AskPassword(_)
            | Self::AskAccount(_)
            | Self::StoppingTls(_)
            | Self::Closed) => state.on_unsolicited(reply, context),
        }
    }

    /// What to do with a reply that answers nothing.
    pub(super) fn on_unsolicited(mut self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        let phase = self.phase();
        if ends_connection(reply) {
            if let Self::Transferring(transfer) = &self {
                transfer.on_lost(context);
            }
            return Err(Error::refusal(phase, reply));
        }
        let may_greet = self.follows_greeting() || matches!(self, Self::Host(_));
        if reply.code() == Code::READY && may_greet && context.is_greeted_again() {
            return Ok(self);
        }
        if let Self::Transferring(transfer) = &mut self
            && transfer.takes_extra(reply.code())
        {
            return Ok(self);
        }
        if core::mem::take(&mut context.may_answer_abort) {
            return Ok(self);
        }
        let reply = reply.to_reply();
        if phase < Phase::Ready {
            return Err(Error::fault(phase, PeerFault::UnsolicitedReply(reply)));
        }
        context.came_unsolicited();
        context.tell(Event::Unsolicited(reply));
        Ok(self)
    }

    /// The application answers a challenge. A wrong answer leaves the challenge to be asked again.
    pub(super) fn on_answer(
        self,
        answer: Answer,
        context: &mut Context,
    ) -> (Self, Result<(), Misuse>) {
        let Some(challenge) = self.question().filter(|open| open.id == answer.id) else {
            return (self, Err(Misuse::WrongAnswer));
        };
        let next = match (self, answer.secret) {
            (Self::AskUsername(mut state), Secret::Username(name, password)) => {
                context.challenge_answered();
                state.login.username = Some(name);
                if password.is_some() {
                    state.login.password = password;
                }
                user(state.login, context)
            }
            (Self::AskPassword(state), Secret::Password(password)) => {
                context.challenge_answered();
                pass(&password, state.account, state.ask, context)
            }
            (Self::AskAccount(state), Secret::Account(account)) => {
                context.challenge_answered();
                acct(&account, state.password, context)
            }
            (state, _) => {
                context.tell(Event::Challenge(challenge));
                return (state, Err(Misuse::WrongAnswer));
            }
        };
        (next, Ok(()))
    }

    /// The handshake is done.
    pub(super) fn on_tls_started(self, input: u64, context: &mut Context) -> Self {
        match self {
            Self::StartingTls(StartingTls {
                login,
                implicit: true,
            }) => {
                context.outstanding.greeting(input, context.now);
                Self::Greeting(Greeting { login })
            }
            Self::StartingTls(StartingTls {
                login,
                implicit: false,
            }) => protect(login, context),
            state => state,
        }
    }

    /// TLS is closed.
    pub(super) fn on_tls_stopped(self, context: &mut Context) -> Self {
        match self {
            Self::StoppingTls(StoppingTls { ready }) => {
                context.tell(Event::ClearCommandChannel);
                Self::Ready(ready)
            }
            state => state,
        }
    }

    /// The application wants to leave.
    pub(super) fn on_quit(self, context: &mut Context) -> Self {
        match self {
            // Neither side speaks FTP now; nobody would read a QUIT.
            Self::StartingTls(_) | Self::StoppingTls(_) => Self::Closed,
            Self::Ready(ready) => quit(ready, context),
            Self::Transferring(mut transfer) => {
                transfer.quits = true;
                transfer.abort(context)
            }
            Self::AskUsername(_) | Self::AskPassword(_) | Self::AskAccount(_) => {
                context
                    .events
                    .retain(|event| !matches!(event, Event::Challenge(_)));
                quit(
                    Ready {
                        by_superfluous: false,
                    },
                    context,
                )
            }
            Self::Auth(_) | Self::Ccc(_) => Self::Leaving(Leaving {
                before_switch: true,
            }),
            state @ (Self::Leaving(_) | Self::Quit(_) | Self::Closed) => state,
            _ => Self::Leaving(Leaving {
                before_switch: false,
            }),
        }
    }
}

/// Whether a reply ends the connection wherever it comes: a 421, or a 6yz, which is for mechanisms that
/// are not spoken here.
fn ends_connection(reply: ReplyRef<'_>) -> bool {
    reply.code() == Code::SERVICE_UNAVAILABLE || reply.code().class() == Class::Protected
}

impl Greeting {
    fn on_reply(self, reply: ReplyRef<'_>, answered: Awaited, context: &mut Context) -> Next {
        match reply.code().get() {
            120 => {
                context.tell(Event::Delayed(reply.to_reply()));
                context.still_open(answered);
                Ok(State::Greeting(self))
            }
            code @ (220 | 230) => {
                if let Some(protocol) = ForeignProtocol::of_greeting(reply) {
                    let fault = PeerFault::ForeignProtocol(protocol);
                    return Err(Error::fault(Phase::Greeting, fault));
                }
                context.greeted_with(reply.to_reply());
                if context.settings.security == Security::ExplicitTls {
                    // A 230 in clear proves nothing; the login starts under TLS.
                    return Ok(auth(self.login, context));
                }
                if code == 230 {
                    context.protection_put_off = true;
                    return Ok(logged_in(reply, LoggedInBy::Greeting, context));
                }
                Ok(protect(self.login, context))
            }
            _ => Err(Error::refusal(Phase::Greeting, reply)),
        }
    }
}

/// `AUTH TLS`.
fn auth(login: Box<Login>, context: &mut Context) -> State {
    context.send_login(Verb::Auth, b"TLS");
    State::Auth(Auth {
        login,
        fallback: context.settings.auth_ssl_fallback,
    })
}

impl Auth {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            234 | 334 => {
                context.tell(Event::StartTls);
                Ok(State::StartingTls(StartingTls {
                    login: self.login,
                    implicit: false,
                }))
            }
            400..600 if self.fallback => {
                context.send_login(Verb::Auth, b"SSL");
                Ok(State::Auth(Auth {
                    login: self.login,
                    fallback: false,
                }))
            }
            _ => Err(Error::refusal(Phase::Security, reply)),
        }
    }
}

/// The first steps of a login that may be taken: `PBSZ` and `PROT` under TLS, then the rest; all
/// of the safe group at once if the configuration says so.
fn protect(login: Box<Login>, context: &mut Context) -> State {
    if context.tls.is_some() && context.settings.pipelining {
        send_ahead(&login, context);
    }
    if context.wants_data_protection() {
        context.send_in_turn(Verb::Pbsz, b"0");
        return State::Pbsz(Pbsz { login });
    }
    host(login, context)
}

/// Everything that may be sent without knowing the reply to what goes before.
fn send_ahead(login: &Login, context: &mut Context) {
    let before = context.outstanding.len();
    if context.wants_data_protection() {
        context.send_login(Verb::Pbsz, b"0");
        context.send_login(Verb::Prot, b"P");
    }
    if let Some(name) = context.settings.host.clone() {
        context.send_login(Verb::Host, name.as_bytes());
    }
    match context.settings.utf8 {
        Utf8::Never => {}
        Utf8::IfAnnounced => context.send_bare(Verb::Feat),
        Utf8::Always => context.send_login(Verb::Opts, UTF8_ON),
    }
    // What FEAT lists decides what comes before USER.
    let is_next = context.settings.utf8 != Utf8::IfAnnounced;
    if let Some(name) = login.username.as_ref().filter(|_| is_next) {
        context.send_login(Verb::User, name.as_bytes());
    }
    context.sent_ahead = context.outstanding.len().saturating_sub(before);
}

impl Pbsz {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            200 => {
                context.send_in_turn(Verb::Prot, b"P");
                return Ok(State::Prot(Prot {
                    login: self.login,
                    without_pbsz: false,
                }));
            }
            503 | 530 => context.protection_put_off = true,
            400..600 if !context.requires_data_protection() => {}
            _ => return Err(Error::refusal(Phase::Security, reply)),
        }
        if context.sent_ahead == 0 {
            return Ok(host(self.login, context));
        }
        context.send_in_turn(Verb::Prot, b"P");
        Ok(State::Prot(Prot {
            login: self.login,
            without_pbsz: true,
        }))
    }
}

impl Prot {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            200 => {
                context.set_protection(Protection::Private);
                context.protection_put_off = false;
            }
            // What follows from it was decided when PBSZ was refused.
            400..600 if self.without_pbsz => {}
            503 | 530 => context.protection_put_off = true,
            400..600 if !context.requires_data_protection() => {}
            _ => return Err(Error::refusal(Phase::Security, reply)),
        }
        Ok(host(self.login, context))
    }
}

/// `HOST`, if configured.
fn host(login: Box<Login>, context: &mut Context) -> State {
    let Some(name) = context.settings.host.clone() else {
        return utf8(login, context);
    };
    context.send_in_turn(Verb::Host, name.as_bytes());
    State::Host(Host { login })
}

impl Host {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            220 | 202 | 500 | 502 => Ok(utf8(self.login, context)),
            _ => Err(Error::refusal(Phase::User, reply)),
        }
    }
}

/// The argument of `OPTS` that says that names are in UTF-8.
const UTF8_ON: &[u8] = b"UTF8 ON";

/// `FEAT` or `OPTS UTF8 ON`, if configured.
fn utf8(login: Box<Login>, context: &mut Context) -> State {
    match context.settings.utf8 {
        Utf8::Never => user(login, context),
        Utf8::IfAnnounced => {
            context.send_bare_in_turn(Verb::Feat);
            State::Feat(Feat { login })
        }
        Utf8::Always => opts(login, context),
    }
}

impl Feat {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            200..300 if announces_utf8(reply) => Ok(opts(self.login, context)),
            // A server that does not know FEAT, or not before the login, announces nothing.
            200..300 | 400.. => Ok(user(self.login, context)),
            _ => Err(Error::refusal(Phase::User, reply)),
        }
    }
}

/// `OPTS UTF8 ON`.
fn opts(login: Box<Login>, context: &mut Context) -> State {
    context.send_in_turn(Verb::Opts, UTF8_ON);
    State::Opts(Opts { login })
}

impl Opts {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            // A server that refuses it uses UTF-8 always or never.
            200..300 | 400.. => Ok(user(self.login, context)),
            _ => Err(Error::refusal(Phase::User, reply)),
        }
    }
}

/// `USER`, or the question for a name.
fn user(mut login: Box<Login>, context: &mut Context) -> State {
    let Some(name) = login.username.take() else {
        let id = context.challenge(ChallengeKind::Username, None);
        return State::AskUsername(AskUsername { id, login });
    };
    context.send_in_turn(Verb::User, name.as_bytes());
    State::User(User { login })
}

impl User {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            230 | 232 => Ok(logged_in(reply, LoggedInBy::User, context)),
            331 | 336 => password(*self.login, reply, context),
            332 => {
                // The account is kept as well: if ACCT comes too early, it is asked for again.
                let (account, ask) = (self.login.account.clone(), self.login.ask);
                let then = AfterAccount::Password(self.login);
                account_needed(Phase::User, account, ask, then, reply, context)
            }
            _ => Err(Error::refusal(Phase::User, reply)),
        }
    }
}

/// The server wants a password.
fn password(login: Login, reply: ReplyRef<'_>, context: &mut Context) -> Next {
    let Login {
        password,
        account,
        ask,
        ..
    } = login;
    let wants_fresh = ask && has_challenge(reply);
    match password {
        Some(password) if !wants_fresh => Ok(pass(&password, account, ask, context)),
        _ if ask => Ok(ask_password(account, reply, context)),
        _ => Err(Error::PasswordNeeded {
            reply: reply.to_reply(),
        }),
    }
}

fn ask_password(account: Option<Account>, reply: ReplyRef<'_>, context: &mut Context) -> State {
    let reply = reply.to_reply();
    let id = context.challenge(ChallengeKind::Password, Some(reply.clone()));
    State::AskPassword(Box::new(AskPassword {
        id,
        reply,
        account,
        ask: true,
    }))
}

/// `PASS`. From here on no state holds the password.
fn pass(password: &Password, account: Option<Account>, ask: bool, context: &mut Context) -> State {
    context.send_login(Verb::Pass, password.expose());
    State::Pass(Pass { account, ask })
}

impl Pass {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            230 | 202 => Ok(logged_in(reply, LoggedInBy::Password, context)),
            331 if self.ask => Ok(ask_password(self.account, reply, context)),
            331 => Err(Error::fault(Phase::Password, PeerFault::AskedAgain)),
            332 => account_needed(
                Phase::Password,
                self.account,
                self.ask,
                AfterAccount::Nothing,
                reply,
                context,
            ),
            _ => Err(Error::refusal(Phase::Password, reply)),
        }
    }
}

/// The server wants an account.
fn account_needed(
    phase: Phase,
    account: Option<Account>,
    ask: bool,
    password: AfterAccount,
    reply: ReplyRef<'_>,
    context: &mut Context,
) -> Next {
    let reply = reply.to_reply();
    match account {
        Some(account) => Ok(acct(&account, password, context)),
        None if ask => {
            let id = context.challenge(ChallengeKind::Account, Some(reply.clone()));
            Ok(State::AskAccount(Box::new(AskAccount {
                id,
                reply,
                password,
            })))
        }
        None => Err(Error::AccountNeeded { phase, reply }),
    }
}

/// `ACCT`.
fn acct(account: &Account, mut password: AfterAccount, context: &mut Context) -> State {
    context.send_login(Verb::Acct, account.expose());
    if let AfterAccount::Password(login) = &mut password {
        login.account.get_or_insert_with(|| account.clone());
    }
    State::Acct(Acct { password })
}

impl Acct {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match (reply.code().get(), self.password) {
            (230 | 202, _) => Ok(logged_in(reply, LoggedInBy::Account, context)),
            (503, AfterAccount::Password(login)) => password(*login, reply, context),
            _ => Err(Error::refusal(Phase::Account, reply)),
        }
    }
}

/// The server let us in; what it put off is asked for now.
fn logged_in(reply: ReplyRef<'_>, by: LoggedInBy, context: &mut Context) -> State {
    let completed = Completed {
        with: reply.to_reply(),
        by,
    };
    let ready = Ready {
        by_superfluous: reply.code() == Code::SUPERFLUOUS,
    };
    if context.protection_put_off && context.wants_data_protection() {
        context.send_login(Verb::Pbsz, b"0");
        let completed = Box::new(completed);
        return State::PbszAgain(PbszAgain { completed, ready });
    }
    context.logged_in(completed);
    State::Ready(ready)
}

impl PbszAgain {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        let Self { completed, ready } = self;
        match reply.code().get() {
            200 => {
                context.send_login(Verb::Prot, b"P");
                return Ok(State::ProtAgain(ProtAgain { completed, ready }));
            }
            400..600 if !context.requires_data_protection() => {}
            _ => return Err(Error::refusal(Phase::Security, reply)),
        }
        context.logged_in(*completed);
        Ok(State::Ready(ready))
    }
}

impl ProtAgain {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            200 => context.set_protection(Protection::Private),
            400..600 if !context.requires_data_protection() => {}
            _ => return Err(Error::refusal(Phase::Security, reply)),
        }
        context.logged_in(*self.completed);
        Ok(State::Ready(self.ready))
    }
}

impl Ready {
    fn on_reply(self, reply: ReplyRef<'_>, answered: Awaited, context: &mut Context) -> Self {
        let Purpose::Command {
            id: command,
            protection,
            data_type,
            ..
        } = answered.purpose
        else {
            // Only commands of the application are owed replies in this state.
            context.tell(Event::Unsolicited(reply.to_reply()));
            return self;
        };
        let code = reply.code().get();
        let reply = reply.to_reply();
        context.tell(match code {
            332 | 532 => Event::NeedAccount { command, reply },
            530 if self.by_superfluous => Event::NotLoggedIn { command, reply },
            _ => Event::Reply { command, reply },
        });
        match (code, protection) {
            (100..200, _) => context.still_open(answered),
            (200, Some(protection)) => context.set_protection(protection),
            (200, None) if data_type.is_some() => context.data_type = data_type,
            _ => {}
        }
        self
    }
}

/// The reply to the machine's own `NOOP`. The application did not ask, so it is told nothing but
/// that a login by 202 was none; for what was queued meanwhile the way is free.
fn kept_alive(state: &State, reply: ReplyRef<'_>, answered: Awaited, context: &mut Context) {
    if reply.code().class() == Class::Preliminary {
        return context.still_open(answered);
    }
    let by_superfluous = matches!(
        state,
        State::Ready(ready) | State::Ccc(Ccc { ready, .. }) if ready.by_superfluous
    );
    if by_superfluous && reply.code() == Code::NOT_LOGGED_IN {
        let command = context.next_command_id();
        let reply = reply.to_reply();
        context.tell(Event::NotLoggedIn { command, reply });
    }
    context.writing_since = context.now;
}

impl Rein {
    fn on_reply(self, reply: ReplyRef<'_>, answered: Awaited, context: &mut Context) -> Next {
        match reply.code().get() {
            120 => {
                context.tell(Event::Delayed(reply.to_reply()));
                context.still_open(answered);
                Ok(State::Rein(self))
            }
            220 => {
                context.start_again(reply.to_reply());
                let in_clear_by_choice = context.settings.security == Security::DangerousPlaintext;
                if context.tls.is_none() && !in_clear_by_choice {
                    // After CCC: the new credentials need TLS as the first did.
                    return Ok(auth(self.login, context));
                }
                Ok(protect(self.login, context))
            }
            _ => still_ready(self.id, self.ready, reply, context),
        }
    }
}

/// The server refused to leave the present state: nothing has changed.
fn still_ready(
    command: CommandId,
    ready: Ready,
    reply: ReplyRef<'_>,
    context: &mut Context,
) -> Next {
    if !reply.code().is_negative() {
        return Err(Error::refusal(Phase::Ready, reply));
    }
    let reply = reply.to_reply();
    context.tell(Event::Reply { command, reply });
    Ok(State::Ready(ready))
}

impl Ccc {
    fn on_reply(self, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        match reply.code().get() {
            200 => {
                context.tell(Event::StopTls);
                Ok(State::StoppingTls(StoppingTls { ready: self.ready }))
            }
            _ => still_ready(self.id, self.ready, reply, context),
        }
    }
}

impl Leaving {
    fn on_reply(self, reply: ReplyRef<'_>, answered: Awaited, context: &mut Context) -> Next {
        match reply.code().get() {
            100..200 => {
                context.still_open(answered);
                Ok(State::Leaving(self))
            }
            200 | 234 | 334 if self.before_switch => Ok(State::Closed),
            _ if context.outstanding.is_empty() => Ok(quit(
                Ready {
                    by_superfluous: false,
                },
                context,
            )),
            _ => Ok(State::Leaving(self)),
        }
    }
}

/// `QUIT`, behind whatever is still unanswered.
pub(super) fn quit(ready: Ready, context: &mut Context) -> State {
    context.stop_login_clock();
    context.send(Purpose::Quit, CommandRef::known(Verb::Quit, None));
    State::Quit(ready)
}

fn quit_answered(reply: ReplyRef<'_>) -> Next {
    match reply.code().get() {
        // A server that refuses to be left is left all the same.
        200..300 | 400..600 => Ok(State::Closed),
        _ => Err(Error::refusal(Phase::Closing, reply)),
    }
}
