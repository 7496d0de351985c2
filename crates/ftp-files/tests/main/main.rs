//! Files as a server sees them: the same from all that implement the trait.
#![forbid(unsafe_code)]

mod common;
mod conformance;
