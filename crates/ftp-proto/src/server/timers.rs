//! All timers of a server connection.

use core::time::Duration;

use super::state::State;
use super::{ClosedWhy, Connection, replies};
use crate::Instant;

/// `duration` after `instant`.
#[allow(clippy::arithmetic_side_effects)] // Saturates.
pub(super) fn after(instant: Instant, duration: Duration) -> Instant {
    instant + duration
}

/// The timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The peer must have taken what is being written.
    Write,
    /// A reply is due: to an attempt, or to a transfer that has no data connection.
    Answer,
    /// The TLS switch must be done.
    Handshake,
    /// The first command must have come.
    FirstCommand,
    /// The user must be logged in.
    Login,
    /// The next command must have come.
    Idle,
    /// The application must have answered.
    Application,
}

impl Timer {
    const ALL: [Self; 7] = [
        Self::Write,
        Self::Answer,
        Self::Handshake,
        Self::FirstCommand,
        Self::Login,
        Self::Idle,
        Self::Application,
    ];
}

/// When each running timer ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = Some(at);
        }
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = None;
        }
    }

    pub(super) fn is_running(&self, timer: Timer) -> bool {
        self.0.get(timer as usize).is_some_and(Option::is_some)
    }

    /// When the next timer ends.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Removes the timer that ended first, if one has ended. If two ended together, the write timer
    /// goes first: a peer that does not read gets no reply.
    pub(super) fn take_ended(&mut self, now: Instant) -> Option<Timer> {
        let (timer, _) = Timer::ALL
            .into_iter()
            .zip(self.0.iter().copied())
            .filter_map(|(timer, at)| Some((timer, at?)))
            .filter(|(_, at)| *at <= now)
            .min_by_key(|(_, at)| *at)?;
        self.stop(timer);
        Some(timer)
    }

    /// Stops all timers except the write timer: the connection is closing.
    pub(super) fn keep_write_only(&mut self) {
        for timer in Timer::ALL {
            if timer != Timer::Write {
                self.stop(timer);
            }
        }
    }
}

impl Connection {
    /// Advances the time to `now`: what was due before happens first.
    pub(super) fn pass_time(&mut self, now: Instant) {
        self.context.now = self.context.now.max(now);
        while let Some(timer) = self.context.timers.take_ended(self.context.now) {
            self.ended(timer);
        }
    }

    fn ended(&mut self, timer: Timer) {
        match timer {
            Timer::Write => self.context.give_up_writing(),
            Timer::Answer => return self.transition(State::answer_due),
            Timer::Handshake => self.context.end_silently(ClosedWhy::HandshakeTimeout),
            Timer::FirstCommand => {
                self.end(&replies::NO_COMMAND_IN_TIME, ClosedWhy::FirstCommandTimeout);
            }
            Timer::Login => self.end(&replies::NO_LOGIN_IN_TIME, ClosedWhy::LoginTimeout),
            Timer::Idle => self.end(&replies::IDLE, ClosedWhy::IdleTimeout),
            Timer::Application => {
                if !self.has_moved() {
                    self.end(&replies::NO_ANSWER, ClosedWhy::ApplicationTimeout);
                }
            }
        }
        self.settle();
    }
}
