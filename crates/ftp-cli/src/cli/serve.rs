//! The options of `ftp-cli serve`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ftp_guard::Network;
use ftp_proto::Username;

use crate::options::{
    ExternalHost, GuardOption, parse_ports, parse_rate, parse_seconds, parse_username,
};
use crate::serve::{Quota, Template};

const SERVE_AFTER_HELP: &str = "\
Each line of the users file is name:hash or name:hash:account. `ftp-cli hash` makes the hash.
A file *.toml has more for each user: root, rights, quota, addresses. See the README.
With --root users may read and change all files in it, and `anonymous` may read them.

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

The first line of output is `listening on ADDR`. SIGHUP reads users and certificate again, and
opens the transfer log anew.

Examples:
  ftp-cli serve --root . --user me --listen 0.0.0.0:2121
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
    /// The address to listen on, unless systemd passes a socket
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2121")]
    pub(crate) listen: String,

    /// Greet with the lines of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) greeting: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) who: UserArguments,

    #[command(flatten)]
    pub(crate) files: FileArguments,

    #[command(flatten)]
    pub(crate) tls: ServeTlsArguments,

    #[command(flatten)]
    pub(crate) guard: GuardArguments,

    #[cfg(feature = "guard-store")]
    #[command(flatten)]
    pub(crate) store: StoreArguments,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) operation: OperationArguments,
}

/// Who may log in.
#[derive(Args, Clone)]
#[command(next_help_heading = "Users")]
pub(crate) struct UserArguments {
    /// The users who may log in
    #[arg(long = "users", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Let in this user, with a new password, which is printed once
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    pub(crate) user: Option<Username>,

    /// Let `anonymous` and `ftp` in, to read DIR; default: --root
    #[arg(
        long, value_name = "DIR", num_args = 0..=1, require_equals = true,
        value_parser = clap::value_parser!(PathBuf)
    )]
    pub(crate) anonymous: Option<Option<PathBuf>>,

    /// The home of each user, as in '{root}/{user}'
    #[arg(long, value_name = "PATH", value_parser = Template::parse)]
    pub(crate) home_template: Option<Template>,

    /// How much may be in each user's directory: 10G, 10G:5000
    #[arg(long, value_name = "BYTES[:FILES]", value_parser = Quota::parse)]
    pub(crate) quota: Option<Quota>,
}

/// Which files are served, and how.
#[derive(Args, Clone)]
#[command(next_help_heading = "Files")]
pub(crate) struct FileArguments {
    /// Serve the files in this directory; default: none
    #[cfg_attr(
        feature = "object-store",
        doc = "",
        doc = "Or in an object store: s3://BUCKET/PREFIX, gs://… or az://…, with its settings and credentials in",
        doc = "the environment (AWS_REGION, AWS_ACCESS_KEY_ID and so on)"
    )]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,

    /// Let nobody change anything
    #[arg(long)]
    pub(crate) read_only: bool,

    /// How files are replaced: when the new one is whole, or while it comes
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Uploads::Atomic)]
    pub(crate) uploads: Uploads,

    /// Ports for passive data connections; default: any
    #[arg(long, value_name = "A-B", value_parser = parse_ports)]
    pub(crate) passive_ports: Option<RangeInclusive<u16>>,

    /// The IPv4 address that clients find this server at, or its name (PASV)
    #[arg(long, value_name = "HOST", value_parser = ExternalHost::parse)]
    pub(crate) external_address: Option<ExternalHost>,

    /// Connect to clients that want it (PORT), at their own address
    #[arg(long)]
    pub(crate) active: bool,

    /// The time to open a data connection, in seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = parse_seconds)]
    pub(crate) data_timeout: Duration,

    /// How long a transfer may stand still, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = parse_seconds)]
    pub(crate) stall_timeout: Duration,
}

/// TLS and certificates.
#[derive(Args, Clone)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ServeTlsArguments {
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

    /// Refuse transfers and listings without TLS (PROT P)
    #[arg(long, conflicts_with = "danger_optional_tls")]
    pub(crate) require_data_tls: bool,

    /// Whether data connections resume the TLS session of the login
    #[arg(long, value_enum, value_name = "HOW", default_value_t = TlsResumption::Report)]
    pub(crate) tls_resumption: TlsResumption,

    /// Do not require TLS. DANGEROUS: others can read passwords
    #[arg(long, conflicts_with = "implicit")]
    pub(crate) danger_optional_tls: bool,

    /// The default: no login without TLS
    #[arg(long, hide = true, conflicts_with = "danger_optional_tls")]
    pub(crate) require_tls: bool,
}

