//! TLS as one more sans-IO machine.
#![forbid(unsafe_code)]
