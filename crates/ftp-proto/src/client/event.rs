//! What the client tells the application.

use core::fmt;
use core::time::Duration;

use alloc::sync::Arc;

use super::{TransferError, TransferId, Transferred};
use crate::data;
use crate::ticket::Ticket;
use crate::wire::Reply;
use crate::{Account, Password, TlsSession, Username};

/// Where in its life a client connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for the greeting.
    Greeting,
    /// `AUTH`, the TLS handshake, `PBSZ` and `PROT`.
    Security,
    /// `HOST`, `FEAT`, `OPTS UTF8 ON` and `USER`.
    User,
    /// `PASS`.
    Password,
    /// `ACCT`.
    Account,
    /// Logged in.
    Ready,
    /// `QUIT` was sent, or the connection is over.
    Closing,
}

impl Phase {
    /// Its name in lower case, as programs print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Security => "security",
            Self::User => "user",
            Self::Password => "password",
            Self::Account => "account",
            Self::Ready => "ready",
            Self::Closing => "closing",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something happened that the application may want to know or must answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server is not ready yet (120); the greeting's deadline starts again.
    Delayed(Reply),
    /// Start the TLS handshake and answer with
    /// [`Securable::tls_started`](crate::Securable::tls_started). `ftp_rustls::Secured` does.
    StartTls,
    /// TLS is in force.
    TlsEstablished(Arc<TlsSession>),
    /// Close TLS, keep the transport, and answer with
    /// [`Securable::tls_stopped`](crate::Securable::tls_stopped). `ftp_rustls::Secured` does.
    StopTls,
    /// TLS was closed after [`CCC`](super::Connection::clear_command_channel); what follows is
    /// clear text.
    ClearCommandChannel,
    /// The application must answer before the login goes on:
    /// [`Connection::answer`](super::Connection::answer).
    Challenge(Challenge),
    /// Logged in. Comes again after [`REIN`](super::Connection::reinitialize).
    LoggedIn(Arc<Session>),
    /// A reply to a command sent after login.
    Reply {
        /// Which command.
        command: CommandId,
        /// The reply. If it is preliminary (1yz), another will follow for the same command.
        reply: Reply,
    },
    /// The server wants an account for this command (332 or 532): send `ACCT`, then the command
    /// again. The command is finished.
    NeedAccount {
        /// Which command.
        command: CommandId,
        /// The reply.
        reply: Reply,
    },
    /// The password was answered with 202 ("needed none"), yet now a command is refused with 530:
    /// the session is not logged in after all. The command is finished.
    NotLoggedIn {
        /// Which command; none that the application sent, if
        /// [`keep_alive`](super::Config::keep_alive) found it out.
        command: CommandId,
        /// The reply.
        reply: Reply,
    },
    /// A reply that no command asked for, after login: it began to arrive before the oldest unanswered
    /// command was sent. If it was one reply too many, more may follow, and fall to a command that is
    /// sent meanwhile; only some of these show by their code
    /// ([`PeerFault::OutOfStep`](super::PeerFault::OutOfStep)).
    Unsolicited(Reply),
    /// The server is to connect here: listen for it, and tell where with
    /// [`Connection::listening`](super::Connection::listening). Only with
    /// [`DataMode::Active`](super::DataMode::Active).
    Listen(TransferId),
    /// The transfer needs its data connection now: open it, and hand the ticket back with
    /// [`Connection::data_opened`](super::Connection::data_opened) or
    /// [`Connection::data_failed`](super::Connection::data_failed). If this comes again before that,
    /// give the first attempt up.
    OpenData(data::Ticket),
    /// The transfer began: the server said so (1yz), or said nothing for two seconds although the data
    /// connection stands. Does not come if the server says only how it ended.
    Started {
        /// Which.
        transfer: TransferId,
        /// How many bytes will come, if the reply says so to the byte. Some servers count from the start
        /// of the file, others from the offset.
        announced: Option<u64>,
        /// What the server said.
        reply: Option<Reply>,
    },
    /// The transfer is over, and commands can be sent again. What is left of the data connection is of
    /// no use: drop it.
    Transferred {
        /// Which.
        transfer: TransferId,
        /// What became of it.
        outcome: Result<Transferred, TransferError>,
    },
}

