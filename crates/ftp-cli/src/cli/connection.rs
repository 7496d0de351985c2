//! The options that every command has that connects to a server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ftp_rustls::CertificatePin;

use crate::options::parse_seconds;

/// Who logs in, which certificates are trusted, and what is sent on the way.
#[derive(Args)]
pub(crate) struct ConnectionArguments {
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

    /// Send several commands of the login in one write where that is safe
    #[arg(long)]
    pub(crate) pipeline: bool,

    /// How often to try again after a failure that may pass [default: 0 for login, else 3]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,

    /// How long each phase may take, in seconds
    #[arg(
        long, value_name = "SECS", default_value = "30", value_parser = parse_seconds,
        allow_negative_numbers = true
    )]
    pub(crate) timeout: Duration,
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
