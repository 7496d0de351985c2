//! The commands for files. All of them run on tokio, over a pool of connections to each server.
//!
//! `site` is a server with its connections; `outcome` says what became of a file; each command has a
//! module. What is hard is in the libraries.

mod advice;
mod change;
mod clock;
mod get;
mod list;
mod local;
mod make;
mod metered;
mod mirror;
mod outcome;
mod put;
mod rename;
mod session;
mod site;
mod stat;
mod verify;

use std::sync::Arc;

use self::session::Session;
pub(crate) use self::session::size;
use crate::cli::FilesCommand;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Runs a command for files.
///
/// # Errors
/// What is wrong with the options, or why the command failed as a whole.
pub(crate) async fn run(command: &FilesCommand, output: &Arc<Output>) -> Result<Exit, Failure> {
    match command {
        FilesCommand::Ls(arguments) => {
            list::run(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Stat(arguments) => {
            stat::run(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Get(arguments) => {
            get::run(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Put(arguments) => {
            put::run(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Mirror(arguments) => {
            mirror::run(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Rm(arguments) => {
            change::remove(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Mv(arguments) => {
            change::rename(arguments, Session::new(&arguments.session, output)).await
        }
        FilesCommand::Mkdir(arguments) => {
            change::make(arguments, Session::new(&arguments.session, output)).await
        }
    }
}
