//! TLS as a machine around a machine.
//!
//! This file has the type and its driver's view. `step` decides what happens next, with a function
//! for each layer of `layer`; `past` is the short way of a file's bytes; TLS itself is in
//! `crate::tls_state`.

mod layer;
mod past;
mod step;

use std::sync::Arc;

use ftp_proto::{Action, Instant, Machine, Securable};
use rustls::ServerConfig;

use self::layer::{Closing, EndOfInput, Failure, NextAction, Role, TlsLayer};
use crate::sessions::ClientSessions;
use crate::{ClientTls, Error};

/// A machine with TLS around it: one type for clear, explicit and implicit connections of either
/// side, so that one driver serves all.
///
/// It starts in clear. When the machine inside asks for TLS, it does the handshake, reports what
/// was agreed, and then encrypts what the machine writes and decrypts what it reads. When the
/// machine asks to leave TLS (`CCC`, RFC 4217 §12.3), it exchanges `close_notify` alerts and is in
/// clear again. It consumes the two events that ask for this, and passes all others on.
///
/// * **Deadlines** are those of the machine inside, for handshake records, ciphertext and alerts
///   too.
/// * **Order**: nothing is read while something is unsent. No error or end is reported before the
///   bytes that must precede it, such as an alert, are sent or their deadline has passed.
/// * **Injection**: what arrives before a client's ClientHello is sent was not protected; it goes
///   to the machine inside, which refuses it. Nothing after a `close_notify` is taken as TLS.
/// * **End**: a peer's `close_notify` is the end of input to the machine inside. A transport that
///   ends without one has [cut it off](Machine::cut_off). To a control connection that is the same:
///   replies and commands mark their own end, so a cut is noticed; and many FTP servers never send
///   `close_notify`. During the handshake it is [`Error::HandshakeEof`].
/// * **Shutdown**: where the machine inside asks for it, a `close_notify` goes first. What the peer
///   says afterwards is still read.
/// * **Memory**: of the peer's bytes it keeps one record (16 KiB) or one handshake message
///   (64 KiB) at most, and takes no more while the machine inside has not taken what is
///   decrypted. A data connection that receives [past its machine](Self::receive_past) has space for
///   82 KiB until it is [given back](Self::shrink). Of its own bytes a server encrypts 48 KiB at a time, and a
///   client 256 KiB: a client's data connection keeps as much space for them as the largest piece takes, until
///   that is given back.
#[derive(Debug)]
pub struct Secured<M> {
    machine: M,
    role: Role,
    layer: TlsLayer,
    /// The latest time known.
    now: Instant,
    /// The deadline of the machine's present action.
    deadline: Option<Instant>,
    /// The latest one that it did set; it bounds our last words when the machine is over.
    latest_deadline: Option<Instant>,
    end_of_input: EndOfInput,
    /// It is a data connection.
    is_data: bool,
    /// So many of the unsent bytes are tickets, which have time.
    held: usize,
}

impl<M: Securable> Secured<M> {
    /// A client's machine. TLS starts when the machine asks for it: behind the 234 of `AUTH TLS`,
    /// or at once for implicit TLS.
    ///
    /// It and its [data connections](Self::data) keep their TLS sessions in a store of their own, in a
    /// clone of the configuration. The store that the configuration has is not used. Control
    /// connections with the same `Arc` of a configuration resume each other's sessions of TLS 1.3 all the
    /// same; not those of TLS 1.2, since after such a login ProFTPD refuses every data connection.
    pub fn client(machine: M, tls: ClientTls) -> Self {
        let (sessions, tls) = ClientSessions::of(&tls);
        Self::new(machine, Role::Client(tls, sessions))
    }

    /// A server's machine. TLS starts when the machine asks for it.
    ///
    /// TLS uses a clone of the configuration, which knows what sessions are of this connection and its
    /// [data connections](Self::data). They stay where the configuration keeps them: by
    /// [`server_config`](crate::server_config), with the clients. No early data is taken. Where data
    /// connections [must resume](Securable::must_resume) a session, each handshake of TLS 1.3 gives out at
    /// least eight.
    pub fn server(machine: M, config: Arc<ServerConfig>) -> Self {
        Self::new(machine, Role::Server(config, None))
    }

    /// A machine of either side that will not ask for TLS. If it does,
    /// [`Error::NoTlsConfiguration`].
    pub fn clear(machine: M) -> Self {
        Self::new(machine, Role::Clear)
    }