/// What is done about guessed passwords and floods.
#[derive(Args, Clone)]
#[command(next_help_heading = "Guard")]
pub(crate) struct GuardArguments {
    /// Change a limit of the guard, see below (repeatable)
    #[arg(
        long = "guard", value_name = "KEY=VALUE", value_parser = GuardOption::parse,
        conflicts_with = "danger_no_guard"
    )]
    pub(crate) changes: Vec<GuardOption>,

    /// Never lock out these addresses (repeatable)
    #[arg(
        long = "guard-allow",
        value_name = "ADDR[/BITS]",
        conflicts_with = "danger_no_guard"
    )]
    pub(crate) allow: Vec<Network>,

    /// Use no guard. DANGEROUS: an attacker can guess without end
    #[arg(long)]
    pub(crate) danger_no_guard: bool,

    /// Close a connection after N failed logins
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) max_attempts: NonZeroU32,
}

/// What front ends share of their guards.
#[cfg(feature = "guard-store")]
#[derive(Args, Clone)]
#[command(next_help_heading = "Shared guard")]
pub(crate) struct StoreArguments {
    /// Share what the guard knows, at redis://HOST:PORT/DATABASE
    #[arg(
        long = "guard-store", value_name = "URL", conflicts_with = "danger_no_guard",
        requires_all = ["seed", "name"]
    )]
    pub(crate) url: Option<String>,

    /// A file of 32 hexadecimal digits, secret, the same everywhere
    #[arg(long = "guard-seed", value_name = "FILE", requires = "url")]
    pub(crate) seed: Option<PathBuf>,

    /// The name of this front end, which no other has
    #[arg(long = "guard-name", value_name = "NAME", requires = "url")]
    pub(crate) name: Option<String>,
}

/// How much at a time, and how long.
#[derive(Args, Clone)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// Serve N connections at a time; others get 421
    #[arg(long, value_name = "N", default_value = "900")]
    pub(crate) max_sessions: NonZeroUsize,

    /// Move N transfers and listings at a time; others get 450
    #[arg(long, value_name = "N")]
    pub(crate) max_transfers: Option<NonZeroUsize>,

    /// Move so many bytes in a second in each session: 500K
    #[arg(long, value_name = "BYTES", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<u64>,

    /// The same for all sessions together
    #[arg(long, value_name = "BYTES", value_parser = parse_rate)]
    pub(crate) limit_total_rate: Option<u64>,

    /// How long a login may take, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = parse_seconds)]
    pub(crate) login_timeout: Duration,

    /// How long a client may be idle, in seconds
    #[arg(long, value_name = "SECS", default_value = "300", value_parser = parse_seconds)]
    pub(crate) idle_timeout: Duration,

    /// How long transfers may go on after SIGTERM, in seconds
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = parse_seconds)]
    pub(crate) drain_timeout: Duration,
}

/// What is around the server.
#[derive(Args, Clone)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperationArguments {
    /// Expect PROXY headers from these balancers (repeatable)
    #[arg(long, value_name = "ADDR[/BITS]")]
    pub(crate) proxy_protocol: Vec<Network>,

    /// Serve Prometheus metrics at http://ADDR/metrics, to anyone
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,

    /// Append a line for each transfer of a file, as in xferlog
    #[arg(long, value_name = "FILE")]
    pub(crate) transfer_log: Option<PathBuf>,

    /// The format of the log on standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

impl ServeArguments {
    /// The first option that has a meaning only where files are served.
    pub(crate) fn option_for_files(&self) -> Option<&'static str> {
        let files = &self.files;
        [
            ("--read-only", files.read_only),
            ("--quota", self.who.quota.is_some()),
            ("--uploads", files.uploads != Uploads::Atomic),
            ("--transfer-log", self.operation.transfer_log.is_some()),
            ("--passive-ports", files.passive_ports.is_some()),
            ("--external-address", files.external_address.is_some()),
            ("--active", files.active),
            ("--max-transfers", self.limits.max_transfers.is_some()),
            ("--limit-rate", self.limits.limit_rate.is_some()),
            ("--limit-total-rate", self.limits.limit_total_rate.is_some()),
        ]
        .into_iter()
        .find_map(|(option, is_given)| is_given.then_some(option))
    }
}

/// The choices of `--tls-resumption`: in no data connection, where the client does it, or in each.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsResumption {
    Off,
    Report,
    Require,
}

/// The choices of `--uploads`: under a hidden name until all has come, or over the old file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Uploads {
    Atomic,
    InPlace,
}

/// The choices of `--log-format`: for people, or one JSON object a line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
