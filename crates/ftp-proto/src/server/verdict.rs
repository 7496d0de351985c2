//! Attempts to log in, and the verdicts on them.

use alloc::string::String;
use alloc::sync::Arc;

use super::Rights;
use crate::ticket::Ticket;
use crate::{Account, Instant, Password, TlsSession, Username};

/// A client's attempt to log in. Answer it by turning it into a [`Verdict`].
///
/// If it is dropped without a verdict, the client waits until the login deadline or
/// [`Timeouts::application`](super::Timeouts::application), whichever comes first, and then gets
/// 421.
#[derive(Debug)]
#[must_use = "the client waits for the verdict"]
pub struct Attempt {
    pub(crate) id: Ticket,
    pub(crate) username: Username,
    pub(crate) password: Option<Password>,
    pub(crate) account: Option<Account>,
    pub(crate) tls: Option<Arc<TlsSession>>,
    pub(crate) host: Option<String>,
    pub(crate) failures: u32,
}

impl Attempt {
    /// The name given with `USER`.
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// The password; `None` if the [`NameRule`](super::NameRule) asked only for an account.
    pub fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// The account, if [`need_account`](Self::need_account) or the [`NameRule`](super::NameRule)
    /// asked for it.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The TLS session, with the client's certificate if it sent one; `None` in clear.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.tls.as_ref()
    }

    /// The virtual host chosen with `HOST` (RFC 7151), spelled as in the configuration.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// How many attempts failed on this connection before this one.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Logged in: 230.
    pub fn accept(self) -> Verdict {
        self.verdict(Decision::Accept)
    }

    /// Logged in, and the password was not needed: 202.
    pub fn accept_superfluous(self) -> Verdict {
        self.verdict(Decision::AcceptSuperfluous)
    }

    /// Wrong: 530 after the delay, and counted. The text is always the same.
    pub fn reject(self) -> Verdict {
        self.verdict(Decision::Reject)
    }

    /// Right so far, and an account is needed: 332. The next attempt has name, password and
    /// account. If this attempt already had an account, this is a rejection.
    pub fn need_account(self) -> Verdict {
        let decision = if self.account.is_some() {
            Decision::Reject
        } else {
            Decision::NeedAccount {
                password: self.password.clone(),
            }
        };
        self.verdict(decision)
    }

    /// The check cannot be made now: 421, and the connection closes.
    pub fn unavailable(self) -> Verdict {
        self.verdict(Decision::Unavailable)
    }

    fn verdict(self, decision: Decision) -> Verdict {
        Verdict {
            id: self.id,
            decision,
            not_before: Instant::START,
            rights: None,
        }
    }
}

/// The answer to an [`Attempt`].
#[derive(Debug)]
#[must_use = "hand it to Connection::decide"]
pub struct Verdict {
    pub(crate) id: Ticket,
    pub(crate) decision: Decision,
    pub(crate) not_before: Instant,
    pub(crate) rights: Option<Rights>,
}

impl Verdict {
    /// What the user may do with files, if the verdict lets one in. Without it,
    /// [`FilesConfig::rights`](super::FilesConfig::rights) decides.
    #[must_use = "hand it to Connection::decide"]
    pub fn rights(mut self, rights: Rights) -> Self {
        self.rights = Some(rights);
        self
    }

    /// Delays the reply until `earliest`, whether it is 230, 202, 332, 530 or 421. Before that the user
    /// is not logged in, there is no [`Event::LoggedIn`](super::Event::LoggedIn), and no further
    /// command is read. The login deadline still runs, and a longer delay after a failure still applies. Of several such times
    /// the latest counts.
    ///
    /// It keeps the time of the answer from showing what its text hides: the `AnswerFloor` of
    /// `ftp-guard` computes such times.
    #[must_use = "hand it to Connection::decide"]
    pub fn not_before(mut self, earliest: Instant) -> Self {
        self.not_before = self.not_before.max(earliest);
        self
    }

