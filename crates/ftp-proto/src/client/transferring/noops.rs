//! `NOOP` during a transfer, by option: when it is sent, and which replies answer it.
//!
//! Servers answer it at once, after the transfer, or never. So its answers are told from the transfer's
//! by their code, and counted. When the transfer is over, `settle.rs` waits for those that are owed.

use alloc::boxed::Box;

use super::{Data, Step, Transferring};
use crate::Instant;
use crate::client::context::Context;
use crate::client::outstanding::{Awaited, Purpose};
use crate::client::state::State;
use crate::wire::{Code, CommandRef, Verb};

/// Most `NOOP`s without an answer: a server that reads none keeps them all in its socket's buffer.
const MOST: usize = 1000;

/// What is known of the `NOOP`s of one transfer.
#[derive(Debug, Default)]
pub(super) struct Noops {
    pub(super) is_any_sent: bool,
    /// More answers came than were owed: more may follow.
    pub(super) has_extra: bool,
    /// The server does not know the command, or not now.
    is_refused: bool,
}

/// Whether a reply with this code answers a `NOOP` and not a transfer that has begun: those end with
/// 226 or 250, or with what happened to the file or the data connection.
pub(super) fn answers_noop(code: Code) -> bool {
    matches!(code.get(), 200 | 202 | 500..=504 | 530)
}

impl Transferring {
    /// When the next `NOOP` is due.
    pub(in crate::client) fn noop_at(&self, context: &Context) -> Option<Instant> {
        let every = context.settings.transfer_keep_alive?;
        let is_well = match &self.data {
            Data::Open { .. } => true,
            Data::Ended(ended) => ended.result.is_ok(),
            Data::None | Data::Awaited { .. } => false,
        };
        let is_under_way = self.has_begun && matches!(self.step, Step::Final) && is_well;
        // All that is owed but the transfer's own.
        let has_room = context.outstanding.len() <= MOST;
        (is_under_way && has_room && !self.noops.is_refused).then(|| context.last_traffic + every)
    }

    pub(in crate::client) fn send_noop(mut self: Box<Self>, context: &mut Context) -> State {
        self.noops.is_any_sent = true;
        context.send(Purpose::TransferNoop, CommandRef::known(Verb::Noop, None));
        State::Transferring(self)
    }

    /// Which of the replies that are owed this one is.
    pub(in crate::client) fn answered(
        &self,
        code: Code,
        start: u64,
        context: &mut Context,
    ) -> Option<Awaited> {
        let is_by_number = match &self.step {
            Step::Settle(settle) => settle.counts_all(),
            _ => false,
        };
        let may_be_owed = context.settings.transfer_pipelining;
        if may_be_owed && !is_by_number && context.outstanding.is_ahead_owed() {
            return self.answered_ahead(code, start, context);
        }
        match self.noops.is_any_sent && !is_by_number {
            false => context.outstanding.answered(start, context.now),
            true if answers_noop(code) => context.outstanding.noop_answered(start),
            true => context.outstanding.other_answered(start, context.now),
        }
    }

    /// A `NOOP` was answered.
    pub(super) fn on_noop_answered(&mut self, code: Code) {
        self.noops.is_refused |= code.is_negative();
    }

    /// Whether a reply that nothing asked for is no news: after an `ABOR` they are counted together, and
    /// a `NOOP` may have been answered twice.
    pub(in crate::client) fn takes_extra(&mut self, code: Code) -> bool {
        let is_extra = match &self.step {
            Step::Settle(settle) => settle.takes_any_reply(),
            _ => self.noops.is_any_sent && answers_noop(code),
        };
        self.noops.has_extra |= is_extra && self.noops.is_any_sent;
        is_extra
    }

    /// What proves to be in step: a command, and the code that answers it alone. A late answer to a
    /// `NOOP` would be taken for that to another.
    pub(super) fn proof(&self) -> (Verb, Code) {
        match self.noops.is_any_sent {
            true => (Verb::Pwd, Code::PATH_CREATED),
            false => (Verb::Noop, Code::OKAY),
        }
    }
}
