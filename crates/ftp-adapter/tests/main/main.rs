//! What clients do with files, without waiting: replies in, commands out.

mod common;
mod exchanges;
mod hashes;
mod listings;
mod readers;
mod walks;
