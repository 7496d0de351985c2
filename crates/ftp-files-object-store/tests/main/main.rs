//! Files in an object store, as a server and its clients see them.
#![forbid(unsafe_code)]

mod common;
mod contract;
mod faults;
mod model;
mod pages;
mod sessions;
mod urls;
