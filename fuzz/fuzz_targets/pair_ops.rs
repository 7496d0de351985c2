#![no_main]
#![forbid(unsafe_code)]

use ftp_testkit::laws::{PairOps, pair_ops};

libfuzzer_sys::fuzz_target!(|ops: PairOps| pair_ops(&ops));
