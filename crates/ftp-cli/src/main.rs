//! Logs in to FTP servers, or is one: the command-line program of `ftp-proto`.
//!
//! Each command has a module of its own; `cli` has their options, `exit` how they end.
#![forbid(unsafe_code)]

mod adapter;
mod attempt;
mod certificate;
mod cli;
mod credentials;
mod decode;
mod demo;
mod encoding;
mod exit;
mod hash;
mod login;
mod mask;
mod netrc;
mod notice;
mod options;
mod output;
mod report;
mod serve;
mod target;
mod transcript;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use clap::Parser;
use tokio::runtime::Builder;

use crate::cli::{Arguments, Command, DemoArguments};
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure);
            failure.exit().into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let output = Arc::new(Output::default());
    let demo = || Command::Demo(DemoArguments::default());
    match arguments.command.unwrap_or_else(demo) {
        Command::Demo(arguments) => demo::run(&arguments, output),
        Command::Login(arguments) => login::run(&arguments, output),
        Command::Serve(arguments) => {
            // Passwords are checked there: more at a time than there are processors would not be
            // checked any sooner, and each takes 19 MiB, which a flood of guesses turns into
            // gigabytes.
            let checks = available_parallelism().map_or(1, NonZeroUsize::get);
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(2).enable_all();
            runtime.max_blocking_threads(checks);
            block_on(&mut runtime, serve::run(&arguments, &output)).map(|()| Exit::Success)
        }
        Command::Hash => hash::run(&output).map(|()| Exit::Success),
        Command::Decode(arguments) => decode::run(&arguments, &output),
    }
}

fn block_on<T>(
    runtime: &mut Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime
        .build()
        .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))?;
    runtime.block_on(work)
}
