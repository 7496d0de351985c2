//! All transitions of the server: the reply, the event and the next state for each command in each
//! state.
//!
//! `transitions.md`, in the documentation of [`crate::server`], has them as a table. A test
//! compares it with the machine, for every state and every verb.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::context::{Context, SIDE};
use super::state::{Refused, State, Switched};
use super::timers::Timer;
use super::verdict::{AccountDecision, Decision};
use super::{
    AccountAttempt, AccountVerdict, Attempt, ClosedWhy, Event, LoginSummary, NameRule, PeerFault,
    Request, RequestId, Rights, UserAfterLogin, Verdict, builtin_commands, features, protection,
    replies, session,
};
use crate::wire::foreign::{self, Signature};
use crate::wire::{CommandRef, ForeignProtocol, Reply, Verb};
use crate::{Account, Instant, Password, TlsSwitch, Username, log};

impl State {
    /// Handles a command. No question is open.
    pub(super) fn command(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        let this = match self {
            Self::LoggedIn { username } => match session::command(username, command, context) {
                Ok(next) => return next,
                Err(username) => Self::LoggedIn { username },
            },
            Self::Transferring(transfer) => return transfer.command(command.verb(), context),
            state => state,
        };
        this.login_command(command, context)
    }

    fn login_command(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        match command.verb() {
            Verb::User => return self.user(command, context),
            Verb::Pass => return self.password(command, context),
            Verb::Acct => return self.account(command, context),
            Verb::Auth => return self.auth(command, context),
            Verb::Ccc => return self.clear_command_channel(context),
            Verb::Rein => return self.reinitialize(context),
            Verb::Host => self.host(command, context),
            Verb::Quit => context.end(&replies::GOODBYE, ClosedWhy::Quit),
            Verb::Feat => context.say(&features::features(context)),
            Verb::Help => context.say(&context.config.help.clone()),
            Verb::Syst => context.say(&context.config.system.clone()),
            Verb::Noop | Verb::Clnt => context.say(&replies::OKAY),
            Verb::Lang => {
                context.say(builtin_commands::language(builtin_commands::trimmed(
                    &command,
                )));
            }
            Verb::Pbsz => builtin_commands::buffer_size(&command, context),
            Verb::Prot => builtin_commands::protection(&command, context),
            Verb::Adat => context.say(&replies::NO_SECURITY_DATA),
            Verb::Mic | Verb::Conf | Verb::Enc if context.tls.is_some() => {
                context.say(&replies::COMMAND_PROTECTION);
            }
            Verb::Mic | Verb::Conf | Verb::Enc => context.say(&replies::TLS_FIRST),
            Verb::Stat if builtin_commands::trimmed(&command).is_none() => {
                context.say(&builtin_commands::status(context, self.is_logged_in()));
            }
            Verb::Opts if builtin_commands::is_utf8_option(command.argument()) => {
                context.say(&replies::UTF8);
            }
            Verb::Opts if !self.is_logged_in() => context.say_bad(&replies::UNKNOWN_OPTION),
            Verb::Unknown => self.unknown(command, context),
            _ => return self.for_application(command, context),
        }
        self
    }

