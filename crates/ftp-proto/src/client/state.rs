//! The states of a client connection. What follows from which is in `login.rs`.
//!
//! Each struct owns what its state and those after it need, and nothing else: a password, for
//! example, is a field only of states that come before it is sent.

use alloc::boxed::Box;

use super::context::Completed;
use super::outstanding::{Awaited, Purpose};
use super::transferring::Transferring;
use super::{Challenge, ChallengeKind, CommandId, Login, Phase};
use crate::Account;
use crate::ticket::Ticket;
use crate::wire::{Reply, ReplyRef};

/// Where the connection stands: what it waits for, and what it will need for the next step.
#[derive(Debug)]
pub(super) enum State {
    /// For the greeting.
    Greeting(Greeting),
    /// For the TLS handshake.
    StartingTls(StartingTls),
    /// For the reply to `AUTH TLS` or `AUTH SSL`.
    Auth(Auth),
    /// For the reply to `PBSZ 0` before login.
    Pbsz(Pbsz),
    /// For the reply to `PROT P` before login.
    Prot(Prot),
    /// For the reply to `HOST`.
    Host(Host),
    /// For the reply to `FEAT`.
    Feat(Feat),
    /// For the reply to `OPTS UTF8 ON`.
    Opts(Opts),
    /// For the application to name the user.
    AskUsername(AskUsername),
    /// For the reply to `USER`.
    User(User),
    /// For the application to give a password.
    AskPassword(Box<AskPassword>),
    /// For the reply to `PASS`.
    Pass(Pass),
    /// For the application to give an account.
    AskAccount(Box<AskAccount>),
    /// For the reply to `ACCT`.
    Acct(Acct),
    /// For the reply to `PBSZ 0` after login.
    PbszAgain(PbszAgain),
    /// For the reply to `PROT P` after login.
    ProtAgain(ProtAgain),
    /// For commands, or for the replies to them.
    Ready(Ready),
    /// For a transfer to be over.
    Transferring(Box<Transferring>),
    /// For the reply to `REIN`.
    Rein(Rein),
    /// For the reply to `CCC`.
    Ccc(Ccc),
    /// For TLS to be closed after `CCC`.
    StoppingTls(StoppingTls),
    /// For the reply under way, to send `QUIT` then.
    Leaving(Leaving),
    /// For the reply to `QUIT`.
    Quit(Ready),
    /// For nothing.
    Closed,
}

#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct StartingTls {
    pub(super) login: Box<Login>,
    /// The greeting is still to come.
    pub(super) implicit: bool,
}

#[derive(Debug)]
pub(super) struct Auth {
    pub(super) login: Box<Login>,
    /// `AUTH SSL` may be tried.
    pub(super) fallback: bool,
}

