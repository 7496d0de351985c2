//! Getting in step with the server again, when a transfer is over for us and perhaps not for it.

use alloc::boxed::Box;

use super::noops::answers_noop;
use super::{Ahead, Data, Ended, QUIET, Step, Transferring};
use crate::client::answers::can_answer;
use crate::client::context::Context;
use crate::client::outstanding::{Awaited, Purpose};
use crate::client::state::State;
use crate::client::timers::Timer;
use crate::client::transfer::{TransferError, Transferred};
use crate::client::{Timeout, Timeouts};
use crate::wire::{Class, CommandRef, Reply, ReplyRef, Verb};
use crate::{Instant, TlsSession};

/// Telnet IP and DM (RFC 854).
const INTERRUPT: [u8; 4] = [255, 244, 255, 242];

#[derive(Debug)]
pub(super) struct Settle {
    outcome: Result<Transferred, TransferError>,
    /// What the server said of the transfer itself, after `ABOR`.
    reply: Option<Reply>,
    /// `ABOR` was sent.
    is_aborted: bool,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// One reply to a command that began nothing.
    LastReply,
    /// The replies to the transfer and to `ABOR`, or to each `NOOP`; nothing came since then.
    Replies {
        since: Instant,
        quiet_since: Instant,
    },
    /// The reply to the [proof](Transferring::proof) sent then: counting replies cannot tell whether one
    /// is missing.
    Probe { since: Instant },
}

impl Settle {
    pub(super) fn timer(&self, timeouts: &Timeouts) -> Option<(Instant, Timer)> {
        match self.phase {
            Phase::LastReply => None,
            Phase::Replies { since, quiet_since } => {
                let at = (quiet_since + QUIET).min(since + timeouts.reply);
                Some((at, Timer::Transfer))
            }
            Phase::Probe { since } => Some((since + timeouts.reply, Timer::Fatal(Timeout::Reply))),
        }
    }

    /// Whether replies are told by their number alone.
    pub(super) fn counts_all(&self) -> bool {
        self.is_aborted || matches!(self.phase, Phase::Probe { .. })
    }

    /// Whether one more than is owed changes nothing.
    pub(super) fn takes_any_reply(&self) -> bool {
        !matches!(self.phase, Phase::LastReply)
    }

    /// A reply to the transfer or to `ABOR`, and which of them cannot be told: servers answer in
    /// either order. The first that says that something failed is taken for the transfer's.
    fn keep(&mut self, reply: ReplyRef<'_>) {
        let is_better = match &self.reply {
            None => true,
            Some(kept) => !kept.code().is_negative() && reply.code().is_negative(),
        };
        if is_better {
            self.reply = Some(reply.to_reply());
        }
    }

    /// How the transfer ended, as far as is known.
    fn outcome(&self, data: &Data) -> Result<Transferred, TransferError> {
        let error = match &self.outcome {
            Err(error) if self.is_aborted => error,
            known => return known.clone(),
        };
        Err(match (error, &self.reply) {
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
        })
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
                context.ahead = Ahead::Nothing;
                if context.settings.telnet_abort {
                    context.write(&INTERRUPT);
                }
                context.send(Purpose::Transfer(None), CommandRef::known(Verb::Abor, None));
                Phase::Replies {
                    since: context.now,
                    quiet_since: context.now,
                }
            }
        };
        let is_aborted = matches!(phase, Phase::Replies { .. });
        self.wait_for_replies(Err(outcome), is_aborted, phase, context);
        State::Transferring(self)
    }

    /// The transfer is over, and `NOOP`s may still be answered.
    pub(super) fn count(
        mut self: Box<Self>,
        outcome: Result<Transferred, TransferError>,
        context: &mut Context,
    ) -> State {
        let phase = Phase::Replies {
            since: context.now,
            quiet_since: context.now,
        };
        self.wait_for_replies(outcome, false, phase, context);
        match context.outstanding.transfer_noops() {
            0 => self.probe(context),
            _ => State::Transferring(self),
        }
    }

    fn wait_for_replies(
        &mut self,
        outcome: Result<Transferred, TransferError>,
        is_aborted: bool,
        phase: Phase,
        context: &mut Context,
    ) {
        if let Data::Awaited { .. } | Data::Open { .. } = self.data {
            self.data = Data::None;
        }
        context.transfer_ends(outcome.clone());
        self.step = Step::Settle(Settle {
            outcome,
            reply: None,
            is_aborted,
            phase,
        });
    }

    pub(super) fn on_settling(
        mut self: Box<Self>,
        reply: ReplyRef<'_>,
        answered: Awaited,
        context: &mut Context,
    ) -> State {
        let (proof, proving) = self.proof();
        let Step::Settle(settle) = &mut self.step else {
            return State::Transferring(self);
        };
        let is_preliminary = reply.code().class() == Class::Preliminary;
        let is_proven = reply.code() == proving;
        let is_last = context.outstanding.is_empty();
        // Counted answers cannot tell whether one too many is among them.
        let is_unsure = self.noops.is_any_sent && (settle.is_aborted || self.noops.has_extra);
        let (is_over, is_of_abort) = match &mut settle.phase {
            Phase::LastReply => (!is_preliminary, false),
            Phase::Replies { quiet_since, .. } => {
                *quiet_since = context.now;
                (is_last, !is_preliminary)
            }
            Phase::Probe { .. }
                if is_last && proof == Verb::Pwd && !can_answer(proof, reply.code()) =>
            {
                // It is late, or one too many.
                context.outstanding.not_answered(answered);
                (false, false)
            }
            Phase::Probe { .. } => (
                is_last || is_proven,
                !is_last && !is_proven && !is_preliminary,
            ),
        };
        // That there is no such command is about `ABOR`, and a port about what was asked ahead.
        let is_of_noop = self.noops.is_any_sent && answers_noop(reply.code());
        let is_of_other = matches!(reply.code().get(), 227..=229 | 500 | 502) || is_of_noop;
        if is_of_abort && settle.is_aborted && !is_of_other {
            settle.keep(reply);
            context.transfer_ends(settle.outcome(&self.data));
        }
        if is_over && is_unsure && matches!(settle.phase, Phase::Replies { .. }) {
            return self.probe(context);
        }
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
                context.may_answer_abort = settle.is_aborted;
                self.finish(outcome, context)
            }
            step => {
                self.step = step;
                State::Transferring(self)
            }
        }
    }

    /// Asks for a sign that all was answered.
    pub(super) fn probe(mut self: Box<Self>, context: &mut Context) -> State {
        let (proof, _) = self.proof();
        if let Step::Settle(settle) = &mut self.step
            && let Phase::Replies { .. } = settle.phase
        {
            settle.phase = Phase::Probe { since: context.now };
            context.outstanding.forget_order();
            context.send(Purpose::Transfer(None), CommandRef::known(proof, None));
        }
        State::Transferring(self)
    }
}
