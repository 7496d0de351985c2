//! The options of the command line, and their help. Each command has a module of its own, which does
//! the work. The help of a command is one screen: one line for each option. The README of the crate
//! has the details.

mod check;
mod connection;
mod decode;
// Its comments are help texts: what is in brackets is no link.
#[allow(rustdoc::broken_intra_doc_links)]
mod files;
mod login;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::check::{CheckArguments, FailOn};
pub(crate) use self::connection::{ConnectionArguments, ProtectionChoice, Utf8Choice};
pub(crate) use self::decode::{DecodeArguments, Direction};
pub(crate) use self::files::{
    GetArguments, ListArguments, MakeArguments, MirrorArguments, MoveArguments, PutArguments,
    RemoveArguments, SessionArguments, StatArguments, VerifyChoice,
};
pub(crate) use self::login::LoginArguments;
#[cfg(feature = "guard-store")]
pub(crate) use self::serve::StoreArguments;
pub(crate) use self::serve::{LogFormat, ServeArguments, TlsResumption, Uploads};

const AFTER_HELP: &str = "\
Examples:
  ftp-cli                                      watch a session with a server of its own
  ftp-cli login ftp://anna@ftp.example.com     explicit TLS, asks for the password
  ftp-cli ls -l ftps://anna@ftp.example.com    implicit TLS, port 990
  ftp-cli get ftp://ftp.example.com/pub/file   receive a file
  ftp-cli mirror ftp://ftp.example.com/pub pub receive a directory
  ftp-cli serve --root . --user me             share a directory
  ftp-cli decode replies captured.bin          captured bytes as JSON

Exit codes:
  0  logged in, or the command did its work
  1  demo: a dialogue ended in an unexpected way
  2  usage: an option, the URL, or a file named by them is wrong
  3  the server refused: the login, or a file is not there or not allowed
  4  the server is unavailable or too slow, or input or output failed
  5  the peer broke the protocol (decode: the bytes do)
  6  TLS failed: the handshake, or the certificate
  7  a transfer was cut off, has another length, or its outcome is unknown
  8  a file of this computer could not be read or written
  9  what was transferred could not be verified";

/// Move files to and from FTP servers, look at servers, or run one.
#[derive(Parser)]
#[command(name = "ftp-cli", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The command; `demo` if there is none
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a server on the loopback interface, move files over TLS, and show the dialogue
    Demo(DemoArguments),
    /// Log in to a server and report how it went
    Login(Box<LoginArguments>),
    /// Look at a server: passwords in clear, TLS, certificate, data connections, features
    Check(Box<CheckArguments>),
    #[command(flatten)]
    Files(FilesCommand),
    /// Run a server: share a directory, or try clients against it
    Serve(Box<ServeArguments>),
    /// Read a password from standard input and print its argon2id hash, for the users file
    #[command(after_help = HASH_AFTER_HELP)]
    Hash,
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS_AFTER_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_help = MAN_AFTER_HELP)]
    Man {
        /// Write the pages to this directory
        directory: Option<PathBuf>,
    },
    /// Turn captured bytes of a control connection or a listing into JSON, one object a line
    Decode(DecodeArguments),
}

/// The commands for files.
#[derive(Subcommand)]
pub(crate) enum FilesCommand {
    /// List a directory of a server
    Ls(Box<ListArguments>),
    /// Show what a server knows of a file or directory
    Stat(Box<StatArguments>),
    /// Receive files
    Get(Box<GetArguments>),
    /// Send files
    Put(Box<PutArguments>),
    /// Make a directory what another is: from a server, or to it
    Mirror(Box<MirrorArguments>),
    /// Remove files and directories of a server
    Rm(Box<RemoveArguments>),
    /// Rename or move a file or directory on a server
    Mv(Box<MoveArguments>),
    /// Make directories on a server
    Mkdir(Box<MakeArguments>),
}

const COMPLETIONS_AFTER_HELP: &str = "\
Examples:
  ftp-cli completions bash > ~/.local/share/bash-completion/completions/ftp-cli
  ftp-cli completions fish > ~/.config/fish/completions/ftp-cli.fish";

const MAN_AFTER_HELP: &str = "\
Examples:
  ftp-cli man | man -l -
  ftp-cli man /usr/local/share/man/man1";

const HASH_AFTER_HELP: &str = "\
Examples:
  ftp-cli hash                                   asks for the password twice
  echo \"anna:$(ftp-cli hash)\" >> users.txt      adds a user";

const DEMO_AFTER_HELP: &str = "\
Examples:
  ftp-cli demo
  ftp-cli demo --all --runtime blocking

Exit codes:
  0  all dialogues ended as expected
  1  a dialogue did not";

#[derive(Args, Default)]
#[command(after_help = DEMO_AFTER_HELP)]
pub(crate) struct DemoArguments {
    /// Show four kinds of logins as well, and how long their steps take
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) runtime: RuntimeArguments,
}

#[derive(Args, Default)]
pub(crate) struct RuntimeArguments {
    /// The async runtime, or blocking sockets
    #[arg(long, value_enum, value_name = "RUNTIME", default_value_t)]
    pub(crate) runtime: RuntimeChoice,
}

/// The choices of `--runtime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeChoice {
    #[default]
    Tokio,
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    Blocking,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
