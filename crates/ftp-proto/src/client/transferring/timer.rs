//! What a transfer waits for, and for how long.

use alloc::boxed::Box;

use super::settle::Phase;
use super::{BRIEF, Data, Ended, PATIENCE, Step, Transferring};
use crate::client::context::Context;
use crate::client::state::State;
use crate::client::timers::Timer;
use crate::client::transfer::TransferError;
use crate::client::{Timeout, Timeouts};
use crate::wire::Class;
use crate::{Instant, data};

impl Transferring {
    /// When this transfer has waited long enough, and what for.
    pub(in crate::client) fn timer(
        &self,
        timeouts: &Timeouts,
        data: &data::Timeouts,
    ) -> Option<(Instant, Timer)> {
        if let Some(at) = self.kept_deadline(timeouts) {
            return Some((at, Timer::Fatal(Timeout::Reply)));
        }
        let unanswered = |since| Some((since + timeouts.transfer, Timer::Fatal(Timeout::Reply)));
        match (&self.step, &self.data) {
            (Step::Settle(settle), _) => settle.timer(timeouts),
            (Step::Listen { since }, _) => Some((*since + data.connect, Timer::Transfer)),
            (_, Data::Awaited { since, .. }) => Some((*since + data.connect, Timer::Transfer)),
            (Step::DataEnd { reply, since, .. }, _)
                if reply.code().class() != Class::Completion =>
            {
                Some((*since + BRIEF, Timer::Transfer))
            }
            (Step::Begin { .. } | Step::Final, Data::Ended(ended)) if ended.result.is_err() => {
                Some((ended.at + BRIEF, Timer::Transfer))
            }
            (Step::Begin { since }, Data::Ended(ended)) => unanswered(ended.at.max(*since)),
            (Step::Final, Data::Ended(ended)) => unanswered(ended.at),
            (Step::Begin { since }, Data::Open { .. }) => {
                Some((*since + PATIENCE, Timer::Transfer))
            }
            (Step::Begin { since }, Data::None) => unanswered(*since),
            _ => None,
        }
    }

    /// Whether the deadline of ordinary replies holds.
    pub(in crate::client) fn is_ordinary(&self) -> bool {
        match &self.step {
            Step::Type | Step::Passive(_) | Step::Active(_) | Step::Restart => true,
            Step::Settle(settle) => matches!(settle.phase, Phase::LastReply),
            _ => false,
        }
    }

    /// The timer of the transfer has ended.
    pub(in crate::client) fn on_timer(mut self: Box<Self>, context: &mut Context) -> State {
        match (&self.step, &self.data) {
            (Step::Settle(_), _) => self.probe(context),
            (Step::DataEnd { .. }, Data::Open { .. }) => self.judge(context),
            (
                _,
                Data::Ended(Ended {
                    bytes,
                    result: Err(error),
                    ..
                }),
            ) => {
                let outcome = TransferError::CutOff {
                    bytes: *bytes,
                    error: *error,
                    reply: None,
                };
                self.settle(outcome, context)
            }
            (_, Data::Open { .. }) => {
                self.started(None, context);
                State::Transferring(self)
            }
            (_, Data::Ended(_)) => State::Transferring(self),
            (_, Data::None | Data::Awaited { .. }) => self.not_opened(context),
        }
    }
}
