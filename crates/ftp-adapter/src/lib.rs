//! What the adapters of `ftp-proto` share, whatever the runtime.
//!
//! Who wants to log in, or be logged in to, takes the adapter of a runtime: `ftp-tokio`, `ftp-smol`,
//! `ftp-async-std`, `ftp-blocking`, or `ftp-futures` with a timer of their own. Who writes an adapter
//! starts here. No socket, no timer, no task is in this crate.
//!
//! * [`Flow`]: a machine, and all that a driver has to remember between two steps.
//! * [`ClientSetup`], [`Address`], [`Error`], [`Inbox`]: clients.
//! * [`Reception`], [`SharedGuard`], [`SessionInfo`], [`SessionEvent`]: servers.
#![forbid(unsafe_code)]

mod address;
mod budget;
mod clock;
mod dialing;
mod error;
mod flow;
mod guard;
mod inbox;
mod reception;
mod session;
mod setup;

pub use address::{Address, AddressError};
pub use budget::Budget;
pub use clock::{Clock, SystemClock};
pub use dialing::{jitter, lost};
pub use error::Error;
pub use flow::{DriverError, Flow, Next, Step};
pub use guard::{AttemptSummary, Guarded, Judged, Judgement, MayCheck, SharedGuard, judge};
pub use inbox::{
    Inbox, agreed, ends_clear_command_channel, ends_reinitialize, reinitialized, reply_to,
};
pub use reception::{Entry, Place, Reception, Refused, Room, TlsMissing, Welcome, accept_pause};
pub use session::{
    LAST_CHECK_TIME, SHUTDOWN_TEXT, SessionError, SessionEvent, SessionInfo, replacement,
};
pub use setup::ClientSetup;
