//! A transfer under way: the application opens the file, the data connection is made, 150 is said, bytes
//! move, the application keeps what came, 226 is said. The table is in `transfers.md`.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::context::Context;
use super::files::{Answer, AnswerKind, CommitRequest};
use super::session::{Opening, Transfer};
use super::state::State;
use super::timers::Timer;
use super::{ClosedWhy, Event, FileError, Misuse, Resumption, TransferError, TransferId, replies};
use crate::data::{self, DataType, Direction, End, Held, Open, Plan};
use crate::ticket::Ticket;
use crate::wire::{Code, CommandRef, Reply, Verb};
use crate::{TlsSession, Username};

/// From the transfer command to its final reply.
#[derive(Debug)]
pub(super) struct Transferring {
    username: Username,
    id: TransferId,
    verb: Verb,
    data_type: DataType,
    step: Step,
    /// `QUIT` came: 221 follows the final reply, and no further command is read.
    pub(super) quits: bool,
}

/// What the transfer waits for.
#[derive(Debug)]
enum Step {
    /// The application opens the file.
    Begin,
    /// The data connection.
    Open {
        ticket: Ticket,
        held: Held,
        /// The text of the 150.
        preliminary: Reply,
    },
    /// The end of the data.
    Move {
        ticket: Ticket,
        held: Held,
        /// How many bytes had moved at the last check.
        seen: u64,
    },
    /// The application keeps the file.
    Commit {
        id: Ticket,
        bytes: u64,
        tls: Option<Arc<TlsSession>>,
    },
}

type Stepped = (State, Result<(), Misuse>);

impl Transferring {
    /// The application was asked.
    pub(super) fn start(username: Username, transfer: Transfer) -> State {
        State::Transferring(Box::new(Self {
            username,
            id: TransferId(transfer.id),
            verb: transfer.verb,
            data_type: transfer.data_type,
            step: Step::Begin,
            quits: false,
        }))
    }

    /// Whether a command must wait for the end of the transfer.
    pub(super) fn delays(&self, command: &CommandRef<'_>) -> bool {
        match command.verb() {
            Verb::Noop | Verb::Quit => false,
            Verb::Stat => super::builtin_commands::trimmed(command).is_some(),
            // All came already: there is nothing to abort.
            Verb::Abor => matches!(self.step, Step::Commit { .. }),
            _ => true,
        }
    }

    /// A command that does not wait.
    pub(super) fn command(mut self: Box<Self>, verb: Verb, context: &mut Context) -> State {
        match verb {
            Verb::Quit => self.quits = true,
            Verb::Abor => {
                let state = self.fail(&replies::TRANSFER_ABORTED, TransferError::Aborted, context);
                context.close_listener();
                context.say(&replies::ABORTED);
                return state;
            }
            Verb::Stat => {
                let text = format!("Transfer under way, {} bytes moved.", self.moved().0);
                match Reply::new(Code::SYSTEM_STATUS, text) {
                    Ok(reply) => context.say(&reply),
                    Err(_) => context.say(&replies::STATUS_UNKNOWN),
                }
            }
            _ => context.say(&replies::OKAY),
        }
        State::Transferring(self)
    }

    /// How many bytes, and under which TLS session, if that is known.
    fn moved(&self) -> (u64, Option<Arc<TlsSession>>) {
        match &self.step {
            Step::Begin | Step::Open { .. } => (0, None),
            Step::Move { held, .. } => (held.moved(), None),
            Step::Commit { bytes, tls, .. } => (*bytes, tls.clone()),
        }
    }

    /// Whether this is the answer that the transfer waits for.
    pub(super) fn awaits(&self, answer: &Answer) -> bool {
        match &self.step {
            Step::Begin => self.id.0 == answer.id,
            Step::Commit { id, .. } => *id == answer.id,
            Step::Open { .. } | Step::Move { .. } => false,
        }
    }

    /// The application has answered.
    pub(super) fn on_answer(self: Box<Self>, answer: AnswerKind, context: &mut Context) -> State {
        context.application_answered();
        match (&self.step, answer) {
            (Step::Begin, AnswerKind::Begin { size, name }) => self.open(size, name, context),
            (Step::Begin, AnswerKind::Refused(error)) => {
                let reply = match (self.verb, error) {
                    (Verb::Retr, FileError::NotFound) => &replies::NO_FILE,
                    (Verb::Mlsd, FileError::NotFound) => &replies::NO_DIRECTORY,
                    _ => replies::refusal(error),
                };
                self.fail(reply, TransferError::Failed(error), context)
            }
            (Step::Commit { .. }, AnswerKind::Done) => {
                let (bytes, tls) = self.moved();
                self.conclude(&replies::TRANSFER_COMPLETE, bytes, tls, Ok(()), context)
            }
            (_, AnswerKind::Refused(error)) => self.fail(
                replies::failure(error),
                TransferError::Failed(error),
                context,
            ),
            _ => {
                let error = TransferError::Failed(FileError::Failed);
                self.fail(replies::failure(FileError::Failed), error, context)
            }
        }
    }

