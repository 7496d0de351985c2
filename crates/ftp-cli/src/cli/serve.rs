//! The options of `ftp-cli serve`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ftp_guard::Network;

use crate::options::{GuardOption, parse_seconds};

const SERVE_AFTER_HELP: &str = "\
Each line of the users file is name:hash or name:hash:account. `ftp-cli hash` makes the hash.

After failed logins the guard first delays answers and then locks out. A client that is locked out
gets the reply to a wrong password, even with the right one. The log names the option to change.
  connections=N                connections in all; default: --max-sessions
  connections-per-address=64   an IPv6 address is its /64
  connections-per-network=512  a network is a /24, or a /48 of IPv6
  sessions-per-user=256        sessions of one user
  user-at-address=5            failures in 15 minutes that lock a name at an address
  address=20                   failures in 15 minutes that lock an address
  network=100                  failures in 15 minutes that lock a network
  user=N                       failures in an hour that lock a name everywhere; default: never
  answer-floor=0.5             seconds before a password is answered, right or wrong

The first line of output is `listening on ADDR`. SIGHUP reads users and certificate again.

Examples:
  echo \"anna:$(ftp-cli hash)\" > users.txt
  ftp-cli serve --users users.txt --write-cert server.pem
  ftp-cli login --ca server.pem ftp://anna@127.0.0.1:2121

Exit codes:
  0  ended by SIGINT or SIGTERM
  2  usage: an option, or a file named by them, is wrong
  4  cannot listen on the address, or input or output failed";

#[derive(Args, Clone)]
#[command(after_help = SERVE_AFTER_HELP)]
pub(crate) struct ServeArguments {
    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2121")]
    pub(crate) listen: String,

    /// The users who may log in
    #[arg(long, value_name = "FILE", required_unless_present = "anonymous")]
    pub(crate) users: Option<PathBuf>,

    /// The certificate (PEM, its chain after it); default: a new one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Write the new certificate to this file, for `login --ca`
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    pub(crate) write_cert: Option<PathBuf>,

    /// Use TLS from the first byte instead of AUTH TLS
    #[arg(long)]
    pub(crate) implicit: bool,

    /// Do not require TLS. DANGEROUS: others can read passwords
    #[arg(long, conflicts_with = "implicit")]
    pub(crate) danger_optional_tls: bool,

    /// The default: no login without TLS
    #[arg(long, hide = true, conflicts_with = "danger_optional_tls")]
    pub(crate) require_tls: bool,

    /// Let `anonymous` and `ftp` log in with any password
    #[arg(long)]
    pub(crate) anonymous: bool,

    /// Greet with the lines of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) greeting: Option<PathBuf>,

    /// Close a connection after N failed logins
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) max_attempts: NonZeroU32,

    /// Change a limit of the guard, see below (repeatable)
    #[arg(
        long, value_name = "KEY=VALUE", value_parser = GuardOption::parse,
        conflicts_with = "danger_no_guard"
    )]
    pub(crate) guard: Vec<GuardOption>,

    /// Never lock out these addresses (repeatable)
    #[arg(long, value_name = "ADDR[/BITS]", conflicts_with = "danger_no_guard")]
    pub(crate) guard_allow: Vec<Network>,

    /// Use no guard. DANGEROUS: an attacker can guess without end
    #[arg(long)]
    pub(crate) danger_no_guard: bool,

    /// Expect PROXY headers from these balancers (repeatable)
    #[arg(long, value_name = "ADDR[/BITS]")]
    pub(crate) proxy_protocol: Vec<Network>,

    /// Serve Prometheus metrics at http://ADDR/metrics, to anyone
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,

    /// Serve N connections at a time; others get 421
    #[arg(long, value_name = "N", default_value = "900")]
    pub(crate) max_sessions: NonZeroUsize,

    /// How long a login may take, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = parse_seconds)]
    pub(crate) login_timeout: Duration,

    /// How long a client may be idle, in seconds
    #[arg(long, value_name = "SECS", default_value = "300", value_parser = parse_seconds)]
    pub(crate) idle_timeout: Duration,

    /// The format of the log on standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// The choices of `--log-format`: for people, or one JSON object a line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
