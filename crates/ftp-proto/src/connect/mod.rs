//! Connecting, without I/O: which address to try when, and whether to try again.
//!
//! | type | what it decides |
//! |---|---|
//! | [`Race`] | in which order and when the addresses of one server are tried (RFC 8305, "Happy Eyeballs") |
//! | [`Retry`] | whether and when a login that failed is tried again from the start |
//!
//! The caller tells both the time and what happened, and they answer what to do next. They do not
//! connect, sleep, or make random numbers. The caller resolves names and opens sockets.
//!
//! # What is transient
//!
//! [`Retrying::failed`] takes whether a failure may pass by itself. This is the list:
//!
//! | what happened | transient | decided by |
//! |---|---|---|
//! | connection refused, reset or lost, no route | until a secret was sent | the adapter, from its I/O error |
//! | a deadline passed, in any phase | until a secret was sent | [`client::Error::is_transient`](crate::client::Error::is_transient); the adapter for connecting |
//! | the server closed the connection | until a secret was sent | `client::Error::is_transient` |
//! | 421 | yes | `client::Error::is_transient` |
//! | other 4yz (RFC 959 §4.2.1: the same command may succeed later) | until a secret was sent | `client::Error::is_transient` |
//! | 5yz, a missing account or password | no | `client::Error::is_transient` |
//! | the server broke the protocol | no | `client::Error::is_transient` |
//! | the TLS handshake was cut off | until a secret was sent | the adapter |
//! | any other TLS failure, a name that cannot be resolved, or an invalid address or configuration | no | the adapter |
//!
//! A secret counts as sent from the first byte of `PASS` or `ACCT` that is given to the transport
//! ([`client::Connection::is_secret_sent`](crate::client::Connection::is_secret_sent)). After that
//! any failure may mean that the password is wrong, and repeating a wrong password locks accounts.

mod race;
mod retry;

pub use race::{Race, RaceStep};
pub use retry::{Retry, Retrying};
