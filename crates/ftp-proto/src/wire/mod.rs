//! The wire format: lines, replies, commands and Telnet. Usable without any machine.
//!
//! * [`ReplyParser`] and [`CommandParser`] look at bytes that the caller keeps and lend them back;
//!   they remember how far they looked, so that any chunking costs linear work in total.
//! * [`Reply`] and [`Command`] own their bytes and can only be built if they can be sent.
//! * [`Passive`], [`parse_path`], [`parse_size`], [`parse_time`], [`announced_length`],
//!   [`parse_store_unique_name`] read what the texts of replies say, however the server words them;
//!   [`Features`] is what `FEAT` lists; [`parse_port`], [`parse_eprt`], [`parse_epsv`] read arguments.
//! * [`TelnetFilter`] takes Telnet sequences out of incoming bytes, [`encode_telnet`] puts them in.
//!
//! What does not live here: who may say what when. That is [`crate::client`] and
//! [`crate::server`].

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

/// What a parser found at the start of the bytes it was given.
///
/// Exhaustive: a message is whole or it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status<T> {
    /// A whole message, and how many bytes it took (blank lines skipped before it included). Drop
    /// that many from the front before the next call.
    Complete(T, usize),
    /// The message is unfinished. Call again with the same bytes and more behind them.
    Partial,
}
