//! The FTP control connection without I/O.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod buffer;
pub mod client;
mod limits;
mod log;
mod machine;
mod observer;
mod secret;
pub mod server;
mod time;
mod tls;
pub mod wire;

pub use limits::{Lenience, Limits};
pub use machine::{Action, Machine, Securable, TlsSwitch};
pub use observer::{Dialogue, Observer};
pub use secret::{Account, Password, Username};
pub use time::Instant;
pub use tls::{TlsSession, TlsVersion};
