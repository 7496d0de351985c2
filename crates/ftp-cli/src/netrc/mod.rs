//! Logins from the netrc file: which file, and its errors. The format is in `format`, which uses
//! nothing else of this program, so that a fuzz target can include it alone.

mod format;
#[cfg(test)]
mod law;
#[cfg(test)]
mod tests;

use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::format::{Entry, Fault, Problem};

pub(crate) use self::format::Value;
use crate::encoding;
use crate::exit::Failure;
use crate::output::complain;

/// The longest file that is read: eight times curl's limit, and a bound for `NETRC=/dev/zero`.
const LONGEST_FILE: u64 = 1024 * 1024;

/// An entry, and its file.
pub(crate) struct Found {
    entry: Entry,
    path: PathBuf,
}

impl Found {
    pub(crate) fn login(&self) -> Option<&Value> {
        self.entry.login.as_ref()
    }

    pub(crate) fn password(&self) -> Option<&Value> {
        self.entry.password.as_ref()
    }

    pub(crate) fn account(&self) -> Option<&Value> {
        self.entry.account.as_ref()
    }

    /// `FILE, line N` of one of these.
    pub(crate) fn place(&self, value: &Value) -> String {
        place(&self.path, value.line)
    }
}

fn place(path: &Path, line: usize) -> String {
    format!("{}, line {line}", path.display())
}

/// The entry for a host, and for this user if there is one: from the file that `NETRC` names,
/// otherwise from `.netrc` in the home directory.
///
/// # Errors
/// If the file exists but cannot be read, or its entry for the host has a fault.
pub(crate) fn entry_for(host: &str, user: Option<&[u8]>) -> Result<Option<Found>, Failure> {
    let Some(path) = path() else { return Ok(None) };
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(
                Failure::usage(format!("cannot read {}: {error}", path.display()))
                    .hint("it is read for a user name or password; give both to do without it"),
            );
        }
    };
    let text = encoding::plain(&format!("the netrc file {}", path.display()), &bytes)?;
    let entry = format::find(text, host.as_bytes(), user)
        .map_err(|fault| unreadable(&path, host, fault))?;
    let Some(entry) = entry else { return Ok(None) };
    if entry.password.is_some() {
        warn_if_others_can_read(&path);
    }
    Ok(Some(Found { entry, path }))
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    // Room for all of it: a vector that grows leaves copies of the secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == LONGEST_FILE {
        return Err(io::Error::other("it is longer than a MiB"));
    }
    Ok(bytes)
}

fn path() -> Option<PathBuf> {
    match env::var_os("NETRC") {
        Some(path) if !path.is_empty() => {
            let path = PathBuf::from(path);
            if !path.exists() {
                complain(format_args!(
                    "note: NETRC names {}, which is not there",
                    path.display()
                ));
            }
            Some(path)
        }
        _ => env::home_dir().map(|home| home.join(".netrc")),
    }
}

/// The error, with its place. It repeats no word of the file: each may be part of a password.
fn unreadable(path: &Path, host: &str, fault: Fault) -> Failure {
    let (what, hint) = match fault.problem {
        Problem::UnclosedQuote => (
            "a quote is not closed on its line",
            "inside quotes, a quote is written \\\" and a backslash \\\\",
        ),
        Problem::MissingValue => (
            "`machine`, `login`, `password` or `account` without a value",
            "an empty password is written \"\"",
        ),
        Problem::ValueOrComment => (
            "what begins with # may be a value or a comment",
            "put a value that begins with # in quotes; give a comment a line of its own",
        ),
        Problem::LoneCarriageReturn => (
            "a comment holds a carriage return, which ends no line, and words of an entry after it",
            "end the lines with line feeds",
        ),
    };
    let place = place(path, fault.line);
    Failure::usage(format!(
        "cannot read the entry for {host} in {place}: {what}"
    ))
    .hint(hint)
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open =
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        complain(format_args!(
            "warning: other users can read the passwords in {0}; chmod 600 {0}",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_path: &Path) {}
