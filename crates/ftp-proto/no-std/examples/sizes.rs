//! How large the machines are, and how much memory a login and a transfer take from start to end. `prove`
//! prints it; std is here for that alone.
#![forbid(unsafe_code)]

use std::mem::size_of;

use ftp_proto::connect::{Race, Retrying};
use ftp_proto::{client, data, server};
use static_alloc::Bump;

/// The allocator of the program beside this: as nothing is given back, what is taken in the end is
/// all that was ever asked for.
#[global_allocator]
static MEMORY: Bump<[u8; 1 << 20]> = Bump::uninit();

fn main() {
    let level = || MEMORY.level().byte_offset();
    let before = level();
    let login = ftp_proto_no_std::log_in();
    let after_login = level();
    let mut client = login.expect("the login succeeds");
    let before_transfer = level();
    let transfer = ftp_proto_no_std::download(&mut client);
    let after_transfer = level();
    transfer.expect("the file comes");

    println!("| bytes | what |");
    println!("|---:|---|");
    for (bytes, what) in [
        (size_of::<client::Connection>(), "`client::Connection`"),
        (size_of::<server::Connection>(), "`server::Connection`"),
        (size_of::<data::Connection>(), "`data::Connection`"),
        (size_of::<Race<()>>(), "`connect::Race<()>`"),
        (size_of::<Retrying>(), "`connect::Retrying`"),
        (after_login - before, "all allocations of a client's login"),
        (
            after_transfer - before_transfer,
            "all allocations of a download of 15 bytes",
        ),
    ] {
        println!("| {bytes} | {what} |");
    }
}
