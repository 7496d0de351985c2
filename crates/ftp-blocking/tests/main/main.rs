//! The adapter tested from outside, over sockets and over transports made for the tests.

mod conformance;
mod data;
mod endless;
mod file_copies;
mod file_copies_broken;
mod listings;
mod operations;
mod pauses;
mod pool;
mod resume;
mod scripted_server;
mod served;
mod served_small;
mod transfer_noops;
mod transfers;
mod transfers_given_up;
mod transfers_tls;
mod watched;
