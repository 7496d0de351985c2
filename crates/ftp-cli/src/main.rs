//! The command-line program of `ftp-proto`: logs in to FTP servers, or runs one.
//!
//! Each command has a module. `cli` has their options, `exit` their exit codes.
#![forbid(unsafe_code)]

mod adapter;
mod attempt;
mod certificate;
mod check;
mod cli;
mod connection;
mod credentials;
mod decode;
mod demo;
mod encoding;
mod exit;
mod files;
mod hash;
mod login;
mod manual;
mod mask;
mod netrc;
mod notice;
mod options;
mod output;
mod progress;
mod report;
mod serve;
mod target;
mod transcript;

use std::process::ExitCode;
use std::sync::Arc;

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
        Command::Check(arguments) => check::run(&arguments, &output),
        Command::Serve(arguments) => {
            // While there is one thread: it changes the environment.
            let socket = serve::passed_socket()?;
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(2).enable_all();
            block_on(&mut runtime, serve::run(&arguments, socket, &output)).map(|()| Exit::Success)
        }
        Command::Completions { shell } => {
            manual::completions(shell, &output).map(|()| Exit::Success)
        }
        Command::Man { directory } => {
            manual::pages(directory.as_deref(), &output).map(|()| Exit::Success)
        }
        Command::Hash => hash::run(&output).map(|()| Exit::Success),
        Command::Decode(arguments) => decode::run(&arguments, &output),
        Command::Files(command) => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(2).enable_all();
            block_on(&mut runtime, files::run(&command, &output))
        }
    }
}

fn block_on<T>(
    runtime: &mut Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime
        .build()
        .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // It would wait for a read of standard input that nobody needs any more.
    runtime.shutdown_background();
    result
}
