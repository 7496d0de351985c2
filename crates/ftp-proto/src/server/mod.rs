//! The server's side of the control connection.

mod config;
mod connection;
mod error;
mod event;
pub mod guard;
mod login;

pub use config::{
    Config, DataProtectionPolicy, NameRule, Security, SystemReplies, Timeouts, UserAfterLogin,
};
pub use connection::Connection;
pub use error::{Error, Misuse, PeerFault};
pub use event::{
    AccountAttempt, AccountVerdict, Attempt, ClosedWhy, Event, LoginSummary, Request, RequestId,
    State, Verdict,
};
pub use guard::{
    Admission, Answer, AnswerFloor, AttemptDecision, Connected, Guard, GuardConfig,
    GuardStatistics, GuardedAttempt, Lockout, Merged, Outcome, RefusedWhy, Rule, Ruling, Scope,
    Seed, SnapshotError,
};
