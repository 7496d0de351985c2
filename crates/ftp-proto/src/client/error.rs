//! Why a client connection stopped or refused a call.

use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use super::Phase;
use crate::wire::{
    Class, Code, ForeignProtocol, MASK, Reply, ReplyErrorKind, ReplyRef, Verb, escape,
};

/// Why a client connection is over. Sticky.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no in due form.
    #[error("the server refused at {phase}{}: {reply}", Commands(*.phase))]
    Refused {
        /// In which phase.
        phase: Phase,
        /// What it said.
        reply: Reply,
        /// As [`Connection::is_secret_sent`](super::Connection::is_secret_sent).
        secret_sent: bool,
    },
    /// The server wants an account (332) and none was configured.
    #[error("the server needs an account (ACCT) at {phase}, and none was given: {reply}")]
    AccountNeeded {
        /// In which phase.
        phase: Phase,
        /// What it said.
        reply: Reply,
    },
    /// The server wants a password (331 or 336) and none was configured.
    #[error("the server needs a password, and none was given: {reply}")]
    PasswordNeeded {
        /// What it said.
        reply: Reply,
    },
    /// 421: the server closes the connection. May come at any moment.
    #[error("the service became unavailable at {phase}: {reply}")]
    ServiceUnavailable {
        /// In which phase.
        phase: Phase,
        /// What it said.
        reply: Reply,
    },
    /// A deadline passed.
    #[error("timed out at {phase}: {what}")]
    TimedOut {
        /// In which phase.
        phase: Phase,
        /// What took too long.
        what: Timeout,
        /// As [`Connection::is_secret_sent`](super::Connection::is_secret_sent).
        secret_sent: bool,
    },
    /// The server closed the connection without a word.
    #[error("the server closed the connection at {phase}{}", MidReply(*.mid_reply))]
    ConnectionClosed {
        /// In which phase.
        phase: Phase,
        /// Whether it did so within a reply.
        mid_reply: bool,
        /// As [`Connection::is_secret_sent`](super::Connection::is_secret_sent).
        secret_sent: bool,
    },
    /// The server broke the protocol.
    #[error("protocol fault of the server at {phase}: {fault}")]
    PeerFault {
        /// In which phase.
        phase: Phase,
        /// What it did.
        fault: PeerFault,
    },
}

impl Error {
    /// The connection ends with this reply: a "no" in due form, or a code that has no meaning.
    pub(super) fn refusal(phase: Phase, reply: ReplyRef<'_>) -> Self {
        if reply.code() == Code::SERVICE_UNAVAILABLE {
            Self::ServiceUnavailable {
                phase,
                reply: reply.to_reply(),
            }
        } else if reply.code().is_negative() {
            Self::Refused {
                phase,
                reply: reply.to_reply(),
                secret_sent: false,
            }
        } else {
            Self::fault(phase, PeerFault::UnexpectedCode { code: reply.code() })
        }
    }

    pub(super) fn timed_out(phase: Phase, what: Timeout) -> Self {
        Self::TimedOut {
            phase,
            what,
            secret_sent: false,
        }
    }

    pub(super) fn closed(phase: Phase, mid_reply: bool) -> Self {
        Self::ConnectionClosed {
            phase,
            mid_reply,
            secret_sent: false,
        }
    }

    /// Notes whether a secret had been sent when it happened.
    pub(super) fn after_secret(mut self, was_sent: bool) -> Self {
        if let Self::Refused { secret_sent, .. }
        | Self::TimedOut { secret_sent, .. }
        | Self::ConnectionClosed { secret_sent, .. } = &mut self
        {
            *secret_sent = was_sent;
        }
        self
    }

    pub(super) fn fault(phase: Phase, fault: PeerFault) -> Self {
        Self::PeerFault { phase, fault }
    }

