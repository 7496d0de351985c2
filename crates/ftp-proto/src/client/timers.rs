//! All timers of a client connection: when each ends follows from what it waits for, and is not kept.

use super::state::State;
use super::{Connection, Error, Timeout};
use crate::Instant;

/// What a timer is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timer {
    /// The peer must have taken, said or done something.
    Fatal(Timeout),
    /// A line with a foreign code was the end of its reply.
    ForeignEnd,
    /// Nothing went either way for as long as the configuration allows, when idle or in a transfer.
    KeepAlive,
    /// What a transfer waits for did not come.
    Transfer,
    /// `QUIT` was not answered: the connection is closed all the same.
    Quit,
}

impl Connection {
    /// The next timer that ends, and when. Of two that end together the first counts.
    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        let context = &self.context;
        let timeouts = &context.settings.timeouts;
        let fatal = |at, timeout| (at, Timer::Fatal(timeout));
        let is_switching = self.state.is_switching();
        let is_heard = !is_switching && !matches!(self.state, State::Closed);
        let is_writing = !context.offered().is_empty();
        let is_idle = is_heard && !is_writing;
        let quit = match self.state {
            State::Quit(_) => context.outstanding.only_quit(),
            _ => None,
        };
        let quit = quit.map(|since| (since + timeouts.quit, Timer::Quit));
        let transfer = match &self.state {
            State::Transferring(transfer) => Some(transfer),
            _ => None,
        };
        let reply = context.outstanding.deadline(timeouts);
        let reply = reply.filter(|_| transfer.is_none_or(|transfer| transfer.is_ordinary()));
        // After `QUIT` a reply that does not come is no fault.
        let reply = reply.map(|(at, timeout)| match quit {
            Some((_, quit)) => (at, quit),
            None => fatal(at, timeout),
        });
        let timers = [
            is_writing.then(|| fatal(context.writing_since + timeouts.write, Timeout::Write)),
            quit,
            is_switching.then(|| {
                let at = self.switching_since + timeouts.handshake;
                fatal(at, Timeout::Handshake)
            }),
            is_idle
                .then(|| self.input.foreign_end_deadline())
                .flatten()
                .map(|at| (at, Timer::ForeignEnd)),
            // What is being written does not put off what was owed before.
            reply.filter(|_| is_heard),
            (is_idle && matches!(self.state, State::Ready(_)))
                .then(|| context.keep_alive_deadline())
                .flatten()
                .map(|at| (at, Timer::KeepAlive)),
            transfer
                .filter(|_| is_idle)
                .and_then(|transfer| transfer.noop_at(context))
                .map(|at| (at, Timer::KeepAlive)),
            transfer.and_then(|transfer| transfer.timer(timeouts, &context.settings.data_timeouts)),
            context.login_deadline().map(|at| fatal(at, Timeout::Login)),
        ];
        timers.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The driver told this time. What was due until then happens before what it tells besides: no
    /// input moves a deadline.
    pub(super) fn pass_time(&mut self, now: Instant) {
        if now > self.driven {
            self.keep_deadlines(now);
        }
        self.context.advance_clock(now);
    }

    pub(super) fn keep_deadlines(&mut self, now: Instant) {
        self.driven = self.driven.max(now);
        if self.due().is_none() {
            return;
        }
        // A reply that is there was in time.
        self.take_input(true);
        while let Some(timer) = self.due() {
            self.context.advance_clock(now);
            match timer {
                Timer::ForeignEnd => {
                    // The reply is whole only now.
                    self.context.last_traffic = self.context.now;
                    self.input.fell_silent();
                }
                Timer::Transfer => self.transition(|state, context| {
                    Ok(match state {
                        State::Transferring(transfer) => transfer.on_timer(context),
                        state => state,
                    })
                }),
                Timer::KeepAlive => self.transition(|state, context| {
                    Ok(match state {
                        State::Transferring(transfer) => transfer.send_noop(context),
                        state => {
                            context.send_keep_alive();
                            state
                        }
                    })
                }),
                Timer::Quit => {
                    self.context.output.clear();
                    self.enter(State::Closed);
                }
                Timer::Fatal(what) => {
                    self.context.output.clear();
                    let phase = self.phase();
                    // What was over already only gives up its last bytes.
                    if !matches!(self.state, State::Closed) {
                        self.fail(Error::timed_out(phase, what));
                    }
                }
            }
            self.take_input(true);
        }
    }

    /// The timer that has ended.
    fn due(&self) -> Option<Timer> {
        let (at, timer) = self.next_timer()?;
        (at <= self.driven).then_some(timer)
    }
}
