//! The options of the command line, and their help. Each command has a module of its own, which does
//! the work. The help of a command is one screen: one line for each option. The README of the crate
//! has the details.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ftp_guard::Network;
use ftp_proto::DateTime;
use ftp_rustls::CertificatePin;

use crate::options::{GuardOption, parse_seconds};

const AFTER_HELP: &str = "\
Examples:
  ftp-cli                                      watch four logins to a server of its own
  ftp-cli login ftp://anna@ftp.example.com     explicit TLS, asks for the password
  ftp-cli login ftps://anna@ftp.example.com    implicit TLS, port 990
  ftp-cli serve --users users.txt              a server to try clients against
  ftp-cli decode replies captured.bin          captured bytes as JSON

Exit codes:
  0  logged in, or the command did its work
  1  demo: a dialogue ended in an unexpected way
  2  usage: an option, the URL, or a file named by them is wrong
  3  the server refused the login, or needs an account
  4  the server is unavailable or too slow, or input or output failed
  5  the peer broke the protocol (decode: the bytes do)
  6  TLS failed: the handshake, or the certificate";

/// Log in to FTP servers, or run one for tests.
#[derive(Parser)]
#[command(name = "ftp-cli", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The command; `demo` if there is none
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a server on the loopback interface, log in to it four times, and show each dialogue
    Demo(DemoArguments),
    /// Log in to a server and report how it went
    Login(Box<LoginArguments>),
    /// Run a server to try clients against: it checks logins and has no files
    Serve(Box<ServeArguments>),
    /// Read a password from standard input and print its argon2id hash, for the users file
    #[command(after_help = HASH_AFTER_HELP)]
    Hash,
    /// Turn captured bytes of a control connection or a listing into JSON, one object a line
    Decode(DecodeArguments),
}

const HASH_AFTER_HELP: &str = "\
Examples:
  ftp-cli hash                                   asks for the password twice
  echo \"anna:$(ftp-cli hash)\" >> users.txt      adds a user";

const DEMO_AFTER_HELP: &str = "\
Examples:
  ftp-cli demo
  ftp-cli demo --runtime blocking

Exit codes:
  0  all dialogues ended as expected
  1  a dialogue did not";

#[derive(Args, Default)]
#[command(after_help = DEMO_AFTER_HELP)]
pub(crate) struct DemoArguments {
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

    /// User name, sent as it is
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// Account, sent if the server asks for one
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Read the password from this file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub(crate) password_file: Option<PathBuf>,

    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// Use no TLS. DANGEROUS: others can read the password
    #[arg(
        long,
        conflicts_with_all = ["ca", "cert_sha256", "danger_accept_any_cert", "client_cert", "auth_ssl_fallback"]
    )]
    pub(crate) plaintext: bool,

    /// Trust only the certificates in this PEM file
    #[arg(long, value_name = "FILE", conflicts_with = "danger_accept_any_cert")]
    pub(crate) ca: Option<PathBuf>,

    /// Trust only the certificate or key with this SHA-256 (repeatable)
    #[arg(
        long, value_name = "HASH", value_parser = clap::value_parser!(CertificatePin),
        conflicts_with_all = ["ca", "danger_accept_any_cert"]
    )]
    pub(crate) cert_sha256: Vec<CertificatePin>,

    /// Accept any certificate. DANGEROUS: it may be an attacker's
    #[arg(long)]
    pub(crate) danger_accept_any_cert: bool,

    /// Show this certificate to the server (PEM, its chain after it)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,

    /// The private key of --client-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,

    /// Send AUTH SSL if the server refuses AUTH TLS
    #[arg(long)]
    pub(crate) auth_ssl_fallback: bool,

    /// Take several 220 replies as one greeting
    #[arg(long)]
    pub(crate) lenient_greeting: bool,

    /// Encryption of data connections (PROT P)
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = ProtectionChoice::Required)]
    pub(crate) protection: ProtectionChoice,

    /// Send HOST with this name before USER (RFC 7151)
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Send OPTS UTF8 ON before USER, for names that are not ASCII
    #[arg(
        long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true,
        default_missing_value = "always", default_value_t = Utf8Choice::Never
    )]
    pub(crate) utf8: Utf8Choice,

    /// Send several commands in one write where that is safe
    #[arg(long)]
    pub(crate) pipeline: bool,

    /// How often to try again after a failure that may pass
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,

    /// How long each phase may take, in seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = parse_seconds)]
    pub(crate) timeout: Duration,

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

/// The choices of `--protection`: `PROT P` or no login, `PROT P` if the server takes it, no `PROT`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ProtectionChoice {
    Required,
    Preferred,
    Clear,
}

/// The choices of `--utf8`: `announced` sends it if the reply to `FEAT` lists UTF8.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Utf8Choice {
    Never,
    Announced,
    Always,
}

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

const DECODE_AFTER_HELP: &str = "\
Output:
  replies   {\"code\":220,\"lines\":[\"Ready.\"],\"multiline\":false,\"irregular\":false}
  commands  {\"verb\":\"USER\",\"argument\":\"anna\"}
  listing   {\"name\":\"a b\",\"kind\":\"file\",\"size\":5,\"unsafe_name\":false,\"raw\":\"…\"}
            {\"skipped\":\"total\"} for a line that is not an entry
  {\"incomplete\":N}             at the end, if N bytes of an unfinished message are left
  {\"error\":\"…\",\"at\":OFFSET}    at a protocol fault, with exit code 5
Bytes that are not UTF-8 become U+FFFD; then \"raw\" (in listings \"raw_hex\") has them in hexadecimal.
Passwords in the input are in the output: keep it secret.

Examples:
  printf 'user anna\\r\\n' | ftp-cli decode commands
  ftp-cli decode listing --now 2024-05-01T12:00:00Z list.txt";

#[derive(Args)]
#[command(after_help = DECODE_AFTER_HELP)]
pub(crate) struct DecodeArguments {
    /// What the bytes are: from a server, from a client, or of a listing (LIST, MLSD)
    #[arg(value_enum)]
    pub(crate) direction: Direction,

    /// The captured bytes; default or `-`: standard input
    pub(crate) file: Option<PathBuf>,

    /// When the listing was received (RFC 3339), for dates without a year; default: now
    #[arg(long, value_name = "TIME", value_parser = crate::decode::parse_now)]
    pub(crate) now: Option<DateTime>,
}

/// What a captured stream holds.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Direction {
    Replies,
    Commands,
    Listing,
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
