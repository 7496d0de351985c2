//! Data connections: the bytes of one transfer, on either side (RFC 959 §3.2).
//!
//! A transfer is a dialogue on the control connection and a second stream of bytes. The machine of the
//! control connection has the dialogue. When the second stream is needed, it gives a [`Ticket`] that
//! says how to open it.

pub mod ascii;
mod end;
mod ticket;

pub use end::{End, Error};
pub use ticket::{DataType, Direction, Open, Ticket, Timeouts};
