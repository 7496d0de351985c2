//! `EPSV` or `PASV` for the next transfer, sent with the command of this one, by option.
//!
//! Two final replies are owed then. Most servers give them in order; some answer the second while data
//! moves. They are told apart by their codes, and where two negative ones could be either's, by what
//! comes next.

use alloc::boxed::Box;
use core::time::Duration;

use super::{Data, Next, Step, Transferring};
use crate::Instant;
use crate::client::Timeouts;
use crate::client::context::Context;
use crate::client::outstanding::{Awaited, Purpose};
use crate::client::state::State;
use crate::client::transfer::TransferError;
use crate::wire::{Class, Code, CommandRef, Passive, Reply, ReplyRef, Verb};

/// For how long a port is used that was asked for ahead: servers do not listen for ever, and another session
/// may get the port. When the server told it nobody knows, since the reply may have lain unread.
const LASTS: Duration = Duration::from_secs(10);

/// What is known of the next data connection.
#[derive(Debug, Default)]
pub(in crate::client) enum Ahead {
    #[default]
    Nothing,
    /// The reply is owed.
    Asked { verb: Verb, since: Instant },
    /// The server listens there. It was asked then.
    Listening {
        verb: Verb,
        passive: Passive,
        since: Instant,
    },
}

/// A negative reply that came while two were owed, and may answer either.
#[derive(Debug)]
pub(super) struct Kept {
    reply: Reply,
    since: Instant,
}

impl Ahead {
    /// The reply came.
    pub(in crate::client) fn answered(&mut self, reply: ReplyRef<'_>) {
        let Self::Asked { verb, since } = *self else {
            return;
        };
        let is_consent = reply.code().class() == Class::Completion;
        *self = match Passive::parse(reply).filter(|_| is_consent) {
            Some(passive) => Self::Listening {
                verb,
                passive,
                since,
            },
            None => Self::Nothing,
        };
    }

    /// The application sends this command, which may end what the server has agreed to.
    pub(in crate::client) fn forget(&mut self, verb: Verb) {
        use Verb::*;
        // Of those that are not known some open data connections (`SPSV`, `CPSV`).
        let opens = matches!(verb, Epsv | Pasv | Lpsv | Eprt | Port | Lprt | Unknown);
        let transfers = matches!(verb, Retr | Stor | Stou | Appe | List | Nlst | Mlsd | Thmb);
        if opens || transfers || matches!(verb, Abor | Prot | Rein) {
            *self = Self::Nothing;
        }
    }
}

/// Whether a negative reply with this code may refuse `EPSV` or `PASV` (RFC 959 §5.4, RFC 2428 §2; 425, 450 and 503
/// say that a transfer is under way). All others are about the file or its data.
fn may_refuse_passive(code: Code) -> bool {
    matches!(code.get(), 425 | 450 | 500..=504 | 522 | 530)
}

impl Transferring {
    /// Asks for the next data connection, if it is to be asked for now.
    pub(super) fn ask_ahead(&mut self, context: &mut Context) {
        let settings = &context.settings;
        // The answers to `NOOP` could not be told from this one's.
        let may = settings.transfer_pipelining && settings.transfer_keep_alive.is_none();
        if let Some(verb) = context.passive
            && may
        {
            context.send(Purpose::Ahead(verb), CommandRef::known(verb, None));
            context.ahead = Ahead::Asked {
                verb,
                since: context.now,
            };
        }
    }

    /// Goes on with what was asked for ahead; whether it was.
    pub(super) fn opens_ahead(&mut self, context: &mut Context) -> bool {
        match core::mem::take(&mut context.ahead) {
            asked @ Ahead::Asked { verb, .. } => {
                context.ahead = asked;
                self.step = Step::Passive(verb);
                true
            }
            Ahead::Listening {
                verb,
                passive,
                since,
            } if context.now < since + LASTS && context.outstanding.is_empty() => {
                self.open_passively(verb, passive, context);
                self.is_port_ahead = true;
                true
            }
            Ahead::Nothing | Ahead::Listening { .. } => false,
        }
    }

    /// The same as [`answered`](Self::answered), when two final replies are owed, or one of two is.
    pub(super) fn answered_ahead(
        &self,
        code: Code,
        start: u64,
        context: &mut Context,
    ) -> Option<Awaited> {
        if matches!(code.get(), 227..=229) {
            return context.outstanding.ahead_answered(start);
        }
        let mut answered = context.outstanding.answered(start, context.now)?;
        if self.kept.is_some() && !may_refuse_passive(code) {
            // So the one before was not the transfer's.
            answered.purpose = Purpose::Transfer(Some(self.transfer.command.verb()));
        }
        Some(answered)
    }

    /// Keeps a negative reply that may answer either command. Before the server has begun it is the transfer's,
    /// which was asked for first.
    pub(super) fn keeps(&mut self, reply: ReplyRef<'_>, context: &mut Context) -> bool {
        let keeps = self.has_begun
            && may_refuse_passive(reply.code())
            && context.outstanding.is_ahead_owed();
        if keeps {
            self.kept = Some(Box::new(Kept {
                reply: reply.to_reply(),
                since: context.now,
            }));
        }
        keeps
    }

    /// Until when the other reply must come. While data moves on, what was kept is hardly the transfer's, and if it
    /// breaks, `ABOR` comes sooner.
    pub(super) fn kept_deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let kept = self.kept.as_ref()?;
        let has_moved_on = match &self.data {
            Data::Open { .. } => true,
            Data::Ended(ended) => ended.result.is_err() || ended.at > kept.since,
            Data::None | Data::Awaited { .. } => false,
        };
        let is_kept = matches!(self.step, Step::Begin { .. } | Step::Final);
        (is_kept && !has_moved_on).then(|| kept.since + timeouts.reply)
    }

    /// The connection ends now. A reply that was kept is taken for the transfer's.
    pub(in crate::client) fn on_lost(&self, context: &mut Context) {
        if let Some(kept) = &self.kept
            && let Step::Begin { .. } | Step::Final = self.step
        {
            context.transfer_ends_with(TransferError::Failed {
                reply: kept.reply.clone(),
                bytes: self.moved(),
                tls: None,
            });
        }
    }

    /// The reply to what was asked ahead.
    pub(super) fn on_ahead(
        mut self: Box<Self>,
        reply: ReplyRef<'_>,
        answered: Awaited,
        context: &mut Context,
    ) -> Next {
        context.ahead.answered(reply);
        if let Some(kept) = self.kept.take() {
            return Ok(self.on_final(kept.reply, context));
        }
        if matches!(self.step, Step::Settle(_)) && context.outstanding.is_empty() {
            return Ok(self.on_settling(reply, answered, context));
        }
        // It may be this transfer's own now.
        if let Step::Passive(verb) = self.step
            && !self.opens_ahead(context)
        {
            self.passive(verb, context);
        }
        Ok(State::Transferring(self))
    }
}
