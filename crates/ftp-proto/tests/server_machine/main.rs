//! The server machine, proved from outside: bytes and time in, bytes and events out.

mod dialogue;
mod harness;
mod transitions;
