//! The client's side of the control connection: [`Connection`] and what it is told and tells.
//!
//! Each state is a struct in `login.rs` that owns its data, and all transitions are there; those of
//! a transfer are in `transferring.rs`. What does not live here: the wire format ([`crate::wire`]), TLS, sockets and clocks.
#![doc = include_str!("transitions.md")]
#![doc = include_str!("transfers.md")]

mod answers;
mod config;
mod connection;
mod context;
mod error;
mod event;
mod input;
mod keep_alive;
mod login;
mod machine;
mod otp;
mod outstanding;
mod state;
mod timers;
mod transfer;
mod transferring;

pub use config::{
    Config, DataMode, DataProtection, Login, PassiveCommand, Security, Timeouts, Utf8,
};
pub use connection::Connection;
pub use error::{Error, Misuse, PeerFault, Timeout};
pub use event::{
    Answer, Challenge, ChallengeKind, CommandId, Event, LoggedInBy, Phase, PhaseTimes, Protection,
    Session,
};
pub use keep_alive::{KeepAlive, UnfitForKeepAlive};
pub use transfer::{Transfer, TransferError, TransferId, Transferred};
