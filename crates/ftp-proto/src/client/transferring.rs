//! A transfer under way: what the client does with each reply, and with what it hears of the data
//! connection. The table is in `transfers.md`.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;

use super::context::{Context, Resumption};
use super::login::quit;
use super::outstanding::{Awaited, Purpose};
use super::state::{Ready, State};
use super::timers::Timer;
use super::transfer::{Transfer, TransferError, TransferId, Transferred, wants_resumption};
use super::{DataMode, Error, Event, Misuse, PassiveCommand, Protection, Timeout, Timeouts};
use crate::data::{self, DataType, End, Held, Open, Plan};
use crate::ticket;
use crate::wire::{
    Class, Code, Command, CommandRef, Passive, Reply, ReplyRef, Verb, announced_length,
};
use crate::{Instant, TlsSession};

type Next = Result<State, Error>;

/// After an `ABOR`: how long nothing must come for the replies to be counted as they are.
const QUIET: Duration = Duration::from_secs(1);

/// How long the server may take to say that it begins, once the data connection stands, before it is
/// taken to have begun: some say nothing before the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a server may take to refuse a data connection whose TLS session is not resumed.
const HOLD: Duration = Duration::from_secs(1);

/// How long the server may take to say what it thinks of a data connection that broke.
const BRIEF: Duration = Duration::from_secs(2);

/// A transfer under way. What is done when the connection is ready again is in `ready`.
#[derive(Debug)]
pub(super) struct Transferring {
    ready: Ready,
    id: TransferId,
    transfer: Transfer,
    step: Step,
    data: Data,
    /// The server said that it began.
    has_begun: bool,
    announced: Option<u64>,
    passive_address: Option<SocketAddrV4>,
    /// It was refused for want of a session, and is tried for the second time.
    is_again: bool,
    /// `QUIT` is to follow.
    pub(super) quits: bool,
}

/// What the transfer waits for.
#[derive(Debug)]
enum Step {
    /// The reply to `TYPE`.
    Type,
    /// The reply to `EPSV` or `PASV`.
    Passive(Verb),
    /// The address on which the application listens.
    Listen { since: Instant },
    /// The reply to `EPRT` or `PORT`.
    Active(Verb),
    /// The data connection, to the port that the reply to this command told.
    Open(Verb),
    /// The reply to `REST`.
    Restart,
    /// The first reply to the transfer command.
    Begin { since: Instant },
    /// The final reply.
    Final,
    /// The end of the data: the final reply is there.
    DataEnd(Reply),
    /// The replies to all that was sent, because the transfer is over for us.
    Settle(Settle),
}

/// The data connection.
#[derive(Debug)]
enum Data {
    None,
    /// The ticket is given away.
    Awaited {
        ticket: ticket::Ticket,
        held: Held,
        since: Instant,
    },
    Open {
        ticket: ticket::Ticket,
        held: Held,
    },
    Ended(Ended),
}

#[derive(Debug)]
struct Ended {
    bytes: u64,
    result: Result<(), data::Error>,
    tls: Option<Arc<TlsSession>>,
    is_touched: bool,
    at: Instant,
}

/// Getting in step again.
#[derive(Debug)]
struct Settle {
    outcome: TransferError,
    /// What the server said of the transfer itself.
    reply: Option<Reply>,
    phase: SettlePhase,
}

#[derive(Debug)]
enum SettlePhase {
    /// One reply to a command that began nothing.
    LastReply,
    /// The replies to the transfer and to `ABOR`; nothing came since then.
    Abort { quiet_since: Instant },
    /// The reply to a `NOOP` sent then: who counts replies cannot tell whether one is missing.
    Probe { since: Instant },
}