    /// The file is open: asks for the data connection.
    fn open(
        mut self: Box<Self>,
        size: Option<u64>,
        name: Option<Vec<u8>>,
        context: &mut Context,
    ) -> State {
        let opening = context.session.as_mut().map_or(Opening::None, |session| {
            core::mem::replace(&mut session.opening, Opening::None)
        });
        let files = context.config.files.as_ref();
        let (open, timeouts) = match (opening, files) {
            (Opening::Passive, Some(files)) => (Open::Accept, files.timeouts),
            (Opening::Active(port), Some(files)) => (Open::ConnectToPeer { port }, files.timeouts),
            _ => {
                let error = TransferError::NotOpened;
                return self.fail(&replies::PASSIVE_FIRST, error, context);
            }
        };
        let ticket = context.tickets.issue();
        let held = Held::new(Plan {
            direction: self.direction(),
            data_type: self.data_type,
            is_protected: context.data_protected,
            resumption: files.map_or(Resumption::Report, |files| files.resumption),
            lenient_end: context.config.lenience.data_end_without_close_notify,
            timeouts,
            hold: None,
        });
        self.step = Step::Open {
            ticket,
            held: held.clone(),
            preliminary: self.preliminary(size, name),
        };
        context.set_timer(Timer::Answer, timeouts.connect);
        context.tell(Event::OpenData(data::Ticket {
            id: ticket,
            open,
            held,
        }));
        State::Transferring(self)
    }

    fn direction(&self) -> Direction {
        match self.verb {
            Verb::Stor | Verb::Stou | Verb::Appe => Direction::Receive,
            _ => Direction::Send,
        }
    }

    fn preliminary(&self, size: Option<u64>, name: Option<Vec<u8>>) -> Reply {
        let text = match (name, size) {
            // RFC 1123 §4.1.2.9.
            (Some(name), _) => [b"FILE: ", name.as_slice()].concat(),
            (None, Some(size)) if self.verb == Verb::Retr && self.data_type == DataType::Image => {
                format!("Opening data connection ({size} bytes).").into_bytes()
            }
            _ => return replies::OPENING.clone(),
        };
        Reply::new(Code::OPENING_DATA_CONNECTION, text).unwrap_or_else(|_| replies::OPENING.clone())
    }