    /// The phase in which the connection ended.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Refused { phase, .. }
            | Self::AccountNeeded { phase, .. }
            | Self::ServiceUnavailable { phase, .. }
            | Self::TimedOut { phase, .. }
            | Self::ConnectionClosed { phase, .. }
            | Self::PeerFault { phase, .. } => *phase,
            Self::PasswordNeeded { .. } => Phase::Password,
        }
    }

    /// The reply that ended it, if one did.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Refused { reply, .. }
            | Self::AccountNeeded { reply, .. }
            | Self::PasswordNeeded { reply }
            | Self::ServiceUnavailable { reply, .. } => Some(reply),
            Self::TimedOut { .. } | Self::ConnectionClosed { .. } | Self::PeerFault { .. } => None,
        }
    }

    /// The code of the reply that ended it, also where the reply was a fault: unexpected, or asked
    /// for by nothing.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::PeerFault { fault, .. } => match fault {
                PeerFault::UnexpectedCode { code } => Some(*code),
                PeerFault::UnsolicitedReply(reply) | PeerFault::OutOfStep { reply, .. } => {
                    Some(reply.code())
                }
                _ => None,
            },
            _ => self.reply().map(Reply::code),
        }
    }

    /// The same error with `****` in place of all that the server said: for logs. Codes stay.
    ///
    /// `Display` and `Debug` of an error show the text of the reply, which is the server's own: one
    /// that repeats the password ("530 User anna, password hunter2: wrong") repeats it there, since
    /// the machine has wiped the password by then and cannot know it again.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut error = self.clone();
        match &mut error {
            Self::Refused { reply, .. }
            | Self::AccountNeeded { reply, .. }
            | Self::PasswordNeeded { reply }
            | Self::ServiceUnavailable { reply, .. } => *reply = reply.redacted(),
            Self::PeerFault { fault, .. } => match fault {
                PeerFault::UnsolicitedReply(reply) | PeerFault::OutOfStep { reply, .. } => {
                    *reply = reply.redacted();
                }
                PeerFault::Malformed { excerpt, .. } => *excerpt = MASK.into(),
                PeerFault::UnexpectedCode { .. }
                | PeerFault::ForeignProtocol(_)
                | PeerFault::BytesBeforeTlsSwitch
                | PeerFault::TooManyPreliminary
                | PeerFault::AskedAgain
                | PeerFault::TooMuchFiller => {}
            },
            Self::TimedOut { .. } | Self::ConnectionClosed { .. } => {}
        }
        error
    }

    /// Whether the same attempt may succeed later, and may be made again.
    ///
    /// * 421, at any time.
    /// * Before a secret was handed to the transport also: other 4yz, time-outs, a closed connection.
    /// * After `PASS` or `ACCT` was (even in part) handed to the transport nothing but 421. A
    ///   refusal, silence and a connection that is closed may all mean that the password is wrong:
    ///   430 says "invalid username or password" in wide use. To send it again locks accounts. That
    ///   goes for all the rest of the connection, however the login ended.
    /// * Never a 5yz or a broken protocol.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ServiceUnavailable { .. } => true,
            Self::Refused {
                reply, secret_sent, ..
            } => !secret_sent && reply.code().class() == Class::TransientNegative,
            Self::TimedOut { secret_sent, .. } | Self::ConnectionClosed { secret_sent, .. } => {
                !secret_sent
            }
            Self::AccountNeeded { .. } | Self::PasswordNeeded { .. } | Self::PeerFault { .. } => {
                false
            }
        }
    }
}

/// What was refused, where the phase alone does not tell.
struct Commands(Phase);

impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Phase::Security => f.write_str(" (AUTH TLS, PBSZ or PROT)"),
            _ => Ok(()),
        }
    }
}

struct MidReply(bool);

impl fmt::Display for MidReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 {
            ", in the middle of a reply"
        } else {
            ""
        })
    }
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Timeout {
    /// The greeting did not come.
    #[error("no greeting within the time allowed")]
    Greeting,
    /// A reply did not come, or did not end.
    #[error("no complete reply within the time allowed")]
    Reply,
    /// The TLS handshake did not end.
    #[error("the TLS handshake was not done within the time allowed")]
    Handshake,
    /// The server does not read.
    #[error("the server did not take what was sent within the time allowed")]
    Write,
    /// The login as a whole.
    #[error("the login as a whole was not done within the time allowed")]
    Login,
}

