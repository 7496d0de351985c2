//! The command line: what can be asked for. What is done about it lives in the module of each
//! command.

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
  ftp-cli                                        watch four logins to a server of its own
  ftp-cli login ftp://anna@ftp.example.com       explicit TLS, asks for the password
  ftp-cli login ftps://anna@ftp.example.com      implicit TLS, port 990
  ftp-cli login --json ftp://ftp.example.com     anonymous, the result as JSON
  echo secret | ftp-cli hash                     a hash for the users file
  ftp-cli serve --users users.txt                a server to try clients against
  ftp-cli decode replies captured.bin            captured bytes as JSON

Exit codes:
  0  logged in, or the command did its work
  1  demo: a dialogue did not end as it must
  2  usage: an option, the URL, or a file named by them is wrong
  3  the server refused the login, or needs an account
  4  the server is unavailable or too slow, or input or output failed
  5  the peer broke the protocol (decode: the bytes do)
  6  TLS failed: the handshake, or the certificate";

/// Log in to FTP servers, or be one.
#[derive(Parser)]
#[command(name = "ftp-cli", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// What to do; `demo` if nothing is said
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a server on the loopback interface, log in to it four times, show each dialogue
    Demo(DemoArguments),
    /// Log in to a server, and say how it went
    Login(Box<LoginArguments>),
    /// Be a login server to try clients against
    Serve(Box<ServeArguments>),
    /// Make an argon2id hash for the users file from a password on standard input
    Hash,
    /// Turn captured bytes of a control connection, or a listing, into JSON, one object a line
    Decode(DecodeArguments),
}

#[derive(Args, Default)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) runtime: RuntimeArguments,
}

#[derive(Args, Default)]
pub(crate) struct RuntimeArguments {
    /// What moves the bytes: the protocol is the same, so this shows whether a difference is the
    /// adapter's
    #[arg(long, value_enum, value_name = "RUNTIME", default_value_t)]
    pub(crate) runtime: RuntimeChoice,
}

/// The choices of `--runtime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeChoice {
    /// tokio, with ftp-tokio
    #[default]
    Tokio,
    /// smol, with ftp-smol
    Smol,
    /// async-std, with ftp-async-std
    #[cfg(feature = "async-std")]
    AsyncStd,
    /// No runtime: blocking sockets, with ftp-blocking
    Blocking,
}

const LOGIN_AFTER_HELP: &str = "\
The password is the first one found of:
  --password-file, --password-stdin, FTP_PASSWORD, the URL, the netrc file,
  and last, if standard input is a terminal, a prompt without echo.
Only a line end behind a password is taken off; spaces count.
Without a user in --user, the URL or the netrc file the login is anonymous; FTP_PASSWORD is not
sent then. The netrc file is $NETRC, or ~/.netrc. It is read as curl reads it, quotes too; a # begins
a comment, except at or inside the value of a keyword.

