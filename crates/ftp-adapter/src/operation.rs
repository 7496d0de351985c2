//! What a client can be asked to do, as values: what to tell the machine, and which events answer.
//!
//! A dialect has one loop for all of them: [`Operation::start`], then [`PendingEvents::go_on`] with
//! each event of the connection until there is an output.

use ftp_proto::client::{CommandId, Connection, Event, Login, Misuse, Phase};
use ftp_proto::wire::{Class, Command, Reply, Verb};
use ftp_proto::{Account, Instant};
use ftp_rustls::Secured;

use crate::{Error, PendingEvents};

/// Something that a client does: it tells the machine, and waits for the events that answer.
///
/// It waits by itself for nothing, so it is the same in every dialect. Dropping it leaves what it
/// began begun; no event is lost.
pub trait Operation {
    /// What comes of it.
    type Output;

    /// Tells the machine. An output: it is done already, by an event that was kept.
    ///
    /// # Errors
    /// [`Error::Misuse`] if it does not fit the state; what the operation says besides.
    fn start(
        &mut self,
        now: Instant,
        machine: &mut Secured<Connection>,
        pending: &mut PendingEvents,
    ) -> Result<Option<Self::Output>, Error>;

    /// An event came.
    fn on_event(&mut self, event: Event) -> Progress<Self::Output>;

    /// The connection was closed in due form.
    ///
    /// # Errors
    /// [`Error::Closed`], unless the operation waits for just that.
    fn on_close(&mut self) -> Result<Self::Output, Error> {
        Err(Error::Closed)
    }
}

/// What an event means to an [`Operation`].
#[derive(Debug)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// It failed.
    Failed(Error),
    /// It failed, and the event is still to be dealt with: it is the next one.
    FailedBy(Event, Error),
    /// Nothing: the event is kept. [`Event::Unsolicited`] fails the operation.
    NotMine(Event),
    /// It goes on. The event was its own, or is dropped.
    More,
}

/// Sends a command and waits for its final reply, whatever its code.
#[derive(Debug)]
pub struct SendCommand {
    /// Until it is sent.
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

    fn on_event(&mut self, event: Event) -> Progress<Reply> {
        match self.sent.and_then(|sent| event.reply_to(sent)) {
            Some(reply) if reply.code().class() == Class::Preliminary => Progress::More,
            Some(reply) => Progress::Done(reply.clone()),
            None => Progress::NotMine(event),
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
        // A connection that is closing says by itself how it ends.
        if connection.phase() != Phase::Closing && !connection.is_unanswered(self.0) {
            return Err(Error::AlreadyAnswered);
        }
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> Progress<Reply> {
        match event.reply_to(self.0) {
            Some(reply) => Progress::Done(reply.clone()),
            None => Progress::NotMine(event),
        }
    }
}

/// Starts again as another user (`REIN`).
#[derive(Debug)]
pub struct Reinitialize {
    /// Until the command is sent.
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
        // So that a login that was over before is not taken for the next.
        pending.keep_what_came(machine)?;
        if let Some(login) = self.login.take() {
            self.sent = Some(machine.machine_mut().reinitialize(now, login)?);
        }
        Ok(None)
    }

    fn on_event(&mut self, event: Event) -> Progress<()> {
        match event {
            Event::LoggedIn(_) => Progress::Done(()),
            Event::Challenge(challenge) => {
                let unanswered = Error::Unanswered(challenge.kind());
                Progress::FailedBy(Event::Challenge(challenge), unanswered)
            }
            event => refused(self.sent, event),
        }
    }
}

/// Takes TLS off the control connection (`CCC`).
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

    fn on_event(&mut self, event: Event) -> Progress<()> {
        match event {
            Event::ClearCommandChannel => Progress::Done(()),
            event => refused(self.sent, event),
        }
    }
}

/// The only reply that is told of these commands is one that refuses.
fn refused<T>(sent: Option<CommandId>, event: Event) -> Progress<T> {
    match sent.and_then(|sent| event.reply_to(sent)) {
        Some(reply) => Progress::Failed(Error::Refused(reply.clone())),
        None => Progress::NotMine(event),
    }
}

/// Says goodbye (`QUIT`) and waits for the end. All events are dropped but for the first reply that
/// nothing had asked for, which is an error once the connection is closed.
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
            // How it came to be closed is told at the end.
            Ok(()) | Err(Misuse::Closed) => Ok(None),
            Err(misuse) => Err(misuse.into()),
        }
    }

    fn on_event(&mut self, event: Event) -> Progress<()> {
        if let Event::Unsolicited(reply) = event {
            self.unsolicited.get_or_insert(reply);
        }
        Progress::More
    }

    fn on_close(&mut self) -> Result<(), Error> {
        match self.unsolicited.take() {
            Some(reply) => Err(Error::Unsolicited(reply)),
            None => Ok(()),
        }
    }
}
