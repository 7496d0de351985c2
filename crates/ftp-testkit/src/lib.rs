//! In-memory pairs, chunkers and scripted peers for testing the ftp-proto crates.
#![forbid(unsafe_code)]

pub mod laws;