impl Transferring {
    /// Begins a transfer.
    pub(super) fn start(
        ready: Ready,
        id: TransferId,
        transfer: Transfer,
        context: &mut Context,
    ) -> State {
        context.transfer = Some(id);
        let mut this = Box::new(Self {
            ready,
            id,
            transfer,
            step: Step::Type,
            data: Data::None,
            has_begun: false,
            announced: None,
            passive_address: None,
            is_again: false,
            quits: false,
        });
        let data_type = this.transfer.data_type;
        if context.data_type == Some(data_type) {
            this.open(context);
        } else {
            // Until the server has agreed it is not known.
            context.data_type = None;
            let letter: &[u8] = match data_type {
                DataType::Ascii => b"A",
                DataType::Image => b"I",
            };
            this.send(Verb::Type, Some(letter), context);
        }
        State::Transferring(this)
    }

    fn send(&self, verb: Verb, argument: Option<&[u8]>, context: &mut Context) {
        context.send(
            Purpose::Transfer(Some(verb)),
            CommandRef::known(verb, argument),
        );
    }

    /// Asks for a data connection.
    fn open(&mut self, context: &mut Context) {
        match context.settings.data_mode {
            DataMode::Active => {
                self.step = Step::Listen { since: context.now };
                context.tell(Event::Listen(self.id));
            }
            DataMode::Passive(command) => {
                let verb = match command {
                    PassiveCommand::Epsv => Verb::Epsv,
                    PassiveCommand::Pasv => Verb::Pasv,
                    PassiveCommand::Either => context.passive.unwrap_or(Verb::Epsv),
                };
                self.passive(verb, context);
            }
        }
    }

    fn passive(&mut self, verb: Verb, context: &mut Context) {
        self.send(verb, None, context);
        self.step = Step::Passive(verb);
    }

    /// `PASV`, if `EPSV` was tried and both may be; whether it was sent.
    fn falls_back(&mut self, tried: Verb, context: &mut Context) -> bool {
        let may = context.settings.data_mode == DataMode::Passive(PassiveCommand::Either);
        let falls_back = may && tried == Verb::Epsv && context.passive.is_none();
        if falls_back {
            self.passive(Verb::Pasv, context);
        }
        falls_back
    }

    /// Gives the application a ticket.
    fn issue(&mut self, open: Open, context: &mut Context) {
        let held = Held::new();
        let ticket = context.issue();
        let settings = &context.settings;
        let plan = Plan {
            direction: self.transfer.direction,
            data_type: self.transfer.data_type,
            is_protected: context.protection == Protection::Private,
            lenient_end: settings.lenience.data_end_without_close_notify,
            timeouts: settings.data_timeouts,
            // Only where it is not known what the server thinks of a full handshake.
            hold: (context.resumption == Resumption::Usual).then_some(HOLD),
        };
        self.data = Data::Awaited {
            ticket,
            held: held.clone(),
            since: context.now,
        };
        context.tell(Event::OpenData(data::Ticket {
            id: ticket,
            open,
            plan,
            held,
        }));
    }

    /// `REST` if it is needed, or the transfer command.
    fn begin(&mut self, context: &mut Context) {
        // A restart that was not used up would serve the next transfer (RFC 3659 §5.3).
        if self.transfer.offset > 0 || context.restart_left {
            let offset = format!("{}", self.transfer.offset);
            self.send(Verb::Rest, Some(offset.as_bytes()), context);
            self.step = Step::Restart;
        } else {
            self.command(context);
        }
    }

    fn command(&mut self, context: &mut Context) {
        let command = self.transfer.command.borrow();
        context.send(Purpose::Transfer(Some(command.verb())), command);
        self.step = Step::Begin { since: context.now };
    }

    /// A reply to one of the commands.
    pub(super) fn on_reply(
        mut self: Box<Self>,
        reply: ReplyRef<'_>,
        answered: Awaited,
        context: &mut Context,
    ) -> Next {
        let class = reply.code().class();
        if class == Class::Preliminary {
            context.still_open(answered);
            if let Step::Begin { .. } | Step::Final = self.step {
                self.on_begun(reply, context);
            }
            return Ok(State::Transferring(self));
        }
        match self.step {
            Step::Type => self.on_type(reply, context),
            Step::Passive(verb) => self.on_passive(verb, reply, context),
            Step::Active(verb) => self.on_active(verb, reply, context),
            Step::Restart => self.on_restart(reply, context),
            Step::Begin { .. } | Step::Final if class == Class::Completion || self.has_begun => {
                Ok(self.on_final(reply.to_reply(), context))
            }
            Step::Begin { .. } | Step::Final => {
                let verb = self.transfer.command.verb();
                Ok(self.refused(verb, reply, context))
            }
            Step::Settle(_) => Ok(self.on_settling(reply, context)),
            // Nothing is owed.
            Step::Listen { .. } | Step::Open(_) | Step::DataEnd(_) => {
                State::Transferring(self).on_unsolicited(reply, context)
            }
        }
    }

