//! The server connection machine: what the application and the driver call about files and data
//! connections.

use alloc::boxed::Box;
use core::net::IpAddr;

use super::context::Context;
use super::files::Answer;
use super::state::State;
use super::transferring::Transferring;
use super::{Connection, FileError, Misuse, Rights, TransferId};
use crate::{Instant, data};

impl Connection {
    /// Who is at the other end of the control connection. Without it `PORT` and `EPRT` are refused, and
    /// `EPSV` with a network protocol is left to the driver to judge.
    pub fn set_peer(&mut self, peer: IpAddr) {
        self.context.peer = Some(peer);
    }

    /// What the user may do with files; `None` if nobody is logged in, or no files are served.
    pub fn rights(&self) -> Option<Rights> {
        self.context.session.as_ref().map(|session| session.rights)
    }

    /// Answers [`Event::Files`], [`Event::Transfer`], [`Event::Commit`] or [`Event::Listen`].
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the connection ended meanwhile; [`Misuse::NothingOpen`] if this is not the
    /// question that waits: the client may have aborted the transfer.
    ///
    /// [`Event::Files`]: super::Event::Files
    /// [`Event::Transfer`]: super::Event::Transfer
    /// [`Event::Commit`]: super::Event::Commit
    /// [`Event::Listen`]: super::Event::Listen
    pub fn answer(&mut self, now: Instant, answer: Answer) -> Result<(), Misuse> {
        self.expect_open(now)?;
        let is_awaited = match &self.state {
            State::Asking { id, .. } => *id == answer.id,
            State::Transferring(transfer) => transfer.awaits(&answer),
            _ => false,
        };
        if !is_awaited {
            return Err(Misuse::NothingOpen);
        }
        self.transition(|state, context| match state {
            State::Asking { username, then, .. } => {
                context.application_answered();
                if let Some(mut session) = context.session.take() {
                    session.on_answer(*then, answer.kind, context);
                    context.session = Some(session);
                }
                State::LoggedIn { username }
            }
            State::Transferring(transfer) => transfer.on_answer(answer.kind, context),
            state => state,
        });
        Ok(())
    }

    /// Answers [`Event::OpenData`](super::Event::OpenData): the data connection stands (TCP; TLS
    /// follows). Returns its machine. The client gets 150.
    ///
    /// # Errors
    /// [`Misuse::Closed`], and [`Misuse::NothingOpen`] if it is not wanted any more, or never was: close
    /// it.
    pub fn data_opened(
        &mut self,
        now: Instant,
        ticket: data::Ticket,
    ) -> Result<data::Connection, Misuse> {
        self.in_transfer(now, |mut transfer, context| {
            let result = transfer.on_data_opened(&ticket, context);
            (State::Transferring(transfer), result)
        })?;
        Ok(ticket.connect(self.context.now))
    }

    /// Answers [`Event::OpenData`](super::Event::OpenData): the data connection cannot be made. The
    /// client gets 425.
    ///
    /// # Errors
    /// As [`data_opened`](Self::data_opened).
    pub fn data_failed(&mut self, now: Instant, ticket: data::Ticket) -> Result<(), Misuse> {
        self.in_transfer(now, |transfer, context| {
            transfer.on_data_failed(&ticket, context)
        })
    }

    /// The data connection ended. Take all that is [readable](data::Connection::readable) first, and close
    /// the transport: some clients wait for that.
    ///
    /// If all came and was to be stored, [`Event::Commit`](super::Event::Commit) follows; otherwise
    /// [`Event::Transferred`](super::Event::Transferred).
    ///
    /// # Errors
    /// [`Misuse::Closed`], and [`Misuse::NothingOpen`] if the transfer is over already; then
    /// [`Event::Transferred`](super::Event::Transferred) reported how it ended.
    pub fn data_ended(&mut self, now: Instant, end: data::End) -> Result<(), Misuse> {
        self.in_transfer(now, |transfer, context| {
            transfer.on_data_ended(&end, context)
        })
    }

    /// The application cannot go on with a transfer that it has begun: a file cannot be read, or a disk
    /// is full. The client gets 552 for lack of space, otherwise 451. Drop the data connection first.
    ///
    /// # Errors
    /// [`Misuse::Closed`], and [`Misuse::NothingOpen`] if the transfer is not under way: it is over, or
    /// waits for an answer, by which it is to be refused.
    pub fn abort(
        &mut self,
        now: Instant,
        transfer: TransferId,
        error: FileError,
    ) -> Result<(), Misuse> {
        self.in_transfer(now, |state, context| {
            state.on_abort(transfer, error, context)
        })
    }

    /// Whoever held the data connection has dropped it.
    pub(super) fn notice_dropped_transfer(&mut self) {
        if let State::Transferring(transfer) = &self.state
            && transfer.is_dropped()
        {
            self.transition(|state, context| match state {
                State::Transferring(transfer) => transfer.on_dropped(context),
                state => state,
            });
        }
    }

    fn in_transfer(
        &mut self,
        now: Instant,
        step: impl FnOnce(Box<Transferring>, &mut Context) -> (State, Result<(), Misuse>),
    ) -> Result<(), Misuse> {
        self.expect_open(now)?;
        let mut result = Err(Misuse::NothingOpen);
        self.transition(|state, context| match state {
            State::Transferring(transfer) => {
                let (next, stepped) = step(transfer, context);
                result = stepped;
                next
            }
            state => state,
        });
        result
    }
}
