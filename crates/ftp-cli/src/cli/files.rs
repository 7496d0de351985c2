//! The options of the commands for files.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::ConnectionArguments;
use crate::options::{parse_rate, parse_seconds};

/// The exit codes, after the examples.
macro_rules! after_help {
    ($($text:literal),+ $(,)?) => {
        concat!(
            $($text, "\n"),+,
            "\nExit codes:\n",
            "  0 done                                 5 the server broke the protocol\n",
            "  2 usage                                6 TLS failed\n",
            "  3 refused: not found, not allowed,     7 cut off, another length, or outcome unknown\n",
            "    no space, wrong password             8 a file of this computer failed\n",
            "  4 unavailable, too slow, I/O           9 verification failed"
        )
    };
}

/// What every command for files has.
#[derive(Args)]
pub(crate) struct SessionArguments {
    /// Print the result as JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print errors alone
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show the dialogue on standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(flatten, next_help_heading = "Connection")]
    pub(crate) connection: ConnectionArguments,

    /// Let the server make data connections, perhaps to this address
    #[arg(
        long, value_name = "ADDR", num_args = 0..=1, require_equals = true,
        help_heading = "Connection"
    )]
    pub(crate) active: Option<Option<IpAddr>>,

    /// Use TLS 1.2, whose sessions can be resumed for ever
    #[arg(long, conflicts_with = "plaintext", help_heading = "Connection")]
    pub(crate) tls12: bool,

    /// Send NOOP after so many seconds of silence in a transfer
    #[arg(
        long, value_name = "SECS", value_parser = parse_seconds, help_heading = "Connection"
    )]
    pub(crate) keep_alive: Option<Duration>,

    /// Ask for the next data connection with each file; not all servers take it
    #[arg(
        long, conflicts_with_all = ["active", "keep_alive"], help_heading = "Connection"
    )]
    pub(crate) pipeline_transfers: bool,
}

const LIST_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli ls -l ftp://anna@ftp.example.com/reports/",
    "  ftp-cli ls --recursive --json ftp://ftp.example.com/%2Fpub",
);

#[derive(Args)]
#[command(after_help = LIST_AFTER_HELP)]
pub(crate) struct ListArguments {
    /// A directory or a file: ftp://[user@]host[:port]/path, `%2F` first for an absolute path
    pub(crate) url: String,

    /// Show kind, permissions, owner, size and time, too
    #[arg(short)]
    pub(crate) long: bool,

    /// Show names that begin with a dot, too
    #[arg(short)]
    pub(crate) all: bool,

    /// List the directories below, too
    #[arg(long)]
    pub(crate) recursive: bool,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const STAT_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli stat ftp://anna@ftp.example.com/reports/2024.csv",
    "  ftp-cli stat --json ftp://ftp.example.com/%2Fpub",
);

#[derive(Args)]
#[command(after_help = STAT_AFTER_HELP)]
pub(crate) struct StatArguments {
    /// A file or directory: ftp://[user@]host[:port]/path, `%2F` first for an absolute path
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const GET_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli get ftp://anna@ftp.example.com/reports/2024.csv -o report.csv",
    "  ftp-cli get --continue --verify size ftps://ftp.example.com/pub/big.iso",
);

#[derive(Args)]
#[command(after_help = GET_AFTER_HELP)]
pub(crate) struct GetArguments {
    /// Files: ftp://[user@]host[:port]/path, `%2F` first for an absolute path
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// The local file, or the directory for it; `-`: standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,

    /// Go on with what an earlier run left in PATH.part
    #[arg(long = "continue")]
    pub(crate) resume: bool,

    /// So many files at a time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: u16,

    /// Compare size or hash with the server's at the end
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) verify: Option<VerifyChoice>,

    /// Give the file the time of the server's
    #[arg(long)]
    pub(crate) keep_time: bool,

    /// Bytes a second for all files: 500K, 2M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<u64>,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const PUT_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli put report.csv ftp://anna@ftp.example.com/reports/",
    "  tar c src | ftp-cli put --atomic - ftp://anna@ftp.example.com/src.tar",
);

