//! FTP control connections on tokio.
#![forbid(unsafe_code)]

mod driver;
pub use driver::{Driver, DriverError, Parts};