Examples:
  ftp-cli login ftp://anna@ftp.example.com
  ftp-cli login --ca company.pem --then PWD --then SYST ftp://anna@ftp.example.com:2121
  ftp-cli login --cert-sha256 3A:F1:…:09 ftp://admin@camera.example.com
  FTP_PASSWORD=secret ftp-cli login --json 'ftps://anna@[2001:db8::1]'
  ftp-cli login --password-file secret.txt --account payroll ftp://anna@mainframe.example.com

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
    /// Where to log in, and as whom.
    // Read by the command, not by clap, whose errors would repeat the password in it. The help is
    // no doc comment because rustdoc takes its brackets for links.
    #[arg(
        value_name = "URL",
        help = "Where to: ftp://[user[:password]@]host[:port] for explicit TLS, ftps://… for implicit"
    )]
    pub(crate) url: String,

    /// User name, taken verbatim
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// Account, sent if the server asks for one. Other users of this machine may see it in the
    /// list of processes; a netrc file hides it
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Read the password from this file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub(crate) password_file: Option<PathBuf>,

    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// Log in without TLS. DANGEROUS: name and password can be read on the way
    #[arg(
        long,
        conflicts_with_all = ["ca", "cert_sha256", "danger_accept_any_cert", "client_cert", "auth_ssl_fallback"]
    )]
    pub(crate) plaintext: bool,

    /// Trust the certificates in this PEM file, and no others
    #[arg(long, value_name = "FILE", conflicts_with = "danger_accept_any_cert")]
    pub(crate) ca: Option<PathBuf>,

    /// Trust the server whose certificate, or the key in it, has this SHA-256 hash, and no other.
    /// Nothing else in the certificate counts: no name, date or authority. In hexadecimal, with or
    /// without colons, or as curl's sha256//BASE64 (repeatable)
    #[arg(
        long, value_name = "HASH", value_parser = clap::value_parser!(CertificatePin),
        conflicts_with_all = ["ca", "danger_accept_any_cert"]
    )]
    pub(crate) cert_sha256: Vec<CertificatePin>,

    /// Accept whatever certificate comes. DANGEROUS: anyone on the way can pose as the server;
    /// --cert-sha256 is safe
    #[arg(long)]
    pub(crate) danger_accept_any_cert: bool,

    /// Show the server this certificate (PEM, its chain behind it)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,

    /// The private key of --client-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,

    /// Try AUTH SSL when the server refuses AUTH TLS; the handshake is the same
    #[arg(long)]
    pub(crate) auth_ssl_fallback: bool,

    /// Take several one-line 220 replies as one greeting, as small devices send them
    #[arg(long)]
    pub(crate) lenient_greeting: bool,

    /// Encryption of data connections to ask for: without `required`, a server that cannot do it
    /// is logged in to all the same
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = ProtectionChoice::Required)]
    pub(crate) protection: ProtectionChoice,

    /// Send HOST with this name before USER (RFC 7151)
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Say before USER that names are in UTF-8 (OPTS UTF8 ON): IIS refuses names that are not plain
    /// ASCII otherwise. `announced` asks with FEAT first
    #[arg(
        long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true,
        default_missing_value = "always", default_value_t = Utf8Choice::Never
    )]
    pub(crate) utf8: Utf8Choice,

    /// Send what is safe to send together in one write, to save round trips
    #[arg(long)]
    pub(crate) pipeline: bool,

    /// Try again this often if the connection was refused, lost, or not made in time, if a phase took
    /// too long, or after 421 or another 4yz. Once a password or account was sent, only after 421:
    /// whatever else comes then may mean that it is wrong. Not after a 5yz, a broken protocol, a
    /// name that cannot be resolved, or a failure of TLS, except a handshake that was cut off
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,

    /// How long each phase may take, in seconds (fractions allowed). The answer to QUIT is waited for
    /// no longer than 3
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = parse_seconds)]
    pub(crate) timeout: Duration,

    /// Send this command once logged in and show the reply (repeatable)
    #[arg(long = "then", value_name = "CMD")]
    pub(crate) then: Vec<String>,

    /// No dialogue; only replies to --then, and what went wrong
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Time stamps in front of each line of the dialogue, and the time of each phase
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// One JSON object on standard output, and nothing else there. `outcome`, `phase`, `code`, `message`
    /// and `hint` say how it ended; `tls` and `protection` what was agreed; `refused_certificate`
    /// what the server showed if it is not trusted
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) runtime: RuntimeArguments,
}

/// The choices of `--protection`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ProtectionChoice {
    /// PROT P, or the login fails
    Required,
    /// PROT P, or in clear if the server refuses
    Preferred,
    /// Do not ask
    Clear,
}

/// The choices of `--utf8`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Utf8Choice {
    /// Do not say it
    Never,
    /// If the reply to FEAT lists UTF8
    Announced,
    /// Unasked; a server that refuses is logged in to all the same
    Always,
}