#[derive(Args)]
#[command(
    after_help = PUT_AFTER_HELP,
    override_usage = "ftp-cli put [OPTIONS] <FILE>... <URL>"
)]
pub(crate) struct PutArguments {
    // Files, then the URL: clap cannot tell them apart.
    #[arg(
        required = true,
        value_name = "FILE",
        help = "Local files (`-`: standard input), then the URL of a file, or with / at its end of a directory"
    )]
    pub(crate) paths: Vec<OsString>,

    /// Go on where an earlier run was cut
    #[arg(long = "continue", conflicts_with = "append")]
    pub(crate) resume: bool,

    /// Put the bytes behind the end of the file
    #[arg(long, conflicts_with_all = ["atomic", "verify"])]
    pub(crate) append: bool,

    /// Send to NAME.part, and rename when it is whole
    #[arg(long)]
    pub(crate) atomic: bool,

    /// Make the directories of the path
    #[arg(long)]
    pub(crate) make_dirs: bool,

    /// Give the server's file the time of the local one
    #[arg(long)]
    pub(crate) keep_time: bool,

    /// Compare size or hash with the server's at the end
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) verify: Option<VerifyChoice>,

    /// Bytes a second: 500K, 2M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<u64>,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const MIRROR_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli mirror ftp://anna@ftp.example.com/reports/ reports",
    "  ftp-cli mirror --delete --dry-run site ftp://anna@ftp.example.com/www/",
);

#[derive(Args)]
#[command(after_help = MIRROR_AFTER_HELP)]
pub(crate) struct MirrorArguments {
    /// A directory: ftp://[user@]host[:port]/path, or one here
    pub(crate) source: OsString,

    /// What is to become like it: one here, or a URL
    pub(crate) target: OsString,

    /// Delete what the source does not have
    #[arg(long)]
    pub(crate) delete: bool,

    /// Delete nothing if it would be more than N
    #[arg(long, value_name = "N", requires = "delete")]
    pub(crate) max_delete: Option<usize>,

    /// Only files like this: '*.csv', 'dir/**' (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,

    /// Leave these alone on both sides (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Only files that are newer than the target's, or missing there
    #[arg(long)]
    pub(crate) only_newer: bool,

    /// So many files at a time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: u16,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Bytes a second for all files: 500K, 2M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<u64>,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const REMOVE_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli rm ftp://anna@ftp.example.com/reports/2023.csv",
    "  ftp-cli rm -r ftp://anna@ftp.example.com/old/",
);

#[derive(Args)]
#[command(after_help = REMOVE_AFTER_HELP)]
pub(crate) struct RemoveArguments {
    /// Files, or with -r directories: ftp://[user@]host[:port]/path
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// Remove directories with all in them, links without what they lead to
    #[arg(short)]
    pub(crate) recursive: bool,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const MOVE_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli mv ftp://anna@ftp.example.com/new.csv ftp://anna@ftp.example.com/2024.csv",
    "  ftp-cli mv ftp://anna@ftp.example.com/a.csv ftp://anna@ftp.example.com/archive/",
);

#[derive(Args)]
#[command(after_help = MOVE_AFTER_HELP)]
pub(crate) struct MoveArguments {
    /// A file or directory: ftp://[user@]host[:port]/path
    pub(crate) from: String,

    /// Its new path on the same server; with / at its end, the directory for it
    pub(crate) to: String,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

const MAKE_AFTER_HELP: &str = after_help!(
    "Examples:",
    "  ftp-cli mkdir ftp://anna@ftp.example.com/reports",
    "  ftp-cli mkdir -p ftp://anna@ftp.example.com/reports/2024/may",
);

#[derive(Args)]
#[command(after_help = MAKE_AFTER_HELP)]
pub(crate) struct MakeArguments {
    /// Directories: ftp://[user@]host[:port]/path
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// Make those above it, too; one that is there is no error
    #[arg(short)]
    pub(crate) parents: bool,

    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

/// The choices of `--verify`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyChoice {
    Size,
    Hash,
}