    fn on_begun(&mut self, reply: ReplyRef<'_>, context: &mut Context) {
        let path = self.transfer.command.argument().unwrap_or_default();
        self.announced = self.announced.or_else(|| announced_length(reply, path));
        self.has_begun = true;
        context.restart_left = false;
        self.started(Some(reply.to_reply()), context);
    }

    /// Tells it once.
    fn started(&mut self, reply: Option<Reply>, context: &mut Context) {
        if let Step::Begin { .. } = self.step {
            self.step = Step::Final;
            context.tell(Event::Started {
                transfer: self.id,
                announced: self.announced,
                reply,
            });
        }
    }

    /// Whether a reply that nothing asked for is no news: after an `ABOR` they are counted together.
    pub(super) fn takes_any_reply(&self) -> bool {
        matches!(self.step, Step::Settle(_))
    }

    fn on_type(mut self: Box<Self>, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        if reply.code().class() == Class::Completion {
            context.data_type = Some(self.transfer.data_type);
        } else if !self.transfer.is_listing {
            return Ok(self.refused(Verb::Type, reply, context));
        }
        self.open(context);
        Ok(State::Transferring(self))
    }

    fn on_passive(
        mut self: Box<Self>,
        verb: Verb,
        reply: ReplyRef<'_>,
        context: &mut Context,
    ) -> Next {
        let is_consent = reply.code().class() == Class::Completion;
        let open = match Passive::parse(reply).filter(|_| is_consent) {
            Some(Passive::Port(port)) => Open::ConnectToPeer { port },
            Some(Passive::Address(address)) => {
                self.passive_address = Some(address);
                match context.settings.lenience.passive_address {
                    true => Open::Connect(SocketAddr::V4(address)),
                    false => Open::ConnectToPeer {
                        port: address.port(),
                    },
                }
            }
            None if self.falls_back(verb, context) => return Ok(State::Transferring(self)),
            None => return Ok(self.refused(verb, reply, context)),
        };
        self.issue(open, context);
        self.step = Step::Open(verb);
        Ok(State::Transferring(self))
    }

    fn on_active(
        mut self: Box<Self>,
        verb: Verb,
        reply: ReplyRef<'_>,
        context: &mut Context,
    ) -> Next {
        if reply.code().class() != Class::Completion {
            return Ok(self.refused(verb, reply, context));
        }
        // The server connects when it has the command.
        self.issue(Open::Accept, context);
        self.begin(context);
        Ok(State::Transferring(self))
    }

    fn on_restart(mut self: Box<Self>, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        let is_taken = !reply.code().is_negative();
        if self.transfer.offset > 0 {
            if !is_taken {
                return Ok(self.refused(Verb::Rest, reply, context));
            }
            context.restart_left = true;
        } else if is_taken {
            context.restart_left = false;
        }
        self.command(context);
        Ok(State::Transferring(self))
    }

    fn refused(self: Box<Self>, verb: Verb, reply: ReplyRef<'_>, context: &mut Context) -> State {
        let is_refusal = reply.code().is_negative();
        let reply = reply.to_reply();
        let error = match is_refusal {
            true => TransferError::Refused { verb, reply },
            false => TransferError::UnusableReply { verb, reply },
        };
        self.conclude(Err(error), context)
    }

    fn on_final(mut self: Box<Self>, reply: Reply, context: &mut Context) -> State {
        context.restart_left = false;
        match &self.data {
            Data::Ended(_) => self.judge(reply, context),
            // It failed: nobody needs to wait for the data.
            _ if reply.code().is_negative() => self.judge(reply, context),
            Data::None => self.judge(reply, context),
            Data::Awaited { .. } | Data::Open { .. } => {
                // If no 1yz came, the application learns only now that there is something to read.
                self.started(None, context);
                self.step = Step::DataEnd(reply);
                State::Transferring(self)
            }
        }
    }

