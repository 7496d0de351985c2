//! What the tests share: certificates, a machine with no protocol of its own, and a wire.
#![allow(dead_code, unreachable_pub)] // Each test program uses a part of it.

pub mod certificates;
pub mod crafted;
pub mod pair;
pub mod toy;
