//! How large the machines are, and how much memory a login takes from start to end. `prove` prints
//! it; std is here for that alone.
#![forbid(unsafe_code)]

use std::mem::size_of;

use ftp_proto::connect::{Race, Retrying};
use ftp_proto::{client, server};
use static_alloc::Bump;

/// The allocator of the program beside this: as nothing is given back, what is taken in the end is
/// all that was ever asked for.
#[global_allocator]
static MEMORY: Bump<[u8; 1 << 20]> = Bump::uninit();

fn main() {
    let before = MEMORY.level().byte_offset();
    let outcome = ftp_proto_no_std::log_in();
    let taken = MEMORY.level().byte_offset() - before;
    outcome.expect("the login succeeds");

    println!("| bytes | what |");
    println!("|---:|---|");
    for (bytes, what) in [
        (size_of::<client::Connection>(), "`client::Connection`"),
        (size_of::<server::Connection>(), "`server::Connection`"),
        (size_of::<Race<()>>(), "`connect::Race<()>`"),
        (size_of::<Retrying>(), "`connect::Retrying`"),
        (taken, "all allocations of a client's login"),
    ] {
        println!("| {bytes} | {what} |");
    }
}
