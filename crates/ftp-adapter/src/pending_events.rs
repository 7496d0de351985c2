//! What a client's friendly face keeps while one of its methods waits for something else.

use std::collections::VecDeque;

use ftp_proto::Machine;
use ftp_proto::client::{CommandId, Connection, Event};
use ftp_proto::wire::Reply;
use ftp_rustls::Secured;

use crate::{DriverState, Error};

/// Most events that are kept.
const EVENTS_KEPT: usize = 256;

/// Events that came while a method waited for another, in their order.
///
/// Each method of a client waits for one kind of event; what else comes is kept for `next_event`.
#[derive(Debug, Default)]
pub struct PendingEvents {
    kept: VecDeque<Event>,
}

impl PendingEvents {
    /// The oldest event.
    pub fn pop(&mut self) -> Option<Event> {
        self.kept.pop_front()
    }

    /// The oldest event that is wanted.
    pub fn take(&mut self, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        let at = self.kept.iter().position(wanted)?;
        self.kept.remove(at)
    }

    /// Takes the oldest reply that nothing had asked for.
    ///
    /// # Errors
    /// [`Error::Unsolicited`] if there is one.
    pub fn check_in_step(&mut self) -> Result<(), Error> {
        match self.take(|event| matches!(event, Event::Unsolicited(_))) {
            Some(Event::Unsolicited(reply)) => Err(Error::Unsolicited(reply)),
            _ => Ok(()),
        }
    }

    /// Keeps a reply that nothing had asked for, if it is the first, and drops all other events.
    pub fn keep_unsolicited(&mut self, event: Event) {
        let is_unsolicited = |event: &Event| matches!(event, Event::Unsolicited(_));
        if is_unsolicited(&event) && !self.kept.iter().any(is_unsolicited) {
            self.kept.push_back(event);
        }
    }

    /// Puts an event back in front.
    pub fn put_back(&mut self, event: Event) {
        self.kept.push_front(event);
    }

    /// Gives the event back if it is wanted, and keeps it otherwise. `None`, what a driver says
    /// when the machine is done, is [`Error::Closed`].
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Unsolicited`] for a reply that nothing had asked for;
    /// [`Error::EventsUnread`] if 256 are kept already. The event is kept then, too.
    pub fn sort(
        &mut self,
        event: Option<Event>,
        wanted: impl Fn(&Event) -> bool,
    ) -> Result<Option<Event>, Error> {
        let event = event.ok_or(Error::Closed)?;
        if wanted(&event) {
            return Ok(Some(event));
        }
        if let Event::Unsolicited(reply) = event {
            return Err(Error::Unsolicited(reply));
        }
        self.kept.push_back(event);
        self.check_room()?;
        Ok(None)
    }

    /// Takes the events that the machine holds already out of the way, so that a login that was
    /// over before is not taken for the next.
    ///
    /// # Errors
    /// [`Error::EventsUnread`] if there are more than are kept.
    pub fn keep_what_came(
        &mut self,
        state: &mut DriverState<Secured<Connection>>,
    ) -> Result<(), Error> {
        while let Ok(ftp_proto::Action::Event(event)) = state.machine_mut().poll() {
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

/// The reply in the event, if it is one to this command.
pub fn reply_to(event: &Event, to: CommandId) -> Option<&Reply> {
    match event {
        Event::Reply { command, reply }
        | Event::NeedAccount { command, reply }
        | Event::NotLoggedIn { command, reply } => (*command == to).then_some(reply),
        _ => None,
    }
}

/// Whether the event is what a client waits for after `REIN`.
pub fn ends_reinitialize(event: &Event, command: CommandId) -> bool {
    matches!(event, Event::LoggedIn(_) | Event::Challenge(_)) || reply_to(event, command).is_some()
}

/// What came of `REIN`. A challenge is put back: it is still to be answered.
///
/// # Errors
/// [`Error::Refused`] or [`Error::Unanswered`].
pub fn reinitialized(
    pending: &mut PendingEvents,
    event: Event,
    command: CommandId,
) -> Result<(), Error> {
    if let Event::Challenge(challenge) = event {
        let kind = challenge.kind();
        pending.put_back(Event::Challenge(challenge));
        return Err(Error::Unanswered(kind));
    }
    agreed(&event, command)
}

/// Whether the event is what a client waits for after `CCC`.
pub fn ends_clear_command_channel(event: &Event, command: CommandId) -> bool {
    matches!(event, Event::ClearCommandChannel) || reply_to(event, command).is_some()
}

/// What came of a command that changes the state of the connection, or is refused with a reply.
///
/// # Errors
/// [`Error::Refused`].
pub fn agreed(event: &Event, command: CommandId) -> Result<(), Error> {
    match reply_to(event, command) {
        Some(reply) => Err(Error::Refused(reply.clone())),
        None => Ok(()),
    }
}
