//! The client's side of the control connection.

mod config;
mod connection;
mod context;
mod error;
mod event;
mod incoming;
mod login;
mod outstanding;

pub use config::{Config, DataProtection, Login, Security, Timeouts};
pub use connection::Connection;
pub use error::{Error, Misuse, PeerFault, Timeout};
pub use event::{
    Answer, Challenge, ChallengeKind, CommandId, Event, LoggedInBy, Phase, PhaseTimes, Protection,
    Session,
};
