//! The program around [`ftp_proto_no_std`]: exit code 0 if it logged in and the file came, 1 if not.
#![no_std]
#![no_main]
// The rule here is `forbid`. Here it cannot be: see `main`, the one exception.
#![deny(unsafe_code)]

use core::ffi::c_int;
use core::panic::PanicInfo;

use static_alloc::Bump;

/// Memory for one login and one transfer; nothing is given back.
#[global_allocator]
static MEMORY: Bump<[u8; 1 << 18]> = Bump::uninit();

/// Without std, exporting this symbol is the only way to have a `main`, and exporting a symbol
/// counts as unsafe code: two functions of one name would be undefined behaviour. There is one.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let outcome =
        ftp_proto_no_std::log_in().and_then(|mut client| ftp_proto_no_std::download(&mut client));
    c_int::from(outcome.is_err())
}

/// Nothing can be printed here; whoever runs the program must give it a time limit.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