const SERVE_AFTER_HELP: &str = "\
The users file has one user a line: name:hash or name:hash:account. The hash is what `ftp-cli
hash` prints. Blank lines and lines that begin with # are skipped; everything else counts, spaces
too. With an account the user is asked for it after the right password (332). If hashes differ in their
costs, each check computes one of every kind, so that its time does not tell who is in the file.

The server counts across connections: failures slow an address down and lock it out, and a name at
that address; whoever is locked out hears what a wrong password hears, even with the right one. The
log says so, and which option is at work. --guard KEY=VALUE changes a default:
  connections=N                 open at once, in all; as --max-sessions says unless given. An eighth is
                                kept for addresses that logged in before; one that did not gets an
                                eighth of what is left at most
  connections-per-address=64    an IPv6 address is its /64. With --max-sessions or more, one address
                                may take all
  connections-per-network=512   a /24, or a /48 of IPv6
  sessions-per-user=256         logged in at once
  user-at-address=5             failures in 15 minutes that lock a name at an address
  address=20                    failures in 15 minutes that lock an address
  network=100                   failures in 15 minutes that lock a network, except addresses that
                                logged in before
  user=N                        failures in an hour that lock a name from everywhere; off unless
                                given, since then anyone can lock its owner out
  answer-floor=0.5              seconds before which no password is answered, right or wrong
People behind one address share its failures: --guard-allow ADDR takes it out of address and network,
and counts it as one that logged in before. Clients that are tried out from one machine share its
address, too. If they fail more often than that on purpose, raise user-at-address as well, or give
--danger-no-guard.

The first line on standard output is `listening on ADDR`; `metrics on URL` and the fingerprint of a
certificate that was made here, as login --cert-sha256 takes it, follow, where there are any. SIGINT and SIGTERM end the server: each
client gets a 421, and the exit code is 0. SIGHUP reads the users file and the certificate again;
sessions go on, and if a file is bad, or hangs for 10 seconds, the old ones stay and the log says why.

Examples:
  echo \"anna:$(ftp-cli hash)\" > users.txt
  ftp-cli serve --users users.txt --write-cert server.pem
  ftp-cli login --ca server.pem ftp://anna@127.0.0.1:2121
  ftp-cli serve --users users.txt --listen 0.0.0.0:990 --implicit --cert cert.pem --key key.pem

Exit codes:
  0  ended by a signal
  2  usage: an option, or a file named by them, is wrong
  4  the address cannot be listened on, or input or output failed";

#[derive(Args, Clone)]
#[command(after_help = SERVE_AFTER_HELP)]
pub(crate) struct ServeArguments {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2121")]
    pub(crate) listen: String,

    /// Who may log in
    #[arg(long, value_name = "FILE", required_unless_present = "anonymous")]
    pub(crate) users: Option<PathBuf>,

    /// The server's certificate (PEM, its chain behind it); without it one is made for this run
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Write the certificate that is made for this run to this file (PEM), for `login --ca`
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    pub(crate) write_cert: Option<PathBuf>,

    /// TLS from the first byte, instead of AUTH TLS
    #[arg(long)]
    pub(crate) implicit: bool,

    /// Offer TLS without demanding it, for old devices. DANGEROUS: names and passwords of clients that
    /// do without can be read on the way
    #[arg(long, conflicts_with = "implicit")]
    pub(crate) danger_optional_tls: bool,

    /// What is the default: no login without TLS
    #[arg(long, hide = true, conflicts_with = "danger_optional_tls")]
    pub(crate) require_tls: bool,

    /// Let `anonymous` and `ftp` log in with any password
    #[arg(long)]
    pub(crate) anonymous: bool,

    /// Greet with the lines of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) greeting: Option<PathBuf>,

    /// Close the connection after this many failed logins
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) max_attempts: NonZeroU32,

    /// Change a default of the guard against guessing (repeatable, see below)
    #[arg(
        long, value_name = "KEY=VALUE", value_parser = GuardOption::parse,
        conflicts_with = "danger_no_guard"
    )]
    pub(crate) guard: Vec<GuardOption>,

    /// Never lock these addresses out, whatever fails there (repeatable): an office behind one
    /// address, a balancer, a monitor. Names are still locked there, each for its own failures
    #[arg(long, value_name = "ADDR[/PREFIX]", conflicts_with = "danger_no_guard")]
    pub(crate) guard_allow: Vec<Network>,

    /// Count failures for each connection alone. DANGEROUS: a guesser just connects again
    #[arg(long)]
    pub(crate) danger_no_guard: bool,

    /// Balancers, whose connections must begin with a PROXY header (version 1 or 2) that says who
    /// the client is (repeatable). From any other address such a header is a bad command
    #[arg(long, value_name = "ADDR[/PREFIX]")]
    pub(crate) proxy_protocol: Vec<Network>,

    /// Serve metrics for Prometheus at http://ADDR/metrics, to anyone who asks there
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,

    /// How many connections to serve at a time; more are told 421. Each is an open file
    #[arg(long, value_name = "N", default_value = "900")]
    pub(crate) max_sessions: NonZeroUsize,

    /// How long a login may take, in seconds (fractions allowed)
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = parse_seconds)]
    pub(crate) login_timeout: Duration,

    /// How long a client may say nothing once logged in, in seconds (fractions allowed)
    #[arg(long, value_name = "SECS", default_value = "300", value_parser = parse_seconds)]
    pub(crate) idle_timeout: Duration,

    /// How the log on standard error is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// The choices of `--log-format`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

const DECODE_AFTER_HELP: &str = "\
Replies:   {\"code\":220,\"lines\":[\"Ready.\"],\"multiline\":false,\"irregular\":false}
Commands:  {\"verb\":\"USER\",\"argument\":\"anna\"}
Listings:  {\"name\":\"a b\",\"kind\":\"file\",\"size\":5,\"unsafe_name\":false,\"raw\":\"…\"} and what else
the server said; {\"skipped\":\"total\"} for a line that is no entry.
Bytes that are not UTF-8 are shown as U+FFFD; then \"raw\" (of listings: \"raw_hex\") has the bytes in hexadecimal, one string
for each line (for a command: its argument).
At the end {\"incomplete\":N} if N bytes of an unfinished message are left. At a fault
{\"error\":\"…\",\"at\":OFFSET} with the offset of the offending byte, and exit code 5.

The arguments of PASS and ACCT are shown as they are in the bytes: keep the output as safe as the
capture.

Examples:
  ftp-cli decode replies captured.bin
  printf 'user anna\\r\\n' | ftp-cli decode commands
  ftp-cli decode listing --now 2024-05-01T12:00:00Z list.txt";

#[derive(Args)]
#[command(after_help = DECODE_AFTER_HELP)]
pub(crate) struct DecodeArguments {
    /// What the bytes are
    #[arg(value_enum)]
    pub(crate) direction: Direction,

    /// The captured bytes; standard input if none is named, or `-`
    pub(crate) file: Option<PathBuf>,

    /// When a listing was received (RFC 3339), for dates without a year; now if not given
    #[arg(long, value_name = "TIME", value_parser = crate::decode::parse_now)]
    pub(crate) now: Option<DateTime>,
}

/// What a captured stream holds.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Direction {
    /// What a server sent
    Replies,
    /// What a client sent
    Commands,
    /// What came over a data connection for LIST or MLSD
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
