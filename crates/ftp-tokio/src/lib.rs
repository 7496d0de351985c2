//! FTP control connections on tokio.
#![forbid(unsafe_code)]

mod address;
mod attendance;
mod client;
mod connecting;
mod connector;
mod driver;
mod error;
mod handler;
mod server;
mod session;

pub use address::{Address, AddressError};
pub use client::Client;
pub use connecting::Connecting;
pub use connector::Connector;
pub use driver::{Driver, DriverError, Next, Parts};
pub use error::Error;
pub use ftp_proto;
pub use ftp_rustls;
pub use handler::{Handler, SessionEvent, SessionInfo};
pub use server::{Server, TlsMissing};
pub use session::{ServerSession, SessionError};
