//! The guard from outside, on virtual time.

extern crate alloc;

mod adversary;
mod allowed;
mod common;
mod connections;
mod counters;
mod lockout;
mod model;
mod networks;
mod snapshot;
mod timing;
