//! What a client does with files besides moving bytes: one command, or a few.

use ftp_adapter::files::{Exchange, Return, Turn};
use ftp_adapter::{Error, Operation, SendCommand};

use crate::{Client, Transport};

impl<T: Transport> Client<T> {
    ftp_adapter::client_operations!([] []);

    pub(crate) fn converse<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Error> {
        self.settle()?;
        self.go_through(&mut exchange)
    }

    /// Runs an exchange to its end, when nothing is left undone.
    pub(crate) fn go_through<E: Exchange>(&mut self, exchange: &mut E) -> Result<E::Output, Error> {
        let mut reply = None;
        loop {
            let machine = self.driver.machine().machine();
            match self.pending.turn(exchange, machine, reply)? {
                Turn::Send(command) => {
                    reply = Some(self.run_settled(SendCommand::new(command)?)?);
                }
                Turn::Done(output) => return Ok(output),
            }
        }
    }

    /// Runs an operation to its end, when nothing is left undone.
    pub(crate) fn run<O: Operation>(&mut self, operation: O) -> Result<O::Output, Error> {
        self.settle()?;
        self.run_settled(operation)
    }

    /// The same, if that is known. Events that are not its own are kept for
    /// [`next_event`](Self::next_event).
    fn run_settled<O: Operation>(&mut self, mut operation: O) -> Result<O::Output, Error> {
        let now = self.driver.now();
        let machine = self.driver.machine_mut();
        let mut output = operation.start(now, machine, &mut self.pending)?;
        loop {
            if let Some(output) = output {
                return Ok(output);
            }
            let event = self.event()?;
            output = self.pending.go_on(&mut operation, event)?;
        }
    }

    /// A transfer that was dropped is settled with the server, and the current directory is where it was,
    /// before anything else is said.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let now = self.driver.now();
        if self.machine().abort(now).is_ok() {
            while self.machine().transferring().is_some() {
                match self.event()? {
                    Some(event) => self.pending.keep(event)?,
                    None => return Err(Error::Closed),
                }
            }
        }
        if !self.pending.known().is_away() {
            return Ok(());
        }
        self.go_through(&mut Return)
    }
}
