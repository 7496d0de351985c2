//! What the tests share: certificates, a machine with no protocol of its own, and a wire.
#![allow(unreachable_pub)]

pub mod certificates;
pub mod crafted;
pub mod pair;
pub mod toy;
