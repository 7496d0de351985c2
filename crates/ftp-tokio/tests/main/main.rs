//! The adapter tested from outside: in memory, over loopback sockets, against misbehaving peers.

mod broken;
mod cancellation;
mod common;
mod conformance;
mod data;
mod driver;
mod eavesdropper;
mod files;
mod given_up;
mod guarded;
mod in_memory;
mod loopback;
mod pauses;
mod pool;
mod received;
mod resume;
#[cfg(feature = "files")]
mod served;
mod served_users;
mod timeouts;
mod tls_in_memory;
mod transfer_noops;
mod uploads;
