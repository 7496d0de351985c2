//! The parts of `ftp-proto`'s adapters that do not depend on the runtime.
//!
//! To log in to a server or to run one, use a runtime's adapter: `ftp-tokio`, `ftp-smol`,
//! `ftp-async-std` or `ftp-blocking`, or `ftp-futures` with a timer of your own. To write an adapter,
//! start here. This crate has no timers or tasks, and no sockets but the listener of active mode.
//!
//! * [`DriverState`]: a machine, and the state that a driver keeps between two steps.
//! * [`ClientSetup`], [`Address`], [`Error`], [`Operation`], [`PendingEvents`]: clients.
//! * [`TransferState`], [`ActiveMode`]: their transfers. [`files`]: what they do with files besides.
//! * [`PoolState`]: several connections to one server, for those who need one.
//! * [`ResumeDownload`], [`ResumeUpload`]: transfers that go on from where they were cut.
//! * [`Acceptor`], [`SharedGuard`], [`SessionState`], [`SessionInfo`], [`SessionEvent`]: servers.
#![forbid(unsafe_code)]

mod acceptor;
mod active;
mod address;
mod budget;
mod clock;
mod dialing;
mod driver_state;
mod error;
pub mod files;
mod guard;
mod io_error;
mod methods;
mod operation;
mod pending_events;
mod pool;
mod progress;
mod resume;
#[cfg(feature = "files")]
mod serving;
mod session;
mod session_state;
mod setup;
pub mod socket;
mod transfer;

pub use acceptor::{
    AcceptDecision, Accepted, Acceptor, Availability, Refused, SessionSlot, TlsMissing,
    accept_pause,
};
pub use active::{ActiveListener, ActiveMode, PeerCheck, Peers};
pub use address::{Address, AddressError};
pub use budget::Budget;
pub use clock::{Clock, SystemClock, date_and_time};
pub use dialing::{jitter, lost};
pub use driver_state::{DriverError, DriverState, Next};
pub use error::Error;
pub use guard::{AttemptSummary, Guarded, Judged, SharedGuard};
use guard::{MayCheck, judge};
pub use operation::{
    AwaitReply, ClearCommandChannel, Operation, OperationStep, Quit, Reinitialize, SendCommand,
};
pub use pending_events::PendingEvents;
pub use pool::{PoolConfig, PoolState, PoolStep, PoolTurn};
pub use progress::Progress;
pub use resume::{
    AskFacts, Fact, FileFacts, ResumeDownload, ResumeOptions, ResumeReport, ResumeUpload,
};
#[cfg(feature = "files")]
pub use serving::{
    DataOpening, ExternalAddress, FileDone, FileJob, FilePump, FileServer, FileSession, ServedFiles,
};
pub use session::{
    SessionData, SessionError, SessionEvent, SessionInfo, TransferStart, TransferSummary,
};
pub use session_state::{
    LAST_CHECK_TIME, LEAVE_TIME, SHUTDOWN_TEXT, SessionEvents, SessionState, SessionTask,
};
pub use setup::ClientSetup;
pub use socket::SocketOption;
pub use socket2;
pub use transfer::{DataFailure, Report, Started, TransferState, TransferStep, UPLOAD_PIECE};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
