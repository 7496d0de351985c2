//! How a data connection is driven: bytes and time in, actions out.

use alloc::sync::Arc;
use core::mem::take;

use super::connection::{Codec, Phase};
use super::{Connection, Direction, Error, Event};
use crate::server::Resumption;
use crate::{Action, Instant, Machine, Securable, TlsSession, TlsSwitch};

impl Machine for Connection {
    type Event = Event;
    type Error = Error;

    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
        if self.phase == Phase::StartTls {
            if self.starts_at.is_some() {
                let deadline = self.starts_at;
                return Ok(Action::Wait { deadline });
            }
            self.phase = Phase::Handshake;
            self.since = self.now;
            return Ok(Action::Event(Event::StartTls));
        }
        if take(&mut self.news.is_established)
            && let Some(tls) = &self.tls
        {
            return Ok(Action::Event(Event::TlsEstablished(Arc::clone(tls))));
        }
        if take(&mut self.news.is_readable) {
            return Ok(Action::Event(Event::Readable));
        }
        if take(&mut self.news.is_writable) {
            return Ok(Action::Event(Event::Writable));
        }
        let deadline = self.deadline();
        Ok(match (self.phase, self.direction()) {
            (Phase::Over(result), _) => return result.map(|()| Action::Closed),
            (Phase::StartTls | Phase::Handshake, _) => Action::Wait { deadline },
            (Phase::Open, _) if self.is_early => Action::Wait { deadline },
            (Phase::Closing, _) => Action::Read { deadline },
            (Phase::Open, Direction::Receive) if self.queue.is_empty() => Action::Read { deadline },
            // A refusal ends the connection.
            (Phase::Open, Direction::Send) if self.hold_until.is_some() => {
                Action::Read { deadline }
            }
            (Phase::Open, _) if self.queue.is_passing() => Action::Wait { deadline },
            (Phase::Open, Direction::Send) if !self.queue.is_empty() => Action::Write {
                bytes: self.queue.waiting(),
                deadline,
            },
            (Phase::Open, _) if self.is_finished && self.hold_until.is_none() => {
                Action::Shutdown { deadline }
            }
            (Phase::Open, _) => Action::Wait { deadline },
        })
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.pass_time(now);
        match (self.phase, self.direction()) {
            (Phase::StartTls, _) => 0,
            (Phase::Handshake, _) => {
                if !bytes.is_empty() {
                    // In clear, from anyone.
                    self.end(Err(Error::CutOff));
                }
                bytes.len()
            }
            (Phase::Open, _) if self.is_early => 0,
            (Phase::Open, Direction::Receive) => self.take_in(bytes),
            _ => bytes.len(),
        }
    }

    fn received_eof(&mut self, now: Instant) {
        self.pass_time(now);
        match (self.phase, self.direction()) {
            (Phase::StartTls | Phase::Handshake, _) => self.end(Err(Error::CutOff)),
            (Phase::Open, _) if self.is_early => self.end(Err(Error::CutOff)),
            (Phase::Open, Direction::Receive) => self.end_of_bytes(),
            (Phase::Closing, _) => self.end(Ok(())),
            // It is refused before anything was sent.
            (Phase::Open, Direction::Send) if self.hold_until.is_some() => {
                self.end(Err(Error::CutOff));
            }
            (Phase::Open, Direction::Send) | (Phase::Over(_), _) => {}
        }
    }

    fn cut_off(&mut self, now: Instant) {
        self.pass_time(now);
        let is_end = self.held.plan().lenient_end && self.tls.is_some();
        match (self.phase, self.direction()) {
            (Phase::Open, Direction::Receive) if is_end => self.end_of_bytes(),
            (Phase::Closing, _) => self.end(Ok(())),
            (Phase::Over(_), _) => {}
            _ => self.end(Err(Error::CutOff)),
        }
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        self.advance(now);
        if (self.phase, self.direction()) == (Phase::Open, Direction::Send) {
            let count = self.queue.consume(count);
            if count > 0 {
                self.moved_more(count);
                self.news.is_writable = self.queue.is_empty() && !self.is_finished;
            }
        }
        self.keep_deadline(now);
    }

    fn shut_down(&mut self, now: Instant) {
        self.advance(now);
        if self.phase == Phase::Open && self.is_finished && self.queue.is_empty() {
            self.phase = Phase::Closing;
            self.since = self.now;
        }
        self.keep_deadline(now);
    }

    fn timed_out(&mut self, now: Instant) {
        self.pass_time(now);
    }
}

