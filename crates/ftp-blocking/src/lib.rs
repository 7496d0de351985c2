//! FTP on blocking sockets, without a runtime: clients and servers with transfers.
//!
//! The same names as in `ftp-tokio`, with the same meaning: to move from one to the other, change
//! the name of the crate and drop the `.await`s. The protocol is in [`ftp_proto`], TLS in
//! [`ftp_rustls`] (both re-exported). This crate adds only sockets, names, time-outs and threads.
//!
//! # A login
//!
//! Explicit TLS and the roots of the platform are the default:
//!
//! ```no_run
//! # fn example(password: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use ftp_blocking::{Client, Login};
//!
//! let login = Login::new("developer", password)?;
//! let mut ftp = Client::connect("ftp.example.com", login)?;
//! println!("{}", ftp.command("PWD")?);
//! ftp.quit()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! [`Client::retrieve`] gives a [`Download`], which is [`Read`](std::io::Read), and [`Client::store`] an
//! [`Upload`], which is [`Write`](std::io::Write). **A download ends without an error only if it is whole;
//! an upload is whole only when `finish` says so.** [`Client::list`] gives the entries of a directory,
//! [`Client::walk`] all below it. A whole program:
//!
//! ```no_run
#![doc = include_str!("../examples/files.rs")]
//! ```
//!
//! [`Download::copy_to_file`] and [`Upload::copy_from_file`] move a whole file. On Linux, the system copies it
//! if it goes in clear, which takes less of the processor's time. The async adapters have no such methods: a
//! runtime's thread must not wait for a disk.
//!
//! One thread runs both connections. The control connection is looked at when no data came for a tenth
//! of a second, so a server that gives up without closing the data connection is noticed that late.
//!
//! # Cancellation
//!
//! [`Client::aborter`] gives a transfer up from another thread. A transfer or a listing that is dropped
//! before its end is given up, too; the next call settles that with the server before it sends anything
//! else.
//!
//! # Several files at a time
//!
//! A connection moves one file at a time. A [`Pool`] opens connections to one server when they are
//! needed, up to a bound, lends each to one thread at a time, and replaces those that died. Its
//! [`download_into`](Pool::download_into) and [`upload_from`](Pool::upload_from) go on with a transfer
//! where it was cut.
//!
//! # Both sides in one program
//!
//! ```
//! use std::net::TcpListener;
//! use std::sync::Arc;
//! use std::thread;
//!
//! use ftp_blocking::ftp_proto::server::{Attempt, Request, Verdict};
//! use ftp_blocking::ftp_proto::wire::{Code, Reply, Verb};
//! use ftp_blocking::ftp_proto::{client, server};
//! use ftp_blocking::{Connector, Handler, Login, Server, SessionInfo, Shutdown};
//!
//! struct DemoHandler;
//!
//! impl Handler for DemoHandler {
//!     fn authenticate(&self, _session: &SessionInfo, attempt: Attempt) -> Verdict {
//!         match attempt.password() {
//!             Some(password) if password.expose() == b"open sesame" => attempt.accept(),
//!             _ => attempt.reject(),
//!         }
//!     }
//!
//!     fn command(&self, _session: &SessionInfo, request: Request) -> Option<Reply> {
//!         match request.command().verb() {
//!             Verb::Pwd => Reply::new(Code::PATH_CREATED, "\"/\"").ok(),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?.to_string();
//! let policy = server::Config::new().security(server::Security::DangerousPlaintext);
//! let server = Server::new(Arc::new(policy), None)?;
//! let shutdown = Shutdown::new();
//! let stopping = shutdown.clone();
//! let serving = thread::spawn(move || server.serve(listener, DemoHandler, &stopping));
//!
//! let config = client::Config::new(Login::new("alibaba", "open sesame")?)
//!     .security(client::Security::DangerousPlaintext);
//! let mut ftp = Connector::new(config).connect(&address)?;
//! assert_eq!(ftp.command("PWD")?.text(), b"\"/\"");
//! assert_eq!(ftp.command("DELE cave")?.code(), Code::NOT_IMPLEMENTED);
//! ftp.quit()?;
//! shutdown.stop();
//! serving.join().expect("the server does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Every phase has a deadline ([`client::Timeouts`](ftp_proto::client::Timeouts),
//! [`server::Timeouts`](ftp_proto::server::Timeouts)), so no call waits for ever for a silent peer.
//! Reads and writes have time-outs of at least a millisecond; `WouldBlock` and `TimedOut` both mean
//! that one has passed.
//!
//! # Features
//!
//! * `aws-lc-rs` (default) and `ring` offer cryptography, `platform-verifier` and `webpki-roots`
//!   (both default) roots to trust. [`Connector::tls`] chooses; by default AWS-LC and the
//!   platform's roots are used, even if others are compiled in.
//! * `files` (default): servers with files.
//! * `kernel-copy` (default): on Linux, the system copies between files and sockets, where bytes go as they
//!   are. Without it, they are read and written. `files` brings it along.
//! * `tracing`: the events of `ftp-proto`, for programs that log with the `tracing` crate.
#![forbid(unsafe_code)]

#[cfg(any(feature = "files", all(target_os = "linux", feature = "kernel-copy")))]
mod chunk;
mod client;
mod connecting;
mod connector;
mod driver;
mod files;
mod handler;
mod listing;
mod operations;
mod pool;
mod resume;
mod server;
#[cfg(feature = "files")]
mod serving;
mod session;
mod session_runner;
mod shutdown;
mod transfer;
mod transport;
mod walk;
mod worker;

pub use client::Client;
pub use connecting::Connecting;
pub use connector::Connector;
pub use driver::{Driver, Parts};
pub use ftp_adapter::files::{Hash, SkipReason, Visit};
pub use ftp_adapter::socket2;
pub use ftp_adapter::{
    Address, AddressError, AttemptSummary, DataFailure, DriverError, Error, Fact, FileFacts, Next,
    PoolConfig, Progress, Report, ResumeOptions, ResumeReport, SessionData, SessionError,
    SessionEvent, SessionInfo, SocketOption, Started, TlsMissing, TransferStart, TransferSummary,
};
#[cfg(feature = "files")]
pub use ftp_adapter::{ExternalAddress, PeerCheck};
#[cfg(feature = "files")]
pub use ftp_files;
pub use ftp_guard;
pub use ftp_proto;
pub use ftp_proto::client::Login;
pub use ftp_rustls;
pub use handler::Handler;
pub use listing::{Entries, Listing, Names};
pub use pool::{Pool, Pooled};
pub use server::{Server, Socket};
pub use session::ServerSession;
pub use shutdown::Shutdown;
pub use transfer::{Aborter, DataListener, DataTransport, Download, HoldsClient, Upload};
pub use transport::Transport;
pub use walk::Walk;

/// A guard that the sessions of one server, or of several, share.
pub type SharedGuard = ftp_adapter::SharedGuard<ftp_adapter::SystemClock>;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
