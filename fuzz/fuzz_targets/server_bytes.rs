#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ftp_testkit::laws::server_bytes(bytes));
