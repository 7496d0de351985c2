//! The guard from outside, on virtual time.

mod adversary;
mod allowed;
mod common;
mod connections;
mod lockout;
mod model;
mod networks;
mod snapshot;
mod timing;
