//! What a client does with files besides moving bytes: one command, or a few.

use ftp_adapter::files::{Exchange, Turn};
use ftp_adapter::{Error, SendCommand};

use crate::{Client, Transport};

impl<T: Transport> Client<T> {
    ftp_adapter::client_operations!([] []);

    fn converse<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Error> {
        let mut reply = None;
        loop {
            let machine = self.driver.machine().machine();
            match self.pending.turn(&mut exchange, machine, reply)? {
                Turn::Send(command) => reply = Some(self.run(SendCommand::new(command)?)?),
                Turn::Done(output) => return Ok(output),
            }
        }
    }
}