    /// Both ends are known.
    fn judge(mut self: Box<Self>, reply: Reply, context: &mut Context) -> State {
        let ended = match core::mem::replace(&mut self.data, Data::None) {
            Data::Ended(ended) => ended,
            _ => Ended {
                bytes: 0,
                result: Err(data::Error::Unfinished),
                tls: None,
                is_touched: true,
                at: context.now,
            },
        };
        let Ended {
            bytes,
            result,
            tls,
            is_touched,
            ..
        } = ended;
        let is_full = tls.as_ref().is_some_and(|tls| !tls.resumed);
        if is_full && wants_resumption(&reply, tls.as_deref()) && !is_touched && !self.is_again {
            // The handshake that was refused brought new sessions, and nothing else is lost.
            return self.again(context);
        }
        if tls.is_some() && reply.code().class() == Class::Completion {
            context.resumption.learn(is_full);
        }
        let differs = self.transfer.differs(bytes, self.announced);
        let outcome = match (reply.code().class(), result, differs) {
            (Class::Completion, Ok(()), None) => Ok(Transferred {
                reply,
                bytes,
                announced: self.announced,
                tls,
                passive_address: self.passive_address,
            }),
            (Class::Completion, Ok(()), Some(expected)) => Err(TransferError::LengthDiffers {
                bytes,
                expected,
                reply,
            }),
            (Class::Completion, Err(error), _) => Err(TransferError::CutOff {
                bytes,
                error,
                reply: Some(reply),
            }),
            _ => Err(TransferError::Failed {
                reply,
                bytes,
                tls: tls.map(|tls| Box::new(TlsSession::clone(&tls))),
            }),
        };
        self.conclude(outcome, context)
    }

    /// Once more, from the data connection on.
    fn again(mut self: Box<Self>, context: &mut Context) -> State {
        self.is_again = true;
        self.has_begun = false;
        self.announced = None;
        self.open(context);
        State::Transferring(self)
    }

    /// The transfer is over, and the connection in step.
    fn conclude(
        self: Box<Self>,
        outcome: Result<Transferred, TransferError>,
        context: &mut Context,
    ) -> State {
        context.transfer = None;
        context.tell(Event::Transferred {
            transfer: self.id,
            outcome,
        });
        if self.quits {
            return quit(self.ready, context);
        }
        State::Ready(self.ready)
    }

    /// The application listens there.
    pub(super) fn on_listening(
        &mut self,
        transfer: TransferId,
        address: SocketAddr,
        context: &mut Context,
    ) -> Result<(), Misuse> {
        if !matches!(self.step, Step::Listen { .. }) || transfer != self.id {
            return Err(Misuse::WrongAnswer);
        }
        let command = match address {
            SocketAddr::V4(address) => Command::port(address),
            SocketAddr::V6(_) => Command::eprt(address),
        };
        let verb = command.verb();
        context.send(Purpose::Transfer(Some(verb)), command.borrow());
        self.step = Step::Active(verb);
        Ok(())
    }

    /// The application cannot listen.
    pub(super) fn on_not_listening(
        self: Box<Self>,
        transfer: TransferId,
        context: &mut Context,
    ) -> (State, Result<(), Misuse>) {
        if !matches!(self.step, Step::Listen { .. }) || transfer != self.id {
            return (State::Transferring(self), Err(Misuse::WrongAnswer));
        }
        (
            self.conclude(Err(TransferError::NotOpened), context),
            Ok(()),
        )
    }

    /// The data connection stands.
    pub(super) fn on_data_opened(
        &mut self,
        opened: &data::Ticket,
        context: &mut Context,
    ) -> Result<(), Misuse> {
        match &self.data {
            Data::Awaited { ticket, held, .. } if *ticket == opened.id => {
                self.data = Data::Open {
                    ticket: *ticket,
                    held: held.clone(),
                };
            }
            _ => return Err(Misuse::WrongTicket),
        }
        if let Step::Open(verb) = self.step {
            context.passive = Some(verb);
            self.begin(context);
        }
        Ok(())
    }

