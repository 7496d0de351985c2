//! What happens next, layer by layer.

use ftp_proto::{Action, Instant, Securable, TlsSwitch};

use super::Secured;
use super::layer::{Closing, EndOfInput, Failure, NextAction, Role, TlsLayer};
use crate::TlsPhase;
use crate::sessions::ServerSessions;
use crate::tls_state::TlsState;

impl<M: Securable> Secured<M> {
    /// What is to be done next; `None` if something was done here, and it is to be asked again.
    pub(super) fn step(&mut self) -> Option<NextAction<M::Event>> {
        match self.layer {
            // What the machine wants is done without a layer.
            TlsLayer::Clear => None,
            TlsLayer::Handshake { .. } => self.step_handshake(),
            TlsLayer::Established(_) => self.step_established(),
            TlsLayer::Stopping(_) => self.step_stopping(),
            TlsLayer::Closing { .. } => self.step_closing(),
        }
    }

    /// The machine in clear asks for this.
    pub(super) fn switch(&mut self, switch: TlsSwitch) {
        match switch {
            TlsSwitch::Start => self.start(),
            TlsSwitch::Stop => self.machine.tls_stopped(self.now),
        }
    }

    fn step_handshake(&mut self) -> Option<NextAction<M::Event>> {
        match self.inner() {
            NextAction::Event(event) => return pass_event::<M>(event),
            NextAction::Over => return self.end(),
            // What the machine wants is for the time when TLS is up.
            NextAction::Write | NextAction::Read | NextAction::Wait | NextAction::Shutdown => {}
        }
        let TlsLayer::Handshake { tls, since, .. } = &self.layer else {
            return None;
        };
        let held = tls.unsent().len();
        let holds = tls.is_agreed() && self.holds_tickets(tls);
        if held > 0 && !holds {
            return Some(NextAction::Write);
        }
        if tls.is_agreed() {
            let mut session = tls.session(self.role.requested_name());
            let taken = self.now.since_start().saturating_sub(since.since_start());
            session.handshake_time = Some(taken);
            if let TlsLayer::Handshake { tls, .. } = self.take_layer() {
                self.layer = TlsLayer::Established(tls);
            }
            if let (Role::Server(_, Some(sessions)), true) = (&self.role, session.resumed) {
                sessions.accept();
            }
            self.held = if holds { held } else { 0 };
            self.machine.tls_started(self.now, session);
            return None;
        }
        if matches!(self.end_of_input, EndOfInput::Seen | EndOfInput::Cut) {
            self.layer = TlsLayer::failing(None, Failure::HandshakeEof);
            return None;
        }
        Some(NextAction::Read)
    }

    fn step_established(&mut self) -> Option<NextAction<M::Event>> {
        let inner = match self.inner() {
            NextAction::Event(event) => match M::tls_switch(&event) {
                Some(TlsSwitch::Stop) => return self.stop(),
                _ => return pass_event::<M>(event),
            },
            NextAction::Over => return self.end(),
            inner => inner,
        };
        let TlsLayer::Established(tls) = &mut self.layer else {
            return None;
        };
        if self.end_of_input == EndOfInput::Cut && tls.plaintext().is_empty() && !tls.has_more() {
            // Whoever only writes must know, too.
            self.tell_end_of_input();
            return None;
        }
        let has_ended = self.end_of_input != EndOfInput::NotSeen || tls.is_closed_by_peer();
        let is_receiving = matches!(inner, NextAction::Read | NextAction::Wait);
        if has_ended || !is_receiving || tls.unsent().len() > self.held {
            self.held = 0;
        }
        if tls.unsent().len() > self.held {
            return Some(NextAction::Write);
        }
        match inner {
            NextAction::Shutdown if tls.has_closed() => Some(NextAction::Shutdown),
            NextAction::Shutdown => {
                tls.close();
                None
            }
            NextAction::Write => self.encrypt(),
            NextAction::Read if !tls.plaintext().is_empty() => match self.offer_plaintext() {
                // Asked for and refused: only the application or time can help.
                0 => Some(NextAction::Wait),
                _ => None,
            },
            NextAction::Read if tls.has_more() => {
                self.receive_more();
                None
            }
            NextAction::Read if tls.is_closed_by_peer() => {
                if self.end_of_input == EndOfInput::Told {
                    return Some(NextAction::Wait);
                }
                self.end_of_input = EndOfInput::Seen;
                self.tell_end_of_input();
                None
            }
            NextAction::Read => self.read_unless_ended(),
            NextAction::Wait | NextAction::Event(_) | NextAction::Over => Some(NextAction::Wait),
        }
    }

