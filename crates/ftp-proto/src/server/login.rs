//! All transitions of the server: which command in which state leads to which reply, event and
//! next state.
//!
//! `transitions.md`, which is part of [`crate::server`]'s documentation, has them as a table. A
//! test holds it against the machine, for every state and every verb.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::event::{AccountDecision, Decision};
use super::session::{SIDE, Session};
use super::timers::Timer;
use super::{
    AccountAttempt, AccountVerdict, Attempt, ClosedWhy, Event, LoginSummary, NameRule, PeerFault,
    Request, RequestId, UserAfterLogin, Verdict, builtin_commands, protection, replies,
};
use crate::ticket::Ticket;
use crate::wire::foreign::{self, Signature};
use crate::wire::{CommandRef, ForeignProtocol, Reply, Verb};
use crate::{Account, Instant, Password, TlsSwitch, Username, log};

/// Where the login stands. Each state owns what it needs and nothing more.
#[derive(Debug)]
pub(super) enum State {
    /// The greeting is held back.
    Delayed,
    /// No user yet.
    New,
    /// 331 was said.
    PasswordNeeded { username: Username },
    /// 332 was said. The password is kept for the second look.
    AccountNeeded {
        username: Username,
        password: Option<Password>,
    },
    /// The application is checking an attempt.
    Verifying {
        id: Ticket,
        username: Username,
        attempted: Instant,
    },
    /// The attempt did not fail; its reply waits for the time that the verdict names.
    Answering {
        username: Username,
        decision: Decision,
    },
    /// The attempt failed; its reply waits for the delay to pass.
    Refusing { then: Refused },
    /// Logged in, nothing open.
    LoggedIn { username: Username },
    /// Logged in, and the application is checking an account.
    VerifyingAccount {
        id: Ticket,
        username: Username,
        attempted: Instant,
    },
    /// Logged in; the account was not refused, and its reply waits for the time that the verdict
    /// names.
    AnsweringAccount {
        username: Username,
        decision: AccountDecision,
    },
    /// Logged in, and the application is busy with a command.
    Busy { id: RequestId, username: Username },
    /// TLS is about to start or to stop.
    Switching {
        switch: TlsSwitch,
        announced: bool,
        then: Switched,
    },
    /// Nothing more is looked at.
    Closing,
}

/// What follows a failed attempt.
#[derive(Debug)]
pub(super) enum Refused {
    /// Nobody is logged in.
    New,
    /// The login stays; an account was refused.
    LoggedIn { username: Username },
}

/// What follows a TLS switch.
#[derive(Debug)]
pub(super) enum Switched {
    /// The greeting, or the reply that holds it back (implicit TLS).
    Greeting { delay: Option<Reply> },
    /// `AUTH`: the login begins under TLS, with data protection implied or not.
    New { data_protected: bool },
    /// `CCC`: the login goes on in clear.
    LoggedIn { username: Username },
}

impl State {
    /// Whether no command may be looked at.
    pub(super) fn is_open(&self) -> bool {
        !matches!(
            self,
            Self::New
                | Self::PasswordNeeded { .. }
                | Self::AccountNeeded { .. }
                | Self::LoggedIn { .. }
        )
    }

    pub(super) fn is_logged_in(&self) -> bool {
        matches!(
            self,
            Self::LoggedIn { .. }
                | Self::VerifyingAccount { .. }
                | Self::AnsweringAccount { .. }
                | Self::Busy { .. }
                | Self::Refusing {
                    then: Refused::LoggedIn { .. }
                }
        )
    }

    /// A command that arrived while nothing was open.
    pub(super) fn command(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        match command.verb() {
            Verb::User => return self.user(command, session),
            Verb::Pass => return self.password(command, session),
            Verb::Acct => return self.account(command, session),
            Verb::Auth => return self.auth(command, session),
            Verb::Ccc => return self.clear_command_channel(session),
            Verb::Rein => return self.reinitialize(session),
            Verb::Host => self.host(command, session),
            Verb::Quit => session.end(&replies::GOODBYE, ClosedWhy::Quit),
            Verb::Feat => session.say(&builtin_commands::features(session)),
            Verb::Help => session.say(&session.config.help.clone()),
            Verb::Syst => session.say(&session.config.system.clone()),
            Verb::Noop | Verb::Clnt => session.say(&replies::OKAY),
            Verb::Lang => {
                session.say(builtin_commands::language(builtin_commands::trimmed(
                    &command,
                )));
            }
            Verb::Pbsz => builtin_commands::buffer_size(&command, session),
            Verb::Prot => builtin_commands::protection(&command, session),
            Verb::Adat => session.say(&replies::NO_SECURITY_DATA),
            Verb::Mic | Verb::Conf | Verb::Enc if session.tls.is_some() => {
                session.say(&replies::COMMAND_PROTECTION);
            }
            Verb::Mic | Verb::Conf | Verb::Enc => session.say(&replies::TLS_FIRST),
            Verb::Stat if builtin_commands::trimmed(&command).is_none() => {
                session.say(&builtin_commands::status(session, self.is_logged_in()));
            }
            Verb::Opts if builtin_commands::is_utf8_option(command.argument()) => {
                session.say(&replies::UTF8);
            }
            Verb::Opts if !self.is_logged_in() => session.say_bad(&replies::UNKNOWN_OPTION),
            Verb::Unknown => self.unknown(command, session),
            _ => return self.for_application(command, session),
        }
        self
    }

