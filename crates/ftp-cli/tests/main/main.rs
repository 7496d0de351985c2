//! The program tested from outside: command lines in; output, exit codes and bytes on sockets out.

mod cli_certificates;
mod cli_change;
mod cli_check;
mod cli_commands;
mod cli_decode_listing;
mod cli_dialogue;
mod cli_errors;
mod cli_faults;
mod cli_files;
mod cli_get_put;
mod cli_login;
mod cli_mirror;
mod cli_mirror_doubts;
mod cli_netrc;
mod cli_odd_files;
mod cli_put_pauses;
mod cli_retries;
mod cli_runtimes;
mod cli_secrets;
mod cli_serve;
mod cli_serve_balancer;
mod cli_serve_data;
mod cli_serve_files;
mod cli_serve_guard;
#[cfg(feature = "guard-store")]
mod cli_serve_guard_store;
mod cli_serve_metrics;
#[cfg(feature = "object-store")]
mod cli_serve_object_store;
mod cli_serve_reload;
mod cli_serve_room;
mod cli_serve_service;
mod cli_serve_transfers;
mod cli_serve_users;
mod cli_terminal;
mod cli_urls;
mod cli_whole;
mod common;
