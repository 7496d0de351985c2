//! Getting in step with the server again, when a transfer is over for us and perhaps not for it.

use alloc::boxed::Box;

use super::{Data, Ended, QUIET, Step, Transferring};
use crate::client::context::Context;
use crate::client::outstanding::Purpose;
use crate::client::state::State;
use crate::client::timers::Timer;
use crate::client::transfer::TransferError;
use crate::client::{Timeout, Timeouts};
use crate::wire::{Class, Code, CommandRef, Reply, ReplyRef, Verb};
use crate::{Instant, TlsSession};

#[derive(Debug)]
pub(super) struct Settle {
    outcome: TransferError,
    /// What the server said of the transfer itself.
    reply: Option<Reply>,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// One reply to a command that began nothing.
    LastReply,
    /// The replies to the transfer and to `ABOR`; nothing came since then.
    Abort { quiet_since: Instant },
    /// The reply to a `NOOP` sent then: counting replies cannot tell whether one is missing.
    Probe { since: Instant },
}

impl Settle {
    pub(super) fn timer(&self, timeouts: &Timeouts) -> Option<(Instant, Timer)> {
        match self.phase {
            Phase::LastReply => None,
            Phase::Abort { quiet_since } => Some((quiet_since + QUIET, Timer::Transfer)),
            Phase::Probe { since } => Some((since + timeouts.reply, Timer::Fatal(Timeout::Reply))),
        }
    }

    /// A reply to the transfer or to `ABOR`, and which of them cannot be told: servers answer in
    /// either order. The first that says that something failed is taken for the transfer's, unless
    /// it says that there is no such command: that is about `ABOR`.
    fn keep(&mut self, reply: ReplyRef<'_>) {
        if matches!(reply.code().get(), 500 | 502) {
            return;
        }
        let is_better = match &self.reply {
            None => true,
            Some(kept) => !kept.code().is_negative() && reply.code().is_negative(),
        };
        if is_better {
            self.reply = Some(reply.to_reply());
        }
    }

    /// How the transfer ended, as far as is known.
    fn outcome(&self, data: &Data) -> TransferError {
        match (&self.outcome, &self.reply) {
            // The server's own report is the better one.
            (TransferError::CutOff { bytes, .. }, Some(reply)) if reply.code().is_negative() => {
                let tls = match data {
                    Data::Ended(Ended { tls: Some(tls), .. }) => {
                        Some(Box::new(TlsSession::clone(tls)))
                    }
                    _ => None,
                };
                TransferError::Failed {
                    reply: reply.clone(),
                    bytes: *bytes,
                    tls,
                }
            }
            (TransferError::CutOff { bytes, error, .. }, reply) => TransferError::CutOff {
                bytes: *bytes,
                error: *error,
                reply: reply.clone(),
            },
            (outcome, _) => outcome.clone(),
        }
    }
}

impl Transferring {
    /// Gets in step with the server, and reports this then.
    pub(super) fn settle(
        mut self: Box<Self>,
        outcome: TransferError,
        context: &mut Context,
    ) -> State {
        let phase = match &self.step {
            Step::Settle(_) => return State::Transferring(self),
            // Nothing is owed.
            Step::DataEnd { reply, .. } if reply.code().class() != Class::Completion => {
                return self.judge(context);
            }
            Step::Listen { .. } | Step::Open(_) | Step::DataEnd { .. } => {
                return self.conclude(Err(outcome), context);
            }
            Step::Type | Step::Passive(_) | Step::Active(_) | Step::Restart => {
                // A restart that is taken now is left over.
                context.restart_left |= matches!(self.step, Step::Restart);
                Phase::LastReply
            }
            Step::Begin { .. } | Step::Final => {
                context.restart_left |= self.transfer.offset > 0 && !self.has_begun;
                context.outstanding.forget_order();
                context.send(Purpose::Transfer(None), CommandRef::known(Verb::Abor, None));
                Phase::Abort {
                    quiet_since: context.now,
                }
            }
        };
        if let Data::Awaited { .. } | Data::Open { .. } = self.data {
            self.data = Data::None;
        }
        context.transfer_ends_with(outcome.clone());
        self.step = Step::Settle(Settle {
            outcome,
            reply: None,
            phase,
        });
        State::Transferring(self)
    }

    /// Whether a reply that nothing asked for is no news: after an `ABOR` they are counted together.
    pub(in crate::client) fn takes_any_reply(&self) -> bool {
        match &self.step {
            Step::Settle(settle) => !matches!(settle.phase, Phase::LastReply),
            _ => false,
        }
    }

    pub(super) fn on_settling(
        mut self: Box<Self>,
        reply: ReplyRef<'_>,
        context: &mut Context,
    ) -> State {
        let Step::Settle(settle) = &mut self.step else {
            return State::Transferring(self);
        };
        let is_preliminary = reply.code().class() == Class::Preliminary;
        let is_noop_answered = reply.code() == Code::OKAY;
        let is_last = context.outstanding.is_empty();
        let is_over = match &mut settle.phase {
            Phase::LastReply => !is_preliminary,
            Phase::Abort { quiet_since } => {
                *quiet_since = context.now;
                if !is_preliminary {
                    settle.keep(reply);
                    context.transfer_ends_with(settle.outcome(&self.data));
                }
                is_last
            }
            Phase::Probe { .. } => {
                if !is_last && !is_noop_answered && !is_preliminary {
                    settle.keep(reply);
                    context.transfer_ends_with(settle.outcome(&self.data));
                }
                is_last || is_noop_answered
            }
        };
        match is_over {
            true => self.settled(context),
            false => State::Transferring(self),
        }
    }

    /// In step again.
    fn settled(mut self: Box<Self>, context: &mut Context) -> State {
        context.outstanding.clear();
        match core::mem::replace(&mut self.step, Step::Final) {
            Step::Settle(settle) => {
                let outcome = settle.outcome(&self.data);
                self.conclude(Err(outcome), context)
            }
            step => {
                self.step = step;
                State::Transferring(self)
            }
        }
    }

    /// It has been quiet: asks for a sign that all was answered.
    pub(super) fn probe(mut self: Box<Self>, context: &mut Context) -> State {
        if let Step::Settle(settle) = &mut self.step
            && let Phase::Abort { .. } = settle.phase
        {
            settle.phase = Phase::Probe { since: context.now };
            context.send(Purpose::Transfer(None), CommandRef::known(Verb::Noop, None));
        }
        State::Transferring(self)
    }
}
