//! `EPSV` or `PASV` for the next transfer, sent with the command of this one, by option.
//!
//! Two final replies are owed then. Most servers give them in order; some answer the second while data
//! moves. They are told apart by their codes, and where two negative ones could be either's, by what
//! comes next.

use alloc::boxed::Box;
use core::time::Duration;

use super::{Next, Step, Transferring};
use crate::Instant;
use crate::client::DataMode;
use crate::client::context::Context;
use crate::client::outstanding::{Awaited, Purpose};
use crate::client::state::State;
use crate::client::transfer::TransferError;
use crate::wire::{Class, Code, CommandRef, Passive, Reply, ReplyRef, Verb};

/// For how long a port is used that was told ahead: servers do not listen for ever, and another session
/// may get the port.
const LASTS: Duration = Duration::from_secs(10);

/// What is known of the next data connection.
#[derive(Debug, Default)]
pub(in crate::client) enum Ahead {
    #[default]
    Nothing,
    /// The reply is owed.
    Asked(Verb),
    /// The server listens there since then.
    Listening {
        verb: Verb,
        passive: Passive,
        since: Instant,
    },
}

/// A negative reply that came while two were owed.
#[derive(Debug)]
pub(super) struct Kept {
    reply: Reply,
    pub(super) since: Instant,
}

impl Ahead {
    /// The reply came.
    pub(in crate::client) fn answered(&mut self, reply: ReplyRef<'_>, now: Instant) {
        let Self::Asked(verb) = *self else {
            return;
        };
        let is_consent = reply.code().class() == Class::Completion;
        *self = match Passive::parse(reply).filter(|_| is_consent) {
            Some(passive) => Self::Listening {
                verb,
                passive,
                since: now,
            },
            None => Self::Nothing,
        };
    }

    /// The application sends this command, which may end what the server has agreed to.
    pub(in crate::client) fn forget(&mut self, verb: Verb) {
        use Verb::*;
        let opens = matches!(verb, Epsv | Pasv | Lpsv | Eprt | Port | Lprt);
        let transfers = matches!(verb, Retr | Stor | Stou | Appe | List | Nlst | Mlsd | Thmb);
        if opens || transfers || matches!(verb, Abor | Prot | Rein) {
            *self = Self::Nothing;
        }
    }
}

impl Transferring {
    /// Asks for the next data connection, if it is to be asked for now.
    pub(super) fn ask_ahead(&mut self, context: &mut Context) {
        let settings = &context.settings;
        // The answers to `NOOP` could not be told from this one's.
        let may = settings.transfer_pipelining && settings.transfer_keep_alive.is_none();
        let is_passive = matches!(settings.data_mode, DataMode::Passive(_));
        if let Some(verb) = context.passive
            && may
            && is_passive
            && !context.outstanding.is_ahead_owed()
        {
            context.send(Purpose::Ahead(verb), CommandRef::known(verb, None));
            context.ahead = Ahead::Asked(verb);
        }
    }

    /// Goes on with what was asked for ahead; whether it was.
    pub(super) fn opens_ahead(&mut self, context: &mut Context) -> bool {
        match core::mem::take(&mut context.ahead) {
            Ahead::Asked(verb) => {
                context.ahead = Ahead::Asked(verb);
                self.step = Step::Passive(verb);
                true
            }
            Ahead::Listening {
                verb,
                passive,
                since,
            } if context.now < since + LASTS => {
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
        if self.kept.is_some() && !code.is_negative() {
            // So the one before was not the transfer's.
            answered.purpose = Purpose::Transfer(Some(self.transfer.command.verb()));
        }
        Some(answered)
    }

    /// Keeps a negative reply that may answer either command.
    pub(super) fn keeps(&mut self, reply: ReplyRef<'_>, context: &mut Context) -> bool {
        let keeps = context.outstanding.is_ahead_owed() && reply.code().is_negative();
        if keeps {
            self.kept = Some(Kept {
                reply: reply.to_reply(),
                since: context.now,
            });
        }
        keeps
    }

    /// The connection ends now. A reply that was kept is taken for the transfer's.
    pub(in crate::client) fn on_lost(&self, context: &mut Context) {
        if let Some(Kept { reply, .. }) = &self.kept
            && let Step::Begin { .. } | Step::Final = self.step
        {
            let (verb, bytes, reply) = (self.transfer.command.verb(), self.moved(), reply.clone());
            context.transfer_ends_with(match self.has_begun || bytes > 0 {
                true => TransferError::Failed {
                    reply,
                    bytes,
                    tls: None,
                },
                false => TransferError::refusal(verb, reply),
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
        context.ahead.answered(reply, context.now);
        if let Some(Kept { reply, .. }) = self.kept.take() {
            return Ok(self.on_final(reply, context));
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
