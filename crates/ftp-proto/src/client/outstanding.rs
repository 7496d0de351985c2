//! What the server still owes: one reply for the greeting and for each command sent, in order.

use alloc::collections::VecDeque;

use super::{CommandId, Protection, Timeout, Timeouts};
use crate::data::DataType;
use crate::wire::{Class, ReplyRef, Verb};
use crate::{Instant, Limits};

/// What a reply is awaited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The connection itself was made.
    Greeting,
    /// A command of the login, or one that the state waits for alone.
    Login,
    /// A command that the application sent after login.
    Command {
        id: CommandId,
        verb: Verb,
        /// What a 200 to it puts in force, if it is a `PROT`.
        protection: Option<Protection>,
        /// What a 200 to it puts in force, if it is a `TYPE`.
        data_type: Option<DataType>,
    },
    /// A `NOOP`, or what the configuration has in its place, that the machine sent by itself.
    KeepAlive(Verb),
    /// A command of a transfer; `None` if what answers it cannot be told, as after `ABOR`.
    Transfer(Option<Verb>),
    /// `EPSV` or `PASV` for the next transfer, sent with the command of this one.
    Ahead(Verb),
    /// A `NOOP` that the machine sent during a transfer: it may be answered before the transfer is.
    TransferNoop,
    /// `QUIT`.
    Quit,
}

impl Purpose {
    /// The command, if what can answer it does not depend on the state.
    pub(super) fn verb(self) -> Option<Verb> {
        match self {
            Self::Greeting | Self::Login => None,
            Self::Command { verb, .. } => Some(verb),
            Self::KeepAlive(verb) | Self::Ahead(verb) => Some(verb),
            Self::Transfer(verb) => verb,
            Self::TransferNoop => Some(Verb::Noop),
            Self::Quit => Some(Verb::Quit),
        }
    }

    /// Whether the machine sent it by itself, and nobody waits for the reply.
    fn is_own(self) -> bool {
        matches!(self, Self::KeepAlive(_) | Self::Ahead(_))
    }
}

/// One reply that is owed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited {
    pub(super) purpose: Purpose,
    /// The position in the output behind the command's last byte.
    output_end: u64,
    /// The position in the input when that byte was written: an answer begins there or later.
    mark: Option<u64>,
    /// When the server could last be said to have begun to owe this reply.
    since: Instant,
    /// How many preliminary replies to it came.
    preliminary: usize,
}

impl Awaited {
    /// Whether this reply is one preliminary reply too many.
    pub(super) fn is_exhausted_by(&self, reply: ReplyRef<'_>, limits: &Limits) -> bool {
        reply.code().class() == Class::Preliminary && self.preliminary >= limits.preliminary_replies
    }
}

/// All replies that are owed, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    queue: VecDeque<Awaited>,
}

impl Outstanding {
    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Nothing is owed any more.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Which reply answers which command of a transfer cannot be told any more.
    pub(super) fn forget_order(&mut self) {
        for awaited in &mut self.queue {
            if let Purpose::Transfer(_) | Purpose::TransferNoop | Purpose::Ahead(_) =
                awaited.purpose
            {
                awaited.purpose = Purpose::Transfer(None);
            }
        }
    }

    /// How many answers to `NOOP`s of a transfer are owed.
    pub(super) fn transfer_noops(&self) -> usize {
        self.noops().count()
    }

    fn noops(&self) -> impl Iterator<Item = usize> {
        let positions = self.queue.iter().enumerate();
        positions
            .filter(|(_, awaited)| awaited.purpose == Purpose::TransferNoop)
            .map(|(at, _)| at)
    }

    /// Takes the oldest `NOOP` of a transfer, if a reply that begins at `start` can be its answer.
    pub(super) fn noop_answered(&mut self, start: u64) -> Option<Awaited> {
        let at = self.noops().next()?;
        if self.queue.get(at)?.mark? > start {
            return None;
        }
        self.queue.remove(at)
    }

    /// Takes the oldest one that is no `NOOP` of a transfer, if a reply that begins at `start` can be
    /// its answer. No such `NOOP` stands before it: they are sent after it.
    pub(super) fn other_answered(&mut self, start: u64, now: Instant) -> Option<Awaited> {
        match self.queue.front()?.purpose {
            Purpose::TransferNoop => None,
            _ => self.answered(start, now),
        }
    }

