//! FTP on smol: clients and servers with transfers.
//!
//! The same names as in `ftp-tokio`, with the same meaning: to move from one to the other, change
//! the name of the crate. Their code is in [`ftp_futures`], the protocol in [`ftp_proto`], TLS in
//! [`ftp_rustls`] (all re-exported). This crate adds only sockets, names, timers and tasks.
//!
//! # A login
//!
//! Explicit TLS and the roots of the platform are the default:
//!
//! ```no_run
//! # async fn example(password: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use ftp_smol::{Client, Login};
//!
//! let login = Login::new("developer", password)?;
//! let mut ftp = Client::connect("ftp.example.com", login).await?;
//! println!("{}", ftp.command("PWD").await?);
//! ftp.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! [`retrieve`](generic::Client::retrieve) gives a [`Download`], [`store`](generic::Client::store) an
//! [`Upload`], with the traits of `smol::io`. **A download ends without an error only if it is
//! whole; an upload is whole only when `finish` says so.** [`list`](generic::Client::list) gives the entries
//! of a directory, [`walk`](generic::Client::walk) all below it. A whole program:
//!
//! ```no_run
#![doc = include_str!("../examples/files.rs")]
//! ```
//!
//! # Several files at a time
//!
//! A connection moves one file at a time. A [`Pool`] opens connections to one server when they are
//! needed, up to a bound, lends each to one caller at a time, and replaces those that died. Its
//! [`download_into`](generic::Pool::download_into) and [`upload_from`](generic::Pool::upload_from) go on
//! with a transfer where it was cut.
//!
//! # Both sides in one program
//!
//! ```
//! use std::sync::Arc;
//!
//! use ftp_smol::ftp_proto::server::{Attempt, Request, Verdict};
//! use ftp_smol::ftp_proto::wire::{Code, Reply, Verb};
//! use ftp_smol::ftp_proto::{client, server};
//! use ftp_smol::smol::net::TcpListener;
//! use ftp_smol::{Connector, Handler, Login, Server, SessionInfo, smol};
//!
//! struct DemoHandler;
//!
//! impl Handler for DemoHandler {
//!     async fn authenticate(&self, _session: &SessionInfo, attempt: Attempt) -> Verdict {
//!         match attempt.password() {
//!             Some(password) if password.expose() == b"open sesame" => attempt.accept(),
//!             _ => attempt.reject(),
//!         }
//!     }
//!
//!     async fn command(&self, _session: &SessionInfo, request: Request) -> Option<Reply> {
//!         match request.command().verb() {
//!             Verb::Pwd => Reply::new(Code::PATH_CREATED, "\"/\"").ok(),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! smol::block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?.to_string();
//!     let policy = server::Config::new().security(server::Security::DangerousPlaintext);
//!     let server = Server::new(Arc::new(policy), None)?;
//!     let serving = smol::spawn(async move {
//!         server.serve(listener, DemoHandler, std::future::pending()).await;
//!     });
//!
//!     let config = client::Config::new(Login::new("alibaba", "open sesame")?)
//!         .security(client::Security::DangerousPlaintext);
//!     let mut ftp = Connector::new(config).connect(&address).await?;
//!     assert_eq!(ftp.command("PWD").await?.text(), b"\"/\"");
//!     assert_eq!(ftp.command("DELE cave").await?.code(), Code::NOT_IMPLEMENTED);
//!     ftp.quit().await?;
//!     drop(serving);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Cancellation
//!
//! No future holds bytes: each can be dropped at any await, and the next call continues. A transfer or a
//! listing that is dropped before its end is given up; the next call settles that with the server before
//! it sends anything else.
//!
//! # Time
//!
//! The clock is the system's. Every phase has a deadline
//! ([`client::Timeouts`](ftp_proto::client::Timeouts), [`server::Timeouts`](ftp_proto::server::Timeouts)).
//!
//! # Features
//!
//! * `aws-lc-rs` (default) and `ring` offer cryptography, `platform-verifier` and `webpki-roots`
//!   (both default) roots to trust. [`Connector::tls`] chooses; by default AWS-LC and the
//!   platform's roots are used, even if others are compiled in.
//! * `tracing`: the events of `ftp-proto`, for programs that log with the `tracing` crate.
#![forbid(unsafe_code)]

