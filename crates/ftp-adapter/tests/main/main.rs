//! What the adapters share, without waiting: replies in, commands out.

mod common;
mod exchanges;
mod hashes;
mod listings;
mod pool;
mod readers;
mod resume;
mod serving;
mod walks;