impl Securable for Connection {
    fn tls_switch(event: &Event) -> Option<TlsSwitch> {
        match event {
            Event::StartTls => Some(TlsSwitch::Start),
            _ => None,
        }
    }

    fn tls_started(&mut self, now: Instant, session: TlsSession) {
        self.advance(now);
        if self.phase == Phase::Handshake {
            self.phase = Phase::Open;
            self.since = self.now;
            let is_full = !session.resumed && self.direction() == Direction::Send;
            let hold = self.held.plan().hold.filter(|_| is_full);
            self.hold_until = hold.map(|hold| self.now + hold);
            self.tls = Some(Arc::new(session));
            self.news.is_established = true;
            if !self.is_early {
                self.check_resumption();
            }
        }
        self.keep_deadline(now);
    }

    fn may_resume(&self) -> bool {
        self.held.plan().resumption != Resumption::Off
    }

    fn must_resume(&self) -> bool {
        self.held.plan().resumption == Resumption::Require
    }

    /// TLS is never stopped.
    fn tls_stopped(&mut self, now: Instant) {
        self.pass_time(now);
    }
}

impl Connection {
    /// Does what was due by now.
    pub(super) fn pass_time(&mut self, now: Instant) {
        self.advance(now);
        self.keep_deadline(now);
    }

    /// It is as late as this. Calls of the application do no more: a driver that was not run for long may still find
    /// that something has come, or that the transport takes more. What the transport did counts first, too.
    pub(super) fn advance(&mut self, now: Instant) {
        self.passed_by(now);
        self.now = self.now.max(now);
        if self.starts_at.is_some_and(|at| at <= self.now) {
            self.starts_at = None;
        }
        if self.phase == Phase::Open && self.hold_until.is_some_and(|until| until <= self.now) {
            self.hold_until = None;
            self.since = self.now;
            self.news.is_writable = true;
        }
    }

    /// What comes is judged by when it came, though the application has told a later time since.
    fn keep_deadline(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        self.end(match self.phase {
            Phase::StartTls | Phase::Handshake => Err(Error::Handshake),
            Phase::Open => Err(Error::Stalled),
            // All was sent.
            Phase::Closing => Ok(()),
            Phase::Over(result) => result,
        });
    }

    /// None while it is the application's turn.
    fn deadline(&self) -> Option<Instant> {
        if let (Phase::Open, Some(until)) = (self.phase, self.hold_until) {
            return Some(until);
        }
        if self.is_early && self.phase == Phase::Open {
            // The deadlines of the control connection run.
            return None;
        }
        let timeouts = &self.held.plan().timeouts;
        let time = match (self.phase, self.direction()) {
            (Phase::StartTls | Phase::Handshake, _) => timeouts.handshake,
            (Phase::Open, Direction::Receive) if self.queue.is_empty() => timeouts.stall,
            (Phase::Open, Direction::Send) if !self.queue.is_empty() || self.is_finished => {
                timeouts.stall
            }
            (Phase::Closing, _) => timeouts.close,
            (Phase::Open | Phase::Over(_), _) => return None,
        };
        Some(self.since + time)
    }

    /// Before the first byte: whoever it is may not be the client.
    pub(super) fn check_resumption(&mut self) {
        let is_resumed = self.tls.as_ref().is_some_and(|tls| tls.resumed);
        if self.must_resume() && !is_resumed {
            self.end(Err(Error::NotResumed));
        }
    }

    fn take_in(&mut self, bytes: &[u8]) -> usize {
        let room = match self.codec {
            Codec::Decode {
                is_holding: true, ..
            } => self.queue.room().saturating_sub(1),
            _ => self.queue.room(),
        };
        let taken = bytes.get(..room).unwrap_or(bytes);
        if !bytes.is_empty() {
            self.is_withholding = taken.len() < bytes.len();
        }
        if !taken.is_empty() {
            let was_empty = self.queue.is_empty();
            self.codec.convert(taken, &mut self.queue);
            self.moved_more(taken.len());
            self.news.is_readable |= was_empty && !self.queue.is_empty();
        }
        taken.len()
    }

    fn end_of_bytes(&mut self) {
        // What was not taken is lost: it cannot be offered again behind the end.
        if self.is_withholding {
            return self.end(Err(Error::CutOff));
        }
        let was_empty = self.queue.is_empty();
        self.codec.finish(&mut self.queue);
        self.news.is_readable |= was_empty && !self.queue.is_empty();
        self.end(Ok(()));
    }

    fn end(&mut self, result: Result<(), Error>) {
        self.phase = Phase::Over(result);
        self.news.is_writable = false;
    }
}
