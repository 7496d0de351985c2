//! The options of `ftp-cli check`.

use clap::{Args, ValueEnum};

use super::ConnectionArguments;

const CHECK_AFTER_HELP: &str = "\
It tries to log in once. It sends no password in clear, or to a server whose certificate is not trusted.

Examples:
  ftp-cli check ftp.example.com
  ftp-cli check --fail-on warning --json ftp://anna@ftp.example.com

Exit codes:
  0  the server was looked at
  1  --fail-on: there is such a finding
  2  usage: an option, the URL, or a file named by them is wrong
  4  the server cannot be reached";

#[derive(Args)]
#[command(after_help = CHECK_AFTER_HELP)]
pub(crate) struct CheckArguments {
    /// The server: a host, or a URL as for `login`
    // Read by the command, not by clap, whose errors would repeat the password in it.
    #[arg(value_name = "HOST")]
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,

    /// Exit with 1 if there is a finding of this level or worse
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) fail_on: Option<FailOn>,

    /// Try two wrong logins, to see whether the answers show who has an account
    #[arg(long)]
    pub(crate) probe_users: bool,

    /// Store a file in this directory of the server, read it, and remove it
    #[arg(long, value_name = "DIR")]
    pub(crate) write_test: Option<String>,

    /// Show what was said for each finding
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Print the findings as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The choices of `--fail-on`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FailOn {
    Warning,
    Error,
}
