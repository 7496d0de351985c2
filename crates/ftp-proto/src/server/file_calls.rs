//! The server connection machine: what the application and the driver call about files and data
//! connections.

use alloc::boxed::Box;
use core::net::IpAddr;

use super::context::Context;
use super::files::Answer;
use super::session::{Opening, Session};
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
        self.stands(now, &ticket)?;
        Ok(ticket.connect(self.context.now))
    }

    /// A passive data connection of the client stands before the command that it is for, and will be under
    /// TLS: returns its machine. It shakes hands if the client begins to, and waits then: there are clients
    /// that send the command only after that. The handshake has the same deadline as one after the command.
    /// [`Event::OpenData`](super::Event::OpenData) is answered with
    /// [`early_data_opened`](Self::early_data_opened).
    ///
    /// `None` if that cannot be: keep the transport for [`data_opened`](Self::data_opened), until there is
    /// [nobody to listen](super::Event::StopListening) any more.
    pub fn early_data(&mut self, now: Instant) -> Option<data::Connection> {
        self.expect_open(now).ok()?;
        let context = &mut self.context;
        let files = context.config.files.as_ref()?;
        let is_passive = |session: &&mut Box<Session>| session.opening == Opening::Passive;
        let session = context.session.as_mut().filter(is_passive)?;
        if !context.data_protected || context.tls.is_none() {
            return None;
        }
        let id = context.tickets.issue();
        session.early = Some(id);
        let (timeouts, resumption) = (files.timeouts, files.resumption);
        Some(data::Connection::early(
            id,
            timeouts,
            resumption,
            context.now,
        ))
    }

    /// Whether this data connection may still be used by the next transfer. Otherwise drop it: a `PASV`,
    /// `PROT C` or another command came in between.
    pub fn keeps_early_data(&self, early: &data::Connection) -> bool {
        let session = self.context.session.as_deref();
        session.is_some_and(|session| session.early == Some(early.id()))
    }

    /// As [`data_opened`](Self::data_opened), with a data connection that was [early](Self::early_data). If TLS
    /// stands on it and is not what the [configuration](super::FilesConfig::resumption) demands, it ends now.
    ///
    /// # Errors
    /// As [`data_opened`](Self::data_opened), and [`Misuse::NothingOpen`] if it is not
    /// [kept](Self::keeps_early_data). Drop the data connection then.
    pub fn early_data_opened(
        &mut self,
        now: Instant,
        ticket: data::Ticket,
        early: &mut data::Connection,
    ) -> Result<(), Misuse> {
        if !ticket.is_protected() || !self.keeps_early_data(early) {
            return Err(Misuse::NothingOpen);
        }
        self.context.drop_early_data();
        self.stands(now, &ticket)?;
        early.take_on(self.context.now, ticket);
        Ok(())
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
    /// After an upload in clear read the control connection before, as far as it has come. A client that died has
    /// left both, and an unexpected end of this one aborts the transfer (RFC 959 §4.1.1, `QUIT`); that of the data
    /// looks like the end of the file.
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

    /// The data connection stands.
    fn stands(&mut self, now: Instant, ticket: &data::Ticket) -> Result<(), Misuse> {
        self.in_transfer(now, |mut transfer, context| {
            let result = transfer.on_data_opened(ticket, context);
            (State::Transferring(transfer), result)
        })
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
