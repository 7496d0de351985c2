//! The server machine, proved from outside: bytes and time in, bytes and events out.

mod answer_time;
mod deadlines;
mod defences;
mod dialogue;
mod early_data;
mod file_commands;
mod file_service;
mod foreign_protocols;
mod harness;
mod injection;
mod late_answers;
mod offers;
mod offers_of_files;
mod pair;
mod paths;
mod properties;
mod protection;
mod switch;
mod transfer_table;
mod transfers;
mod transitions;
