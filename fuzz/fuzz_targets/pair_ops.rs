#![no_main]

use ftp_testkit::laws::{PairOps, pair_ops};

libfuzzer_sys::fuzz_target!(|ops: PairOps| pair_ops(&ops));
