//! Getting connected, without I/O: which address to try when, and whether to try again.
//!
//! | value | what it decides |
//! |---|---|
//! | [`Race`] | in which order and at which moments the addresses of one server are tried (RFC 8305, "Happy Eyeballs") |
//! | [`Retry`] | whether and when a login that failed is tried again from the start |
//!
//! Both are told the time and what happened, and say what to do next; neither connects, sleeps or
//! draws random numbers. Resolving names and opening sockets is the caller's.
//!
//! # What is transient
//!
//! [`Retrying::failed`] is told whether a failure may pass by itself. There is one list:
//!
//! | what happened | transient | who says so |
//! |---|---|---|
//! | connection refused, reset or lost, no route | until a secret was sent | the adapter, from its I/O error |
//! | a deadline passed, in any phase | until a secret was sent | [`client::Error::is_transient`](crate::client::Error::is_transient); the adapter for connecting |
//! | the server closed the connection | until a secret was sent | `client::Error::is_transient` |
//! | 421 | yes | `client::Error::is_transient` |
//! | other 4yz (RFC 959 §4.2.1: the same command may succeed later) | until a secret was sent | `client::Error::is_transient` |
//! | 5yz, an account or a password that is needed and not there | no | `client::Error::is_transient` |
//! | the server broke the protocol | no | `client::Error::is_transient` |
//! | the TLS handshake was cut off | until a secret was sent | the adapter |
//! | TLS failed otherwise, a name cannot be resolved, or an address or configuration makes no sense | no | the adapter |
//!
//! A secret was sent as soon as the first byte of `PASS` or `ACCT` was handed to the transport
//! ([`client::Connection::is_secret_sent`](crate::client::Connection::is_secret_sent)). From then on
//! a failure may mean that the password is wrong, whatever it looks like, and repeating a wrong
//! password locks accounts.

mod race;
mod retry;

pub use race::{Race, RaceStep};
pub use retry::{Retry, Retrying};
