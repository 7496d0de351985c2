//! Files as a server sees them: the same from all that implement the trait.
#![forbid(unsafe_code)]

mod answer;
mod common;
mod conformance;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(unix)]
mod disk;
mod in_place;
mod listing;
mod model;
mod quota;
#[cfg(target_os = "linux")]
mod races;
