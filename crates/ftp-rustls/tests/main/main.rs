//! What the crate does under TLS, tested from outside: bytes and time in, bytes and events out.

mod common;
mod config;
mod data;
mod deadlines;
mod device_certificates;
mod first_message;
mod handshake;
mod injection;
mod login;
mod nothing_in_common;
mod past;
mod pem;
mod session;
mod trusted_certificates;
