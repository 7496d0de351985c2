//! The wire format: lines, replies, commands and Telnet. It can be used without a machine.
//!
//! * [`ReplyParser`] and [`CommandParser`] read bytes that the caller keeps, and return references
//!   to them. They remember how far they searched, so the work is linear however the bytes arrive.
//! * [`Reply`] and [`Command`] own their bytes. A value that cannot be sent cannot be built.
//! * [`Passive`], [`parse_path`], [`parse_size`], [`parse_time`], [`announced_length`] and
//!   [`parse_store_unique_name`] read what the texts of replies say, however the server words them.
//!   [`Features`] is what `FEAT` lists. [`parse_port`], [`parse_eprt`] and [`parse_epsv`] read
//!   arguments.
//! * [`TelnetFilter`] removes Telnet sequences from incoming bytes; [`encode_telnet`] escapes
//!   outgoing ones.
//!
//! The order of commands and replies is not here, but in [`crate::client`] and [`crate::server`].

mod code;
mod command;
mod command_parser;
mod features;
mod file_status;
pub(crate) mod foreign;
mod host_port;
mod masking;
mod passive;
mod path;
mod reply;
mod reply_error;
mod reply_parser;
mod scan;
mod telnet;
pub(crate) mod telnet_input;
mod text;
mod transfer;
mod verb;

pub use code::{Class, Code, Subject};
pub use command::{Command, CommandRef};
pub use command_parser::{CommandError, CommandErrorKind, CommandParser};
pub use features::Features;
pub use file_status::{parse_size, parse_time};
pub use foreign::ForeignProtocol;
pub use host_port::{
    AddressFamily, ExtendedPassive, HostPortError, parse_eprt, parse_epsv, parse_port,
};
pub(crate) use masking::MASK;
pub use passive::Passive;
pub use path::{parse_path, quote_path};
pub use reply::{Lines, NegativeReply, Reply, ReplyRef};
pub use reply_error::{ReplyError, ReplyErrorKind};
pub use reply_parser::ReplyParser;
pub use telnet::{TelnetFilter, encode_telnet};
pub use text::{Escaped, InvalidText, TextKind, TextProblem, escape};
pub(crate) use text::{check_name, check_text};
pub use transfer::{announced_length, parse_store_unique_name};
pub use verb::Verb;

/// What a parser found at the start of its input.
///
/// Exhaustive: a message is complete or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status<T> {
    /// A complete message, and its length with the blank lines before it. Drop that many bytes from
    /// the front before the next call.
    Complete(T, usize),
    /// The message is not complete. Call again with the same bytes and more after them.
    Partial,
}