/// How a server broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// A code that has no meaning where it came.
    #[error("reply code {code} is not expected here")]
    UnexpectedCode {
        /// The code.
        code: Code,
    },
    /// Bytes that are not a reply, or one over the limits.
    #[error("{kind}; the line begins \"{}\"", escape(.excerpt))]
    Malformed {
        /// What is wrong with them.
        kind: ReplyErrorKind,
        /// The start of the offending line up to the offending byte, at most 80 bytes.
        excerpt: Vec<u8>,
    },
    /// The greeting is that of another protocol.
    #[error("the server speaks {0}, not FTP")]
    ForeignProtocol(ForeignProtocol),
    /// A reply that began to arrive before the command it would answer was sent.
    #[error("a reply came that no command had asked for: {0}")]
    UnsolicitedReply(Reply),
    /// After login, a reply fell to a command that no reply with this code can answer (a 230 to `PWD`, say): the
    /// server sent one reply too many before, and it is not known which reply belongs to which
    /// command. [`Lenience::any_reply_code`](crate::Lenience::any_reply_code) switches the check off.
    #[error("replies are out of step: what came for {verb} cannot answer it: {reply}")]
    OutOfStep {
        /// The command.
        verb: Verb,
        /// What came.
        reply: Reply,
    },
    /// Bytes arrived in clear between the reply that accepted `AUTH` and the TLS handshake (or
    /// under TLS behind the reply to `CCC`): someone may be injecting commands or replies.
    #[error("bytes arrived between the server's consent to switch TLS and the switch: injection?")]
    BytesBeforeTlsSwitch,
    /// More preliminary replies to one command than
    /// [`Limits::preliminary_replies`](crate::Limits::preliminary_replies).
    #[error("the server sends preliminary replies without an end")]
    TooManyPreliminary,
    /// More blank lines or Telnet commands than [`Limits::filler_bytes`](crate::Limits::filler_bytes):
    /// bytes without end that say nothing.
    #[error("the server sends blank lines or Telnet commands without an end")]
    TooMuchFiller,
    /// The password was sent and is asked for again.
    #[error("the server asks again for the password it was given")]
    AskedAgain,
}

/// A call that does not fit the state of the connection: the caller's mistake. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Only possible once logged in.
    #[error("not logged in")]
    NotReady,
    /// The connection is closing or closed.
    #[error("the connection is closing or closed")]
    Closed,
    /// This verb changes the state of the connection and has a method of its own, or is chosen in
    /// the configuration.
    #[error("{0} is not sent by hand: it has a method or a setting of its own")]
    DedicatedMethod(Verb),
    /// Commands are unanswered, and this one must be sent alone.
    #[error("commands are still unanswered")]
    CommandsOutstanding,
    /// As many commands are unanswered as the limits allow.
    #[error("too many commands are unanswered")]
    TooManyOutstanding,
    /// The configuration does not allow it.
    #[error("the configuration does not allow it")]
    NotAllowed,
    /// There is no TLS to act on.
    #[error("the connection is not under TLS")]
    NoTls,
    /// The answer is to a challenge that is over, or of the wrong kind. A challenge that was
    /// answered in the wrong kind stays open: the event comes again.
    #[error("the answer does not fit the open challenge")]
    WrongAnswer,
    /// A transfer is under way, and nothing else is said until it is over.
    #[error("a transfer is under way")]
    Transferring,
    /// There is no transfer under way, or another one.
    #[error("this transfer is not under way")]
    NotTransferring,
    /// The ticket, or the end of a data connection, is of another connection, or of a transfer that
    /// is over.
    #[error("the ticket does not fit the transfer under way")]
    WrongTicket,
}
