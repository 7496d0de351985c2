//! A transfer under way: its states and what it sends. The table is in `transfers.md`.
//!
//! What a reply leads to is in `replies.rs`, what the data connection leads to in
//! `data_connection.rs`, and getting in step again in `settle.rs`. `timer.rs` has the deadlines,
//! `noops.rs` what is sent while data moves and `ahead.rs` what is asked ahead, both by option.

mod ahead;
mod data_connection;
mod noops;
mod replies;
mod settle;
mod timer;

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::net::SocketAddrV4;
use core::time::Duration;

pub(super) use self::ahead::Ahead;
use self::ahead::Kept;
use self::noops::Noops;
use self::settle::Settle;
use super::context::{Context, TakesSessions};
use super::outstanding::Purpose;
use super::state::{Ready, State};
use super::transfer::{Transfer, TransferId};
use super::{DataMode, Error, Event, PassiveCommand, Protection};
use crate::data::{self, DataType, Held, Open, Plan};
use crate::server::Resumption;
use crate::ticket;
use crate::wire::{CommandRef, Reply, Verb};
use crate::{Instant, TlsSession};

type Next = Result<State, Error>;

/// After an `ABOR`: how long nothing must come for the replies to be counted as they are.
const QUIET: Duration = Duration::from_secs(1);

/// How long the server may take to say that it begins, once the data connection stands, before it is
/// taken to have begun: some say nothing before the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a server may take to refuse a data connection whose TLS session is not resumed.
const HOLD: Duration = Duration::from_secs(1);
/// The same of a server that took resumed sessions so far, and no others: one that demands them, most
/// likely. It may be slow.
const LONG_HOLD: Duration = Duration::from_secs(5);

/// How long each of the two ends may take once the other one has failed: the server may still say what
/// it thinks of a data connection that broke, and the data connection how far it came.
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
    noops: Noops,
    /// What may be the transfer's final reply.
    kept: Option<Box<Kept>>,
    /// The port was told ahead, and may be out of date.
    is_port_ahead: bool,
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
    DataEnd {
        reply: Reply,
        since: Instant,
        /// It is a consent to an upload of which not all was sent.
        is_early: bool,
    },
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
    /// The application's bytes were moved, or taken to be sent.
    is_touched: bool,
    at: Instant,
}

impl Transferring {
    /// Begins a transfer.
    pub(super) fn start(
        ready: Ready,
        id: TransferId,
        transfer: Transfer,
        context: &mut Context,
    ) -> State {
        context.begin_transfer(id);
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
            noops: Noops::default(),
            kept: None,
            is_port_ahead: false,
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
        let mode = context.settings.data_mode;
        match mode {
            DataMode::Active => {
                self.step = Step::Listen { since: context.now };
                context.tell(Event::Listen(self.id));
            }
            DataMode::Passive(command) if !self.opens_ahead(context) => {
                let verb = match command {
                    PassiveCommand::Epsv => Verb::Epsv,
                    PassiveCommand::Pasv => Verb::Pasv,
                    PassiveCommand::Either => context.passive.unwrap_or(Verb::Epsv),
                };
                self.passive(verb, context);
            }
            DataMode::Passive(_) => {}
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
        let ticket = context.issue();
        let settings = &context.settings;
        let plan = Plan {
            resumption: Resumption::Report,
            direction: self.transfer.direction,
            data_type: self.transfer.data_type,
            is_protected: context.protection == Protection::Private,
            lenient_end: settings.lenience.data_end_without_close_notify,
            timeouts: settings.data_timeouts,
            // Only until it is known what the server thinks of a full handshake.
            hold: match context.takes_sessions {
                TakesSessions { new: true, .. } => None,
                TakesSessions { resumed: true, .. } => Some(LONG_HOLD),
                TakesSessions { .. } => Some(HOLD),
            },
        };
        let held = Held::new(plan);
        self.data = Data::Awaited {
            ticket,
            held: held.clone(),
            since: context.now,
        };
        context.tell(Event::OpenData(data::Ticket {
            id: ticket,
            open,
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
        if self.is_again {
            // What the first try ended with does not count any more.
            context.begin_transfer(self.id);
        }
        context.transfer_may_begin();
        let command = self.transfer.command.borrow();
        context.send(Purpose::Transfer(Some(command.verb())), command);
        self.ask_ahead(context);
        self.step = Step::Begin { since: context.now };
    }
}
