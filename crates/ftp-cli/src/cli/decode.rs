//! The options of `ftp-cli decode`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ftp_proto::DateTime;

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