    fn user(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        let Ok(username) = Username::new(command.argument().unwrap_or_default()) else {
            context.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        if context.lacks_tls() {
            context.say(&replies::TLS_REQUIRED);
            return self;
        }
        if self.is_logged_in() {
            if context.config.user_after_login == UserAfterLogin::Refused {
                context.say(&replies::ALREADY_LOGGED_IN);
                return self;
            }
            context.log_out();
        }
        let rule = context
            .config
            .name_rule
            .as_ref()
            .map(|rule| rule(&username));
        match rule.unwrap_or_default() {
            NameRule::Password => {
                context.say(&replies::PASSWORD_NEEDED);
                Self::PasswordNeeded { username }
            }
            NameRule::AccountOnly => {
                context.say(&replies::ACCOUNT_NEEDED);
                Self::AccountNeeded {
                    username,
                    password: None,
                }
            }
            NameRule::Open => log_in(username, &replies::LOGGED_IN, None, context),
        }
    }

    fn password(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        let username = match self {
            Self::PasswordNeeded { username } => username,
            other => {
                context.say(match other {
                    Self::AccountNeeded { .. } => &replies::ACCOUNT_FIRST,
                    Self::LoggedIn { .. } => &replies::ALREADY_LOGGED_IN,
                    _ => &replies::USER_FIRST,
                });
                return other;
            }
        };
        // Clients send an empty password with or without a space after `PASS`. This cannot fail:
        // the parser accepts no control characters.
        match Password::new(command.argument().unwrap_or_default()) {
            Ok(password) => authenticate(username, Some(password), None, context),
            Err(_) => {
                context.say_bad(&replies::CONTROL_CHARACTER);
                Self::PasswordNeeded { username }
            }
        }
    }

    fn account(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        let account = command.argument().filter(|argument| !argument.is_empty());
        let Some(account) = account.and_then(|account| Account::new(account).ok()) else {
            context.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        match self {
            Self::AccountNeeded { username, password } => {
                authenticate(username, password, Some(account), context)
            }
            Self::LoggedIn { username } if context.config.takes_accounts => {
                let id = context.tickets.issue();
                let attempt = AccountAttempt {
                    id,
                    username: username.clone(),
                    account,
                    failures: context.failures,
                };
                context.ask(Event::Account(attempt));
                Self::VerifyingAccount {
                    id,
                    username,
                    attempted: context.now,
                }
            }
            Self::LoggedIn { .. } => {
                context.say(&replies::ACCOUNT_SUPERFLUOUS);
                self
            }
            _ => {
                context.say(&replies::NO_ACCOUNT_ASKED);
                self
            }
        }
    }

    fn auth(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        if !context.offers_tls() {
            context.say(&replies::NO_TLS);
            return self;
        }
        let Some(mechanism) = builtin_commands::trimmed(&command) else {
            context.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        if context.tls.is_some() {
            context.say(&replies::UNDER_TLS);
            return self;
        }
        let is = |name: &[u8]| mechanism.eq_ignore_ascii_case(name);
        let with_protection = is(b"TLS-P");
        let known = is(b"TLS")
            || is(b"TLS-C")
            || (context.config.auth_ssl && (is(b"SSL") || with_protection));
        if !known {
            context.say(&replies::UNKNOWN_MECHANISM);
            return self;
        }
        // Before the check for following bytes: whether they have arrived yet must not change the
        // events.
        if self.is_logged_in() {
            context.log_out();
        }
        if context.bytes_follow {
            context.fault(&replies::BYTES_BEFORE_TLS, PeerFault::BytesBeforeTlsSwitch);
            return Self::Closing;
        }
        // What was sent in clear is dropped.
        context.host = None;
        context.drop_protection();
        context.say(&replies::START_TLS);
        Self::Switching {
            switch: TlsSwitch::Start,
            announced: false,
            then: Switched::New {
                data_protected: with_protection,
            },
        }
    }

    fn clear_command_channel(self, context: &mut Context) -> Self {
        let refusal = if context.tls.is_none() {
            &replies::CLEAR_ALREADY
        } else if !context.config.clear_command_channel {
            &replies::CLEAR_REFUSED
        } else {
            match self {
                Self::LoggedIn { username } if !context.bytes_follow => {
                    context.say(&replies::CLEAR_COMMAND_CHANNEL);
                    return Self::Switching {
                        switch: TlsSwitch::Stop,
                        announced: false,
                        then: Switched::LoggedIn { username },
                    };
                }
                Self::LoggedIn { .. } => {
                    context.fault(&replies::BYTES_BEFORE_TLS, PeerFault::BytesBeforeTlsSwitch);
                    return Self::Closing;
                }
                _ => &replies::NOT_LOGGED_IN,
            }
        };
        context.say(refusal);
        self
    }

    fn reinitialize(self, context: &mut Context) -> Self {
        if self.is_logged_in() {
            context.log_out();
        }
        context.host = None;
        context.drop_protection();
        context.say(&replies::READY_AGAIN);
        Self::New
    }

    fn host(&self, command: CommandRef<'_>, context: &mut Context) {
        let Some(name) = builtin_commands::trimmed(&command) else {
            return context.say_bad(&replies::ARGUMENT_NEEDED);
        };
        if !matches!(self, Self::New) {
            return context.say(&replies::HOST_TOO_LATE);
        }
        let mut hosts = context.config.hosts.iter();
        let known = hosts
            .find(|host| host.as_bytes().eq_ignore_ascii_case(name))
            .cloned();
        match known {
            None => context.say(&replies::UNKNOWN_HOST),
            Some(host) => {
                context.host = Some(host);
                context.say(&replies::HOST);
            }
        }
    }

    fn unknown(&self, command: CommandRef<'_>, context: &mut Context) {
        match foreign_request(command) {
            Some(protocol) if !self.is_logged_in() => {
                context.fault(
                    &replies::FOREIGN_PROTOCOL,
                    PeerFault::ForeignProtocol(protocol),
                );
            }
            _ => context.say_bad(&replies::UNKNOWN_COMMAND),
        }
    }

    fn for_application(self, command: CommandRef<'_>, context: &mut Context) -> Self {
        let Self::LoggedIn { username } = self else {
            context.say(&replies::NOT_LOGGED_IN);
            return self;
        };
        if context.lacks_data_protection() && !protection::is_harmless(command.verb()) {
            context.say(protection::refusal(command.verb()));
            return Self::LoggedIn { username };
        }
        let id = RequestId(context.tickets.issue());
        context.ask(Event::Command(Request {
            id,
            command: command.to_command(),
        }));
        Self::Busy { id, username }
    }

    /// Applies the verdict on an attempt, which must be the open one.
    pub(super) fn verdict(self, verdict: Verdict, context: &mut Context) -> Self {
        let Self::Verifying {
            username,
            attempted,
            ..
        } = self
        else {
            return self;
        };
        context.application_answered();
        let Verdict {
            decision,
            not_before,
            rights,
            ..
        } = verdict;
        if matches!(decision, Decision::Reject) {
            return refuse(attempted, not_before, Refused::New, context);
        }
        let answering = Self::Answering {
            username,
            decision,
            rights,
        };
        if not_before <= context.now {
            return answering.answer_due(context);
        }
        context.timers.set(Timer::Answer, not_before);
        answering
    }

    /// The next state after an attempt that did not fail.
    fn answer(
        username: Username,
        decision: Decision,
        rights: Option<Rights>,
        context: &mut Context,
    ) -> Self {
        match decision {
            Decision::Accept => log_in(username, &replies::LOGGED_IN, rights, context),
            Decision::AcceptSuperfluous => {
                log_in(username, &replies::LOGGED_IN_SUPERFLUOUS, rights, context)
            }
            Decision::NeedAccount { password } => {
                context.say(&replies::ACCOUNT_NEEDED);
                Self::AccountNeeded { username, password }
            }
            // Rejections are answered from `Refusing`; this logs nobody in.
            Decision::Reject => Self::New,
            Decision::Unavailable => {
                context.end(&replies::CHECK_UNAVAILABLE, ClosedWhy::Shutdown);
                Self::Closing
            }
        }
    }

    /// Applies the verdict on an account, which must be the open one.
    pub(super) fn account_verdict(self, verdict: AccountVerdict, context: &mut Context) -> Self {
        let Self::VerifyingAccount {
            username,
            attempted,
            ..
        } = self
        else {
            return self;
        };
        context.application_answered();
        let AccountVerdict {
            decision,
            not_before,
            ..
        } = verdict;
        if decision == AccountDecision::Reject {
            let then = Refused::LoggedIn { username };
            return refuse(attempted, not_before, then, context);
        }
        let answering = Self::AnsweringAccount { username, decision };
        if not_before <= context.now {
            return answering.answer_due(context);
        }
        context.timers.set(Timer::Answer, not_before);
        answering
    }

    /// Sends the delayed answer to an attempt, or to a transfer that got no data connection in time.
    pub(super) fn answer_due(self, context: &mut Context) -> Self {
        let then = match self {
            Self::Answering {
                username,
                decision,
                rights,
            } => return Self::answer(username, decision, rights, context),
            Self::AnsweringAccount { username, decision } => {
                if decision == AccountDecision::Unavailable {
                    context.end(&replies::CHECK_UNAVAILABLE, ClosedWhy::Shutdown);
                    return Self::Closing;
                }
                context.say(&replies::ACCOUNT_ACCEPTED);
                return Self::LoggedIn { username };
            }
            Self::Refusing { then } => then,
            Self::Transferring(transfer) => return transfer.not_opened(context),
            other => return other,
        };
        context.say(&replies::LOGIN_INCORRECT);
        if context.has_too_many_failures() {
            context.end(&replies::TOO_MANY_ATTEMPTS, ClosedWhy::TooManyAttempts);
            return Self::Closing;
        }
        match then {
            Refused::New => Self::New,
            Refused::LoggedIn { username } => Self::LoggedIn { username },
        }
    }

    /// The next state after the application answered the open command.
    pub(super) fn answered(self, context: &mut Context) -> Self {
        context.application_answered();
        match self {
            Self::Busy { username, .. } => Self::LoggedIn { username },
            other => other,
        }
    }

    /// Sends the delayed greeting.
    pub(super) fn ready(self, context: &mut Context) -> Self {
        match self {
            Self::Delayed => greet(context),
            Self::Switching {
                switch,
                announced,
                then: Switched::Greeting { .. },
            } => {
                let then = Switched::Greeting { delay: None };
                Self::Switching {
                    switch,
                    announced,
                    then,
                }
            }
            other => other,
        }
    }

    /// The next state after TLS was started or stopped.
    pub(super) fn switched(self, context: &mut Context) -> Self {
        let Self::Switching { then, .. } = self else {
            return self;
        };
        match then {
            Switched::Greeting { delay: None } => greet(context),
            Switched::Greeting { delay: Some(reply) } => {
                // The client does not control how long the delay takes.
                context.timers.stop(Timer::Login);
                context.say(&reply);
                Self::Delayed
            }
            Switched::New { data_protected } => {
                context.buffer_size_agreed = data_protected;
                context.data_protected = data_protected;
                Self::New
            }
            Switched::LoggedIn { username } => Self::LoggedIn { username },
        }
    }
}

/// Sends the greeting, and starts the timers of the first command and the login.
pub(super) fn greet(context: &mut Context) -> State {
    context.say(&context.config.greeting.clone());
    context.set_timer(Timer::FirstCommand, context.config.timeouts.first_command);
    if !context.timers.is_running(Timer::Login) {
        context.start_login_timer();
    }
    State::New
}

fn log_in(
    username: Username,
    reply: &Reply,
    rights: Option<Rights>,
    context: &mut Context,
) -> State {
    log::phase(SIDE, "logged in");
    context.timers.stop(Timer::Login);
    context.tell(Event::LoggedIn(LoginSummary {
        username: username.clone(),
        tls: context.tls.clone(),
        failures: context.failures,
        reply: reply.clone(),
    }));
    context.say(reply);
    context.begin_session(rights);
    State::LoggedIn { username }
}

fn authenticate(
    username: Username,
    password: Option<Password>,
    account: Option<Account>,
    context: &mut Context,
) -> State {
    let id = context.tickets.issue();
    context.ask(Event::Authenticate(Attempt {
        id,
        username: username.clone(),
        password,
        account,
        tls: context.tls.clone(),
        host: context.host.as_ref().map(ToString::to_string),
        failures: context.failures,
    }));
    State::Verifying {
        id,
        username,
        attempted: context.now,
    }
}

fn refuse(attempted: Instant, not_before: Instant, then: Refused, context: &mut Context) -> State {
    let due = context.count_failure(attempted).max(not_before);
    let refusing = State::Refusing { then };
    if due <= context.now {
        return refusing.answer_due(context);
    }
    context.timers.set(Timer::Answer, due);
    refusing
}

/// Whether a command is an HTTP or SMTP request. A web page may have made a browser send it, with
/// FTP commands after it that are not the user's.
fn foreign_request(command: CommandRef<'_>) -> Option<ForeignProtocol> {
    command.argument()?;
    let mut start = Vec::from(command.name());
    start.push(b' ');
    match foreign::of_client(&start) {
        Signature::Is(protocol) => Some(protocol),
        _ => None,
    }
}
