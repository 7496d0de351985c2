//! All timers of a client connection: when each ends follows from what it waits for, and is kept only from
//! one poll to what happens next.

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
        let mut next: Option<(Instant, Timer)> = None;
        let mut add = |at: Instant, timer| {
            if next.is_none_or(|(first, _)| at < first) {
                next = Some((at, timer));
            }
        };
        let is_switching = self.state.is_switching();
        let is_heard = !is_switching && !matches!(self.state, State::Closed);
        let is_writing = !context.offered().is_empty();
        let is_idle = is_heard && !is_writing;
        if is_writing {
            let at = context.writing_since + timeouts.write;
            add(at, Timer::Fatal(Timeout::Write));
        }
        let quit = match self.state {
            State::Quit(_) => context.outstanding.only_quit(),
            _ => None,
        };
        if let Some(since) = quit {
            add(since + timeouts.quit, Timer::Quit);
        }
        if is_switching {
            let at = self.switching_since + timeouts.handshake;
            add(at, Timer::Fatal(Timeout::Handshake));
        }
        if is_idle && let Some(at) = self.input.foreign_end_deadline() {
            add(at, Timer::ForeignEnd);
        }
        let transfer = match &self.state {
            State::Transferring(transfer) => Some(transfer),
            _ => None,
        };
        // What is being written does not put off what was owed before.
        if is_heard
            && transfer.is_none_or(|transfer| transfer.is_ordinary())
            && let Some((at, timeout)) = context.outstanding.deadline(timeouts)
        {
            // After `QUIT` a reply that does not come is no fault.
            add(at, quit.map_or(Timer::Fatal(timeout), |_| Timer::Quit));
        }
        if is_idle
            && let State::Ready(_) = self.state
            && let Some(at) = context.keep_alive_deadline()
        {
            add(at, Timer::KeepAlive);
        }
        if let Some(transfer) = transfer {
            if is_idle && let Some(at) = transfer.noop_at(context) {
                add(at, Timer::KeepAlive);
            }
            if let Some((at, timer)) = transfer.timer(timeouts, &context.settings.data_timeouts) {
                add(at, timer);
            }
        }
        if let Some(at) = context.login_deadline() {
            add(at, Timer::Fatal(Timeout::Login));
        }
        next
    }

    /// When the next timer ends. It is found once, however often the machine is polled.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        let known = self.context.next_timer;
        let next = known.unwrap_or_else(|| self.next_timer().map(|(at, _)| at));
        self.context.next_timer = Some(next);
        next
    }

    /// The driver told this time. What was due until then happens before what it tells besides: no
    /// input moves a deadline.
    pub(super) fn pass_time(&mut self, now: Instant) {
        if now > self.driven {
            match self.context.next_timer {
                Some(next) if next.is_none_or(|next| now < next) => self.driven = now,
                _ => self.keep_deadlines(now),
            }
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
