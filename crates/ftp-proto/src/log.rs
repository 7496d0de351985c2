//! The machines' own log lines, for those who switch the `tracing` feature on. Without it every
//! function here is empty.
//!
//! Lines of the dialogue go out through the `Display` of [`CommandRef`] and [`ReplyRef`], which
//! mask secrets and escape what a peer could forge a log line with. What a server says once it was
//! told a secret may repeat it: of such a reply only the code is logged.

use core::fmt::Display;

#[cfg(feature = "tracing")]
use crate::wire::MASK;
use crate::wire::{CommandRef, ReplyRef};

/// A command goes from client to server. `side` says who logs it: `client` or `server`.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
pub(crate) fn command(side: &'static str, command: CommandRef<'_>) {
    #[cfg(feature = "tracing")]
    tracing::trace!(target: "ftp_proto", side, %command);
}

/// A reply goes from server to client, which has told it no secret.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
pub(crate) fn reply(side: &'static str, reply: ReplyRef<'_>) {
    #[cfg(feature = "tracing")]
    tracing::trace!(target: "ftp_proto", side, %reply);
}

/// A reply goes from server to client, which has told it a secret.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
pub(crate) fn reply_after_secret(side: &'static str, reply: ReplyRef<'_>) {
    #[cfg(feature = "tracing")]
    tracing::trace!(target: "ftp_proto", side, reply = %format_args!("{} {MASK}", reply.code()));
}

/// The connection enters another phase.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
pub(crate) fn phase(side: &'static str, phase: impl Display) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "ftp_proto", side, %phase);
}
