//! The client connection machine.

use super::{Answer, CommandId, Config, Error, Event, Login, Misuse, Phase, Session};
use crate::wire::Command;
use crate::{Action, Instant, Machine, Securable, TlsSession, TlsSwitch};
use alloc::sync::Arc;

/// The client's machine for one control connection, from greeting to close.
#[derive(Debug)]
pub struct Connection {
    _config: Config,
}

impl Connection {
    /// Starts at `now`, when the transport is connected.
    pub fn new(config: Config, _now: Instant) -> Self {
        Self { _config: config }
    }

    /// Where the connection is in its life.
    pub fn phase(&self) -> Phase {
        todo!()
    }

    /// What is known of the session, once logged in; kept up to date (protection level, TLS).
    pub fn session(&self) -> Option<&Arc<Session>> {
        todo!()
    }

    /// Answers a challenge.
    pub fn answer(&mut self, _now: Instant, _answer: Answer) -> Result<(), Misuse> {
        todo!()
    }

    /// Sends a command after login.
    pub fn send(&mut self, _now: Instant, _command: Command) -> Result<CommandId, Misuse> {
        todo!()
    }

    /// REIN: back to the start of the login with other credentials.
    pub fn reinitialize(&mut self, _now: Instant, _login: Login) -> Result<CommandId, Misuse> {
        todo!()
    }

    /// CCC
    pub fn clear_command_channel(&mut self, _now: Instant) -> Result<CommandId, Misuse> {
        todo!()
    }

    /// QUIT. Legal in every state: before login it is sent as soon as lockstep allows, or the connection just closes.
    pub fn quit(&mut self, _now: Instant) -> Result<(), Misuse> {
        todo!()
    }
}

impl Machine for Connection {
    type Event = Event;
    type Error = Error;
    fn poll(&mut self) -> Result<Action<'_, Event>, Error> {
        todo!()
    }
    fn received(&mut self, _now: Instant, _bytes: &[u8]) -> usize {
        todo!()
    }
    fn received_eof(&mut self, _now: Instant) {
        todo!()
    }
    fn wrote(&mut self, _now: Instant, _count: usize) {
        todo!()
    }
    fn timed_out(&mut self, _now: Instant) {
        todo!()
    }
}

impl Securable for Connection {
    fn tls_switch(event: &Event) -> Option<TlsSwitch> {
        match event {
            Event::StartTls => Some(TlsSwitch::Start),
            Event::StopTls => Some(TlsSwitch::Stop),
            _ => None,
        }
    }
    fn tls_started(&mut self, _now: Instant, _session: TlsSession) {
        todo!()
    }
    fn tls_stopped(&mut self, _now: Instant) {
        todo!()
    }
}
