//! Tools for testing the `ftp-proto` crates: not published, and no part of any of them.
//!
//! * [`laws`]: what must hold for every input of the wire layer, shared by tests and fuzz targets;
//! * [`SelfMade`]: certificates made on the spot.
#![forbid(unsafe_code)]

mod certificate;
pub mod laws;

pub use certificate::SelfMade;
