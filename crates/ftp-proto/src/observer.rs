//! A look at the dialogue as it happens, with secrets masked.

use crate::wire::{CommandRef, ReplyRef};
use crate::{Instant, TlsSession};

/// One step of the dialogue on a control connection.
///
/// Formatting a command never shows a password or an account: [`CommandRef`] masks what
/// [`CommandRef::secret`] gives in `Debug` and `Display`. An observer that needs the lines should
/// format them, not take the argument apart.
///
/// A reply is the server's own text. One that repeats the password shows it, here and in every error
/// and event that carries it: keep only the code
/// ([`Reply::redacted`](crate::wire::Reply::redacted)) of what comes after a command that
/// [carries a secret](CommandRef::carries_secret), or look for the secret in it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Dialogue<'a> {
    /// A command went from client to server.
    Command(CommandRef<'a>),
    /// A reply went from server to client.
    Reply(ReplyRef<'a>),
    /// TLS is in force from here on.
    TlsStarted(&'a TlsSession),
    /// TLS was closed (CCC); clear text from here on.
    TlsStopped,
}

/// Told of each step of the dialogue, in order, on both sides.
///
/// Called from inside the machine: be quick, and do not panic.
pub trait Observer: Send + Sync {
    /// `dialogue` happened at `now`.
    fn observe(&self, now: Instant, dialogue: Dialogue<'_>);
}

impl<F: Fn(Instant, Dialogue<'_>) + Send + Sync> Observer for F {
    fn observe(&self, now: Instant, dialogue: Dialogue<'_>) {
        self(now, dialogue);
    }
}
