//! The states of a server connection. What follows from which is in `login.rs`.

use super::event::{AccountDecision, Decision};
use super::{Phase, RequestId};
use crate::ticket::Ticket;
use crate::wire::Reply;
use crate::{Instant, Password, TlsSwitch, Username};

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
    /// The phase that the state belongs to.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Delayed => Phase::Delayed,
            Self::New => Phase::New,
            Self::PasswordNeeded { .. } => Phase::PasswordNeeded,
            Self::AccountNeeded { .. } => Phase::AccountNeeded,
            state if state.is_logged_in() => Phase::LoggedIn,
            Self::Verifying { .. } | Self::Answering { .. } | Self::Refusing { .. } => {
                Phase::Verifying
            }
            Self::Switching { .. } => Phase::SwitchingTls,
            _ => Phase::Closing,
        }
    }

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
}