    fn ahead(&self) -> Option<usize> {
        let is_it = |awaited: &Awaited| matches!(awaited.purpose, Purpose::Ahead(_));
        self.queue.iter().position(is_it)
    }

    /// Whether the reply is owed to what was sent for the next transfer.
    pub(super) fn is_ahead_owed(&self) -> bool {
        self.ahead().is_some()
    }

    /// Takes that one, if a reply that begins at `start` can be its answer.
    pub(super) fn ahead_answered(&mut self, start: u64) -> Option<Awaited> {
        let at = self.ahead()?;
        if self.queue.get(at)?.mark? > start {
            return None;
        }
        self.queue.remove(at)
    }

    /// Those that the application knows of.
    pub(super) fn commands(&self) -> usize {
        let queue = self.queue.iter();
        queue.filter(|awaited| !awaited.purpose.is_own()).count()
    }

    /// Whether the final reply to this command is owed.
    pub(super) fn holds(&self, command: CommandId) -> bool {
        let is_it = |purpose| matches!(purpose, Purpose::Command { id, .. } if id == command);
        self.queue.iter().any(|awaited| is_it(awaited.purpose))
    }

    /// The position in the output behind the machine's own `NOOP`, while its reply is owed. It is
    /// sent only when nothing else is owed, so it is the oldest.
    pub(super) fn keep_alive(&self) -> Option<u64> {
        let awaited = self.queue.front()?;
        matches!(awaited.purpose, Purpose::KeepAlive(_)).then_some(awaited.output_end)
    }

    /// Since when nothing is waited for but the reply to `QUIT`, and perhaps to what the machine sent
    /// by itself before it.
    pub(super) fn only_quit(&self) -> Option<Instant> {
        let last = self.queue.back()?;
        let mut purposes = self.queue.iter().map(|awaited| awaited.purpose);
        let others = |purpose: Purpose| purpose != Purpose::Quit && !purpose.is_own();
        (last.purpose == Purpose::Quit && !purposes.any(others)).then_some(last.since)
    }

    /// A command was queued; its last byte stands before `output_end`.
    pub(super) fn queued(&mut self, purpose: Purpose, output_end: u64, now: Instant) {
        self.queue.push_back(Awaited {
            purpose,
            output_end,
            mark: None,
            since: now,
            preliminary: 0,
        });
    }

    /// A reply is owed for the connection alone, from `mark` on.
    pub(super) fn greeting(&mut self, mark: u64, now: Instant) {
        self.queue.push_back(Awaited {
            purpose: Purpose::Greeting,
            output_end: 0,
            mark: Some(mark),
            since: now,
            preliminary: 0,
        });
    }

    /// The output was written up to `output`, when the input ended at `input`. Returns whether
    /// that completed a command.
    pub(super) fn written(&mut self, output: u64, input: u64, now: Instant) -> bool {
        let mut completed = false;
        for awaited in &mut self.queue {
            if awaited.mark.is_none() && awaited.output_end <= output {
                awaited.mark = Some(input);
                awaited.since = now;
                completed = true;
            }
        }
        completed
    }

    /// Takes the oldest one, if a reply that begins at `start` can be its answer.
    pub(super) fn answered(&mut self, start: u64, now: Instant) -> Option<Awaited> {
        if self.queue.front()?.mark? > start {
            return None;
        }
        let answered = self.queue.pop_front();
        if let Some(next) = self.queue.front_mut() {
            next.since = next.since.max(now);
        }
        answered
    }

    /// The reply was none to it after all.
    pub(super) fn not_answered(&mut self, awaited: Awaited) {
        self.queue.push_front(awaited);
    }

    /// The reply was preliminary; another is owed from now on.
    pub(super) fn still_open(&mut self, awaited: Awaited, now: Instant) {
        self.queue.push_front(Awaited {
            since: now,
            preliminary: awaited.preliminary.saturating_add(1),
            ..awaited
        });
    }

    /// Until when the oldest one must be answered.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<(Instant, Timeout)> {
        let awaited = self.queue.front()?;
        awaited.mark?;
        Some(match awaited.purpose {
            Purpose::Greeting => (awaited.since + timeouts.greeting, Timeout::Greeting),
            _ => (awaited.since + timeouts.reply, Timeout::Reply),
        })
    }
}
