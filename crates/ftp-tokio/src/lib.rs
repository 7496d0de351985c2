//! FTP control connections on tokio.
#![forbid(unsafe_code)]
