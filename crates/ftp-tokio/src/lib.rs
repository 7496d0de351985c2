//! FTP control connections on tokio: log in to servers, or be one.
//!
//! * [`Client`] and [`Connector`]: from a name to a session that takes commands.
//! * [`Server`] and [`Handler`]: accept connections and let an application decide who may log in.
//! * [`Driver`]: moves the bytes of any machine of `ftp-proto` over any transport; both sides are
//!   built on it, and so can be what they do not offer.
//!
//! The protocol lives in [`ftp_proto`], TLS in [`ftp_rustls`] (both re-exported). Here are only
//! sockets, names, timers and tasks.
//!
//! # A login
//!
//! Explicit TLS and the roots of the platform are the default:
//!
//! ```no_run
//! # async fn example(password: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use ftp_proto::client::Login;
//! use ftp_tokio::Client;
//!
//! let login = Login::new("developer", password)?;
//! let mut ftp = Client::connect("ftp.example.com", login).await?;
//! println!("{}", ftp.command("PWD").await?);
//! ftp.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Both sides in one program
//!
//! Over any [`AsyncRead`](tokio::io::AsyncRead) + [`AsyncWrite`](tokio::io::AsyncWrite); here a
//! pipe in memory, in clear:
//!
//! ```
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::sync::Arc;
//!
//! use ftp_proto::client::Login;
//! use ftp_proto::server::{Attempt, Request, Verdict};
//! use ftp_proto::wire::{Code, Reply, Verb};
//! use ftp_proto::{client, server};
//! use ftp_tokio::{Connector, Handler, Server, SessionInfo};
//!
//! struct DemoHandler;
//!
//! impl Handler for DemoHandler {
//!     async fn authenticate(&self, attempt: Attempt, _peer: SocketAddr) -> Verdict {
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
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = server::Config::new().security(server::Security::DangerousPlaintext);
//! let server = Server::new(Arc::new(policy), None)?;
//! let (near, far) = tokio::io::duplex(1024);
//! tokio::spawn(async move {
//!     let peer = (Ipv4Addr::LOCALHOST, 0).into();
//!     server.run_session(far, peer, &DemoHandler, std::future::pending()).await;
//! });
//!
//! let config = client::Config::new(Login::new("alibaba", "open sesame")?)
//!     .security(client::Security::DangerousPlaintext);
//! let mut ftp = Connector::new(config).over(near, "localhost").await?;
//! assert_eq!(ftp.command("PWD").await?.text(), b"\"/\"");
//! assert_eq!(ftp.command("DELE cave").await?.code(), Code::NOT_IMPLEMENTED);
//! ftp.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Cancellation and time
//!
//! No future holds bytes: each can be dropped at any await, and the next call goes on where it
//! was. [`Connecting`] and [`Client`] say what that means for them. The clock is tokio's and can
//! be paused in tests; every phase has a deadline
//! ([`client::Timeouts`](ftp_proto::client::Timeouts),
//! [`server::Timeouts`](ftp_proto::server::Timeouts)).
//!
//! # Features
//!
//! `aws-lc-rs` (default) or `ring` for cryptography; `platform-verifier` and `webpki-roots` (both
//! default) for roots to trust. All are those of `ftp-rustls`.
#![forbid(unsafe_code)]

mod runtime;

pub use ftp_futures::{
    Address, AddressError, AttemptSummary, DriverError, Error, Handler, Login, Next, Parts,
    SessionError, SessionEvent, SessionInfo, TlsMissing, ftp_proto, ftp_rustls,
};
pub use runtime::{Task, Tokio};
use tokio::net::TcpStream;

/// A control connection that is logged in.
pub type Client<T = TcpStream> = ftp_futures::Client<Tokio, T>;
/// A login in progress.
pub type Connecting<T = TcpStream> = ftp_futures::Connecting<Tokio, T>;
/// Makes client connections, one or many.
pub type Connector = ftp_futures::Connector<Tokio>;
/// A machine, the transport it runs over, and tokio's clock.
pub type Driver<M, T> = ftp_futures::Driver<Tokio, M, T>;
/// A server: what all its sessions have in common.
pub type Server = ftp_futures::Server<Tokio>;
/// The server's side of one control connection.
pub type ServerSession<T = TcpStream> = ftp_futures::ServerSession<Tokio, T>;
/// A guard across connections that the sessions of one server, or of several, share.
pub type SharedGuard = ftp_futures::SharedGuard<Tokio>;
