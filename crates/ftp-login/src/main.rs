//! Logs in to FTP servers, or is one: the command-line program of `ftp-proto`.
//!
//! Each command has a module of its own; `cli` has their options, `exit` how they end.
#![forbid(unsafe_code)]

mod attempt;
mod certificate;
mod cli;
mod credentials;
mod decode;
mod demo;
mod exit;
mod hash;
mod login;
mod netrc;
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

use crate::cli::{Arguments, Command};
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
    match arguments.command.unwrap_or(Command::Demo) {
        Command::Demo => block_on(&mut runtime(), demo::run(output)),
        Command::Login(arguments) => block_on(&mut runtime(), login::run(&arguments, output)),
        Command::Serve(arguments) => {
            // Passwords are checked there: more at a time than there are processors would not be
            // checked any sooner, and each takes 19 MiB, which a flood of guesses turns into
            // gigabytes.
            let checks = available_parallelism().map_or(1, NonZeroUsize::get);
            let runtime = &mut runtime();
            runtime.max_blocking_threads(checks);
            block_on(runtime, serve::run(&arguments, &output)).map(|()| Exit::Success)
        }
        Command::Hash => hash::run(&output).map(|()| Exit::Success),
        Command::Decode(arguments) => decode::run(&arguments, &output),
    }
}

fn runtime() -> Builder {
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all();
    runtime
}

fn block_on<T>(
    runtime: &mut Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime
        .build()
        .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // A prompt that nobody answers any more must not keep the program.
    runtime.shutdown_background();
    result
}
