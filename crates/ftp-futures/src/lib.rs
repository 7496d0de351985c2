//! FTP as futures, for any async runtime: clients and servers with transfers.
//!
//! `ftp-tokio`, `ftp-smol` and `ftp-async-std` are this crate with a runtime; use one of them if it
//! is yours. This crate has their common parts, and what you need for another runtime:
//!
//! * [`Timer`] and [`FuturesIo`] (or [`Io`]): a clock, a timer, and how to read and write. They are
//!   enough for [`Connector::over`] in clients and [`Server::run_session`] in servers, over any
//!   transport.
//! * [`Runtime`]: also a network and tasks, for [`Client::connect`], [`Pool`] and [`Server::serve`].
//! * [`DataTransport`]: how data connections are made. A client that [`Client::connect`] or a
//!   [`Connector`] connected has one for TCP; over a transport of your own, give it one
//!   ([`Client::data_transport`]).
//!
//! The protocol is in [`ftp_proto`], TLS in [`ftp_rustls`] (both re-exported), and code that never
//! waits in [`ftp_adapter`].
//!
//! # A login
//!
//! ```
//! use ftp_futures::ftp_proto::client::{Config, Login};
//! use ftp_futures::futures_io::{AsyncRead, AsyncWrite};
//! use ftp_futures::{Connector, FuturesIo, Timer};
//!
//! async fn where_am_i<R, T>(transport: T, password: &str) -> Result<String, ftp_futures::Error>
//! where
//!     R: Timer + FuturesIo,
//!     T: AsyncRead + AsyncWrite + Unpin + 'static,
//! {
//!     let login = Login::new("developer", password)?;
//!     let connector = Connector::<R>::new(Config::new(login));
//!     let mut ftp = connector.over(transport, "ftp.example.com").await?;
//!     let reply = ftp.command("PWD").await?;
//!     ftp.quit().await?;
//!     Ok(reply.to_string())
//! }
//! ```
//!
//! # Files
//!
//! ```
//! use ftp_futures::futures_io::{AsyncRead, AsyncWrite};
//! use ftp_futures::{Client, Error, FuturesIo, Timer};
//!
//! /// Copies a file on the server.
//! async fn copy<R, T>(ftp: &mut Client<R, T>, from: &str, to: &str) -> Result<(), Error>
//! where
//!     R: Timer + FuturesIo,
//!     T: AsyncRead + AsyncWrite + Unpin + 'static,
//! {
//!     let mut bytes = Vec::new();
//!     ftp.retrieve(from).await?.read_to_end(&mut bytes).await?; // whole, or an error
//!     let mut upload = ftp.store(to).await?;
//!     upload.write_all(&bytes).await?;
//!     upload.finish().await?; // only now it is whole
//!     Ok(())
//! }
//! ```
//!
//! A [`Download`] and an [`Upload`] have the runtime's traits for streams, too. [`Client::list`] and
//! [`Client::walk`] give streams of entries. A connection moves one file at a time; a [`Pool`] lends
//! several, and goes on with a transfer where it was cut.
//!
//! # Cancellation and time
//!
//! No future holds bytes: each can be dropped at any await, and the next call continues. The docs
//! of [`Connecting`] and [`Client`] say what that means for them. A transfer or a listing that is dropped
//! before its end is given up; the next call settles that with the server before it sends anything else.
//! Every phase has a deadline
//! ([`client::Timeouts`](ftp_proto::client::Timeouts),
//! [`server::Timeouts`](ftp_proto::server::Timeouts)) on the runtime's clock.
#![forbid(unsafe_code)]

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
mod runtime;
mod server;
#[cfg(feature = "files")]
mod serving;
mod session;
mod session_runner;
mod transfer;
mod walk;

pub use client::Client;
pub use connecting::Connecting;
pub use connector::Connector;
pub use driver::{Driver, Parts};
pub use ftp_adapter;
pub use ftp_adapter::files::{Hash, SkipReason, Visit};
pub use ftp_adapter::socket2;
pub use ftp_adapter::{
    Address, AddressError, AttemptSummary, Clock, DataFailure, DriverError, Error, Fact, FileFacts,
    Next, PoolConfig, Progress, Report, ResumeOptions, ResumeReport, SessionData, SessionError,
    SessionEvent, SessionInfo, SharedGuard, SocketOption, Started, TlsMissing, TransferStart,
    TransferSummary,
};
#[cfg(feature = "files")]
pub use ftp_adapter::{ExternalAddress, PeerCheck};
#[cfg(feature = "files")]
pub use ftp_files;
pub use ftp_guard;
pub use ftp_proto;
pub use ftp_proto::client::Login;
pub use ftp_rustls;
pub use futures_io;
pub use handler::Handler;
pub use listing::{Entries, Listing, Names};
pub use pool::{Pool, Pooled};
pub use resume::{SinkIo, SourceIo};
pub use runtime::{FuturesIo, Io, Runtime, Timer};
pub use server::Server;
pub use session::ServerSession;
#[cfg(feature = "tokio")]
pub use transfer::TokioIo;
pub use transfer::{BoxFuture, DataTransport, Download, HoldsClient, Listening, Upload};
pub use walk::Walk;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