    fn step_stopping(&mut self) -> Option<NextAction<M::Event>> {
        match self.inner() {
            NextAction::Event(event) => return pass_event::<M>(event),
            NextAction::Over => return self.end(),
            NextAction::Write | NextAction::Read | NextAction::Wait | NextAction::Shutdown => {}
        }
        let TlsLayer::Stopping(tls) = &mut self.layer else {
            return None;
        };
        if !tls.unsent().is_empty() {
            return Some(NextAction::Write);
        }
        if !tls.plaintext().is_empty() {
            return match self.offer_plaintext() {
                0 => Some(NextAction::Wait),
                _ => None,
            };
        }
        if tls.has_more() {
            self.receive_more();
            return None;
        }
        if tls.is_closed_by_peer() {
            self.layer = TlsLayer::Clear;
            self.machine.tls_stopped(self.now);
            return None;
        }
        self.read_unless_ended()
    }

    fn step_closing(&mut self) -> Option<NextAction<M::Event>> {
        if let TlsLayer::Closing {
            closing: Closing::Failing(_),
            ..
        } = self.layer
        {
            let inner = self.inner();
            if let NextAction::Event(event) = inner {
                return pass_event::<M>(event);
            }
            self.deadline = self.latest_deadline;
            if let TlsLayer::Closing {
                tls,
                closing: Closing::Failing(failure),
            } = self.take_layer()
            {
                // What ended the machine came before what ended TLS.
                let closing = match inner {
                    NextAction::Over => Closing::Machine,
                    _ => Closing::Failed(failure),
                };
                self.layer = TlsLayer::Closing { tls, closing };
            }
        }
        match &mut self.layer {
            TlsLayer::Closing { tls: Some(tls), .. } if !tls.unsent().is_empty() => {
                Some(NextAction::Write)
            }
            TlsLayer::Closing { tls, .. } => {
                *tls = None;
                Some(NextAction::Over)
            }
            _ => None,
        }
    }

    /// What the machine wants, and by when.
    fn inner(&mut self) -> NextAction<M::Event> {
        let (inner, deadline) = match self.machine.poll() {
            Ok(Action::Event(event)) => return NextAction::Event(event),
            Ok(Action::Write { deadline, .. }) => (NextAction::Write, deadline),
            Ok(Action::Read { deadline }) => (NextAction::Read, deadline),
            Ok(Action::Wait { deadline }) => (NextAction::Wait, deadline),
            Ok(Action::Shutdown { deadline }) => (NextAction::Shutdown, deadline),
            Ok(Action::Closed) | Err(_) => {
                // Our own last words need a bound even where the machine had set none just now.
                self.deadline = self.latest_deadline;
                return NextAction::Over;
            }
        };
        self.wants_by(deadline);
        inner
    }

    /// The machine's present action is to be done by then.
    #[inline]
    pub(super) fn wants_by(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.latest_deadline = deadline.or(self.latest_deadline);
    }

    fn start(&mut self) {
        let tls = match &mut self.role {
            Role::Client(tls, _) => TlsState::client(tls, self.is_data).map(|tls| (tls, false)),
            Role::Server(config, sessions) => {
                if sessions.is_none() {
                    let (own, own_config) = if self.is_data {
                        ServerSessions::none(config)
                    } else {
                        ServerSessions::of(config, self.machine.must_resume())
                    };
                    (*sessions, *config) = (Some(own), own_config);
                }
                TlsState::server(config, self.is_data).map(|tls| (tls, true))
            }
            Role::Clear => {
                self.layer = TlsLayer::failing(None, Failure::NoTlsConfiguration);
                return;
            }
        };
        self.layer = match tls {
            Ok((tls, hello_sent)) => TlsLayer::Handshake {
                tls: Box::new(tls),
                hello_sent,
                since: self.now,
            },
            Err(source) => {
                TlsLayer::failing(None, Failure::tls(TlsPhase::Handshake, source, &self.role))
            }
        };
    }

    fn stop(&mut self) -> Option<NextAction<M::Event>> {
        if let TlsLayer::Established(mut tls) = self.take_layer() {
            tls.close();
            self.layer = TlsLayer::Stopping(tls);
        }
        None
    }

    /// A server's tickets of TLS 1.3 come when the client may send its file already. To a client that
    /// closes its side without having read them they are a reason to reset the connection, and the rest
    /// of the file is lost: so they go out with what is sent to it, or when all has come.
    fn holds_tickets(&self, tls: &TlsState) -> bool {
        self.is_data && matches!(self.role, Role::Server(..)) && tls.is_tls13()
    }

    /// The machine is over: a `close_notify`, and then what the machine says.
    fn end(&mut self) -> Option<NextAction<M::Event>> {
        let tls = match self.take_layer() {
            // The peer knows nothing of TLS yet; an alert would be noise in a clear stream.
            TlsLayer::Clear
            | TlsLayer::Handshake {
                hello_sent: false, ..
            } => None,
            TlsLayer::Handshake { mut tls, .. }
            | TlsLayer::Established(mut tls)
            | TlsLayer::Stopping(mut tls) => {
                if self.is_data && self.machine.poll().is_err() {
                    // A `close_notify` would say that all was sent.
                    (self.held > 0).then_some(tls)
                } else {
                    tls.close();
                    Some(tls)
                }
            }
            TlsLayer::Closing { tls, .. } => tls,
        };
        self.layer = TlsLayer::Closing {
            tls,
            closing: Closing::Machine,
        };
        None
    }

