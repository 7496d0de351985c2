//! The server's side of the control connection. It takes a policy and the application's decisions,
//! and makes the replies.
//!
//! [`Connection`] is the machine, [`Config`] its policy, and [`Event`] what it reports and asks.
//! The application checks passwords, the driver has the sockets, and a wrapper does TLS (see
//! [`Securable`](crate::Securable)). The guard (`ftp-guard`) has the limits over all connections.
//!
//! ```
//! use std::sync::Arc;
//! use ftp_proto::server::{Config, Connection, Event, Security};
//! use ftp_proto::{Action, Instant, Machine};
//!
//! let config = Config::new().security(Security::DangerousPlaintext);
//! let now = Instant::START;
//! let mut connection = Connection::new(Arc::new(config), now);
//! let mut client = [b"USER anna\r\n".as_slice(), b"PASS secret\r\n", b"QUIT\r\n"].into_iter();
//! let mut replies = Vec::new();
//! loop {
//!     match connection.poll()? {
//!         Action::Event(Event::Authenticate(attempt)) => {
//!             let right = attempt.password().is_some_and(|given| given.expose() == b"secret");
//!             let verdict = if right { attempt.accept() } else { attempt.reject() };
//!             connection.decide(now, verdict)?;
//!         }
//!         Action::Event(_) => {}
//!         Action::Write { bytes, .. } => {
//!             replies.extend_from_slice(bytes);
//!             let count = bytes.len();
//!             connection.wrote(now, count);
//!         }
//!         Action::Read { .. } => {
//!             let bytes = client.next().expect("the client is not done");
//!             assert_eq!(connection.received(now, bytes), bytes.len());
//!         }
//!         Action::Wait { .. } | Action::Shutdown { .. } => unreachable!("nothing is open"),
//!         Action::Closed => break,
//!     }
//! }
//! assert_eq!(
//!     String::from_utf8(replies)?,
//!     "220 Ready.\r\n331 Password required.\r\n230 Logged in.\r\n221 Goodbye.\r\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![doc = include_str!("transitions.md")]
#![doc = include_str!("transfers.md")]

mod builtin_commands;
mod config;
mod connection;
mod context;
mod error;
mod event;
mod features;
mod file_calls;
mod file_commands;
mod files;
mod files_config;
mod hashing;
mod input;
mod login;
mod machine;
mod parameters;
mod passive;
mod path;
mod protection;
mod replies;
mod rights;
mod session;
mod state;
mod timers;
mod transfer_commands;
mod transferring;
mod verdict;

pub use config::{Config, DataProtectionPolicy, NameRule, Security, Timeouts, UserAfterLogin};
pub use connection::Connection;
pub use error::{Error, Misuse, PeerFault};
pub use event::{ClosedWhy, Event, LoginSummary, Phase, Request, RequestId, TransferError};
pub use files::{
    Answer, CommitRequest, FileAction, FileError, FileRequest, ListKind, ListenRequest, StoreMode,
    TransferAction, TransferId, TransferRequest,
};
pub use files_config::{FilesConfig, Resumption};
pub use hashing::HashAlgorithm;
pub use path::VirtualPath;
pub use rights::Rights;
pub use verdict::{AccountAttempt, AccountVerdict, Attempt, Outcome, Verdict};