    fn user(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        let Ok(username) = Username::new(command.argument().unwrap_or_default()) else {
            session.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        if session.lacks_tls() {
            session.say(&replies::TLS_REQUIRED);
            return self;
        }
        if self.is_logged_in() {
            if session.config.user_after_login == UserAfterLogin::Refused {
                session.say(&replies::ALREADY_LOGGED_IN);
                return self;
            }
            session.log_out();
        }
        let rule = session
            .config
            .name_rule
            .as_ref()
            .map(|rule| rule(&username));
        match rule.unwrap_or_default() {
            NameRule::Password => {
                session.say(&replies::PASSWORD_NEEDED);
                Self::PasswordNeeded { username }
            }
            NameRule::AccountOnly => {
                session.say(&replies::ACCOUNT_NEEDED);
                Self::AccountNeeded {
                    username,
                    password: None,
                }
            }
            NameRule::Open => log_in(username, replies::LOGGED_IN.clone(), session),
        }
    }

    fn password(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        let username = match self {
            Self::PasswordNeeded { username } => username,
            other => {
                session.say(match other {
                    Self::AccountNeeded { .. } => &replies::ACCOUNT_FIRST,
                    Self::LoggedIn { .. } => &replies::ALREADY_LOGGED_IN,
                    _ => &replies::USER_FIRST,
                });
                return other;
            }
        };
        // `PASS` with and without its space are both how clients send an empty password. The
        // parser let no control character through, so that this cannot fail.
        match Password::new(command.argument().unwrap_or_default()) {
            Ok(password) => authenticate(username, Some(password), None, session),
            Err(_) => {
                session.say_bad(&replies::CONTROL_CHARACTER);
                Self::PasswordNeeded { username }
            }
        }
    }

    fn account(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        let account = command.argument().filter(|argument| !argument.is_empty());
        let Some(account) = account.and_then(|account| Account::new(account).ok()) else {
            session.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        match self {
            Self::AccountNeeded { username, password } => {
                authenticate(username, password, Some(account), session)
            }
            Self::LoggedIn { username } if session.config.takes_accounts => {
                let id = session.tickets.issue();
                let attempt = AccountAttempt {
                    id,
                    username: username.clone(),
                    account,
                    failures: session.failures,
                };
                session.ask(Event::Account(attempt));
                Self::VerifyingAccount {
                    id,
                    username,
                    attempted: session.now,
                }
            }
            Self::LoggedIn { .. } => {
                session.say(&replies::ACCOUNT_SUPERFLUOUS);
                self
            }
            _ => {
                session.say(&replies::NO_ACCOUNT_ASKED);
                self
            }
        }
    }

    fn auth(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        if !session.offers_tls() {
            session.say(&replies::NO_TLS);
            return self;
        }
        let Some(mechanism) = builtin_commands::trimmed(&command) else {
            session.say_bad(&replies::ARGUMENT_NEEDED);
            return self;
        };
        if session.tls.is_some() {
            session.say(&replies::UNDER_TLS);
            return self;
        }
        let is = |name: &[u8]| mechanism.eq_ignore_ascii_case(name);
        let with_protection = is(b"TLS-P");
        let known = is(b"TLS")
            || is(b"TLS-C")
            || (session.config.auth_ssl && (is(b"SSL") || with_protection));
        if !known {
            session.say(&replies::UNKNOWN_MECHANISM);
            return self;
        }
        // Before the look at what follows: whether that has come yet must not change what is told.
        if self.is_logged_in() {
            session.log_out();
        }
        if session.bytes_follow {
            session.fault(&replies::BYTES_BEFORE_TLS, PeerFault::BytesBeforeTlsSwitch);
            return Self::Closing;
        }
        // What was learned in clear is dropped.
        session.host = None;
        session.drop_protection();
        session.say(&replies::START_TLS);
        Self::Switching {
            switch: TlsSwitch::Start,
            announced: false,
            then: Switched::New {
                data_protected: with_protection,
            },
        }
    }

    fn clear_command_channel(self, session: &mut Session) -> Self {
        let refusal = if session.tls.is_none() {
            &replies::CLEAR_ALREADY
        } else if !session.config.clear_command_channel {
            &replies::CLEAR_REFUSED
        } else {
            match self {
                Self::LoggedIn { username } if !session.bytes_follow => {
                    session.say(&replies::CLEAR_COMMAND_CHANNEL);
                    return Self::Switching {
                        switch: TlsSwitch::Stop,
                        announced: false,
                        then: Switched::LoggedIn { username },
                    };
                }
                Self::LoggedIn { .. } => {
                    session.fault(&replies::BYTES_BEFORE_TLS, PeerFault::BytesBeforeTlsSwitch);
                    return Self::Closing;
                }
                _ => &replies::NOT_LOGGED_IN,
            }
        };
        session.say(refusal);
        self
    }

    fn reinitialize(self, session: &mut Session) -> Self {
        if self.is_logged_in() {
            session.log_out();
        }
        session.host = None;
        session.drop_protection();
        session.say(&replies::READY_AGAIN);
        Self::New
    }

    fn host(&self, command: CommandRef<'_>, session: &mut Session) {
        let Some(name) = builtin_commands::trimmed(&command) else {
            return session.say_bad(&replies::ARGUMENT_NEEDED);
        };
        if !matches!(self, Self::New) {
            return session.say(&replies::HOST_TOO_LATE);
        }
        let mut hosts = session.config.hosts.iter();
        let known = hosts
            .find(|host| host.as_bytes().eq_ignore_ascii_case(name))
            .cloned();
        match known {
            None => session.say(&replies::UNKNOWN_HOST),
            Some(host) => {
                session.host = Some(host);
                session.say(&replies::HOST);
            }
        }
    }

    fn unknown(&self, command: CommandRef<'_>, session: &mut Session) {
        match foreign_request(command) {
            Some(protocol) if !self.is_logged_in() => {
                session.fault(
                    &replies::FOREIGN_PROTOCOL,
                    PeerFault::ForeignProtocol(protocol),
                );
            }
            _ => session.say_bad(&replies::UNKNOWN_COMMAND),
        }
    }

    fn for_application(self, command: CommandRef<'_>, session: &mut Session) -> Self {
        let Self::LoggedIn { username } = self else {
            session.say(&replies::NOT_LOGGED_IN);
            return self;
        };
        if session.lacks_data_protection() && !protection::is_harmless(command.verb()) {
            session.say(protection::refusal(command.verb()));
            return Self::LoggedIn { username };
        }
        let id = RequestId(session.tickets.issue());
        session.ask(Event::Command(Request {
            id,
            command: command.to_command(),
        }));
        Self::Busy { id, username }
    }

    /// The application's answer to an attempt, which must be the open one.
    pub(super) fn verdict(self, verdict: Verdict, session: &mut Session) -> Self {
        let Self::Verifying {
            username,
            attempted,
            ..
        } = self
        else {
            return self;
        };
        session.application_answered();
        let Verdict {
            decision,
            not_before,
            ..
        } = verdict;
        if matches!(decision, Decision::Reject) {
            return refuse(attempted, not_before, Refused::New, session);
        }
        let answering = Self::Answering { username, decision };
        if not_before <= session.now {
            return answering.answer_due(session);
        }
        session.timers.set(Timer::Answer, not_before);
        answering
    }

    /// What an attempt that did not fail leads to.
    fn answer(username: Username, decision: Decision, session: &mut Session) -> Self {
        match decision {
            Decision::Accept => log_in(username, replies::LOGGED_IN.clone(), session),
            Decision::AcceptSuperfluous => {
                log_in(username, replies::LOGGED_IN_SUPERFLUOUS.clone(), session)
            }
            Decision::NeedAccount { password } => {
                session.say(&replies::ACCOUNT_NEEDED);
                Self::AccountNeeded { username, password }
            }
            // Answered by way of `Refusing`; nobody is let in.
            Decision::Reject => Self::New,
            Decision::Unavailable => {
                session.end(&replies::CHECK_UNAVAILABLE, ClosedWhy::Shutdown);
                Self::Closing
            }
        }
    }

    /// The application's answer to an account, which must be the open one.
    pub(super) fn account_verdict(self, verdict: AccountVerdict, session: &mut Session) -> Self {
        let Self::VerifyingAccount {
            username,
            attempted,
            ..
        } = self
        else {
            return self;
        };
        session.application_answered();
        let AccountVerdict {
            decision,
            not_before,
            ..
        } = verdict;
        if decision == AccountDecision::Reject {
            let then = Refused::LoggedIn { username };
            return refuse(attempted, not_before, then, session);
        }
        let answering = Self::AnsweringAccount { username, decision };
        if not_before <= session.now {
            return answering.answer_due(session);
        }
        session.timers.set(Timer::Answer, not_before);
        answering
    }

    /// The answer to an attempt may go out.
    pub(super) fn answer_due(self, session: &mut Session) -> Self {
        let then = match self {
            Self::Answering { username, decision } => {
                return Self::answer(username, decision, session);
            }
            Self::AnsweringAccount { username, decision } => {
                if decision == AccountDecision::Unavailable {
                    session.end(&replies::CHECK_UNAVAILABLE, ClosedWhy::Shutdown);
                    return Self::Closing;
                }
                session.say(&replies::ACCOUNT_ACCEPTED);
                return Self::LoggedIn { username };
            }
            Self::Refusing { then } => then,
            other => return other,
        };
        session.say(&replies::LOGIN_INCORRECT);
        if session.has_too_many_failures() {
            session.end(&replies::TOO_MANY_ATTEMPTS, ClosedWhy::TooManyAttempts);
            return Self::Closing;
        }
        match then {
            Refused::New => Self::New,
            Refused::LoggedIn { username } => Self::LoggedIn { username },
        }
    }

    /// The application answered the open command.
    pub(super) fn answered(self, session: &mut Session) -> Self {
        session.application_answered();
        match self {
            Self::Busy { username, .. } => Self::LoggedIn { username },
            other => other,
        }
    }

    /// The greeting may go out.
    pub(super) fn ready(self, session: &mut Session) -> Self {
        match self {
            Self::Delayed => greet(session),
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

    /// TLS is started or stopped, as was asked for.
    pub(super) fn switched(self, session: &mut Session) -> Self {
        let Self::Switching { then, .. } = self else {
            return self;
        };
        match then {
            Switched::Greeting { delay: None } => greet(session),
            Switched::Greeting { delay: Some(reply) } => {
                // How long the delay takes is not the client's doing.
                session.timers.stop(Timer::Login);
                session.say(&reply);
                Self::Delayed
            }
            Switched::New { data_protected } => {
                session.buffer_size_agreed = data_protected;
                session.data_protected = data_protected;
                Self::New
            }
            Switched::LoggedIn { username } => Self::LoggedIn { username },
        }
    }
}

/// The greeting, and from here on the time for the first command and the login.
pub(super) fn greet(session: &mut Session) -> State {
    session.say(&session.config.greeting.clone());
    session.set_timer(Timer::FirstCommand, session.config.timeouts.first_command);
    if !session.timers.is_running(Timer::Login) {
        session.start_login_timer();
    }
    State::New
}

fn log_in(username: Username, reply: Reply, session: &mut Session) -> State {
    log::phase(SIDE, "logged in");
    session.timers.stop(Timer::Login);
    session.tell(Event::LoggedIn(LoginSummary {
        username: username.clone(),
        tls: session.tls.clone(),
        failures: session.failures,
        reply: reply.clone(),
    }));
    session.say(&reply);
    State::LoggedIn { username }
}

fn authenticate(
    username: Username,
    password: Option<Password>,
    account: Option<Account>,
    session: &mut Session,
) -> State {
    let id = session.tickets.issue();
    session.ask(Event::Authenticate(Attempt {
        id,
        username: username.clone(),
        password,
        account,
        tls: session.tls.clone(),
        host: session.host.as_ref().map(ToString::to_string),
        failures: session.failures,
    }));
    State::Verifying {
        id,
        username,
        attempted: session.now,
    }
}

fn refuse(attempted: Instant, not_before: Instant, then: Refused, session: &mut Session) -> State {
    let due = session.count_failure(attempted).max(not_before);
    let refusing = State::Refusing { then };
    if due <= session.now {
        return refusing.answer_due(session);
    }
    session.timers.set(Timer::Answer, due);
    refusing
}

/// An HTTP or SMTP request in place of a command: a browser may have been made to send it, and the
/// commands behind it are not the user's.
fn foreign_request(command: CommandRef<'_>) -> Option<ForeignProtocol> {
    command.argument()?;
    let mut start = Vec::from(command.name());
    start.push(b' ');
    match foreign::of_client(&start) {
        Signature::Is(protocol) => Some(protocol),
        _ => None,
    }
}
