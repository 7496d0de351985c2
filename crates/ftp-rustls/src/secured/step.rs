//! What happens next, layer by layer.

use ftp_proto::{Action, Securable, TlsSwitch};

use super::Secured;
use super::layer::{EndOfInput, Ending, Failure, Layer, Role, Step, Wish};
use crate::TlsPhase;
use crate::tunnel::Tunnel;

impl<M: Securable> Secured<M> {
    pub(super) fn step(&mut self) -> Step<M::Event> {
        match self.layer {
            Layer::Clear => self.step_clear(),
            Layer::Handshake { .. } => self.step_handshake(),
            Layer::Established(_) => self.step_established(),
            Layer::Stopping(_) => self.step_stopping(),
            Layer::Ending { .. } => self.step_ending(),
        }
    }

    fn step_clear(&mut self) -> Step<M::Event> {
        match self.wish() {
            Wish::Event(event) => match M::tls_switch(&event) {
                Some(TlsSwitch::Start) => self.start(),
                Some(TlsSwitch::Stop) => self.machine.tls_stopped(self.now),
                None => return Step::Event(event),
            },
            Wish::Read if self.tell_end_of_input() => {}
            // The machine said all that there is to say.
            Wish::Read => return Step::Read,
            Wish::Wait => return Step::Wait,
            Wish::Write | Wish::Over => return Step::PassThrough,
        }
        Step::Again
    }

    fn step_handshake(&mut self) -> Step<M::Event> {
        match self.wish() {
            Wish::Event(event) => return pass_event::<M>(event),
            Wish::Over => return self.end(),
            // What the machine wants to write or read is for the time when TLS is up.
            Wish::Write | Wish::Read | Wish::Wait => {}
        }
        let Layer::Handshake { tunnel, since, .. } = &self.layer else {
            return Step::Again;
        };
        if !tunnel.unsent().is_empty() {
            return Step::Write;
        }
        if tunnel.is_agreed() {
            let mut session = tunnel.session(self.role.requested_name());
            let taken = self.now.since_start().saturating_sub(since.since_start());
            session.handshake_time = Some(taken);
            if let Layer::Handshake { tunnel, .. } = self.take_layer() {
                self.layer = Layer::Established(tunnel);
            }
            self.machine.tls_started(self.now, session);
            return Step::Again;
        }
        if self.end_of_input == EndOfInput::Seen {
            self.layer = Layer::failing(None, Failure::HandshakeEof);
            return Step::Again;
        }
        Step::Read
    }

    fn step_established(&mut self) -> Step<M::Event> {
        let wish = match self.wish() {
            Wish::Event(event) => match M::tls_switch(&event) {
                Some(TlsSwitch::Stop) => return self.stop(),
                _ => return pass_event::<M>(event),
            },
            Wish::Over => return self.end(),
            wish => wish,
        };
        let Layer::Established(tunnel) = &mut self.layer else {
            return Step::Again;
        };
        if !tunnel.unsent().is_empty() {
            return Step::Write;
        }
        match wish {
            Wish::Write => self.encrypt(),
            Wish::Read if !tunnel.plaintext().is_empty() => match self.offer_plaintext() {
                // Asked for and refused: only the application or time can help.
                0 => Step::Wait,
                _ => Step::Again,
            },
            Wish::Read if tunnel.is_closed_by_peer() => {
                if self.end_of_input == EndOfInput::Told {
                    return Step::Wait;
                }
                self.end_of_input = EndOfInput::Seen;
                self.tell_end_of_input();
                Step::Again
            }
            Wish::Read => self.read_unless_ended(),
            Wish::Wait | Wish::Event(_) | Wish::Over => Step::Wait,
        }
    }

    fn step_stopping(&mut self) -> Step<M::Event> {
        match self.wish() {
            Wish::Event(event) => return pass_event::<M>(event),
            Wish::Over => return self.end(),
            Wish::Write | Wish::Read | Wish::Wait => {}
        }
        let Layer::Stopping(tunnel) = &mut self.layer else {
            return Step::Again;
        };
        if !tunnel.unsent().is_empty() {
            return Step::Write;
        }
        if !tunnel.plaintext().is_empty() {
            return match self.offer_plaintext() {
                0 => Step::Wait,
                _ => Step::Again,
            };
        }
        if tunnel.is_closed_by_peer() {
            self.layer = Layer::Clear;
            self.machine.tls_stopped(self.now);
            return Step::Again;
        }
        self.read_unless_ended()
    }

    fn step_ending(&mut self) -> Step<M::Event> {
        if let Layer::Ending {
            ending: Ending::Failing(_),
            ..
        } = self.layer
        {
            let wish = self.wish();
            if let Wish::Event(event) = wish {
                return pass_event::<M>(event);
            }
            self.deadline = self.latest_deadline;
            if let Layer::Ending {
                tunnel,
                ending: Ending::Failing(failure),
            } = self.take_layer()
            {
                // What ended the machine came before what ended TLS.
                let ending = match wish {
                    Wish::Over => Ending::Machine,
                    _ => Ending::Failed(failure),
                };
                self.layer = Layer::Ending { tunnel, ending };
            }
        }
        match &mut self.layer {
            Layer::Ending {
                tunnel: Some(tunnel),
                ..
            } if !tunnel.unsent().is_empty() => Step::Write,
            Layer::Ending { tunnel, .. } => {
                *tunnel = None;
                Step::Over
            }
            _ => Step::Again,
        }
    }

