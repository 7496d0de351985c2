//! The wire format, listings, the machines and `connect`, tested from outside: bytes and time in, bytes and
//! events out.

mod client_faults;
mod client_greeting;
mod client_keep_alive;
mod client_login;
mod client_properties;
mod client_ready;
mod client_secrets;
mod client_switch;
mod client_table;
mod client_time;
mod client_transfer;
mod client_transfer_abort;
mod client_transfer_ends;
mod client_transfer_noops;
mod client_transfer_table;
mod client_transfer_tls;
mod client_transient;
mod client_utf8;
mod common;
mod connect_race;
mod connect_retry;
mod data;
mod data_ascii;
mod listing_common;
mod listing_laws;
mod listing_mainframes;
mod listing_unix;
mod listing_windows;
mod server_machine;
mod wire_commands;
mod wire_features;
mod wire_replies;
mod wire_telnet;
mod wire_transfers;
mod wire_values;