    /// The data connection stands.
    pub(super) fn on_data_opened(
        &mut self,
        opened: &data::Ticket,
        context: &mut Context,
    ) -> Result<(), Misuse> {
        match &self.step {
            Step::Open {
                ticket,
                held,
                preliminary,
            } if *ticket == opened.id => {
                context.say(preliminary);
                self.step = Step::Move {
                    ticket: *ticket,
                    held: held.clone(),
                    seen: 0,
                };
                context.timers.stop(Timer::Answer);
                self.watch(context);
                Ok(())
            }
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// The data connection cannot be made.
    pub(super) fn on_data_failed(
        self: Box<Self>,
        failed: &data::Ticket,
        context: &mut Context,
    ) -> Stepped {
        match &self.step {
            Step::Open { ticket, .. } if *ticket == failed.id => (self.not_opened(context), Ok(())),
            _ => (State::Transferring(self), Err(Misuse::NothingOpen)),
        }
    }

    /// It was not made in time.
    pub(super) fn not_opened(self, context: &mut Context) -> State {
        self.fail(&replies::NOT_OPENED, TransferError::NotOpened, context)
    }

    /// The data ended.
    pub(super) fn on_data_ended(mut self: Box<Self>, end: &End, context: &mut Context) -> Stepped {
        match &self.step {
            Step::Move { ticket, .. } if *ticket == end.id => {}
            _ => return (State::Transferring(self), Err(Misuse::NothingOpen)),
        }
        let (bytes, tls) = (end.bytes, end.tls.clone());
        let state = match (end.result, self.direction()) {
            (Ok(()), Direction::Send) => {
                self.conclude(&replies::TRANSFER_COMPLETE, bytes, tls, Ok(()), context)
            }
            (Ok(()), Direction::Receive) => {
                let id = context.tickets.issue();
                self.step = Step::Commit { id, bytes, tls };
                context.ask(Event::Commit(CommitRequest {
                    id,
                    transfer: self.id,
                    bytes,
                }));
                State::Transferring(self)
            }
            (Err(error), _) => {
                let reply = match error {
                    data::Error::Handshake => &replies::NO_HANDSHAKE,
                    data::Error::NotResumed => &replies::NOT_RESUMED,
                    data::Error::Unfinished => replies::failure(FileError::Failed),
                    _ => &replies::TRANSFER_CUT_OFF,
                };
                self.conclude(reply, bytes, tls, Err(TransferError::Data(error)), context)
            }
        };
        (state, Ok(()))
    }

    /// The application cannot go on.
    pub(super) fn on_abort(
        self: Box<Self>,
        id: TransferId,
        error: FileError,
        context: &mut Context,
    ) -> Stepped {
        let reply = match &self.step {
            Step::Open { .. } => replies::refusal(error),
            Step::Move { .. } => replies::failure(error),
            Step::Begin | Step::Commit { .. } => {
                return (State::Transferring(self), Err(Misuse::NothingOpen));
            }
        };
        if id != self.id {
            return (State::Transferring(self), Err(Misuse::NothingOpen));
        }
        let state = self.fail(reply, TransferError::Failed(error), context);
        (state, Ok(()))
    }

    /// Whether nobody holds the data connection any more, nor its ticket.
    pub(super) fn is_dropped(&self) -> bool {
        match &self.step {
            Step::Open { held, .. } | Step::Move { held, .. } => !held.is_held(),
            Step::Begin | Step::Commit { .. } => false,
        }
    }

    /// The data connection was dropped, or its ticket.
    pub(super) fn on_dropped(self, context: &mut Context) -> State {
        let error = TransferError::Data(data::Error::Unfinished);
        match &self.step {
            Step::Open { .. } => self.not_opened(context),
            _ => self.fail(replies::failure(FileError::Failed), error, context),
        }
    }

    /// The time is up in which the application should have done something: whether it has, which is that
    /// bytes have moved. It has as long again then.
    pub(super) fn has_moved(&mut self, context: &mut Context) -> bool {
        let Step::Move { held, seen, .. } = &mut self.step else {
            return false;
        };
        let moved = held.moved();
        let has_moved = core::mem::replace(seen, moved) != moved;
        if has_moved {
            self.watch(context);
        }
        has_moved
    }

    /// The data connection has deadlines of its own, but if nobody drives it they do not come. This one
    /// is later.
    fn watch(&self, context: &mut Context) {
        let data = context.config.files.as_ref().map(|files| files.timeouts);
        let data = data.map_or(core::time::Duration::ZERO, |data| {
            data.stall.max(data.handshake).saturating_add(data.close)
        });
        let application = context.config.timeouts.application;
        context.set_timer(Timer::Application, application.max(data));
    }

    fn fail(self, reply: &Reply, error: TransferError, context: &mut Context) -> State {
        let (bytes, tls) = self.moved();
        self.conclude(reply, bytes, tls, Err(error), context)
    }

    /// The transfer is over.
    fn conclude(
        self,
        reply: &Reply,
        bytes: u64,
        tls: Option<Arc<TlsSession>>,
        outcome: Result<(), TransferError>,
        context: &mut Context,
    ) -> State {
        self.end(bytes, tls, outcome, context);
        context.say(reply);
        if self.quits {
            context.end(&replies::GOODBYE, ClosedWhy::Quit);
            return State::Closing;
        }
        State::LoggedIn {
            username: self.username,
        }
    }

    /// The connection is over, and with it the transfer.
    pub(super) fn cut(&self, context: &mut Context) {
        let (bytes, tls) = self.moved();
        self.end(bytes, tls, Err(TransferError::ConnectionClosed), context);
    }

    fn end(
        &self,
        bytes: u64,
        tls: Option<Arc<TlsSession>>,
        outcome: Result<(), TransferError>,
        context: &mut Context,
    ) {
        context.timers.stop(Timer::Answer);
        context.timers.stop(Timer::Application);
        let is_asked = |event: &Event| matches!(event, Event::Transfer(_));
        let was_told = !context.events.iter().any(is_asked);
        // What was not asked yet need not be.
        context.events.retain(|event| !event.is_of_transfer());
        if was_told {
            context.tell(Event::Transferred {
                transfer: self.id,
                bytes,
                tls,
                outcome,
            });
        }
    }
}
