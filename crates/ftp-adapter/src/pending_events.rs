//! What a client keeps from one of its methods to the next.

use std::collections::VecDeque;

use ftp_proto::Machine;
use ftp_proto::client::{Connection, Event};
use ftp_proto::wire::Reply;
use ftp_rustls::Secured;

use crate::files::{Exchange, Known, Turn};
use crate::{Error, Operation, OperationStep};

/// How many events are kept.
const EVENTS_KEPT: usize = 256;

/// The events that came while a method waited for another, in order.
///
/// Each [`Operation`] waits for its own events. Others are kept for `next_event`. What was learned of
/// the server since the login is kept with them.
#[derive(Debug, Default)]
pub struct PendingEvents {
    kept: VecDeque<Event>,
    known: Known,
}

impl PendingEvents {
    /// The oldest event.
    pub fn pop(&mut self) -> Option<Event> {
        self.kept.pop_front()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The oldest event that is wanted.
    pub fn take(&mut self, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        let at = self.kept.iter().position(wanted)?;
        self.kept.remove(at)
    }

    /// Removes the oldest unsolicited reply.
    ///
    /// # Errors
    /// [`Error::Unsolicited`] if there is one.
    pub fn check_in_step(&mut self) -> Result<(), Error> {
        match self.take(|event| matches!(event, Event::Unsolicited(_))) {
            Some(Event::Unsolicited(reply)) => Err(Error::Unsolicited(reply)),
            _ => Ok(()),
        }
    }

    /// What an exchange does next: `reply` answers the command that it sent last, `None` begins it.
    ///
    /// # Errors
    /// As [`Exchange::next`]; [`Error::Refused`] if it needs the features, and the server does not want to
    /// list them now.
    pub fn turn<E: Exchange>(
        &mut self,
        exchange: &mut E,
        connection: &Connection,
        reply: Option<Reply>,
    ) -> Result<Turn<E::Output>, Error> {
        self.known.turn(exchange, connection, reply)
    }

    /// What is known of the server.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The same, to be told of what happens besides.
    pub fn known_mut(&mut self) -> &mut Known {
        &mut self.known
    }

    /// Gives the connection's next event to the operation, and keeps it if it is not the
    /// operation's. `None`, which a driver returns when the machine is done, ends the operation.
    /// Without an output, the operation continues with the next event.
    ///
    /// # Errors
    /// An error of the operation; [`Error::Unsolicited`] for an unsolicited reply;
    /// [`Error::EventsUnread`] if 256 are kept already. The event is kept then, too.
    pub fn go_on<O: Operation>(
        &mut self,
        operation: &mut O,
        event: Option<Event>,
    ) -> Result<Option<O::Output>, Error> {
        let Some(event) = event else {
            return operation.on_close().map(Some);
        };
        match operation.on_event(event) {
            OperationStep::Done(output) => Ok(Some(output)),
            OperationStep::More => Ok(None),
            OperationStep::Failed(error) => Err(error),
            OperationStep::FailedBy(event, error) => {
                self.kept.push_front(event);
                Err(error)
            }
            OperationStep::NotMine(Event::Unsolicited(reply)) => Err(Error::Unsolicited(reply)),
            OperationStep::NotMine(event) if is_of_a_transfer(&event) => Ok(None),
            OperationStep::NotMine(event) => {
                self.kept.push_back(event);
                self.check_room().map(|()| None)
            }
        }
    }

    /// Keeps an event that came during a transfer.
    ///
    /// # Errors
    /// As [`go_on`](Self::go_on).
    pub fn keep(&mut self, event: Event) -> Result<(), Error> {
        if let Event::Unsolicited(reply) = event {
            return Err(Error::Unsolicited(reply));
        }
        if !is_of_a_transfer(&event) {
            self.kept.push_back(event);
        }
        self.check_room()
    }

    /// Keeps the events that the machine already has.
    ///
    /// # Errors
    /// [`Error::EventsUnread`] if there are too many.
    pub fn keep_what_came(&mut self, machine: &mut Secured<Connection>) -> Result<(), Error> {
        while let Ok(ftp_proto::Action::Event(event)) = machine.poll() {
            self.kept.push_back(event);
            self.check_room()?;
        }
        Ok(())
    }

    fn check_room(&self) -> Result<(), Error> {
        if self.kept.len() >= EVENTS_KEPT {
            return Err(Error::EventsUnread);
        }
        Ok(())
    }
}

/// What a transfer would have been told that nobody waits for any more. Dropping a ticket gives it up.
fn is_of_a_transfer(event: &Event) -> bool {
    matches!(
        event,
        Event::Listen(_) | Event::OpenData(_) | Event::Started { .. } | Event::Transferred { .. }
    )
}
