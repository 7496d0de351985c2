//! Data connections: the bytes of one transfer, on either side (RFC 959 §3.2).
//!
//! A transfer is a dialogue on the control connection and a second stream of bytes. The machine of the
//! control connection has the dialogue. When the second stream is needed, it gives a [`Ticket`] that
//! says how to open it. Over that runs the machine of the stream, [`Connection`]; how it ended, [`End`],
//! goes back to the control connection.

pub mod ascii;
mod connection;
mod detached;
mod end;
mod machine;
mod queue;
mod ticket;

pub use connection::{Connection, Event};
pub use detached::Detached;
pub use end::{End, Error};
pub use ticket::{DataType, Direction, Open, Ticket, Timeouts};
pub(crate) use ticket::{Held, Plan};
