#![no_main]
#![forbid(unsafe_code)]

// The reader belongs to a program, which is no library to depend on; it is whole in these files.
#[allow(dead_code, unused_imports)]
#[path = "../../crates/ftp-cli/src/serve/users/format.rs"]
mod format;
#[path = "../../crates/ftp-cli/src/serve/users/law.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| law::law(bytes));
