//! The options of `ftp-cli login`.

use clap::Args;

use super::{ConnectionArguments, RuntimeArguments};

const LOGIN_AFTER_HELP: &str = "\
The password is the first one found: --password-file, --password-stdin, FTP_PASSWORD, the URL, the
netrc file ($NETRC or ~/.netrc), then a prompt. Without a user name the login is anonymous.

Examples:
  ftp-cli login --ca company.pem --then PWD ftp://anna@ftp.example.com:2121
  FTP_PASSWORD=secret ftp-cli login --json 'ftps://anna@[2001:db8::1]'

Exit codes:
  0  logged in
  2  usage: an option, the URL, or a file named by them is wrong
  3  the server refused the login, or needs an account
  4  the server is unavailable or too slow, or the connection failed
  5  the server broke the protocol
  6  TLS failed: the handshake, or the certificate";

#[derive(Args)]
#[command(after_help = LOGIN_AFTER_HELP)]
pub(crate) struct LoginArguments {
    /// The server and the user.
    // Read by the command, not by clap, whose errors would repeat the password in it. The help is
    // no doc comment because rustdoc takes its brackets for links.
    #[arg(
        value_name = "URL",
        help = "ftp://[user[:password]@]host[:port] for explicit TLS, ftps://… for implicit TLS"
    )]
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,

    /// Send this command after login and show the reply (repeatable)
    #[arg(long = "then", value_name = "CMD")]
    pub(crate) then: Vec<String>,

    /// Show only the replies to --then, and errors
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show the time of each line and of each phase
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Print the result as one JSON object, and no dialogue
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) runtime: RuntimeArguments,
}
