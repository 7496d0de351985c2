//! A session as standard input tells it, for `interop/`; see `ftp_testkit::probe`.
#![forbid(unsafe_code)]

fn main() {
    async_std::task::block_on(ftp_testkit::conformance::probe::<ftp_async_std::AsyncStd>());
}
