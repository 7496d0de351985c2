//! A session as standard input describes it, through the adapter that the argument names: for
//! `interop/`; see `ftp_testkit::probe`.
#![forbid(unsafe_code)]

use ftp_testkit::conformance::{probe, probe_blocking};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("tokio") => on_tokio(),
        Some("smol") => smol::block_on(probe::<ftp_smol::Smol>()),
        Some("async-std") => async_std::task::block_on(probe::<ftp_async_std::AsyncStd>()),
        Some("blocking") => probe_blocking(),
        _ => panic!("usage: probe tokio|smol|async-std|blocking"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn on_tokio() {
    probe::<ftp_tokio::Tokio>().await;
}