    /// The data connection cannot be made.
    pub(super) fn on_data_failed(
        self: Box<Self>,
        failed: ticket::Ticket,
        context: &mut Context,
    ) -> (State, Result<(), Misuse>) {
        match &self.data {
            Data::Awaited { ticket, .. } if *ticket == failed => {}
            _ => return (State::Transferring(self), Err(Misuse::WrongTicket)),
        }
        (self.not_opened(context), Ok(()))
    }

    fn not_opened(mut self: Box<Self>, context: &mut Context) -> State {
        self.data = Data::None;
        if let Step::Open(verb) = self.step
            && self.falls_back(verb, context)
        {
            return State::Transferring(self);
        }
        self.settle(TransferError::NotOpened, context)
    }

    /// The data ended.
    pub(super) fn on_data_ended(
        mut self: Box<Self>,
        end: End,
        context: &mut Context,
    ) -> (State, Result<(), Misuse>) {
        match &self.data {
            Data::Open { ticket, .. } if *ticket == end.id => {}
            _ => return (State::Transferring(self), Err(Misuse::WrongTicket)),
        }
        let is_left = end.result == Err(data::Error::Unfinished);
        self.data = Data::Ended(Ended {
            bytes: end.bytes,
            result: end.result,
            tls: end.tls,
            is_touched: end.is_touched,
            at: context.now,
        });
        let state = match core::mem::replace(&mut self.step, Step::Final) {
            Step::DataEnd(reply) => self.judge(reply, context),
            step => {
                self.step = step;
                if is_left {
                    self.settle(TransferError::Aborted, context)
                } else {
                    State::Transferring(self)
                }
            }
        };
        (state, Ok(()))
    }

    /// Whether nobody holds the data connection any more, nor its ticket.
    pub(super) fn is_dropped(&self) -> bool {
        match &self.data {
            Data::Awaited { held, .. } | Data::Open { held, .. } => !held.is_held(),
            Data::None | Data::Ended(_) => false,
        }
    }

    /// The application gives the transfer up.
    pub(super) fn abort(self: Box<Self>, context: &mut Context) -> State {
        self.settle(TransferError::Aborted, context)
    }

    /// Gets in step with the server, and reports this then.
    fn settle(mut self: Box<Self>, outcome: TransferError, context: &mut Context) -> State {
        match &self.step {
            Step::Settle(_) => return State::Transferring(self),
            Step::Listen { .. } | Step::Open(_) | Step::DataEnd(_) => {
                return self.conclude(Err(outcome), context);
            }
            Step::Type | Step::Passive(_) | Step::Active(_) | Step::Restart => {
                // A restart that is taken now is left over.
                context.restart_left |= matches!(self.step, Step::Restart);
                self.step = Step::Settle(Settle {
                    outcome,
                    reply: None,
                    phase: SettlePhase::LastReply,
                });
                self.data = Data::None;
                return State::Transferring(self);
            }
            Step::Begin { .. } => context.restart_left |= self.transfer.offset > 0,
            Step::Final => {}
        }
        context.send(Purpose::Transfer(None), CommandRef::known(Verb::Abor, None));
        if let Data::Awaited { .. } | Data::Open { .. } = self.data {
            self.data = Data::None;
        }
        self.step = Step::Settle(Settle {
            outcome,
            reply: None,
            phase: SettlePhase::Abort {
                quiet_since: context.now,
            },
        });
        State::Transferring(self)
    }

    fn on_settling(mut self: Box<Self>, reply: ReplyRef<'_>, context: &mut Context) -> State {
        let Step::Settle(settle) = &mut self.step else {
            return State::Transferring(self);
        };
        let is_noop_answered = reply.code() == Code::OKAY;
        let is_last = context.outstanding.is_empty();
        let is_over = match &mut settle.phase {
            SettlePhase::LastReply => true,
            SettlePhase::Abort { quiet_since } => {
                *quiet_since = context.now;
                settle.reply.get_or_insert_with(|| reply.to_reply());
                is_last
            }
            SettlePhase::Probe { .. } => is_last || is_noop_answered,
        };
        match is_over {
            true => self.settled(context),
            false => State::Transferring(self),
        }
    }

