//! A session as standard input tells it, for `interop/`; see `ftp_testkit::probe`.
#![forbid(unsafe_code)]

fn main() {
    ftp_testkit::conformance::probe_blocking();
}