    /// TLS failed. The alert that says so is in its output already.
    pub(super) fn fail(&mut self, source: rustls::Error) {
        let (during, tls) = match self.take_layer() {
            TlsLayer::Handshake { tls, .. } => (TlsPhase::Handshake, tls),
            TlsLayer::Established(tls) => (TlsPhase::Session, tls),
            TlsLayer::Stopping(tls) => (TlsPhase::Close, tls),
            // There is no TLS to fail.
            other @ (TlsLayer::Clear | TlsLayer::Closing { .. }) => {
                self.layer = other;
                return;
            }
        };
        self.layer = TlsLayer::failing(Some(tls), Failure::tls(during, source, &self.role));
    }

    fn encrypt(&mut self) -> Option<NextAction<M::Event>> {
        let TlsLayer::Established(tls) = &mut self.layer else {
            return None;
        };
        // The same write as before: nothing has happened in between.
        if let Ok(Action::Write { bytes, .. }) = self.machine.poll()
            && let Err(source) = tls.encrypt(bytes)
        {
            self.fail(source);
        }
        None
    }

    /// Hands over what is decrypted; returns how much the machine took.
    fn offer_plaintext(&mut self) -> usize {
        let (TlsLayer::Established(tls) | TlsLayer::Stopping(tls)) = &mut self.layer else {
            return 0;
        };
        let (machine, now) = (&mut self.machine, self.now);
        tls.offer_plaintext(&mut |plaintext| machine.received(now, plaintext))
    }

    fn read_unless_ended(&mut self) -> Option<NextAction<M::Event>> {
        if self.tell_end_of_input() {
            return None;
        }
        match self.end_of_input {
            EndOfInput::NotSeen => Some(NextAction::Read),
            // Nothing can come any more.
            EndOfInput::Seen | EndOfInput::Cut | EndOfInput::Told => Some(NextAction::Wait),
        }
    }

    /// Tells the machine, once, if the input has ended.
    pub(super) fn tell_end_of_input(&mut self) -> bool {
        let is_cut = match self.end_of_input {
            EndOfInput::NotSeen | EndOfInput::Told => return false,
            EndOfInput::Seen => false,
            EndOfInput::Cut => true,
        };
        self.end_of_input = EndOfInput::Told;
        match self.layer.tls_mut() {
            Some(tls) => {
                let (has_closed, closed_by_peer) = (tls.has_closed(), tls.is_closed_by_peer());
                if has_closed && is_cut {
                    // The peer has our `close_notify`: that is what the shutdown is for.
                    self.machine.shut_down(self.now);
                }
                if closed_by_peer {
                    self.machine.received_eof(self.now);
                }
                if is_cut || !closed_by_peer {
                    self.machine.cut_off(self.now);
                }
            }
            None if is_cut => self.machine.cut_off(self.now),
            None => self.machine.received_eof(self.now),
        }
        true
    }

    fn take_layer(&mut self) -> TlsLayer {
        core::mem::replace(&mut self.layer, TlsLayer::Clear)
    }

    /// Takes records one by one, as long as nothing that they hold is left over.
    pub(super) fn receive_records(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        while let Some(rest) = bytes.get(taken..)
            && !rest.is_empty()
        {
            let Some(tls) = self.layer.receiving() else {
                break;
            };
            let (machine, now) = (&mut self.machine, self.now);
            match tls.receive(rest, &mut |plaintext| machine.received(now, plaintext)) {
                Ok(count) => taken = taken.saturating_add(count),
                Err(source) => {
                    self.not_decrypted(source);
                    // It is over; nothing behind the fault matters to anyone.
                    return bytes.len();
                }
            }
        }
        taken
    }

    /// Takes the records that came before, as long as nothing that they hold is left over.
    fn receive_more(&mut self) {
        let Some(tls) = self.layer.tls_mut() else {
            return;
        };
        let (machine, now) = (&mut self.machine, self.now);
        let taken = tls.receive_more(&mut |plaintext| machine.received(now, plaintext));
        if let Err(source) = taken {
            self.not_decrypted(source);
        }
    }

    /// The peer broke TLS.
    pub(super) fn not_decrypted(&mut self, source: rustls::Error) {
        match &self.layer {
            // All that there is to say is said, and its end too: what the peer gets wrong now takes
            // nothing from it.
            TlsLayer::Established(tls) if tls.is_closing() => self.end_of_input = EndOfInput::Cut,
            _ => self.fail(source),
        }
    }
}

/// Events pass; a switch that makes no sense at this point does not.
fn pass_event<M: Securable>(event: M::Event) -> Option<NextAction<M::Event>> {
    match M::tls_switch(&event) {
        Some(_) => None,
        None => Some(NextAction::Event(event)),
    }
}