mod runtime;

pub use ftp_futures::{
    Address, AddressError, AttemptSummary, DataFailure, DriverError, Error, Fact, FileFacts,
    Handler, Hash, Login, Next, Parts, PoolConfig, Progress, Report, ResumeOptions, ResumeReport,
    SessionData, SessionError, SessionEvent, SessionInfo, SkipReason, Started, TlsMissing,
    TransferStart, TransferSummary, Visit, ftp_guard, ftp_proto, ftp_rustls,
};
#[cfg(feature = "files")]
pub use ftp_futures::{ExternalAddress, PeerCheck, ftp_files};
pub use runtime::Smol;
pub use smol;
use smol::net::TcpStream;

/// A control connection that is logged in.
///
/// Full documentation: [`generic::Client`].
pub type Client<T = TcpStream> = ftp_futures::Client<Smol, T>;
/// A file or a listing that is being received, over a client that is borrowed (`Download<&mut Client>`)
/// or owned.
///
/// Full documentation: [`generic::Download`].
pub type Download<C = Client> = ftp_futures::Download<C>;
/// A file that is being sent, over a client that is borrowed (`Upload<&mut Client>`) or owned.
///
/// Full documentation: [`generic::Upload`].
pub type Upload<C = Client> = ftp_futures::Upload<C>;
/// The entries of a directory, as they come.
///
/// Full documentation: [`generic::Listing`].
pub type Entries<C = Client> = ftp_futures::Entries<C>;
/// The names in a directory, as they come.
///
/// Full documentation: [`generic::Listing`].
pub type Names<C = Client> = ftp_futures::Names<C>;
/// A directory and all below it, as they come.
///
/// Full documentation: [`generic::Walk`].
pub type Walk<C = Client> = ftp_futures::Walk<C>;
/// A login in progress.
///
/// Full documentation: [`generic::Connecting`].
pub type Connecting<T = TcpStream> = ftp_futures::Connecting<Smol, T>;
/// Makes client connections, one or many.
///
/// Full documentation: [`generic::Connector`].
pub type Connector = ftp_futures::Connector<Smol>;
/// A machine, the transport it runs over, and smol's clock.
///
/// Full documentation: [`generic::Driver`].
pub type Driver<M, T> = ftp_futures::Driver<Smol, M, T>;
/// Control connections to one server, for those who need one.
///
/// Full documentation: [`generic::Pool`].
pub type Pool = ftp_futures::Pool<Smol>;
/// A connection that a [`Pool`] lends.
///
/// Full documentation: [`generic::Pooled`].
pub type Pooled = ftp_futures::Pooled<Smol>;
/// A server: what all its sessions share.
///
/// Full documentation: [`generic::Server`].
pub type Server = ftp_futures::Server<Smol>;
/// The server's side of one control connection.
///
/// Full documentation: [`generic::ServerSession`].
pub type ServerSession<T = TcpStream> = ftp_futures::ServerSession<Smol, T>;
/// A guard that the sessions of one server, or of several, share.
///
/// Full documentation: [`generic::SharedGuard`].
pub type SharedGuard = ftp_futures::SharedGuard<Smol>;

/// The types of [`ftp_futures`] that are aliases in this crate, with [`Smol`] as their runtime. Their
/// pages have all methods.
pub mod generic {
    #[doc(inline)]
    pub use ftp_futures::{
        BoxFuture, Client, Clock, Connecting, Connector, DataTransport, Download, Driver,
        FuturesIo, HoldsClient, Io, Listening, Listing, Pool, Pooled, Runtime, Server,
        ServerSession, SharedGuard, SinkIo, SocketOption, SourceIo, Timer, Upload, Walk,
    };
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