    fn new(machine: M, role: Role) -> Self {
        Self {
            machine,
            role,
            layer: TlsLayer::Clear,
            now: Instant::START,
            deadline: None,
            latest_deadline: None,
            end_of_input: EndOfInput::NotSeen,
            is_data: false,
            held: 0,
        }
    }

    /// The machine of a data connection that belongs to this control connection: with the same role,
    /// the same configuration, the same server name, and this connection's sessions. It is put under
    /// TLS if it asks for it, whether this one is at the time or not.
    ///
    /// * A client resumes a session of this connection where it can. A ticket of TLS 1.3 is used once;
    ///   new ones come on this connection and on each data connection that is read to its end.
    /// * A server takes a session of this connection, any number of times, and no other. So
    ///   [`resumed`](ftp_proto::TlsSession::resumed) proves that the data connection belongs to this
    ///   one (RFC 4217). What it gives out on a data connection that did not resume one is not of this
    ///   connection. It takes none if the machine says so ([`Securable::may_resume`]).
    /// * A server's tickets of TLS 1.3 go out with what it sends, or when all has come: not while a client
    ///   sends a file, who may close without having read them, which resets the connection.
    /// * A machine that failed ends without `close_notify`: the peer must not take what it has for the
    ///   whole.
    ///
    /// From now on this connection, too, would resume its own sessions only; but a server's that was never under
    /// TLS has none, nor have its data connections.
    pub fn data<D: Securable>(&self, machine: D) -> Secured<D> {
        let mut role = self.role.clone();
        match &mut role {
            Role::Client(_, sessions) => sessions.close(),
            Role::Server(config, sessions) => {
                if let Some(control) = sessions.take() {
                    control.close();
                    if machine.may_resume() {
                        let (own, own_config) = control.data(config);
                        (*sessions, *config) = (Some(own), own_config);
                    }
                }
            }
            Role::Clear => {}
        }
        let mut data = Secured::new(machine, role);
        data.is_data = true;
        data.now = self.now;
        data
    }

    /// Whether one session is left that a data connection can resume, and only once (a ticket of TLS
    /// 1.3). Always `false` at a server.
    pub fn has_one_session_left(&self) -> bool {
        match &self.role {
            Role::Client(_, sessions) => sessions.has_one_left(),
            Role::Server(..) | Role::Clear => false,
        }
    }

    /// Whether no session is left that a data connection can resume. Always `false` at a server.
    pub fn has_no_session_left(&self) -> bool {
        match &self.role {
            Role::Client(_, sessions) => sessions.has_none_left(),
            Role::Server(..) | Role::Clear => false,
        }
    }

    /// The machine inside.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine inside, to call its own methods. Leave those of [`Machine`] and [`Securable`]
    /// to this type.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Gives the machine back. TLS, if there is any, is dropped without a word to the peer. If TLS
    /// failed, the machine has been [cut off](Machine::cut_off).
    pub fn into_machine(mut self) -> M {
        if let TlsLayer::Closing {
            closing: Closing::Failing(_) | Closing::Failed(_),
            ..
        } = self.layer
        {
            self.machine.cut_off(self.now);
        }
        self.machine
    }

    fn at(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// Gives time to the machine inside, or to our last words where it is over.
    fn pass_time(&mut self, now: Instant) {
        match &mut self.layer {
            TlsLayer::Closing { tls, .. } => {
                if self.deadline.is_some_and(|deadline| deadline <= now) {
                    *tls = None;
                }
            }
            _ => self.machine.timed_out(now),
        }
    }
}

impl<M: Securable> Machine for Secured<M> {
    type Event = M::Event;
    type Error = Error<M::Error>;