#[derive(Debug)]
pub(super) struct Pbsz {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct Prot {
    pub(super) login: Box<Login>,
    /// `PBSZ` was refused after this had been sent ahead; the refusal was dealt with.
    pub(super) without_pbsz: bool,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct Feat {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct Opts {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct AskUsername {
    pub(super) id: Ticket,
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) login: Box<Login>,
}

#[derive(Debug)]
pub(super) struct AskPassword {
    pub(super) id: Ticket,
    pub(super) reply: Reply,
    pub(super) account: Option<Account>,
    pub(super) ask: bool,
}

#[derive(Debug)]
pub(super) struct Pass {
    pub(super) account: Option<Account>,
    pub(super) ask: bool,
}

#[derive(Debug)]
pub(super) struct AskAccount {
    pub(super) id: Ticket,
    pub(super) reply: Reply,
    pub(super) password: AfterAccount,
}

#[derive(Debug)]
pub(super) struct Acct {
    pub(super) password: AfterAccount,
}

/// Whether a password can still follow an account.
#[derive(Debug)]
pub(super) enum AfterAccount {
    /// `ACCT` was asked for before `PASS`: on 503 the password is sent first after all, and the
    /// account may be asked for again.
    Password(Box<Login>),
    /// `PASS` was sent before.
    Nothing,
}

#[derive(Debug)]
pub(super) struct PbszAgain {
    pub(super) completed: Box<Completed>,
    pub(super) ready: Ready,
}

#[derive(Debug)]
pub(super) struct ProtAgain {
    pub(super) completed: Box<Completed>,
    pub(super) ready: Ready,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    /// The login was completed by a 202: the server claimed to need none.
    pub(super) by_superfluous: bool,
}

#[derive(Debug)]
pub(super) struct Rein {
    pub(super) id: CommandId,
    pub(super) login: Box<Login>,
    pub(super) ready: Ready,
}

#[derive(Debug)]
pub(super) struct Ccc {
    pub(super) id: CommandId,
    pub(super) ready: Ready,
}

#[derive(Debug)]
pub(super) struct StoppingTls {
    pub(super) ready: Ready,
}

#[derive(Debug)]
pub(super) struct Leaving {
    /// The reply under way may be a consent to switch TLS, after which `QUIT` cannot be sent.
    pub(super) before_switch: bool,
}

impl State {
    /// The phase that the state belongs to.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Greeting(_) => Phase::Greeting,
            Self::StartingTls(_)
            | Self::Auth(_)
            | Self::Pbsz(_)
            | Self::Prot(_)
            | Self::PbszAgain(_)
            | Self::ProtAgain(_) => Phase::Security,
            Self::Host(_)
            | Self::Feat(_)
            | Self::Opts(_)
            | Self::AskUsername(_)
            | Self::User(_) => Phase::User,
            Self::AskPassword(_) | Self::Pass(_) => Phase::Password,
            Self::AskAccount(_) | Self::Acct(_) => Phase::Account,
            Self::Transferring(transfer) if transfer.quits => Phase::Closing,
            Self::Ready(_)
            | Self::Transferring(_)
            | Self::Rein(_)
            | Self::Ccc(_)
            | Self::StoppingTls(_) => Phase::Ready,
            Self::Leaving(_) | Self::Quit(_) | Self::Closed => Phase::Closing,
        }
    }

    /// Whether TLS is being switched: no byte may arrive.
    pub(super) fn is_switching(&self) -> bool {
        matches!(self, Self::StartingTls(_) | Self::StoppingTls(_))
    }

    /// Whether a 220 is no answer to what was sent here, and may be a further part of the greeting.
    pub(super) fn follows_greeting(&self) -> bool {
        matches!(
            self,
            Self::Auth(_) | Self::Pbsz(_) | Self::AskUsername(_) | Self::User(_)
        )
    }

    /// Whether the reply under way may be the consent to switch TLS. Until it has come, Telnet options
    /// are not refused: a refusal that is still unsent when the consent comes would go out on the
    /// other side of the switch, and one sent after the command would disturb the handshake.
    pub(super) fn may_switch(&self) -> bool {
        matches!(
            self,
            Self::Auth(_)
                | Self::Ccc(_)
                | Self::Leaving(Leaving {
                    before_switch: true
                })
        )
    }

    /// The same, when this reply has come: a negative reply to the command is no consent.
    pub(super) fn may_switch_after(&self, reply: ReplyRef<'_>, answered: Option<Awaited>) -> bool {
        let is_refusal = reply.code().is_negative()
            && answered.is_some_and(|awaited| awaited.purpose == Purpose::Login);
        self.may_switch() && !is_refusal
    }

    /// The challenge that is open.
    pub(super) fn question(&self) -> Option<Challenge> {
        let (id, kind, reply) = match self {
            Self::AskUsername(state) => (state.id, ChallengeKind::Username, None),
            Self::AskPassword(state) => (state.id, ChallengeKind::Password, Some(&state.reply)),
            Self::AskAccount(state) => (state.id, ChallengeKind::Account, Some(&state.reply)),
            _ => return None,
        };
        Some(Challenge {
            id,
            kind,
            reply: reply.cloned(),
        })
    }
}
