//! The TLS sessions of one control connection, which its data connections resume.
//!
//! Many servers take a data connection only if it resumes the session of its control connection. So
//! each control connection has a configuration of its own: a clone, with the same verifiers and keys,
//! and a store that knows which sessions are its own. The control connection itself may still resume
//! a session of TLS 1.3 of an earlier one; its data connections cannot.

mod client;
mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use client::ClientSessions;
pub(crate) use server::ServerSessions;

/// What a panic left is as good as before: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
