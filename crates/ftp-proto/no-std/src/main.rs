//! The program around [`ftp_proto_no_std::log_in`]: exit code 0 if it logged in, 1 if not.
#![no_std]
#![no_main]
// The rule here is `forbid`. Here it cannot be: see `main`, the one exception.
#![deny(unsafe_code)]

use core::ffi::c_int;
use core::panic::PanicInfo;

use static_alloc::Bump;

/// Memory for one login; nothing is given back.
#[global_allocator]
static MEMORY: Bump<[u8; 1 << 18]> = Bump::uninit();

/// Without std, exporting this symbol is the only way to have a `main`, and exporting a symbol
/// counts as unsafe code: two functions of one name would be undefined behaviour. There is one.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    c_int::from(ftp_proto_no_std::log_in().is_err())
}

/// Nothing can be printed here; whoever runs the program must give it a time limit.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