impl Event {
    /// The reply, if the event is one to this command.
    pub fn reply_to(&self, to: CommandId) -> Option<&Reply> {
        match self {
            Self::Reply { command, reply }
            | Self::NeedAccount { command, reply }
            | Self::NotLoggedIn { command, reply } => (*command == to).then_some(reply),
            _ => None,
        }
    }
}

/// Identifies a command sent after login, to match its replies. Equal to no other, not even of
/// another connection. Of one connection, those of later commands are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(crate) Ticket);

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({})", self.0.number())
    }
}

/// What a [`Challenge`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChallengeKind {
    /// The user name.
    Username,
    /// The password.
    Password,
    /// The account.
    Account,
}

/// A question to the application, answered once with one of its methods and
/// [`Connection::answer`](super::Connection::answer).
#[derive(Debug)]
#[must_use = "the login waits for the answer"]
pub struct Challenge {
    pub(crate) id: Ticket,
    pub(crate) kind: ChallengeKind,
    pub(crate) reply: Option<Reply>,
}

impl Challenge {
    /// What is asked for.
    pub fn kind(&self) -> ChallengeKind {
        self.kind
    }

    /// The reply that asked: 331, 332, or 336. One-time password systems put their challenge into
    /// its text. `None` for a user name asked for before `USER` was sent.
    pub fn reply(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    /// Answers with a user name and, if it is known already, the password.
    pub fn username(self, name: Username, password: Option<Password>) -> Answer {
        Answer {
            id: self.id,
            secret: Secret::Username(name, password),
        }
    }

    /// Answers with a password.
    pub fn password(self, password: Password) -> Answer {
        Answer {
            id: self.id,
            secret: Secret::Password(password),
        }
    }

    /// Answers with an account.
    pub fn account(self, account: Account) -> Answer {
        Answer {
            id: self.id,
            secret: Secret::Account(account),
        }
    }
}

/// The answer to a [`Challenge`].
#[derive(Debug)]
pub struct Answer {
    pub(crate) id: Ticket,
    pub(crate) secret: Secret,
}

#[derive(Debug)]
pub(crate) enum Secret {
    Username(Username, Option<Password>),
    Password(Password),
    Account(Account),
}

/// Which step completed the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoggedInBy {
    /// The greeting was a 230.
    Greeting,
    /// `USER` sufficed.
    User,
    /// `PASS`.
    Password,
    /// `ACCT`.
    Account,
}

impl LoggedInBy {
    /// Its name in lower case, as programs print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::User => "user",
            Self::Password => "password",
            Self::Account => "account",
        }
    }
}

/// The protection of data connections that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Protection {
    /// `PROT C`, or none agreed.
    #[default]
    Clear,
    /// `PROT P`: encrypted and authenticated.
    Private,
}

/// How long each phase took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PhaseTimes {
    /// Until the greeting was complete.
    pub greeting: Duration,
    /// `AUTH`, handshake, `PBSZ`, `PROT`.
    pub security: Duration,
    /// `HOST`, `FEAT`, `OPTS UTF8 ON` and `USER`.
    pub user: Duration,
    /// `PASS`.
    pub password: Duration,
    /// `ACCT`.
    pub account: Duration,
}

/// What is known of a session once it is logged in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// The server's greeting. Under explicit TLS it came in clear and proves nothing.
    pub greeting: Option<Reply>,
    /// The reply that completed the login. A server may repeat the password in it.
    pub logged_in_with: Reply,
    /// Which step completed the login.
    pub logged_in_by: LoggedInBy,
    /// The TLS session, if there is one.
    pub tls: Option<Arc<TlsSession>>,
    /// The protection of data connections in force.
    pub protection: Protection,
    /// Whether any reply so far was irregular, or the greeting was more than one reply
    /// ([`Lenience::repeated_greetings`](crate::Lenience::repeated_greetings)).
    pub irregular: bool,
    /// Whether a reply came after the login that nothing had asked for ([`Event::Unsolicited`]). If the
    /// server sends one reply too many, a later one may have been taken for the answer to a
    /// command that it does not belong to.
    pub unsolicited: bool,
    /// How long each phase took.
    pub phases: PhaseTimes,
}
