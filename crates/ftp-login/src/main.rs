//! Log in to FTP servers, or be one.
#![forbid(unsafe_code)]
fn main() {}
