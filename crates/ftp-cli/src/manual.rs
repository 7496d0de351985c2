//! `ftp-cli completions` and `ftp-cli man`: what the options say, for shells and readers of manuals.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Arguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

const NAME: &str = "ftp-cli";

/// Prints the completions of this shell.
///
/// # Errors
/// If standard output fails.
pub(crate) fn completions(shell: Shell, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    print(&script, output)
}

/// Prints the manual page, or writes those of all commands to a directory.
///
/// # Errors
/// If the directory cannot be written to; if standard output fails.
pub(crate) fn pages(directory: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let command = Arguments::command();
    let Some(directory) = directory else {
        let mut page = Vec::new();
        // Writing to memory cannot fail.
        let _ = clap_mangen::Man::new(command).render(&mut page);
        return print(&page, output);
    };
    clap_mangen::generate_to(command, directory).map_err(|error| {
        let directory = directory.display();
        Failure::new(
            Exit::LocalFile,
            format!("cannot write to {directory}: {error}"),
        )
    })
}

fn print(text: &[u8], output: &Output) -> Result<(), Failure> {
    output.bytes(text.strip_suffix(b"\n").unwrap_or(text));
    output.finish()
}
