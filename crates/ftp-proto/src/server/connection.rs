//! The server connection machine.

use super::*;
use crate::wire::Reply;
use crate::{Action, Instant, Machine, Securable, TlsSession, TlsSwitch};
use alloc::sync::Arc;

/// The server's machine for one control connection, from greeting to close.
#[derive(Debug)]
pub struct Connection {
    _config: Arc<Config>,
}

impl Connection {
    /// Starts at `now`, when the transport was accepted, with the greeting (after the handshake, under implicit TLS).
    pub fn new(config: Arc<Config>, _now: Instant) -> Self {
        Self { _config: config }
    }

    /// Starts with a 120 in place of the greeting, which [`ready`](Self::ready) sends later.
    pub fn new_delayed(config: Arc<Config>, _now: Instant, _reply: Reply) -> Self {
        Self { _config: config }
    }

    /// Says 421 with this text, and closes: over a limit, or blocked.
    pub fn refused(config: Arc<Config>, _now: Instant, _text: &str) -> Self {
        Self { _config: config }
    }

    /// Sends the greeting that [`new_delayed`](Self::new_delayed) held back.
    pub fn ready(&mut self, _now: Instant) {
        todo!()
    }

    /// Where the connection is in its life.
    pub fn state(&self) -> State {
        todo!()
    }

    /// The TLS session in force.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        todo!()
    }

    /// Whether data connections are to be protected: PROT P in force.
    pub fn is_data_protected(&self) -> bool {
        todo!()
    }

    /// Answers an attempt.
    pub fn decide(&mut self, _now: Instant, _verdict: Verdict) -> Result<(), Misuse> {
        todo!()
    }

    /// Answers an account attempt.
    pub fn decide_account(
        &mut self,
        _now: Instant,
        _verdict: AccountVerdict,
    ) -> Result<(), Misuse> {
        todo!()
    }

    /// A 1yz reply to a request, which stays open.
    pub fn preliminary(
        &mut self,
        _now: Instant,
        _request: RequestId,
        _reply: &Reply,
    ) -> Result<(), Misuse> {
        todo!()
    }

    /// The final reply to a request.
    pub fn reply(
        &mut self,
        _now: Instant,
        _request: RequestId,
        _reply: &Reply,
    ) -> Result<(), Misuse> {
        todo!()
    }

    /// 502 to a request.
    pub fn not_implemented(&mut self, _now: Instant, _request: RequestId) -> Result<(), Misuse> {
        todo!()
    }

    /// 421 with this text as soon as the reply under way is written, then close.
    pub fn shutdown(&mut self, _now: Instant, _text: &str) {
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