    fn poll(&mut self) -> Result<Action<'_, Self::Event>, Self::Error> {
        let action = loop {
            if let TlsLayer::Clear = self.layer {
                // What the machine wants is what is done, unless TLS begins with it.
                match self.machine.poll() {
                    Ok(Action::Event(event)) => match M::tls_switch(&event) {
                        Some(switch) => self.switch(switch),
                        None => return Ok(Action::Event(event)),
                    },
                    Ok(Action::Write { deadline, .. }) => {
                        self.wants_by(deadline);
                        return self.machine.poll().map_err(Error::Machine);
                    }
                    Ok(Action::Read { deadline }) => {
                        self.wants_by(deadline);
                        if !self.tell_end_of_input() {
                            return Ok(Action::Read { deadline });
                        }
                    }
                    Ok(Action::Wait { deadline }) => {
                        self.wants_by(deadline);
                        return Ok(Action::Wait { deadline });
                    }
                    Ok(Action::Shutdown { deadline }) => {
                        self.wants_by(deadline);
                        return Ok(Action::Shutdown { deadline });
                    }
                    Ok(Action::Closed) => return Ok(Action::Closed),
                    Err(error) => return Err(Error::Machine(error)),
                }
                continue;
            }
            if let Some(action) = self.step() {
                break action;
            }
        };
        let deadline = self.deadline;
        match action {
            NextAction::Event(event) => Ok(Action::Event(event)),
            NextAction::Read => Ok(Action::Read { deadline }),
            NextAction::Wait => Ok(Action::Wait { deadline }),
            NextAction::Shutdown => Ok(Action::Shutdown { deadline }),
            NextAction::Write => match self.layer.tls_mut() {
                Some(tls) => Ok(Action::Write {
                    bytes: tls.offer(),
                    deadline,
                }),
                None => self.machine.poll().map_err(Error::Machine),
            },
            NextAction::Over => match &self.layer {
                TlsLayer::Closing {
                    closing: Closing::Failing(failure) | Closing::Failed(failure),
                    ..
                } => Err(Failure::clone(failure).into()),
                _ => match self.machine.poll() {
                    Err(error) => Err(Error::Machine(error)),
                    Ok(_) => Ok(Action::Closed),
                },
            },
        }
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let now = self.at(now);
        match &self.layer {
            TlsLayer::Clear
            | TlsLayer::Handshake {
                hello_sent: false, ..
            } => return self.machine.received(now, bytes),
            // Records that hold nothing for the machine take time all the same.
            _ => self.pass_time(now),
        }
        match &self.layer {
            TlsLayer::Closing { .. } => bytes.len(),
            TlsLayer::Established(_)
                if matches!(self.end_of_input, EndOfInput::Cut | EndOfInput::Told) =>
            {
                bytes.len()
            }
            _ => self.receive_records(bytes),
        }
    }

    fn received_eof(&mut self, now: Instant) {
        let now = self.at(now);
        match self.layer {
            TlsLayer::Clear => {
                self.end_of_input = EndOfInput::Told;
                self.machine.received_eof(now);
            }
            _ => {
                self.pass_time(now);
                if self.end_of_input == EndOfInput::NotSeen {
                    self.end_of_input = EndOfInput::Seen;
                }
            }
        }
    }

    fn cut_off(&mut self, now: Instant) {
        let now = self.at(now);
        match self.layer {
            TlsLayer::Clear => {
                self.end_of_input = EndOfInput::Told;
                self.machine.cut_off(now);
            }
            _ => {
                self.pass_time(now);
                match self.end_of_input {
                    EndOfInput::Told => self.machine.cut_off(now),
                    _ => self.end_of_input = EndOfInput::Cut,
                }
            }
        }
    }

    fn shut_down(&mut self, now: Instant) {
        let now = self.at(now);
        match &self.layer {
            TlsLayer::Clear => self.machine.shut_down(now),
            TlsLayer::Established(tls) if tls.has_closed() => self.machine.shut_down(now),
            _ => self.pass_time(now),
        }
    }

    fn wrote(&mut self, now: Instant, count: usize) {
        let now = self.at(now);
        let Some(tls) = self.layer.tls_mut() else {
            if let TlsLayer::Clear = self.layer {
                self.machine.wrote(now, count);
            }
            return;
        };
        let completed = tls.sent(count);
        let all_sent = tls.unsent().is_empty();
        if let TlsLayer::Handshake { hello_sent, .. } = &mut self.layer {
            *hello_sent |= all_sent;
        }
        match (&self.layer, completed) {
            (
                TlsLayer::Handshake { .. } | TlsLayer::Established(_) | TlsLayer::Stopping(_),
                count @ 1..,
            ) => {
                self.machine.wrote(now, count);
            }
            (TlsLayer::Closing { .. }, _) => self.pass_time(now),
            // A record is under way. If the rest is not taken, that is told.
            _ => {}
        }
    }

    fn timed_out(&mut self, now: Instant) {
        let now = self.at(now);
        self.pass_time(now);
    }
}
