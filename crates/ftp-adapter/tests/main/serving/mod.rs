//! The files of a session: a server's machine, its data connection and its clock, all by hand.

mod bandwidth;
mod changed;
mod downloads;
mod files;
mod jobs;
mod listings;
mod session;
mod uploads;

use ftp_proto::server::VirtualPath;

/// What the machine of a data connection holds of what is to be sent.
const QUEUE: usize = 48 * 1024;
const WHOLE_PIECE: usize = 256 * 1024;
const FIRST_PIECE: usize = 16 * 1024;

fn path() -> VirtualPath {
    VirtualPath::root().resolve(b"file")
}

/// No piece of it is like another.
fn bytes(size: usize) -> Vec<u8> {
    (0..size as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}
