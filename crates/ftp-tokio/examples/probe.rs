//! A session as standard input tells it, for `interop/`; see `ftp_testkit::probe`.
#![forbid(unsafe_code)]

#[tokio::main(flavor = "current_thread")]
async fn main() {
    ftp_testkit::conformance::probe::<ftp_tokio::Tokio>().await;
}