    /// What the machine wants, and by when.
    fn wish(&mut self) -> Wish<M::Event> {
        let (wish, deadline) = match self.machine.poll() {
            Ok(Action::Event(event)) => return Wish::Event(event),
            Ok(Action::Write { deadline, .. }) => (Wish::Write, deadline),
            Ok(Action::Read { deadline }) => (Wish::Read, deadline),
            Ok(Action::Wait { deadline }) => (Wish::Wait, deadline),
            Ok(Action::Closed) | Err(_) => {
                // Our own last words need a bound even where the machine had set none just now.
                self.deadline = self.latest_deadline;
                return Wish::Over;
            }
        };
        self.deadline = deadline;
        self.latest_deadline = deadline.or(self.latest_deadline);
        wish
    }

    fn start(&mut self) {
        let tunnel = match &self.role {
            Role::Client(tls) => Tunnel::client(tls).map(|tunnel| (tunnel, false)),
            Role::Server(config) => Tunnel::server(config).map(|tunnel| (tunnel, true)),
            Role::Clear => {
                self.layer = Layer::failing(None, Failure::NoTlsConfiguration);
                return;
            }
        };
        self.layer = match tunnel {
            Ok((tunnel, hello_sent)) => Layer::Handshake {
                tunnel: Box::new(tunnel),
                hello_sent,
                since: self.now,
            },
            Err(source) => {
                Layer::failing(None, Failure::tls(TlsPhase::Handshake, source, &self.role))
            }
        };
    }

    fn stop(&mut self) -> Step<M::Event> {
        if let Layer::Established(mut tunnel) = self.take_layer() {
            tunnel.close();
            self.layer = Layer::Stopping(tunnel);
        }
        Step::Again
    }

    /// The machine is over: a `close_notify`, and then what the machine says.
    fn end(&mut self) -> Step<M::Event> {
        let tunnel = match self.take_layer() {
            // The peer knows nothing of TLS yet; an alert would be noise in a clear stream.
            Layer::Clear
            | Layer::Handshake {
                hello_sent: false, ..
            } => None,
            Layer::Handshake { mut tunnel, .. }
            | Layer::Established(mut tunnel)
            | Layer::Stopping(mut tunnel) => {
                tunnel.close();
                Some(tunnel)
            }
            Layer::Ending { tunnel, .. } => tunnel,
        };
        self.layer = Layer::Ending {
            tunnel,
            ending: Ending::Machine,
        };
        Step::Again
    }

    /// TLS failed. The alert that says so is in the tunnel already.
    fn fail(&mut self, source: rustls::Error) {
        let (during, tunnel) = match self.take_layer() {
            Layer::Handshake { tunnel, .. } => (TlsPhase::Handshake, tunnel),
            Layer::Established(tunnel) => (TlsPhase::Session, tunnel),
            Layer::Stopping(tunnel) => (TlsPhase::Close, tunnel),
            // There is no TLS to fail.
            other @ (Layer::Clear | Layer::Ending { .. }) => {
                self.layer = other;
                return;
            }
        };
        self.layer = Layer::failing(Some(tunnel), Failure::tls(during, source, &self.role));
    }

    fn encrypt(&mut self) -> Step<M::Event> {
        let Layer::Established(tunnel) = &mut self.layer else {
            return Step::Again;
        };
        // The same write as before: nothing has happened in between.
        if let Ok(Action::Write { bytes, .. }) = self.machine.poll()
            && let Err(source) = tunnel.encrypt(bytes)
        {
            self.fail(source);
        }
        Step::Again
    }

    /// Hands over what is decrypted; returns how much the machine took.
    fn offer_plaintext(&mut self) -> usize {
        let (Layer::Established(tunnel) | Layer::Stopping(tunnel)) = &mut self.layer else {
            return 0;
        };
        let plaintext = tunnel.plaintext();
        if plaintext.is_empty() {
            return 0;
        }
        let taken = self
            .machine
            .received(self.now, plaintext)
            .min(plaintext.len());
        tunnel.consume_plaintext(taken);
        taken
    }

    fn read_unless_ended(&mut self) -> Step<M::Event> {
        if self.tell_end_of_input() {
            return Step::Again;
        }
        match self.end_of_input {
            EndOfInput::NotSeen => Step::Read,
            // Nothing can come any more.
            EndOfInput::Seen | EndOfInput::Told => Step::Wait,
        }
    }

    /// Tells the machine, once, if the input has ended.
    fn tell_end_of_input(&mut self) -> bool {
        if self.end_of_input != EndOfInput::Seen {
            return false;
        }
        self.end_of_input = EndOfInput::Told;
        self.machine.received_eof(self.now);
        true
    }

    fn take_layer(&mut self) -> Layer {
        core::mem::replace(&mut self.layer, Layer::Clear)
    }

    /// Takes records one by one, as long as nothing that they hold is left over.
    pub(super) fn receive_records(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        while let Some(rest) = bytes.get(taken..)
            && !rest.is_empty()
        {
            let Some(tunnel) = self.layer.receiving() else {
                break;
            };
            match tunnel.receive(rest) {
                Ok(count) => taken = taken.saturating_add(count),
                Err(source) => {
                    self.fail(source);
                    // It is over; nothing behind the fault matters to anyone.
                    return bytes.len();
                }
            }
            self.offer_plaintext();
        }
        taken
    }
}

/// Events pass; a switch that makes no sense at this point does not.
fn pass_event<M: Securable>(event: M::Event) -> Step<M::Event> {
    match M::tls_switch(&event) {
        Some(_) => Step::Again,
        None => Step::Event(event),
    }
}
