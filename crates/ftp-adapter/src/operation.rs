//! The operations of a client as values: the calls to the machine, and the events that answer them.
//!
//! A dialect (async or blocking) has one loop for all of them: [`Operation::start`], then
//! [`PendingEvents::go_on`] with each event of the connection until there is an output.

use ftp_proto::client::{CommandId, Connection, Event, Login, Misuse, Phase};
use ftp_proto::wire::{Class, Command, Reply, Verb};
use ftp_proto::{Account, Instant};
use ftp_rustls::Secured;

use crate::files::Known;
use crate::{Error, PendingEvents};

/// An operation of a client: a call to the machine, and the events that answer it.
///
/// It never waits by itself, so it is the same in each dialect. If it is dropped, what it started
/// continues, and no event is lost.
pub trait Operation {
    /// The result.
    type Output;

    /// Calls the machine. Returns an output if a kept event completed it already.
    ///
    /// # Errors
    /// [`Error::Misuse`] if it does not fit the state, and errors of the operation.
    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<Self::Output>, Error>;

    /// Handles an event.
    fn on_event(&mut self, event: Event) -> OperationStep<Self::Output>;

    /// The connection was closed in an orderly way.
    ///
    /// # Errors
    /// [`Error::Closed`], unless the operation waits for just that.
    fn on_close(&mut self) -> Result<Self::Output, Error> {
        Err(Error::Closed)
    }
}

/// What an event means to an [`Operation`].
#[derive(Debug)]
pub enum OperationStep<T> {
    /// It is done.
    Done(T),
    /// It failed.
    Failed(Error),
    /// It failed, and the event becomes the next one of the client.
    FailedBy(Event, Error),
    /// It does not belong to the operation, and is kept. [`Event::Unsolicited`] fails the
    /// operation.
    NotMine(Event),
    /// It continues. The event belonged to it, or is dropped.
    More,
}

/// Sends a command and waits for its final reply, with any code.
#[derive(Debug)]
pub struct SendCommand {
    /// `None` after it was sent.
    command: Option<Command>,
    sent: Option<CommandId>,
}

impl SendCommand {
    /// This command.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if it cannot be sent.
    pub fn new<C>(command: C) -> Result<Self, Error>
    where
        C: TryInto<Command>,
        C::Error: Into<Error>,
    {
        Ok(Self {
            command: Some(command.try_into().map_err(Into::into)?),
            sent: None,
        })
    }

    /// `ACCT`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn account(account: &Account) -> Result<Self, Error> {
        Self::new(Command::with_argument(Verb::Acct, account.expose())?)
    }
}

impl Operation for SendCommand {
    type Output = Reply;

    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<Reply>, Error> {
        pending.check_in_step()?;
        if let Some(command) = self.command.take() {
            self.sent = Some(machine.machine_mut().send(now, command)?);
        }
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> OperationStep<Reply> {
        match self.sent.and_then(|sent| event.reply_to(sent)) {
            Some(reply) if reply.code().class() == Class::Preliminary => OperationStep::More,
            Some(reply) => OperationStep::Done(reply.clone()),
            None => OperationStep::NotMine(event),
        }
    }
}

/// Waits for the next reply to a command that was sent, preliminary or final.
#[derive(Debug)]
pub struct AwaitReply(pub CommandId);

impl Operation for AwaitReply {
    type Output = Reply;

    fn start(
        &mut self,
        _: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<Reply>, Error> {
        pending.check_in_step()?;
        if let Some(event) = pending.take(|event| event.reply_to(self.0).is_some()) {
            return Ok(event.reply_to(self.0).cloned());
        }
        let connection = machine.machine();
        // A closing connection reports its own end.
        if connection.phase() != Phase::Closing && !connection.is_unanswered(self.0) {
            return Err(Error::AlreadyAnswered);
        }
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> OperationStep<Reply> {
        match event.reply_to(self.0) {
            Some(reply) => OperationStep::Done(reply.clone()),
            None => OperationStep::NotMine(event),
        }
    }
}

/// Logs out and logs in as another user (`REIN`).
#[derive(Debug)]
pub struct Reinitialize {
    /// `None` after the command was sent.
    login: Option<Login>,
    sent: Option<CommandId>,
}

impl Reinitialize {
    /// With this login.
    pub fn new(login: Login) -> Self {
        Self {
            login: Some(login),
            sent: None,
        }
    }
}

impl Operation for Reinitialize {
    type Output = ();

    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<()>, Error> {
        // So that an event of the old login is not taken for one of the new.
        pending.keep_what_came(machine)?;
        *pending.known_mut() = Known::default();
        if let Some(login) = self.login.take() {
            self.sent = Some(machine.machine_mut().reinitialize(now, login)?);
        }
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> OperationStep<()> {
        match event {
            Event::LoggedIn(_) => OperationStep::Done(()),
            Event::Challenge(challenge) => {
                let unanswered = Error::Unanswered(challenge.kind());
                OperationStep::FailedBy(Event::Challenge(challenge), unanswered)
            }
            event => refused(self.sent, event),
        }
    }
}

/// Ends TLS on the control connection (`CCC`).
#[derive(Debug, Default)]
pub struct ClearCommandChannel {
    sent: Option<CommandId>,
}

impl Operation for ClearCommandChannel {
    type Output = ();

    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        _: &mut PendingEvents,
    ) -> Result<Option<()>, Error> {
        self.sent = Some(machine.machine_mut().clear_command_channel(now)?);
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> OperationStep<()> {
        match event {
            Event::ClearCommandChannel => OperationStep::Done(()),
            event => refused(self.sent, event),
        }
    }
}

/// The machine reports a reply to these commands only if it refuses.
fn refused<T>(sent: Option<CommandId>, event: Event) -> OperationStep<T> {
    match sent.and_then(|sent| event.reply_to(sent)) {
        Some(reply) => OperationStep::Failed(Error::Refused(reply.clone())),
        None => OperationStep::NotMine(event),
    }
}

/// Sends `QUIT` and waits for the end. All events are dropped, except the first unsolicited reply,
/// which becomes an error once the connection is closed.
#[derive(Debug, Default)]
pub struct Quit {
    unsolicited: Option<Reply>,
}

impl Operation for Quit {
    type Output = ();

    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<()>, Error> {
        if let Err(Error::Unsolicited(reply)) = pending.check_in_step() {
            self.unsolicited = Some(reply);
        }
        match machine.machine_mut().quit(now) {
            // The end of the connection reports why it closed.
            Ok(()) | Err(Misuse::Closed) => Ok(None),
            Err(misuse) => Err(misuse.into()),
        }
    }

    fn on_event(&mut self, event: Event) -> OperationStep<()> {
        if let Event::Unsolicited(reply) = event {
            self.unsolicited.get_or_insert(reply);
        }
        OperationStep::More
    }

    fn on_close(&mut self) -> Result<(), Error> {
        match self.unsolicited.take() {
            Some(reply) => Err(Error::Unsolicited(reply)),
            None => Ok(()),
        }
    }
}
