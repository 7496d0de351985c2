//! The server machine, proved from outside: bytes and time in, bytes and events out.

mod answer_time;
mod deadlines;
mod defences;
mod dialogue;
mod foreign_protocols;
mod harness;
mod injection;
mod late_answers;
mod offers;
mod properties;
mod switch;
mod transitions;
