//! What becomes of the data connection, and what the transfer does then.

use alloc::boxed::Box;
use core::net::SocketAddr;

use super::{Data, Ended, Step, Transferring};
use crate::client::Misuse;
use crate::client::context::Context;
use crate::client::outstanding::Purpose;
use crate::client::state::State;
use crate::client::transfer::{TransferError, TransferId};
use crate::data::{self, End};
use crate::ticket;
use crate::wire::Command;

impl Transferring {
    /// The application listens there.
    pub(in crate::client) fn on_listening(
        &mut self,
        transfer: TransferId,
        address: SocketAddr,
        context: &mut Context,
    ) -> Result<(), Misuse> {
        if !matches!(self.step, Step::Listen { .. }) || transfer != self.id {
            return Err(Misuse::WrongAnswer);
        }
        // A listener for both families says its IPv4 addresses in those of IPv6.
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
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
    pub(in crate::client) fn on_not_listening(
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
    pub(in crate::client) fn on_data_opened(
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
    pub(in crate::client) fn on_data_failed(
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

    pub(super) fn not_opened(mut self: Box<Self>, context: &mut Context) -> State {
        self.data = Data::None;
        if let Step::Open(verb) = self.step {
            let is_old = core::mem::take(&mut self.is_port_ahead);
            if is_old {
                self.passive(verb, context);
            }
            if is_old || self.falls_back(verb, context) {
                return State::Transferring(self);
            }
        }
        self.settle(TransferError::NotOpened, context)
    }

    /// The data ended.
    pub(in crate::client) fn on_data_ended(
        mut self: Box<Self>,
        end: End,
        context: &mut Context,
    ) -> (State, Result<(), Misuse>) {
        match &self.data {
            Data::Open { ticket, .. } if *ticket == end.id => {}
            _ => return (State::Transferring(self), Err(Misuse::WrongTicket)),
        }
        let is_left = end.result == Err(data::Error::Unfinished);
        if let Err(error) = end.result {
            context.transfer_ends_with(TransferError::CutOff {
                bytes: end.bytes,
                error,
                reply: None,
            });
        }
        self.data = Data::Ended(Ended {
            bytes: end.bytes,
            result: end.result,
            tls: end.tls,
            is_touched: end.is_touched,
            at: context.now,
        });
        let state = match &self.step {
            Step::DataEnd { .. } => self.judge(context),
            _ if is_left => self.settle(TransferError::Aborted, context),
            _ => State::Transferring(self),
        };
        (state, Ok(()))
    }

    /// Whether nobody holds the data connection any more, nor its ticket.
    pub(in crate::client) fn is_dropped(&self) -> bool {
        match &self.data {
            Data::Awaited { held, .. } | Data::Open { held, .. } => !held.is_held(),
            Data::None | Data::Ended(_) => false,
        }
    }

    /// The application gives the transfer up.
    pub(in crate::client) fn abort(self: Box<Self>, context: &mut Context) -> State {
        self.settle(TransferError::Aborted, context)
    }
}
