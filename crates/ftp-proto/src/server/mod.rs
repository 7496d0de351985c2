//! The server's side of the control connection.

mod config;
mod connection;
mod error;
mod event;
mod information;
mod login;
mod protection;
mod replies;
mod session;
mod timers;

pub use config::{
    Config, DataProtectionPolicy, NameRule, Security, SystemReplies, Timeouts, UserAfterLogin,
};
pub use connection::Connection;
pub use error::{Error, Misuse, PeerFault};
pub use event::{
    AccountAttempt, AccountVerdict, Attempt, ClosedWhy, Event, LoginSummary, Request, RequestId,
    State, Verdict,
};
