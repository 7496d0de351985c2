//! The adapter tested from outside, over sockets and over transports made for the tests.

mod conformance;
mod data;
mod endless;