    /// In step again.
    fn settled(mut self: Box<Self>, context: &mut Context) -> State {
        context.outstanding.clear();
        let Step::Settle(settle) = core::mem::replace(&mut self.step, Step::Final) else {
            return State::Transferring(self);
        };
        let outcome = match (settle.outcome, settle.reply) {
            // The server's own report is the better one.
            (TransferError::CutOff { bytes, .. }, Some(reply)) if reply.code().is_negative() => {
                let tls = match &self.data {
                    Data::Ended(Ended { tls: Some(tls), .. }) => {
                        Some(Box::new(TlsSession::clone(tls)))
                    }
                    _ => None,
                };
                TransferError::Failed { reply, bytes, tls }
            }
            (TransferError::CutOff { bytes, error, .. }, reply) => TransferError::CutOff {
                bytes,
                error,
                reply,
            },
            (outcome, _) => outcome,
        };
        self.conclude(Err(outcome), context)
    }

    /// When this transfer has waited long enough, and what for.
    pub(super) fn timer(
        &self,
        timeouts: &Timeouts,
        data: &data::Timeouts,
    ) -> Option<(Instant, Timer)> {
        let unanswered = |since| Some((since + timeouts.transfer, Timer::Fatal(Timeout::Reply)));
        match (&self.step, &self.data) {
            (Step::Settle(settle), _) => match settle.phase {
                SettlePhase::LastReply => None,
                SettlePhase::Abort { quiet_since } => Some((quiet_since + QUIET, Timer::Transfer)),
                SettlePhase::Probe { since } => {
                    Some((since + timeouts.reply, Timer::Fatal(Timeout::Reply)))
                }
            },
            (Step::Listen { since }, _) => Some((*since + data.connect, Timer::Transfer)),
            (_, Data::Awaited { since, .. }) => Some((*since + data.connect, Timer::Transfer)),
            (Step::Begin { .. } | Step::Final, Data::Ended(ended)) if ended.result.is_err() => {
                Some((ended.at + BRIEF, Timer::Transfer))
            }
            (Step::Begin { since }, Data::Ended(ended)) => unanswered(ended.at.max(*since)),
            (Step::Final, Data::Ended(ended)) => unanswered(ended.at),
            (Step::Begin { since }, Data::Open { .. }) => {
                Some((*since + PATIENCE, Timer::Transfer))
            }
            (Step::Begin { since }, _) => unanswered(*since),
            _ => None,
        }
    }

    /// Whether the deadline of ordinary replies holds.
    pub(super) fn is_ordinary(&self) -> bool {
        match &self.step {
            Step::Type | Step::Passive(_) | Step::Active(_) | Step::Restart => true,
            Step::Settle(settle) => matches!(settle.phase, SettlePhase::LastReply),
            _ => false,
        }
    }

    /// The timer of the transfer has ended.
    pub(super) fn on_timer(mut self: Box<Self>, context: &mut Context) -> State {
        if let Step::Settle(settle) = &mut self.step {
            if let SettlePhase::Abort { .. } = settle.phase {
                settle.phase = SettlePhase::Probe { since: context.now };
                context.send(Purpose::Transfer(None), CommandRef::known(Verb::Noop, None));
            }
            return State::Transferring(self);
        }
        match &self.data {
            Data::Ended(Ended {
                bytes,
                result: Err(error),
                ..
            }) => {
                let outcome = TransferError::CutOff {
                    bytes: *bytes,
                    error: *error,
                    reply: None,
                };
                self.settle(outcome, context)
            }
            Data::Open { .. } => {
                self.started(None, context);
                State::Transferring(self)
            }
            Data::Ended(_) => State::Transferring(self),
            Data::None | Data::Awaited { .. } => self.not_opened(context),
        }
    }
}
