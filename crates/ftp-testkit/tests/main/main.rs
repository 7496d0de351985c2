//! The tests of the kit, and those that need the machines or adapters of several crates at once.

mod adapters;
mod data_servers;
mod faults;
mod laws_client_exploration;
mod laws_corpora;
mod laws_exploration;
mod laws_machines;
mod laws_model;
mod misbehaving;
mod pair;
mod recorded;
mod round_trips;
mod transcripts;
mod transfer_round_trips;