    /// What the check found.
    pub fn outcome(&self) -> Outcome {
        match self.decision {
            Decision::Accept | Decision::AcceptSuperfluous => Outcome::Success,
            Decision::Reject => Outcome::Failure,
            Decision::NeedAccount { .. } => Outcome::NeedsAccount,
            Decision::Unavailable => Outcome::Unavailable,
        }
    }

    /// The verdict with another outcome, as a policy over all connections (`ftp-guard`) decides:
    /// the right password of a locked name becomes an ordinary rejection, and one session too many
    /// a 421. The outcome can only become worse: a better one counts as a rejection.
    ///
    /// The time of the reply is set with [`not_before`](Self::not_before), on this connection's
    /// clock.
    #[must_use = "hand it to Connection::decide"]
    pub fn overruled(mut self, outcome: Outcome) -> Self {
        if outcome != self.outcome() {
            self.decision = match outcome {
                Outcome::Unavailable => Decision::Unavailable,
                _ => Decision::Reject,
            };
        }
        self
    }
}

/// What the check of a password or an account found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Name and password are right: 230.
    Success,
    /// Name or password is wrong: 530.
    Failure,
    /// Right so far, and an account is needed: 332.
    NeedsAccount,
    /// The check could not be made: 421.
    Unavailable,
}

#[derive(Debug)]
pub(crate) enum Decision {
    Accept,
    AcceptSuperfluous,
    Reject,
    NeedAccount { password: Option<Password> },
    Unavailable,
}

/// A client's `ACCT` after login. Answer it by turning it into an [`AccountVerdict`].
///
/// If it is dropped without a verdict, the client waits until
/// [`Timeouts::application`](super::Timeouts::application), and then gets 421.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct AccountAttempt {
    pub(crate) id: Ticket,
    pub(crate) username: Username,
    pub(crate) account: Account,
    pub(crate) failures: u32,
}

impl AccountAttempt {
    /// The user who is logged in.
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// The account to check.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// How many attempts, of passwords and accounts, failed on this connection before this one.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// 230.
    pub fn accept(self) -> AccountVerdict {
        self.verdict(AccountDecision::Accept)
    }

    /// 530 after the delay, counted like a failed login. The user stays logged in.
    pub fn reject(self) -> AccountVerdict {
        self.verdict(AccountDecision::Reject)
    }

    /// The check cannot be made now: 421, and the connection closes.
    pub fn unavailable(self) -> AccountVerdict {
        self.verdict(AccountDecision::Unavailable)
    }

    fn verdict(self, decision: AccountDecision) -> AccountVerdict {
        AccountVerdict {
            id: self.id,
            decision,
            not_before: Instant::START,
        }
    }
}

/// The answer to an [`AccountAttempt`].
#[derive(Debug)]
#[must_use = "hand it to Connection::decide_account"]
pub struct AccountVerdict {
    pub(crate) id: Ticket,
    pub(crate) decision: AccountDecision,
    pub(crate) not_before: Instant,
}

impl AccountVerdict {
    /// Delays the reply, as [`Verdict::not_before`] does.
    #[must_use = "hand it to Connection::decide_account"]
    pub fn not_before(mut self, earliest: Instant) -> Self {
        self.not_before = self.not_before.max(earliest);
        self
    }

    /// What the check found.
    pub fn outcome(&self) -> Outcome {
        match self.decision {
            AccountDecision::Accept => Outcome::Success,
            AccountDecision::Reject => Outcome::Failure,
            AccountDecision::Unavailable => Outcome::Unavailable,
        }
    }

    /// The verdict with another outcome, as [`Verdict::overruled`].
    #[must_use = "hand it to Connection::decide_account"]
    pub fn overruled(mut self, outcome: Outcome) -> Self {
        if outcome != self.outcome() {
            self.decision = match outcome {
                Outcome::Unavailable => AccountDecision::Unavailable,
                _ => AccountDecision::Reject,
            };
        }
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountDecision {
    Accept,
    Reject,
    Unavailable,
}
