//! The states of a server connection. Their transitions are in `login.rs`.

use alloc::boxed::Box;

use super::session::Then;
use super::transferring::Transferring;
use super::verdict::{AccountDecision, Decision};
use super::{Phase, RequestId, Rights};
use crate::ticket::Ticket;
use crate::wire::Reply;
use crate::{Instant, Password, TlsSwitch, Username};

/// The state of the login. Each state owns only what it needs.
#[derive(Debug)]
pub(super) enum State {
    /// The greeting is delayed.
    Delayed,
    /// No user yet.
    New,
    /// 331 was sent.
    PasswordNeeded { username: Username },
    /// 332 was sent. The password is kept for the second attempt.
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
    /// The attempt did not fail. Its reply waits for the verdict's time.
    Answering {
        username: Username,
        decision: Decision,
        rights: Option<Rights>,
    },
    /// The attempt failed. Its reply waits for the delay.
    Refusing { then: Refused },
    /// Logged in; no question is open.
    LoggedIn { username: Username },
    /// Logged in, and the application is checking an account.
    VerifyingAccount {
        id: Ticket,
        username: Username,
        attempted: Instant,
    },
    /// Logged in; the account was not refused. Its reply waits for the verdict's time.
    AnsweringAccount {
        username: Username,
        decision: AccountDecision,
    },
    /// Logged in, and the application is handling a command.
    Busy { id: RequestId, username: Username },
    /// Logged in, and the application is asked about files, or to listen.
    Asking {
        id: Ticket,
        username: Username,
        then: Box<Then>,
    },
    /// Logged in, and a transfer is under way.
    Transferring(Box<Transferring>),
    /// TLS is about to start or to stop.
    Switching {
        switch: TlsSwitch,
        announced: bool,
        then: Switched,
    },
    /// No more input is read.
    Closing,
}

/// What follows a failed attempt.
#[derive(Debug)]
pub(super) enum Refused {
    /// Nobody is logged in.
    New,
    /// The user stays logged in; an account was refused.
    LoggedIn { username: Username },
}

/// What follows a TLS switch.
#[derive(Debug)]
pub(super) enum Switched {
    /// The greeting, or the 120 that delays it (implicit TLS).
    Greeting { delay: Option<Reply> },
    /// After `AUTH`: the login begins under TLS, with or without implied data protection.
    New { data_protected: bool },
    /// After `CCC`: the session continues in clear.
    LoggedIn { username: Username },
}

impl State {
    /// The phase of the state.
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

    /// Whether no command may be read now.
    pub(super) fn is_open(&self) -> bool {
        !matches!(
            self,
            Self::New
                | Self::PasswordNeeded { .. }
                | Self::AccountNeeded { .. }
                | Self::LoggedIn { .. }
                | Self::Transferring(_)
        )
    }

    /// Whether nothing is read: no command may be looked at, or none any more.
    pub(super) fn is_waiting(&self) -> bool {
        match self {
            Self::Transferring(transfer) => transfer.quits,
            state => state.is_open(),
        }
    }

    pub(super) fn is_logged_in(&self) -> bool {
        matches!(
            self,
            Self::LoggedIn { .. }
                | Self::VerifyingAccount { .. }
                | Self::AnsweringAccount { .. }
                | Self::Busy { .. }
                | Self::Asking { .. }
                | Self::Transferring(_)
                | Self::Refusing {
                    then: Refused::LoggedIn { .. }
                }
        )
    }
}
