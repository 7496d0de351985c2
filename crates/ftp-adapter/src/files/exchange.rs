//! Commands that are sent one after the other.

use ftp_proto::wire::{Class, Command, Reply, Verb};

use super::Known;
use crate::Error;

/// A sequence of commands: what to send next depends on the reply.
///
/// Dropping one in the middle leaves done what was done.
///
/// ```
/// use ftp_adapter::files::{Exchange, Known, Rename, Turn};
/// use ftp_proto::wire::{Code, Reply};
///
/// let mut rename = Rename::new("draft", "paper")?;
/// // A dialect goes through `PendingEvents::turn`, which asks for the features, too, if need be.
/// let mut known = Known::default();
/// let Turn::Send(first) = rename.next(&mut known, None)? else { panic!() };
/// assert_eq!(first.to_string(), "RNFR draft");
/// let reply = Reply::new(Code::PENDING_FURTHER_INFORMATION, "And the new name?")?;
/// let Turn::Send(second) = rename.next(&mut known, Some(reply))? else { panic!() };
/// assert_eq!(second.to_string(), "RNTO paper");
/// # Ok::<(), ftp_adapter::Error>(())
/// ```
pub trait Exchange {
    /// What comes of it.
    type Output;

    /// Whether it must be known what the server's `FEAT` lists.
    fn needs_features(&self) -> bool {
        false
    }

    /// What to do next. `reply` is the final reply to the command that was sent last; `None` begins it.
    ///
    /// # Errors
    /// [`Error::Refused`] and [`Error::UnusableReply`]; what the exchange says besides.
    fn next(
        &mut self,
        known: &mut Known,
        reply: Option<Reply>,
    ) -> Result<Turn<Self::Output>, Error>;
}

/// What an [`Exchange`] does next.
#[derive(Debug)]
pub enum Turn<T> {
    /// It sends this, and waits for the final reply.
    Send(Command),
    /// It is done.
    Done(T),
}

/// The reply, if it says that this command was carried out (2yz).
pub(super) fn completed(verb: Verb, reply: Reply) -> Result<Reply, Error> {
    expected(Class::Completion, verb, reply)
}

/// The reply, if it is of this class.
pub(super) fn expected(class: Class, verb: Verb, reply: Reply) -> Result<Reply, Error> {
    let reply = reply.ok()?;
    match reply.code().class() == class {
        true => Ok(reply),
        false => Err(Error::UnusableReply { verb, reply }),
    }
}
